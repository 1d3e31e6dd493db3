//! The registrations of one connection with its daemon: a task for each, from the first reader to the last.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use bytes::Bytes;
use tokio::sync::{Notify, watch};
use tokio::time::timeout;
use virt_transport::{EventProcedure, SendError};
use virt_xdr::{from_slice_lenient, to_vec};

use super::registry::{Registration, Registry};
use super::{Queue, Subscription};
use crate::{CallError, Client, Closed, Event};

/// The registrations of a connection.
#[derive(Debug)]
pub(crate) struct Registrations(Mutex<Shared>);

#[derive(Debug)]
struct Shared {
    registry: Registry<Weak<Queue>, Arc<Link>>,
    closed: Option<Closed>,
}

/// The link between the task of a registration and its readers.
#[derive(Debug)]
pub(crate) struct Link {
    progress: watch::Sender<Progress>,
    /// Notified when a reader has gone.
    idle: Arc<Notify>,
}

#[derive(Debug)]
enum Progress {
    Pending,
    Registered,
    Failed(CallError),
}

impl Client {
    /// Registers for an event, and returns its readers' end. `filter` is the object whose events are wanted.
    ///
    /// The registration is shared with all subscriptions of this connection that have the same event and filter. It ends
    /// when the last of them is dropped. No event is missed from the daemon's registration on, and their order is kept.
    ///
    /// Cancel-safe: if the future is dropped, there is no registration in the end.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use virt_remote::DomainEventCallbackLifecycle;
    /// use virt_tokio::{Notice, Options, connect};
    ///
    /// let client = connect("test:///default", Options::default()).await?;
    /// let mut events = client.subscribe::<DomainEventCallbackLifecycle>(&None).await?;
    /// # client.close().await;
    /// while let Ok(notice) = events.recv().await {
    ///     if let Notice::Event(event) = notice {
    ///         println!("{}: {:?}", event.msg.dom.name, event.msg.event);
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// See [`CallError`]: the daemon refused the registration, or has not replied within the call timeout.
    pub async fn subscribe<E: EventProcedure>(
        &self,
        filter: &E::Filter,
    ) -> Result<Subscription<E>, CallError> {
        let registration = Registration::of::<E>(filter).map_err(SendError::from)?;
        let events = &self.shared.connection.state.events;
        let queue = Queue::new(events.limit, events.byte_limit, true);
        let link = self.attach(&Arc::new(registration), &queue);
        match self.call_timeout() {
            None => link.registered().await?,
            Some(after) => timeout(after, link.registered())
                .await
                .map_err(|_| CallError::Timeout { after, sent: true })??,
        }
        Ok(Subscription::new(queue))
    }

    /// Adds a reader to a registration, which is begun if there is none.
    pub(crate) fn attach(&self, registration: &Arc<Registration>, queue: &Arc<Queue>) -> Arc<Link> {
        let registrations = &self.shared.connection.state.events.registrations;
        let (link, is_new) = registrations.attach(registration, queue);
        if is_new {
            let (client, registration) = (self.with_timeout(None), Arc::clone(registration));
            let link = Arc::clone(&link);
            tokio::spawn(async move { client.keep_registered(&registration, &link).await });
        }
        link
    }

    /// Registers for an event as long as there are readers.
    async fn keep_registered(&self, registration: &Arc<Registration>, link: &Link) {
        let registrations = &self.shared.connection.state.events.registrations;
        loop {
            let id = match self.register(registration).await {
                Ok(id) => id,
                Err(error) => return registrations.refused(registration, link, error),
            };
            registrations.registered(registration, link, id);
            let id = loop {
                // A reader that has gone by now has left a notification.
                tokio::select! {
                    _ = self.closed() => return,
                    () = link.idle.notified() => {}
                }
                if let Some(id) = registrations.leave(registration, link) {
                    break id;
                }
            };
            // Whatever the daemon says, there are no readers.
            let _ = self.deregister(registration, id).await;
            if !registrations.left(registration) {
                return;
            }
        }
    }

    async fn register(&self, registration: &Registration) -> Result<Option<i32>, CallError> {
        let Registration {
            program,
            register,
            is_numbered,
            ref args,
            ..
        } = *registration;
        let ret: Bytes = self.call_raw(program, register, args.clone()).await?;
        if is_numbered {
            Ok(Some(from_slice_lenient(&ret)?))
        } else {
            Ok(None)
        }
    }

    async fn deregister(
        &self,
        registration: &Registration,
        id: Option<i32>,
    ) -> Result<(), CallError> {
        let args = match id {
            Some(id) => to_vec(&id).map_err(SendError::from)?,
            None => Vec::new(),
        };
        let (program, deregister) = (registration.program, registration.deregister);
        self.call_raw(program, deregister, args).await.map(drop)
    }
}

impl Link {
    /// Waits until the daemon has confirmed the registration.
    pub(crate) async fn registered(&self) -> Result<(), CallError> {
        let mut progress = self.progress.subscribe();
        let settled = progress
            .wait_for(|progress| !matches!(progress, Progress::Pending))
            .await;
        match settled.as_deref() {
            Ok(Progress::Failed(error)) => Err(error.clone()),
            // The sender is this link's.
            Ok(_) | Err(_) => Ok(()),
        }
    }
}

impl Registrations {
    pub(crate) fn new(limit: usize, byte_limit: usize) -> Self {
        Self(Mutex::new(Shared {
            registry: Registry::new(limit, byte_limit),
            closed: None,
        }))
    }

    /// Hands an event to the readers of its registration.
    pub(crate) fn route(&self, event: &Event) {
        self.lock().registry.route(event);
    }

    /// Ends the registrations with their connection.
    pub(crate) fn close(&self, closed: &Closed) {
        let mut shared = self.lock();
        shared.closed = Some(closed.clone());
        let queues = shared.registry.clear();
        drop(shared);
        for queue in queues.iter().filter_map(Weak::upgrade) {
            end(&queue, closed);
        }
    }

    fn attach(&self, registration: &Arc<Registration>, queue: &Arc<Queue>) -> (Arc<Link>, bool) {
        let mut shared = self.lock();
        let link = || {
            Arc::new(Link {
                progress: watch::Sender::new(Progress::Pending),
                idle: Arc::default(),
            })
        };
        let attached = shared
            .registry
            .attach(registration, Arc::downgrade(queue), link);
        queue.set_idle(Arc::clone(&attached.0.idle));
        if let Some(closed) = &shared.closed {
            end(queue, closed);
        }
        attached
    }

    fn registered(&self, registration: &Arc<Registration>, link: &Link, id: Option<i32>) {
        self.lock().registry.registered(registration, id);
        link.progress.send_replace(Progress::Registered);
    }

    fn refused(&self, registration: &Arc<Registration>, link: &Link, error: CallError) {
        self.lock().registry.refused(registration);
        link.progress.send_replace(Progress::Failed(error));
    }

    fn leave(&self, registration: &Arc<Registration>, link: &Link) -> Option<Option<i32>> {
        let mut shared = self.lock();
        let id = shared.registry.leave(registration)?;
        // Under the lock: a reader that comes from now on waits for the next registration.
        link.progress.send_replace(Progress::Pending);
        Some(id)
    }

    fn left(&self, registration: &Arc<Registration>) -> bool {
        self.lock().registry.left(registration)
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        // No operation panics between two changes under the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn end(queue: &Arc<Queue>, closed: &Closed) {
    if queue.ends_with_connection() {
        queue.end(closed.clone().into());
    }
}
