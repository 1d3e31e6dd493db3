//! Our own two ends as a [`Peer`], in memory: the shipped server, and the shipped machines of a client.

mod caller;
mod daemon;
mod volumes;

use bytes::Buf;
use virt_keepalive::KeepAlive;
use virt_remote::RemoteServer;
use virt_testkit::transport::null;
use virt_transport::{Handle, Need, Role, Transmit, Transport};

use crate::incoming::Incoming;
use crate::{Event, Link, Peer, Transfer};

use caller::Caller;

/// A transport with keepalive and the remote program, driven as the owner of a socket would drive it.
#[derive(Debug)]
pub struct Ours {
    transport: Transport,
    program: Program,
    sent: Incoming,
    closed: bool,
}

#[derive(Debug)]
enum Program {
    Server(Handle<RemoteServer>),
    Client(Caller),
}

impl Ours {
    /// A server, as a daemon is: on [`Link::Tcp`] it carries no descriptors and demands authentication.
    ///
    /// # Panics
    ///
    /// Never: it registers two programs with two numbers.
    #[must_use]
    pub fn server(link: Link) -> Self {
        let mut transport = Transport::new(Role::Server);
        if link == Link::Unix {
            transport = transport.with_fds();
        }
        Self::new(transport, |transport| {
            let server = transport.register(daemon::server(link == Link::Tcp));
            Program::Server(server.expect("no other program has its number"))
        })
    }

    /// A client that has nothing to do.
    #[must_use]
    pub fn client() -> Self {
        let transport = Transport::new(Role::Client).with_fds();
        Self::new(transport, |transport| {
            Program::Client(Caller::new(transport))
        })
    }

    fn new(mut transport: Transport, program: impl FnOnce(&mut Transport) -> Program) -> Self {
        let program = program(&mut transport);
        KeepAlive::new()
            .register(&mut transport)
            .expect("it is the only keepalive program");
        Self {
            transport,
            program,
            sent: Incoming::default(),
            closed: false,
        }
    }

    /// Takes what one read of a socket gives: bytes, and the descriptors that rode on the last of them.
    fn read(&mut self, bytes: &[u8], descriptors: usize) {
        let result = match (descriptors, bytes) {
            (1, [bytes @ .., _]) => self
                .transport
                .receive(bytes)
                .and_then(|()| self.transport.receive_fd(null())),
            (0, bytes) => self.transport.receive(bytes),
            // Each descriptor comes on a byte of its own.
            _ => return self.close(),
        };
        if let Program::Client(caller) = &mut self.program {
            caller.receive(&mut self.transport);
        }
        match result {
            Ok(()) => self.write(),
            Err(_) => self.close(),
        }
    }

    /// Writes all that waits to be written.
    fn write(&mut self) {
        while let Some(transmit) = self.transport.poll_transmit() {
            match transmit {
                Transmit::Bytes(mut bytes) => {
                    self.sent.push(&bytes.copy_to_bytes(bytes.remaining()));
                }
                Transmit::Fd(slot) => {
                    drop(slot.into_fd());
                    self.sent.push(&[0]);
                    self.sent.mark_descriptors(1);
                }
            }
        }
        if let Program::Server(handle) = &self.program
            && self.transport.with(handle, |server, _| server.is_closed())
        {
            self.close();
        }
    }

    /// Has the client do something.
    fn command(&mut self, command: impl FnOnce(&mut Caller, &mut Transport)) {
        command(self.program.caller(), &mut self.transport);
        self.write();
    }

    fn close(&mut self) {
        self.closed = true;
        self.sent.close();
    }
}

impl Peer for Ours {
    fn send(&mut self, mut bytes: &[u8], mut descriptors: usize) {
        while !bytes.is_empty() && !self.closed {
            // Who waits for a descriptor reads its byte alone; descriptors come with the first read.
            let length = match self.transport.need() {
                Need::Fds(_) => 1,
                Need::Bytes(_) => bytes.len(),
            };
            let (read, rest) = bytes.split_at(length);
            self.read(read, descriptors);
            (bytes, descriptors) = (rest, 0);
        }
    }

    fn receive(&mut self) -> Event {
        self.sent.next().unwrap_or(Event::Silent)
    }

    fn call(&mut self) {
        self.command(Caller::call);
    }

    fn transfer(&mut self, transfer: &Transfer) {
        self.command(|caller, transport| caller.transfer(transfer.kind, transport));
    }

    fn returned(&mut self) -> Event {
        match self.program.caller().returned() {
            Some(text) => Event::Returned(text),
            // The owner of a connection fails all calls that wait when it closes.
            None if self.closed => Event::Returned(None),
            None => Event::Silent,
        }
    }
}

impl Program {
    fn caller(&mut self) -> &mut Caller {
        match self {
            Self::Client(caller) => caller,
            Self::Server(_) => panic!("only a client can be made to call"),
        }
    }
}
