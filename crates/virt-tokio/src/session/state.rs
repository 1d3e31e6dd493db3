//! The state of a session, for those that watch it.

use tokio::time::Instant;

use crate::{Client, SessionError};

/// The state of a [`Session`](crate::Session).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum SessionState {
    /// An attempt is under way.
    Connecting {
        /// The number of the attempt: 1 for the first of the session, and for the first after each open connection.
        attempt: u32,
    },
    /// The connection is open, and all events are registered.
    Open(Client),
    /// There is no connection, and the next attempt is at `next_try`.
    Down {
        /// The reason: the end of the connection, or the failure of the last attempt.
        reason: SessionError,
        /// The number of attempts that have failed since the connection was open.
        attempt: u32,
        /// The time of the next attempt.
        next_try: Instant,
    },
    /// The session has ended.
    Ended(SessionError),
}
