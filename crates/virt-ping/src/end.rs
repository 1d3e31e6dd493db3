//! What ends a run: a time, or a connection that is closed.

use std::future::pending;
use std::time::Duration;

use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until};
use virt_tokio::{CloseReason, Closed};

use crate::event::Ended;
use crate::options::Options;
use crate::text::clean;

/// How often all other tasks have their turn, and the sockets are looked at, until all is received.
///
/// From a socket to whoever waits for an answer it takes two turns, and a few more if the daemon is within
/// this process.
const TURNS: usize = 16;

/// Lets all be received that has come, without waiting for more.
///
/// When this process has stood still, it may see that time is over before it looks at the socket: a signal such
/// as SIGCONT ends its waiting for both.
pub(crate) async fn receive_all() {
    for _ in 0..TURNS {
        yield_now().await;
    }
}

/// Waits until a time, or for ever.
pub(crate) async fn until(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => pending().await,
    }
}

/// Says why a connection is closed.
pub(crate) fn describe(closed: &Closed, options: &Options) -> String {
    let cause = closed.cause().map(|cause| format!(": {cause}"));
    let cause = clean(&cause.unwrap_or_default());
    match closed.reason() {
        CloseReason::KeepAlive => {
            let silence = silence(options).as_secs_f64();
            format!("link is dead: nothing came for {silence} s")
        }
        CloseReason::EndOfFile => format!("daemon has closed the connection{cause}"),
        CloseReason::Error => format!("connection has failed{cause}"),
        CloseReason::Client => "connection is closed".to_owned(),
    }
}

/// Says why there is no answer to the only PING or call there was, if the connection is not closed.
pub(crate) fn unanswered(ended: Ended, options: &Options, start: Instant) -> String {
    let limit = match ended {
        Ended::Interrupted => {
            let time = start.elapsed().as_secs_f64();
            return format!("interrupted after {time:.3} s, without an answer");
        }
        Ended::Deadline => options.deadline.unwrap_or(Duration::MAX),
        Ended::Count | Ended::Closed => options.timeout,
    };
    format!("no answer within {} s", limit.as_secs_f64())
}

/// libvirt's word for why a connection is closed.
pub(crate) fn word(reason: CloseReason) -> &'static str {
    match reason {
        CloseReason::Error => "error",
        CloseReason::EndOfFile => "end_of_file",
        CloseReason::KeepAlive => "keepalive",
        CloseReason::Client => "client",
    }
}

/// How long a peer may say nothing before keepalive ends the connection.
fn silence(options: &Options) -> Duration {
    options
        .keepalive_interval
        .saturating_mul(options.keepalive_count.saturating_add(1))
}
