//! The timing of a connection's own PINGs, and the decision that its peer is dead.

use tokio::time::{Duration, Instant};
use virt_keepalive::{Tick, Timer};

use crate::KeepAliveMode;

/// The number of times that the runtime polls its sockets before a silent peer is given up.
///
/// When this process has been stopped, it may see that time is over before it sees the bytes that have arrived: a
/// signal such as SIGCONT interrupts its wait for both, and further polls are needed.
const DEAD_POLLS: u8 = 16;

/// Watches over a connection once keepalive has been negotiated.
#[derive(Debug)]
pub(crate) struct Watchdog {
    mode: KeepAliveMode,
    is_started: bool,
    /// Off until started.
    timer: Timer,
    /// The polls for bytes since the timer has declared the peer dead: at most `DEAD_POLLS`.
    dead_polls: u8,
}

/// The decision of a [`Watchdog`].
pub(crate) enum Decision {
    Nothing,
    SendPing,
    /// Send an unasked PONG, so that the peer does not give up this end, which does not read.
    SendPong,
    /// Poll the socket once more, after the runtime has.
    PollAgain,
    Dead,
}

impl Watchdog {
    pub(crate) fn new(mode: KeepAliveMode) -> Self {
        Self {
            mode,
            is_started: false,
            timer: Timer::new(Duration::ZERO, 0, Instant::now().into_std()),
            dead_polls: 0,
        }
    }

    /// Starts the timer, if PINGs are to be sent and it has not been started.
    pub(crate) fn start(&mut self) {
        if !self.is_started
            && let KeepAliveMode::Send { interval, count } = self.mode
        {
            self.timer = Timer::new(interval, count, Instant::now().into_std());
        }
        self.is_started = true;
    }

    /// Notes that the peer was heard, or that its silence is this end's doing.
    pub(crate) fn heard(&mut self) {
        self.timer.received(Instant::now().into_std());
        self.dead_polls = 0;
    }

    /// Returns the time of the next decision.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.timer.deadline().map(Instant::from_std)
    }

    /// Decides what to do at the deadline. While reads are blocked, silence says nothing about the peer.
    pub(crate) fn tick(&mut self, reads_blocked: bool) -> Decision {
        match self.timer.poll(Instant::now().into_std()) {
            Tick::Wait => Decision::Nothing,
            Tick::Ping | Tick::Dead if reads_blocked => {
                self.heard();
                Decision::SendPong
            }
            Tick::Ping => Decision::SendPing,
            Tick::Dead if self.dead_polls < DEAD_POLLS => {
                self.dead_polls += 1;
                Decision::PollAgain
            }
            Tick::Dead => Decision::Dead,
        }
    }
}
