//! The registrations of one connection with its daemon, each with its progress.

use std::sync::{Arc, Weak};

use tokio::sync::{Notify, watch};

use super::Queue;
use super::registry::{Registration, Registry};
use crate::{CallError, Closed, Event};

/// The registrations of a connection. Most have none, and allocate nothing.
#[derive(Debug, Default)]
pub(crate) struct Registrations(Option<Box<Readers>>);

pub(super) type Readers = Registry<Weak<Queue>, Arc<Link>>;

/// The link between the task of a registration and its readers.
#[derive(Debug)]
pub(crate) struct Link {
    progress: watch::Sender<Progress>,
    /// Notified when a reader has gone.
    pub(super) idle: Arc<Notify>,
}

#[derive(Debug)]
enum Progress {
    Pending,
    Registered,
    Failed(CallError),
}

impl Link {
    /// Tells those that wait that the registration has failed.
    pub(super) fn fail(&self, error: CallError) {
        self.progress.send_replace(Progress::Failed(error));
    }

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

    pub(super) fn attach(
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

    pub(super) fn registered(
        &mut self,
        registration: &Arc<Registration>,
        link: &Link,
        id: Option<i32>,
    ) {
        self.with(|registry| registry.registered(registration, id));
        link.progress.send_replace(Progress::Registered);
    }

    pub(super) fn refused(
        &mut self,
        registration: &Arc<Registration>,
        link: &Link,
        error: CallError,
    ) {
        self.with(|registry| registry.refused(registration));
        link.progress.send_replace(Progress::Failed(error));
    }

    pub(super) fn leave(
        &mut self,
        registration: &Arc<Registration>,
        link: &Link,
    ) -> Option<Option<i32>> {
        let id = self.with(|registry| registry.leave(registration))??;
        // A reader that comes from now on waits for the next registration.
        link.progress.send_replace(Progress::Pending);
        Some(id)
    }

    pub(super) fn left(&mut self, registration: &Arc<Registration>) -> bool {
        self.with(|registry| registry.left(registration))
            .unwrap_or(false)
    }

    /// Runs an action on the registry, if there is one.
    fn with<R>(&mut self, action: impl FnOnce(&mut Readers) -> R) -> Option<R> {
        self.0.as_deref_mut().map(action)
    }
}

pub(super) fn end(queue: &Arc<Queue>, closed: &Closed) {
    if queue.ends_with_connection() {
        queue.end(closed.clone().into());
    }
}
