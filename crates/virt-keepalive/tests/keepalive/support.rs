//! One end of a connection with a keepalive program whose callbacks write down that they were called.

use std::sync::mpsc::{self, Receiver};

use bytes::Buf;
use virt_keepalive::{KeepAlive, KeepAliveHandle, Ping};
use virt_transport::{ReceiveError, Role, Transmit, Transport};

pub(crate) const PING: &str = "0000001c 6b656570 00000001 00000001 00000002 00000000 00000000";
pub(crate) const PONG: &str = "0000001c 6b656570 00000001 00000002 00000002 00000000 00000000";
/// A message of the program that is neither PING nor PONG.
pub(crate) const OTHER: &str = "0000001c 6b656570 00000001 00000003 00000002 00000000 00000000";
pub(crate) const NOTHING: &str = "";

pub(crate) const ROLES: [Role; 2] = [Role::Client, Role::Server];

/// A transport, its keepalive program, and what was called back.
pub(crate) struct End {
    pub(crate) transport: Transport,
    pub(crate) keepalive: KeepAliveHandle,
    called: Receiver<&'static str>,
}

impl End {
    /// An end with the threshold that is not set.
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
            .on_ping(move |link| {
                on_ping();
                link.pong()
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
        self.keepalive.ping(&mut self.transport).unwrap()
    }

    pub(crate) fn send_ping(&mut self) {
        self.keepalive.send_ping(&mut self.transport).unwrap();
    }

    pub(crate) fn pong(&mut self) {
        self.keepalive.pong(&mut self.transport).unwrap();
    }

    pub(crate) fn mark_active(&mut self) {
        self.keepalive.mark_active(&mut self.transport).unwrap();
    }

    pub(crate) fn inactive(&mut self) -> i64 {
        self.keepalive.inactive(&mut self.transport).unwrap()
    }

    pub(crate) fn receive(&mut self, words: &str) {
        receive(&mut self.transport, words).unwrap();
    }

    /// What was sent since this was last asked.
    pub(crate) fn sent(&mut self) -> String {
        sent(&mut self.transport)
    }

    /// The callbacks that were called since this was last asked.
    pub(crate) fn called(&mut self) -> Vec<&'static str> {
        self.called.try_iter().collect()
    }

    /// The columns of the table: what an event has left of each.
    #[track_caller]
    pub(crate) fn shows(&mut self, inactive: i64, sent: &str, called: &[&str]) {
        assert_eq!(self.inactive(), inactive, "inactive");
        assert_eq!(self.sent(), sent, "sent");
        assert_eq!(self.called(), called, "called back");
    }
}

/// Hands bytes to a transport, written as words in hex.
pub(crate) fn receive(transport: &mut Transport, words: &str) -> Result<(), ReceiveError> {
    transport.receive(&bytes(words))
}

/// Takes what a transport has to send, written as words in hex.
pub(crate) fn sent(transport: &mut Transport) -> String {
    let mut bytes = Vec::new();
    while let Some(transmit) = transport.poll_transmit() {
        let Transmit::Bytes(mut chunks) = transmit else {
            panic!("keepalive sends no descriptors");
        };
        bytes.extend_from_slice(&chunks.copy_to_bytes(chunks.remaining()));
    }
    let words: Vec<String> = bytes
        .chunks(4)
        .map(|word| word.iter().map(|byte| format!("{byte:02x}")).collect())
        .collect();
    words.join(" ")
}

/// Hands to one end what the other has to send, and says what it was.
pub(crate) fn carry(from: &mut End, to: &mut End) -> String {
    let words = from.sent();
    to.receive(&words);
    words
}

fn bytes(words: &str) -> Vec<u8> {
    words
        .split_whitespace()
        .flat_map(|word| u32::from_str_radix(word, 16).unwrap().to_be_bytes())
        .collect()
}
