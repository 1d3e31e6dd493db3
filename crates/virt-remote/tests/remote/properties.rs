//! Properties of all values and all bytes.

use std::fmt::Debug;

use proptest::prelude::*;
use virt_protocol::Uuid;
use virt_remote::constants::{
    ConnectCloseReason, ConnectFlags, DomainConsoleFlags, DomainEventId, DomainEventType,
};
use virt_remote::*;
use virt_xdr::{Decode, Encode, Serial, from_slice, to_vec};

use crate::support::Server;

fn round_trips<T: Encode + for<'a> Decode<'a> + PartialEq + Debug>(
    value: &T,
) -> Result<(), TestCaseError> {
    let encoded = to_vec(value).unwrap();
    prop_assert_eq!(encoded.len() % 4, 0);
    prop_assert_eq!(&from_slice::<T>(&encoded).unwrap(), value);
    Ok(())
}

prop_compose! {
    fn domain()(name in ".{0,40}", uuid: [u8; 16], id: i32) -> Domain {
        Domain { name, uuid: Uuid(uuid), id }
    }
}

proptest! {
    #[test]
    fn what_opens_a_connection_round_trips(
        name in proptest::option::of(".{0,40}"),
        flags: u32,
        types in proptest::collection::vec(any::<i32>(), 0..=AUTH_TYPE_LIST_MAX),
        number: i32,
        version: u64,
    ) {
        round_trips(&ConnectGetUriRet { uri: name.clone().unwrap_or_default() })?;
        round_trips(&ConnectOpenArgs { name, flags: ConnectFlags(flags) })?;
        round_trips(&AuthListRet { types: types.into_iter().map(AuthType).collect() })?;
        round_trips(&Feature(number))?;
        round_trips(&version)?;
        round_trips(&ConnectEventConnectionClosedMsg { reason: ConnectCloseReason(number) })?;
    }

    #[test]
    fn what_domains_carry_round_trips(
        domains in proptest::collection::vec(domain(), 0..20),
        dom in domain(),
        dev_name in proptest::option::of(".{0,40}"),
        number: i32,
        flags: u32,
    ) {
        round_trips(&ConnectListAllDomainsRet { domains, ret: flags })?;
        let msg = DomainEventLifecycleMsg {
            dom: dom.clone(),
            event: DomainEventType(number),
            detail: number,
        };
        round_trips(&DomainEventCallbackLifecycleMsg { callback_id: number, msg })?;
        round_trips(&ConnectDomainEventCallbackRegisterAnyArgs {
            event_id: DomainEventId(number),
            dom: Some(dom.clone()),
        })?;
        round_trips(&DomainOpenConsoleArgs { dom, dev_name, flags: DomainConsoleFlags(flags) })?;
    }

    /// A version is its three parts, whatever the number.
    #[test]
    fn versions_lose_nothing(number: u64) {
        let version = Version::from(number);
        let parts = (version.major() * 1000 + version.minor()) * 1000 + version.release();
        prop_assert_eq!(parts, number);
        prop_assert!(version.minor() < 1000 && version.release() < 1000);
    }

    /// A server answers each call once, whatever is in it, until it is closed.
    #[test]
    fn each_call_has_one_reply(
        calls in proptest::collection::vec(
            (
                prop_oneof![
                    Just(1), Just(3), Just(23), Just(28), Just(34), Just(60), Just(66), Just(70),
                    Just(110), Just(273), Just(316), Just(317), Just(360), Just(361), 0..460,
                ],
                proptest::collection::vec(
                    prop_oneof![Just([0; 4]), Just([0, 0, 0, 1]), Just(*b"test"), any::<[u8; 4]>()],
                    0..12,
                ),
            ),
            1..20,
        ),
    ) {
        let mut server = Server::test();
        let calls = calls.into_iter().filter(|&(procedure, _)| procedure != 2);
        for (serial, (procedure, payload)) in (0u32..).zip(calls) {
            let replies = server.replies(procedure, Serial(serial), &payload.concat());
            prop_assert_eq!(replies, 1, "procedure {}", procedure);
        }
    }
}
