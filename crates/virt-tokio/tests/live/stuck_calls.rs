//! Calls that hang among others that do not: places in flight, time limits, and errors that say what was not sent.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use virt_testkit::peer::{Peer, soon};
use virt_testkit::words::{PING, PONG};
use virt_tokio::{CallError, Limits, Options};

use crate::support::{Ask, SECOND, ask, ask_call, ask_reply, connected};

/// A number to which there is no answer.
const STUCK: u32 = 0;

fn at_once(calls: usize) -> Options {
    let mut limits = Limits::default();
    limits.calls = calls;
    Options::default().limits(limits)
}

/// Plays a daemon that works on any number of calls at once, each for a second; [`STUCK`] is never answered.
async fn works(peer: Peer) {
    let (mut hearing, mut saying) = peer.split();
    let (replies, mut due) = mpsc::unbounded_channel::<String>();
    tokio::spawn(async move {
        while let Some(reply) = due.recv().await {
            saying.says(&reply).await;
        }
    });
    loop {
        let frame = hearing.frame().await;
        let word = |at: usize| u32::from_be_bytes(frame[at..at + 4].try_into().unwrap());
        let (serial, number) = (word(20), word(28));
        let replies = replies.clone();
        if number != STUCK {
            tokio::spawn(async move {
                sleep(SECOND).await;
                replies.send(ask_reply(serial, number)).ok();
            });
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_hangs_takes_one_place_and_the_others_go_on() {
    let mut times = Vec::new();
    for (calls, is_stuck) in [(4, true), (3, false)] {
        let (client, peer) = connected(at_once(calls));
        let daemon = tokio::spawn(works(peer));
        let stuck = is_stuck.then(|| ask(&client, STUCK));
        tokio::task::yield_now().await;
        let start = Instant::now();
        let mut healthy = JoinSet::new();
        for number in 1..=200 {
            let client = client.clone();
            healthy.spawn(async move { client.call::<Ask>(&number).await.unwrap() });
        }
        soon(healthy.join_all()).await;
        times.push(start.elapsed().as_secs());
        assert!(stuck.is_none_or(|call| !call.is_finished()));
        daemon.abort();
    }
    // 200 seconds of work, three at a time.
    assert_eq!(times, [67, 67]);
}

#[tokio::test(start_paused = true)]
async fn with_all_places_taken_a_call_is_not_sent_and_says_so_at_its_limit() {
    let (client, mut peer) = connected(at_once(2));
    let first = ask(&client, 1);
    peer.hears(&ask_call(1, 1)).await;
    let second = ask(&client, 2);
    peer.hears(&ask_call(2, 2)).await;
    // Nobody waits for them any more, but the daemon works on them.
    first.abort();
    second.abort();
    let start = Instant::now();
    let limited = client.with_timeout(5 * SECOND);
    let error = limited.call::<Ask>(&3).await.unwrap_err();
    assert_eq!(start.elapsed(), 5 * SECOND);
    assert_eq!(
        error.to_string(),
        "not sent within 5 s: 2 earlier calls wait for their replies, which is the limit"
    );
    assert!(matches!(error, CallError::Busy { limit: 2, .. }));
    // No time to wait: it says so at once.
    let error = client.with_timeout(Duration::ZERO).call::<Ask>(&3).await;
    assert!(matches!(error, Err(CallError::Busy { .. })));
    assert_eq!(start.elapsed(), 5 * SECOND);
    peer.says(PING).await;
    peer.hears(PONG).await;

    // A reply makes room, although nobody takes it.
    peer.says(&ask_reply(1, 8)).await;
    let third = tokio::spawn(async move { limited.call::<Ask>(&3).await });
    peer.hears(&ask_call(3, 3)).await;
    peer.says(&ask_reply(3, 9)).await;
    assert_eq!(soon(third).await.unwrap().unwrap(), 9);
}

#[tokio::test(start_paused = true)]
async fn a_limit_is_that_of_the_handle() {
    let options = at_once(4).call_timeout(2 * SECOND);
    let (client, mut peer) = connected(options);
    let start = Instant::now();
    for (handle, limit) in [
        (client.clone(), 2),
        (client.with_timeout(SECOND), 1),
        (client.with_timeout(30 * SECOND).clone(), 30),
    ] {
        let before = start.elapsed();
        let error = handle.call::<Ask>(&1).await.unwrap_err();
        assert_eq!(start.elapsed() - before, limit * SECOND);
        assert!(matches!(error, CallError::Timeout { sent: true, .. }));
    }
    let unlimited = client.with_timeout(None);
    let call = unlimited.call::<Ask>(&1);
    let waited = timeout(3600 * SECOND, call).await;
    assert!(waited.is_err(), "{waited:?}");
    for serial in 1..=4 {
        peer.hears(&ask_call(serial, 1)).await;
    }
}
