//! Streams: both ways, to their end or not, and as fast as the slower end.

use std::future::ready;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::AsyncReadExt;
use tokio::time::{Instant, sleep, timeout};
use virt_testkit::hex;
use virt_testkit::peer::{Peer, soon};
use virt_testkit::words::{PING, PONG};
use virt_tokio::{
    CallError, Client, CloseReason, KeepAliveMode, Limits, Options, Stream, StreamChunk,
};
use virt_transport::{ReplyError, SendError};

use crate::support::{Ask, SECOND, ask, ask_call, ask_reply, connected, every, reason, through};

const DATA: &str = "0000001f 20004242 00000001 00000001 00000003 00000001 00000002 'abc'";
const EMPTY: &str = "0000001c 20004242 00000001 00000001 00000003 00000001 00000002";
const HOLE: &str =
    "00000028 20004242 00000001 00000001 00000006 00000001 00000002 00000000 00001000 00000000";
const FINISH: &str = "0000001c 20004242 00000001 00000001 00000003 00000001 00000000";
const ABORT: &str = "0000001c 20004242 00000001 00000001 00000003 00000001 00000001";
const REFUSAL: &str = "00000050 20004242 00000001 00000001 00000001 00000001 00000001 \
     00000001 00000000 00000001 00000002 'no' 0000 00000002 00000000 00000000 00000000 00000000 \
     00000000 00000000 00000000";

fn data(chunk: StreamChunk) -> Bytes {
    match chunk {
        StreamChunk::Data(data) => data,
        chunk => panic!("no data but {chunk:?}"),
    }
}

/// Opens the stream of the call with serial 1.
async fn opened(client: &Client, peer: &mut Peer) -> Stream {
    let (opened, ()) = tokio::join!(soon(client.call_with_stream::<Ask>(&7)), async {
        peer.hears(&ask_call(1, 7)).await;
        peer.says(&ask_reply(1, 8)).await;
    });
    let (ret, stream) = opened.unwrap();
    assert_eq!(ret, 8);
    stream
}

/// Nothing is heard up to a PING and its PONG.
async fn is_quiet_and_open(peer: &mut Peer) {
    peer.says(PING).await;
    peer.hears(PONG).await;
}

#[tokio::test(start_paused = true)]
async fn data_and_holes_go_both_ways_until_both_have_finished() {
    let (client, mut peer) = connected(Options::default());
    let mut stream = opened(&client, &mut peer).await;

    stream.send("abc").await.unwrap();
    stream.send_hole(4096).await.unwrap();
    stream.send("").await.unwrap();
    for frame in [DATA, HOLE, EMPTY] {
        peer.hears(frame).await;
    }
    for frame in [DATA, HOLE, EMPTY] {
        peer.says(frame).await;
    }
    let mut received = Vec::new();
    while let Some(chunk) = soon(stream.recv()).await.unwrap() {
        received.push(chunk);
    }
    assert_eq!(
        received,
        [StreamChunk::Data("abc".into()), StreamChunk::Hole(4096)]
    );
    // The end stays the end.
    assert_eq!(soon(stream.recv()).await.unwrap(), None);

    let (finished, ()) = tokio::join!(soon(stream.finish()), async {
        peer.hears(FINISH).await;
        peer.says(FINISH).await;
    });
    finished.unwrap();
    assert_eq!(soon(stream.recv()).await.unwrap(), None);
    drop(stream);
    is_quiet_and_open(&mut peer).await;
    let open = soon(client.with_transport(|transport| transport.open_streams())).await;
    assert_eq!(open.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_comes_before_the_reply_belongs_to_the_stream() {
    let (client, mut peer) = connected(Options::default());
    let (opened, ()) = tokio::join!(soon(client.call_with_stream::<Ask>(&7)), async {
        peer.hears(&ask_call(1, 7)).await;
        peer.says(DATA).await;
        peer.says(&ask_reply(1, 8)).await;
    });
    let (_, mut stream) = opened.unwrap();
    assert_eq!(data(soon(stream.recv()).await.unwrap().unwrap()), "abc");
}

#[tokio::test(start_paused = true)]
async fn too_much_before_the_reply_fails_the_call_and_nothing_else() {
    let mut limits = Limits::default();
    limits.stream_bytes = 3 + 2 * size_of::<virt_transport::StreamItem>();
    limits.unread_bytes = limits.stream_bytes;
    let (client, mut peer) = connected(Options::default().limits(limits));
    let (refused, ()) = tokio::join!(soon(client.call_with_stream::<Ask>(&7)), async {
        peer.hears(&ask_call(1, 7)).await;
        peer.says(EMPTY).await;
        is_quiet_and_open(&mut peer).await;
        peer.says(DATA).await;
        peer.hears(ABORT).await;
    });
    let error = refused.unwrap_err();
    assert!(
        matches!(&error, CallError::UnreadStreams { limit } if *limit == limits.stream_bytes),
        "{error}"
    );
    // The reply comes all the same, and what the peer has sent before it knew.
    peer.says(DATA).await;
    peer.says(&ask_reply(1, 8)).await;
    let call = ask(&client, 1);
    peer.hears(&ask_call(2, 1)).await;
    peer.says(&ask_reply(2, 2)).await;
    assert_eq!(soon(call).await.unwrap().unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_was_sent_is_written_after_the_last_handle_has_gone() {
    let (client, mut peer) = through(64, Options::default());
    let stream = opened(&client, &mut peer).await;
    for _ in 0..100 {
        stream.send("abc").await.unwrap();
    }
    stream.sender().finish().await.unwrap();
    drop((client, stream));
    sleep(SECOND / 2).await;
    for _ in 0..100 {
        peer.hears(DATA).await;
    }
    peer.hears(FINISH).await;
    peer.hears_the_end().await;
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_read_what_was_sent_is_left() {
    let (client, mut peer) = through(64, Options::default());
    let stream = opened(&client, &mut peer).await;
    for _ in 0..100 {
        stream.send("abc").await.unwrap();
    }
    drop((client, stream));
    sleep(2 * SECOND).await;
    // What the pipe holds, and no more.
    let mut rest = Vec::new();
    soon(peer.0.read_to_end(&mut rest)).await.unwrap();
    assert_eq!(rest.len(), 64);
}

#[tokio::test(start_paused = true)]
async fn after_its_finish_this_end_sends_nothing_more() {
    let (client, mut peer) = connected(Options::default());
    let stream = opened(&client, &mut peer).await;
    stream.sender().finish().await.unwrap();
    for result in [
        stream.send("abc").await,
        stream.send_hole(1).await,
        stream.sender().finish().await,
    ] {
        let error = result.unwrap_err();
        assert!(
            matches!(error, CallError::Send(SendError::StreamClosed(_))),
            "{error}"
        );
    }
    peer.hears(FINISH).await;
    is_quiet_and_open(&mut peer).await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_dropped_is_aborted() {
    let (client, mut peer) = connected(Options::default());
    let stream = opened(&client, &mut peer).await;
    drop(stream);
    peer.hears(ABORT).await;
    // What the peer has sent before it heard that is passed over.
    peer.says(DATA).await;
    peer.says(FINISH).await;
    is_quiet_and_open(&mut peer).await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_dropped_outside_of_the_runtime_is_aborted_too() {
    let (client, mut peer) = connected(Options::default());
    let stream = opened(&client, &mut peer).await;
    std::thread::spawn(move || drop(stream)).join().unwrap();
    peer.hears(ABORT).await;
}

#[tokio::test(start_paused = true)]
async fn abort_says_so() {
    let (client, mut peer) = connected(Options::default());
    let stream = opened(&client, &mut peer).await;
    soon(stream.abort()).await.unwrap();
    peer.hears(ABORT).await;
    is_quiet_and_open(&mut peer).await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_was_finished_and_is_dropped_leaves_the_connection_alone() {
    let (client, mut peer) = connected(Options::default());
    let stream = opened(&client, &mut peer).await;
    peer.says(DATA).await;
    soon(stream.sender().finish()).await.unwrap();
    peer.hears(FINISH).await;
    drop(stream);
    // The peer has not finished yet, and is not told to stop: this end has nothing more to say.
    for _ in 0..10 {
        peer.says(DATA).await;
        is_quiet_and_open(&mut peer).await;
    }
    peer.says(FINISH).await;
    is_quiet_and_open(&mut peer).await;
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_aborts_says_why_or_does_not() {
    for (abort, message) in [
        (ABORT, None),
        (
            "00000050 20004242 00000001 00000001 00000003 00000001 00000001 \
             00000001 00000000 00000001 00000002 'no' 0000 00000002 00000000 00000000 00000000 \
             00000000 00000000 00000000 00000000",
            Some("no"),
        ),
    ] {
        let (client, mut peer) = connected(Options::default());
        let mut stream = opened(&client, &mut peer).await;
        peer.says(DATA).await;
        peer.says(abort).await;
        assert_eq!(data(soon(stream.recv()).await.unwrap().unwrap()), "abc");
        match soon(stream.recv()).await.unwrap_err() {
            CallError::Aborted(error) => {
                assert_eq!(error.as_ref().map(|error| error.message()), message);
            }
            error => panic!("no abort but {error:?}"),
        }
        assert_eq!(soon(stream.recv()).await.unwrap(), None);
        let error = soon(stream.send("abc")).await.unwrap_err();
        assert!(
            matches!(error, CallError::Send(SendError::StreamClosed(_))),
            "{error}"
        );
        drop(stream);
        is_quiet_and_open(&mut peer).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_refused_has_no_stream() {
    let (client, mut peer) = connected(Options::default());
    let (refused, ()) = tokio::join!(soon(client.call_with_stream::<Ask>(&7)), async {
        peer.hears(&ask_call(1, 7)).await;
        peer.says(REFUSAL).await;
    });
    match refused {
        Err(CallError::Reply(ReplyError::Remote(error))) => assert_eq!(error.message(), "no"),
        result => panic!("{result:?}"),
    }
    peer.says(DATA).await;
    is_quiet_and_open(&mut peer).await;
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_given_up_aborts_its_stream_once_there_is_one() {
    let (client, mut peer) = connected(Options::default().call_timeout(SECOND));
    soon(client.call_with_stream::<Ask>(&7)).await.unwrap_err();
    peer.hears(&ask_call(1, 7)).await;
    // A peer that has not opened the stream would not know what to abort.
    is_quiet_and_open(&mut peer).await;
    peer.says(&ask_reply(1, 8)).await;
    peer.hears(ABORT).await;

    // Refused, there is nothing to abort.
    let (client, mut peer) = connected(Options::default().call_timeout(SECOND));
    soon(client.call_with_stream::<Ask>(&7)).await.unwrap_err();
    peer.hears(&ask_call(1, 7)).await;
    peer.says(REFUSAL).await;
    is_quiet_and_open(&mut peer).await;
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_with_its_reply_unseen_aborts_its_stream_and_keeps_nothing() {
    let mut limits = Limits::default();
    limits.stream_bytes = 10;
    let (client, mut peer) = connected(Options::default().limits(limits));
    for serial in 1..=100 {
        {
            let mut call = pin!(client.call_with_stream::<Ask>(&7));
            tokio::select! {
                biased;
                _ = &mut call => panic!("there was no reply"),
                () = ready(()) => (),
            }
            peer.hears(&ask_call(serial, 7)).await;
            tokio::select! {
                biased;
                _ = &mut call => panic!("there was no reply"),
                () = ready(()) => (),
            }
            // The reply and a piece of data, which fills the connection's limit; nobody looks.
            peer.says(&ask_reply(serial, 8)).await;
            peer.says(&DATA.replace("00000003 00000001", &format!("00000003 {serial:08x}")))
                .await;
            sleep(SECOND).await;
        }
        peer.hears(&ABORT.replace("00000003 00000001", &format!("00000003 {serial:08x}")))
            .await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_connection_ends_the_stream_after_what_has_come() {
    let (client, mut peer) = connected(Options::default());
    let mut stream = opened(&client, &mut peer).await;
    peer.says(DATA).await;
    drop(peer);
    assert_eq!(data(soon(stream.recv()).await.unwrap().unwrap()), "abc");
    assert_eq!(reason(soon(stream.recv()).await), CloseReason::EndOfFile);
    assert_eq!(
        reason(soon(stream.send("abc")).await),
        CloseReason::EndOfFile
    );
}

#[tokio::test(start_paused = true)]
async fn a_stream_keeps_the_connection() {
    let (client, mut peer) = connected(Options::default());
    let stream = opened(&client, &mut peer).await;
    drop(client);
    is_quiet_and_open(&mut peer).await;
    drop(stream);
    // No handle is left, so it goes by its connection.
    peer.hears_the_end().await;
}

#[tokio::test(start_paused = true)]
async fn a_sender_waits_for_a_peer_that_does_not_read_and_goes_on_when_it_does() {
    let mut limits = Limits::default();
    limits.queued_bytes = 1000;
    let options = Options::default()
        .limits(limits)
        .keepalive(KeepAliveMode::AnswerOnly);
    let (client, mut peer) = through(1024, options);
    let stream = opened(&client, &mut peer).await;
    let sent = Arc::new(AtomicUsize::new(0));
    let sender = tokio::spawn({
        let sent = Arc::clone(&sent);
        async move {
            for piece in 0..100u8 {
                stream.send(vec![piece; 500]).await.unwrap();
                sent.fetch_add(1, Ordering::Relaxed);
            }
            stream
        }
    });
    sleep(SECOND).await;
    // 1024 bytes in the pipe, 1000 bytes and one piece more in the queue.
    let waiting = sent.load(Ordering::Relaxed);
    assert!((1..=4).contains(&waiting), "{waiting} pieces");
    sleep(100 * SECOND).await;
    assert_eq!(sent.load(Ordering::Relaxed), waiting);

    // The peer says nothing all the while.
    for piece in 0..100u8 {
        let frame = soon(peer.frame()).await;
        assert_eq!(hex(&frame[28..]), hex(&[piece; 500]));
    }
    soon(sender).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_sender_sends_while_its_stream_is_read() {
    const PIECES: u8 = 200;
    let mut limits = Limits::default();
    limits.queued_bytes = 1000;
    limits.stream_bytes = 1000;
    let (client, mut peer) = through(1024, Options::default().limits(limits));
    let mut stream = opened(&client, &mut peer).await;
    // It sends all back and keeps nothing, so neither direction gets far without the other.
    let echo = tokio::spawn(async move {
        for _ in 0..PIECES {
            let frame = soon(peer.frame()).await;
            peer.says(&hex(&frame)).await;
        }
        peer
    });
    let sender = stream.sender();
    let sending = async {
        for piece in 0..PIECES {
            soon(sender.send(vec![piece; 500])).await.unwrap();
        }
    };
    let receiving = async {
        for piece in 0..PIECES {
            let item = soon(stream.recv()).await.unwrap().unwrap();
            assert_eq!(hex(&data(item)), hex(&[piece; 500]));
        }
    };
    tokio::join!(sending, receiving);
    let mut peer = soon(echo).await.unwrap();

    soon(sender.finish()).await.unwrap();
    peer.hears(FINISH).await;
}

#[tokio::test(start_paused = true)]
async fn a_sender_does_not_outlive_its_stream() {
    let (client, mut peer) = connected(Options::default());
    let stream = opened(&client, &mut peer).await;
    let sender = stream.sender();
    // One that is dropped changes nothing.
    drop(sender.clone());
    soon(sender.send("abc")).await.unwrap();
    peer.hears(DATA).await;
    drop(stream);
    peer.hears(ABORT).await;
    let error = soon(sender.send("abc")).await.unwrap_err();
    assert!(
        matches!(error, CallError::Send(SendError::StreamClosed(_))),
        "{error}"
    );
    is_quiet_and_open(&mut peer).await;
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_stops_the_peer_and_is_held_to_be_alive() {
    let mut limits = Limits::default();
    limits.stream_bytes = 2000;
    let options = every(SECOND, 2).limits(limits);
    let (client, mut peer) = through(1024, options);
    let mut stream = opened(&client, &mut peer).await;
    client.start_keepalive();
    let start = Instant::now();

    let (mut hearing, mut saying) = peer.split();
    let said = Arc::new(AtomicUsize::new(0));
    let speaker = tokio::spawn({
        let said = Arc::clone(&said);
        async move {
            for piece in 0..100u8 {
                let head = "00000210 20004242 00000001 00000001 00000003 00000001 00000002";
                let frame = format!("{head} {}", format!("{piece:02x}").repeat(500));
                saying.says(&frame).await;
                said.fetch_add(1, Ordering::Relaxed);
            }
            saying
        }
    });

    // Far beyond what would be the end of a silent peer, there is a sign of life at each interval.
    for second in 1..=50 {
        hearing.hears(PONG).await;
        assert_eq!(start.elapsed(), second * SECOND);
    }
    // 2000 bytes are kept, one read may go over it, and then the pipe is full.
    let waiting = said.load(Ordering::Relaxed);
    assert!((4..=8).contains(&waiting), "{waiting} pieces");
    assert!(
        timeout(Duration::from_millis(1), client.closed())
            .await
            .is_err()
    );

    for piece in 0..100u8 {
        let item = soon(stream.recv()).await.unwrap().unwrap();
        assert_eq!(hex(&data(item)), hex(&[piece; 500]));
    }
    let mut peer = soon(speaker).await.unwrap();
    peer.says(PING).await;
    hearing.hears(PONG).await;

    // Now that somebody listens, silence counts again.
    assert_eq!(soon(client.closed()).await.reason(), CloseReason::KeepAlive);
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_goes_makes_room_for_the_others() {
    let mut limits = Limits::default();
    limits.stream_bytes = 10;
    let (client, mut peer) = connected(Options::default().limits(limits));
    let stream = opened(&client, &mut peer).await;
    peer.says(DATA).await;
    sleep(SECOND).await;
    let call = ask(&client, 1);
    peer.hears(&ask_call(2, 1)).await;
    peer.says(&ask_reply(2, 2)).await;
    // The reply is behind the data, which is read on for.
    assert_eq!(soon(call).await.unwrap().unwrap(), 2);
    peer.says(PING).await;
    peer.hears_nothing_for(SECOND).await;
    drop(stream);
    peer.hears(PONG).await;
    peer.hears(ABORT).await;
}
