//! The output of a process, line by line.

use std::io::{BufRead, BufReader, PipeReader};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread::{self, JoinHandle};

use crate::libvirt::PATIENCE;

/// The lines of a pipe. Dropping it waits for the pipe's end, so the process has to be dropped before.
#[derive(Debug)]
pub(crate) struct Lines {
    lines: Receiver<String>,
    reader: Option<JoinHandle<()>>,
}

impl Lines {
    pub(crate) fn of(words: PipeReader) -> Self {
        let (sender, lines) = mpsc::channel();
        let reader = thread::spawn(move || {
            for line in BufReader::new(words).split(b'\n') {
                let line = line.expect("a pipe can be read");
                // A process repeats what it was sent, which need not be text.
                let line = String::from_utf8_lossy(&line).into_owned();
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Self {
            lines,
            reader: Some(reader),
        }
    }

    /// Waits for the next line, but no longer than [`PATIENCE`].
    pub(crate) fn next(&self) -> Result<String, RecvTimeoutError> {
        self.lines.recv_timeout(PATIENCE)
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        // The reader holds the pipe, which is to be closed when this is gone.
        if let Some(reader) = self.reader.take()
            && reader.join().is_err()
        {
            eprintln!("the reader of a process's words has panicked");
        }
    }
}
