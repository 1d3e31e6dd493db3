//! Descriptors whose closing blocks, in frames of a peer: other connections of the thread do not wait for it.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use tokio::net::UnixStream;
use virt_testkit::peer::{Peer, soon};
use virt_testkit::words::{PING, PONG};
use virt_tokio::{CallError, Client, CloseReason, Options, ServerOptions};

use crate::support::{
    Answer, LINGER, Stranger, guarded, harmless, lingering, many, open, others_are_answered, sends,
    serve,
};

/// A call of procedure 1, 2 or 3 with so many descriptors.
fn call(procedure: u32, fds: u32) -> String {
    format!("00000020 20004242 00000001 {procedure:08x} 00000004 00000001 00000000 {fds:08x}")
}

const ANSWER: &str = "0000001c 20004242 00000001 00000001 00000001 00000001 00000000";

fn client(options: Options) -> (Client, Stranger) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    (Client::over_unix(ours, options), Peer(theirs))
}

#[test]
fn closing_such_a_socket_blocks_indeed() {
    let time = Duration::from_secs(1);
    let (fd, _unread) = lingering(time);
    let start = Instant::now();
    drop(fd);
    assert!(start.elapsed() >= time);
}

#[tokio::test]
async fn with_a_call_that_is_answered() {
    others_are_answered(async |fd| {
        let (_server, mut peer) = serve(ServerOptions::default(), open);
        sends(&peer, &call(1, 1), &[]);
        sends(&peer, "00", &[fd.as_fd()]);
        drop(fd);
        peer.hears(ANSWER).await;
    })
    .await;
}

#[tokio::test]
async fn with_calls_that_are_refused() {
    for (programs, call) in [
        (open as fn(&mut _, &_) -> _, call(2, 1)),
        (
            open,
            "00000020 20004343 00000001 00000001 00000004 00000001 00000000 00000001".into(),
        ),
        (guarded, call(1, 1)),
    ] {
        others_are_answered(async |fd| {
            let (_server, mut peer) = serve(ServerOptions::default(), programs);
            sends(&peer, &call, &[]);
            sends(&peer, "00", &[fd.as_fd()]);
            drop(fd);
            let refusal = soon(peer.frame()).await;
            assert_eq!(refusal[27], 1, "{refusal:02x?}");
        })
        .await;
    }
}

#[tokio::test]
async fn in_half_a_set_whose_time_is_over() {
    others_are_answered(async |fd| {
        let options = ServerOptions::default().frame_timeout(Duration::from_millis(1));
        let (server, peer) = serve(options, open);
        sends(&peer, &call(1, 2), &[]);
        sends(&peer, "00", &[fd.as_fd()]);
        drop(fd);
        assert_eq!(soon(server.closed()).await.reason(), CloseReason::Error);
    })
    .await;
}

#[tokio::test]
async fn in_half_a_set_of_a_peer_that_has_gone() {
    others_are_answered(async |fd| {
        let (server, peer) = serve(ServerOptions::default(), open);
        sends(&peer, &call(1, 2), &[]);
        sends(&peer, "00", &[fd.as_fd()]);
        drop((fd, peer));
        assert_eq!(soon(server.closed()).await.reason(), CloseReason::EndOfFile);
    })
    .await;
}

#[tokio::test]
async fn with_a_call_that_waits_when_the_server_is_dropped() {
    others_are_answered(async |fd| {
        let (server, mut peer) = serve(ServerOptions::default(), open);
        sends(&peer, &call(3, 1), &[]);
        sends(&peer, "00", &[fd.as_fd()]);
        drop(fd);
        // The call behind it is answered, so it has arrived.
        peer.says("0000001c 20004242 00000001 00000001 00000000 00000001 00000000")
            .await;
        peer.hears(ANSWER).await;
        drop(server);
        peer.hears_the_end().await;
    })
    .await;
}

#[tokio::test]
async fn unannounced() {
    others_are_answered(async |fd| {
        let (server, peer) = serve(ServerOptions::default(), open);
        sends(&peer, "00", &[fd.as_fd()]);
        drop(fd);
        assert_eq!(soon(server.closed()).await.reason(), CloseReason::Error);
    })
    .await;
}

#[tokio::test]
async fn too_many_in_one_message() {
    for count in [2, 33, 64, 253] {
        others_are_answered(async |fd| {
            let (server, peer) = serve(ServerOptions::default(), open);
            sends(&peer, &call(1, 32), &[]);
            sends(&peer, "00", &many(&harmless(), &fd, count));
            drop(fd);
            assert_eq!(soon(server.closed()).await.reason(), CloseReason::Error);
        })
        .await;
    }
}

#[tokio::test]
async fn to_a_client_whose_call_has_timed_out() {
    others_are_answered(async |fd| {
        let (client, mut peer) = client(Options::default().call_timeout(Duration::from_millis(1)));
        let timed_out = client.call::<Answer>(&()).await;
        assert!(matches!(timed_out, Err(CallError::Timeout { .. })));
        soon(peer.frame()).await;
        sends(&peer, &call(1, 1).replace("00000004", "00000005"), &[]);
        sends(&peer, "00", &[fd.as_fd()]);
        drop(fd);
        answers(&mut peer).await;
    })
    .await;
}

#[tokio::test]
async fn to_a_client_that_drops_the_reply() {
    others_are_answered(async |fd| {
        let (client, mut peer) = client(Options::default());
        let (replied, ()) = tokio::join!(client.call_with_fds::<Answer>(&(), Vec::new()), async {
            soon(peer.frame()).await;
            sends(&peer, &call(1, 1).replace("00000004", "00000005"), &[]);
            sends(&peer, "00", &[fd.as_fd()]);
            drop(fd);
        });
        drop(replied.unwrap());
    })
    .await;
}

#[tokio::test]
async fn to_a_client_unannounced_or_too_many() {
    for count in [1, 2, 253] {
        others_are_answered(async |fd| {
            let (client, peer) = client(Options::default());
            sends(&peer, "00", &many(&harmless(), &fd, count));
            drop(fd);
            assert_eq!(soon(client.closed()).await.reason(), CloseReason::Error);
        })
        .await;
    }
}

#[tokio::test]
async fn to_a_client_whose_stream_was_wrapped() {
    others_are_answered(async |fd| {
        let (client, mut peer) = client(Options::default());
        client.wrap_stream(|stream| stream).await.unwrap();
        sends(&peer, PING, &[fd.as_fd()]);
        drop(fd);
        peer.hears(PONG).await;
    })
    .await;
}

/// Waits for the PONG of a PING, which comes behind all that was sent before.
async fn answers(peer: &mut Stranger) {
    peer.says(PING).await;
    peer.hears(PONG).await;
}

#[test]
fn in_half_a_set_when_the_runtime_is_shut_down() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let (fd, _unread) = lingering(LINGER);
    let start = Instant::now();
    let server = runtime.block_on(async {
        let (server, mut peer) = serve(ServerOptions::default(), open);
        answers(&mut peer).await;
        sends(&peer, &call(1, 2), &[]);
        sends(&peer, "00", &[fd.as_fd()]);
        // One more, which stays in the queue of the socket.
        tokio::task::yield_now().await;
        sends(&peer, "00", &[fd.as_fd()]);
        drop(fd);
        server
    });
    drop(runtime);
    drop(server);
    assert!(start.elapsed() < LINGER);
}
