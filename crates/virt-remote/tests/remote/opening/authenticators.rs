//! Authenticators that a user brings along: credentials, a security layer, and the limits on both.

use std::error::Error;

use virt_remote::{
    AuthAction, AuthError, AuthType, Authenticator, ConnectGetHostnameRet, CredentialField,
    CredentialKind, Credentials, Opening, OpeningCall, PROGRAM, Phase, Procedure, Prompt,
    SecurityLayer, Step,
};
use virt_transport::{CallProcedure, ProgramId, ReplyError};

use super::{failed, opened, opening, plays};
use virt_testkit::wire;

/// `AUTH_SASL_START`, with a password as its only argument.
struct Start;

impl CallProcedure for Start {
    const PROGRAM: ProgramId = PROGRAM;
    const NUMBER: i32 = Procedure::AUTH_SASL_START.0;
    const NAME: &'static str = "AUTH_SASL_START";
    /// One string, with the limit of the protocol.
    type Args<'a> = ConnectGetHostnameRet<&'a str>;
    type Ret = i32;
}

/// Asks for a password, sends it, asks again if it is refused, and sets up a layer once a reply is not 0.
#[derive(Debug)]
struct Password {
    auth_type: AuthType,
    layer: bool,
}

impl Password {
    const SASL: Self = Self {
        auth_type: AuthType::SASL,
        layer: true,
    };

    fn ask() -> AuthAction {
        AuthAction::Ask(Prompt {
            mechanism: "TEST".to_owned(),
            fields: vec![CredentialField {
                kind: CredentialKind::Password,
                default: None,
            }],
        })
    }

    fn send(hostname: &str) -> Result<AuthAction, AuthError> {
        let args = ConnectGetHostnameRet { hostname };
        Ok(AuthAction::Call(OpeningCall::new::<Start>(&args)?))
    }
}

impl Authenticator for Password {
    fn auth_type(&self) -> AuthType {
        self.auth_type
    }

    fn start(&mut self) -> Result<AuthAction, AuthError> {
        Ok(Self::ask())
    }

    fn on_reply(&mut self, reply: Result<&[u8], ReplyError>) -> Result<AuthAction, AuthError> {
        match reply {
            Ok([0, 0, 0, 0]) => Self::send("more"),
            Ok(_) if self.layer => Ok(AuthAction::Done(Some(Box::new(Flip)))),
            Ok(_) => Ok(AuthAction::Done(None)),
            Err(ReplyError::Remote(_)) => Ok(Self::ask()),
            Err(error) => Err(error.into()),
        }
    }

    fn on_credentials(&mut self, credentials: Credentials) -> Result<AuthAction, AuthError> {
        let declined = || AuthError::mechanism("no password");
        Self::send(&credentials.password.ok_or_else(declined)?)
    }
}

/// Flips each bit, and cannot read zeros.
#[derive(Debug)]
struct Flip;

impl SecurityLayer for Flip {
    fn encode(&mut self, plain: &[u8], out: &mut Vec<u8>) {
        out.extend(plain.iter().map(|byte| !byte));
    }

    fn decode(
        &mut self,
        received: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        if received.contains(&0) {
            return Err("a zero".into());
        }
        out.extend(received.iter().map(|byte| !byte));
        Ok(())
    }
}

const SASL: &str = "> 00000042\n< 00000001 00000001";

fn sasl() -> Opening {
    let mut opening = opening().with_authenticator(Password::SASL);
    plays(&mut opening, SASL);
    opening
}

#[track_caller]
fn answers(opening: &mut Opening, password: &str) {
    match opening.poll().unwrap() {
        Step::Ask(prompt) => {
            assert_eq!(prompt.mechanism, "TEST");
            assert_eq!(prompt.fields[0].kind, CredentialKind::Password);
        }
        step => panic!("{step:?}"),
    }
    opening.on_credentials(Credentials {
        password: Some(password.to_owned()),
        ..Credentials::default()
    });
}

#[test]
fn a_password_is_asked_for_and_a_layer_set_up_before_the_next_call() {
    let mut opening = sasl();
    answers(&mut opening, "open");
    plays(&mut opening, "> 00000044 \"open\"\n< 00000001");
    assert_eq!(opening.phase(), Phase::Authenticate);
    let Step::Secure(mut layer) = opening.poll().unwrap() else {
        panic!("{opening:?}");
    };
    assert_eq!(opening.phase(), Phase::Negotiate);
    let (mut sent, mut received) = (Vec::new(), Vec::new());
    layer.encode(b"\x00\x0f", &mut sent);
    assert_eq!(sent, [0xff, 0xf0]);
    layer.decode(&sent, &mut received).unwrap();
    assert_eq!(received, [0x00, 0x0f]);
    assert_eq!(
        layer.decode(&[0], &mut received).unwrap_err().to_string(),
        "a zero"
    );
    plays(
        &mut opening,
        r#"
> 0000003c 0000000a
< 00000001
> 00000001 00000001 "test:///default" 00000000
<
"#,
    );
    assert_eq!(opened(&mut opening).authenticated_by, AuthType::SASL);
}

#[test]
fn no_result_is_due_before_the_layer_is_taken() {
    let mut opening = sasl();
    answers(&mut opening, "open");
    plays(&mut opening, "> 00000044 \"open\"\n< 00000001");
    opening.on_reply(Ok(wire("00000001")));
    // The layer is still handed out: what the daemon sends is protected from here on.
    assert!(matches!(opening.poll(), Ok(Step::Secure(_))));
    assert_eq!(
        failed(&mut opening).to_string(),
        "reply out of order, after CONNECT_SUPPORTS_FEATURE"
    );
}

#[test]
fn a_password_may_be_asked_for_again() {
    let mut opening = sasl();
    answers(&mut opening, "typo");
    plays(
        &mut opening,
        "> 00000044 \"typo\"\n! 45 authentication failed",
    );
    answers(&mut opening, "open");
    plays(
        &mut opening,
        "> 00000044 \"open\"\n< 00000000\n> 00000044 \"more\"\n< 00000001",
    );
    assert!(matches!(opening.poll(), Ok(Step::Secure(_))));
}

#[test]
fn a_password_that_is_declined_ends_it() {
    let mut opening = sasl();
    opening.on_credentials(Credentials::default());
    let error = failed(&mut opening);
    assert_eq!(
        error.to_string(),
        "daemon requires SASL authentication: no password"
    );
    assert_eq!(error.step(), "AUTH_LIST");
}

#[test]
fn a_password_over_the_limit_is_not_sent() {
    let mut opening = sasl();
    answers(&mut opening, &"x".repeat(4_194_305));
    let error = failed(&mut opening).to_string();
    assert!(
        error.starts_with("daemon requires SASL authentication: "),
        "{error}"
    );
    assert!(error.contains("4194304"), "{error}");
}

#[test]
fn a_reply_is_out_of_order_while_credentials_are_due() {
    let mut opening = sasl();
    opening.on_reply(Ok(wire("00000001")));
    assert_eq!(
        failed(&mut opening).to_string(),
        "reply out of order, after AUTH_LIST"
    );
}

#[test]
fn a_daemon_that_never_completes_is_given_up() {
    let mut opening = sasl();
    answers(&mut opening, "open");
    plays(&mut opening, "> 00000044 \"open\"");
    for _ in 1..32 {
        plays(&mut opening, "< 00000000\n> 00000044 \"more\"");
    }
    plays(&mut opening, "< 00000000");
    assert_eq!(
        failed(&mut opening).to_string(),
        "daemon requires SASL authentication: not complete after 32 calls"
    );
}

#[test]
fn an_authenticator_replaces_the_one_that_is_built_in() {
    let mut opening = opening().with_authenticator(Password {
        auth_type: AuthType::POLKIT,
        layer: false,
    });
    plays(&mut opening, "> 00000042\n< 00000001 00000002");
    answers(&mut opening, "open");
    plays(
        &mut opening,
        "> 00000044 \"open\"\n< 00000001\n> 0000003c 0000000a",
    );
}

#[test]
fn the_first_that_the_daemon_lists_is_taken() {
    let mut opening = opening().with_authenticator(Password::SASL);
    plays(
        &mut opening,
        "> 00000042\n< 00000002 00000002 00000001\n> 00000046",
    );
    let mut opening = super::opening().with_authenticator(Password::SASL);
    plays(&mut opening, "> 00000042\n< 00000002 00000001 00000002");
    assert!(matches!(opening.poll(), Ok(Step::Ask(_))));
}

#[test]
fn credentials_that_nobody_asked_for_are_refused() {
    /// Never asks.
    struct Silent;

    impl Authenticator for Silent {
        fn auth_type(&self) -> AuthType {
            AuthType::SASL
        }

        fn start(&mut self) -> Result<AuthAction, AuthError> {
            Err(AuthError::mechanism("cannot begin"))
        }

        fn on_reply(&mut self, _: Result<&[u8], ReplyError>) -> Result<AuthAction, AuthError> {
            Ok(AuthAction::Done(None))
        }
    }

    let error = Silent.on_credentials(Credentials::default()).unwrap_err();
    assert_eq!(error.to_string(), "no credentials were asked for");
    let mut opening = opening().with_authenticator(Silent);
    plays(&mut opening, SASL);
    assert_eq!(
        failed(&mut opening).to_string(),
        "daemon requires SASL authentication: cannot begin"
    );
}

#[test]
fn secrets_are_not_printed() {
    let mut opening = sasl();
    answers(&mut opening, "hunter2");
    let credentials = Credentials {
        authname: Some("me".to_owned()),
        password: Some("hunter2".to_owned()),
        ..Credentials::default()
    };
    assert_eq!(
        format!("{credentials:?}"),
        r#"Credentials { authname: Some("me"), username: None, password: Some(".."), realm: None }"#
    );
    let printed = format!("{opening:?}") + &format!("{:?}", opening.poll().unwrap());
    assert!(printed.contains("AUTH_SASL_START"), "{printed}");
    assert!(
        !printed.contains("hunter2") && !printed.contains("104, 117"),
        "{printed}"
    );
}

#[test]
fn a_person_is_asked_in_plain_words() {
    for (kind, words) in [
        (CredentialKind::Authname, "authentication name"),
        (CredentialKind::Username, "user name"),
        (CredentialKind::Password, "password"),
        (CredentialKind::Realm, "realm"),
    ] {
        assert_eq!(kind.to_string(), words);
    }
}
