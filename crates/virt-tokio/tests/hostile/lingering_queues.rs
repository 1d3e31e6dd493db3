//! Descriptors whose closing blocks, in the queues of sockets that are closed before they are read.

use std::os::fd::AsFd;

use tempfile::TempDir;
use tokio::net::{UnixListener, UnixStream};
use virt_keepalive::KeepAlive;
use virt_testkit::peer::{Peer, soon};
use virt_tokio::{Client, CloseReason, Listener, Options, Server, ServerOptions};

use crate::support::{Stranger, open, others_are_answered, sends, serve};

/// A listener, its directory, and a client that it has not accepted.
async fn listener() -> (Listener, TempDir, Stranger) {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("sock");
    let listener = Listener::unix(UnixListener::bind(&path).unwrap());
    let peer = Peer(UnixStream::connect(&path).await.unwrap());
    (listener, directory, peer)
}

#[tokio::test]
async fn behind_a_frame_that_ends_the_connection() {
    others_are_answered(async |fd| {
        let (server, peer) = serve(ServerOptions::default(), open);
        sends(&peer, "00000003", &[]);
        sends(&peer, "00", &[fd.as_fd()]);
        drop(fd);
        assert_eq!(soon(server.closed()).await.reason(), CloseReason::Error);
    })
    .await;
    others_are_answered(async |fd| {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let (client, peer) = (Client::over_unix(ours, Options::default()), Peer(theirs));
        sends(&peer, "00000003", &[]);
        sends(&peer, "00", &[fd.as_fd()]);
        drop(fd);
        assert_eq!(soon(client.closed()).await.reason(), CloseReason::Error);
    })
    .await;
}

#[tokio::test]
async fn of_a_client_that_is_not_served() {
    others_are_answered(async |fd| {
        let (listener, _directory, peer) = listener().await;
        sends(&peer, "00", &[fd.as_fd()]);
        drop(fd);
        drop(soon(listener.accept()).await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn of_a_client_whose_programs_are_refused() {
    others_are_answered(async |fd| {
        let (ours, theirs) = UnixStream::pair().unwrap();
        sends(&Peer(theirs), "00", &[fd.as_fd()]);
        drop(fd);
        let served = Server::over_unix(ours, ServerOptions::default(), |transport, _| {
            transport.register(KeepAlive::new())
        });
        served.unwrap_err();
    })
    .await;
}

#[tokio::test]
async fn of_a_client_that_is_never_accepted() {
    others_are_answered(async |fd| {
        let (listener, _directory, peer) = listener().await;
        sends(&peer, "00", &[fd.as_fd()]);
        drop(fd);
        drop(listener);
    })
    .await;
}
