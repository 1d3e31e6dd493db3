//! Events: delivered to each listener, in bounded number, and only of programs that are known.

use std::time::Duration;

use tokio::time::timeout;
use virt_testkit::peer::soon;
use virt_testkit::words::{PING, PONG};
use virt_tokio::{CloseReason, EventError, Limits, Options};

use crate::support::{OWN, SECOND, Tell, connected};

fn told(number: u32) -> String {
    format!("00000020 20004242 00000001 00000002 00000002 00000000 00000000 {number:08x}")
}

fn kept(events: usize) -> Options {
    let mut limits = Limits::default();
    limits.events = events;
    Options::default().limits(limits)
}

#[tokio::test(start_paused = true)]
async fn every_listener_gets_every_event_in_order() {
    let (client, mut peer) = connected(Options::default());
    soon(client.listen(OWN)).await.unwrap();
    let mut listeners = [client.events(), client.events()];
    for number in 0..100 {
        peer.says(&told(number)).await;
    }
    for listener in &mut listeners {
        for number in 0..100 {
            let event = soon(listener.recv()).await.unwrap();
            assert_eq!((event.program, event.procedure), (OWN, 2));
            assert_eq!(event.decode::<Tell>().unwrap(), Some(number));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_listener_hears_what_comes_after_it() {
    let (client, mut peer) = connected(Options::default());
    soon(client.listen(OWN)).await.unwrap();
    // With nobody there, it is gone.
    peer.says(&told(1)).await;
    peer.says(PING).await;
    peer.hears(PONG).await;
    let mut events = client.events();
    peer.says(&told(2)).await;
    let event = soon(events.recv()).await.unwrap();
    assert_eq!(event.decode::<Tell>().unwrap(), Some(2));

    // And once all have gone, it is gone as well.
    drop(events);
    peer.says(&told(3)).await;
    peer.says(PING).await;
    peer.hears(PONG).await;
}

#[tokio::test(start_paused = true)]
async fn a_slow_listener_loses_the_oldest_and_is_told() {
    let (client, mut peer) = connected(kept(4));
    soon(client.listen(OWN)).await.unwrap();
    let mut events = client.events();
    for number in 0..10 {
        peer.says(&told(number)).await;
    }
    peer.says(PING).await;
    peer.hears(PONG).await;

    assert_eq!(
        soon(events.recv()).await.unwrap_err(),
        EventError::Missed { missed: 6 }
    );
    for number in 6..10 {
        let event = soon(events.recv()).await.unwrap();
        assert_eq!(event.decode::<Tell>().unwrap(), Some(number));
    }
    assert!(
        timeout(SECOND, events.recv()).await.is_err(),
        "there are no more"
    );
}

#[tokio::test(start_paused = true)]
async fn those_that_came_before_the_end_are_received() {
    let (client, mut peer) = connected(Options::default());
    soon(client.listen(OWN)).await.unwrap();
    let mut events = client.events();
    peer.says(&told(1)).await;
    peer.says(&told(2)).await;
    drop(peer);
    assert_eq!(soon(client.closed()).await.reason(), CloseReason::EndOfFile);
    for number in 1..=2 {
        let event = soon(events.recv()).await.unwrap();
        assert_eq!(event.decode::<Tell>().unwrap(), Some(number));
    }
    // The handle is still there.
    assert_eq!(soon(events.recv()).await.unwrap_err(), EventError::Closed);
    assert_eq!(soon(events.recv()).await.unwrap_err(), EventError::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_listener_does_not_keep_the_connection() {
    let (client, mut peer) = connected(Options::default());
    let mut events = client.events();
    drop(client);
    peer.hears_the_end().await;
    assert_eq!(soon(events.recv()).await.unwrap_err(), EventError::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_stops_waiting_loses_nothing() {
    let (client, mut peer) = connected(Options::default());
    soon(client.listen(OWN)).await.unwrap();
    let mut events = client.events();
    for number in 0..10 {
        assert!(
            timeout(Duration::from_millis(1), events.recv())
                .await
                .is_err()
        );
        peer.says(&told(number)).await;
        let event = soon(events.recv()).await.unwrap();
        assert_eq!(event.decode::<Tell>().unwrap(), Some(number));
    }
}

#[tokio::test(start_paused = true)]
async fn a_program_that_is_not_known_yet_closes_the_connection() {
    let (client, mut peer) = connected(Options::default());
    let _events = client.events();
    peer.says(&told(1)).await;
    let closed = soon(client.closed()).await;
    assert_eq!(
        closed.to_string(),
        "connection closed: error: message of program 0x20004242 version 1, which is not registered"
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_no_event_of_use_is_passed_over() {
    let (client, mut peer) = connected(Options::default());
    soon(client.listen(OWN)).await.unwrap();
    let mut events = client.events();
    // With a status, without the number that it should carry, with a procedure that nobody knows.
    peer.says("0000001c 20004242 00000001 00000002 00000002 00000000 00000001")
        .await;
    peer.says("0000001c 20004242 00000001 00000002 00000002 00000000 00000000")
        .await;
    peer.says("0000001c 20004242 00000001 ffffffff 00000002 00000007 00000000")
        .await;
    let undecodable = soon(events.recv()).await.unwrap();
    assert!(undecodable.decode::<Tell>().is_err());
    let unknown = soon(events.recv()).await.unwrap();
    assert_eq!(unknown.procedure, -1);
    assert_eq!(unknown.decode::<Tell>().unwrap(), None);
}

/// An event of so many bytes, its number in front.
fn told_at_length(number: u32, payload: usize) -> String {
    let length = 28 + payload;
    let head = "20004242 00000001 00000002 00000002 00000000 00000000";
    format!(
        "{length:08x} {head} {number:08x} {}",
        "00".repeat(payload - 4)
    )
}

#[tokio::test(start_paused = true)]
async fn a_slow_listener_keeps_so_many_bytes_and_the_newest() {
    const PAYLOAD: usize = 1024 * 1024 / 4;
    let (client, mut peer) = connected(Options::default());
    soon(client.listen(OWN)).await.unwrap();
    let mut listener = client.events();
    for number in 0..100 {
        peer.says(&told_at_length(number, PAYLOAD)).await;
    }
    peer.says(PING).await;
    peer.hears(PONG).await;
    // 8 MiB are 32 of them, but for the memory of each event itself.
    let missed = soon(listener.recv()).await.unwrap_err();
    assert_eq!(missed, EventError::Missed { missed: 69 });
    for number in 69..100 {
        let event = soon(listener.recv()).await.unwrap();
        assert_eq!(event.decode::<Tell>().unwrap(), Some(number));
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_over_the_limit_is_kept_alone() {
    let mut limits = Limits::default();
    limits.event_bytes = 100;
    let (client, mut peer) = connected(Options::default().limits(limits));
    soon(client.listen(OWN)).await.unwrap();
    let mut listener = client.events();
    peer.says(&told_at_length(1, 4)).await;
    peer.says(&told_at_length(2, 1000)).await;
    peer.says(PING).await;
    peer.hears(PONG).await;
    let missed = soon(listener.recv()).await.unwrap_err();
    assert_eq!(missed, EventError::Missed { missed: 1 });
    let event = soon(listener.recv()).await.unwrap();
    assert_eq!(event.payload.len(), 1000);
}

#[tokio::test(start_paused = true)]
async fn a_kept_event_takes_its_own_memory_and_not_that_of_the_read_it_came_in() {
    let (client, mut peer) = connected(Options::default());
    soon(client.listen(OWN)).await.unwrap();
    let mut listener = client.events();
    // Each is cut by a read, so that it is put together in the buffer of the connection.
    let text: String = (0..20).map(|number| told_at_length(number, 5000)).collect();
    peer.says(&text).await;
    for _ in 0..20 {
        let event = soon(listener.recv()).await.unwrap();
        let buffer = event.payload.try_into_mut().expect("nobody shares it");
        assert!(buffer.capacity() <= 2 * 5000, "{}", buffer.capacity());
    }
}
