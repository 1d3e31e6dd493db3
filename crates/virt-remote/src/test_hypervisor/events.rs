//! The registrations of a client for events, and the events sent to them.

use virt_protocol::Uuid;
use virt_transport::{Context, ErrorSource, RemoteError};

use super::domains::Change;
use crate::constants::DomainEventId;
use crate::{
    ConnectDomainEventCallbackRegisterAnyArgs, DomainEventCallbackLifecycleMsg,
    DomainEventLifecycleMsg, Procedure, error,
};

/// The events that libvirt 9.0.0 has, by number. Only [`DomainEventId::LIFECYCLE`] ever happens.
const EVENTS: std::ops::RangeInclusive<i32> = 0..=26;

/// The number of registrations for events that one client may have.
const REGISTRATIONS_MAX: usize = 1024;

/// All registrations of a client.
#[derive(Debug, Clone, Default)]
pub(super) struct Registrations {
    all: Vec<Registration>,
    next: i32,
    /// The events of the older registrations, which have no number and name no domain.
    older: Vec<DomainEventId>,
}

/// One registration, with the number that its events carry.
#[derive(Debug, Clone)]
struct Registration {
    id: i32,
    event: DomainEventId,
    /// The domain; `None` for all.
    uuid: Option<Uuid>,
}

impl Registrations {
    pub(super) fn register(
        &mut self,
        args: &ConnectDomainEventCallbackRegisterAnyArgs<&str>,
    ) -> Result<i32, RemoteError> {
        check_event(args.event_id)?;
        if self.all.len() == REGISTRATIONS_MAX {
            let detail = format!("more than {REGISTRATIONS_MAX} registrations for events");
            return Err(error::internal(ErrorSource::RPC, &detail));
        }
        let id = self.next;
        self.next = id.wrapping_add(1);
        self.all.push(Registration {
            id,
            event: args.event_id,
            uuid: args.dom.as_ref().map(|dom| dom.uuid),
        });
        Ok(id)
    }

    pub(super) fn deregister(&mut self, id: i32) -> Result<(), RemoteError> {
        let found = self.all.iter().position(|known| known.id == id);
        let index = found.ok_or_else(|| {
            let detail = format!("domain event callback {id} not registered");
            error::internal(ErrorSource::RPC, &detail)
        })?;
        self.all.remove(index);
        Ok(())
    }

    /// Registers in the older way, at most once for each kind of event.
    pub(super) fn register_older(&mut self, event: DomainEventId) -> Result<(), RemoteError> {
        check_event(event)?;
        if self.older.contains(&event) {
            let detail = "event callback already tracked";
            return Err(error::invalid_argument(ErrorSource::NONE, detail));
        }
        self.older.push(event);
        Ok(())
    }

    pub(super) fn deregister_older(&mut self, event: DomainEventId) -> Result<(), RemoteError> {
        check_event(event)?;
        let found = self.older.iter().position(|known| *known == event);
        let index = found.ok_or_else(|| {
            let detail = format!("domain event {} not registered", event.0);
            error::internal(ErrorSource::RPC, &detail)
        })?;
        self.older.remove(index);
        Ok(())
    }

    /// Sends an event to each registration, before the reply to the call that causes it: a client that has the
    /// reply has the event too. A daemon's event may come on either side of the reply.
    pub(super) fn tell(&self, change: &Change, cx: &mut Context<'_>) -> Result<(), RemoteError> {
        let msg = DomainEventLifecycleMsg {
            dom: change.domain.clone(),
            event: change.event,
            detail: change.detail,
        };
        if self.older.contains(&DomainEventId::LIFECYCLE) {
            cx.message(Procedure::DOMAIN_EVENT_LIFECYCLE, &msg)?;
        }
        for registration in &self.all {
            let other_domain = |uuid| uuid != change.domain.uuid;
            if registration.event != DomainEventId::LIFECYCLE
                || registration.uuid.is_some_and(other_domain)
            {
                continue;
            }
            let msg = DomainEventCallbackLifecycleMsg {
                callback_id: registration.id,
                msg: msg.clone(),
            };
            cx.message(Procedure::DOMAIN_EVENT_CALLBACK_LIFECYCLE, &msg)?;
        }
        Ok(())
    }
}

fn check_event(event: DomainEventId) -> Result<(), RemoteError> {
    if EVENTS.contains(&event.0) {
        return Ok(());
    }
    let detail = format!("unsupported event ID {}", event.0);
    Err(error::internal(ErrorSource::RPC, &detail))
}
