//! What connections cost in memory, seen by an allocator that counts.
//!
//! One test alone, so that nothing else allocates meanwhile.

#![expect(
    clippy::unwrap_used,
    reason = "what helps a test may panic as a test may"
)]

use std::time::Duration;

use peak_alloc::PeakAlloc;
use tokio::io::{AsyncWriteExt, duplex, split};
use virt_tokio::{CloseReason, Keepalive, Limits, Server};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const PING: &[u8; 28] = b"\0\0\0\x1ckeep\0\0\0\x01\0\0\0\x01\0\0\0\x02\0\0\0\0\0\0\0\0";

fn serve(stream: tokio::io::DuplexStream) -> Server {
    let keepalive = Keepalive::Send {
        interval: Duration::from_secs(1),
        count: 2,
    };
    let server = Server::over_stream(stream, keepalive, &Limits::default(), |_, control| {
        control.start_keepalive();
        Ok(())
    });
    server.unwrap().0
}

#[tokio::test(start_paused = true)]
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
