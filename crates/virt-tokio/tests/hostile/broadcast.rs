//! A client that does not read does not keep its server waiting, nor the others.

use tokio::net::UnixStream;
use tokio::time::{Duration, Instant};
use virt_testkit::peer::{Peer, soon};
use virt_tokio::{BusyError, Limits, Server, ServerOptions};
use virt_transport::{Handle, Transport};

use crate::support::{Odd, Stranger};

/// A message of [`Odd`] with a number.
fn message(number: u32) -> String {
    format!("00000020 20004242 00000001 00000002 00000002 00000000 00000000 {number:08x}")
}

fn client() -> ((Server, Handle<Odd>), Stranger) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let options = ServerOptions::default().open_timeout(None);
    let served = Server::over_unix(ours, options, |transport, _| {
        transport.register(Odd::default())
    });
    (served.unwrap(), Peer(theirs))
}

/// Returns the action that sends a message.
fn tell(odd: &Handle<Odd>, number: u32) -> impl FnOnce(&mut Transport) + Send + use<> {
    let odd = odd.clone();
    move |transport| {
        let sent = transport.with(&odd, |_, cx| cx.message(2, &number));
        sent.unwrap();
    }
}

/// Leaves a connection with more output than it may have.
async fn stuff(server: &Server, odd: &Handle<Odd>) {
    let odd = odd.clone();
    let stuffed = server.with_transport(move |transport| {
        transport.with(&odd, |_, cx| cx.message(2, &vec![7u32; 1024 * 1024]))
    });
    soon(stuffed).await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn of_a_thousand_clients_one_is_stuck_and_all_others_are_told_at_once() {
    // Pairs of real sockets, so half of them fit in the usual limit of descriptors.
    let mut clients: Vec<_> = (0..400).map(|_| client()).collect();
    let mut pipes: Vec<_> = (0..600)
        .map(|_| {
            let (ours, theirs) = tokio::io::duplex(64);
            let served = Server::over_stream(ours, ServerOptions::default(), |transport, _| {
                transport.register(Odd::default())
            });
            (served.unwrap(), Peer(theirs))
        })
        .collect();
    let (stuck, odd) = &clients[7].0;
    stuff(stuck, odd).await;
    let start = Instant::now();
    for number in 0..100 {
        for (index, ((server, odd), _)) in clients.iter().enumerate() {
            let told = server.try_with_transport(tell(odd, number));
            let full = matches!(told, Err(BusyError::Full { limit: 32 }));
            assert_eq!(full, index == 7 && number >= 32, "{told:?}");
        }
        for ((server, odd), _) in &pipes {
            server.try_with_transport(tell(odd, number)).unwrap();
        }
        for (index, (_, peer)) in clients.iter_mut().enumerate() {
            if index != 7 {
                peer.hears(&message(number)).await;
            }
        }
        for (_, peer) in &mut pipes {
            peer.hears(&message(number)).await;
        }
    }
    // On this clock nothing has waited.
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn waiting_for_a_client_that_does_not_read_ends_with_its_time() {
    let ((server, odd), _unread) = client();
    stuff(&server, &odd).await;
    let start = Instant::now();
    let told = soon(server.with_transport(tell(&odd, 1))).await;
    let closed = told.unwrap_err();
    assert_eq!(
        closed.to_string(),
        "connection closed: error: the client took none of its output within 30 s"
    );
    assert_eq!(start.elapsed(), Duration::from_secs(30));
    let told = server.try_with_transport(tell(&odd, 1));
    assert!(matches!(told, Err(BusyError::Closed(_))), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn actions_that_wait_are_run_once_the_client_reads() {
    let ((server, odd), mut peer) = client();
    stuff(&server, &odd).await;
    for number in 0..u32::try_from(Limits::default().commands).unwrap() {
        server.try_with_transport(tell(&odd, number)).unwrap();
    }
    server.try_with_transport(tell(&odd, 99)).unwrap_err();
    assert_eq!(soon(peer.frame()).await.len(), 28 + 4 + 4 * 1024 * 1024);
    for number in 0..32 {
        peer.hears(&message(number)).await;
    }
}
