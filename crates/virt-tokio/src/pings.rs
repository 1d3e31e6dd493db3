//! The PINGs that the peer of a connection sends.

use std::sync::Arc;

use crate::connection::state::State;

/// The PINGs that the peer of a connection sends from a point in time on, counted.
#[derive(Debug)]
pub struct Pings {
    state: Arc<State>,
    seen: u64,
}

impl Pings {
    pub(crate) fn new(state: &Arc<State>) -> Self {
        Self {
            state: Arc::clone(state),
            seen: state.pings(),
        }
    }

    /// Waits for a PING, and returns the number of PINGs since the last call; `None` once the connection is closed.
    ///
    /// Cancel-safe: no PING is lost if the future is dropped.
    pub async fn recv(&mut self) -> Option<u64> {
        let received = self.state.pings_after(self.seen).await?;
        let before = std::mem::replace(&mut self.seen, received);
        Some(received.wrapping_sub(before))
    }
}
