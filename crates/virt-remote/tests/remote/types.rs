//! Every generated type by literal words, both ways.

use std::fmt::Debug;

use virt_protocol::Uuid;
use virt_remote::constants::{
    ConnectCloseReason, ConnectFlags, ConnectListAllDomainsFlags, DomainConsoleFlags,
    DomainEventId, DomainEventType, DomainOpenGraphicsFlags, DomainState,
};
use virt_remote::*;
use virt_testkit::hex;
use virt_testkit::wire;
use virt_transport::{CallProcedure, MessageProcedure};
use virt_xdr::{Decode, DecodeErrorKind, Encode, ProgramId, from_slice, to_vec};

const DOMAIN: &str = r#""test" 6695eb01 f6a48304 79aa97f2 502e193f 00000001"#;

fn domain<'a, S: From<&'a str>>() -> Domain<S> {
    Domain {
        name: "test".into(),
        uuid: Uuid(*b"\x66\x95\xeb\x01\xf6\xa4\x83\x04\x79\xaa\x97\xf2\x50\x2e\x19\x3f"),
        id: 1,
    }
}

/// A value is these words and no others, and no fewer.
#[track_caller]
fn is<T: Encode + for<'a> Decode<'a> + PartialEq + Debug>(value: &T, text: &str) {
    let encoded = wire(text);
    assert_eq!(hex(&to_vec(value).unwrap()), hex(&encoded));
    assert_eq!(&from_slice::<T>(&encoded).unwrap(), value);
    for length in 0..encoded.len() {
        let cut = from_slice::<T>(&encoded[..length]);
        assert!(cut.is_err(), "{length} bytes decode to {cut:?}");
    }
}

#[track_caller]
fn call<P: CallProcedure>(name: &str, number: i32) {
    assert_eq!(P::PROGRAM, ProgramId::new(0x2000_8086, 1));
    assert_eq!((P::NAME, P::NUMBER), (name, number));
}

#[track_caller]
fn message<P: MessageProcedure>(name: &str, number: i32) {
    assert_eq!(P::PROGRAM, ProgramId::new(0x2000_8086, 1));
    assert_eq!((P::NAME, P::NUMBER), (name, number));
}

#[test]
fn procedures_have_the_names_and_numbers_of_the_protocol() {
    call::<ConnectOpen>("CONNECT_OPEN", 1);
    call::<ConnectClose>("CONNECT_CLOSE", 2);
    call::<ConnectGetType>("CONNECT_GET_TYPE", 3);
    call::<ConnectGetVersion>("CONNECT_GET_VERSION", 4);
    call::<DomainLookupByName>("DOMAIN_LOOKUP_BY_NAME", 23);
    call::<DomainResume>("DOMAIN_RESUME", 28);
    call::<DomainSuspend>("DOMAIN_SUSPEND", 34);
    call::<ConnectGetHostname>("CONNECT_GET_HOSTNAME", 59);
    call::<ConnectSupportsFeature>("CONNECT_SUPPORTS_FEATURE", 60);
    call::<AuthList>("AUTH_LIST", 66);
    call::<AuthPolkit>("AUTH_POLKIT", 70);
    call::<ConnectGetUri>("CONNECT_GET_URI", 110);
    call::<ConnectGetLibVersion>("CONNECT_GET_LIB_VERSION", 157);
    call::<DomainOpenConsole>("DOMAIN_OPEN_CONSOLE", 201);
    call::<DomainGetState>("DOMAIN_GET_STATE", 212);
    call::<DomainScreenshot>("DOMAIN_SCREENSHOT", 211);
    call::<ConnectListAllDomains>("CONNECT_LIST_ALL_DOMAINS", 273);
    call::<ConnectDomainEventCallbackRegisterAny>(
        "CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY",
        316,
    );
    call::<ConnectDomainEventCallbackDeregisterAny>(
        "CONNECT_DOMAIN_EVENT_CALLBACK_DEREGISTER_ANY",
        317,
    );
    call::<DomainOpenGraphicsFd>("DOMAIN_OPEN_GRAPHICS_FD", 343);
    call::<ConnectRegisterCloseCallback>("CONNECT_REGISTER_CLOSE_CALLBACK", 360);
    call::<ConnectUnregisterCloseCallback>("CONNECT_UNREGISTER_CLOSE_CALLBACK", 361);
    message::<DomainEventLifecycle>("DOMAIN_EVENT_LIFECYCLE", 107);
    message::<DomainEventCallbackLifecycle>("DOMAIN_EVENT_CALLBACK_LIFECYCLE", 318);
    message::<ConnectEventConnectionClosed>("CONNECT_EVENT_CONNECTION_CLOSED", 362);
}

#[test]
fn what_opens_a_connection() {
    let types = vec![AuthType::SASL, AuthType::POLKIT];
    is(&AuthListRet { types }, "00000002 00000001 00000002");
    is(&true, "00000001");
    is(&Feature::KEEPALIVE, "0000000a");
    let (name, flags) = (Some("test:///default".to_owned()), ConnectFlags::RO);
    is(
        &ConnectOpenArgs { name, flags },
        r#"00000001 "test:///default" 00000001"#,
    );
    let (name, flags) = (None::<String>, ConnectFlags::default());
    is(&ConnectOpenArgs { name, flags }, "00000000 00000000");
}

#[test]
fn what_a_connection_is_asked_for() {
    let r#type = "TEST".to_owned();
    is(&ConnectGetTypeRet { r#type }, r#""TEST""#);
    is(&9_000_000_u64, "00000000 00895440");
    let hostname = "vm".to_owned();
    is(&ConnectGetHostnameRet { hostname }, r#""vm""#);
    let uri = "test:///default".to_owned();
    is(&ConnectGetUriRet { uri }, r#""test:///default""#);
    let reason = ConnectCloseReason::KEEPALIVE;
    is(&ConnectEventConnectionClosedMsg { reason }, "00000002");
}

#[test]
fn what_domains_are_asked_for() {
    is(&domain::<String>(), DOMAIN);
    let name = "test".to_owned();
    is(&DomainLookupByNameArgs { name }, r#""test""#);
    let (dom, flags) = (domain::<String>(), 0);
    is(
        &DomainGetStateArgs { dom, flags },
        &[DOMAIN, "00000000"].join(" "),
    );
    let (state, reason) = (DomainState::PAUSED, 1);
    is(&DomainGetStateRet { state, reason }, "00000003 00000001");
    let args = ConnectListAllDomainsArgs {
        need_results: true,
        flags: ConnectListAllDomainsFlags(2),
    };
    is(&args, "00000001 00000002");
    let (domains, ret) = (vec![domain::<String>()], 1);
    is(
        &ConnectListAllDomainsRet { domains, ret },
        &["00000001", DOMAIN, "00000001"].join(" "),
    );
}

#[test]
fn events_of_domains() {
    let event_id = DomainEventId::LIFECYCLE;
    let args = ConnectDomainEventCallbackRegisterAnyArgs {
        event_id,
        dom: Some(domain::<String>()),
    };
    is(&args, &["00000000 00000001", DOMAIN].join(" "));
    let args = ConnectDomainEventCallbackRegisterAnyArgs::<String> {
        event_id,
        dom: None,
    };
    is(&args, "00000000 00000000");
    let callback_id = 3;
    let msg = DomainEventLifecycleMsg {
        dom: domain::<String>(),
        event: DomainEventType::RESUMED,
        detail: 0,
    };
    let event = [DOMAIN, "00000004 00000000"].join(" ");
    is(&msg, &event);
    is(
        &DomainEventCallbackLifecycleMsg { callback_id, msg },
        &["00000003", &event].join(" "),
    );
}

#[test]
fn streams_and_descriptors_of_domains() {
    let args = DomainScreenshotArgs {
        dom: domain::<String>(),
        screen: 1,
        flags: 0,
    };
    is(&args, &[DOMAIN, "00000001 00000000"].join(" "));
    let mime = Some("image/png".to_owned());
    is(&DomainScreenshotRet { mime }, r#"00000001 "image/png""#);
    let args = DomainOpenConsoleArgs {
        dom: domain::<String>(),
        dev_name: None,
        flags: DomainConsoleFlags(1),
    };
    is(&args, &[DOMAIN, "00000000 00000001"].join(" "));
    let args = DomainOpenGraphicsFdArgs {
        dom: domain::<String>(),
        idx: 2,
        flags: DomainOpenGraphicsFlags(1),
    };
    is(&args, &[DOMAIN, "00000002 00000001"].join(" "));
}

#[test]
fn strings_are_borrowed_where_one_wants() {
    let encoded = wire(DOMAIN);
    let borrowed: Domain<&str> = from_slice(&encoded).unwrap();
    assert_eq!(borrowed, domain());
    assert!(encoded.as_ptr_range().contains(&borrowed.name.as_ptr()));
}

#[test]
fn lists_have_their_bounds_both_ways() {
    let list = AuthListRet {
        types: vec![AuthType::SASL; AUTH_TYPE_LIST_MAX + 1],
    };
    to_vec(&list).unwrap_err();
    let mut encoded = wire("00000015");
    encoded.resize(4 + 4 * 21, 0);
    let error = from_slice::<AuthListRet>(&encoded).unwrap_err();
    assert!(
        matches!(error.kind(), DecodeErrorKind::TooLong { .. }),
        "{error}"
    );
    assert_eq!(AUTH_TYPE_LIST_MAX, 20);
    assert_eq!(DOMAIN_LIST_MAX, 16_384);
}

#[test]
fn values_that_nobody_knows_are_kept() {
    let types = vec![AuthType(-1), AuthType(3)];
    is(&AuthListRet { types }, "00000002 ffffffff 00000003");
    let reason = ConnectCloseReason(4);
    is(&ConnectEventConnectionClosedMsg { reason }, "00000004");
}
