//! The task of a registration: it registers for the first reader, and deregisters after the last.

use std::sync::Arc;

use bytes::Bytes;
use tokio::time::timeout;
use virt_transport::{EventProcedure, SendError};
use virt_xdr::{from_slice_lenient, to_vec};

use super::registrations::{Link, end};
use super::registry::{Registration, Registry};
use super::{Queue, Subscription};
use crate::{CallError, Client};

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
                // Readers that came meanwhile are forgotten only with the connection.
                if let Some(closed) = self.closed_reason() {
                    link.fail(closed.into());
                }
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
