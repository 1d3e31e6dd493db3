//! The events that a client registers for: which procedures register, and by which filter.

use virt_transport::EventProcedure;
use virt_xdr::{EncodeError, to_vec};

use crate::constants::{
    ConnectDomainQemuMonitorEventRegisterFlags, DomainEventId, NetworkEventId, NodeDeviceEventId,
    SecretEventId, StoragePoolEventId,
};
use crate::qemu::{ConnectDomainMonitorEventRegisterArgs, DomainMonitorEvent};
use crate::remote::{
    ConnectDomainEventCallbackRegisterAnyArgs, ConnectEventConnectionClosed,
    ConnectNetworkEventRegisterAnyArgs, ConnectNodeDeviceEventRegisterAnyArgs,
    ConnectSecretEventRegisterAnyArgs, ConnectStoragePoolEventRegisterAnyArgs, Domain, Network,
    NodeDevice, Procedure, Secret, StoragePool,
};
use crate::{qemu, remote};

/// Implements the trait for the events of one kind of object.
macro_rules! events {
    (
        $register:ident, $deregister:ident, $args:ident { $id:ident: $ids:ident, $object:ident: $filter:ty }, $borrowed:expr;
        $($event:ident = $value:ident,)*
    ) => {$(
        impl EventProcedure for remote::$event {
            const REGISTER: i32 = Procedure::$register.0;
            const DEREGISTER: i32 = Procedure::$deregister.0;
            /// The object whose events are wanted; `None` for all of them.
            type Filter = Option<$filter>;

            fn register_args(filter: &Self::Filter) -> Result<Vec<u8>, EncodeError> {
                let $object = filter.as_ref().map($borrowed);
                to_vec(&$args {
                    $id: $ids::$value,
                    $object,
                })
            }
        }
    )*};
}

events! {
    CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY, CONNECT_DOMAIN_EVENT_CALLBACK_DEREGISTER_ANY,
    ConnectDomainEventCallbackRegisterAnyArgs { event_id: DomainEventId, dom: Domain }, unnumbered;
    DomainEventCallbackLifecycle = LIFECYCLE,
    DomainEventCallbackReboot = REBOOT,
    DomainEventCallbackRtcChange = RTC_CHANGE,
    DomainEventCallbackWatchdog = WATCHDOG,
    DomainEventCallbackIoError = IO_ERROR,
    DomainEventCallbackGraphics = GRAPHICS,
    DomainEventCallbackIoErrorReason = IO_ERROR_REASON,
    DomainEventCallbackControlError = CONTROL_ERROR,
    DomainEventCallbackBlockJob = BLOCK_JOB,
    DomainEventCallbackDiskChange = DISK_CHANGE,
    DomainEventCallbackTrayChange = TRAY_CHANGE,
    DomainEventCallbackPmwakeup = PMWAKEUP,
    DomainEventCallbackPmsuspend = PMSUSPEND,
    DomainEventCallbackBalloonChange = BALLOON_CHANGE,
    DomainEventCallbackPmsuspendDisk = PMSUSPEND_DISK,
    DomainEventCallbackDeviceRemoved = DEVICE_REMOVED,
    DomainEventBlockJob2 = BLOCK_JOB_2,
    DomainEventCallbackTunable = TUNABLE,
    DomainEventCallbackAgentLifecycle = AGENT_LIFECYCLE,
    DomainEventCallbackDeviceAdded = DEVICE_ADDED,
    DomainEventCallbackMigrationIteration = MIGRATION_ITERATION,
    DomainEventCallbackJobCompleted = JOB_COMPLETED,
    DomainEventCallbackDeviceRemovalFailed = DEVICE_REMOVAL_FAILED,
    DomainEventCallbackMetadataChange = METADATA_CHANGE,
    DomainEventBlockThreshold = BLOCK_THRESHOLD,
    DomainEventMemoryFailure = MEMORY_FAILURE,
    DomainEventMemoryDeviceSizeChange = MEMORY_DEVICE_SIZE_CHANGE,
    DomainEventNicMacChange = NIC_MAC_CHANGE,
    DomainEventVcpuRemoved = VCPU_REMOVED,
    DomainEventCallbackChannelLifecycle = CHANNEL_LIFECYCLE,
}

events! {
    CONNECT_NETWORK_EVENT_REGISTER_ANY, CONNECT_NETWORK_EVENT_DEREGISTER_ANY,
    ConnectNetworkEventRegisterAnyArgs { event_id: NetworkEventId, net: Network }, Network::borrowed;
    NetworkEventLifecycle = LIFECYCLE,
    NetworkEventCallbackMetadataChange = METADATA_CHANGE,
}

events! {
    CONNECT_STORAGE_POOL_EVENT_REGISTER_ANY, CONNECT_STORAGE_POOL_EVENT_DEREGISTER_ANY,
    ConnectStoragePoolEventRegisterAnyArgs { event_id: StoragePoolEventId, pool: StoragePool }, StoragePool::borrowed;
    StoragePoolEventLifecycle = LIFECYCLE,
    StoragePoolEventRefresh = REFRESH,
}

events! {
    CONNECT_NODE_DEVICE_EVENT_REGISTER_ANY, CONNECT_NODE_DEVICE_EVENT_DEREGISTER_ANY,
    ConnectNodeDeviceEventRegisterAnyArgs { event_id: NodeDeviceEventId, dev: NodeDevice }, NodeDevice::borrowed;
    NodeDeviceEventLifecycle = LIFECYCLE,
    NodeDeviceEventUpdate = UPDATE,
}

events! {
    CONNECT_SECRET_EVENT_REGISTER_ANY, CONNECT_SECRET_EVENT_DEREGISTER_ANY,
    ConnectSecretEventRegisterAnyArgs { event_id: SecretEventId, secret: Secret }, Secret::borrowed;
    SecretEventLifecycle = LIFECYCLE,
    SecretEventValueChanged = VALUE_CHANGED,
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

/// The events of a QEMU monitor that are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MonitorFilter {
    /// The domain; `None` for all of them.
    pub domain: Option<Domain>,
    /// The name of the event, or a pattern if the flags say so; `None` for all events.
    pub event: Option<String>,
    /// The kind of pattern.
    pub flags: ConnectDomainQemuMonitorEventRegisterFlags,
}

impl EventProcedure for DomainMonitorEvent {
    const REGISTER: i32 = qemu::Procedure::CONNECT_DOMAIN_MONITOR_EVENT_REGISTER.0;
    const DEREGISTER: i32 = qemu::Procedure::CONNECT_DOMAIN_MONITOR_EVENT_DEREGISTER.0;
    type Filter = MonitorFilter;

    fn register_args(filter: &MonitorFilter) -> Result<Vec<u8>, EncodeError> {
        to_vec(&ConnectDomainMonitorEventRegisterArgs {
            dom: filter.domain.as_ref().map(unnumbered),
            event: filter.event.as_deref().map(str::as_bytes),
            flags: filter.flags,
        })
    }
}

/// A domain without its ID, which changes when it starts: a daemon compares the UUID.
fn unnumbered(domain: &Domain) -> Domain<&[u8]> {
    Domain {
        id: -1,
        ..domain.borrowed()
    }
}
