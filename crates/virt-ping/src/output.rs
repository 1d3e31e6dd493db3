//! Standard output, written line by line in a thread of its own.
//!
//! A reader that takes nothing, such as a pager, blocks that thread alone: the connections go on, and the
//! daemons' PINGs are answered.

use std::io::{self, Write};
use std::thread;

use tokio::sync::{mpsc, oneshot};

/// How many lines wait for a slow reader; then whoever has another one waits.
const LINES: usize = 64;

/// Where lines are written to.
#[derive(Debug, Clone)]
pub(crate) struct Output(mpsc::Sender<String>);

/// Nobody reads the output any more, which is no failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gone;

/// The thread that writes.
#[derive(Debug)]
pub(crate) struct Writer(oneshot::Receiver<io::Result<()>>);

impl Output {
    /// Starts the thread.
    pub(crate) fn new(out: impl Write + Send + 'static) -> (Self, Writer) {
        let (sender, lines) = mpsc::channel(LINES);
        let (done, result) = oneshot::channel();
        thread::spawn(move || {
            // Nobody may be waiting for it any more.
            let _ = done.send(write(out, lines));
        });
        (Self(sender), Writer(result))
    }

    /// Writes text that ends where a reader may see it: at the end of a line, or of a dot.
    pub(crate) async fn write(&self, text: String) -> Result<(), Gone> {
        self.0.send(text).await.map_err(|_| Gone)
    }
}

impl Writer {
    /// Waits until all is written, once every [`Output`] is dropped.
    ///
    /// # Errors
    ///
    /// Those of writing, but for a reader that has gone.
    pub(crate) async fn finish(self) -> io::Result<()> {
        match self.0.await {
            Ok(Err(error)) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
            _ => Ok(()),
        }
    }
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
    use std::sync::{Arc, Mutex};

    use super::*;

    /// Takes what is written between two flushes as one piece, and fails once it has enough.
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

    #[tokio::test]
    async fn each_line_is_flushed() {
        let paper = Paper::default();
        let pieces = Arc::clone(&paper.pieces);
        let (output, writer) = Output::new(paper);
        output.write("one\n".to_owned()).await.unwrap();
        output.write("two\n".to_owned()).await.unwrap();
        drop(output);
        writer.finish().await.unwrap();
        assert_eq!(*pieces.lock().unwrap(), ["one\n", "two\n"]);
    }

    async fn failing(kind: io::ErrorKind) -> io::Result<()> {
        let paper = Paper {
            failure: Some(kind),
            ..Paper::default()
        };
        let (output, writer) = Output::new(paper);
        while output.write("line\n".to_owned()).await.is_ok() {}
        writer.finish().await
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

    /// Takes nothing before it is told to.
    struct Stalled(std::sync::mpsc::Receiver<()>);

    impl Write for Stalled {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // From when nobody can tell it any more, it takes all.
            let _ = self.0.recv();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_reader_that_takes_nothing_holds_up_its_writer_alone() {
        let (go, wait) = std::sync::mpsc::channel();
        let (output, writer) = Output::new(Stalled(wait));
        // One more than fit is in the hands of the thread.
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
        writer.finish().await.unwrap();
    }
}
