//! The reason of a close, in libvirt's four words, and its effect on pending calls.

use std::future::pending;

use tokio::time::{Instant, sleep};
use virt_testkit::peer::{Peer, soon};
use virt_testkit::words::{PING, PONG};
use virt_tokio::{Client, CloseReason, KeepAliveMode, Options};

use crate::support::{
    OWN, SECOND, ask, ask_call, connected, every, hostname, hostname_call, opened, reason,
};

const GOODBYE: &str = "0000001c 20008086 00000001 00000002 00000000 00000001 00000000";
const FAREWELL: &str = "0000001c 20008086 00000001 00000002 00000001 00000001 00000000";

#[tokio::test(start_paused = true)]
async fn what_breaks_the_protocol_is_an_error_and_named() {
    for (bytes, cause) in [
        ("00000000", "frame length 0 is outside 28 to 524288"),
        ("0000001b", "frame length 27 is outside 28 to 524288"),
        ("02000005", "frame length 33554437 is outside 28 to 524288"),
        (
            "ffffffff",
            "frame length 4294967295 is outside 28 to 524288",
        ),
        // A message of a program that was never called, and of another version of one that was.
        (
            "0000001c 20008087 00000001 00000001 00000002 00000000 00000000",
            "message of program 0x20008087 version 1, which is not registered",
        ),
        (
            "0000001c 20004242 00000002 00000001 00000002 00000000 00000000",
            "message of program 0x20004242 version 2, which is not registered",
        ),
        // A call.
        (
            "0000001c 20004242 00000001 00000001 00000000 00000001 00000000",
            "call of procedure 1 of program 0x20004242 version 1 from a server, which may not call",
        ),
        // A type that the protocol does not have.
        (
            "0000001c 20004242 00000001 00000001 00000007 00000001 00000000",
            "frame of unknown type 7, must be 0 to 6",
        ),
        // Replies that nobody waits for: of another serial, program or version, of keepalive.
        (
            "00000020 20004242 00000001 00000001 00000001 00000009 00000000 00000000",
            "reply of program 0x20004242 version 1 with serial 9, which no call waits for",
        ),
        (
            "00000020 20008086 00000001 00000001 00000001 00000001 00000000 00000000",
            "reply of program 0x20008086 version 1 with serial 1, which no call waits for",
        ),
        (
            "00000020 20004242 00000002 00000001 00000001 00000001 00000000 00000000",
            "reply of program 0x20004242 version 2 with serial 1, which no call waits for",
        ),
        (
            "0000001c 6b656570 00000001 00000001 00000001 00000000 00000000",
            "reply of program 0x6b656570 version 1 with serial 0, which no call waits for",
        ),
        // Descriptors, on a connection that carries none.
        (
            "00000024 20004242 00000001 00000001 00000005 00000001 00000000 00000001 00000000",
            "frame with 1 descriptors on a connection that carries none",
        ),
    ] {
        let (client, mut peer) = connected(Options::default());
        let calls: Vec<_> = (0..10).map(|number| ask(&client, number)).collect();
        peer.hears(&ask_call(1, 0)).await;
        peer.says(bytes).await;

        let closed = soon(client.closed()).await;
        assert_eq!(closed.reason(), CloseReason::Error);
        assert_eq!(closed.cause().unwrap().to_string(), cause);
        assert_eq!(
            closed.to_string(),
            format!("connection closed: error: {cause}")
        );
        for call in calls {
            assert_eq!(reason(soon(call).await.unwrap()), CloseReason::Error);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_frame_over_the_own_limit_is_an_error() {
    let mut limits = virt_tokio::Limits::default();
    limits.frame_bytes = 64;
    let (client, mut peer) = connected(Options::default().limits(limits));
    peer.says("00000041").await;
    let closed = soon(client.closed()).await;
    assert_eq!(
        closed.cause().unwrap().to_string(),
        "frame length 65 is outside 28 to 64"
    );
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_closes_is_an_end_of_file() {
    let (client, mut peer) = connected(Options::default());
    let call = ask(&client, 1);
    peer.hears(&ask_call(1, 1)).await;
    drop(peer);
    let closed = soon(client.closed()).await;
    assert_eq!(closed.reason(), CloseReason::EndOfFile);
    assert_eq!(closed.to_string(), "connection closed: end of file");
    assert_eq!(reason(soon(call).await.unwrap()), CloseReason::EndOfFile);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_closes_within_a_frame_is_an_end_of_file_with_a_cause() {
    for (bytes, cause) in [
        ("00", "1 bytes into a frame"),
        ("0000001c 6b656570 00000001", "12 bytes into a frame"),
    ] {
        let (client, mut peer) = connected(Options::default());
        peer.says(PING).await;
        peer.says(bytes).await;
        peer.hears(PONG).await;
        drop(peer);
        let closed = soon(client.closed()).await;
        assert_eq!(closed.reason(), CloseReason::EndOfFile);
        assert_eq!(closed.cause().unwrap().to_string(), cause);
    }
}

#[tokio::test(start_paused = true)]
async fn silence_is_keepalive() {
    let (client, mut peer) = opened(every(SECOND, 0)).await;
    let call = hostname(&client);
    assert_eq!(soon(client.closed()).await.reason(), CloseReason::KeepAlive);
    assert_eq!(reason(soon(call).await.unwrap()), CloseReason::KeepAlive);
    peer.hears(&hostname_call(4)).await;
    peer.hears_the_end().await;
}

#[tokio::test(start_paused = true)]
async fn close_says_goodbye_and_ends_in_client() {
    let (client, mut peer) = connected(Options::default());
    let (closed, ()) = tokio::join!(client.close(), async {
        peer.hears(GOODBYE).await;
        peer.says(FAREWELL).await;
        peer.hears_the_end().await;
    });
    assert_eq!(closed.reason(), CloseReason::Client);
    assert_eq!(closed.to_string(), "connection closed: client");
    assert!(closed.cause().is_none());
    // Once more changes nothing.
    assert_eq!(soon(client.close()).await.reason(), CloseReason::Client);
    assert_eq!(
        reason(soon(ask(&client, 1)).await.unwrap()),
        CloseReason::Client
    );
}

#[tokio::test(start_paused = true)]
async fn a_daemon_that_hears_the_goodbye_may_close_first() {
    for farewell in ["", FAREWELL, "0000001c 20008086"] {
        let (client, mut peer) = connected(Options::default());
        let (closed, ()) = tokio::join!(client.close(), async {
            peer.hears(GOODBYE).await;
            peer.says(farewell).await;
            drop(peer);
        });
        assert_eq!(closed.reason(), CloseReason::Client);
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_daemon_that_closes_with_something_unread_has_closed_because_it_was_asked_to() {
    let (ours, theirs) = tokio::net::UnixStream::pair().unwrap();
    let client = Client::over_unix(ours, Options::default());
    let mut peer = Peer(theirs);
    // The kernel then says that the connection was reset.
    let (closed, ()) = soon(async {
        tokio::join!(client.close(), async {
            peer.hears(GOODBYE).await;
            // Two PONGs come together, of which one is not read.
            peer.says(&PING.repeat(2)).await;
            peer.hears(PONG).await;
            drop(peer);
        })
    })
    .await;
    assert_eq!(closed.reason(), CloseReason::Client, "{closed}");
}

#[cfg(unix)]
#[tokio::test]
async fn what_a_daemon_said_before_it_closed_is_heard() {
    let (ours, theirs) = tokio::net::UnixStream::pair().unwrap();
    let client = Client::over_unix(ours, Options::default());
    let mut peer = Peer(theirs);
    let first = ask(&client, 1);
    peer.hears(&ask_call(1, 1)).await;
    peer.says(&crate::support::ask_reply(1, 2)).await;
    drop(peer);
    // The connection's task has not looked yet, and writes before it reads.
    let second = ask(&client, 2);
    assert_eq!(soon(first).await.unwrap().unwrap(), 2);
    assert_eq!(reason(soon(second).await.unwrap()), CloseReason::EndOfFile);
}

#[tokio::test(start_paused = true)]
async fn the_goodbye_does_not_wait_for_calls() {
    let (client, mut peer) = connected(Options::default());
    let calls: Vec<_> = (0..10).map(|number| ask(&client, number)).collect();
    for number in 0..4 {
        peer.hears(&ask_call(number + 1, number)).await;
    }
    let start = Instant::now();
    let (closed, ()) = tokio::join!(client.close(), async {
        peer.hears("0000001c 20008086 00000001 00000002 00000000 00000005 00000000")
            .await;
        peer.says("0000001c 20008086 00000001 00000002 00000001 00000005 00000000")
            .await;
    });
    assert_eq!(closed.reason(), CloseReason::Client);
    for call in calls {
        assert_eq!(reason(soon(call).await.unwrap()), CloseReason::Client);
    }
    assert_eq!(start.elapsed(), std::time::Duration::ZERO);
    peer.hears_the_end().await;
}

#[tokio::test(start_paused = true)]
async fn a_daemon_that_does_not_answer_the_goodbye_is_left_after_five_seconds() {
    for (options, limit) in [
        (Options::default(), 5),
        (Options::default().call_timeout(2 * SECOND), 2),
        (Options::default().call_timeout(60 * SECOND), 5),
    ] {
        let (client, mut peer) = connected(options);
        let start = Instant::now();
        assert_eq!(soon(client.close()).await.reason(), CloseReason::Client);
        assert_eq!(start.elapsed(), limit * SECOND);
        peer.hears(GOODBYE).await;
        peer.hears_the_end().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_read_is_left_as_well() {
    let (ours, theirs) = tokio::io::duplex(16);
    let options = Options::default().keepalive(KeepAliveMode::AnswerOnly);
    let client = Client::over_stream(ours, options);
    let mut events = client.events();
    // More than may wait to be written, so that no command is taken any more.
    let large = virt_remote::ConnectOpenArgs {
        name: Some("x".repeat(512 * 1024)),
        flags: virt_remote::constants::ConnectFlags::default(),
    };
    let call = tokio::spawn({
        let client = client.clone();
        async move {
            let large = virt_remote::ConnectOpenArgs {
                name: large.name.as_deref(),
                flags: virt_remote::constants::ConnectFlags::default(),
            };
            client.call::<virt_remote::ConnectOpen>(&large).await
        }
    });
    sleep(SECOND).await;
    let start = Instant::now();
    assert_eq!(soon(client.close()).await.reason(), CloseReason::Client);
    assert_eq!(start.elapsed(), 5 * SECOND);
    assert_eq!(reason(soon(call).await.unwrap()), CloseReason::Client);
    assert!(soon(events.recv()).await.is_err());
    // What still waits to be written keeps nobody.
    assert_eq!(start.elapsed(), 5 * SECOND);
    drop(theirs);
}

#[tokio::test(start_paused = true)]
async fn a_goodbye_that_was_not_said_explains_nothing() {
    let (client, mut peer) = connected(Options::default());
    // Its future is dropped before the connection's task has had a turn.
    tokio::select! {
        biased;
        closed = client.close() => panic!("{closed}"),
        () = std::future::ready(()) => (),
    }
    peer.hears_nothing_for(SECOND).await;
    drop(peer);
    assert_eq!(soon(client.closed()).await.reason(), CloseReason::EndOfFile);
}

#[tokio::test(start_paused = true)]
async fn the_last_handle_closes() {
    let (client, mut peer) = connected(Options::default());
    let other = client.clone();
    drop(client);
    soon(other.listen(OWN)).await.unwrap();
    peer.hears_nothing_for(SECOND).await;
    let waits = tokio::spawn(async move { other.closed().await });
    peer.hears_nothing_for(SECOND).await;
    waits.abort();
    peer.hears_the_end().await;
}

#[tokio::test(start_paused = true)]
async fn a_runtime_that_ends_ends_the_connection() {
    let (ours, _theirs) = tokio::io::duplex(64);
    let client = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime
            .unwrap()
            .block_on(async { Client::over_stream(ours, Options::default()) })
    });
    let client = client.join().unwrap();
    let closed = soon(client.closed()).await;
    assert_eq!(
        closed.to_string(),
        "connection closed: error: its task has ended: the runtime was shut down, or an action that it ran has panicked"
    );
    assert_eq!(reason(soon(client.listen(OWN)).await), CloseReason::Error);
}

#[tokio::test(start_paused = true)]
async fn an_action_that_panics_takes_the_connection_with_it() {
    let (client, mut peer) = connected(Options::default());
    let result = soon(client.with_transport(|_| panic!("as tests do"))).await;
    let closed: Result<(), _> = result;
    assert_eq!(closed.unwrap_err().reason(), CloseReason::Error);
    peer.hears_the_end().await;
}

#[tokio::test(start_paused = true)]
async fn waiting_for_the_end_does_not_bring_it() {
    let (client, mut peer) = connected(Options::default());
    tokio::select! {
        closed = client.closed() => panic!("{closed}"),
        () = peer.hears_nothing_for(SECOND) => (),
        () = pending() => (),
    }
}

#[tokio::test(start_paused = true)]
async fn everybody_is_told_the_same() {
    let (client, peer) = connected(Options::default());
    drop(peer);
    // Whether the peer has gone before or because of the goodbye cannot be told.
    let (first, second) = tokio::join!(soon(client.closed()), soon(client.close()));
    assert_eq!(first.reason(), second.reason());
    assert_eq!(soon(client.close()).await.reason(), first.reason());
}

#[tokio::test(start_paused = true)]
async fn what_a_stream_of_the_users_keeps_back_is_flushed_and_shut_down() {
    let (ours, theirs) = tokio::io::duplex(1024);
    let client = Client::over_stream(tokio::io::BufStream::new(ours), Options::default());
    let mut peer = Peer(theirs);
    let (opened, ()) = tokio::join!(soon(client.open("test:///default")), peer.opens());
    opened.unwrap();
    peer.says(PING).await;
    peer.hears(PONG).await;
    drop(client);
    peer.hears_the_end().await;
}
