//! A client's treatment of each frame: in the cases in which libvirt's C client closes, `receive` fails for good.

use virt_testkit::transport::{assert_sends, assert_silent, null};
use virt_testkit::wire;
use virt_testkit::words::{PING, PONG};
use virt_transport::{Handle, Need, ProgramError, ReceiveError, Transport};

use crate::support::{Ponger, Recorder, client, log};

/// A client that has called procedure 60 with serial 1, and can answer PINGs.
fn calling_client() -> (Transport, Handle<Recorder>) {
    let (mut client, handle) = client();
    client.register(Ponger).unwrap();
    let serial = client.with(&handle, |_, cx| cx.call(60, &10)).unwrap();
    assert_eq!(serial.0, 1);
    assert_sends(
        &mut client,
        "00000020 20008086 00000001 0000003c 00000000 00000001 00000000 0000000a",
    );
    (client, handle)
}

/// The bytes end the connection, with this error; PINGs around them are as if they had not been there.
#[track_caller]
fn closes(received: &str, text: &str) -> ReceiveError {
    let (mut client, handle) = calling_client();
    // The frame before the faulty one is handled, the frame behind it is not.
    let error = client
        .receive(&wire(&[PING, received, PING].concat()))
        .unwrap_err();
    assert_eq!(error.to_string(), text);
    assert_sends(&mut client, PONG);
    sticks(&mut client, text);
    assert_eq!(log(&mut client, &handle), [""; 0]);
    error
}

/// The connection has ended with this error, and nothing changes that.
#[track_caller]
fn sticks(client: &mut Transport, text: &str) {
    let before = client.counters();
    assert_eq!(client.need(), Need::Bytes(0));
    assert_eq!(client.buffered(), 0);
    assert_eq!(client.receive(&[]).unwrap_err().to_string(), text);
    assert_eq!(client.receive(&wire(PING)).unwrap_err().to_string(), text);
    client.space(28).copy_from_slice(&wire(PING));
    assert_eq!(client.commit(28).unwrap_err().to_string(), text);
    #[cfg(unix)]
    {
        let fd = null();
        assert_eq!(client.receive_fd(fd).unwrap_err().to_string(), text);
    }
    assert_eq!(client.need(), Need::Bytes(0));
    assert_eq!(client.buffered(), 0);
    assert_eq!(client.counters(), before, "nothing is received any more");
    assert_silent(client);
}

/// The frame is dropped, and the connection goes on: a PING is answered, and the reply arrives.
#[track_caller]
fn tolerates(received: &str) {
    let (mut client, handle) = calling_client();
    client.receive(&wire(received)).unwrap();
    assert_eq!(client.counters().frames_dropped, 1);
    assert_eq!(log(&mut client, &handle), [""; 0]);
    goes_on(&mut client, &handle);
}

#[track_caller]
fn goes_on(client: &mut Transport, handle: &Handle<Recorder>) {
    assert_silent(client);
    client.receive(&wire(PING)).unwrap();
    assert_sends(client, PONG);
    client
        .receive(&wire(
            "00000020 20008086 00000001 0000003c 00000001 00000001 00000000 00000001",
        ))
        .unwrap();
    assert_eq!(log(client, handle), ["reply to 60 serial 1: 00000001"]);
}

#[test]
fn a_message_of_an_unknown_program_closes() {
    let error = closes(
        "0000001c 12345678 00000001 00000005 00000002 00000000 00000000",
        "message of program 0x12345678 version 1, which is not registered",
    );
    assert!(
        matches!(error, ReceiveError::UnknownProgram { program } if program.number == 0x1234_5678)
    );
}

#[test]
fn a_message_of_an_unknown_version_closes() {
    closes(
        "0000001c 20008086 00000002 00000005 00000002 00000000 00000000",
        "message of program 0x20008086 version 2, which is not registered",
    );
    closes(
        "0000001c 6b656570 00000002 00000001 00000002 00000000 00000000",
        "message of program 0x6b656570 version 2, which is not registered",
    );
}

#[test]
fn a_call_closes() {
    let error = closes(
        "0000001c 20008086 00000001 0000003c 00000000 00000001 00000000",
        "call of procedure 60 of program 0x20008086 version 1 from a server, which may not call",
    );
    assert!(matches!(
        error,
        ReceiveError::UnexpectedCall { procedure: 60, .. }
    ));
    closes(
        "00000020 20008086 00000001 fffffffb 00000004 00000001 00000000 00000000",
        "call of procedure -5 of program 0x20008086 version 1 from a server, which may not call",
    );
    closes(
        "0000001c 12345678 00000001 0000003c 00000000 00000001 00000001",
        "call of procedure 60 of program 0x12345678 version 1 from a server, which may not call",
    );
    closes(
        "0000001c 6b656570 00000001 00000001 00000000 00000000 00000000",
        "call of procedure 1 of program 0x6b656570 version 1 from a server, which may not call",
    );
}

#[test]
fn an_unknown_type_closes() {
    let error = closes(
        "0000001c 20008086 00000001 0000003c 00000007 00000001 00000000",
        "frame of unknown type 7, must be 0 to 6",
    );
    assert!(matches!(error, ReceiveError::UnknownType { message_type } if message_type.0 == 7));
    closes(
        "0000001c 12345678 00000001 0000003c ffffffff 00000001 00000000",
        "frame of unknown type -1, must be 0 to 6",
    );
}

#[test]
fn a_reply_that_no_call_waits_for_closes() {
    let error = closes(
        "00000020 20008086 00000001 0000003c 00000001 00000002 00000000 00000001",
        "reply of program 0x20008086 version 1 with serial 2, which no call waits for",
    );
    assert!(matches!(error, ReceiveError::UnmatchedReply { serial, .. } if serial.0 == 2));
    closes(
        "0000001c 20008086 00000001 0000003c 00000001 00000000 00000000",
        "reply of program 0x20008086 version 1 with serial 0, which no call waits for",
    );
    // With the serial of the call, but of another program, version, and of one that is not there.
    closes(
        "0000001c 6b656570 00000001 0000003c 00000001 00000001 00000000",
        "reply of program 0x6b656570 version 1 with serial 1, which no call waits for",
    );
    closes(
        "0000001c 20008086 00000002 0000003c 00000001 00000001 00000000",
        "reply of program 0x20008086 version 2 with serial 1, which no call waits for",
    );
    closes(
        "0000001c 12345678 00000001 0000003c 00000001 00000001 00000000",
        "reply of program 0x12345678 version 1 with serial 1, which no call waits for",
    );
    closes(
        "00000020 20008086 00000001 0000003c 00000005 00000002 00000000 00000000",
        "reply of program 0x20008086 version 1 with serial 2, which no call waits for",
    );
}

#[test]
fn a_second_reply_to_one_call_closes() {
    let (mut client, handle) = calling_client();
    let reply = wire("00000020 20008086 00000001 0000003c 00000001 00000001 00000000 00000001");
    client.receive(&reply).unwrap();
    assert_eq!(
        log(&mut client, &handle),
        ["reply to 60 serial 1: 00000001"]
    );
    let text = "reply of program 0x20008086 version 1 with serial 1, which no call waits for";
    assert_eq!(client.receive(&reply).unwrap_err().to_string(), text);
    assert_eq!(log(&mut client, &handle), [""; 0]);
    sticks(&mut client, text);
}

#[test]
fn an_impossible_length_closes_as_soon_as_it_is_there() {
    for (length, number) in [
        ("00000000", "0"),
        ("00000003", "3"),
        ("0000001b", "27"),
        ("02000005", "33554437"),
        ("ffffffff", "4294967295"),
    ] {
        let text = format!("frame length {number} is outside 28 to 33554436");
        let error = closes(length, &text);
        assert!(matches!(error, ReceiveError::Frame(_)));

        let (mut client, _) = calling_client();
        let bytes = wire(length);
        client.receive(&bytes[..3]).unwrap();
        assert_eq!(client.need(), Need::Bytes(1));
        assert_eq!(client.receive(&bytes[3..]).unwrap_err().to_string(), text);
        sticks(&mut client, &text);
    }
}

#[test]
fn a_program_can_close() {
    let (mut client, handle) = calling_client();
    client.with(&handle, |recorder, _| {
        recorder.verdict = Err(ProgramError::close("no more of this"));
    });
    let text = "program 0x20008086 version 1: no more of this";
    let error = client
        .receive(&wire(
            "0000001c 20008086 00000001 00000005 00000002 00000000 00000000",
        ))
        .unwrap_err();
    assert_eq!(error.to_string(), text);
    assert!(
        matches!(error, ReceiveError::Program { program, .. } if program == crate::support::REMOTE)
    );
    assert_eq!(log(&mut client, &handle), ["message 5 serial 0 OK: "]);
    sticks(&mut client, text);
}

#[test]
fn a_stray_stream_or_hole_is_dropped() {
    tolerates("0000001f 20008086 00000001 0000003c 00000003 00000001 00000002 616263");
    tolerates("0000001c 20008086 00000001 0000003c 00000003 00000001 00000000");
    tolerates("0000001c 20008086 00000001 0000003c 00000003 00000001 00000001");
    tolerates(
        "00000028 20008086 00000001 0000003c 00000006 00000001 00000002 00000000 00001000 00000000",
    );
    // Of a program that is not there, too.
    tolerates("0000001c 12345678 00000001 0000003c 00000003 00000001 00000002");
    tolerates("0000001c 12345678 00000001 0000003c 00000006 00000001 00000002");
}

#[test]
fn an_unexpected_keepalive_message_is_dropped() {
    tolerates(PONG);
    tolerates("0000001c 6b656570 00000001 00000003 00000002 00000000 00000000");
    tolerates("0000001c 6b656570 00000001 ffffffff 00000002 00000000 00000000");
}

#[test]
fn a_ping_is_answered_whatever_its_serial_status_and_payload() {
    for ping in [
        PING,
        "0000001c 6b656570 00000001 00000001 00000002 00000009 00000000",
        "0000001c 6b656570 00000001 00000001 00000002 00000000 00000001",
        "00000020 6b656570 00000001 00000001 00000002 00000000 00000000 deadbeef",
    ] {
        let (mut client, handle) = calling_client();
        client.receive(&wire(ping)).unwrap();
        assert_sends(&mut client, PONG);
        goes_on(&mut client, &handle);
    }
}

#[test]
fn an_event_reaches_its_program_whatever_its_procedure_and_status() {
    let (mut client, handle) = calling_client();
    client
        .receive(&wire(
            "00000020 20008086 00000001 0000006b 00000002 00000000 00000000 0000002a
             0000001c 20008086 00000001 000f423f 00000002 00000000 00000000
             0000001c 20008086 00000001 0000006b 00000002 00000007 00000001
             0000001c 20008086 00000001 fffffffb 00000002 00000000 ffffffff",
        ))
        .unwrap();
    assert_eq!(
        log(&mut client, &handle),
        [
            "message 107 serial 0 OK: 0000002a",
            "message 999999 serial 0 OK: ",
            "message 107 serial 7 ERROR: ",
            "message -5 serial 0 Status(-1): ",
        ]
    );
    assert_eq!(client.counters().frames_dropped, 0);
    goes_on(&mut client, &handle);
}

#[test]
fn an_event_that_its_program_does_not_expect_or_cannot_decode_is_dropped() {
    let undecodable = virt_xdr::from_slice::<i32>(&[]).unwrap_err();
    for verdict in [ProgramError::Unexpected, ProgramError::from(undecodable)] {
        let (mut client, handle) = calling_client();
        client.with(&handle, |recorder, _| {
            recorder.verdict = Err(verdict.clone());
        });
        client
            .receive(&wire(
                "0000001c 20008086 00000001 000f423f 00000002 00000000 00000000",
            ))
            .unwrap();
        assert_eq!(log(&mut client, &handle), ["message 999999 serial 0 OK: "]);
        assert_eq!(client.counters().frames_dropped, 1);
        client.with(&handle, |recorder, _| recorder.verdict = Ok(()));
        goes_on(&mut client, &handle);
    }
}
