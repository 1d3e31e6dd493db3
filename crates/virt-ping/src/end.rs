//! What ends a run: a time, or a connection that is closed.

use std::future::pending;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use virt_tokio::{CloseReason, Closed};

use crate::options::Options;
use crate::text::clean;

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
