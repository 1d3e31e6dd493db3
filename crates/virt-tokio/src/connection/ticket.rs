//! The places of a connection among those of its server.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The places of a connection among those of its server, freed when it is dropped.
#[derive(Debug)]
pub(crate) struct Ticket {
    _connection: OwnedSemaphorePermit,
    /// The place among the connections that are not established yet.
    unestablished: Option<OwnedSemaphorePermit>,
}

impl Ticket {
    /// Waits for a place among all connections, and one among those that are not established.
    pub(crate) async fn acquire(
        connections: &Arc<Semaphore>,
        unestablished: &Arc<Semaphore>,
    ) -> Self {
        Self {
            _connection: permit(connections).await,
            unestablished: Some(permit(unestablished).await),
        }
    }

    /// Frees the place among the connections that are not established.
    pub(crate) fn establish(&mut self) {
        self.unestablished = None;
    }
}

async fn permit(semaphore: &Arc<Semaphore>) -> OwnedSemaphorePermit {
    let Ok(permit) = Arc::clone(semaphore).acquire_owned().await else {
        unreachable!("the semaphore is never closed");
    };
    permit
}
