//! The registrations of one connection, without I/O: readers, callback ids, and the events for each.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use virt_transport::{EventProcedure, ProgramId};
use virt_xdr::EncodeError;

use super::queue::{Sink, weight};
use crate::Event;

/// A pair of event and filter, as the call that registers it. Equal ones share a registration.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Registration {
    pub(crate) program: ProgramId,
    /// The procedure of the event.
    pub(crate) message: i32,
    pub(crate) register: i32,
    pub(crate) deregister: i32,
    pub(crate) is_numbered: bool,
    /// The encoded arguments of `register`.
    pub(crate) args: Vec<u8>,
}

/// The registrations of a connection. `L` is the owner's data of each.
#[derive(Debug)]
pub(crate) struct Registry<S, L> {
    entries: BTreeMap<Arc<Registration>, Entry<S, L>>,
    /// The registrations that the daemon has confirmed, by their messages.
    active: BTreeMap<(ProgramId, i32, Option<i32>), Arc<Registration>>,
    /// Events with ids that may be those of registrations without a reply yet, in order.
    unclaimed: VecDeque<(i32, Event)>,
    /// The weight of `unclaimed`.
    unclaimed_bytes: usize,
    /// The number of events that `unclaimed` had no room for.
    unclaimed_lost: u64,
    limit: usize,
    byte_limit: usize,
}

#[derive(Debug)]
struct Entry<S, L> {
    phase: Phase,
    sinks: Vec<S>,
    link: L,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Registering,
    /// Registered, with the callback id if there are such.
    Active(Option<i32>),
    Deregistering,
}

impl Registration {
    pub(crate) fn of<E: EventProcedure>(filter: &E::Filter) -> Result<Self, EncodeError> {
        Ok(Self {
            program: E::PROGRAM,
            message: E::NUMBER,
            register: E::REGISTER,
            deregister: E::DEREGISTER,
            is_numbered: E::IS_NUMBERED,
            args: E::register_args(filter)?,
        })
    }
}

impl<S: Sink, L: Clone> Registry<S, L> {
    /// Makes a registry that keeps so many events for registrations without a reply.
    pub(crate) fn new(limit: usize, byte_limit: usize) -> Self {
        Self {
            entries: BTreeMap::new(),
            active: BTreeMap::new(),
            unclaimed: VecDeque::new(),
            unclaimed_bytes: 0,
            unclaimed_lost: 0,
            limit,
            byte_limit,
        }
    }

    /// Adds a reader. Returns the data of the registration, and `true` if it is a new one, which the caller has to register
    /// with the daemon.
    pub(crate) fn attach(
        &mut self,
        registration: &Arc<Registration>,
        sink: S,
        link: impl FnOnce() -> L,
    ) -> (L, bool) {
        let mut is_new = false;
        let entry = self
            .entries
            .entry(Arc::clone(registration))
            .or_insert_with(|| {
                is_new = true;
                Entry {
                    phase: Phase::Registering,
                    sinks: Vec::new(),
                    link: link(),
                }
            });
        entry.sinks.retain(|sink| !sink.is_gone());
        entry.sinks.push(sink);
        (entry.link.clone(), is_new)
    }

    /// Notes the daemon's reply, and hands out the events that came before it.
    pub(crate) fn registered(&mut self, registration: &Arc<Registration>, id: Option<i32>) {
        let Some(entry) = self.entries.get_mut(registration) else {
            return;
        };
        entry.phase = Phase::Active(id);
        let Registration {
            program, message, ..
        } = **registration;
        self.active
            .insert((program, message, id), Arc::clone(registration));
        if self.unclaimed_lost > 0 {
            // Whose they were is not known any more.
            for sink in &entry.sinks {
                sink.lose(self.unclaimed_lost);
            }
        }
        for (_, event) in self.unclaimed.iter().filter(|(number, event)| {
            Some(*number) == id && (event.program, event.procedure) == (program, message)
        }) {
            for sink in &entry.sinks {
                sink.push(&event.payload);
            }
        }
        self.forget_unclaimed(|number, event| {
            Some(number) == id && (event.program, event.procedure) == (program, message)
        });
    }

    /// Forgets a registration that the daemon has refused.
    pub(crate) fn refused(&mut self, registration: &Arc<Registration>) {
        self.entries.remove(registration);
        self.forget_unclaimed(|_, _| false);
    }

    /// Returns the id to deregister if all readers have gone: further events are dropped. `None` if there are readers.
    pub(crate) fn leave(&mut self, registration: &Arc<Registration>) -> Option<Option<i32>> {
        let entry = self.entries.get_mut(registration)?;
        let Phase::Active(id) = entry.phase else {
            return None;
        };
        entry.sinks.retain(|sink| !sink.is_gone());
        if !entry.sinks.is_empty() {
            return None;
        }
        entry.phase = Phase::Deregistering;
        self.active
            .remove(&(registration.program, registration.message, id));
        Some(id)
    }

    /// Notes that the daemon has ended a registration. Returns `true` if there are readers again, for whom the caller has
    /// to register.
    pub(crate) fn left(&mut self, registration: &Arc<Registration>) -> bool {
        let Some(entry) = self.entries.get_mut(registration) else {
            return false;
        };
        entry.sinks.retain(|sink| !sink.is_gone());
        if entry.sinks.is_empty() {
            self.entries.remove(registration);
            return false;
        }
        entry.phase = Phase::Registering;
        true
    }

    /// Hands an event to the readers of its registration.
    pub(crate) fn route(&mut self, event: &Event) {
        if self.entries.is_empty() {
            return;
        }
        let (program, message) = (event.program, event.procedure);
        let id = event.payload.first_chunk().copied().map(i32::from_be_bytes);
        for key in [id, None] {
            let Some(registration) = self.active.get(&(program, message, key)) else {
                continue;
            };
            if let Some(entry) = self.entries.get(registration) {
                entry
                    .sinks
                    .iter()
                    .for_each(|sink| sink.push(&event.payload));
            }
            return;
        }
        // Not one of a confirmed registration.
        for (registration, entry) in &self.entries {
            if entry.phase != Phase::Registering
                || (registration.program, registration.message) != (program, message)
            {
                continue;
            }
            if !registration.is_numbered {
                entry
                    .sinks
                    .iter()
                    .for_each(|sink| sink.push(&event.payload));
            } else if let Some(id) = id {
                self.unclaimed_bytes += weight(&event.payload);
                self.unclaimed.push_back((id, event.clone()));
                while (self.unclaimed.len() > self.limit || self.unclaimed_bytes > self.byte_limit)
                    && self.unclaimed.len() > 1
                    && let Some((_, event)) = self.unclaimed.pop_front()
                {
                    self.unclaimed_bytes -= weight(&event.payload);
                    self.unclaimed_lost += 1;
                }
            }
            return;
        }
    }

    /// Forgets all registrations, and returns their readers.
    pub(crate) fn clear(&mut self) -> Vec<S> {
        self.active.clear();
        self.unclaimed.clear();
        self.unclaimed_bytes = 0;
        let entries = std::mem::take(&mut self.entries);
        entries
            .into_values()
            .flat_map(|entry| entry.sinks)
            .collect()
    }

    /// Forgets the events that are claimed, and those that nobody can claim any more.
    fn forget_unclaimed(&mut self, is_claimed: impl Fn(i32, &Event) -> bool) {
        let entries = &self.entries;
        let is_awaited = |event: &Event| {
            entries.iter().any(|(registration, entry)| {
                entry.phase == Phase::Registering
                    && (registration.program, registration.message)
                        == (event.program, event.procedure)
            })
        };
        self.unclaimed
            .retain(|(id, event)| !is_claimed(*id, event) && is_awaited(event));
        self.unclaimed_bytes = self
            .unclaimed
            .iter()
            .map(|(_, event)| weight(&event.payload))
            .sum();
        if self.unclaimed.is_empty() {
            self.unclaimed_lost = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::rc::Rc;

    use bytes::Bytes;

    use super::*;

    const PROGRAM: ProgramId = ProgramId::new(7, 1);

    #[derive(Debug, Default, Clone)]
    struct Reader(Rc<State>);

    #[derive(Debug, Default)]
    struct State {
        numbers: RefCell<Vec<u8>>,
        is_gone: Cell<bool>,
        lost: Cell<u64>,
    }

    impl Sink for Reader {
        fn is_gone(&self) -> bool {
            self.0.is_gone.get()
        }

        fn push(&self, payload: &Bytes) {
            self.0.numbers.borrow_mut().push(payload[7]);
        }

        fn lose(&self, count: u64) {
            self.0.lost.set(self.0.lost.get() + count);
        }
    }

    impl Reader {
        fn heard(&self) -> Vec<u8> {
            self.0.numbers.take()
        }
    }

    fn about(object: u8, is_numbered: bool) -> Arc<Registration> {
        Arc::new(Registration {
            program: PROGRAM,
            message: 5,
            register: 3,
            deregister: 4,
            is_numbered,
            args: vec![object],
        })
    }

    fn event(id: u8, number: u8) -> Event {
        Event {
            program: PROGRAM,
            procedure: 5,
            payload: vec![0, 0, 0, id, 0, 0, 0, number].into(),
        }
    }

    #[test]
    fn events_before_the_reply_are_handed_out_with_it_in_order() {
        let mut registry = Registry::new(10, usize::MAX);
        let (one, two) = (about(1, true), about(2, true));
        let (a, b, c) = (Reader::default(), Reader::default(), Reader::default());
        assert!(registry.attach(&one, a.clone(), || ()).1);
        assert!(registry.attach(&two, b.clone(), || ()).1);
        assert!(!registry.attach(&two, c.clone(), || ()).1);
        for (id, number) in [(9, 1), (8, 2), (9, 3), (7, 4)] {
            registry.route(&event(id, number));
        }
        registry.registered(&one, Some(9));
        registry.route(&event(9, 5));
        registry.route(&event(8, 6));
        assert_eq!(a.heard(), [1, 3, 5]);
        registry.registered(&two, Some(8));
        registry.route(&event(8, 7));
        assert_eq!(b.heard(), [2, 6, 7]);
        assert_eq!(c.heard(), [2, 6, 7]);
        // The ids of nobody are not kept.
        assert!(registry.unclaimed.is_empty());
        registry.route(&event(7, 8));
        assert!(registry.unclaimed.is_empty());
    }

    #[test]
    fn a_registration_ends_with_its_last_reader_and_begins_again_after_that() {
        let mut registry = Registry::new(10, usize::MAX);
        let one = about(1, true);
        let (a, b, c) = (Reader::default(), Reader::default(), Reader::default());
        registry.attach(&one, a.clone(), || ());
        registry.attach(&one, b.clone(), || ());
        registry.registered(&one, Some(3));
        a.0.is_gone.set(true);
        assert_eq!(registry.leave(&one), None);
        b.0.is_gone.set(true);
        assert_eq!(registry.leave(&one), Some(Some(3)));
        // Late, and of the old id.
        registry.route(&event(3, 1));
        assert!(!registry.attach(&one, c.clone(), || ()).1);
        registry.route(&event(3, 2));
        assert!(registry.left(&one));
        registry.route(&event(3, 3));
        registry.registered(&one, Some(4));
        registry.route(&event(4, 4));
        assert_eq!(c.heard(), [4]);
        c.0.is_gone.set(true);
        assert_eq!(registry.leave(&one), Some(Some(4)));
        assert!(!registry.left(&one));
        assert!(registry.entries.is_empty());
    }

    #[test]
    fn what_is_kept_for_a_reply_is_bounded_and_counted() {
        let mut registry = Registry::new(2, usize::MAX);
        let one = about(1, true);
        let a = Reader::default();
        registry.attach(&one, a.clone(), || ());
        for number in 1..=5 {
            registry.route(&event(9, number));
        }
        registry.registered(&one, Some(9));
        assert_eq!(a.heard(), [4, 5]);
        assert_eq!(a.0.lost.get(), 3);
        assert_eq!((registry.unclaimed_bytes, registry.unclaimed_lost), (0, 0));
    }

    #[test]
    fn without_numbers_all_messages_are_those_of_the_one_registration() {
        let mut registry = Registry::new(10, usize::MAX);
        let one = about(1, false);
        let a = Reader::default();
        registry.attach(&one, a.clone(), || ());
        registry.route(&event(9, 1));
        registry.registered(&one, None);
        registry.route(&event(8, 2));
        assert_eq!(a.heard(), [1, 2]);
        registry.refused(&one);
        registry.route(&event(8, 3));
        assert_eq!(a.heard(), []);
    }
}
