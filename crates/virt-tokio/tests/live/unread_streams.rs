//! Streams that are not read while a call waits for a reply behind their data.

use tokio::io::AsyncWriteExt;
use tokio::time::Instant;
use virt_testkit::peer::{Peer, soon};
use virt_testkit::wire;
use virt_testkit::words::PONG;
use virt_tokio::{CallError, Client, CloseReason, Limits, Options, Stream, StreamChunk};

use crate::support::{Ask, SECOND, ask, ask_call, ask_reply, connected};

const MIB: usize = 1024 * 1024;
const EMPTY: &str = "0000001c 20004242 00000001 00000001 00000003 00000001 00000002";
const FINISH: &str = "0000001c 20004242 00000001 00000001 00000003 00000001 00000000";

/// Opens the stream of the call with serial 1.
async fn opened(client: &Client, peer: &mut Peer) -> Stream {
    let (opened, ()) = tokio::join!(soon(client.call_with_stream::<Ask>(&7)), async {
        peer.hears(&ask_call(1, 7)).await;
        peer.says(&ask_reply(1, 8)).await;
    });
    opened.unwrap().1
}

/// A piece of a quarter of a mebibyte.
fn piece() -> Vec<u8> {
    let mut frame = wire("0004001c 20004242 00000001 00000001 00000003 00000001 00000002");
    frame.resize(28 + MIB / 4, 7);
    frame
}

fn limited(unread_bytes: usize) -> Options {
    let mut limits = Limits::default();
    limits.unread_bytes = unread_bytes;
    Options::default().limits(limits)
}

#[tokio::test(start_paused = true)]
async fn a_task_reads_a_download_and_calls_in_turn() {
    let (client, mut peer) = connected(Options::default());
    let mut stream = opened(&client, &mut peer).await;
    let (mut hearing, mut saying) = peer.split();
    let (calls, mut due) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        for serial in 2..=97 {
            hearing.hears(&ask_call(serial, 1)).await;
            calls.send(serial).unwrap();
        }
    });
    let daemon = tokio::spawn(async move {
        // The whole download goes first, so each reply is behind it.
        for _ in 0..96 {
            saying.0.write_all(&piece()).await.unwrap();
        }
        saying.says(EMPTY).await;
        while let Some(serial) = due.recv().await {
            saying.says(&ask_reply(serial, 2)).await;
        }
        saying
    });
    let mut read = 0;
    while let Some(chunk) = soon(stream.recv()).await.unwrap() {
        let StreamChunk::Data(data) = chunk else {
            panic!("no data but {chunk:?}");
        };
        read += data.len();
        assert_eq!(soon(client.call::<Ask>(&1)).await.unwrap(), 2);
    }
    assert_eq!(read, 24 * MIB);
    soon(daemon).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn beyond_the_limit_the_call_fails_and_says_so_and_the_connection_goes_on() {
    let (client, mut peer) = connected(limited(2 * MIB));
    let mut stream = opened(&client, &mut peer).await;
    let call = ask(&client, 1);
    peer.hears(&ask_call(2, 1)).await;
    let daemon = tokio::spawn(async move {
        for _ in 0..12 {
            peer.0.write_all(&piece()).await.unwrap();
        }
        peer.says(&ask_reply(2, 2)).await;
        peer.says(EMPTY).await;
        peer
    });
    let error = soon(call).await.unwrap().unwrap_err();
    assert!(
        matches!(error, CallError::UnreadStreams { limit } if limit == 2 * MIB),
        "{error}"
    );
    for _ in 0..12 {
        soon(stream.recv()).await.unwrap().unwrap();
    }
    assert_eq!(soon(stream.recv()).await.unwrap(), None);
    let mut peer = soon(daemon).await.unwrap();
    let call = ask(&client, 3);
    peer.hears(&ask_call(3, 3)).await;
    peer.says(&ask_reply(3, 4)).await;
    assert_eq!(soon(call).await.unwrap().unwrap(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_ping_is_read_on_for() {
    let (client, mut peer) = connected(Options::default());
    let _unread = opened(&client, &mut peer).await;
    let (pong, ()) = tokio::join!(soon(client.ping()), async {
        soon(peer.frame()).await;
        for _ in 0..16 {
            soon(peer.0.write_all(&piece())).await.unwrap();
        }
        peer.says(PONG).await;
    });
    pong.unwrap();
}

#[tokio::test(start_paused = true)]
async fn close_does_not_wait_for_a_stream() {
    for unread in [MIB, 64 * MIB] {
        let (client, mut peer) = connected(limited(unread));
        let _unread = opened(&client, &mut peer).await;
        let (_hearing, mut saying) = peer.split();
        tokio::spawn(async move { while saying.0.write_all(&piece()).await.is_ok() {} });
        tokio::time::sleep(SECOND).await;
        let start = Instant::now();
        assert_eq!(soon(client.close()).await.reason(), CloseReason::Client);
        assert!(start.elapsed() <= 5 * SECOND, "{:?}", start.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_download_is_the_end_of_a_loop() {
    let (client, mut peer) = connected(Options::default());
    let mut stream = opened(&client, &mut peer).await;
    peer.says("0000001f 20004242 00000001 00000001 00000003 00000001 00000002 'abc'")
        .await;
    peer.says(EMPTY).await;
    let mut read = Vec::new();
    while let Some(chunk) = soon(stream.recv()).await.unwrap() {
        read.push(chunk);
    }
    assert_eq!(read, [StreamChunk::Data("abc".into())]);
    assert_eq!(soon(stream.recv()).await.unwrap(), None);
    let (finished, ()) = tokio::join!(soon(stream.finish()), async {
        peer.hears(FINISH).await;
        peer.says(FINISH).await;
    });
    finished.unwrap();
    assert_eq!(soon(stream.recv()).await.unwrap(), None);
}
