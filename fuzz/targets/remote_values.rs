//! The generated types of the remote program, borrowed or owned: what decodes encodes to the same bytes, and what encodes
//! decodes to the same value.

#![no_main]

use libfuzzer_sys::fuzz_target;
use virt_fuzz::memory;
use virt_fuzz::values::value_to_bytes;
use virt_protocol::constants::{ConnectCloseReason, DomainEventId, DomainXmlFlags};
use virt_protocol::qemu;
use virt_protocol::remote::*;
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
        AuthType;
        ConnectCloseReason;
        ConnectDomainEventCallbackRegisterAnyArgs, borrowed ConnectDomainEventCallbackRegisterAnyArgs<&str>;
        ConnectEventConnectionClosedMsg;
        ConnectGetHostnameRet, borrowed ConnectGetHostnameRet<&str>;
        ConnectListAllDomainsArgs;
        ConnectListAllDomainsRet, borrowed ConnectListAllDomainsRet<&str>;
        ConnectOpenArgs, borrowed ConnectOpenArgs<&str>;
        DomainEventCallbackGraphicsMsg, borrowed DomainEventCallbackGraphicsMsg<&str>;
        DomainEventCallbackLifecycleMsg, borrowed DomainEventCallbackLifecycleMsg<&str>;
        DomainEventId;
        DomainGetStateArgs, borrowed DomainGetStateArgs<&str>;
        DomainGetStateRet;
        DomainGetVcpusRet, borrowed DomainGetVcpusRet<&[u8]>;
        DomainInterfaceAddressesRet, borrowed DomainInterfaceAddressesRet<&str>;
        DomainLookupByNameArgs, borrowed DomainLookupByNameArgs<&str>;
        DomainScreenshotRet, borrowed DomainScreenshotRet<&str>;
        DomainXmlFlags;
        Feature;
        Domain, borrowed Domain<&str>;
        qemu::DomainMonitorEventMsg, borrowed qemu::DomainMonitorEventMsg<&str>;
    );
});

fn bytes_to_value<'a, T: Encode + Decode<'a>>(data: &'a [u8]) {
    // A domain takes twice the room that it has on the wire, and a list of them thrice that while it grows.
    let value = memory::bounded(8 * data.len() + 512, || from_slice::<T>(data));
    if let Ok(value) = value {
        assert_eq!(to_vec(&value).as_deref(), Ok(data));
    }
}
