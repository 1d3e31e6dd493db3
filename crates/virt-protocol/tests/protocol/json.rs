//! JSON as a person would write it.

use virt_protocol::constants::{DomainState, DomainXmlFlags};
use virt_protocol::remote::{AuthSaslStepArgs, Domain, DomainGetStateRet, SecretGetValueRet};
use virt_protocol::{TypedParams, Uuid, remote, table};

#[test]
fn uuids_enums_and_bytes_are_readable() {
    let domain = Domain {
        name: "web1".to_owned(),
        uuid: Uuid([0xab; 16]),
        id: -1,
    };
    let json = serde_json::to_string(&domain).unwrap();
    assert_eq!(
        json,
        r#"{"name":"web1","uuid":"abababab-abab-abab-abab-abababababab","id":-1}"#
    );
    assert_eq!(serde_json::from_str::<Domain>(&json).unwrap(), domain);

    let state = DomainGetStateRet {
        state: DomainState::PAUSED,
        reason: 1,
    };
    let json = serde_json::to_string(&state).unwrap();
    assert_eq!(json, r#"{"state":"PAUSED","reason":1}"#);
    assert_eq!(
        serde_json::from_str::<DomainGetStateRet>(&json).unwrap(),
        state
    );

    let secret = SecretGetValueRet {
        value: vec![0, 255],
    };
    let json = serde_json::to_string(&secret).unwrap();
    assert_eq!(json, r#"{"value":"00ff"}"#);
    assert_eq!(
        serde_json::from_str::<SecretGetValueRet>(&json).unwrap(),
        secret
    );
    let step = serde_json::from_str::<AuthSaslStepArgs>(r#"{"nil":false,"data":"61"}"#).unwrap();
    assert_eq!(step.data, b"a");
}

#[test]
fn unknown_values_are_numbers() {
    assert_eq!(serde_json::to_string(&DomainState(99)).unwrap(), "99");
    assert_eq!(
        serde_json::from_str::<DomainState>("99").unwrap(),
        DomainState(99)
    );
    assert!(serde_json::from_str::<DomainState>(r#""HAPPY""#).is_err());
    let flags = DomainXmlFlags::SECURE | DomainXmlFlags(0x4000_0000);
    let json = serde_json::to_string(&flags).unwrap();
    assert_eq!(json, r#"["SECURE",1073741824]"#);
    assert_eq!(
        serde_json::from_str::<DomainXmlFlags>(&json).unwrap(),
        flags
    );
}

#[test]
fn parameters_keep_their_types() {
    let params = TypedParams::new().with("a", 1_u64).with("b", "x");
    let json = serde_json::to_string(&params).unwrap();
    assert_eq!(
        json,
        r#"[{"field":"a","value":{"Ullong":1}},{"field":"b","value":{"String":"x"}}]"#
    );
    assert_eq!(serde_json::from_str::<TypedParams>(&json).unwrap(), params);
}

#[test]
fn a_shown_payload_is_json() {
    let procedure = table::procedure(remote::PROGRAM, 23).unwrap();
    let value = procedure.arguments(b"\0\0\0\x01\"\0\0\0").unwrap();
    assert_eq!(serde_json::to_string(&value).unwrap(), r#"{"name":"\""}"#);
}
