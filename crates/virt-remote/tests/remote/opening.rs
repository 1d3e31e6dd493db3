//! The calls that open a connection, in their order, and the errors that end it.
//!
//! A transcript has a line for each call (`>`), with procedure and arguments, for each payload of a reply
//! (`<`), and for each error (`!`), with its code and text.

mod authenticators;
mod choices;
mod daemons;
mod properties;
mod refusals;

use virt_remote::{AuthType, OpenError, OpenOptions, Opened, Opening, Phase, Step};
use virt_testkit::hex;
use virt_testkit::wire;
use virt_transport::{ErrorCode, ErrorSource, RemoteError, ReplyError};

/// No authentication, keepalive, and a name.
const PLAIN: &str = r#"
> 00000042
< 00000001 00000000
> 0000003c 0000000a
< 00000001
> 00000001 00000001 "test:///default" 00000000
<
"#;

pub(crate) fn options() -> OpenOptions {
    OpenOptions {
        name: Some("test:///default".to_owned()),
        ..OpenOptions::default()
    }
}

pub(crate) fn opening() -> Opening {
    Opening::new(options())
}

/// Checks each call, and feeds back each reply and error.
#[track_caller]
pub(crate) fn plays(opening: &mut Opening, transcript: &str) {
    for line in transcript.lines().filter(|line| !line.is_empty()) {
        let (mark, rest) = line.split_at(1);
        match mark {
            ">" => assert_eq!(hex(&due(opening)), hex(&wire(rest)), "{line}"),
            "<" => opening.on_reply(Ok(wire(rest))),
            "!" => {
                let (code, text) = rest.trim().split_once(' ').unwrap();
                let code = ErrorCode(code.parse().unwrap());
                let error = RemoteError::new(code, ErrorSource::RPC, text);
                opening.on_reply(Err::<&[u8], _>(ReplyError::Remote(error)));
            }
            _ => panic!("{line}"),
        }
    }
}

/// The call that is due, as its procedure and its arguments.
#[track_caller]
fn due(opening: &mut Opening) -> Vec<u8> {
    match opening.poll().unwrap() {
        Step::Call(call) => [&call.procedure.to_be_bytes()[..], &call.args].concat(),
        step => panic!("{step:?}"),
    }
}

#[track_caller]
pub(crate) fn opened(opening: &mut Opening) -> Opened {
    match opening.poll().unwrap() {
        Step::Open(opened) => opened,
        step => panic!("{step:?}"),
    }
}

#[track_caller]
pub(crate) fn failed(opening: &mut Opening) -> OpenError {
    opening.poll().map(|step| format!("{step:?}")).unwrap_err()
}

#[test]
fn a_connection_opens_in_three_calls() {
    let mut opening = opening();
    plays(&mut opening, PLAIN);
    let opened = opened(&mut opening);
    assert_eq!(opened.authenticated_by, AuthType::NONE);
    assert!(opened.keepalive);
}

#[test]
fn a_phase_lasts_until_its_last_reply() {
    let mut opening = opening();
    let mut phases = vec![opening.phase()];
    for line in PLAIN.lines() {
        plays(&mut opening, line);
        phases.push(opening.phase());
    }
    phases.dedup();
    assert_eq!(
        phases,
        [
            Phase::Authenticate,
            Phase::Negotiate,
            Phase::Open,
            Phase::Done
        ]
    );
    assert!(phases.is_sorted());
    let names: Vec<String> = phases.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["authenticate", "negotiate", "open", "done"]);
}

#[test]
fn keepalive_is_known_once_it_was_asked_for() {
    let mut opening = opening();
    plays(
        &mut opening,
        "> 00000042\n< 00000001 00000000\n> 0000003c 0000000a",
    );
    assert!(!opening.keepalive());
    plays(&mut opening, "< 00000001");
    assert!(opening.keepalive());
    assert_eq!(opening.phase(), Phase::Open);
}

#[test]
fn a_step_stays_due_until_its_result_comes() {
    let mut opening = opening();
    for _ in 0..2 {
        assert_eq!(due(&mut opening), wire("00000042"));
    }
    plays(&mut opening, PLAIN);
    assert_eq!(opened(&mut opening), opened(&mut opening));
}

#[test]
fn calls_are_named_and_only_polkit_waits_for_a_person() {
    let mut opening = opening();
    let mut calls = Vec::new();
    for reply in ["00000001 00000002", "00000001", "00000001", ""] {
        let Step::Call(call) = opening.poll().unwrap() else {
            panic!("{opening:?}");
        };
        calls.push((call.name, call.interactive));
        opening.on_reply(Ok(wire(reply)));
    }
    assert_eq!(
        calls,
        [
            ("AUTH_LIST", false),
            ("AUTH_POLKIT", true),
            ("CONNECT_SUPPORTS_FEATURE", false),
            ("CONNECT_OPEN", false),
        ]
    );
}

#[test]
fn no_keepalive_is_asked_for_unless_it_is_wanted() {
    let mut opening = Opening::new(OpenOptions {
        keepalive: false,
        ..options()
    });
    plays(
        &mut opening,
        r#"
> 00000042
< 00000001 00000000
> 00000001 00000001 "test:///default" 00000000
<
"#,
    );
    assert!(!opened(&mut opening).keepalive);
}

#[test]
fn a_daemon_without_keepalive_is_opened_without() {
    for refusal in [
        "< 00000000",
        "! 39 unknown procedure: 60",
        "! 1 internal error: hypervisor connection not open",
    ] {
        let mut opening = opening();
        plays(
            &mut opening,
            &PLAIN.replace("\n< 00000001\n", &format!("\n{refusal}\n")),
        );
        assert!(!opened(&mut opening).keepalive, "{refusal}");
    }
}

#[test]
fn any_number_but_0_is_a_yes() {
    for yes in ["00000002", "ffffffff", "01000000"] {
        let mut opening = opening();
        plays(
            &mut opening,
            &PLAIN.replace("\n< 00000001\n", &format!("\n< {yes}\n")),
        );
        assert!(opened(&mut opening).keepalive, "{yes}");

        let mut opening = self::opening();
        let polkit = format!("> 00000042\n< 00000001 00000002\n> 00000046\n< {yes}");
        plays(&mut opening, &polkit);
        assert_eq!(opening.phase(), Phase::Negotiate, "{yes}");
    }
}

#[test]
fn name_and_flags_are_those_of_the_options() {
    for (name, read_only, args) in [
        (None, false, "00000000 00000000"),
        (None, true, "00000000 00000001"),
        (Some(""), false, "00000001 00000000 00000000"),
        (
            Some("qemu:///system"),
            true,
            r#"00000001 "qemu:///system" 00000001"#,
        ),
    ] {
        let mut opening = Opening::new(OpenOptions {
            name: name.map(str::to_owned),
            read_only,
            ..OpenOptions::default()
        });
        let transcript = PLAIN.replace(r#"00000001 "test:///default" 00000000"#, args);
        plays(&mut opening, &transcript);
        opened(&mut opening);
    }
}

#[test]
fn trailing_bytes_are_ignored() {
    let mut opening = opening();
    plays(
        &mut opening,
        r#"
> 00000042
< 00000001 00000002 ffffffff
> 00000046
< 00000001 00000000
> 0000003c 0000000a
< 00000001 ffffffff
> 00000001 00000001 "test:///default" 00000000
< 00000001 00000002 00000003
"#,
    );
    assert_eq!(opened(&mut opening).authenticated_by, AuthType::POLKIT);
}
