//! A `virsh` that waits for commands, led through the opening of a connection by a scripted server.

use std::path::PathBuf;
use std::{fmt, fs, io};

use tempfile::TempDir;
use virt_remote::Procedure;
use virt_testkit::bytes::{PING, PONG};
use virt_testkit::frame;

use crate::transfer::{HOLE, write_contents};
use crate::{Connection, Event, Listener, Pattern, Peer, Transfer, TransferKind, virsh};

/// The C client as a [`Peer`]: connected and idle; killed when dropped.
#[derive(Debug)]
pub struct Shell {
    connection: Connection,
    session: virsh::Session,
    /// The call that opens a stream, held back for the script.
    call: Option<Vec<u8>>,
    /// The last transfer; `None` after a call.
    transfer: Option<TransferKind>,
    /// Holds the file to transfer.
    directory: TempDir,
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
            call: None,
            transfer: None,
            directory: TempDir::new()?,
        };
        loop {
            let call = shell.next_call()?;
            shell.answer(&call)?;
            if procedure(&call) == Procedure::CONNECT_GET_HOSTNAME {
                break;
            }
        }
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

    /// Makes `virsh` transfer a volume, and answers its calls up to the one that opens the stream.
    fn begin(&mut self, kind: TransferKind) -> io::Result<()> {
        let file = self.file();
        let (hole, sparse) = if kind.is_sparse() {
            (HOLE, " --sparse")
        } else {
            (0, "")
        };
        let command = if kind.is_upload() {
            write_contents(&file, hole)?;
            "vol-upload"
        } else {
            "vol-download"
        };
        let file = file.display();
        self.session
            .command(&format!("{command} volume {file} --pool pool{sparse}"))?;
        self.transfer = Some(kind);
        loop {
            let call = self.next_call()?;
            if [
                Procedure::STORAGE_VOL_UPLOAD,
                Procedure::STORAGE_VOL_DOWNLOAD,
            ]
            .contains(&procedure(&call))
            {
                self.call = Some(call);
                return Ok(());
            }
            self.answer(&call)?;
        }
    }

    /// The path of the file to transfer.
    fn file(&self) -> PathBuf {
        self.directory.path().join("contents")
    }

    /// Returns its next call, and answers PINGs before it, which come if it was slow.
    fn next_call(&mut self) -> io::Result<Vec<u8>> {
        loop {
            match self.connection.receive() {
                Event::Frame(frame) if frame == PING => self.connection.send(PONG, 0),
                Event::Frame(frame) => return Ok(frame),
                other => return Err(unexpected(&other)),
            }
        }
    }

    /// Answers a call that no script mentions.
    fn answer(&mut self, call: &[u8]) -> io::Result<()> {
        let returns = match procedure(call) {
            Procedure::AUTH_LIST => "00000001 00000000",
            // Keepalive (10) and the registration of close callbacks (15).
            Procedure::CONNECT_SUPPORTS_FEATURE if [10, 15].contains(&frame::word(call, 7)) => {
                "00000001"
            }
            Procedure::CONNECT_SUPPORTS_FEATURE => "00000000",
            Procedure::CONNECT_OPEN | Procedure::CONNECT_REGISTER_CLOSE_CALLBACK => "",
            Procedure::CONNECT_GET_HOSTNAME => "\"opened\"",
            Procedure::STORAGE_POOL_IS_ACTIVE => "00000001",
            Procedure::STORAGE_POOL_LOOKUP_BY_NAME | Procedure::STORAGE_POOL_LOOKUP_BY_VOLUME => {
                "\"pool\" 00*16"
            }
            Procedure::STORAGE_VOL_LOOKUP_BY_NAME => "\"pool\" \"volume\" \"key\"",
            _ => return Err(unexpected(&call)),
        };
        let payload = bytes(returns)?;
        let reply = frame::reply(call, 0, &payload);
        self.connection.send(&reply, 0);
        Ok(())
    }
}

impl Peer for Shell {
    fn send(&mut self, bytes: &[u8], descriptors: usize) {
        self.connection.send(bytes, descriptors);
    }

    fn receive(&mut self) -> Event {
        match self.call.take() {
            Some(call) => Event::Frame(call),
            None => self.connection.receive(),
        }
    }

    fn transfer(&mut self, transfer: &Transfer) {
        self.begin(transfer.kind)
            .expect("virsh looks for the volume");
    }

    fn call(&mut self) {
        self.transfer = None;
        self.session
            .command("hostname")
            .expect("virsh reads commands");
    }

    fn returned(&mut self) -> Event {
        let Ok(mut said) = self.session.said() else {
            return Event::Silent;
        };
        if said.iter().any(|line| line.starts_with("error: ")) {
            return Event::Returned(None);
        }
        Event::Returned(match self.transfer {
            None => said.pop(),
            Some(kind) if kind.is_upload() => Some(String::new()),
            Some(_) => {
                let contents = fs::read_to_string(self.file()).expect("virsh has made the file");
                Some(contents.replace('\0', "."))
            }
        })
    }
}

fn procedure(call: &[u8]) -> Procedure {
    Procedure(frame::word(call, frame::PROCEDURE).cast_signed())
}

fn bytes(words: &str) -> io::Result<Vec<u8>> {
    let pattern = Pattern::parse(words, false).map_err(io::Error::other)?;
    Ok(pattern.bytes(0))
}

fn unexpected(what: &dyn fmt::Debug) -> io::Error {
    io::Error::other(format!("virsh sent {what:?}"))
}
