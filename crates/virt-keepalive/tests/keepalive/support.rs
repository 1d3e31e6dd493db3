//! One end of a connection with a keepalive program whose callbacks are recorded.

use std::sync::mpsc::{self, Receiver};

use virt_keepalive::{Counts, KeepAlive, KeepAliveHandle, Ping};
use virt_testkit::transport::drain_bytes;
use virt_testkit::{hex, wire};
use virt_transport::{ReceiveError, Role, Transport};

/// A message of the program that is neither PING nor PONG.
pub(crate) const OTHER: &str = "0000001c 6b656570 00000001 00000003 00000002 00000000 00000000";
pub(crate) const NOTHING: &str = "";

pub(crate) const ROLES: [Role; 2] = [Role::Client, Role::Server];

/// A transport, its keepalive program, and the callbacks that were called.
pub(crate) struct End {
    pub(crate) transport: Transport,
    pub(crate) keepalive: KeepAliveHandle,
    called: Receiver<&'static str>,
}

impl End {
    /// Makes an end with the default threshold.
    pub(crate) fn new(role: Role) -> Self {
        Self::with(role, KeepAlive::new())
    }

    pub(crate) fn with_max_inactive(role: Role, calls: u32) -> Self {
        Self::with(role, KeepAlive::new().max_inactive(calls))
    }

    fn with(role: Role, keepalive: KeepAlive) -> Self {
        let mut transport = Transport::new(role);
        let (sender, called) = mpsc::channel();
        let call = move |name| {
            let sender = sender.clone();
            move || sender.send(name).unwrap()
        };
        let (on_ack, on_fail, on_ping) = (call("on_ack"), call("on_fail"), call("on_ping"));
        let keepalive = keepalive
            .on_ack(move |_| on_ack())
            .on_fail(move |_| on_fail())
            .on_ping(move |cx| {
                on_ping();
                cx.pong();
            })
            .register(&mut transport)
            .unwrap();
        Self {
            transport,
            keepalive,
            called,
        }
    }

    pub(crate) fn ping(&mut self) -> Ping {
        self.keepalive.ping(&mut self.transport)
    }

    pub(crate) fn send_ping(&mut self) -> u64 {
        self.keepalive.send_ping(&mut self.transport)
    }

    pub(crate) fn pong(&mut self) {
        self.keepalive.pong(&mut self.transport);
    }

    pub(crate) fn mark_active(&mut self) {
        self.keepalive.mark_active(&mut self.transport);
    }

    pub(crate) fn inactive(&mut self) -> i64 {
        self.keepalive.inactive(&mut self.transport)
    }

    pub(crate) fn counts(&mut self) -> Counts {
        self.keepalive.counts(&mut self.transport)
    }

    pub(crate) fn receive(&mut self, words: &str) {
        receive(&mut self.transport, words).unwrap();
    }

    /// Takes the output, as words in hex.
    pub(crate) fn sent(&mut self) -> String {
        sent(&mut self.transport)
    }

    /// Returns the callbacks that were called since the last call.
    pub(crate) fn called(&mut self) -> Vec<&'static str> {
        self.called.try_iter().collect()
    }

    /// Asserts the columns of the table after an event.
    #[track_caller]
    pub(crate) fn shows(&mut self, inactive: i64, sent: &str, called: &[&str]) {
        assert_eq!(self.inactive(), inactive, "inactive");
        assert_eq!(self.sent(), sent, "sent");
        assert_eq!(self.called(), called, "called back");
    }
}

/// Hands bytes to a transport, written as words in hex.
pub(crate) fn receive(transport: &mut Transport, words: &str) -> Result<(), ReceiveError> {
    transport.receive(&wire(words))
}

/// Takes the output of a transport, written as words in hex.
pub(crate) fn sent(transport: &mut Transport) -> String {
    hex(&drain_bytes(transport))
}

/// Carries the output of one end to the other, and returns it.
pub(crate) fn carry(from: &mut End, to: &mut End) -> String {
    let words = from.sent();
    to.receive(&words);
    words
}
