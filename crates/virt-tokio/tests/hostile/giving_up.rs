//! A server gives up a client in time that is silent, stops within a frame, or reads nothing, keepalive or not.

use tokio::io::AsyncWriteExt;
use tokio::time::{Duration, Instant};
use virt_testkit::peer::{Peer, soon};
use virt_testkit::wire;
use virt_testkit::words::{PING, PONG};
use virt_tokio::{Server, ServerOptions};
use virt_transport::{Access, Call, Context, Program, ProgramId, RemoteError};

use crate::support::{Stranger, open, serve};

const CALL: &str = "0000001c 20004242 00000001 00000001 00000000 00000001 00000000";
const ANSWER: &str = "0000001c 20004242 00000001 00000001 00000001 00000001 00000000";
/// A call that is never answered.
const ASKED: &str = "0000001c 20004242 00000001 00000003 00000000 00000002 00000000";
const SECOND: Duration = Duration::from_secs(1);

/// Asks a person to authenticate each client, who does not answer.
struct Asking;

impl Program for Asking {
    fn id(&self) -> ProgramId {
        ProgramId::new(0x2000_4242, 1)
    }

    fn requires_authentication(&self) -> bool {
        true
    }

    fn access(&self, _: i32) -> Option<Access> {
        Some(Access::Anyone)
    }

    fn on_call(&mut self, _: Call<'_>, _: &mut Context<'_>) -> Result<(), RemoteError> {
        Ok(())
    }
}

async fn is_given_up(server: &Server, after: Duration, why: &str) {
    let start = Instant::now();
    // Longer than the patience of the tests, but on a clock that jumps.
    let closed = tokio::time::timeout(1000 * SECOND, server.closed()).await;
    let closed = closed.expect("it is closed");
    assert_eq!(
        closed.to_string(),
        format!("connection closed: error: the client {why}")
    );
    assert_eq!(start.elapsed().as_secs(), after.as_secs());
}

/// A connection that has made a call that needs authentication.
async fn established(options: ServerOptions) -> (Server, Stranger) {
    let (server, mut peer) = serve(options, open);
    peer.says(CALL).await;
    peer.hears(ANSWER).await;
    (server, peer)
}

#[tokio::test(start_paused = true)]
async fn one_that_says_nothing() {
    let (server, _peer) = serve(ServerOptions::default(), open);
    let why = "did not open the connection within 30 s";
    is_given_up(&server, 30 * SECOND, why).await;
}

#[tokio::test(start_paused = true)]
async fn one_that_sends_pings_alone() {
    let (server, mut peer) = serve(ServerOptions::default(), open);
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(SECOND).await;
            peer.says(PING).await;
            peer.hears(PONG).await;
        }
    });
    let why = "did not open the connection within 30 s";
    is_given_up(&server, 30 * SECOND, why).await;
}

#[tokio::test(start_paused = true)]
async fn one_for_which_a_person_is_asked_has_five_minutes() {
    let (server, mut peer) = serve(ServerOptions::default(), |transport, _| {
        transport.register(Asking).map(drop)
    });
    peer.says(ASKED).await;
    let why = "did not open the connection within 300 s";
    is_given_up(&server, 300 * SECOND, why).await;
}

#[tokio::test(start_paused = true)]
async fn one_that_stops_within_a_frame() {
    for half in ["000000", "00000100 20004242 00000001"] {
        let (server, mut peer) = established(ServerOptions::default()).await;
        peer.says(half).await;
        let why = "did not finish a frame within 30 s";
        is_given_up(&server, 30 * SECOND, why).await;
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_trickles_a_frame() {
    let (server, mut peer) = established(ServerOptions::default()).await;
    peer.says("00100000 20004242 00000001").await;
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(SECOND).await;
            peer.says("00").await;
        }
    });
    let why = "did not finish a frame within 30 s";
    is_given_up(&server, 30 * SECOND, why).await;
}

#[tokio::test(start_paused = true)]
async fn one_that_floods_and_never_reads() {
    let (server, Peer(mut socket)) = established(ServerOptions::default()).await;
    tokio::spawn(async move {
        let calls = wire(CALL).repeat(1000);
        while socket.write_all(&calls).await.is_ok() {}
    });
    let why = "took none of its output within 30 s";
    is_given_up(&server, 30 * SECOND, why).await;
}

#[tokio::test(start_paused = true)]
async fn nobody_where_the_limits_are_turned_off() {
    let options = ServerOptions::default()
        .open_timeout(None)
        .frame_timeout(None)
        .write_timeout(None);
    let (server, mut peer) = serve(options, open);
    peer.says("000000").await;
    let closed = tokio::time::timeout(100_000 * SECOND, server.closed()).await;
    assert!(closed.is_err(), "{closed:?}");
    peer.says("1c 20004242 00000001 00000001 00000000 00000001 00000000")
        .await;
    soon(peer.hears(ANSWER)).await;
}
