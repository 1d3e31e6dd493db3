//! The errors that end opening, each with the call that it came from.

use virt_remote::{AuthError, Credentials, OpenError, OpenOptions, Opening, Phase, Step};
use virt_transport::{ErrorCode, ReplyError, Status};

use super::{PLAIN, failed, opened, opening, options, plays};
use virt_testkit::wire;

const POLKIT: &str = "> 00000042\n< 00000001 00000002\n> 00000046\n";
const FEATURE: &str = "> 00000042\n< 00000000\n> 0000003c 0000000a\n";

#[test]
fn a_refusal_by_polkit_keeps_the_daemons_error() {
    for (code, text) in [
        (45, "authentication failed: access denied by policy"),
        (
            94,
            "authentication unavailable: no polkit agent available to authenticate action 'x'",
        ),
        (
            79,
            "authentication cancelled: user cancelled authentication process",
        ),
    ] {
        let mut opening = opening();
        plays(&mut opening, &format!("{POLKIT}! {code} {text}"));
        let error = failed(&mut opening);
        assert_eq!(
            error.to_string(),
            format!("daemon requires polkit authentication: {text}")
        );
        let OpenError::Authentication {
            step,
            offered,
            error,
        } = error
        else {
            panic!("{error:?}");
        };
        assert_eq!(
            (step, offered.to_string()),
            ("AUTH_POLKIT", "polkit".to_owned())
        );
        let AuthError::Reply(ReplyError::Remote(error)) = error else {
            panic!("{error:?}");
        };
        assert_eq!(error.code(), ErrorCode(code));
        assert_eq!(opening.phase(), Phase::Authenticate);
    }
}

#[test]
fn polkit_that_is_not_complete_is_a_failure() {
    let mut opening = opening();
    plays(&mut opening, &format!("{POLKIT}< 00000000"));
    let error = failed(&mut opening);
    assert_eq!(
        error.to_string(),
        "daemon requires polkit authentication: incomplete"
    );
    assert_eq!(error.step(), "AUTH_POLKIT");
}

#[test]
fn each_step_names_itself_in_its_error() {
    for (transcript, phase, text) in [
        (
            "! 39 authentication required".to_owned(),
            Phase::Authenticate,
            "AUTH_LIST: authentication required",
        ),
        (
            "! 1 unknown procedure: 66".to_owned(),
            Phase::Authenticate,
            "AUTH_LIST: unknown procedure: 66",
        ),
        (
            PLAIN.trim_end().trim_end_matches('<').to_owned()
                + "! 5 no connection driver available for x",
            Phase::Open,
            "CONNECT_OPEN: no connection driver available for x",
        ),
    ] {
        let mut opening = opening();
        plays(&mut opening, &transcript);
        assert_eq!(failed(&mut opening).to_string(), text);
        assert_eq!(opening.phase(), phase);
    }
}

#[test]
fn replies_that_do_not_decode_are_errors() {
    // 21 types, one over the limit.
    let long = format!("< 00000015 {}", "00000000 ".repeat(21));
    for (before, reply, text) in [
        ("", "<", "AUTH_LIST: reply does not decode"),
        (
            "",
            "< 00000002 00000002",
            "AUTH_LIST: reply does not decode",
        ),
        ("", long.as_str(), "AUTH_LIST: reply does not decode"),
        (
            POLKIT,
            "<",
            "daemon requires polkit authentication: reply does not decode",
        ),
        (
            FEATURE,
            "<",
            "CONNECT_SUPPORTS_FEATURE: reply does not decode",
        ),
    ] {
        let mut opening = opening();
        plays(&mut opening, &format!("{before}\n{reply}"));
        let error = failed(&mut opening).to_string();
        assert!(error.starts_with(text), "{error}");
    }
}

#[test]
fn a_reply_with_a_status_of_no_reply_is_an_error_at_each_step() {
    let error = || ReplyError::Status { status: Status(2) };
    for (before, text) in [
        ("", "AUTH_LIST: reply with status 2, must be 0 or 1"),
        (
            POLKIT,
            "daemon requires polkit authentication: reply with status 2, must be 0 or 1",
        ),
        (
            FEATURE,
            "CONNECT_SUPPORTS_FEATURE: reply with status 2, must be 0 or 1",
        ),
        (
            PLAIN.trim_end().trim_end_matches('<'),
            "CONNECT_OPEN: reply with status 2, must be 0 or 1",
        ),
    ] {
        let mut opening = opening();
        plays(&mut opening, before);
        opening.on_reply(Err::<&[u8], _>(error()));
        assert_eq!(failed(&mut opening).to_string(), text);
    }
}

#[test]
fn an_error_sticks_and_a_new_machine_may_try_again() {
    let mut opening = opening();
    plays(&mut opening, &format!("{POLKIT}! 45 denied"));
    let first = failed(&mut opening).to_string();
    opening.on_reply(Ok(wire("00000001")));
    opening.on_credentials(Credentials::default());
    assert_eq!(failed(&mut opening).to_string(), first);

    let mut again = Opening::new(options());
    plays(&mut again, PLAIN);
    opened(&mut again);
}

#[test]
fn a_name_over_the_limit_is_not_sent() {
    let mut opening = Opening::new(OpenOptions {
        name: Some("x".repeat(4_194_305)),
        ..options()
    });
    plays(
        &mut opening,
        "> 00000042\n< 00000000\n> 0000003c 0000000a\n< 00000001",
    );
    let error = failed(&mut opening);
    assert!(
        matches!(
            error,
            OpenError::Encode {
                step: "CONNECT_OPEN",
                ..
            }
        ),
        "{error:?}"
    );
    assert_eq!(opening.phase(), Phase::Open);
}

#[test]
fn results_out_of_order_are_errors() {
    let mut early = opening();
    early.on_credentials(Credentials::default());
    assert_eq!(
        failed(&mut early).to_string(),
        "credentials out of order, after AUTH_LIST"
    );

    let mut late = opening();
    plays(&mut late, PLAIN);
    assert!(matches!(late.poll(), Ok(Step::Open(_))));
    late.on_reply(Ok(wire("")));
    let error = failed(&mut late);
    assert_eq!(error.to_string(), "reply out of order, after CONNECT_OPEN");
    assert_eq!(error.step(), "CONNECT_OPEN");
}
