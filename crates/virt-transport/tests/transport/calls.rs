//! Calls and their replies, at both ends.

use virt_testkit::transport::{assert_sends, assert_silent, carry, drain_bytes};
use virt_testkit::wire;
use virt_transport::{
    Call, Calls, Context, ErrorCode, ErrorSource, Handle, Incoming, Program, ProgramId,
    RemoteError, ReplyError, Role, SendError, Transport,
};

use crate::support::{KEEPALIVE, REMOTE, Recorder, client, log, server};

/// Calls `procedure` without arguments, and returns the serial.
fn call(client: &mut Transport, handle: &Handle<Recorder>, procedure: i32) -> u32 {
    client
        .with(handle, |_, cx| cx.call(procedure, &()))
        .unwrap()
        .0
}

#[test]
fn a_call_carries_program_procedure_serial_and_arguments() {
    let (mut client, handle) = client();
    client.with(&handle, |_, cx| cx.call(60, &10)).unwrap();
    client
        .with(&handle, |_, cx| cx.call(1, &(Some("test:///default"))))
        .unwrap();
    assert_sends(
        &mut client,
        "00000020 20008086 00000001 0000003c 00000000 00000001 00000000 0000000a
         00000034 20008086 00000001 00000001 00000000 00000002 00000000
         00000001 0000000f 'test:///default' 00",
    );
    assert_eq!(client.waiting_calls(), 2);
}

#[test]
fn serials_count_up_from_one_and_are_shared_by_all_programs() {
    let (mut client, remote) = client();
    let other = client.register(Recorder::new(KEEPALIVE)).unwrap();
    assert_eq!(call(&mut client, &remote, 60), 1);
    assert_eq!(call(&mut client, &other, 60), 2);
    assert_eq!(call(&mut client, &remote, 60), 3);
}

#[test]
fn replies_find_their_calls_in_any_order() {
    let (mut client, handle) = client();
    for procedure in [60, 66, 59] {
        call(&mut client, &handle, procedure);
    }
    client
        .receive(&wire(
            "00000020 20008086 00000001 0000003b 00000001 00000003 00000000 00000003
             00000020 20008086 00000001 0000003c 00000001 00000001 00000000 00000001",
        ))
        .unwrap();
    assert_eq!(
        log(&mut client, &handle),
        [
            "reply to 59 serial 3: 00000003",
            "reply to 60 serial 1: 00000001"
        ]
    );
    assert_eq!(client.waiting_calls(), 1);
    client
        .receive(&wire(
            "0000001c 20008086 00000001 00000042 00000001 00000002 00000000",
        ))
        .unwrap();
    assert_eq!(log(&mut client, &handle), ["reply to 66 serial 2: "]);
    assert_eq!(client.waiting_calls(), 0);
}

#[test]
fn a_reply_goes_to_the_program_that_called() {
    let (mut client, remote) = client();
    let other = client.register(Recorder::new(KEEPALIVE)).unwrap();
    call(&mut client, &remote, 60);
    call(&mut client, &other, 60);
    client
        .receive(&wire(
            "0000001c 6b656570 00000001 0000003c 00000001 00000002 00000000",
        ))
        .unwrap();
    assert_eq!(log(&mut client, &remote), [""; 0]);
    assert_eq!(log(&mut client, &other), ["reply to 60 serial 2: "]);
}

#[test]
fn a_reply_of_another_procedure_fails_its_call_alone() {
    let (mut client, handle) = client();
    call(&mut client, &handle, 60);
    call(&mut client, &handle, 66);
    client
        .receive(&wire(
            "0000001c 20008086 00000001 0000003b 00000001 00000001 00000000",
        ))
        .unwrap();
    assert_eq!(
        log(&mut client, &handle),
        ["reply to 60 serial 1: error, reply of procedure 59 to a call of procedure 60"]
    );
    client
        .receive(&wire(
            "0000001c 20008086 00000001 00000042 00000001 00000002 00000000",
        ))
        .unwrap();
    assert_eq!(log(&mut client, &handle), ["reply to 66 serial 2: "]);
}

#[test]
fn a_reply_of_an_unknown_status_fails_its_call_alone() {
    let (mut client, handle) = client();
    for _ in 0..3 {
        call(&mut client, &handle, 60);
    }
    client
        .receive(&wire(
            "00000020 20008086 00000001 0000003c 00000001 00000001 00000002 00000001
             0000001c 20008086 00000001 0000003c 00000001 00000002 ffffffff
             0000001c 20008086 00000001 0000003c 00000001 00000003 00000000",
        ))
        .unwrap();
    assert_eq!(
        log(&mut client, &handle),
        [
            "reply to 60 serial 1: error, reply with status 2, must be 0 or 1",
            "reply to 60 serial 2: error, reply with status -1, must be 0 or 1",
            "reply to 60 serial 3: ",
        ]
    );
}

/// Returns the error that a client's call gets from this reply to serial 1.
fn error_of(reply: &str) -> ReplyError {
    error_of_reply(&wire(reply))
}

fn error_of_reply(reply: &[u8]) -> ReplyError {
    let mut client = Transport::new(Role::Client);
    let handle = client.register(Calls::new(REMOTE)).unwrap();
    client
        .with(&handle, |calls, cx| calls.call(cx, 60, &(), ()))
        .unwrap();
    client.receive(reply).unwrap();
    let incoming = client.with(&handle, |calls, _| calls.poll());
    let Some(Incoming::Reply { result, .. }) = incoming else {
        panic!("not a reply: {incoming:?}");
    };
    result.unwrap_err()
}

#[test]
fn an_error_reply_is_decoded_with_every_field() {
    let ReplyError::Remote(error) = error_of(
        "000000a4 20008086 00000001 0000003c 00000001 00000001 00000001
         0000002a 0000000c 00000001 00000003 'msg' 00 00000002
         00000001 00000006 'domain' 0000 01020304 05060708 090a0b0c 0d0e0f10 ffffffff
         00000001 00000002 's1' 0000 00000001 00000002 's2' 0000 00000001 00000002 's3' 0000
         00000007 fffffff9
         00000001 00000007 'network' 00 a1a2a3a4 a5a6a7a8 a9aaabac adaeafb0",
    ) else {
        panic!("not a remote error");
    };
    let payload = error.payload();
    assert_eq!(payload.code.0, 42);
    assert_eq!(payload.domain.0, 12);
    assert_eq!(payload.message.as_deref(), Some("msg"));
    assert_eq!(payload.level.0, 2);
    let domain = payload.domain_object.as_ref().unwrap();
    assert_eq!(domain.name, "domain");
    assert_eq!(
        domain.uuid,
        [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]
    );
    assert_eq!(domain.id, -1);
    assert_eq!(payload.str1.as_deref(), Some("s1"));
    assert_eq!(payload.str2.as_deref(), Some("s2"));
    assert_eq!(payload.str3.as_deref(), Some("s3"));
    assert_eq!(payload.int1, 7);
    assert_eq!(payload.int2, -7);
    let network = payload.network_object.as_ref().unwrap();
    assert_eq!(network.name, "network");
    assert_eq!(network.uuid[0], 0xa1);
    assert_eq!(network.uuid[15], 0xb0);

    assert_eq!(error.code(), payload.code);
    assert_eq!(error.source_domain(), payload.domain);
    assert_eq!(error.message(), "msg");
    assert_eq!(error.to_string(), "msg");
}

#[test]
fn an_error_reply_without_a_text_says_its_code() {
    let error = error_of(
        "00000048 20008086 00000001 0000003c 00000001 00000001 00000001
         00000001 00000007 00000000 00000002 00000000
         00000000 00000000 00000000 00000000 00000000 00000000",
    );
    assert_eq!(error.to_string(), "error code 1 without a message");
}

#[test]
fn an_error_reply_that_does_not_decode_fails_its_call_alone() {
    let error = error_of("00000020 20008086 00000001 0000003c 00000001 00000001 00000001 00000027");
    assert!(matches!(error, ReplyError::Payload(_)), "{error:?}");
    // An optional that is neither there nor not there.
    let error = error_of(
        "00000028 20008086 00000001 0000003c 00000001 00000001 00000001 00000027 00000007 00000002",
    );
    assert!(matches!(error, ReplyError::Payload(_)), "{error:?}");
}

#[test]
fn a_call_can_be_answered_later_and_in_any_order() {
    let (mut server, handle) = server();
    server
        .receive(&wire(
            "00000020 20008086 00000001 0000003c 00000000 00000005 00000000 0000000a
             0000001c 20008086 00000001 00000042 00000000 00000006 00000000",
        ))
        .unwrap();
    assert_eq!(
        log(&mut server, &handle),
        ["call 60 serial 5: 0000000a", "call 66 serial 6: "]
    );
    assert_silent(&mut server);

    server.with(&handle, |recorder, cx| {
        let second = recorder.calls.pop().unwrap();
        let first = recorder.calls.pop().unwrap();
        cx.reply(second, &()).unwrap();
        cx.reply_error(first, &RemoteError::authentication_required())
            .unwrap();
    });
    assert_sends(
        &mut server,
        "0000001c 20008086 00000001 00000042 00000001 00000006 00000000
         00000088 20008086 00000001 0000003c 00000001 00000005 00000001
         00000027 00000007 00000001 00000017 'authentication required' 00
         00000002 00000000 00000001 00000002 '%s' 0000
         00000001 00000017 'authentication required' 00
         00000000 ffffffff ffffffff 00000000",
    );
}

#[test]
fn each_end_may_choose_any_serial_and_it_is_repeated() {
    let (mut server, handle) = server();
    for serial in ["00000000", "ffffffff"] {
        server
            .receive(&wire(&format!(
                "0000001c 20008086 00000001 0000003c 00000000 {serial} 00000000"
            )))
            .unwrap();
        server
            .with(&handle, |recorder, cx| {
                cx.reply(recorder.calls.pop().unwrap(), &())
            })
            .unwrap();
        assert_sends(
            &mut server,
            &format!("0000001c 20008086 00000001 0000003c 00000001 {serial} 00000000"),
        );
    }
}

/// Answers every call, and then fails.
struct AnswersAndFails;

impl Program for AnswersAndFails {
    fn id(&self) -> ProgramId {
        REMOTE
    }

    fn on_call(&mut self, call: Call<'_>, cx: &mut Context<'_>) -> Result<(), RemoteError> {
        cx.reply(call.id, &1)?;
        Err(RemoteError::unknown_procedure(0))
    }
}

#[test]
fn a_handler_that_has_answered_and_then_fails_has_answered() {
    let mut server = Transport::new(Role::Server);
    server.register(AnswersAndFails).unwrap();
    server
        .receive(&wire(
            "0000001c 20008086 00000001 0000003c 00000000 00000005 00000000",
        ))
        .unwrap();
    assert_sends(
        &mut server,
        "00000020 20008086 00000001 0000003c 00000001 00000005 00000000 00000001",
    );
}

/// Answers with what cannot be encoded: more than a frame holds.
struct AnswersTooMuch;

impl Program for AnswersTooMuch {
    fn id(&self) -> ProgramId {
        REMOTE
    }

    fn on_call(&mut self, call: Call<'_>, cx: &mut Context<'_>) -> Result<(), RemoteError> {
        Ok(cx.reply(call.id, &vec![0u8; virt_xdr::PAYLOAD_MAX])?)
    }
}

#[test]
fn an_answer_that_cannot_be_sent_becomes_an_internal_error() {
    let mut server = Transport::new(Role::Server);
    server.register(AnswersTooMuch).unwrap();
    server
        .receive(&wire(
            "0000001c 20008086 00000001 0000003c 00000000 00000001 00000000",
        ))
        .unwrap();
    let ReplyError::Remote(error) = error_of_reply(&drain_bytes(&mut server)) else {
        panic!("not a remote error");
    };
    assert_eq!(error.code(), ErrorCode::INTERNAL_ERROR);
    assert_eq!(error.source_domain(), ErrorSource::RPC);
    assert_eq!(
        error.message(),
        "payload of 33554412 bytes is 4 over the limit of 33554408 (at byte 0)"
    );
}

/// Refuses every call with a text that no string of the protocol can hold.
struct RefusesAtLength;

impl Program for RefusesAtLength {
    fn id(&self) -> ProgramId {
        REMOTE
    }

    fn on_call(&mut self, _: Call<'_>, _: &mut Context<'_>) -> Result<(), RemoteError> {
        let text = "x".repeat(virt_xdr::STRING_MAX + 1);
        Err(RemoteError::new(ErrorCode::RPC, ErrorSource::RPC, text))
    }
}

#[test]
fn a_refusal_that_cannot_be_sent_becomes_an_internal_error() {
    let mut server = Transport::new(Role::Server);
    server.register(RefusesAtLength).unwrap();
    server
        .receive(&wire(
            "0000001c 20008086 00000001 0000003c 00000000 00000001 00000000",
        ))
        .unwrap();
    let error = error_of_reply(&drain_bytes(&mut server));
    let ReplyError::Remote(error) = error else {
        panic!("{error:?}");
    };
    assert_eq!(
        (error.code(), error.source_domain()),
        (ErrorCode::INTERNAL_ERROR, ErrorSource::RPC)
    );
    assert!(
        error
            .message()
            .contains("length 4194305 is 1 over the limit of 4194304"),
        "{error}"
    );
}

#[test]
fn a_server_may_not_call() {
    let (mut server, handle) = server();
    let refused = server.with(&handle, |_, cx| cx.call(60, &10));
    assert_eq!(refused, Err(SendError::NotClient));
    assert_eq!(refused.unwrap_err().to_string(), "a server may not call");
    let refused = server.with(&handle, |_, cx| cx.call_with_fds(60, &10, vec![]));
    assert_eq!(refused, Err(SendError::NotClient));
    assert_silent(&mut server);
    assert_eq!(server.waiting_calls(), 0);
}

#[test]
fn a_call_that_cannot_be_encoded_leaves_nothing_behind() {
    let (mut client, handle) = client();
    let too_long = vec![0u8; virt_xdr::PAYLOAD_MAX];
    let error = client
        .with(&handle, |_, cx| cx.call(60, &too_long))
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "payload of 33554412 bytes is 4 over the limit of 33554408 (at byte 0)"
    );
    assert_silent(&mut client);
    assert_eq!(client.waiting_calls(), 0);
    assert_eq!(client.counters().frames_sent, 0);

    // The greatest payload that there can be is sent.
    let greatest = vec![0u8; virt_xdr::PAYLOAD_MAX - 4];
    client
        .with(&handle, |_, cx| cx.call(60, &greatest))
        .unwrap();
    assert_eq!(client.queued(), virt_xdr::FRAME_MAX);
    assert_eq!(client.waiting_calls(), 1);
}

#[test]
fn two_ends_call_and_answer() {
    let (mut client, calls) = client();
    let (mut server, answers) = server();
    for feature in 0..3 {
        client.with(&calls, |_, cx| cx.call(60, &feature)).unwrap();
    }
    carry(&mut client, &mut server);
    assert_eq!(
        log(&mut server, &answers),
        [
            "call 60 serial 1: 00000000",
            "call 60 serial 2: 00000001",
            "call 60 serial 3: 00000002"
        ]
    );
    server.with(&answers, |recorder, cx| {
        while let Some(call) = recorder.calls.pop() {
            let serial = call.serial().0;
            cx.reply(call, &serial).unwrap();
        }
    });
    carry(&mut server, &mut client);
    assert_eq!(
        log(&mut client, &calls),
        [
            "reply to 60 serial 3: 00000003",
            "reply to 60 serial 2: 00000002",
            "reply to 60 serial 1: 00000001"
        ]
    );
}

#[test]
fn a_program_sends_messages_in_either_role() {
    for (mut transport, handle) in [client(), server()] {
        transport
            .with(&handle, |_, cx| cx.message(107, &42))
            .unwrap();
        assert_sends(
            &mut transport,
            "00000020 20008086 00000001 0000006b 00000002 00000000 00000000 0000002a",
        );
    }
}

#[test]
fn a_call_is_answered_by_its_own_program_on_its_own_connection_alone() {
    let call = "0000001c 20008086 00000001 0000003c 00000000 00000001 00000000";
    let (mut one, theirs) = server();
    let (mut other, ours) = server();
    for server in [&mut one, &mut other] {
        server.receive(&wire(call)).unwrap();
    }
    let mut taken = Vec::new();
    one.with(&theirs, |recorder, _| taken.append(&mut recorder.calls));
    let refused = other.with(&ours, |_, cx| cx.reply(taken.pop().unwrap(), &7));
    assert_eq!(
        refused.unwrap_err().to_string(),
        "call with serial 1 of procedure 60 was not received here by program 0x20008086 version 1"
    );
    assert_silent(&mut other);

    let keepalive = one.register(Recorder::new(KEEPALIVE)).unwrap();
    one.receive(&wire(call)).unwrap();
    one.with(&theirs, |recorder, _| taken.append(&mut recorder.calls));
    let refused = one.with(&keepalive, |_, cx| {
        cx.reply_error(
            taken.pop().unwrap(),
            &RemoteError::authentication_required(),
        )
    });
    assert!(matches!(
        refused,
        Err(SendError::ForeignCall {
            program: KEEPALIVE,
            ..
        })
    ));
    assert_silent(&mut one);
}
