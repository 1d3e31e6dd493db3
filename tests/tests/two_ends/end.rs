//! One end: a transport, its keepalive, and when it last heard of the other.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use virt_keepalive::{KeepAlive, KeepAliveHandle, Tick, Timer};
use virt_transport::{Handle, Program, Transport};

pub(crate) struct End<P> {
    pub(crate) transport: Transport,
    pub(crate) program: Handle<P>,
    keepalive: KeepAliveHandle,
    timer: Timer,
    interval: Duration,
    count: u32,
    /// The time of its creation, or of the last bytes.
    heard: Instant,
    pings: u64,
    pongs: Arc<AtomicU64>,
    pub(crate) dead: bool,
}

impl<P: Program> End<P> {
    pub(crate) fn new(
        transport: Transport,
        program: P,
        (interval, count): (Duration, u32),
        now: Instant,
    ) -> Self {
        let mut transport = transport.with_fds();
        let pongs = Arc::new(AtomicU64::new(0));
        let acked = Arc::clone(&pongs);
        let keepalive = KeepAlive::new()
            .on_ack(move |_| {
                acked.fetch_add(1, Ordering::Relaxed);
            })
            .register(&mut transport)
            .expect("it is the first");
        Self {
            program: transport.register(program).expect("it is another"),
            transport,
            keepalive,
            timer: Timer::new(interval, count, now),
            interval,
            count,
            heard: now,
            pings: 0,
            pongs,
            dead: false,
        }
    }

    /// Sends a PING that no timer asks for.
    pub(crate) fn ping(&mut self) {
        self.keepalive.send_ping(&mut self.transport);
        self.pings += 1;
    }

    /// Says that bytes have come.
    pub(crate) fn hear(&mut self, now: Instant) {
        self.timer.received(now);
        self.heard = now;
    }

    /// The time of the next action; `None` once the other end was given up.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.timer.deadline().filter(|_| !self.dead)
    }

    /// Does what is due, and holds it against what the interval and the count mean.
    pub(crate) fn tick(&mut self, now: Instant) {
        if self.dead {
            return;
        }
        let silence = now - self.heard;
        match self.timer.poll(now) {
            Tick::Wait => assert!(silence < self.interval * (self.timer.unanswered() + 1)),
            Tick::Ping => {
                assert_eq!(silence, self.interval * self.timer.unanswered());
                self.ping();
            }
            Tick::Dead => {
                assert_eq!(silence, self.interval * (self.count + 1));
                assert_eq!(self.timer.unanswered(), self.count);
                self.dead = true;
            }
        }
    }

    /// At the end: each PING had its PONG, and nothing waits for anything.
    pub(crate) fn assert_idle(&self) {
        let transport = &self.transport;
        assert_eq!(
            self.pongs.load(Ordering::Relaxed),
            self.pings,
            "PONGs are lost"
        );
        assert_eq!(transport.waiting_calls(), 0, "calls wait");
        assert_eq!(transport.open_streams(), 0, "streams are open");
        assert_eq!((transport.queued(), transport.queued_fds()), (0, 0));
        assert_eq!(transport.buffered(), 0, "a part of a frame is left");
    }
}
