//! The user's requests to a run: to end, by a deadline or a signal, and to print the numbers so far.

use std::future::pending;
use std::io;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::event::Ended;

/// The user's requests, to be received by each run.
#[derive(Debug, Clone)]
pub(crate) struct Requests {
    deadline: Option<Instant>,
    interrupts: watch::Receiver<bool>,
    interims: watch::Receiver<()>,
}

/// A request to a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Request {
    /// End, for this reason.
    End(Ended),
    /// Print the numbers so far.
    Interim,
}

/// The signals of the process; the other end of [`Requests`].
#[derive(Debug)]
pub(crate) struct Signals {
    interrupts: watch::Sender<bool>,
    interims: watch::Sender<()>,
}

impl Requests {
    pub(crate) fn new(deadline: Option<Instant>) -> (Signals, Self) {
        let (interrupt_sender, interrupts) = watch::channel(false);
        let (interim_sender, interims) = watch::channel(());
        let signals = Signals {
            interrupts: interrupt_sender,
            interims: interim_sender,
        };
        let requests = Self {
            deadline,
            interrupts,
            interims,
        };
        (signals, requests)
    }

    /// Waits for the next request. A request to end is repeated for ever.
    pub(crate) async fn next(&mut self) -> Request {
        tokio::select! {
            biased;
            () = interrupted(self.interrupts.clone()) => Request::End(Ended::Interrupted),
            () = until(self.deadline) => Request::End(Ended::Deadline),
            () = changed(&mut self.interims) => Request::Interim,
        }
    }

    /// Waits until the run is to end, for whatever reason.
    pub(crate) async fn end(&self) {
        tokio::select! {
            () = self.interrupted() => (),
            () = until(self.deadline) => (),
        }
    }

    /// Waits for a signal to end.
    pub(crate) async fn interrupted(&self) {
        interrupted(self.interrupts.clone()).await;
    }
}

impl Signals {
    pub(crate) fn interrupt(&self) {
        self.interrupts.send_replace(true);
    }

    pub(crate) fn interim(&self) {
        self.interims.send_replace(());
    }

    /// Passes on the signals of the process, for ever: SIGINT and SIGTERM end, SIGQUIT asks for the numbers so far.
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
                    Some(()) = quit.recv() => self.interim(),
                    else => break,
                }
            }
        })
    }

    /// Passes on Ctrl-C, for ever, which ends; there is no signal for the numbers so far.
    #[cfg(not(unix))]
    pub(crate) fn listen(self) -> io::Result<impl Future<Output = ()>> {
        Ok(async move {
            while tokio::signal::ctrl_c().await.is_ok() {
                self.interrupt();
            }
        })
    }
}

/// Waits until a time, or for ever.
pub(crate) async fn until(time: Option<Instant>) {
    match time {
        // A flood delays the timers of the runtime.
        Some(time) if time <= Instant::now() => (),
        Some(time) => sleep_until(time).await,
        None => pending().await,
    }
}

async fn interrupted(mut interrupted: watch::Receiver<bool>) {
    if interrupted.wait_for(|&seen| seen).await.is_err() {
        pending::<()>().await;
    }
}

async fn changed(interims: &mut watch::Receiver<()>) {
    if interims.changed().await.is_err() {
        pending::<()>().await;
    }
}
