//! The subscriptions of a session, over all of its connections.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::subscription::{Link, Queue, Registration};
use crate::{CallError, Client, SessionError};

/// The subscriptions of a session; none can be added to one that has ended.
#[derive(Debug)]
pub(super) struct Entries(Mutex<List>);

#[derive(Debug)]
enum List {
    Open(Vec<Arc<Entry>>),
    Ended(SessionError),
}

/// A subscription.
#[derive(Debug)]
struct Entry {
    registration: Arc<Registration>,
    queue: Weak<Queue>,
    progress: Mutex<Progress>,
}

#[derive(Debug)]
struct Progress {
    /// The number of the connection that it is attached to; 0 for none yet.
    connection: u64,
    /// The subscriber, until the first registration is settled.
    subscriber: Option<oneshot::Sender<Result<(), CallError>>>,
}

impl Entries {
    pub(super) fn new() -> Self {
        Self(Mutex::new(List::Open(Vec::new())))
    }

    /// Adds a subscription, and returns the outcome of its first registration.
    pub(super) fn add(
        &self,
        registration: Registration,
        queue: &Arc<Queue>,
    ) -> Result<oneshot::Receiver<Result<(), CallError>>, SessionError> {
        match &mut *lock(&self.0) {
            List::Ended(reason) => Err(reason.clone()),
            List::Open(entries) => {
                let (subscriber, outcome) = oneshot::channel();
                entries.retain(|entry| entry.queue.strong_count() > 0);
                entries.push(Arc::new(Entry {
                    registration: Arc::new(registration),
                    queue: Arc::downgrade(queue),
                    progress: Mutex::new(Progress {
                        connection: 0,
                        subscriber: Some(subscriber),
                    }),
                }));
                Ok(outcome)
            }
        }
    }

    /// Registers the subscriptions that are not attached to this connection yet. The tasks end when the daemon has replied.
    pub(super) fn attach(&self, client: &Client, connection: u64, tasks: &mut JoinSet<()>) {
        for entry in self.alive() {
            let Some(queue) = entry.queue.upgrade() else {
                continue;
            };
            let mut progress = lock(&entry.progress);
            if progress.connection == connection {
                continue;
            }
            if progress.connection != 0 && progress.subscriber.is_none() {
                queue.resume();
            }
            progress.connection = connection;
            drop(progress);
            let link = client.attach(&entry.registration, &queue);
            tasks.spawn(async move { entry.settle(&link).await });
        }
    }

    /// Lets all readers hear that their events are registered again.
    pub(super) fn release(&self) {
        for queue in self
            .alive()
            .iter()
            .filter_map(|entry| entry.queue.upgrade())
        {
            queue.release();
        }
    }

    /// Ends all subscriptions. Those that wait for their first registration are woken.
    pub(super) fn end(&self, reason: &SessionError) {
        let before = std::mem::replace(&mut *lock(&self.0), List::Ended(reason.clone()));
        if let List::Open(entries) = before {
            for queue in entries.iter().filter_map(|entry| entry.queue.upgrade()) {
                queue.end(reason.clone().into());
            }
        }
    }

    fn alive(&self) -> Vec<Arc<Entry>> {
        match &mut *lock(&self.0) {
            List::Open(entries) => {
                entries.retain(|entry| entry.queue.strong_count() > 0);
                entries.clone()
            }
            List::Ended(_) => Vec::new(),
        }
    }
}

impl Entry {
    /// Passes the daemon's reply on.
    async fn settle(&self, link: &Link) {
        let result = link.registered().await;
        if let Err(CallError::Closed(_)) = result {
            // The next connection begins again.
            return;
        }
        let subscriber = lock(&self.progress).subscriber.take();
        match (subscriber, result) {
            (Some(subscriber), result) => {
                // It may have stopped waiting.
                let _ = subscriber.send(result);
            }
            (None, Ok(())) => {}
            (None, Err(error)) => {
                if let Some(queue) = self.queue.upgrade() {
                    queue.end(crate::SubscriptionError::Refused(error));
                }
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // No operation panics between two changes under a lock.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
