//! Descriptors that a client leaves with a server: none before authentication, and none for ever.

use std::io::{PipeReader, Read};
use std::os::fd::AsFd;
use std::time::Duration;

use virt_testkit::peer::soon;
use virt_tokio::{CloseReason, ServerOptions};

use crate::support::{guarded, harmless, many, open, sends, serve};

/// A call that announces 32 descriptors.
const CALL: &str = "00000020 20004242 00000001 00000001 00000004 00000001 00000000 00000020";

/// Waits until no one holds the other end of a pipe.
async fn is_closed(mut reader: PipeReader) {
    let read = tokio::task::spawn_blocking(move || reader.read(&mut [0]));
    assert_eq!(soon(read).await.unwrap().unwrap(), 0);
}

#[tokio::test]
async fn before_authentication_none_is_kept() {
    let options = ServerOptions::default()
        .open_timeout(None)
        .frame_timeout(None);
    let (_server, mut peer) = serve(options, guarded);
    sends(&peer, CALL, &[]);
    for _ in 0..31 {
        let (reader, writer) = std::io::pipe().unwrap();
        sends(&peer, "00", &[writer.as_fd()]);
        drop(writer);
        is_closed(reader).await;
    }
    let (reader, writer) = std::io::pipe().unwrap();
    sends(&peer, "00", &[writer.as_fd()]);
    drop(writer);
    is_closed(reader).await;
    peer.hears(
        "00000088 20004242 00000001 00000001 00000001 00000001 00000001 \
         00000027 00000007 00000001 \"authentication required\" 00000002 00000000 \
         00000001 \"%s\" 00000001 \"authentication required\" 00000000 ffffffff ffffffff 00000000",
    )
    .await;
}

#[tokio::test]
async fn half_a_set_of_the_clients_own_ends_is_given_up_in_time() {
    let mut servers = Vec::new();
    let mut pipes = Vec::new();
    for _ in 0..20 {
        let options = ServerOptions::default()
            .open_timeout(None)
            .frame_timeout(Duration::from_millis(100));
        let (server, peer) = serve(options, open);
        let (reader, writer) = std::io::pipe().unwrap();
        sends(&peer, CALL, &[]);
        // The server holds the client's end, so that it never sees the end of the connection.
        for _ in 0..30 {
            sends(&peer, "00", &[peer.0.as_fd()]);
        }
        sends(&peer, "00", &[writer.as_fd()]);
        servers.push(server);
        pipes.push(reader);
    }
    for server in &servers {
        let closed = soon(server.closed()).await;
        assert_eq!(
            closed.to_string(),
            "connection closed: error: the client did not finish a frame within 0.1 s"
        );
    }
    for reader in pipes {
        is_closed(reader).await;
    }
}

#[tokio::test]
async fn all_of_one_message_are_closed_at_once() {
    for count in [33, 253] {
        let (server, peer) = serve(ServerOptions::default(), open);
        let (reader, writer) = std::io::pipe().unwrap();
        sends(&peer, CALL, &[]);
        sends(&peer, "00", &many(&harmless(), &writer.into(), count));
        assert_eq!(soon(server.closed()).await.reason(), CloseReason::Error);
        is_closed(reader).await;
    }
}
