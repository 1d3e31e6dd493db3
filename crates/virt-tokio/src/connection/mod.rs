//! A live connection: one task owns the socket, the transport and the time; handles send it commands.

pub(crate) mod backpressure;
#[cfg(unix)]
mod closer;
pub(crate) mod deadlines;
pub(crate) mod driver;
pub(crate) mod endpoint;
mod io;
mod mailbox;
pub(crate) mod request;
pub(crate) mod socket;
pub(crate) mod state;
pub(crate) mod ticket;
#[cfg(unix)]
pub(crate) mod unix;
mod watchdog;

use std::sync::Arc;

use tokio::sync::oneshot;
use virt_transport::{RegisterError, Transport};

use self::driver::Settings;
use self::endpoint::Endpoint;
use self::socket::Socket;
use self::state::State;
use crate::Closed;

/// A handle of a connection. The connection is closed when it is dropped.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) state: Arc<State>,
}

impl Connection {
    /// Starts the task of a connection.
    pub(crate) fn spawn(
        socket: impl Socket + 'static,
        transport: Transport,
        state: Arc<State>,
        settings: Settings,
    ) -> Result<Self, RegisterError> {
        driver::spawn(Box::new(socket), transport, Arc::clone(&state), settings)?;
        Ok(Self { state })
    }

    /// Has the task run an action.
    pub(crate) fn command(
        &self,
        action: impl FnOnce(&mut Endpoint) + Send + 'static,
    ) -> impl Future<Output = Result<(), Closed>> {
        // Boxed here, because a future that took the action would move it twice more.
        let sent = self.state.send(Box::new(action));
        async {
            if sent.await {
                Ok(())
            } else {
                Err(self.state.closed().await)
            }
        }
    }

    /// Has the task run an action, and waits for its result.
    pub(crate) async fn with_endpoint<R: Send + 'static>(
        &self,
        action: impl FnOnce(&mut Endpoint) -> R + Send + 'static,
    ) -> Result<R, Closed> {
        let (sender, result) = oneshot::channel();
        self.command(move |endpoint| {
            // The handle may have stopped waiting.
            let _ = sender.send(action(endpoint));
        })
        .await?;
        self.or_closed(result).await
    }

    /// Waits for an answer of the task, or for the reason why there is none.
    pub(crate) async fn or_closed<R>(&self, answer: oneshot::Receiver<R>) -> Result<R, Closed> {
        match answer.await {
            Ok(answer) => Ok(answer),
            Err(_) => Err(self.state.closed().await),
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.state.close();
    }
}
