//! Standard output and standard error, each written line by line by a thread of its own.
//!
//! A reader that takes nothing, such as a pager, blocks a thread alone: the connections go on, and the daemons' PINGs are
//! answered.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep;

use crate::requests::Requests;

/// The number of lines that wait for a slow reader; a further one waits for room.
const LINES: usize = 64;

/// The time for a reader to take the lines that are left, once the run is to end.
const GRACE: Duration = Duration::from_millis(250);

/// A handle to write lines to standard output and standard error.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    stdout: mpsc::Sender<String>,
    stderr: mpsc::Sender<String>,
    requests: Requests,
    /// The reader took nothing within [`GRACE`]; no line waits for it any more.
    stuck: Arc<AtomicBool>,
}

/// The reader has closed standard output, which is no failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OutputClosed;

/// The threads that write.
#[derive(Debug)]
pub(crate) struct Writers {
    stdout: oneshot::Receiver<io::Result<()>>,
    stderr: oneshot::Receiver<io::Result<()>>,
    requests: Requests,
}

impl Output {
    /// Starts the threads.
    pub(crate) fn new(
        stdout: impl Write + Send + 'static,
        stderr: impl Write + Send + 'static,
        requests: &Requests,
    ) -> (Self, Writers) {
        let (stdout, stdout_end) = start(stdout);
        let (stderr, stderr_end) = start(stderr);
        let output = Self {
            stdout,
            stderr,
            requests: requests.clone(),
            stuck: Arc::default(),
        };
        let writers = Writers {
            stdout: stdout_end,
            stderr: stderr_end,
            requests: requests.clone(),
        };
        (output, writers)
    }

    /// Writes text to standard output. It ends where a reader may see it, at the end of a line.
    ///
    /// The text waits for room. Once the run is to end it waits for a quarter of a second, and is then dropped.
    pub(crate) async fn write(&self, text: String) -> Result<(), OutputClosed> {
        self.send(&self.stdout, text).await
    }

    /// Writes text to standard error, as [`write`](Self::write) does. If that is closed, there is the exit status.
    pub(crate) async fn write_error(&self, text: String) {
        let _ = self.send(&self.stderr, text).await;
    }

    async fn send(&self, queue: &mpsc::Sender<String>, text: String) -> Result<(), OutputClosed> {
        let text = match queue.try_send(text) {
            Ok(()) => return Ok(()),
            Err(mpsc::error::TrySendError::Closed(_)) => return Err(OutputClosed),
            Err(mpsc::error::TrySendError::Full(text)) => text,
        };
        if self.stuck.load(Ordering::Relaxed) {
            return Ok(());
        }
        tokio::select! {
            biased;
            sent = queue.send(text) => sent.map_err(|_| OutputClosed),
            () = overdue(&self.requests) => {
                self.stuck.store(true, Ordering::Relaxed);
                Ok(())
            }
        }
    }
}

impl Writers {
    /// Waits until all is written, once every [`Output`] is dropped.
    ///
    /// Once the run is to end, a reader has a quarter of a second to take it.
    ///
    /// # Errors
    ///
    /// Those of standard output, except that its reader has closed it.
    pub(crate) async fn finish(self) -> io::Result<()> {
        let Self {
            stdout,
            stderr,
            requests,
        } = self;
        let written = async {
            let (stdout, _) = tokio::join!(stdout, stderr);
            match stdout {
                Ok(Err(error)) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
                _ => Ok(()),
            }
        };
        tokio::select! {
            biased;
            result = written => result,
            () = overdue(&requests) => Ok(()),
        }
    }
}

/// Waits until the run is to end, and a reader has had time since.
async fn overdue(requests: &Requests) {
    requests.end().await;
    sleep(GRACE).await;
}

fn start(
    out: impl Write + Send + 'static,
) -> (mpsc::Sender<String>, oneshot::Receiver<io::Result<()>>) {
    let (sender, lines) = mpsc::channel(LINES);
    let (done, result) = oneshot::channel();
    thread::spawn(move || {
        // The receiver is gone if nothing waits for the end.
        let _ = done.send(write(out, lines));
    });
    (sender, result)
}

fn write(mut out: impl Write, mut lines: mpsc::Receiver<String>) -> io::Result<()> {
    while let Some(line) = lines.blocking_recv() {
        out.write_all(line.as_bytes())?;
        out.flush()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tokio::time::Instant;

    use super::*;

    /// Takes all bytes between two flushes as one piece, or fails.
    #[derive(Default)]
    struct Paper {
        pieces: Arc<Mutex<Vec<String>>>,
        piece: Vec<u8>,
        failure: Option<io::ErrorKind>,
    }

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if let Some(kind) = self.failure {
                return Err(kind.into());
            }
            self.piece.extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            let piece = String::from_utf8(std::mem::take(&mut self.piece)).unwrap();
            self.pieces.lock().unwrap().push(piece);
            Ok(())
        }
    }

    /// The requests of a run that nothing ends.
    fn unlimited() -> Requests {
        Requests::new(None).1
    }

    #[tokio::test]
    async fn each_line_is_flushed() {
        let paper = Paper::default();
        let pieces = Arc::clone(&paper.pieces);
        let (output, writers) = Output::new(paper, io::sink(), &unlimited());
        output.write("one\n".to_owned()).await.unwrap();
        output.write("two\n".to_owned()).await.unwrap();
        drop(output);
        writers.finish().await.unwrap();
        assert_eq!(*pieces.lock().unwrap(), ["one\n", "two\n"]);
    }

    async fn failing(kind: io::ErrorKind) -> io::Result<()> {
        let paper = Paper {
            failure: Some(kind),
            ..Paper::default()
        };
        let (output, writers) = Output::new(paper, io::sink(), &unlimited());
        while output.write("line\n".to_owned()).await.is_ok() {}
        drop(output);
        writers.finish().await
    }

    #[tokio::test]
    async fn a_closed_pipe_is_the_end_and_no_failure() {
        assert!(failing(io::ErrorKind::BrokenPipe).await.is_ok());
    }

    #[tokio::test]
    async fn a_full_disk_is_a_failure() {
        let error = failing(io::ErrorKind::StorageFull).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }

    /// Takes nothing until the other end of the channel is dropped.
    struct Stalled(std::sync::mpsc::Receiver<()>);

    impl Write for Stalled {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.0.recv();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn after_the_deadline_a_reader_that_takes_nothing_holds_up_nothing() {
        let (_go, wait) = std::sync::mpsc::channel();
        let (_signals, requests) = Requests::new(Some(Instant::now()));
        let (output, writers) = Output::new(Stalled(wait), io::sink(), &requests);
        for _ in 0..10 * LINES {
            output.write("line\n".to_owned()).await.unwrap();
        }
        drop(output);
        writers.finish().await.unwrap();
    }

    #[tokio::test]
    async fn a_reader_that_takes_nothing_holds_up_its_writer_alone() {
        let (go, wait) = std::sync::mpsc::channel();
        let (output, writers) = Output::new(Stalled(wait), io::sink(), &unlimited());
        // The thread holds one more than fit in the queue.
        for _ in 0..=LINES {
            output.write("line\n".to_owned()).await.unwrap();
        }
        tokio::select! {
            biased;
            _ = output.write("line\n".to_owned()) => panic!("there is no room"),
            () = tokio::task::yield_now() => (),
        }
        drop(go);
        drop(output);
        writers.finish().await.unwrap();
    }
}
