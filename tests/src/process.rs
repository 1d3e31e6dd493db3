//! A process that a test started, and that does not outlive it.

use std::fs;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

/// A child process; killed and waited for when dropped, also by a panic.
#[derive(Debug)]
pub struct Process(Child);

impl Process {
    /// Starts it in a process group of its own.
    ///
    /// In the group of the test it would not stay stopped: the kernel has a whole group go on when the process that
    /// started it (a shell's job, say) goes away while one of its processes is stopped.
    ///
    /// # Errors
    ///
    /// Those of starting a process.
    pub fn spawn(command: &mut Command) -> io::Result<Self> {
        command.process_group(0).spawn().map(Self)
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// Returns its exit status, `None` while it runs.
    ///
    /// # Errors
    ///
    /// Those of `wait(2)`.
    pub fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.0.try_wait()
    }

    /// Returns the number of its open descriptors.
    ///
    /// # Errors
    ///
    /// Those of reading `/proc`.
    pub fn descriptors(&self) -> io::Result<usize> {
        Ok(fs::read_dir(format!("/proc/{}/fd", self.id()))?.count())
    }

    /// Stops it (`SIGSTOP`) and waits until it is: its sockets stay open and take bytes, nobody
    /// reads them.
    ///
    /// # Errors
    ///
    /// Those of `kill(2)` and `waitid(2)`.
    pub fn stop(&self) -> io::Result<()> {
        let pid = Pid::from_child(&self.0);
        kill_process(pid, Signal::STOP)?;
        waitid(WaitId::Pid(pid), WaitIdOptions::STOPPED)?;
        Ok(())
    }

    /// Lets it go on (`SIGCONT`).
    ///
    /// # Errors
    ///
    /// Those of `kill(2)`.
    pub fn resume(&self) -> io::Result<()> {
        Ok(kill_process(Pid::from_child(&self.0), Signal::CONT)?)
    }

    /// Ends it without warning (`SIGKILL`) and waits for its end; nothing more if it has ended.
    ///
    /// # Errors
    ///
    /// Those of `kill(2)` and `wait(2)`.
    pub fn kill(&mut self) -> io::Result<()> {
        // The standard library remembers a child it has waited for, so no id is signalled twice.
        self.0.kill()?;
        self.0.wait().map(drop)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Err(error) = self.kill() {
            eprintln!("process {} may be left: {error}", self.id());
        }
    }
}

#[cfg(test)]
mod tests {
    use rustix::process::{getpgid, getpgrp};

    use super::*;

    #[test]
    fn a_process_stays_stopped_whatever_becomes_of_the_group_of_its_test() {
        let process = Process::spawn(Command::new("sleep").arg("60")).unwrap();
        let pid = Pid::from_child(&process.0);
        assert_eq!(getpgid(Some(pid)).unwrap(), pid);
        assert_ne!(getpgrp(), pid);
        process.stop().unwrap();
        let stat = fs::read_to_string(format!("/proc/{}/stat", process.id())).unwrap();
        assert_eq!(stat.split(' ').nth(2), Some("T"), "{stat}");
    }
}
