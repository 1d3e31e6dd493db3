//! Peers that mean harm, on real sockets: what they do costs this end little, and the other connections nothing.
#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    reason = "what helps a test may panic as a test may"
)]

mod accepting;
mod attempts;
mod broadcast;
mod giving_up;
mod lingering;
mod lingering_queues;
mod parked;
mod support;
mod unauthenticated;
