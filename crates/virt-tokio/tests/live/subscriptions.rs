//! Subscriptions of a connection: one registration for its readers, and every event from the registration on.

use tokio::task::{JoinHandle, yield_now};
use tokio::time::timeout;
use virt_remote::constants::DomainEventType;
use virt_remote::{ConnectEventConnectionClosed, DomainEventCallbackLifecycle, Remote};
use virt_testkit::peer::{Peer, soon};
use virt_testkit::words::{PING, PONG};
use virt_tokio::{
    CallError, Client, Limits, Notice, Options, Subscription, SubscriptionError, connect,
};

use crate::support::{
    Happen, SECOND, connected, deregister, deregistered, happens, number, refused, register,
    registered,
};

fn subscribe(client: &Client, object: u32) -> JoinHandle<Result<Subscription<Happen>, CallError>> {
    let client = client.clone();
    tokio::spawn(async move { client.subscribe::<Happen>(&object).await })
}

async fn is_quiet_and_open(peer: &mut Peer) {
    peer.says(PING).await;
    peer.hears(PONG).await;
}

#[tokio::test(start_paused = true)]
async fn readers_of_one_pair_share_a_registration_that_ends_with_the_last() {
    let (client, mut peer) = connected(Options::default());
    let (first, second) = (subscribe(&client, 7), subscribe(&client, 7));
    peer.hears(&register(1, 7)).await;
    is_quiet_and_open(&mut peer).await;
    peer.says(&registered(1, 3)).await;
    let mut first = soon(first).await.unwrap().unwrap();
    let mut second = soon(second).await.unwrap().unwrap();
    // A later one waits for nobody.
    let mut third = soon(client.subscribe::<Happen>(&7)).await.unwrap();
    peer.says(&happens(3, 1)).await;
    for reader in [&mut first, &mut second, &mut third] {
        assert_eq!(number(reader, 3).await, 1);
    }

    // Another object is another registration.
    let other = subscribe(&client, 8);
    peer.hears(&register(2, 8)).await;
    peer.says(&registered(2, 4)).await;
    let mut other = soon(other).await.unwrap().unwrap();
    peer.says(&happens(4, 2)).await;
    peer.says(&happens(3, 3)).await;
    assert_eq!(number(&mut other, 4).await, 2);
    assert_eq!(number(&mut first, 3).await, 3);

    drop(first);
    drop(third);
    is_quiet_and_open(&mut peer).await;
    assert_eq!(number(&mut second, 3).await, 3);
    drop(second);
    peer.hears(&deregister(3, 3)).await;
    peer.says(&deregistered(3)).await;
    is_quiet_and_open(&mut peer).await;
}

#[tokio::test(start_paused = true)]
async fn events_before_the_reply_are_not_missed_and_order_is_kept() {
    let (client, mut peer) = connected(Options::default());
    let (seven, eight) = (subscribe(&client, 7), subscribe(&client, 8));
    peer.hears(&register(1, 7)).await;
    peer.hears(&register(2, 8)).await;
    for (id, number) in [(3, 1), (4, 2), (3, 3), (99, 4), (4, 5)] {
        peer.says(&happens(id, number)).await;
    }
    // The replies come in another order.
    peer.says(&registered(2, 4)).await;
    peer.says(&happens(3, 6)).await;
    peer.says(&registered(1, 3)).await;
    peer.says(&happens(3, 7)).await;
    let mut seven = soon(seven).await.unwrap().unwrap();
    let mut eight = soon(eight).await.unwrap().unwrap();
    for expected in [1, 3, 6, 7] {
        assert_eq!(number(&mut seven, 3).await, expected);
    }
    for expected in [2, 5] {
        assert_eq!(number(&mut eight, 4).await, expected);
    }
    assert!(timeout(SECOND, eight.recv()).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_comes_while_the_registration_ends_waits_for_the_next() {
    let (client, mut peer) = connected(Options::default());
    let first = subscribe(&client, 7);
    peer.hears(&register(1, 7)).await;
    peer.says(&registered(1, 3)).await;
    drop(soon(first).await.unwrap().unwrap());
    peer.hears(&deregister(2, 3)).await;
    // A daemon refuses to register a pair twice, so this has to wait.
    let second = subscribe(&client, 7);
    is_quiet_and_open(&mut peer).await;
    peer.says(&happens(3, 1)).await;
    peer.says(&deregistered(2)).await;
    peer.hears(&register(3, 7)).await;
    peer.says(&happens(3, 2)).await;
    peer.says(&happens(5, 3)).await;
    peer.says(&registered(3, 5)).await;
    let mut second = soon(second).await.unwrap().unwrap();
    assert_eq!(number(&mut second, 5).await, 3);
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_waits_for_the_end_of_a_registration_hears_of_the_end_of_the_connection() {
    let (client, mut peer) = connected(Options::default());
    let first = subscribe(&client, 7);
    peer.hears(&register(1, 7)).await;
    peer.says(&registered(1, 3)).await;
    drop(soon(first).await.unwrap().unwrap());
    peer.hears(&deregister(2, 3)).await;
    let second = subscribe(&client, 7);
    is_quiet_and_open(&mut peer).await;
    drop(peer);
    let error = soon(second).await.unwrap().unwrap_err();
    assert!(matches!(error, CallError::Closed(_)), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_that_of_all_who_wait_and_of_nobody_later() {
    let (client, mut peer) = connected(Options::default());
    let (first, second) = (subscribe(&client, 7), subscribe(&client, 7));
    peer.hears(&register(1, 7)).await;
    peer.says(&refused(1)).await;
    for subscribing in [first, second] {
        let error = soon(subscribing).await.unwrap().unwrap_err();
        assert_eq!(error.to_string(), "no");
    }
    let third = subscribe(&client, 7);
    peer.hears(&register(2, 7)).await;
    peer.says(&registered(2, 3)).await;
    soon(third).await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn who_stops_waiting_leaves_no_registration() {
    let (client, mut peer) = connected(Options::default());
    let subscribing = subscribe(&client, 7);
    peer.hears(&register(1, 7)).await;
    subscribing.abort();
    yield_now().await;
    let limited = client.with_timeout(SECOND);
    let error = limited.subscribe::<Happen>(&7).await.unwrap_err();
    assert!(matches!(error, CallError::Timeout { .. }), "{error}");
    peer.says(&registered(1, 3)).await;
    peer.hears(&deregister(2, 3)).await;
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_knows_how_many_it_lost_and_the_others_lose_none() {
    let mut limits = Limits::default();
    limits.events = 4;
    let (client, mut peer) = connected(Options::default().limits(limits));
    let subscribing = subscribe(&client, 7);
    peer.hears(&register(1, 7)).await;
    peer.says(&registered(1, 3)).await;
    let mut slow = soon(subscribing).await.unwrap().unwrap();
    let mut fast = soon(client.subscribe::<Happen>(&7)).await.unwrap();
    let dropped = soon(client.subscribe::<Happen>(&7)).await.unwrap();
    let mut dropped = Some(dropped);
    for happened in 0..100 {
        peer.says(&happens(3, happened)).await;
        assert_eq!(number(&mut fast, 3).await, happened);
        dropped.take_if(|_| happened == 50);
    }
    assert_eq!(soon(slow.recv()).await.unwrap(), Notice::Lost(96));
    for happened in 96..100 {
        assert_eq!(number(&mut slow, 3).await, happened);
    }
}

#[tokio::test(start_paused = true)]
async fn events_before_the_end_are_received_and_then_the_reason() {
    let (client, mut peer) = connected(Options::default());
    let subscribing = subscribe(&client, 7);
    peer.hears(&register(1, 7)).await;
    peer.says(&registered(1, 3)).await;
    let mut events = soon(subscribing).await.unwrap().unwrap();
    peer.says(&happens(3, 1)).await;
    let waiting = subscribe(&client, 8);
    peer.hears(&register(2, 8)).await;
    drop(peer);
    assert_eq!(number(&mut events, 3).await, 1);
    for _ in 0..2 {
        let error = soon(events.recv()).await.unwrap_err();
        assert!(matches!(error, SubscriptionError::Closed(_)), "{error}");
    }
    for late in [waiting, subscribe(&client, 7)] {
        let error = soon(late).await.unwrap().unwrap_err();
        assert!(matches!(error, CallError::Closed(_)), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_subscription_keeps_the_connection_and_its_end_lets_it_go() {
    let (client, mut peer) = connected(Options::default());
    let subscribing = subscribe(&client, 7);
    peer.hears(&register(1, 7)).await;
    peer.says(&registered(1, 3)).await;
    let mut events = soon(subscribing).await.unwrap().unwrap();
    drop(client);
    peer.says(&happens(3, 1)).await;
    assert_eq!(number(&mut events, 3).await, 1);
    drop(events);
    peer.hears(&deregister(2, 3)).await;
    peer.says(&deregistered(2)).await;
    peer.hears_the_end().await;
}

#[tokio::test]
async fn lifecycle_events_of_the_embedded_daemon_are_typed() {
    let client = connect("test:///default", Options::default())
        .await
        .unwrap();
    let found = soon(client.domain_lookup_by_name("test")).await.unwrap();
    let all = client.subscribe::<DomainEventCallbackLifecycle>(&None);
    let mut all = soon(all).await.unwrap();
    let filter = Some(found.clone());
    let one = client.subscribe::<DomainEventCallbackLifecycle>(&filter);
    let mut one = soon(one).await.unwrap();
    soon(client.domain_suspend(&found)).await.unwrap();
    soon(client.domain_resume(&found)).await.unwrap();
    for events in [&mut all, &mut one] {
        for expected in [DomainEventType::SUSPENDED, DomainEventType::RESUMED] {
            let Notice::Event(event) = soon(events.recv()).await.unwrap() else {
                panic!("no event");
            };
            assert_eq!(
                (event.msg.dom.name.as_str(), event.msg.event),
                ("test", expected)
            );
        }
    }
    client.close().await;
}

#[tokio::test]
async fn an_event_without_numbers_is_registered_once() {
    let client = connect("test:///default", Options::default())
        .await
        .unwrap();
    // The daemon refuses a second registration.
    for _ in 0..2 {
        let first = soon(client.subscribe::<ConnectEventConnectionClosed>(&())).await;
        let second = soon(client.subscribe::<ConnectEventConnectionClosed>(&())).await;
        drop((first.unwrap(), second.unwrap()));
    }
    client.close().await;
}
