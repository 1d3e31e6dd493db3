//! A peer that says and hears what a test tells it, byte by byte.

use std::fmt::Write;
use std::future::Future;
use std::time::Duration;

use tokio::io::{
    AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf, split,
};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use virt_remote::ConnectGetHostname;
use virt_tokio::{CallError, Client, CloseReason, KeepAliveMode, Options};
use virt_transport::{CallProcedure, MessageProcedure, ProgramId};

pub(crate) const PING: &str = "0000001c 6b656570 00000001 00000001 00000002 00000000 00000000";
pub(crate) const PONG: &str = "0000001c 6b656570 00000001 00000002 00000002 00000000 00000000";

pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// How long any one wait may take before its test fails, not how long it takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(100);

/// A program that libvirt does not have.
pub(crate) const OWN: ProgramId = ProgramId::new(0x2000_4242, 1);

/// Its one procedure: a number there, another one back.
#[derive(Debug)]
pub(crate) struct Ask;

impl CallProcedure for Ask {
    const PROGRAM: ProgramId = OWN;
    const NUMBER: i32 = 1;
    const NAME: &'static str = "ASK";
    type Args<'a> = u32;
    type Ret = u32;
}

/// Its one event, which carries a number.
#[derive(Debug)]
pub(crate) struct Tell;

impl MessageProcedure for Tell {
    const PROGRAM: ProgramId = OWN;
    const NUMBER: i32 = 2;
    const NAME: &'static str = "TELL";
    type Body = u32;
}

/// The other end of a connection.
#[derive(Debug)]
pub(crate) struct Peer<S = DuplexStream>(pub(crate) S);

impl<S: AsyncWrite + Unpin> Peer<S> {
    /// Sends bytes.
    pub(crate) async fn says(&mut self, text: &str) {
        soon(self.0.write_all(&wire(text))).await.unwrap();
    }
}

impl<S: AsyncRead + Unpin> Peer<S> {
    /// Receives a frame, which has to be this one.
    pub(crate) async fn hears(&mut self, text: &str) {
        let frame = soon(self.frame()).await;
        assert_eq!(hex(&frame), hex(&wire(text)));
    }

    /// Receives a frame.
    pub(crate) async fn frame(&mut self) -> Vec<u8> {
        let mut frame = vec![0; 4];
        self.0.read_exact(&mut frame).await.unwrap();
        let length = u32::from_be_bytes(frame[..4].try_into().unwrap());
        frame.resize(length.try_into().unwrap(), 0);
        self.0.read_exact(&mut frame[4..]).await.unwrap();
        frame
    }

    /// Waits, during which nothing is received.
    pub(crate) async fn hears_nothing_for(&mut self, time: Duration) {
        let heard = timeout(time, self.0.read_u8()).await;
        assert!(heard.is_err(), "heard {heard:?}");
    }

    /// Receives the end of the connection, and nothing before it.
    pub(crate) async fn hears_the_end(&mut self) {
        let mut rest = Vec::new();
        soon(self.0.read_to_end(&mut rest)).await.unwrap();
        assert_eq!(hex(&rest), "");
    }
}

impl Peer {
    /// Its two directions, each for a task of its own.
    pub(crate) fn split(self) -> (Peer<ReadHalf<DuplexStream>>, Peer<WriteHalf<DuplexStream>>) {
        let (read, write) = split(self.0);
        (Peer(read), Peer(write))
    }

    /// What a daemon has to say while a connection is opened that wants keepalive.
    pub(crate) async fn opens(&mut self) {
        self.hears("0000001c 20008086 00000001 00000042 00000000 00000001 00000000")
            .await;
        self.says("00000020 20008086 00000001 00000042 00000001 00000001 00000000 00000000")
            .await;
        self.hears("00000020 20008086 00000001 0000003c 00000000 00000002 00000000 0000000a")
            .await;
        self.says("00000020 20008086 00000001 0000003c 00000001 00000002 00000000 00000001")
            .await;
        self.hears(
            "00000038 20008086 00000001 00000001 00000000 00000003 00000000 \
             00000001 0000000f 'test:///default' 00 00000000",
        )
        .await;
        self.says("0000001c 20008086 00000001 00000001 00000001 00000003 00000000")
            .await;
    }
}

/// A connection on which nothing was said yet.
pub(crate) fn connected(options: Options) -> (Client, Peer) {
    through(64 * 1024, options)
}

/// The same, through a pipe that holds so many bytes in each direction.
pub(crate) fn through(pipe: usize, options: Options) -> (Client, Peer) {
    let (ours, theirs) = tokio::io::duplex(pipe);
    (Client::over_stream(ours, options), Peer(theirs))
}

/// A connection that is open; the next call has serial 4.
pub(crate) async fn opened(options: Options) -> (Client, Peer) {
    let (client, mut peer) = connected(options);
    let (opened, ()) = tokio::join!(client.open("test:///default"), peer.opens());
    opened.unwrap();
    (client, peer)
}

/// Options for a connection that sends PINGs.
pub(crate) fn every(interval: Duration, count: u32) -> Options {
    Options::default().keepalive(KeepAliveMode::Send { interval, count })
}

/// Waits for something that comes.
pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    timeout(PATIENCE, future)
        .await
        .expect("it comes within patience")
}

/// Has a task ask for the host name.
pub(crate) fn hostname(client: &Client) -> JoinHandle<Result<String, CallError>> {
    let client = client.clone();
    tokio::spawn(async move { Ok(client.call::<ConnectGetHostname>(&()).await?.hostname) })
}

/// How that call looks.
pub(crate) fn hostname_call(serial: u32) -> String {
    format!("0000001c 20008086 00000001 0000003b 00000000 {serial:08x} 00000000")
}

/// The reply to it: `host`.
pub(crate) fn hostname_reply(serial: u32) -> String {
    format!("00000024 20008086 00000001 0000003b 00000001 {serial:08x} 00000000 00000004 'host'")
}

/// Has a task ask [`Ask`].
pub(crate) fn ask(client: &Client, number: u32) -> JoinHandle<Result<u32, CallError>> {
    let client = client.clone();
    tokio::spawn(async move { client.call::<Ask>(&number).await })
}

/// How that call looks.
pub(crate) fn ask_call(serial: u32, number: u32) -> String {
    format!("00000020 20004242 00000001 00000001 00000000 {serial:08x} 00000000 {number:08x}")
}

/// A reply to it.
pub(crate) fn ask_reply(serial: u32, number: u32) -> String {
    format!("00000020 20004242 00000001 00000001 00000001 {serial:08x} 00000000 {number:08x}")
}

/// Why a call came to nothing: the connection was closed.
#[track_caller]
pub(crate) fn reason<T: std::fmt::Debug>(result: Result<T, CallError>) -> CloseReason {
    match result {
        Err(CallError::Closed(closed)) => closed.reason(),
        result => panic!("the connection was not closed, but {result:?}"),
    }
}

/// Bytes as they are on the wire: hexadecimal digits, and text between apostrophes.
pub(crate) fn wire(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (index, part) in text.split('\'').enumerate() {
        if index % 2 == 1 {
            bytes.extend_from_slice(part.as_bytes());
            continue;
        }
        let digits: Vec<u8> = part
            .chars()
            .filter(|c| !c.is_whitespace())
            .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
            .map(|digit| digit.expect("a hexadecimal digit"))
            .collect();
        assert!(digits.len().is_multiple_of(2), "half a byte in {part:?}");
        bytes.extend(digits.chunks(2).map(|pair| pair[0] * 16 + pair[1]));
    }
    bytes
}

/// Bytes as words in hexadecimal digits, so that a difference can be read.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for (index, byte) in bytes.iter().enumerate() {
        let space = if index > 0 && index % 4 == 0 { " " } else { "" };
        write!(text, "{space}{byte:02x}").unwrap();
    }
    text
}
