//! The things that a round may leave behind: tasks, descriptors, memory.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};

use crate::MEMORY;

/// The rounds in which threads, tables and the like take the memory that they keep.
const FIRST: u64 = 50;

/// The growth in bytes that all later rounds together may have: less than one leaked byte a round would cost.
const GROWTH: usize = 256 * 1024;

/// The time for threads that close descriptors, and for tasks that end.
const PATIENCE: Duration = Duration::from_secs(20);

/// The descriptors and the memory before.
pub(crate) struct Left {
    descriptors: usize,
    memory: Option<usize>,
}

pub(crate) fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Checks that all tasks of a runtime have ended.
pub(crate) fn no_task(runtime: &Runtime) {
    let alive = || runtime.metrics().num_alive_tasks();
    let start = Instant::now();
    while alive() > 0 && start.elapsed() < PATIENCE {
        runtime.block_on(tokio::time::sleep(Duration::from_millis(1)));
    }
    assert_eq!(alive(), 0, "tasks are left");
}

impl Left {
    pub(crate) fn new() -> Self {
        // The first runtime of a process opens what all of them share.
        drop(runtime());
        Self {
            descriptors: descriptors(),
            memory: None,
        }
    }

    /// Checks after a round.
    pub(crate) fn check(&mut self, rounds: u64, seed: u64) {
        let start = Instant::now();
        while descriptors() != self.descriptors && start.elapsed() < PATIENCE {
            thread::yield_now();
        }
        let now = descriptors();
        let before = self.descriptors;
        assert_eq!(now, before, "descriptors are left after seed {seed}");
        let memory = MEMORY.current_usage();
        if rounds <= FIRST {
            self.memory = Some(self.memory.unwrap_or(0).max(memory));
        } else if let Some(before) = self.memory {
            let limit = before + GROWTH;
            assert!(
                memory <= limit,
                "{memory} bytes after seed {seed}, {before} before"
            );
        }
    }
}

fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}
