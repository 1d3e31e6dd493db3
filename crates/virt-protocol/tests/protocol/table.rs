//! The table of procedures: complete, and in agreement with the types.

use virt_protocol::remote::{ConnectGetAllDomainStatsRet, Domain, DomainStatsRecord};
use virt_protocol::table::{self, Kind, ShowError, StreamDirection};
use virt_protocol::{TypedParams, Uuid, remote};
use virt_xdr::to_vec;

#[test]
fn every_program_has_all_its_procedures() {
    let counts: Vec<_> = table::programs()
        .map(|(_, name, procedures)| (name, procedures.len()))
        .collect();
    assert_eq!(
        counts,
        [("remote", 456), ("qemu", 7), ("lxc", 1), ("admin", 20)]
    );
}

/// Names, numbers, kinds, streams, descriptors and versions of all procedures as one number, so that none changes unseen.
#[test]
fn the_facts_of_all_procedures_are_known() {
    let facts = table::programs().flat_map(|(id, name, procedures)| {
        procedures.iter().map(move |procedure| {
            format!(
                "{name} {id:?} {} {} {:?} {:?} {} {} {} {}\n",
                procedure.number,
                procedure.name,
                procedure.kind,
                procedure.stream,
                procedure.is_sparse,
                procedure.takes_fds,
                procedure.returns_fds,
                procedure.since,
            )
        })
    });
    let digest = facts
        .collect::<String>()
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    assert_eq!(format!("{digest:016x}"), "ad342f02d4c304bb");
}

#[test]
fn a_procedure_has_its_attributes() {
    let download = table::procedure(remote::PROGRAM, 209).unwrap();
    assert_eq!(download.name, "STORAGE_VOL_DOWNLOAD");
    assert_eq!(download.stream, Some(StreamDirection::Read));
    assert!(download.is_sparse);
    let console = table::procedure(remote::PROGRAM, 201).unwrap();
    assert_eq!(console.stream, Some(StreamDirection::Both));
    let event = table::procedure(remote::PROGRAM, 318).unwrap();
    assert_eq!(
        (event.name, event.kind),
        ("DOMAIN_EVENT_CALLBACK_LIFECYCLE", Kind::Message)
    );
    let newest = table::procedure(remote::PROGRAM, 456).unwrap();
    assert_eq!(newest.since, "12.5.0");
    assert!(table::procedure(remote::PROGRAM, 457).is_none());
}

#[test]
fn a_payload_is_shown_as_its_type_would_be() {
    let stats = ConnectGetAllDomainStatsRet {
        ret_stats: vec![DomainStatsRecord {
            dom: Domain {
                name: "web\u{202e}1".to_owned(),
                uuid: Uuid([0; 16]),
                id: 4,
            },
            params: TypedParams::new()
                .with("state.state", 1)
                .with("cpu.time", 7_u64),
        }],
    };
    let payload = to_vec(&stats).unwrap();
    let procedure = table::procedure(remote::PROGRAM, 344).unwrap();
    let shown = procedure.result(&payload).unwrap();
    assert_eq!(
        shown.to_string(),
        r#"{retStats: [{dom: {name: "web\u{202e}1", uuid: 00000000-0000-0000-0000-000000000000, id: 4}, params: [{field: "state.state", value: 1}, {field: "cpu.time", value: 7}]}]}"#
    );
    for end in 0..payload.len() {
        assert!(
            procedure.result(&payload[..end]).is_err(),
            "cut after {end} bytes"
        );
    }
}

#[test]
fn enums_and_flags_are_shown_by_name() {
    let procedure = table::procedure(remote::PROGRAM, 212).unwrap();
    let shown = |payload: &[u8]| procedure.result(payload).unwrap().to_string();
    assert_eq!(
        shown(b"\0\0\0\x01\0\0\0\x05"),
        "{state: RUNNING, reason: 5}"
    );
    assert_eq!(shown(b"\0\0\0\x63\0\0\0\x05"), "{state: 99, reason: 5}");
    let list = table::procedure(remote::PROGRAM, 273).unwrap();
    let shown = list
        .arguments(b"\0\0\0\x01\x80\0\0\x03")
        .unwrap()
        .to_string();
    assert_eq!(
        shown,
        "{need_results: true, flags: ACTIVE|INACTIVE|0x80000000}"
    );
}

#[test]
fn an_announced_number_takes_no_memory() {
    let procedure = table::procedure(remote::PROGRAM, 273).unwrap();
    let error = procedure.result(b"\0\0\x40\0").unwrap_err();
    assert!(matches!(error, ShowError::Decode(_)), "{error}");
    let error = procedure.result(b"\0\0\x40\x01").unwrap_err();
    assert!(
        error
            .to_string()
            .contains("16385 is 1 over the limit of 16384"),
        "{error}"
    );
}

#[test]
fn errors_and_holes_are_shown() {
    assert_eq!(
        table::hole(b"\0\0\0\0\0\0\x10\0\0\0\0\0")
            .unwrap()
            .to_string(),
        "{length: 4096, flags: 0}"
    );
    let error = virt_transport::RemoteError::unknown_procedure(7);
    let shown = table::error(&to_vec(&error).unwrap()).unwrap();
    assert_eq!(shown.field("code").unwrap().to_string(), "RPC");
    assert_eq!(
        shown.field("message").unwrap().to_string(),
        r#""unknown procedure: 7""#
    );
}
