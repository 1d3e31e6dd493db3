//! Runs on a simulated clock, against the other end of a socket.

use std::future::pending;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;

use clap::Parser;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::{advance, sleep, sleep_until};
use virt_tokio::Client;

use super::*;
use crate::event::Summary;
use crate::output::Output;
use crate::requests::Signals;

const PING: &[u8] = b"\0\0\0\x1ckeep\0\0\0\x01\0\0\0\x01\0\0\0\x02\0\0\0\0\0\0\0\0";
const PONG: &[u8] = b"\0\0\0\x1ckeep\0\0\0\x01\0\0\0\x02\0\0\0\x02\0\0\0\0\0\0\0\0";
const SECOND: Duration = Duration::from_secs(1);
const STEP: Duration = Duration::from_millis(1);

/// Pings the other end of a socket in memory on a simulated clock, as `--raw` does, and returns the outcome.
async fn simulate<P: Future<Output = ()> + Send + 'static>(
    arguments: &[&str],
    peer: impl FnOnce(DuplexStream, Signals) -> P,
) -> (Duration, Ended, Summary) {
    let (near, far) = duplex(64 * 1024);
    run_over(near, arguments, |signals| peer(far, signals)).await
}

async fn run_over<P: Future<Output = ()> + Send + 'static>(
    near: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    arguments: &[&str],
    peer: impl FnOnce(Signals) -> P,
) -> (Duration, Ended, Summary) {
    // Quiet, since the clock would go on while a line waits for the thread that writes it.
    let options = Options::parse_from([&["virt-ping", "-q"], arguments].concat());
    let deadline = options.deadline.map(|deadline| Instant::now() + deadline);
    let (signals, mut requests) = Requests::new(deadline);
    tokio::spawn(peer(signals));
    // As in the program, each task has its turn in the order they were woken.
    let run = tokio::spawn(async move {
        let client = Client::over_stream(near, options.connection());
        client.start_keepalive();
        let (output, _writers) = Output::new(io::sink(), io::sink(), &requests);
        let reporter = Reporter::new(&options, output, "test");
        let pinger = Pinger::new(&client, &options, &reporter, Tally::new(&options));
        let (tally, ended) = pinger.run(&mut requests).await.unwrap();
        (tally.elapsed(), ended, tally.summary(Some(ended)))
    });
    run.await.unwrap()
}

/// Pings through a socket of the system, with a pause of this process: PONGs arrive meanwhile, and the timers are
/// noticed before them.
async fn stand_still(
    arguments: &[&str],
    pongs: usize,
    after: Duration,
    pause: Duration,
) -> (Duration, Ended, Summary) {
    let (near, mut far) = UnixStream::pair().unwrap();
    near.set_nonblocking(true).unwrap();
    far.set_nonblocking(true).unwrap();
    let near = tokio::net::UnixStream::from_std(near).unwrap();
    let peer = move |_| async move {
        let start = Instant::now();
        let mut frame = [0; PING.len()];
        // The clock goes on whenever all wait, whatever a socket has, and no further than this.
        while far.read_exact(&mut frame).is_err() {
            sleep(STEP).await;
        }
        assert_eq!(frame, PING);
        sleep_until(start + after).await;
        let soon = sleep(STEP);
        let answer = async {
            soon.await;
            far.write_all(&PONG.repeat(pongs)).unwrap();
        };
        tokio::join!(advance(pause), answer);
        // The socket is not to close.
        pending::<()>().await;
    };
    run_over(near, arguments, peer).await
}

/// Answers each PING, given by its number, with `pongs` PONGs, until the connection is closed.
async fn answer(mut far: DuplexStream, pongs: impl Fn(u32) -> usize) {
    let mut frame = [0; PING.len()];
    let mut count = 0;
    while far.read_exact(&mut frame).await.is_ok() {
        assert_eq!(frame, PING);
        count += 1;
        // The other end may have gone.
        let _ = far.write_all(&PONG.repeat(pongs(count))).await;
    }
}

#[tokio::test(start_paused = true)]
async fn silence_is_the_end_at_interval_times_count_plus_one() {
    let options = ["-i", "1.5", "-W", "0.5", "-k", "2", "-K", "3"];
    let (time, ended, summary) = simulate(&options, |far, _| answer(far, |_| 0)).await;
    assert_eq!((time, ended), (SECOND * 8, Ended::Closed));
    assert_eq!((summary.sent, summary.missed, summary.received), (6, 6, 0));
}

#[tokio::test(start_paused = true)]
async fn a_count_ends_with_the_last_pong() {
    let options = ["-c", "4", "-i", "1.5"];
    let (time, ended, summary) = simulate(&options, |far, _| answer(far, |_| 1)).await;
    assert_eq!((time, ended), (SECOND * 9 / 2, Ended::Count));
    assert_eq!((summary.sent, summary.received, summary.missed), (4, 4, 0));
}

#[tokio::test(start_paused = true)]
async fn a_count_ends_when_the_last_one_is_missed() {
    let options = ["-c", "2", "-i", "1", "-W", "3"];
    let (time, ended, summary) = simulate(&options, |far, _| answer(far, |_| 0)).await;
    assert_eq!((time, ended), (SECOND * 4, Ended::Count));
    assert_eq!((summary.sent, summary.received, summary.missed), (2, 0, 2));
}

#[tokio::test(start_paused = true)]
async fn what_comes_late_counts_as_late_for_the_time_it_took() {
    // The fourth PING is answered, and with it the three before.
    let options = ["-c", "4", "-i", "1", "-W", "1.5"];
    let pongs = |ping| if ping == 4 { 4 } else { 0 };
    let (time, ended, summary) = simulate(&options, |far, _| answer(far, pongs)).await;
    assert_eq!((time, ended), (SECOND * 3, Ended::Count));
    assert_eq!((summary.received, summary.late, summary.missed), (4, 2, 0));
    let rtt = summary.rtt.unwrap();
    assert_eq!((rtt.min_ns, rtt.max_ns), (0, 3_000_000_000));
}

#[tokio::test(start_paused = true)]
async fn a_deadline_ends_it_with_what_is_missed() {
    let options = ["-w", "2.5", "-i", "1", "-W", "60"];
    let pongs = |ping| usize::from(ping < 3);
    let (time, ended, summary) = simulate(&options, |far, _| answer(far, pongs)).await;
    assert_eq!((time, ended), (SECOND * 5 / 2 + GRACE, Ended::Deadline));
    assert_eq!((summary.sent, summary.received, summary.missed), (3, 2, 1));
}

#[tokio::test(start_paused = true)]
async fn an_interrupt_ends_it_at_once() {
    let peer = |far, signals: Signals| async move {
        let interrupt = async {
            tokio::time::sleep(SECOND * 7 / 2).await;
            signals.interrupt();
        };
        tokio::join!(answer(far, |_| 1), interrupt);
    };
    let (time, ended, summary) = simulate(&[], peer).await;
    assert_eq!((time, ended), (SECOND * 7 / 2, Ended::Interrupted));
    assert_eq!((summary.sent, summary.received), (4, 4));
}

#[tokio::test(start_paused = true)]
async fn unanswered_pings_are_bounded() {
    let options = ["-i", "0.01", "-W", "60", "-w", "5", "-k", "60"];
    let (_, ended, summary) = simulate(&options, |far, _| answer(far, |_| 0)).await;
    assert_eq!(ended, Ended::Deadline);
    assert_eq!(
        (summary.sent, summary.missed, summary.received),
        (256, 256, 0)
    );
    assert!((240..=246).contains(&summary.held_back), "{summary:?}");
}

#[tokio::test(start_paused = true)]
async fn a_flood_goes_on_when_some_are_missed() {
    // Nothing is answered: 64 are under way at once, and 256 are unanswered at most.
    let options = ["-f", "-c", "400", "-W", "1", "-k", "60"];
    let (time, ended, summary) = simulate(&options, |far, _| answer(far, |_| 0)).await;
    assert_eq!((time, ended), (SECOND * 7, Ended::Count));
    assert_eq!(
        (summary.sent, summary.held_back, summary.missed),
        (256, 144, 256)
    );
}

#[tokio::test(start_paused = true)]
async fn after_a_pause_what_has_come_counts_first() {
    let options = ["-c", "1", "-W", "1", "-k", "60"];
    let (time, ended, summary) = stand_still(&options, 1, SECOND / 2, SECOND * 7).await;
    assert_eq!((time, ended), (SECOND * 15 / 2, Ended::Count));
    assert_eq!((summary.received, summary.late, summary.missed), (1, 0, 0));
    assert_eq!(summary.rtt.unwrap().max_ns, 7_500_000_000);
}

#[tokio::test(start_paused = true)]
async fn after_a_pause_at_the_end_what_has_come_counts_first() {
    // The pause begins within the grace.
    let options = ["-w", "1", "-i", "60", "-W", "60", "-k", "60"];
    let after = SECOND + GRACE / 2;
    let (time, ended, summary) = stand_still(&options, 1, after, SECOND * 7).await;
    assert_eq!((time, ended), (after + SECOND * 7, Ended::Deadline));
    assert_eq!((summary.received, summary.missed), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn after_a_pause_nothing_is_held_back_for_what_has_come() {
    let options = ["-c", "257", "-i", "0.01", "-W", "60", "-k", "60"];
    let after = Duration::from_millis(2555);
    let (_, _, summary) = stand_still(&options, 256, after, SECOND * 7).await;
    assert_eq!((summary.sent, summary.held_back), (257, 0));
    assert_eq!((summary.received, summary.missed), (256, 1));
}

#[tokio::test(start_paused = true)]
async fn a_check_pings_once() {
    for (options, time, ended) in [
        (["--check", "-w", "30", "-W", "1"], SECOND, Ended::Count),
        (
            ["--check", "-w", "3", "-W", "60"],
            SECOND * 3 + GRACE,
            Ended::Deadline,
        ),
    ] {
        let (took, end, summary) = simulate(&options, |far, _| answer(far, |_| 0)).await;
        assert_eq!((took, end), (time, ended));
        assert_eq!((summary.sent, summary.missed), (1, 1));
    }
}
