//! The payload of an error that is sent: every field, and the values that have names.

use virt_testkit::{hex, wire};
use virt_transport::{
    DomainObject, ErrorCode, ErrorLevel, ErrorPayload, ErrorSource, NetworkObject, RemoteError,
    ReplyError,
};
use virt_xdr::{DecodeErrorKind, from_slice, from_slice_lenient, to_vec};

#[test]
fn every_field_field_by_field() {
    let error = RemoteError::from(ErrorPayload {
        code: ErrorCode::NO_DOMAIN,
        domain: ErrorSource::TEST,
        message: Some("gone".to_owned()),
        level: ErrorLevel::WARNING,
        domain_object: Some(DomainObject {
            name: "vm".to_owned(),
            uuid: *b"0123456789abcdef",
            id: -1,
        }),
        str1: Some("a".to_owned()),
        str2: Some("bb".to_owned()),
        str3: Some("ccc".to_owned()),
        int1: 1,
        int2: -2,
        network_object: Some(NetworkObject {
            name: "net".to_owned(),
            uuid: *b"fedcba9876543210",
        }),
    });
    let bytes = wire(
        "0000002a
         0000000c
         00000001 00000004 'gone'
         00000001
         00000001 00000002 'vm' 0000 '0123456789abcdef' ffffffff
         00000001 00000001 'a' 000000
         00000001 00000002 'bb' 0000
         00000001 00000003 'ccc' 00
         00000001
         fffffffe
         00000001 00000003 'net' 00 'fedcba9876543210'",
    );
    assert_eq!(hex(&to_vec(&error).unwrap()), hex(&bytes));
    assert_eq!(from_slice::<RemoteError>(&bytes), Ok(error));
}

#[test]
fn texts_that_are_not_utf_8_do_not_hide_the_error() {
    let latin = |tail: &str| {
        let head = "00000026 00000007";
        let texts = "00000001 00000003 ff 'n' fc 00 00000002 00000000
             00000001 00000002 e4 'a' 0000 00000001 00000001 80 000000 00000001 00000002 'ok' 0000";
        wire(&format!("{head} {texts} {tail}"))
    };
    assert_eq!(
        from_slice_lenient::<RemoteError>(&latin("00000005 00000006 00000000")),
        Ok(RemoteError::from(ErrorPayload {
            code: ErrorCode::SYSTEM_ERROR,
            domain: ErrorSource::RPC,
            message: Some("\u{fffd}n\u{fffd}".to_owned()),
            level: ErrorLevel::ERROR,
            domain_object: None,
            str1: Some("\u{fffd}a".to_owned()),
            str2: Some("\u{fffd}".to_owned()),
            str3: Some("ok".to_owned()),
            int1: 5,
            int2: 6,
            network_object: None,
        }))
    );
    // Bounds are as strict as ever, and an error names its field.
    let short = from_slice_lenient::<RemoteError>(&wire("00000001 00000007 000000"));
    assert_eq!(
        short.unwrap_err().to_string(),
        "ErrorPayload.message: needs 4 bytes, has 3 (at byte 8)"
    );
    let refused = from_slice_lenient::<RemoteError>(&latin("00000005 000006")).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "ErrorPayload.int2: needs 4 bytes, has 3 (at byte 68)"
    );
    // libvirt's client ignores trailing bytes.
    assert!(from_slice_lenient::<RemoteError>(&latin("00000005 00000006 00000000 00")).is_ok());
    // A strict decoder refuses the text.
    let strict = from_slice::<RemoteError>(&latin("00000005 00000006 00000000"));
    assert!(matches!(
        strict.unwrap_err().kind(),
        DecodeErrorKind::Utf8 { value: 0xff, .. }
    ));
}

#[test]
fn one_question_tells_what_a_daemon_lacks() {
    let error = |code, message: &str| RemoteError::new(code, ErrorSource::RPC, message);
    for (error, unsupported) in [
        (RemoteError::unknown_procedure(7), true),
        (RemoteError::unknown_procedure(-1), true),
        (error(ErrorCode::NO_SUPPORT, "not by this driver"), true),
        (error(ErrorCode::RPC, "authentication required"), false),
        (
            error(ErrorCode::INTERNAL_ERROR, "unknown procedure: 7"),
            false,
        ),
        (
            RemoteError::unknown_program(virt_transport::ProgramId::new(7, 1)),
            false,
        ),
    ] {
        assert_eq!(error.is_unsupported(), unsupported, "{error}");
    }
}

#[test]
fn debug_shows_every_field() {
    let text = format!("{:?}", RemoteError::unknown_procedure(7));
    assert_eq!(
        text,
        "ErrorPayload { code: RPC, domain: RPC, message: Some(\"unknown procedure: 7\"), level: ERROR, \
         domain_object: None, str1: Some(\"%s\"), str2: Some(\"unknown procedure: 7\"), str3: None, \
         int1: -1, int2: -1, network_object: None }"
    );
}

#[test]
fn a_result_that_does_not_decode_becomes_the_error_of_its_call() {
    let decode = |result: &str| -> Result<i32, ReplyError> { Ok(from_slice(&wire(result))?) };
    assert_eq!(decode("0000002a"), Ok(42));
    let error = decode("00002a").unwrap_err();
    assert!(matches!(error, ReplyError::Payload(_)), "{error:?}");
    assert_eq!(
        error.to_string(),
        "reply does not decode: needs 4 bytes, has 3 (at byte 0)"
    );
}

#[test]
fn every_word_that_is_known_has_its_name() {
    assert_eq!(ErrorCode::ALL.len(), 115);
    assert_eq!(ErrorSource::ALL.len(), 73);
    for (code, name) in [
        (0, "OK"),
        (1, "INTERNAL_ERROR"),
        (38, "SYSTEM_ERROR"),
        (39, "RPC"),
        (42, "NO_DOMAIN"),
        (45, "AUTH_FAILED"),
        (55, "OPERATION_INVALID"),
    ] {
        assert_eq!(ErrorCode(code).name(), Some(name));
    }
    for (source, name) in [
        (0, "NONE"),
        (7, "RPC"),
        (12, "TEST"),
        (38, "STREAMS"),
        (60, "POLKIT"),
    ] {
        assert_eq!(ErrorSource(source).name(), Some(name));
    }
    let levels = ErrorLevel::ALL.iter().map(|level| (level.0, level.name()));
    assert_eq!(
        levels.collect::<Vec<_>>(),
        [(0, Some("NONE")), (1, Some("WARNING")), (2, Some("ERROR"))]
    );
}

#[test]
fn debug_shows_the_name_or_else_the_number() {
    assert_eq!(
        format!("{:?}", [ErrorCode(39), ErrorCode(999), ErrorCode(-1)]),
        "[RPC, ErrorCode(999), ErrorCode(-1)]"
    );
    assert_eq!(
        format!("{:?}", [ErrorSource(7), ErrorSource(999)]),
        "[RPC, ErrorSource(999)]"
    );
    assert_eq!(
        format!("{:?}", [ErrorLevel(2), ErrorLevel(3)]),
        "[ERROR, ErrorLevel(3)]"
    );
}

#[test]
fn codes_and_sources_have_libvirts_numbers() {
    assert_eq!(ErrorCode(39), ErrorCode::RPC);
    assert_eq!(ErrorSource(38), ErrorSource::STREAMS);
    assert_eq!(ErrorLevel(1), ErrorLevel::WARNING);
}

#[test]
fn an_error_answers_the_questions_of_callers() {
    let error = |code| RemoteError::new(code, ErrorSource::TEST, "x");
    assert!(error(ErrorCode::NO_DOMAIN).is_not_found());
    assert!(error(ErrorCode::NO_STORAGE_VOL).is_not_found());
    assert!(!error(ErrorCode::NO_SUPPORT).is_not_found());
    assert!(error(ErrorCode::NO_SUPPORT).is_unsupported());
    assert!(RemoteError::unknown_procedure(457).is_unsupported());
    assert!(!RemoteError::undecodable_payload().is_unsupported());
    assert!(error(ErrorCode::OPERATION_INVALID).is_invalid_state());
    assert!(error(ErrorCode::AUTH_CANCELLED).is_denied());
    assert!(!error(ErrorCode::NO_DOMAIN).is_denied());
    assert!(error(ErrorCode::AGENT_UNRESPONSIVE).is_timeout());
}
