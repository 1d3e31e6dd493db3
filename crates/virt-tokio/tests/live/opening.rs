//! Until a connection is open, frames are short and answers have to come in time.

use std::time::Duration;

use tokio::time::Instant;
use virt_testkit::peer::soon;
use virt_tokio::{CallError, ConnectError, KeepAliveMode, Options};

use crate::support::{SECOND, ask, ask_call, connected};

const AUTH_LIST: &str = "0000001c 20008086 00000001 00000042 00000000 00000001 00000000";
const NONE: &str = "00000020 20008086 00000001 00000042 00000001 00000001 00000000 00000000";
const POLKIT: &str =
    "00000024 20008086 00000001 00000042 00000001 00000001 00000000 00000001 00000002";

#[tokio::test(start_paused = true)]
async fn a_stream_that_begins_with_the_confirmation_byte_of_tls_is_an_error_at_once() {
    let (client, mut peer) = connected(Options::default());
    let start = Instant::now();
    let (opened, ()) = tokio::join!(soon(client.open("")), async {
        peer.says("01").await;
        peer.hears(AUTH_LIST).await;
        peer.says(NONE).await;
    });
    let error = opened.unwrap_err().to_string();
    assert!(error.contains("524288"), "{error}");
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_frame_of_the_limit_passes_and_one_byte_more_does_not() {
    for (length, passes) in [("00080000", true), ("00080001", false)] {
        let (client, mut peer) = connected(Options::default());
        let call = ask(&client, 1);
        peer.hears(&ask_call(1, 1)).await;
        peer.says(&format!(
            "{length} 20004242 00000001 00000001 00000001 00000001 00000000 00000007"
        ))
        .await;
        if passes {
            peer.says(&"00".repeat(512 * 1024 - 32)).await;
            assert_eq!(soon(call).await.unwrap().unwrap(), 7);
        } else {
            let error = soon(call).await.unwrap().unwrap_err();
            assert!(matches!(error, CallError::Closed(_)), "{error}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_open_connection_takes_frames_of_any_length() {
    let options = Options::default().keepalive(KeepAliveMode::Off);
    let (client, mut peer) = connected(options);
    let (opened, ()) = tokio::join!(
        soon(client.open("test:///default")),
        peer.opens_without_keepalive(0)
    );
    opened.unwrap();
    let call = ask(&client, 1);
    peer.hears(&ask_call(3, 1)).await;
    peer.says("00100000 20004242 00000001 00000001 00000001 00000003 00000000 00000007")
        .await;
    for _ in 0..15 {
        peer.says(&"00".repeat(64 * 1024)).await;
    }
    peer.says(&"00".repeat(64 * 1024 - 32)).await;
    assert_eq!(soon(call).await.unwrap().unwrap(), 7);
}

#[tokio::test(start_paused = true)]
async fn all_answers_of_a_silent_daemon_share_the_connect_timeout() {
    let half = SECOND / 2;
    for answered in [false, true] {
        let options = Options::default().connect_timeout(half);
        let (client, mut peer) = connected(options);
        let start = Instant::now();
        let (opened, ()) = tokio::join!(soon(client.open("")), async {
            peer.hears(AUTH_LIST).await;
            if answered {
                tokio::time::sleep(half / 2).await;
                peer.says(NONE).await;
            }
        });
        let error = opened.unwrap_err();
        assert!(matches!(error, ConnectError::Step { .. }), "{error}");
        assert_eq!(start.elapsed(), half);
    }
}

#[tokio::test(start_paused = true)]
async fn a_person_who_is_asked_has_five_minutes() {
    let (client, mut peer) = connected(Options::default());
    let start = Instant::now();
    // Longer than the patience of the tests, but on a clock that jumps.
    let opening = tokio::time::timeout(1000 * SECOND, client.open(""));
    let (opened, ()) = tokio::join!(opening, async {
        peer.hears(AUTH_LIST).await;
        peer.says(POLKIT).await;
    });
    let error = opened.unwrap().unwrap_err().to_string();
    assert!(error.contains("300 s"), "{error}");
    assert_eq!(start.elapsed(), 300 * SECOND);
}
