//! The memory of connections, as seen by an allocator that counts.
//!
//! One test alone, so that nothing else allocates meanwhile.

#![expect(
    clippy::unwrap_used,
    reason = "what helps a test may panic as a test may"
)]

use std::time::Duration;

use peak_alloc::PeakAlloc;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex, split};
use virt_testkit::bytes::PING;
use virt_tokio::{CloseReason, KeepAliveMode, Server, ServerOptions};
use virt_transport::{Call, Context, Program, ProgramId, RemoteError};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

fn serve(stream: tokio::io::DuplexStream) -> Server {
    let keepalive = KeepAliveMode::Send {
        interval: Duration::from_secs(1),
        count: 2,
    };
    let server = Server::over_stream(
        stream,
        ServerOptions::default().keepalive(keepalive),
        |_, control| {
            control.start_keepalive();
            Ok(())
        },
    );
    server.unwrap().0
}

/// Answers each call with a mebibyte.
struct Generous;

impl Program for Generous {
    fn id(&self) -> ProgramId {
        ProgramId::new(0x2000_4242, 1)
    }

    fn on_call(&mut self, call: Call<'_>, cx: &mut Context<'_>) -> Result<(), RemoteError> {
        Ok(cx.reply(call.id, &vec![7; 256 * 1024])?)
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_peer_does_not_read_and_a_thousand_idle_connections() {
    a_million_pings_without_a_reader_and_a_thousand_idle_connections().await;
    small_calls_with_large_replies_without_a_reader().await;
}

async fn small_calls_with_large_replies_without_a_reader() {
    const CALL: &[u8; 28] =
        b"\0\0\0\x1c\x20\0\x42\x42\0\0\0\x01\0\0\0\x01\0\0\0\0\0\0\0\x01\0\0\0\0";
    const CALLS: usize = 200;
    let (ours, theirs) = duplex(64 * 1024);
    let (mut reader, mut writer) = split(theirs);
    let server = Server::over_stream(
        ours,
        ServerOptions::default().keepalive(KeepAliveMode::Off),
        |transport, _| transport.register(Generous),
    );
    let (_server, _) = server.unwrap();
    let calls = CALL.repeat(CALLS);
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    writer.write_all(&calls).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1)).await;
    // The mark, and one reply over it, in a buffer that has grown by doubling: not all 200 MiB.
    let peak = MEMORY.peak_usage() - before;
    assert!(peak < 8 * 1024 * 1024, "{peak} bytes at most");

    // Once they are read, all of them are answered.
    let mut reply = vec![0; 28 + 4 + 1024 * 1024];
    for _ in 0..CALLS {
        reader.read_exact(&mut reply).await.unwrap();
    }
    let peak = MEMORY.peak_usage() - before;
    assert!(peak < 8 * 1024 * 1024, "{peak} bytes at most");
}

async fn a_million_pings_without_a_reader_and_a_thousand_idle_connections() {
    let (ours, theirs) = duplex(4096);
    let (_unread, mut writer) = split(theirs);
    let server = serve(ours);
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let flood = tokio::spawn(async move {
        for _ in 0..1_000_000 {
            if writer.write_all(PING).await.is_err() {
                return;
            }
        }
        panic!("all of them were taken");
    });
    assert_eq!(server.closed().await.reason(), CloseReason::KeepAlive);
    flood.await.unwrap();
    let peak = MEMORY.peak_usage() - before;
    // The mark of 256 KiB, in a buffer that has grown by doubling, and little else.
    assert!(peak < 1024 * 1024, "{peak} bytes at most");

    let before = MEMORY.current_usage();
    let mut connections = Vec::new();
    for _ in 0..1000 {
        let (ours, mut theirs) = duplex(64);
        let server = serve(ours);
        theirs.write_all(PING).await.unwrap();
        connections.push((server, theirs));
    }
    // Until all have answered.
    tokio::time::sleep(Duration::from_millis(1)).await;
    let each = (MEMORY.current_usage() - before) / connections.len();
    assert!(
        each < 8 * 1024,
        "{each} bytes each, two pipes of 64 included"
    );
}
