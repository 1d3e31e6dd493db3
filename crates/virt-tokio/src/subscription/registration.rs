//! The registrations of one connection with its daemon: a task for each, from the first reader to the last.

use std::sync::{Arc, Weak};

use bytes::Bytes;
use tokio::sync::{Notify, watch};
use tokio::time::timeout;
use virt_transport::{EventProcedure, SendError};
use virt_xdr::{from_slice_lenient, to_vec};

use super::registry::{Registration, Registry};
use super::{Queue, Subscription};
use crate::{CallError, Client, Closed, Event};

/// The registrations of a connection. Most have none, and allocate nothing.
#[derive(Debug, Default)]
pub(crate) struct Registrations(Option<Box<Readers>>);

type Readers = Registry<Weak<Queue>, Arc<Link>>;

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
        let (limit, byte_limit) = events.limits();
        let queue = Queue::new(limit, byte_limit, true);
        let link = self.attach(&Arc::new(registration), &queue);
        match self.call_timeout {
            None => link.registered().await?,
            Some(after) => timeout(after, link.registered())
                .await
                .map_err(|_| CallError::Timeout { after, sent: true })??,
        }
        Ok(Subscription::new(queue))
    }

    /// Adds a reader to a registration, which is begun if there is none.
    pub(crate) fn attach(&self, registration: &Arc<Registration>, queue: &Arc<Queue>) -> Arc<Link> {
        let state = &self.shared.connection.state;
        let events = &state.events;
        let (limit, byte_limit) = events.limits();
        let new = || Registry::new(limit, byte_limit);
        let (link, is_new) = events
            .with_registrations(|registrations| registrations.attach(registration, queue, new));
        // The end may have come before; if it comes after, it finds the reader.
        if let Some(closed) = state.reason() {
            end(queue, &closed);
        }
        if is_new {
            let (client, registration) = (self.with_timeout(None), Arc::clone(registration));
            let link = Arc::clone(&link);
            tokio::spawn(async move { client.keep_registered(&registration, &link).await });
        }
        link
    }

    /// Registers for an event as long as there are readers.
    async fn keep_registered(&self, registration: &Arc<Registration>, link: &Link) {
        let events = &self.shared.connection.state.events;
        loop {
            let id = match self.register(registration).await {
                Ok(id) => id,
                Err(error) => {
                    return events.with_registrations(|registrations| {
                        registrations.refused(registration, link, error);
                    });
                }
            };
            events.with_registrations(|registrations| {
                registrations.registered(registration, link, id);
            });
            let id = loop {
                // A reader that has gone by now has left a notification.
                tokio::select! {
                    _ = self.closed() => return,
                    () = link.idle.notified() => {}
                }
                let left = events
                    .with_registrations(|registrations| registrations.leave(registration, link));
                if let Some(id) = left {
                    break id;
                }
            };
            // Whatever the daemon says, there are no readers.
            let _ = self.deregister(registration, id).await;
            if !events.with_registrations(|registrations| registrations.left(registration)) {
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
    /// Hands an event to the readers of its registration.
    pub(crate) fn route(&mut self, event: &Event) {
        if let Some(registry) = &mut self.0 {
            registry.route(event);
        }
    }

    /// Ends the registrations with their connection.
    pub(crate) fn close(&mut self, closed: &Closed) {
        let queues = self.with(Registry::clear).unwrap_or_default();
        for queue in queues.iter().filter_map(Weak::upgrade) {
            end(&queue, closed);
        }
    }

    fn attach(
        &mut self,
        registration: &Arc<Registration>,
        queue: &Arc<Queue>,
        new: impl FnOnce() -> Readers,
    ) -> (Arc<Link>, bool) {
        let registry = self.0.get_or_insert_with(|| Box::new(new()));
        let link = || {
            Arc::new(Link {
                progress: watch::Sender::new(Progress::Pending),
                idle: Arc::default(),
            })
        };
        let attached = registry.attach(registration, Arc::downgrade(queue), link);
        queue.set_idle(Arc::clone(&attached.0.idle));
        attached
    }

    fn registered(&mut self, registration: &Arc<Registration>, link: &Link, id: Option<i32>) {
        self.with(|registry| registry.registered(registration, id));
        link.progress.send_replace(Progress::Registered);
    }

    fn refused(&mut self, registration: &Arc<Registration>, link: &Link, error: CallError) {
        self.with(|registry| registry.refused(registration));
        link.progress.send_replace(Progress::Failed(error));
    }

    fn leave(&mut self, registration: &Arc<Registration>, link: &Link) -> Option<Option<i32>> {
        let id = self.with(|registry| registry.leave(registration))??;
        // A reader that comes from now on waits for the next registration.
        link.progress.send_replace(Progress::Pending);
        Some(id)
    }

    fn left(&mut self, registration: &Arc<Registration>) -> bool {
        self.with(|registry| registry.left(registration))
            .unwrap_or(false)
    }

    /// Runs an action on the registry, if there is one.
    fn with<R>(&mut self, action: impl FnOnce(&mut Readers) -> R) -> Option<R> {
        self.0.as_deref_mut().map(action)
    }
}

fn end(queue: &Arc<Queue>, closed: &Closed) {
    if queue.ends_with_connection() {
        queue.end(closed.clone().into());
    }
}
