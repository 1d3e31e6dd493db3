//! The times of PINGs and of a connection's death, to the instant.

use std::future::ready;
use std::time::Duration;

use tokio::time::{Instant, advance, sleep};
use virt_remote::ConnectGetHostname;
use virt_remote::Phase;
use virt_testkit::peer::soon;
use virt_testkit::words::{PING, PONG};
use virt_testkit::{hex, wire};
use virt_tokio::{Client, CloseReason, EventError, KeepAliveMode, Options};

use crate::support::{
    SECOND, connected, every, hostname, hostname_call, hostname_reply, opened, reason,
};

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test(start_paused = true)]
async fn a_silent_peer_gets_its_pings_and_is_dead_one_interval_later() {
    let (client, mut peer) = opened(every(SECOND, 2)).await;
    let start = Instant::now();

    peer.hears(PING).await;
    assert_eq!(start.elapsed(), SECOND);
    peer.hears(PING).await;
    assert_eq!(start.elapsed(), 2 * SECOND);
    peer.hears_the_end().await;
    assert_eq!(start.elapsed(), 3 * SECOND);

    let closed = soon(client.closed()).await;
    assert_eq!(closed.reason(), CloseReason::KeepAlive);
    assert_eq!(closed.to_string(), "connection closed: keepalive");
    assert!(closed.cause().is_none());
}

#[tokio::test(start_paused = true)]
async fn whatever_waits_ends_with_the_connection_and_at_once() {
    let (client, mut peer) = opened(every(SECOND, 2)).await;
    let start = Instant::now();
    let calls: Vec<_> = (0..10).map(|_| hostname(&client)).collect();
    let mut events = client.events();
    let (ping, event) = tokio::join!(soon(client.ping()), soon(events.recv()));

    assert_eq!(ping.unwrap_err().reason(), CloseReason::KeepAlive);
    assert_eq!(event.unwrap_err(), EventError::Closed);
    for call in calls {
        let result = soon(call).await.unwrap();
        assert_eq!(reason(result), CloseReason::KeepAlive);
    }
    assert_eq!(start.elapsed(), 3 * SECOND);
    // One PING was asked for and two are the timer's; four calls were in flight, six waited for their turn.
    peer.hears(PING).await;
    for serial in 4..8 {
        peer.hears(&hostname_call(serial)).await;
    }
    peer.hears(PING).await;
    peer.hears(PING).await;
    peer.hears_the_end().await;

    // And what comes later ends at once, too.
    assert_eq!(
        reason(soon(hostname(&client)).await.unwrap()),
        CloseReason::KeepAlive
    );
    assert_eq!(
        soon(client.ping()).await.unwrap_err().reason(),
        CloseReason::KeepAlive
    );
    assert_eq!(
        soon(client.events().recv()).await.unwrap_err(),
        EventError::Closed
    );
    assert_eq!(start.elapsed(), 3 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn it_is_five_times_every_five_seconds_unless_said_otherwise() {
    let (client, mut peer) = opened(Options::default()).await;
    let start = Instant::now();
    for ping in 1..=5 {
        peer.hears(PING).await;
        assert_eq!(start.elapsed(), ping * 5 * SECOND);
    }
    assert_eq!(soon(client.closed()).await.reason(), CloseReason::KeepAlive);
    assert_eq!(start.elapsed(), 30 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_count_of_none_is_dead_after_one_interval_without_a_ping() {
    let (client, mut peer) = opened(every(7 * SECOND, 0)).await;
    let start = Instant::now();
    peer.hears_the_end().await;
    assert_eq!(start.elapsed(), 7 * SECOND);
    assert_eq!(soon(client.closed()).await.reason(), CloseReason::KeepAlive);
}

#[tokio::test(start_paused = true)]
async fn every_byte_begins_the_interval_and_the_count_anew() {
    let (client, mut peer) = opened(every(SECOND, 1)).await;
    let start = Instant::now();

    sleep(Duration::from_millis(400)).await;
    // The first byte of a frame, and nothing more of it for a while.
    peer.says("00").await;
    peer.hears(PING).await;
    assert_eq!(start.elapsed(), Duration::from_millis(1400));

    sleep(Duration::from_millis(900)).await;
    peer.says("0000").await;
    peer.hears(PING).await;
    assert_eq!(start.elapsed(), Duration::from_millis(3300));

    assert_eq!(soon(client.closed()).await.reason(), CloseReason::KeepAlive);
    assert_eq!(start.elapsed(), Duration::from_millis(4300));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_trickles_a_large_message_is_alive() {
    let (client, mut peer) = opened(every(Duration::from_millis(900), 1)).await;
    let mut events = client.events();
    let start = Instant::now();

    // It is dead after 1.8 s of silence, and the message takes five minutes.
    peer.says("0000012c 20008086 00000001 0000006b 00000002 00000000 00000000")
        .await;
    for _ in 0..272 {
        sleep(SECOND).await;
        peer.says("5a").await;
        peer.hears(PING).await;
    }

    let event = soon(events.recv()).await.unwrap();
    assert_eq!(event.payload.as_ref(), [0x5a; 272]);
    assert_eq!(start.elapsed(), 272 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_pong_keeps_the_connection_as_any_byte_does() {
    let (client, mut peer) = opened(every(SECOND, 1)).await;
    let start = Instant::now();
    for ping in 1..=100 {
        peer.hears(PING).await;
        assert_eq!(start.elapsed(), ping * SECOND);
        peer.says(PONG).await;
    }
    client.close().await;
}

#[tokio::test(start_paused = true)]
async fn answer_only_asks_for_keepalive_and_sends_no_ping() {
    let (_client, mut peer) = opened(Options::default().keepalive(KeepAliveMode::AnswerOnly)).await;
    peer.hears_nothing_for(HOUR).await;
    peer.says(PING).await;
    peer.hears(PONG).await;
}

#[tokio::test(start_paused = true)]
async fn off_does_not_ask_and_answers_all_the_same() {
    let (client, mut peer) = connected(Options::default().keepalive(KeepAliveMode::Off));
    let (open, ()) = tokio::join!(
        client.open("test:///default"),
        peer.opens_without_keepalive(0)
    );
    open.unwrap();

    peer.hears_nothing_for(HOUR).await;
    peer.says(PING).await;
    peer.hears(PONG).await;
}

#[tokio::test(start_paused = true)]
async fn a_peer_without_keepalive_gets_no_ping() {
    let (client, mut peer) = connected(every(SECOND, 1));
    let transcript = async {
        peer.hears("0000001c 20008086 00000001 00000042 00000000 00000001 00000000")
            .await;
        peer.says("00000020 20008086 00000001 00000042 00000001 00000001 00000000 00000000")
            .await;
        peer.hears("00000020 20008086 00000001 0000003c 00000000 00000002 00000000 0000000a")
            .await;
        peer.says("00000020 20008086 00000001 0000003c 00000001 00000002 00000000 00000000")
            .await;
    };
    let mut opening = client.opening("");
    let advance = async {
        assert_eq!(
            client.advance(&mut opening).await.unwrap(),
            Phase::Negotiate
        );
        assert_eq!(client.advance(&mut opening).await.unwrap(), Phase::Open);
    };
    tokio::join!(advance, transcript);
    assert!(!opening.keepalive());
    peer.hears_nothing_for(HOUR).await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_before_keepalive_was_negotiated() {
    let (client, mut peer) = connected(every(SECOND, 1));
    peer.hears_nothing_for(HOUR).await;
    client.start_keepalive();
    let start = Instant::now();
    peer.hears(PING).await;
    assert_eq!(start.elapsed(), SECOND);
}

#[tokio::test(start_paused = true)]
async fn an_interval_that_never_ends_sends_nothing() {
    for interval in [Duration::ZERO, Duration::MAX] {
        let (_client, mut peer) = opened(every(interval, 0)).await;
        peer.hears_nothing_for(HOUR).await;
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_long_sleep_what_has_arrived_counts_first() {
    let (client, mut peer) = opened(every(SECOND, 0)).await;
    peer.says("00").await;
    advance(HOUR).await;
    let start = Instant::now();
    let buffered = soon(client.with_transport(|transport| transport.buffered())).await;
    assert_eq!(buffered.unwrap(), 1);
    assert_eq!(soon(client.closed()).await.reason(), CloseReason::KeepAlive);
    assert_eq!(start.elapsed(), SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_long_sleep_is_one_ping_and_not_an_end() {
    let (client, mut peer) = opened(every(SECOND, 2)).await;
    advance(HOUR).await;
    let start = Instant::now();
    peer.hears(PING).await;
    assert_eq!(start.elapsed(), Duration::ZERO);
    peer.hears(PING).await;
    assert_eq!(start.elapsed(), SECOND);
    assert_eq!(soon(client.closed()).await.reason(), CloseReason::KeepAlive);
    assert_eq!(start.elapsed(), 2 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn pings_are_answered_while_a_caller_does_not_look() {
    let (client, mut peer) = opened(Options::default()).await;
    let args = ();
    let call = client.call::<ConnectGetHostname>(&args);
    tokio::pin!(call);
    // It is begun, and then its caller does something else.
    tokio::select! {
        biased;
        result = &mut call => panic!("{result:?}"),
        () = ready(()) => (),
    }
    peer.hears(&hostname_call(4)).await;
    for _ in 0..100 {
        peer.says(PING).await;
        peer.hears(PONG).await;
    }
    peer.says(&hostname_reply(4)).await;
    peer.says(PING).await;
    peer.hears(PONG).await;
    assert_eq!(soon(call).await.unwrap().hostname, "host");
}

#[tokio::test(start_paused = true)]
async fn pings_are_answered_while_nobody_takes_the_events() {
    let (client, mut peer) = opened(Options::default()).await;
    let _events = client.events();
    for _ in 0..3000 {
        peer.says("0000001c 20008086 00000001 0000006b 00000002 00000000 00000000")
            .await;
    }
    peer.says(PING).await;
    peer.hears(PONG).await;
}

#[tokio::test(start_paused = true)]
async fn a_ping_is_answered_whatever_it_carries_and_before_anything_was_said() {
    let (_client, mut peer) = connected(Options::default());
    // With a serial, with a status, with a payload.
    for ping in [
        PING,
        "0000001c 6b656570 00000001 00000001 00000002 00000009 00000000",
        "0000001c 6b656570 00000001 00000001 00000002 00000000 00000001",
        "00000020 6b656570 00000001 00000001 00000002 00000000 00000000 deadbeef",
    ] {
        peer.says(ping).await;
        peer.hears(PONG).await;
    }
    // A procedure that nobody knows is no PING.
    peer.says("0000001c 6b656570 00000001 00000003 00000002 00000000 00000000")
        .await;
    peer.hears_nothing_for(SECOND).await;
}

#[cfg(unix)]
#[tokio::test(start_paused = true)]
async fn after_a_pause_of_this_end_what_has_arrived_counts_first() {
    use std::io::{Read, Write};

    for count in [0, 1] {
        let (ours, mut theirs) = std::os::unix::net::UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let ours = tokio::net::UnixStream::from_std(ours).unwrap();
        let client = Client::over_unix(ours, every(SECOND, count));
        client.start_keepalive();
        sleep(SECOND / 2 + count * SECOND).await;
        // The pause ends for all at once, and the socket is looked at after the clock.
        let soon_after = sleep(Duration::from_millis(1));
        let says = async {
            soon_after.await;
            theirs.write_all(&wire(PONG)).unwrap();
        };
        tokio::join!(advance(10 * SECOND), says);
        let heard = Instant::now();

        // So it is dead no sooner than if nothing comes from now on.
        assert_eq!(soon(client.closed()).await.reason(), CloseReason::KeepAlive);
        assert_eq!(heard.elapsed(), SECOND * (count + 1));
        let mut pings = Vec::new();
        theirs.read_to_end(&mut pings).unwrap();
        assert_eq!(hex(&pings), hex(&wire(PING).repeat(2 * count as usize)));
    }
}
