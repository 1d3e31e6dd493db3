//! The gate that guards every program of a transport until one says that the client is authenticated.

use virt_testkit::transport::{assert_sends, drain_bytes};
use virt_testkit::wire;
use virt_testkit::words::{PING, PONG};
use virt_transport::{Call, Context, Program, ProgramId, RemoteError, Role, SendError, Transport};

use crate::support::{Guarded, Ponger, REMOTE};

const AUTHENTICATE: i32 = 7;
const OTHER: ProgramId = ProgramId::new(0x2000_4242, 1);

/// Has one procedure that authenticates, and one that needs it.
const GATEKEEPER: Guarded = Guarded {
    authenticate: AUTHENTICATE,
    on_call: |call, cx| match call.id.procedure() {
        AUTHENTICATE => {
            let right: bool = call.payload.decode()?;
            if right {
                assert!(!cx.is_authenticated());
                cx.set_authenticated();
                assert!(cx.is_authenticated());
            }
            Ok(cx.reply(call.id, &right)?)
        }
        60 => Ok(cx.reply(call.id, &1)?),
        unknown => Err(RemoteError::unknown_procedure(unknown)),
    },
};

/// Knows nothing of authentication, and answers every call with its program's number.
struct Unaware(ProgramId);

impl Program for Unaware {
    fn id(&self) -> ProgramId {
        self.0
    }

    fn on_call(&mut self, call: Call<'_>, cx: &mut Context<'_>) -> Result<(), RemoteError> {
        Ok(cx.reply(call.id, &self.0.number)?)
    }
}

fn guarded() -> Transport {
    let mut server = Transport::new(Role::Server);
    server.register(Unaware(OTHER)).unwrap();
    server.register(GATEKEEPER).unwrap();
    server.register(Ponger).unwrap();
    server
}

#[track_caller]
fn answers(server: &mut Transport, received: &str, answer: &str) {
    server.receive(&wire(received)).unwrap();
    assert_sends(server, answer);
}

/// The call is refused with this message.
#[track_caller]
fn refuses(server: &mut Transport, received: &str, message: &str) {
    server.receive(&wire(received)).unwrap();
    let answer = drain_bytes(server);
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    assert_eq!(answer[40..44], length);
    let text = std::str::from_utf8(&answer[44..44 + message.len()]).unwrap();
    assert_eq!(text, message);
}

const CALL_OTHER: &str = "0000001c 20004242 00000001 00000001 00000000 00000009 00000000";
const REPLY_OTHER: &str = "00000020 20004242 00000001 00000001 00000001 00000009 00000000 20004242";
const RIGHT: &str = "00000020 20008086 00000001 00000007 00000000 00000001 00000000 00000001";
const RIGHT_REPLY: &str = "00000020 20008086 00000001 00000007 00000001 00000001 00000000 00000001";
const WRONG: &str = "00000020 20008086 00000001 00000007 00000000 00000001 00000000 00000000";
const WRONG_REPLY: &str = "00000020 20008086 00000001 00000007 00000001 00000001 00000000 00000000";

#[test]
fn a_second_program_answers_only_after_authentication() {
    let refused = "00000088 20004242 00000001 00000001 00000001 00000009 00000001
         00000027 00000007 00000001 00000017 'authentication required' 00
         00000002 00000000 00000001 00000002 '%s' 0000
         00000001 00000017 'authentication required' 00
         00000000 ffffffff ffffffff 00000000";
    let mut server = guarded();
    answers(&mut server, CALL_OTHER, refused);
    // A failed attempt opens nothing.
    answers(&mut server, WRONG, WRONG_REPLY);
    answers(&mut server, CALL_OTHER, refused);
    answers(&mut server, RIGHT, RIGHT_REPLY);
    answers(&mut server, CALL_OTHER, REPLY_OTHER);
    answers(
        &mut server,
        "0000001c 20008086 00000001 0000003c 00000000 00000002 00000000",
        "00000020 20008086 00000001 0000003c 00000001 00000002 00000000 00000001",
    );
    assert_eq!(server.counters().frames_dropped, 0);
}

#[test]
fn a_call_behind_the_authenticating_one_in_the_same_read_is_answered() {
    let mut server = guarded();
    answers(
        &mut server,
        &[RIGHT, CALL_OTHER].concat(),
        &[RIGHT_REPLY, REPLY_OTHER].concat(),
    );
}

#[test]
fn pings_are_answered_meanwhile() {
    let mut server = guarded();
    answers(&mut server, PING, PONG);
    refuses(&mut server, CALL_OTHER, "authentication required");
    answers(&mut server, PING, PONG);
    answers(
        &mut server,
        &[WRONG, PING].concat(),
        &[WRONG_REPLY, PONG].concat(),
    );
}

#[test]
fn a_call_is_judged_by_program_then_status_then_procedure_then_authentication() {
    let mut server = guarded();
    // Each has everything wrong from one judgement on.
    refuses(
        &mut server,
        "0000001c 12345678 00000001 0000003d 00000000 00000009 00000001",
        "Cannot find program 305419896 version 1",
    );
    refuses(
        &mut server,
        "0000001c 20008086 00000002 0000003d 00000000 00000009 00000001",
        "Cannot find program 536903814 version 2",
    );
    refuses(
        &mut server,
        "0000001c 20008086 00000001 0000003d 00000000 00000009 00000001",
        "Unexpected message status 1",
    );
    refuses(
        &mut server,
        "0000001c 20008086 00000001 0000003d 00000000 00000009 00000000",
        "unknown procedure: 61",
    );
    refuses(
        &mut server,
        "0000001c 20008086 00000001 0000003c 00000000 00000009 00000000",
        "authentication required",
    );
    // Of a procedure that anyone may call, the payload is judged.
    refuses(
        &mut server,
        "0000001c 20008086 00000001 00000007 00000000 00000009 00000000",
        "Unable to decode message payload",
    );
}

#[test]
fn a_program_that_takes_no_calls_is_unknown_before_and_after() {
    let call = "0000001c 6b656570 00000001 00000001 00000000 00000009 00000001";
    let mut server = guarded();
    refuses(
        &mut server,
        call,
        "Cannot find program 1801807216 version 1",
    );
    answers(&mut server, RIGHT, RIGHT_REPLY);
    refuses(
        &mut server,
        call,
        "Cannot find program 1801807216 version 1",
    );
}

#[test]
fn a_transport_can_require_what_no_program_does() {
    let mut server = Transport::new(Role::Server).with_authentication();
    let handle = server.register(Unaware(OTHER)).unwrap();
    refuses(&mut server, CALL_OTHER, "authentication required");
    server.with(&handle, |_, cx| {
        assert!(!cx.is_authenticated());
        cx.set_authenticated();
    });
    answers(&mut server, CALL_OTHER, REPLY_OTHER);
}

#[test]
fn a_transport_that_requires_nothing_guards_nothing() {
    let mut server = Transport::new(Role::Server);
    let handle = server.register(Unaware(OTHER)).unwrap();
    assert!(server.with(&handle, |_, cx| cx.is_authenticated()));
    answers(&mut server, CALL_OTHER, REPLY_OTHER);
}

#[test]
fn a_program_that_is_refused_registration_guards_nothing() {
    let mut server = Transport::new(Role::Server);
    server.register(Unaware(REMOTE)).unwrap();
    server.register(GATEKEEPER).unwrap_err();
    answers(
        &mut server,
        "0000001c 20008086 00000001 00000001 00000000 00000009 00000000",
        "00000020 20008086 00000001 00000001 00000001 00000009 00000000 20008086",
    );
}

#[cfg(unix)]
#[test]
fn descriptors_of_a_refused_call_are_closed() {
    let mut server = Transport::new(Role::Server)
        .with_fds()
        .with_authentication();
    server.register(Unaware(OTHER)).unwrap();
    let (mut watching, fd) = crate::witness::Witness::new();
    let call = "00000020 20004242 00000001 00000001 00000004 00000009 00000000 00000001";
    server.receive(&wire(call)).unwrap();
    server.receive_fd(fd).unwrap();
    assert!(watching.is_closed());
    let answer = drain_bytes(&mut server);
    assert_eq!(&answer[44..67], b"authentication required");
}

#[test]
fn a_client_may_call_whether_authenticated_or_not() {
    let mut client = Transport::new(Role::Client).with_authentication();
    let handle = client.register(Unaware(OTHER)).unwrap();
    let call = client.with(&handle, |_, cx| cx.call(1, &()));
    assert_eq!(call.map(|serial| serial.0), Ok::<u32, SendError>(1));
    assert_sends(
        &mut client,
        "0000001c 20004242 00000001 00000001 00000000 00000001 00000000",
    );
}
