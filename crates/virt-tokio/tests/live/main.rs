//! Live connections, behaviour by behaviour: on a clock that only moves when a test waits, against a peer that
//! says and hears literal bytes.

#![expect(
    clippy::unwrap_used,
    reason = "what helps a test may panic as a test may"
)]

mod backoff;
mod calls;
mod close;
mod connect;
mod events;
mod flood;
mod keepalive;
mod lenient;
mod limits;
mod opening;
mod pings;
mod public_types;
mod readers_and_writers;
mod server;
mod session;
mod streams;
mod stuck_calls;
mod subscriptions;
mod support;
mod unread_streams;
