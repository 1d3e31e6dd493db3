//! Descriptors over a Unix socket: how they go, how they must not, and that none is left open or inherited.
//!
//! A binary of its own, and one test at a time, since what is open belongs to the whole process.
#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    reason = "what helps a test may panic as a test may"
)]

use std::fs;
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::io::{FdFlags, fcntl_getfd};
use tokio::runtime::Builder;
use tokio::time::timeout;
use virt_testkit::bytes::{PING, PONG};
use virt_testkit::socket;
use virt_testkit::transport::null;
use virt_tokio::{
    CallError, Client, CloseReason, Closed, KeepAliveMode, Limits, Options, Server, ServerOptions,
};
use virt_transport::{
    Call, CallProcedure, Context, Fd, Program, ProgramId, RemoteError, SendError,
};

/// The time after which a test that hangs fails.
const PATIENCE: Duration = Duration::from_secs(60);

static ALONE: Mutex<()> = Mutex::new(());

/// A program that gives descriptors back.
#[derive(Debug)]
struct Mirror;

impl Program for Mirror {
    fn id(&self) -> ProgramId {
        ProgramId::new(0x2000_4242, 1)
    }

    fn on_call(&mut self, call: Call<'_>, cx: &mut Context<'_>) -> Result<(), RemoteError> {
        call.payload.decode::<()>()?;
        Ok(cx.reply_with_fds(call.id, &(), call.fds)?)
    }
}

impl CallProcedure for Mirror {
    const PROGRAM: ProgramId = ProgramId::new(0x2000_4242, 1);
    const NUMBER: i32 = 1;
    const NAME: &'static str = "MIRROR";
    type Args<'a> = ();
    type Ret = ();
}

/// The other end of a socket pair.
#[derive(Debug, Clone)]
struct Peer(Arc<UnixStream>);

impl Peer {
    /// One message: bytes, and the descriptors that ride on them.
    fn says(&self, bytes: &[u8], fds: &[BorrowedFd<'_>]) {
        socket::write(&*self.0, bytes, fds).unwrap();
    }

    /// So many bytes, those of descriptors included, and the descriptors.
    async fn hears(&self, count: usize) -> (Vec<u8>, Vec<OwnedFd>) {
        let peer = self.clone();
        tokio::task::spawn_blocking(move || {
            let (mut heard, mut fds) = (Vec::new(), Vec::new());
            while heard.len() < count {
                let (bytes, more) = socket::read(&*peer.0, count - heard.len()).unwrap();
                assert!(!bytes.is_empty(), "the end after {heard:02x?}");
                heard.extend(bytes);
                fds.extend(more);
            }
            (heard, fds)
        })
        .await
        .unwrap()
    }
}

/// Runs a test while no other runs, and checks that it leaves nothing open.
fn leaves_nothing_open(test: impl AsyncFnOnce()) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let runtime = || Builder::new_current_thread().enable_all().build().unwrap();
    // The first runtime of a process may open what all of them share and none closes: its pipe for signals.
    drop(runtime());
    let before = open_fds();
    let runtime = runtime();
    runtime.block_on(async { timeout(PATIENCE, test()).await.expect("it ends") });
    drop(runtime);
    // Received descriptors are closed on a thread of their own.
    let start = Instant::now();
    while open_fds() != before && start.elapsed() < PATIENCE {
        std::thread::yield_now();
    }
    assert_eq!(open_fds(), before, "descriptors are left open");
}

fn open_fds() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

fn client() -> (Client, Peer) {
    let (ours, theirs) = pair();
    (Client::over_unix(ours, Options::default()), theirs)
}

fn server() -> (Server, Peer) {
    let (ours, theirs) = pair();
    let server = Server::over_unix(
        ours,
        ServerOptions::default().keepalive(KeepAliveMode::Off),
        |transport, _| transport.register(Mirror).map(drop),
    );
    (server.unwrap().0, theirs)
}

fn pair() -> (tokio::net::UnixStream, Peer) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    let ours = tokio::net::UnixStream::from_std(ours).unwrap();
    theirs.set_read_timeout(Some(PATIENCE)).unwrap();
    (ours, Peer(Arc::new(theirs)))
}

/// Waits for the reply to a call that was begun.
async fn mirror(client: &Client, fds: Vec<Fd>) -> Result<Vec<Fd>, CallError> {
    client
        .call_with_fds::<Mirror>(&(), fds)
        .await
        .map(|((), fds)| fds)
}

fn frame(message_type: u8, status: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0, 0, 0, 28 + u8::try_from(payload.len()).unwrap()];
    frame.extend(b"\x20\0\x42\x42\0\0\0\x01\0\0\0\x01\0\0\0");
    frame.extend([message_type, 0, 0, 0, 1, 0, 0, 0, status]);
    frame.extend(payload);
    frame
}

#[test]
fn those_of_a_reply_arrive_and_are_not_inherited() {
    leaves_nothing_open(async || {
        let (client, peer) = client();
        let (mut reader, writer) = std::io::pipe().unwrap();
        let (fds, ()) = tokio::join!(mirror(&client, Vec::new()), async {
            assert_eq!(peer.hears(28).await.0, frame(0, 0, b""));
            peer.says(&frame(5, 0, b"\0\0\0\x02"), &[]);
            peer.says(b"\0", &[writer.as_fd()]);
            peer.says(b"\xff", &[reader.as_fd()]);
        });
        drop(writer);
        let [writer, second] = fds.unwrap().try_into().unwrap();
        for fd in [&writer, &second] {
            assert!(fcntl_getfd(fd).unwrap().contains(FdFlags::CLOEXEC));
            let path = format!("/proc/self/fd/{}", fd.as_fd().as_raw_fd());
            assert!(fs::exists(&path).unwrap());
            let inherited = Command::new("test").args(["-e", &path]).status().unwrap();
            assert!(!inherited.success(), "{path} in a child");
        }
        fs::File::from(writer.into_owned())
            .write_all(b"through")
            .unwrap();
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, "through");
    });
}

#[test]
fn those_of_a_call_go_one_by_one_behind_it() {
    leaves_nothing_open(async || {
        let (client, peer) = client();
        let (mut reader, writer) = std::io::pipe().unwrap();
        let fds = vec![writer.into(), null()];
        let (fds, ()) = tokio::join!(mirror(&client, fds), async {
            let (bytes, fds) = peer.hears(32 + 2).await;
            assert_eq!(bytes[..32], frame(4, 0, b"\0\0\0\x02"));
            let [writer, _null] = fds.try_into().unwrap();
            fs::File::from(writer).write_all(b"through").unwrap();
            peer.says(&frame(1, 0, b""), &[]);
        });
        assert!(fds.unwrap().is_empty());
        // It ends, so nobody else holds the other end of the pipe.
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, "through");
    });
}

#[test]
fn as_many_as_there_may_be_go_there_and_back_between_our_two_ends() {
    leaves_nothing_open(async || {
        let (ours, theirs) = tokio::net::UnixStream::pair().unwrap();
        let limits = Limits::default();
        let server = Server::over_unix(
            theirs,
            ServerOptions::default()
                .keepalive(KeepAliveMode::Off)
                .limits(limits),
            |transport, _| transport.register(Mirror),
        );
        let (server, _) = server.unwrap();
        let client = Client::over_unix(ours, Options::default());
        for count in [0, 1, 32] {
            let fds = mirror(&client, (0..count).map(|_| null()).collect())
                .await
                .unwrap();
            assert_eq!(fds.len(), count);
        }
        let calls = (0..20).map(|_| {
            let client = client.clone();
            let fds = vec![null()];
            tokio::spawn(async move { mirror(&client, fds).await })
        });
        for call in calls.collect::<Vec<_>>() {
            assert_eq!(call.await.unwrap().unwrap().len(), 1);
        }
        client.close().await;
        server.closed().await;
    });
}

/// A program that opens something for each call.
#[derive(Debug)]
struct Giver;

impl Program for Giver {
    fn id(&self) -> ProgramId {
        ProgramId::new(0x2000_4242, 1)
    }

    fn on_call(&mut self, call: Call<'_>, cx: &mut Context<'_>) -> Result<(), RemoteError> {
        Ok(cx.reply_with_fds(call.id, &(), vec![null()])?)
    }
}

#[test]
fn replies_that_nobody_reads_do_not_use_them_up() {
    const CALLS: usize = 400;
    leaves_nothing_open(async || {
        let (ours, peer) = pair();
        let limits = Limits::default();
        let server = Server::over_unix(
            ours,
            ServerOptions::default()
                .keepalive(KeepAliveMode::Off)
                .limits(limits),
            |transport, _| transport.register(Giver),
        );
        let (_server, _) = server.unwrap();
        let before = open_fds();
        peer.says(&frame(0, 0, b"").repeat(CALLS), &[]);
        let mut most = 0;
        for _ in 0..CALLS {
            let (_, fds) = peer.hears(33).await;
            assert_eq!(fds.len(), 1);
            drop(fds);
            most = most.max(open_fds() - before);
        }
        // Less than the mark of 256 KiB, at 4 KiB each; what is handled then, as much again; and one over it.
        assert!((1..=128).contains(&most), "{most} descriptors wait");
    });
}

#[test]
fn one_that_comes_behind_calls_that_wait_finds_its_own() {
    leaves_nothing_open(async || {
        let (ours, peer) = pair();
        let mut limits = Limits::default();
        // Each reply is enough for the calls behind it to wait.
        limits.queued_bytes = 1;
        let server = Server::over_unix(
            ours,
            ServerOptions::default()
                .keepalive(KeepAliveMode::Off)
                .limits(limits),
            |transport, _| transport.register(Mirror),
        );
        let (_server, _) = server.unwrap();
        let fd = null();
        for _ in 0..10 {
            let mut bytes = frame(0, 0, b"").repeat(5);
            bytes.extend(frame(4, 0, b"\0\0\0\x01"));
            peer.says(&bytes, &[]);
            peer.says(b"\0", &[fd.as_fd()]);
            peer.says(&frame(0, 0, b""), &[]);
            let (bytes, fds) = peer.hears(7 * 32 + 1).await;
            assert_eq!(fds.len(), 1);
            assert_eq!(bytes[5 * 32..6 * 32], frame(5, 0, b"\0\0\0\x01"));
        }
    });
}

#[test]
fn more_than_there_may_be_are_refused_and_closed() {
    leaves_nothing_open(async || {
        let (client, peer) = client();
        let fds = (0..33).map(|_| null());
        let error = mirror(&client, fds.collect()).await.unwrap_err();
        assert!(
            matches!(
                error,
                CallError::Send(SendError::TooManyFds {
                    count: 33,
                    limit: 32
                })
            ),
            "{error}"
        );
        peer.says(PING, &[]);
        assert_eq!(peer.hears(28).await.0, PONG);
    });
}

#[test]
fn those_that_nobody_waits_for_are_closed() {
    leaves_nothing_open(async || {
        let (client, peer) = client();
        let (mut reader, writer) = std::io::pipe().unwrap();
        let call = tokio::spawn({
            let client = client.clone();
            async move { mirror(&client, Vec::new()).await }
        });
        peer.hears(28).await;
        call.abort();
        call.await.unwrap_err();
        peer.says(&frame(5, 0, b"\0\0\0\x01"), &[]);
        peer.says(b"\0", &[writer.as_fd()]);
        drop(writer);
        peer.says(PING, &[]);
        assert_eq!(peer.hears(28).await.0, PONG);
        assert_eq!(reader.read(&mut [0]).unwrap(), 0, "the other end is closed");
    });
}

#[test]
fn those_that_a_libvirt_daemon_sends_back_with_an_error_are_taken_and_closed() {
    leaves_nothing_open(async || {
        let (client, peer) = client();
        let fd = null();
        let (fds, ()) = tokio::join!(mirror(&client, vec![null()]), async {
            peer.hears(33).await;
            // An error without any text, and the descriptor behind it.
            let mut error = b"\0\0\0\x27\0\0\0\x07\0\0\0\0\0\0\0\x02".to_vec();
            error.extend([0; 28]);
            peer.says(&frame(1, 1, &error), &[]);
            peer.says(b"\0", &[fd.as_fd()]);
            peer.says(PING, &[]);
            assert_eq!(peer.hears(28).await.0, PONG);
        });
        assert!(matches!(fds.unwrap_err(), CallError::Reply(_)));
    });
}

type Misuse = fn(&Peer, u8, BorrowedFd<'_>);

/// A fault of a peer, given the type of frame that has descriptors, and the error about it.
const MISUSES: &[(&str, Misuse, &str)] = &[
    (
        "more than 32",
        |peer, with_fds, _| peer.says(&frame(with_fds, 0, b"\0\0\0\x21"), &[]),
        "frame with 33 descriptors, over the limit of 32",
    ),
    (
        "no count",
        |peer, with_fds, _| peer.says(&frame(with_fds, 0, b""), &[]),
        "frame with descriptors has 0 bytes of payload, the count takes 4",
    ),
    (
        "half a count",
        |peer, with_fds, _| peer.says(&frame(with_fds, 0, b"\0\0"), &[]),
        "frame with descriptors has 2 bytes of payload, the count takes 4",
    ),
    (
        "one on the last byte of a frame",
        |peer, _, fd| peer.says(PING, &[fd]),
        "descriptor where none is due",
    ),
    (
        "one on the first byte of a frame",
        |peer, with_fds, fd| {
            let frame = frame(with_fds, 0, b"\0\0\0\x01");
            peer.says(&frame[..1], &[fd]);
            peer.says(&frame[1..], &[]);
        },
        "descriptor where none is due",
    ),
    (
        "one after a frame that has none",
        |peer, _, fd| {
            peer.says(PING, &[]);
            peer.says(b"\0", &[fd]);
        },
        "descriptor where none is due",
    ),
    (
        "two at once",
        |peer, with_fds, fd| {
            peer.says(&frame(with_fds, 0, b"\0\0\0\x02"), &[]);
            peer.says(b"\0", &[fd, fd]);
        },
        "2 descriptors in one control message, must be 1",
    ),
    (
        "ten at once",
        |peer, with_fds, fd| {
            peer.says(&frame(with_fds, 0, b"\0\0\0\x0a"), &[]);
            peer.says(b"\0", &[fd; 10]);
        },
        "10 descriptors in one control message, must be 1",
    ),
    (
        "a byte without one",
        |peer, with_fds, _| {
            peer.says(&frame(with_fds, 0, b"\0\0\0\x01"), &[]);
            peer.says(b"\0", &[]);
        },
        "bytes where 1 descriptors are due",
    ),
    (
        "one, and then a byte without one",
        |peer, with_fds, fd| {
            peer.says(&frame(with_fds, 0, b"\0\0\0\x02"), &[]);
            peer.says(b"\0", &[fd]);
            peer.says(b"\0", &[]);
        },
        "bytes where 1 descriptors are due",
    ),
];

fn judge(misuse: &str, closed: &Closed, cause: &str) {
    assert_eq!(closed.reason(), CloseReason::Error, "{misuse}: {closed}");
    assert_eq!(closed.cause().unwrap().to_string(), cause, "{misuse}");
}

#[test]
fn each_misuse_by_a_daemon_closes_and_leaves_nothing() {
    for (misuse, commit, cause) in MISUSES {
        leaves_nothing_open(async || {
            let (client, peer) = client();
            let fd = null();
            let (fds, ()) = tokio::join!(mirror(&client, Vec::new()), async {
                peer.hears(28).await;
                commit(&peer, 5, fd.as_fd());
            });
            match fds {
                Err(CallError::Closed(closed)) => judge(misuse, &closed, cause),
                result => panic!("{misuse}: {result:?}"),
            }
        });
    }
}

#[test]
fn each_misuse_by_a_client_closes_and_leaves_nothing() {
    for (misuse, commit, cause) in MISUSES {
        leaves_nothing_open(async || {
            let (server, peer) = server();
            let fd = null();
            commit(&peer, 4, fd.as_fd());
            judge(misuse, &server.closed().await, cause);
        });
    }
}

#[test]
fn a_peer_that_goes_before_all_have_come_is_cut_off() {
    leaves_nothing_open(async || {
        let (server, peer) = server();
        let fd = null();
        peer.says(&frame(4, 0, b"\0\0\0\x02"), &[]);
        peer.says(b"\0", &[fd.as_fd()]);
        drop(peer);
        let closed = server.closed().await;
        assert_eq!(
            closed.to_string(),
            "connection closed: end of file: 32 bytes into a frame"
        );
    });
}

#[test]
fn those_that_wait_to_be_sent_are_closed_with_the_connection() {
    leaves_nothing_open(async || {
        let (client, peer) = client();
        // The socket is full long before, and nobody reads.
        let calls: Vec<_> = (0..200)
            .map(|_| {
                let client = client.clone();
                let fds = (0..32).map(|_| null());
                let fds: Vec<Fd> = fds.take(2).collect();
                tokio::spawn(async move { mirror(&client, fds).await })
            })
            .collect();
        peer.hears(33).await;
        drop(peer);
        for call in calls {
            assert!(matches!(call.await.unwrap(), Err(CallError::Closed(_))));
        }
    });
}
