//! The task of a session: attempts, delays, and events that are registered with each connection.

use std::pin::Pin;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

use super::{SessionError, SessionState, Shared};
use crate::{Client, Closed, ConnectError, debug};

/// A function that makes an open connection.
pub(super) type Dial = Box<dyn FnMut() -> Dialling + Send>;

type Dialling = Pin<Box<dyn Future<Output = Result<Client, ConnectError>> + Send>>;

/// Runs a session to its end.
pub(super) async fn run(shared: Arc<Shared>, dial: Dial) {
    let mut closing = shared.closing.subscribe();
    let reason = tokio::select! {
        biased;
        _ = closing.wait_for(|is_closing| *is_closing) => SessionError::Closed,
        reason = shared.work(dial) => reason,
    };
    shared.entries.end(&reason);
    let last = shared.lock_connection().take();
    if let Some(client) = last {
        client.close().await;
    }
    debug!(%reason, "session ended");
    shared.state.send_replace(SessionState::Ended(reason));
}

impl Shared {
    /// Connects again and again, and returns the reason to stop.
    async fn work(&self, mut dial: Dial) -> SessionError {
        let mut backoff = self.options.backoff();
        // The number of connections, and that of attempts since the last one was open.
        let (mut connections, mut attempt) = (0, 0);
        loop {
            attempt += 1;
            self.state
                .send_replace(SessionState::Connecting { attempt });
            connections += 1;
            let mut tasks = JoinSet::new();
            let reason = match self.open(&mut dial, connections, &mut tasks).await {
                Ok(client) => {
                    let start = Instant::now();
                    let closed = self.serve(client, connections, tasks).await;
                    backoff.was_open_for(start.elapsed());
                    attempt = 0;
                    SessionError::Lost(closed)
                }
                Err(error) if error.is_permanent() => return error,
                Err(last) if self.options.attempts.is_some_and(|limit| attempt >= limit) => {
                    return SessionError::GaveUp {
                        attempts: attempt,
                        last: Box::new(last),
                    };
                }
                Err(error) => error,
            };
            let limit = if reason.is_missing_socket() {
                self.options.socket_delay
            } else {
                Duration::MAX
            };
            let next_try = Instant::now() + backoff.next(limit);
            debug!(%reason, attempt, "session down");
            self.state.send_replace(SessionState::Down {
                reason,
                attempt,
                next_try,
            });
            sleep_until(next_try).await;
        }
    }

    /// Makes a connection, and registers all events.
    async fn open(
        &self,
        dial: &mut Dial,
        connection: u64,
        tasks: &mut JoinSet<()>,
    ) -> Result<Client, SessionError> {
        let client = dial().await.map_err(Arc::new)?;
        *self.lock_connection() = Some(client.clone());
        let after = client.shared.preferences.connect_timeout;
        let registered = timeout(after, async {
            self.entries.attach(&client, connection, tasks);
            // A task that ends early has nothing to do any more.
            while tasks.join_next().await.is_some() {}
        });
        if registered.await.is_err() {
            // If the session is closed meanwhile, its end closes the connection again.
            client.close().await;
            return Err(SessionError::Unregistered { after });
        }
        match client.closed_reason() {
            Some(closed) => Err(closed.into()),
            None => Ok(client),
        }
    }

    /// Registers the events of new subscriptions until the connection ends.
    async fn serve(&self, client: Client, connection: u64, mut tasks: JoinSet<()>) -> Closed {
        self.entries.release();
        self.state.send_replace(SessionState::Open(client.clone()));
        loop {
            self.entries.attach(&client, connection, &mut tasks);
            tokio::select! {
                closed = client.closed() => return closed,
                () = self.subscribed.notified() => {}
                Some(_) = tasks.join_next() => {}
            }
        }
    }

    fn lock_connection(&self) -> std::sync::MutexGuard<'_, Option<Client>> {
        // No operation panics under the lock.
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
