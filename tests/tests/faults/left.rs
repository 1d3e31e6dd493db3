//! Nothing is to be left behind: no descriptor, no process.

use std::fs;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{WaitOptions, wait};
use tokio::runtime::Builder;
use virt_tests::{Process, libvirt};

use crate::Result;

/// The tests count what their common process holds, so only one may run at a time.
static ALONE: Mutex<()> = Mutex::new(());

/// What this process held when a test began.
pub(crate) struct Before {
    descriptors: usize,
    _alone: MutexGuard<'static, ()>,
}

impl Before {
    /// Waits until no other test runs, and counts.
    pub(crate) fn count() -> Result<Self> {
        // A test that has failed fails by itself.
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        // The first runtime of a process may open what all of them share and none closes: its pipe for signals.
        drop(Builder::new_current_thread().enable_all().build()?);
        Ok(Self {
            descriptors: descriptors()?,
            _alone: alone,
        })
    }

    /// Counts again, at the end of a test.
    pub(crate) fn assert_nothing_left(self) -> Result {
        assert_eq!(descriptors()?, self.descriptors, "descriptors are left");
        let child = wait(WaitOptions::NOHANG).err();
        assert_eq!(child, Some(rustix::io::Errno::CHILD), "a process is left");
        Ok(())
    }
}

/// Waits until a peer has as many descriptors as before: it closes its side of a connection in its own time.
pub(crate) fn assert_closed(process: &Process, before: usize) -> Result {
    let deadline = Instant::now() + libvirt::PATIENCE;
    loop {
        let now = process.descriptors()?;
        if now == before {
            return Ok(());
        }
        assert!(
            Instant::now() < deadline,
            "{before} descriptors have become {now}"
        );
        thread::sleep(Duration::from_millis(5));
    }
}

fn descriptors() -> Result<usize> {
    Ok(fs::read_dir("/proc/self/fd")?.count())
}
