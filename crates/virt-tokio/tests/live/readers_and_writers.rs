//! Streams as readers and writers of tokio: `tokio::io::copy`, the daemon's confirmation, and its reasons.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use virt_testkit::hex;
use virt_testkit::peer::{Peer, soon};
use virt_testkit::words::{PING, PONG};
use virt_tokio::{CallError, Client, Options, Stream, StreamChunk};
use virt_transport::SendError;

use crate::support::{Ask, ask_call, ask_reply, connected};

const DATA: &str = "0000001f 20004242 00000001 00000001 00000003 00000001 00000002 'abc'";
const EMPTY: &str = "0000001c 20004242 00000001 00000001 00000003 00000001 00000002";
const HOLE: &str =
    "00000028 20004242 00000001 00000001 00000006 00000001 00000002 00000000 00000004 00000000";
const FINISH: &str = "0000001c 20004242 00000001 00000001 00000003 00000001 00000000";
const ABORT: &str = "0000001c 20004242 00000001 00000001 00000003 00000001 00000001";
const FULL: &str = "00000054 20004242 00000001 00000001 00000003 00000001 00000001 \
     00000001 00000000 00000001 00000004 'full' 00000002 00000000 00000000 00000000 00000000 \
     00000000 00000000 00000000 00000000";

async fn opened(client: &Client, peer: &mut Peer) -> Stream {
    let (opened, ()) = tokio::join!(soon(client.call_with_stream::<Ask>(&7)), async {
        peer.hears(&ask_call(1, 7)).await;
        peer.says(&ask_reply(1, 8)).await;
    });
    opened.unwrap().1
}

async fn is_quiet_and_open(peer: &mut Peer) {
    peer.says(PING).await;
    peer.hears(PONG).await;
}

/// Returns the daemon's words in an error.
#[track_caller]
fn words(error: io::Error) -> String {
    match error.downcast::<CallError>() {
        Ok(CallError::Aborted(Some(reason))) => {
            reason.payload().message.clone().unwrap_or_default()
        }
        error => panic!("{error:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_download_ends_with_the_daemons_confirmation() {
    let (client, mut peer) = connected(Options::default());
    let mut download = opened(&client, &mut peer).await.into_download();
    let mut progress = download.progress();
    for frame in [DATA, HOLE, DATA, EMPTY] {
        peer.says(frame).await;
    }
    let mut copied = Vec::new();
    let (result, ()) = tokio::join!(soon(tokio::io::copy(&mut download, &mut copied)), async {
        peer.hears(FINISH).await;
        peer.says(FINISH).await;
    });
    assert_eq!(result.unwrap(), 10);
    assert_eq!(hex(&copied), hex(b"abc\0\0\0\0abc"));
    assert_eq!(*progress.borrow_and_update(), 10);
    // The end stays the end, and nothing is aborted.
    assert_eq!(soon(download.read(&mut [0; 4])).await.unwrap(), 0);
    drop(download);
    is_quiet_and_open(&mut peer).await;
}

#[tokio::test(start_paused = true)]
async fn a_download_that_is_not_confirmed_fails_at_its_end() {
    let (client, mut peer) = connected(Options::default());
    let mut download = opened(&client, &mut peer).await.into_download();
    for frame in [DATA, EMPTY] {
        peer.says(frame).await;
    }
    let mut copied = Vec::new();
    let (result, ()) = tokio::join!(soon(tokio::io::copy(&mut download, &mut copied)), async {
        peer.hears(FINISH).await;
        peer.says(FULL).await;
    });
    assert_eq!(words(result.unwrap_err()), "full");
    let again = soon(download.read(&mut [0; 4])).await;
    assert_eq!(words(again.unwrap_err()), "full");
}

#[tokio::test(start_paused = true)]
async fn chunks_keep_the_holes_and_what_a_reader_has_left() {
    let (client, mut peer) = connected(Options::default());
    let mut download = opened(&client, &mut peer).await.into_download();
    for frame in [DATA, HOLE, HOLE] {
        peer.says(frame).await;
    }
    assert_eq!(soon(download.read_u8()).await.unwrap(), b'a');
    let rest = soon(download.chunk()).await.unwrap();
    assert_eq!(rest, Some(StreamChunk::Data("bc".into())));
    assert_eq!(soon(download.read_u8()).await.unwrap(), 0);
    let rest = soon(download.chunk()).await.unwrap();
    assert_eq!(rest, Some(StreamChunk::Hole(3)));
    let hole = soon(download.chunk()).await.unwrap();
    assert_eq!(hole, Some(StreamChunk::Hole(4)));
    drop(download);
    peer.hears(ABORT).await;
}

#[tokio::test(start_paused = true)]
async fn an_upload_gathers_small_writes_and_waits_for_the_confirmation() {
    let (client, mut peer) = connected(Options::default());
    let mut upload = opened(&client, &mut peer).await.into_upload();
    let progress = upload.progress();
    upload.write_all(b"a").await.unwrap();
    upload.write_all(b"bc").await.unwrap();
    is_quiet_and_open(&mut peer).await;
    upload.flush().await.unwrap();
    peer.hears(DATA).await;
    upload.write_hole(4).await.unwrap();
    peer.hears(HOLE).await;
    assert_eq!(*progress.borrow(), 7);
    let copied = tokio::io::copy(&mut &b"abc"[..], &mut upload).await;
    assert_eq!(copied.unwrap(), 3);
    upload.write_all(b"abc").await.unwrap();
    let (closed, ()) = tokio::join!(soon(upload.shutdown()), async {
        peer.hears(DATA).await;
        peer.hears(DATA).await;
        peer.hears(FINISH).await;
        peer.says(FINISH).await;
    });
    closed.unwrap();
    soon(upload.shutdown()).await.unwrap();
    assert_eq!(*progress.borrow(), 13);
    let error = soon(upload.write(b"abc")).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    drop(upload);
    is_quiet_and_open(&mut peer).await;
}

#[tokio::test(start_paused = true)]
async fn a_large_upload_is_sent_in_pieces_that_any_peer_takes() {
    let (client, mut peer) = connected(Options::default());
    let mut upload = opened(&client, &mut peer).await.into_upload();
    let length = 1024 * 1024;
    let uploading = tokio::spawn(async move {
        upload.write_all(&vec![7; length]).await?;
        upload.shutdown().await
    });
    let mut received = 0;
    while received < length {
        let frame = soon(peer.frame()).await;
        assert!(frame.len() <= 28 + virt_xdr::LEGACY_PAYLOAD_MAX);
        received += frame.len() - 28;
    }
    assert_eq!(received, length);
    peer.hears(FINISH).await;
    peer.says(FINISH).await;
    soon(uploading).await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_is_dropped_without_shutdown_is_aborted() {
    let (client, mut peer) = connected(Options::default());
    let mut upload = opened(&client, &mut peer).await.into_upload();
    upload.write_all(b"abc").await.unwrap();
    upload.flush().await.unwrap();
    upload.write_all(b"not sent").await.unwrap();
    drop(upload);
    peer.hears(DATA).await;
    peer.hears(ABORT).await;
    is_quiet_and_open(&mut peer).await;
}

#[tokio::test(start_paused = true)]
async fn an_upload_fails_with_the_daemons_reason() {
    for at_shutdown in [false, true] {
        let (client, mut peer) = connected(Options::default());
        let mut upload = opened(&client, &mut peer).await.into_upload();
        upload.write_all(b"abc").await.unwrap();
        upload.flush().await.unwrap();
        peer.hears(DATA).await;
        if at_shutdown {
            let (closed, ()) = tokio::join!(soon(upload.shutdown()), async {
                peer.hears(FINISH).await;
                peer.says(FULL).await;
            });
            assert_eq!(words(closed.unwrap_err()), "full");
        } else {
            peer.says(FULL).await;
            is_quiet_and_open(&mut peer).await;
        }
        // It stays the reason, whatever is tried.
        upload.write_all(b"abc").await.ok();
        assert_eq!(words(soon(upload.flush()).await.unwrap_err()), "full");
        assert_eq!(words(soon(upload.write(b"a")).await.unwrap_err()), "full");
        assert_eq!(words(soon(upload.shutdown()).await.unwrap_err()), "full");
        let hole = soon(upload.write_hole(1)).await.unwrap_err();
        assert_eq!(words(hole.into()), "full");
    }
}

#[tokio::test(start_paused = true)]
async fn readers_and_writers_end_with_their_connection() {
    let (client, mut peer) = connected(Options::default());
    let mut download = opened(&client, &mut peer).await.into_download();
    drop(peer);
    let error = soon(download.read_u8()).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionAborted);
    let error = error.downcast::<CallError>().unwrap();
    assert!(matches!(error, CallError::Closed(_)), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_console_is_read_and_written_by_two_tasks() {
    let (client, mut peer) = connected(Options::default());
    let (mut reading, mut writing) = opened(&client, &mut peer).await.into_console().into_split();
    let read = tokio::spawn(async move {
        let mut text = Vec::new();
        reading.read_to_end(&mut text).await.map(|_| text)
    });
    writing.write_all(b"abc").await.unwrap();
    peer.hears(DATA).await;
    peer.says(DATA).await;
    writing.shutdown().await.unwrap();
    peer.hears(FINISH).await;
    // Data is read to the end.
    peer.says(DATA).await;
    peer.says(FINISH).await;
    assert_eq!(soon(read).await.unwrap().unwrap(), b"abcabc");
    let error = soon(writing.write(b"abc")).await.unwrap_err();
    let error = error.downcast::<CallError>().unwrap();
    assert!(
        matches!(error, CallError::Send(SendError::StreamClosed(_))),
        "{error}"
    );
    is_quiet_and_open(&mut peer).await;
}

#[tokio::test(start_paused = true)]
async fn a_console_that_the_daemon_gives_up_says_why_to_its_reader() {
    let (client, mut peer) = connected(Options::default());
    let console = opened(&client, &mut peer).await.into_console();
    let (mut reading, mut writing) = tokio::io::split(console);
    peer.says(DATA).await;
    peer.says(FULL).await;
    let mut text = Vec::new();
    let error = soon(reading.read_to_end(&mut text)).await.unwrap_err();
    assert_eq!(words(error), "full");
    assert_eq!(text, b"abc");
    let error = async { writing.write_all(b"abc").await.and(writing.flush().await) };
    assert_eq!(
        soon(error).await.unwrap_err().kind(),
        io::ErrorKind::BrokenPipe
    );
}
