//! A peer that sends a million PINGs: those that it does not read the PONGs of cost a bounded amount of memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncWrite, AsyncWriteExt, BufReader, DuplexStream};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use virt_testkit::peer::{Peer, soon};
use virt_testkit::wire;
use virt_testkit::words::{PING, PONG};
use virt_tokio::{
    Client, CloseReason, Closed, KeepAliveMode, Limits, Options, Server, ServerOptions,
};

use crate::support::{SECOND, connected, every, through};

const MILLION: usize = 1_000_000;

/// The capacity of a pipe in each direction.
const PIPE: usize = 4096;

/// Sends PINGs as long as they are taken, and notes how many bytes were.
fn flood(
    mut pipe: impl AsyncWrite + Unpin + Send + 'static,
    pings: usize,
) -> (Arc<AtomicUsize>, JoinHandle<()>) {
    let taken = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&taken);
    let ping = wire(PING);
    let task = tokio::spawn(async move {
        let thousand = ping.repeat(1000);
        for _ in 0..pings / 1000 {
            let mut rest = thousand.as_slice();
            while !rest.is_empty() {
                let Ok(count) = pipe.write(rest).await else {
                    return;
                };
                counter.fetch_add(count, Ordering::Relaxed);
                rest = &rest[count..];
            }
        }
    });
    (taken, task)
}

/// Both ends of a connection that sends PINGs each second, and is dead after three.
fn ends(client: bool) -> (JoinHandle<Closed>, Peer) {
    let keepalive = KeepAliveMode::Send {
        interval: SECOND,
        count: 2,
    };
    let (ours, theirs): (DuplexStream, _) = tokio::io::duplex(PIPE);
    let closed = if client {
        let client = Client::over_stream(ours, every(SECOND, 2));
        client.start_keepalive();
        tokio::spawn(async move { client.closed().await })
    } else {
        let server = Server::over_stream(
            ours,
            ServerOptions::default().keepalive(keepalive),
            |_, control| {
                control.start_keepalive();
                Ok(())
            },
        );
        let (server, ()) = server.unwrap();
        tokio::spawn(async move { server.closed().await })
    };
    (closed, Peer(theirs))
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_never_reads_is_stopped_and_closed_by_keepalive() {
    for client in [true, false] {
        let (closed, peer) = ends(client);
        let start = Instant::now();
        // Its PONGs are never read.
        let (_unread, saying) = peer.split();
        let (taken, flood) = flood(saying.0, MILLION);

        let closed = soon(closed).await.unwrap();
        assert_eq!(closed.reason(), CloseReason::KeepAlive);
        assert_eq!(start.elapsed(), 3 * SECOND);
        soon(flood).await.unwrap();
        // Each PING that was taken is a PONG of the same length: in the queue up to the mark, and over it by
        // what one read brings; in the pipe; and what the pipe holds the other way was not read.
        let bound = Limits::default().queued_bytes + 3 * PIPE;
        let taken = taken.load(Ordering::Relaxed);
        assert!(
            (bound - 3 * PIPE..=bound).contains(&taken),
            "{taken} bytes of 28 000 000"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_reads_late_gets_every_pong() {
    for client in [true, false] {
        let (closed, peer) = ends(client);
        let (hearing, saying) = peer.split();
        let mut hearing = Peer(BufReader::new(hearing.0));
        let (taken, flood) = flood(saying.0, MILLION);
        sleep(2 * SECOND + SECOND / 2).await;
        assert!(taken.load(Ordering::Relaxed) <= Limits::default().queued_bytes + 3 * PIPE);

        let (ping, pong) = (wire(PING), wire(PONG));
        let (mut pings, mut pongs) = (0, 0);
        while pongs < MILLION {
            // No time limit for each: there are two million of them.
            let frame = hearing.frame().await;
            if frame == ping {
                pings += 1;
            } else {
                assert_eq!(frame, pong);
                pongs += 1;
            }
        }
        assert_eq!(pings, 2, "those of the first two seconds");
        soon(flood).await.unwrap();
        assert_eq!(taken.load(Ordering::Relaxed), MILLION * pong.len());
        assert!(!closed.is_finished());
    }
}

#[tokio::test(start_paused = true)]
async fn a_flood_does_not_keep_callers_from_being_served() {
    let (client, peer) = through(PIPE, Options::default());
    let (hearing, saying) = peer.split();
    let mut hearing = Peer(BufReader::new(hearing.0));
    let (_, flood) = flood(saying.0, MILLION / 10);
    let pong = wire(PONG);
    let pongs = tokio::spawn(async move {
        let mut frames = 0;
        while frames < MILLION / 10 {
            frames += usize::from(hearing.frame().await == pong);
        }
        hearing
    });
    let mut served = 0;
    while !pongs.is_finished() {
        soon(client.with_transport(|transport| transport.queued()))
            .await
            .unwrap();
        served += 1;
    }
    // At least each time that as much was written as the mark lets in.
    assert!(served >= 10, "{served} commands");
    soon(pongs).await.unwrap();
    soon(flood).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_anything_else_costs_nothing() {
    let (client, mut peer) = connected(Options::default());
    for _ in 0..1000 {
        // PONGs, and events that nobody takes, of procedures that nobody knows.
        peer.says(PONG).await;
        peer.says("0000001c 6b656570 00000001 00000003 00000002 00000000 00000000")
            .await;
    }
    peer.says(PING).await;
    peer.hears(PONG).await;
    let held = client.with_transport(|transport| (transport.queued(), transport.buffered()));
    assert_eq!(soon(held).await.unwrap(), (0, 0));
}
