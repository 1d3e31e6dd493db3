//! A `virsh` that waits for commands, led through the opening of a connection by a scripted server.

use std::io;

use crate::{Connection, Event, Listener, Pattern, Peer, virsh};

const PING: &str = "0000001c 6b656570 00000001 00000001 00000002 00000000 00000000";
const PONG: &str = "0000001c 6b656570 00000001 00000002 00000002 00000000 00000000";

const OPEN: u32 = 1;
const HOSTNAME: u32 = 59;
const SUPPORTS_FEATURE: u32 = 60;
const AUTH_LIST: u32 = 66;
const REGISTER_CLOSE_CALLBACK: u32 = 360;

/// The C client as a [`Peer`]: connected and idle; killed when dropped.
#[derive(Debug)]
pub struct Shell {
    connection: Connection,
    session: virsh::Session,
}

impl Shell {
    /// Starts `virsh`, its own keepalive every `interval` seconds (0: never) up to `count`, and
    /// answers its calls until it is idle.
    ///
    /// # Errors
    ///
    /// When it cannot be started, or calls what opening a connection does not need.
    pub fn start(interval: u32, count: u32) -> io::Result<Self> {
        let listener = Listener::unix()?;
        let interval = format!("--keepalive-interval={interval}");
        let count = format!("--keepalive-count={count}");
        let mut session = virsh::Session::start(listener.uri(), &[&interval, &count])?;
        session.command("hostname")?;
        let mut shell = Self {
            connection: listener.accept()?,
            session,
        };
        while shell.answer_opening()? != HOSTNAME {}
        match shell.returned() {
            Event::Returned(Some(name)) if name == "opened" => Ok(shell),
            other => Err(io::Error::other(format!("the host's name is {other:?}"))),
        }
    }

    /// Waits for a line of its words that contains this, and returns it.
    ///
    /// # Errors
    ///
    /// When [`PATIENCE`](crate::libvirt::PATIENCE) is over first, or it has ended.
    pub fn wait_for(&self, words: &str) -> io::Result<String> {
        self.session.wait_for(words)
    }

    /// Answers one call of the opening and returns its procedure; PINGs before it, if virsh was slow, too.
    fn answer_opening(&mut self) -> io::Result<u32> {
        let bytes = |text| Pattern::parse(text, false).map(|pattern| pattern.bytes(0));
        let (ping, pong) = (
            bytes(PING).map_err(io::Error::other)?,
            bytes(PONG).map_err(io::Error::other)?,
        );
        let unexpected =
            |what: &dyn std::fmt::Debug| io::Error::other(format!("virsh sent {what:?}"));
        let frame = loop {
            match self.connection.receive() {
                Event::Frame(frame) if frame == ping => self.connection.send(&pong, 0),
                Event::Frame(frame) => break frame,
                other => return Err(unexpected(&other)),
            }
        };
        let word = |index: usize| {
            let word = frame.get(4 * index..).and_then(<[u8]>::first_chunk);
            word.map_or(0, |word| u32::from_be_bytes(*word))
        };
        let returns = match word(3) {
            AUTH_LIST => "00000001 00000000",
            // Keepalive (10) and the registration of close callbacks (15).
            SUPPORTS_FEATURE if [10, 15].contains(&word(7)) => "00000001",
            SUPPORTS_FEATURE => "00000000",
            OPEN | REGISTER_CLOSE_CALLBACK => "",
            HOSTNAME => "\"opened\"",
            _ => return Err(unexpected(&frame)),
        };
        let payload = bytes(returns).map_err(io::Error::other)?;
        let length = u32::try_from(28 + payload.len()).map_err(io::Error::other)?;
        let mut reply = Vec::new();
        for word in [length, word(1), word(2), word(3), 1, word(5), 0] {
            reply.extend_from_slice(&word.to_be_bytes());
        }
        reply.extend_from_slice(&payload);
        self.connection.send(&reply, 0);
        Ok(word(3))
    }
}

impl Peer for Shell {
    fn send(&mut self, bytes: &[u8], descriptors: usize) {
        self.connection.send(bytes, descriptors);
    }

    fn receive(&mut self) -> Event {
        self.connection.receive()
    }

    fn call(&mut self) {
        self.session
            .command("hostname")
            .expect("virsh reads commands");
    }

    fn returned(&mut self) -> Event {
        match self.session.said() {
            Ok(mut said) => {
                let failed = said.iter().any(|line| line.starts_with("error: "));
                Event::Returned(said.pop().filter(|_| !failed))
            }
            Err(_) => Event::Silent,
        }
    }
}
