//! The signals that end a run, and that ask how it goes.

use std::future::pending;
use std::io;

use tokio::sync::watch;

/// What the user has said by signals, for each run to hear.
#[derive(Debug, Clone)]
pub(crate) struct Signals {
    interrupts: watch::Receiver<u32>,
    questions: watch::Receiver<u32>,
}

/// What a signal says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    /// The run is to end.
    End,
    /// How does it go?
    Ask,
}

/// The other end of [`Signals`].
#[derive(Debug)]
pub(crate) struct Source {
    interrupts: watch::Sender<u32>,
    questions: watch::Sender<u32>,
}

impl Signals {
    pub(crate) fn new() -> (Source, Self) {
        let (interrupts, interrupted) = watch::channel(0);
        let (questions, asked) = watch::channel(0);
        let source = Source {
            interrupts,
            questions,
        };
        let signals = Self {
            interrupts: interrupted,
            questions: asked,
        };
        (source, signals)
    }

    /// Waits for the next thing that is said. That the run is to end is said for ever.
    pub(crate) async fn next(&mut self) -> Signal {
        tokio::select! {
            biased;
            () = interruptions(self.interrupts.clone(), 1) => Signal::End,
            () = asked(&mut self.questions) => Signal::Ask,
        }
    }

    /// Waits until somebody has lost patience with the end.
    pub(crate) async fn interrupted_again(&self) {
        interruptions(self.interrupts.clone(), 2).await;
    }
}

async fn interruptions(mut interrupts: watch::Receiver<u32>, count: u32) {
    if interrupts.wait_for(|&seen| seen >= count).await.is_err() {
        pending::<()>().await;
    }
}

async fn asked(questions: &mut watch::Receiver<u32>) {
    if questions.changed().await.is_err() {
        pending::<()>().await;
    }
}

impl Source {
    pub(crate) fn interrupt(&self) {
        self.interrupts.send_modify(|count| *count += 1);
    }

    pub(crate) fn ask(&self) {
        self.questions.send_modify(|count| *count += 1);
    }

    /// Passes on what the process is told, for ever: SIGINT and SIGTERM end, SIGQUIT asks.
    #[cfg(unix)]
    pub(crate) fn listen(self) -> io::Result<impl Future<Output = ()>> {
        use tokio::signal::unix::{SignalKind, signal};

        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut quit = signal(SignalKind::quit())?;
        Ok(async move {
            loop {
                tokio::select! {
                    Some(()) = interrupt.recv() => self.interrupt(),
                    Some(()) = terminate.recv() => self.interrupt(),
                    Some(()) = quit.recv() => self.ask(),
                    else => break,
                }
            }
        })
    }

    /// Passes on what the process is told, for ever: Ctrl-C ends, nothing asks.
    #[cfg(not(unix))]
    pub(crate) fn listen(self) -> io::Result<impl Future<Output = ()>> {
        Ok(async move {
            while tokio::signal::ctrl_c().await.is_ok() {
                self.interrupt();
            }
        })
    }
}
