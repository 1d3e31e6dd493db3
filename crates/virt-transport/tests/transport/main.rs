//! The transport, behaviour by behaviour, as literal bytes in and out.

#![expect(
    clippy::unwrap_used,
    reason = "what helps a test may panic as a test may"
)]

mod answer_limit;
mod authentication;
mod calls;
mod calls_program;
mod client;
mod counters;
mod defaults;
mod errors;
mod failure;
#[cfg(unix)]
mod fds;
#[cfg(unix)]
mod hostile;
mod outbox;
mod paused;
mod public_types;
mod receive_vs_commit;
mod register;
mod serials;
mod server;
#[cfg(target_os = "linux")]
mod socket;
mod streams;
mod support;
#[cfg(unix)]
mod witness;
mod write_to;
