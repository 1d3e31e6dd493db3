//! Attempts of sessions on simulated time: each at its instant, evenly spread, and none that time cannot mend.

use std::collections::BTreeSet;
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::{Instant, sleep};
use virt_testkit::peer::soon;
use virt_tokio::{
    Client, ConnectError, KeepAliveMode, Options, Session, SessionError, SessionOptions,
    SessionState,
};

use crate::support::SECOND;

/// The seed of the published numbers below.
const SEED: u64 = 1_234_567;
/// The first numbers of the generator `SplitMix64` from that seed.
const NUMBERS: [u64; 5] = [
    6_457_827_717_110_365_317,
    3_203_168_211_198_807_973,
    9_817_491_932_198_370_423,
    4_593_380_528_125_082_431,
    16_408_922_859_458_223_821,
];

/// The resolution of tokio's timers.
const TICK: Duration = Duration::from_millis(1);

fn failed(address: &str, kind: ErrorKind) -> ConnectError {
    ConnectError::Connect {
        address: address.to_owned(),
        error: kind.into(),
    }
}

/// A session whose attempts all fail, and their times.
fn failing(
    options: SessionOptions,
    address: &'static str,
    kind: ErrorKind,
) -> (Session, Arc<Mutex<Vec<Instant>>>) {
    let attempts = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&attempts);
    let session = Session::with_dial(options, move || {
        noted.lock().unwrap().push(Instant::now());
        async move { Err(failed(address, kind)) }
    });
    (session, attempts)
}

/// The share of a ceiling that a random number gives.
fn share(number: u64, ceiling: Duration) -> Duration {
    let nanoseconds = (ceiling.as_nanos() * u128::from(number)) >> 64;
    Duration::from_nanos(nanoseconds.try_into().unwrap())
}

/// Watches the next attempts fail: each is at its instant.
async fn are_at(session: &Session, attempts: &Mutex<Vec<Instant>>, ceilings: [Duration; 5]) {
    let mut state = session.state();
    let mut at = Instant::now();
    for (index, (number, ceiling)) in NUMBERS.into_iter().zip(ceilings).enumerate() {
        let failed = u32::try_from(index + 1).unwrap();
        let down = soon(state.wait_for(
            |state| matches!(state, SessionState::Down { attempt, .. } if *attempt == failed),
        ));
        let SessionState::Down { next_try, .. } = *down.await.unwrap() else {
            unreachable!();
        };
        // A timer is late by less than its resolution.
        let began = *attempts.lock().unwrap().last().unwrap();
        assert!(began >= at && began - at < 2 * TICK, "{:?}", began - at);
        assert_eq!(next_try - began, share(number, ceiling), "delay {failed}");
        at = next_try;
    }
}

#[tokio::test(start_paused = true)]
async fn each_delay_is_the_seeds_share_of_a_ceiling_that_doubles() {
    let (session, attempts) = failing(
        SessionOptions::default().seed(SEED),
        "tcp:localhost:1",
        ErrorKind::ConnectionRefused,
    );
    let ceilings = [250, 500, 1000, 2000, 4000].map(Duration::from_millis);
    are_at(&session, &attempts, ceilings).await;
}

#[tokio::test(start_paused = true)]
async fn delays_end_at_the_longest_and_all_can_be_set() {
    let options = SessionOptions::default()
        .seed(SEED)
        .first_delay(2 * SECOND)
        .longest_delay(5 * SECOND);
    let (session, attempts) = failing(options, "tcp:localhost:1", ErrorKind::TimedOut);
    are_at(
        &session,
        &attempts,
        [2, 4, 5, 5, 5].map(Duration::from_secs),
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_has_vanished_is_looked_for_each_second() {
    let (session, attempts) = failing(
        SessionOptions::default().seed(SEED).first_delay(8 * SECOND),
        "unix:/run/libvirt/libvirt-sock",
        ErrorKind::NotFound,
    );
    are_at(&session, &attempts, [SECOND; 5]).await;
}

#[tokio::test(start_paused = true)]
async fn attempts_are_limited_if_told() {
    let (session, attempts) = failing(
        SessionOptions::default().attempts(3),
        "tcp:localhost:1",
        ErrorKind::ConnectionRefused,
    );
    let error = soon(session.client()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "gave up after 3 attempts: cannot connect to tcp:localhost:1: connection refused"
    );
    assert_eq!(attempts.lock().unwrap().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn errors_that_time_cannot_mend_end_the_session() {
    for (uri, text) in [
        ("test:///nowhere", "nowhere"),
        ("what is this", "what is this"),
    ] {
        let session = Session::new(uri, SessionOptions::default());
        let error = soon(session.client()).await.unwrap_err();
        assert!(matches!(&error, SessionError::Connect(error) if error.is_permanent()));
        assert!(error.to_string().contains(text), "{error}");
    }
    for kind in [
        ErrorKind::ConnectionRefused,
        ErrorKind::ConnectionReset,
        ErrorKind::NotFound,
        ErrorKind::HostUnreachable,
        ErrorKind::TimedOut,
        ErrorKind::UnexpectedEof,
        ErrorKind::PermissionDenied,
    ] {
        assert!(!failed("tcp:localhost:1", kind).is_permanent());
    }
}

/// A session on connections that never say a word, which the owner of the pipes ends.
fn on_pipes(options: SessionOptions) -> (Session, Arc<Mutex<Option<tokio::io::DuplexStream>>>) {
    let pipe = Arc::new(Mutex::new(None));
    let theirs = Arc::clone(&pipe);
    let session = Session::with_dial(options, move || {
        let (ours, other) = tokio::io::duplex(64);
        *theirs.lock().unwrap() = Some(other);
        let options = Options::default().keepalive(KeepAliveMode::Off);
        async move { Ok(Client::over_stream(ours, options)) }
    });
    (session, pipe)
}

#[tokio::test(start_paused = true)]
async fn a_minute_of_being_open_begins_with_the_first_delay_again() {
    let (session, pipe) = on_pipes(SessionOptions::default().seed(SEED));
    let mut state = session.state();
    let millis = Duration::from_millis;
    for (number, (open, ceiling)) in NUMBERS.into_iter().zip([
        (SECOND, millis(250)),
        (SECOND, millis(500)),
        (59 * SECOND, millis(1000)),
        (60 * SECOND, millis(250)),
        (SECOND, millis(500)),
    ]) {
        soon(state.wait_for(|state| matches!(state, SessionState::Open(_))))
            .await
            .unwrap();
        sleep(open).await;
        let lost = Instant::now();
        drop(pipe.lock().unwrap().take());
        let down = soon(state.wait_for(|state| matches!(state, SessionState::Down { .. })));
        let SessionState::Down {
            next_try, attempt, ..
        } = *down.await.unwrap()
        else {
            unreachable!();
        };
        assert_eq!(attempt, 0);
        assert_eq!(next_try - lost, share(number, ceiling));
    }
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_sessions_that_lose_one_daemon_spread_their_attempts() {
    const SESSIONS: usize = 10_000;
    const STEPS: usize = 6;
    let pipes = Arc::new(Mutex::new(Some(Vec::new())));
    let watchers: Vec<_> = (0..SESSIONS)
        .map(|_| {
            let pipes = Arc::clone(&pipes);
            let session = Session::with_dial(SessionOptions::default(), move || {
                let (ours, theirs) = tokio::io::duplex(1);
                let kept = pipes
                    .lock()
                    .unwrap()
                    .as_mut()
                    .map(|pipes| pipes.push(theirs));
                let options = Options::default().keepalive(KeepAliveMode::Off);
                async move {
                    kept.ok_or_else(|| io::Error::from(ErrorKind::ConnectionRefused))
                        .map_err(|error| ConnectError::Connect {
                            address: "tcp:localhost:1".to_owned(),
                            error,
                        })?;
                    Ok(Client::over_stream(ours, options))
                }
            });
            tokio::spawn(async move {
                let mut state = session.state();
                let mut delays = [None; STEPS];
                loop {
                    soon(state.changed()).await.unwrap();
                    if let SessionState::Down {
                        attempt, next_try, ..
                    } = *state.borrow_and_update()
                    {
                        let step = attempt as usize;
                        delays[step] = Some(next_try - Instant::now());
                        if step == STEPS - 1 {
                            return delays;
                        }
                    }
                }
            })
        })
        .collect();
    sleep(SECOND).await;
    // The daemon goes, and refuses from now on.
    let lost = pipes.lock().unwrap().take().unwrap();
    assert_eq!(lost.len(), SESSIONS);
    drop(lost);

    let mut all = Vec::new();
    for watcher in watchers {
        all.push(watcher.await.unwrap());
    }
    assert_eq!(
        all.iter().collect::<BTreeSet<_>>().len(),
        SESSIONS,
        "no two sessions are alike"
    );
    for step in 0..STEPS {
        let ceiling = Duration::from_millis(250 << step);
        let mut tenths = [0u32; 10];
        for delay in all.iter().filter_map(|delays| delays[step]) {
            assert!(delay < ceiling, "{delay:?} of {ceiling:?}");
            let tenth = delay.as_nanos() * 10 / ceiling.as_nanos();
            tenths[usize::try_from(tenth).unwrap()] += 1;
        }
        // Six standard deviations, and the delays of less than a tick, which cannot be watched.
        for tenth in tenths {
            assert!((750..=1200).contains(&tenth), "step {step}: {tenths:?}");
        }
    }
}
