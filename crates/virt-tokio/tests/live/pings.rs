//! `ping()`: each PONG finds its PING, though it does not say which that is.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use virt_testkit::peer::soon;
use virt_testkit::words::{PING, PONG};
use virt_tokio::{Client, Closed, KeepAliveMode, Limits, Options};

use crate::support::{SECOND, every, opened};

const MOMENT: Duration = Duration::from_millis(100);

fn options() -> Options {
    Options::default().keepalive(KeepAliveMode::AnswerOnly)
}

fn ping(client: &Client) -> JoinHandle<Result<Duration, Closed>> {
    let client = client.clone();
    tokio::spawn(async move { client.ping().await })
}

#[tokio::test(start_paused = true)]
async fn it_is_the_time_from_ping_to_pong() {
    let (client, mut peer) = opened(options()).await;
    let ping = ping(&client);
    peer.hears(PING).await;
    sleep(SECOND).await;
    peer.says(PONG).await;
    assert_eq!(soon(ping).await.unwrap().unwrap(), SECOND);
}

#[tokio::test(start_paused = true)]
async fn pongs_belong_to_pings_in_order() {
    let (client, mut peer) = opened(options()).await;
    let first = ping(&client);
    sleep(SECOND).await;
    let second = ping(&client);
    sleep(2 * SECOND).await;
    peer.says(PONG).await;
    assert_eq!(soon(first).await.unwrap().unwrap(), 3 * SECOND);
    sleep(2 * SECOND).await;
    peer.says(PONG).await;
    assert_eq!(soon(second).await.unwrap().unwrap(), 4 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn the_pong_of_a_ping_that_nobody_waits_for_is_accounted_for() {
    let (client, mut peer) = opened(options()).await;
    let given_up = timeout(SECOND, client.ping()).await;
    assert!(given_up.is_err());
    let second = ping(&client);
    sleep(SECOND).await;
    peer.says(PONG).await;
    sleep(SECOND).await;
    assert!(!second.is_finished(), "that PONG was not its own");
    peer.says(PONG).await;
    assert_eq!(soon(second).await.unwrap().unwrap(), 2 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn the_timers_own_pings_are_accounted_for() {
    let (client, mut peer) = opened(every(SECOND, 5)).await;
    peer.hears(PING).await;
    sleep(MOMENT).await;
    let asked = ping(&client);
    peer.hears(PING).await;
    sleep(2 * MOMENT).await;
    peer.says(PONG).await;
    sleep(MOMENT).await;
    assert!(!asked.is_finished(), "that PONG was the timer's");
    peer.says(PONG).await;
    assert_eq!(soon(asked).await.unwrap().unwrap(), 3 * MOMENT);
}

#[tokio::test(start_paused = true)]
async fn pongs_that_nobody_has_asked_for_are_not_kept() {
    let (client, mut peer) = opened(options()).await;
    for _ in 0..3 {
        peer.says(PONG).await;
    }
    sleep(SECOND).await;
    let asked = ping(&client);
    peer.hears(PING).await;
    sleep(SECOND).await;
    assert!(!asked.is_finished());
    peer.says(PONG).await;
    assert_eq!(soon(asked).await.unwrap().unwrap(), SECOND);
}

#[tokio::test(start_paused = true)]
async fn so_many_are_unanswered_and_the_others_wait() {
    let mut limits = Limits::default();
    limits.pings = 2;
    let (client, mut peer) = opened(options().limits(limits)).await;
    let pings: Vec<_> = (0..3).map(|_| ping(&client)).collect();
    peer.hears(PING).await;
    peer.hears(PING).await;
    peer.hears_nothing_for(SECOND).await;

    // A caller that gives up does not revoke the PING.
    pings[0].abort();
    peer.hears_nothing_for(SECOND).await;

    peer.says(PONG).await;
    peer.hears(PING).await;
    peer.says(PONG).await;
    sleep(MOMENT).await;
    peer.says(PONG).await;
    let [_, second, third] = pings.try_into().unwrap();
    assert_eq!(soon(second).await.unwrap().unwrap(), 2 * SECOND);
    assert_eq!(soon(third).await.unwrap().unwrap(), MOMENT);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_at_once_are_all_answered() {
    let (client, mut peer) = opened(options()).await;
    let pings: Vec<_> = (0..1000).map(|_| ping(&client)).collect();
    for _ in 0..1000 {
        peer.hears(PING).await;
        peer.says(PONG).await;
    }
    for ping in pings {
        assert_eq!(soon(ping).await.unwrap().unwrap(), Duration::ZERO);
    }
}

#[tokio::test(start_paused = true)]
async fn the_peers_own_pings_can_be_watched() {
    let (client, mut peer) = opened(options()).await;
    peer.says(PING).await;
    peer.hears(PONG).await;

    let mut pings = client.pings();
    assert!(
        timeout(SECOND, pings.recv()).await.is_err(),
        "that was before"
    );
    for _ in 0..3 {
        peer.says(PING).await;
        peer.hears(PONG).await;
    }
    assert_eq!(soon(pings.recv()).await, Some(3));
    peer.says(PING).await;
    assert_eq!(soon(pings.recv()).await, Some(1));

    drop(peer);
    assert_eq!(soon(pings.recv()).await, None);
}
