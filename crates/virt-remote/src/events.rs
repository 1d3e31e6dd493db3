//! The events that have types: how a client registers for them.

use virt_transport::EventProcedure;
use virt_xdr::{EncodeError, to_vec};

use crate::{
    ConnectDomainEventCallbackRegisterAnyArgs, ConnectEventConnectionClosed, DomainEvent,
    DomainEventCallbackLifecycle, NonnullDomain, Procedure,
};

impl EventProcedure for DomainEventCallbackLifecycle {
    const REGISTER: i32 = Procedure::CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY.0;
    const DEREGISTER: i32 = Procedure::CONNECT_DOMAIN_EVENT_CALLBACK_DEREGISTER_ANY.0;
    /// The domain; `None` for all of them.
    type Filter = Option<NonnullDomain>;

    fn register_args(filter: &Self::Filter) -> Result<Vec<u8>, EncodeError> {
        to_vec(&ConnectDomainEventCallbackRegisterAnyArgs {
            event_id: DomainEvent::LIFECYCLE,
            dom: filter.as_ref().map(|dom| NonnullDomain {
                name: dom.name.as_str(),
                uuid: dom.uuid,
                // It changes when the domain starts, and a daemon compares the UUID.
                id: -1,
            }),
        })
    }
}

/// The hypervisor's own connection has ended behind a daemon that lives on.
impl EventProcedure for ConnectEventConnectionClosed {
    const REGISTER: i32 = Procedure::CONNECT_REGISTER_CLOSE_CALLBACK.0;
    const DEREGISTER: i32 = Procedure::CONNECT_UNREGISTER_CLOSE_CALLBACK.0;
    const IS_NUMBERED: bool = false;
    type Filter = ();

    fn register_args((): &()) -> Result<Vec<u8>, EncodeError> {
        Ok(Vec::new())
    }
}
