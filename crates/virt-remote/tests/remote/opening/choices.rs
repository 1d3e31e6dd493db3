//! The authentication that is chosen among those that a daemon lists.

use virt_remote::{AuthType, OpenOptions, Opening};

use super::{failed, opened, opening, options, plays};

/// The rest, once the client is authenticated.
const REST: &str = r#"
> 0000003c 0000000a
< 00000001
> 00000001 00000001 "test:///default" 00000000
<
"#;

fn requesting(auth: AuthType) -> Opening {
    Opening::new(OpenOptions {
        auth: Some(auth),
        ..options()
    })
}

#[test]
fn none_is_needed_if_none_is_listed() {
    for list in [
        "< 00000000",
        "< 00000001 00000000",
        "< 00000002 00000000 00000001",
        "< 00000003 00000001 00000002 00000000",
    ] {
        let mut opening = opening();
        plays(&mut opening, &["> 00000042", list, REST].join("\n"));
        assert_eq!(
            opened(&mut opening).authenticated_by,
            AuthType::NONE,
            "{list}"
        );
    }
}

#[test]
fn none_is_needed_if_the_daemon_does_not_know_the_question() {
    for error in [
        "! 39 unknown procedure: 66",
        "! 3 this function is not supported by the connection driver",
    ] {
        for mut opening in [opening(), requesting(AuthType::POLKIT)] {
            plays(&mut opening, &["> 00000042", error, REST].join("\n"));
            assert_eq!(
                opened(&mut opening).authenticated_by,
                AuthType::NONE,
                "{error}"
            );
        }
    }
}

#[test]
fn polkit_is_taken_where_it_is_listed() {
    for list in [
        "< 00000001 00000002",
        "< 00000002 00000001 00000002",
        "< 00000003 00000007 00000002 00000001",
    ] {
        let mut opening = opening();
        plays(
            &mut opening,
            &["> 00000042", list, "> 00000046\n< 00000001", REST].join("\n"),
        );
        assert_eq!(
            opened(&mut opening).authenticated_by,
            AuthType::POLKIT,
            "{list}"
        );
    }
}

#[test]
fn types_without_support_are_named() {
    for (list, text) in [
        (
            "00000001 00000001",
            "daemon requires SASL authentication, which is not supported",
        ),
        (
            "00000001 00000007",
            "daemon requires type 7 authentication, which is not supported",
        ),
        (
            "00000002 00000001 ffffffff",
            "daemon requires SASL or type -1 authentication, which is not supported",
        ),
    ] {
        let mut opening = opening();
        plays(&mut opening, &format!("> 00000042\n< {list}"));
        let error = failed(&mut opening);
        assert_eq!(error.to_string(), text);
        assert_eq!(error.step(), "AUTH_LIST");
    }
}

#[test]
fn a_type_that_is_requested_has_to_be_listed() {
    for (auth, list, text) in [
        (
            AuthType::POLKIT,
            "00000001 00000000",
            "the requested polkit authentication is not offered; the daemon offers none",
        ),
        (
            AuthType::POLKIT,
            "00000001 00000001",
            "the requested polkit authentication is not offered; the daemon offers SASL",
        ),
        (
            AuthType::SASL,
            "00000002 00000002 00000001",
            "the requested SASL authentication is not supported",
        ),
        (
            AuthType::NONE,
            "00000001 00000002",
            "the requested none authentication is not offered; the daemon offers polkit",
        ),
    ] {
        let mut opening = requesting(auth);
        plays(&mut opening, &format!("> 00000042\n< {list}"));
        assert_eq!(failed(&mut opening).to_string(), text);
    }
}

#[test]
fn a_type_that_is_requested_is_taken_before_others() {
    for (auth, call) in [
        (AuthType::POLKIT, "> 00000046\n< 00000001"),
        (AuthType::NONE, ""),
    ] {
        let mut opening = requesting(auth);
        let list = "> 00000042\n< 00000003 00000001 00000000 00000002";
        plays(&mut opening, &[list, call, REST].join("\n"));
        assert_eq!(opened(&mut opening).authenticated_by, auth);
    }
}
