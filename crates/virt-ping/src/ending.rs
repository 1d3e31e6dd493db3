//! The words for the end of a connection, and for an answer that did not come.

use std::time::Duration;

use tokio::time::Instant;
use virt_tokio::{CloseReason, Closed};

use crate::event::Ended;
use crate::options::Options;
use crate::other_service::first_word;
use crate::safe_text::SafeText;

/// Describes the end of a connection.
pub(crate) fn closed_message(closed: &Closed, options: &Options) -> SafeText {
    let cause = closed.cause().map(|cause| format!(": {cause}"));
    let cause = cause.unwrap_or_default();
    let message = SafeText::new(match closed.reason() {
        CloseReason::KeepAlive => {
            let silence = options.silence_limit().as_secs_f64();
            format!("link is dead: nothing came for {silence} s")
        }
        CloseReason::EndOfFile => format!("daemon closed the connection{cause}"),
        CloseReason::Error => format!("connection failed{cause}"),
        CloseReason::Client => "connection is closed".to_owned(),
    });
    match first_word(closed) {
        Some(word) => message.followed_by(word),
        None => message,
    }
}

/// Describes the lack of an answer to the only PING or call of a check, on an open connection.
pub(crate) fn unanswered_message(ended: Ended, options: &Options, start: Instant) -> SafeText {
    let limit = match ended {
        Ended::Interrupted => {
            let time = start.elapsed().as_secs_f64();
            return SafeText::new(format_args!(
                "interrupted after {time:.3} s, without an answer"
            ));
        }
        Ended::Deadline => options.deadline.unwrap_or(Duration::MAX),
        Ended::Count | Ended::Closed => options.timeout,
    };
    SafeText::new(format_args!("no answer within {} s", limit.as_secs_f64()))
}

/// Returns libvirt's word for the reason why a connection was closed.
pub(crate) fn reason_word(reason: CloseReason) -> &'static str {
    match reason {
        CloseReason::Error => "error",
        CloseReason::EndOfFile => "end_of_file",
        CloseReason::KeepAlive => "keepalive",
        CloseReason::Client => "client",
    }
}
