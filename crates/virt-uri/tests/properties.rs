//! Properties of every text: no panic, an equal URI after printing and parsing, and no password in
//! anything printed.

use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::string::string_regex;
use virt_uri::{Access, Environment, Uri};

/// Generates a part: text that needs no encoding, mixed with any characters, fully encoded.
fn encoded(unencoded: &'static str) -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        string_regex(unencoded).expect("a regular expression"),
        any::<char>()
            .prop_filter("no zero byte", |character| *character != '\0')
            .prop_map(|character| {
                character
                    .to_string()
                    .bytes()
                    .map(|byte| format!("%{byte:02x}"))
                    .collect()
            }),
    ];
    vec(piece, 0..4).prop_map(|pieces| pieces.concat())
}

fn parameter() -> impl Strategy<Value = String> {
    let known = select(vec![
        "name=test:///default",
        "socket=/s",
        "Mode=direct",
        "mode=legacy",
        "proxy=netcat",
        "no_tty=7",
        "NO_TTY=0",
        "keyfile=/a%20b",
        "command=c",
        "authfile=",
        "sshauth=agent,password",
        "pkipath",
        "socket=",
        "no_verify=x",
    ]);
    prop_oneof![
        known.prop_map(str::to_owned),
        (encoded("[a-z+%3d]{0,5}"), encoded("[a-z=+/?]{0,5}"))
            .prop_map(|(name, value)| format!("{name}={value}")),
    ]
}

/// Generates texts that are nearly always URIs.
fn likely() -> impl Strategy<Value = String> {
    let driver = select(vec!["test", "qemu", "remote", "a-1.b"]);
    let transport = select(vec!["", "", "", "+unix", "+TCP", "+tls", "+ssh", "+ext"]);
    let user = encoded("[a-z:;-]{0,5}").prop_map(|user| format!("{user}@"));
    let user = prop_oneof![Just(String::new()), user];
    let host = select(vec![
        "",
        "",
        "",
        "h.x",
        "[::1]",
        "[fe80::1%25e]:7",
        "[fe80::1%25ab]",
        "[fe80::1%lo]",
        "h:65535",
    ]);
    let path = encoded("[a-z:@/]{0,5}").prop_map(|path| format!("/{path}"));
    let known_path = select(vec!["/system", "/session", "/default", ""]).prop_map(str::to_owned);
    let path = prop_oneof![known_path, path];
    let query = vec(parameter(), 0..4).prop_map(|all| all.join("&"));
    let fragment = encoded("[a-z/?:]{0,5}").prop_map(|text| format!("#{text}"));
    let fragment = prop_oneof![Just(String::new()), fragment];
    (driver, transport, user, host, path, query, fragment).prop_map(
        |(driver, transport, user, host, path, query, fragment)| {
            format!("{driver}{transport}://{user}{host}{path}?{query}{fragment}")
        },
    )
}

/// Generates texts with the password `SECRET`, often broken in a part of their own.
fn with_password() -> impl Strategy<Value = String> {
    let start = select(vec![
        "test://",
        "qemu+ssh://",
        "qemu+tcp://",
        "qemu+udp://",
        "qemu:",
        "",
    ]);
    let password = select(vec![
        "SECRET",
        "SECRET:SECRET",
        "a%SECRET",
        "%ffSECRET",
        "SECRET[",
        "SECRET@SECRET",
    ]);
    let host = select(vec!["h", "h:x", "h h", "[::1]", "[::1", "h%zz", ""]);
    let end = select(vec![
        "",
        "/system",
        "/%zz",
        "/?mode=x",
        "/?socket=@s",
        "/#[",
        "x",
    ]);
    (start, password, host, end)
        .prop_map(|(start, password, host, end)| format!("{start}user:{password}@{host}{end}"))
}

fn parse(text: &str) -> Result<Uri, TestCaseError> {
    text.parse()
        .map_err(|error| TestCaseError::fail(format!("{text}: {error}")))
}

fn check(text: &str) -> Result<(), TestCaseError> {
    let Ok(uri) = text.parse::<Uri>() else {
        return Ok(());
    };
    let printed = uri.to_string();
    let again = parse(&printed)?;
    prop_assert_eq!(&again, &uri, "{} printed {}", text, printed);
    prop_assert_eq!(Uri::redact(&printed), printed.as_str());
    prop_assert_eq!(again.to_string(), printed);

    if uri.parameters().name.is_none() && uri.driver() != "remote" {
        let name = parse(&uri.name())?;
        prop_assert_eq!((name.driver(), name.path()), (uri.driver(), uri.path()));
        prop_assert_eq!(name.fragment(), uri.fragment());
        prop_assert_eq!((name.user(), name.host(), name.port()), (None, None, None));
        prop_assert_eq!(&name.parameters().other, &uri.parameters().other);
        prop_assert_eq!(name.name(), uri.name(), "a name is its own name");
    }
    let user = Environment {
        home: Some("/h".into()),
        ..Environment::default()
    };
    for environment in [
        Environment {
            root: true,
            ..user.clone()
        },
        user,
    ] {
        for access in [Access::ReadWrite, Access::ReadOnly] {
            for there in [true, false] {
                if let Ok(candidates) = uri.candidates(&environment, access, |_: &Path| there) {
                    prop_assert!((1..=2).contains(&candidates.len()));
                }
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn likely_uris_print_and_parse(text in likely()) {
        check(&text)?;
    }

    #[test]
    fn texts_of_syntax_characters(text in "(test|qemu)[a+:/?#&=;%@\\[\\]0-9.]{0,40}") {
        check(&text)?;
    }

    #[test]
    fn passwords_are_never_printed(text in with_password()) {
        const PASSWORD: &str = "SECRET";
        prop_assert!(text.contains(PASSWORD));
        prop_assert!(!Uri::redact(&text).contains(PASSWORD), "{} redacted", text);
        match text.parse::<Uri>() {
            Ok(uri) => {
                let candidates = uri.candidates(&Environment::default(), Access::ReadWrite, |_| true);
                let printed = format!("{uri} {uri:?} {} {candidates:?}", uri.name());
                prop_assert!(!printed.contains(PASSWORD), "{} printed {}", text, printed);
            }
            Err(error) => {
                let printed = format!("{error} {error:?}");
                prop_assert!(!printed.contains(PASSWORD), "{} printed {}", text, printed);
            }
        }
    }

    #[test]
    fn any_text(text in any::<String>()) {
        check(&text)?;
    }
}

#[test]
fn most_likely_uris_are_uris() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let valid = (0..1_000)
        .filter(|_| {
            likely()
                .new_tree(&mut runner)
                .unwrap()
                .current()
                .parse::<Uri>()
                .is_ok()
        })
        .count();
    assert!(
        valid > 500,
        "the properties are tested on {valid} of 1000 texts only"
    );
}
