//! Connections to a scripted peer, and the calls that tests make on them.

use std::time::Duration;

use tokio::task::JoinHandle;
use virt_remote::ConnectGetHostname;
use virt_testkit::peer::{Peer, soon};
use virt_tokio::{CallError, Client, CloseReason, KeepAliveMode, Notice, Options, Subscription};
use virt_transport::{CallProcedure, EventProcedure, MessageProcedure, ProgramId};
use virt_xdr::{EncodeError, to_vec};

pub(crate) const SECOND: Duration = Duration::from_secs(1);

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

/// An event that is registered for an object, and carries the id of the registration and a number, in one word of 64
/// bits.
#[derive(Debug)]
pub(crate) struct Happen;

impl MessageProcedure for Happen {
    const PROGRAM: ProgramId = OWN;
    const NUMBER: i32 = 5;
    const NAME: &'static str = "HAPPEN";
    type Body = u64;
}

impl EventProcedure for Happen {
    const REGISTER: i32 = 3;
    const DEREGISTER: i32 = 4;
    type Filter = u32;

    fn register_args(object: &u32) -> Result<Vec<u8>, EncodeError> {
        to_vec(object)
    }
}

/// The call that registers for it.
pub(crate) fn register(serial: u32, object: u32) -> String {
    format!("00000020 20004242 00000001 00000003 00000000 {serial:08x} 00000000 {object:08x}")
}

/// The reply: the id of the registration.
pub(crate) fn registered(serial: u32, id: u32) -> String {
    format!("00000020 20004242 00000001 00000003 00000001 {serial:08x} 00000000 {id:08x}")
}

/// The refusal of that call: `no`.
pub(crate) fn refused(serial: u32) -> String {
    format!(
        "00000050 20004242 00000001 00000003 00000001 {serial:08x} 00000001 \
         00000001 00000000 00000001 00000002 'no' 0000 00000002 00000000 00000000 00000000 \
         00000000 00000000 00000000 00000000"
    )
}

/// The call that ends a registration.
pub(crate) fn deregister(serial: u32, id: u32) -> String {
    format!("00000020 20004242 00000001 00000004 00000000 {serial:08x} 00000000 {id:08x}")
}

/// The reply to it.
pub(crate) fn deregistered(serial: u32) -> String {
    format!("0000001c 20004242 00000001 00000004 00000001 {serial:08x} 00000000")
}

/// The event itself.
pub(crate) fn happens(id: u32, number: u32) -> String {
    format!("00000024 20004242 00000001 00000005 00000002 00000000 00000000 {id:08x} {number:08x}")
}

/// Receives an event of the registration `id`, and returns its number.
pub(crate) async fn number(events: &mut Subscription<Happen>, id: u32) -> u32 {
    match soon(events.recv()).await.unwrap() {
        Notice::Event(body) => {
            assert_eq!(body >> 32, u64::from(id), "an event of somebody else");
            u32::try_from(body & 0xffff_ffff).unwrap()
        }
        notice => panic!("no event but {notice:?}"),
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

/// Has a task ask for the host name.
pub(crate) fn hostname(client: &Client) -> JoinHandle<Result<String, CallError>> {
    let client = client.clone();
    tokio::spawn(async move { Ok(client.call::<ConnectGetHostname>(&()).await?.hostname) })
}

/// The frame of that call.
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

/// The frame of that call.
pub(crate) fn ask_call(serial: u32, number: u32) -> String {
    format!("00000020 20004242 00000001 00000001 00000000 {serial:08x} 00000000 {number:08x}")
}

/// A reply to it.
pub(crate) fn ask_reply(serial: u32, number: u32) -> String {
    format!("00000020 20004242 00000001 00000001 00000001 {serial:08x} 00000000 {number:08x}")
}

/// Returns the reason for which a call failed: the connection was closed.
#[track_caller]
pub(crate) fn reason<T: std::fmt::Debug>(result: Result<T, CallError>) -> CloseReason {
    match result {
        Err(CallError::Closed(closed)) => closed.reason(),
        result => panic!("the connection was not closed, but {result:?}"),
    }
}
