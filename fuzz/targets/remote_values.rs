//! The generated types of the remote program, borrowed or owned: what decodes encodes to the same bytes, and what encodes
//! decodes to the same value.

#![no_main]

use libfuzzer_sys::fuzz_target;
use virt_fuzz::memory;
use virt_fuzz::values::value_to_bytes;
use virt_remote::{
    AuthListRet, AuthPolkitRet, AuthType, CloseReason, ConnectDomainEventCallbackDeregisterAnyArgs,
    ConnectDomainEventCallbackRegisterAnyArgs, ConnectDomainEventCallbackRegisterAnyRet,
    ConnectEventConnectionClosedMsg, ConnectGetHostnameRet, ConnectGetLibVersionRet,
    ConnectGetTypeRet, ConnectGetUriRet, ConnectGetVersionRet, ConnectListAllDomainsArgs,
    ConnectListAllDomainsRet, ConnectOpenArgs, ConnectSupportsFeatureArgs,
    ConnectSupportsFeatureRet, DomainEvent, DomainEventCallbackLifecycleMsg,
    DomainEventLifecycleMsg, DomainGetStateArgs, DomainGetStateRet, DomainLifecycle,
    DomainLookupByNameArgs, DomainLookupByNameRet, DomainOpenConsoleArgs, DomainOpenGraphicsFdArgs,
    DomainResumeArgs, DomainScreenshotArgs, DomainScreenshotRet, DomainState, DomainSuspendArgs,
    Feature, Domain,
};
use virt_xdr::{Decode, Encode, from_slice, to_vec};

macro_rules! both_ways {
    ($data:expr => $($owned:ty $(, borrowed $borrowed:ty)?;)*) => {
        $(
            bytes_to_value::<$owned>($data);
            $(bytes_to_value::<$borrowed>($data);)?
            value_to_bytes::<$owned>($data);
        )*
    };
}

fuzz_target!(|data: &[u8]| {
    both_ways!(data =>
        AuthListRet;
        AuthPolkitRet;
        AuthType;
        CloseReason;
        ConnectDomainEventCallbackDeregisterAnyArgs;
        ConnectDomainEventCallbackRegisterAnyArgs, borrowed ConnectDomainEventCallbackRegisterAnyArgs<&str>;
        ConnectDomainEventCallbackRegisterAnyRet;
        ConnectEventConnectionClosedMsg;
        ConnectGetHostnameRet, borrowed ConnectGetHostnameRet<&str>;
        ConnectGetLibVersionRet;
        ConnectGetTypeRet, borrowed ConnectGetTypeRet<&str>;
        ConnectGetUriRet, borrowed ConnectGetUriRet<&str>;
        ConnectGetVersionRet;
        ConnectListAllDomainsArgs;
        ConnectListAllDomainsRet, borrowed ConnectListAllDomainsRet<&str>;
        ConnectOpenArgs, borrowed ConnectOpenArgs<&str>;
        ConnectSupportsFeatureArgs;
        ConnectSupportsFeatureRet;
        DomainEvent;
        DomainEventCallbackLifecycleMsg, borrowed DomainEventCallbackLifecycleMsg<&str>;
        DomainEventLifecycleMsg, borrowed DomainEventLifecycleMsg<&str>;
        DomainGetStateArgs, borrowed DomainGetStateArgs<&str>;
        DomainGetStateRet;
        DomainLifecycle;
        DomainLookupByNameArgs, borrowed DomainLookupByNameArgs<&str>;
        DomainLookupByNameRet, borrowed DomainLookupByNameRet<&str>;
        DomainOpenConsoleArgs, borrowed DomainOpenConsoleArgs<&str>;
        DomainOpenGraphicsFdArgs, borrowed DomainOpenGraphicsFdArgs<&str>;
        DomainResumeArgs, borrowed DomainResumeArgs<&str>;
        DomainScreenshotArgs, borrowed DomainScreenshotArgs<&str>;
        DomainScreenshotRet, borrowed DomainScreenshotRet<&str>;
        DomainState;
        DomainSuspendArgs, borrowed DomainSuspendArgs<&str>;
        Feature;
        Domain, borrowed Domain<&str>;
    );
});

fn bytes_to_value<'a, T: Encode + Decode<'a>>(data: &'a [u8]) {
    // A domain takes twice the room that it has on the wire, and a list of them thrice that while it grows.
    let value = memory::bounded(8 * data.len() + 512, || from_slice::<T>(data));
    if let Ok(value) = value {
        assert_eq!(to_vec(&value).as_deref(), Ok(data));
    }
}
