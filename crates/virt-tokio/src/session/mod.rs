//! A session: one connection after the other to the same daemon, with the same events.

mod backoff;
mod entries;
mod error;
mod options;
mod state;
mod task;

use std::sync::{Arc, Mutex};

use tokio::sync::{Notify, watch};
use virt_transport::{EventProcedure, SendError};

pub use self::error::SessionError;
pub use self::options::SessionOptions;
pub use self::state::SessionState;

use self::entries::Entries;
use self::task::Dial;
use crate::subscription::{Queue, Registration};
use crate::{CallError, Client, ConnectError, Subscription, SubscriptionError, connect};

/// A connection that comes back.
///
/// A session connects, and connects again whenever the connection ends, until it is closed or an error
/// [is permanent](ConnectError::is_permanent). Between attempts it waits, at random and ever longer: see
/// [`SessionOptions`].
///
/// A call in flight is never repeated: it fails with the connection, and [`CallError::is_sent`] tells whether the daemon may
/// have done it. Ask [`client`](Self::client) for the connection before each piece of work, and do not close it: that looks like any
/// other end.
///
/// It is a handle, cheap to clone. The session is closed when the last one is dropped.
///
/// # State that is lost with a connection
///
/// Calls, streams and domains that are to be destroyed with their connection do not survive. Events of
/// [`subscribe`](Self::subscribe) are registered again, and those between are lost: [`Notice::Resumed`] tells their
/// readers.
///
/// [`Notice::Resumed`]: crate::Notice::Resumed
///
/// # Examples
///
/// ```no_run
/// use virt_remote::{ConnectGetHostname, DomainEventCallbackLifecycle};
/// use virt_tokio::{Notice, Session, SessionOptions};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let session = Session::new("qemu:///system", SessionOptions::default());
/// let host = session.client().await?.call::<ConnectGetHostname>(&()).await?;
/// let mut events = session.subscribe::<DomainEventCallbackLifecycle>(&None).await?;
/// loop {
///     match events.recv().await? {
///         Notice::Event(event) => println!("{}: {:?}", event.msg.dom.name, event.msg.event),
///         Notice::Lost(_) | Notice::Resumed => println!("{}: list again", host.hostname),
///     }
/// }
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Session(Arc<Handle>);

/// The handles of a session, which closes when they have gone.
#[derive(Debug)]
struct Handle(Arc<Shared>);

/// The state that the task of a session shares with its handles.
#[derive(Debug)]
struct Shared {
    state: watch::Sender<SessionState>,
    entries: Entries,
    /// Notified when there is a new subscription.
    subscribed: Notify,
    closing: watch::Sender<bool>,
    /// The last connection, open or not.
    connection: Mutex<Option<Client>>,
    options: SessionOptions,
}

impl Session {
    /// Makes a session with the daemon of a URI, as [`connect`](crate::connect()) takes it. The first attempt begins at
    /// once.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    #[must_use]
    pub fn new(uri: impl Into<String>, options: SessionOptions) -> Self {
        let (uri, connection) = (uri.into(), options.connection.clone());
        Self::with_dial(options, move || {
            let (uri, connection) = (uri.clone(), connection.clone());
            async move { connect(&uri, connection).await }
        })
    }

    /// Makes a session whose connections are made by a function. They have to be open, as after
    /// [`Client::open`](crate::Client::open).
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    #[must_use]
    pub fn with_dial<F>(
        options: SessionOptions,
        mut dial: impl FnMut() -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = Result<Client, ConnectError>> + Send + 'static,
    {
        let dial: Dial = Box::new(move || Box::pin(dial()));
        let shared = Arc::new(Shared {
            state: watch::Sender::new(SessionState::Connecting { attempt: 1 }),
            entries: Entries::new(),
            subscribed: Notify::new(),
            closing: watch::Sender::new(false),
            connection: Mutex::new(None),
            options,
        });
        tokio::spawn(task::run(Arc::clone(&shared), dial));
        Self(Arc::new(Handle(shared)))
    }

    /// Returns the connection of the moment, or waits for the next one.
    ///
    /// It may end at any time, and then its calls fail. Cancel-safe.
    ///
    /// # Errors
    ///
    /// The session has ended.
    pub async fn client(&self) -> Result<Client, SessionError> {
        let mut state = self.state();
        loop {
            match &*state.borrow_and_update() {
                // One that has ended is replaced soon.
                SessionState::Open(client) if !client.is_closed() => return Ok(client.clone()),
                SessionState::Ended(reason) => return Err(reason.clone()),
                _ => {}
            }
            if state.changed().await.is_err() {
                return Err(SessionError::Closed);
            }
        }
    }

    /// Returns the state, to be read or watched.
    ///
    /// A clone of [`SessionState::Open`] keeps the connection open, even when the session is closed.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<SessionState> {
        self.0.0.state.subscribe()
    }

    /// Registers for an event on this connection and all further ones, and returns its readers' end. Waits for a
    /// connection, and for the daemon's reply.
    ///
    /// Registrations are shared, as those of [`Client::subscribe`](crate::Client::subscribe). After a reconnect all of them
    /// are made again before any reader gets [`Notice::Resumed`](crate::Notice::Resumed), and before
    /// [`client`](Self::client) returns.
    ///
    /// Cancel-safe: if the future is dropped, there is no subscription.
    ///
    /// # Errors
    ///
    /// [`SubscriptionError::Refused`], [`SubscriptionError::Ended`].
    pub async fn subscribe<E: EventProcedure>(
        &self,
        filter: &E::Filter,
    ) -> Result<Subscription<E>, SubscriptionError> {
        let shared = &self.0.0;
        let refused = |error: CallError| SubscriptionError::Refused(error);
        let registration = Registration::of::<E>(filter)
            .map_err(|error| refused(SendError::from(error).into()))?;
        let limits = shared.options.connection.limits.clamped();
        let queue = Queue::new(limits.events, limits.event_bytes, false);
        let outcome = shared.entries.add(registration, &queue)?;
        shared.subscribed.notify_one();
        match outcome.await {
            Ok(result) => result.map_err(refused)?,
            // The entries are dropped at the end.
            Err(_) => return Err(self.ended().await.into()),
        }
        Ok(Subscription::new(queue))
    }

    /// Ends the session, and closes its connection as [`Client::close`](crate::Client::close) does. Waits until that is
    /// done. If the session had already ended, returns the reason.
    ///
    /// Cancel-safe: if the future is dropped, the session ends all the same.
    pub async fn close(&self) -> SessionError {
        self.0.close();
        self.ended().await
    }

    async fn ended(&self) -> SessionError {
        let mut state = self.state();
        loop {
            if let SessionState::Ended(reason) = &*state.borrow_and_update() {
                return reason.clone();
            }
            if state.changed().await.is_err() {
                return SessionError::Closed;
            }
        }
    }
}

impl Handle {
    fn close(&self) {
        self.0.closing.send_replace(true);
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.close();
    }
}
