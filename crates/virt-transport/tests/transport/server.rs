//! A server's treatment of each frame, word for word that of a libvirt 9.0 daemon.

use virt_testkit::transport::{assert_sends, assert_silent, drain_bytes};
use virt_testkit::wire;
use virt_testkit::words::{PING, PONG};
use virt_transport::{Need, RemoteError, Role, Transport};

use crate::support::{Guarded, Ponger};

const SUPPORTS_FEATURE: i32 = 60;
const AUTH_LIST: i32 = 66;

/// The part of the remote program that shows how a call is judged: procedure, authentication, payload.
const DAEMON: Guarded = Guarded {
    authenticate: AUTH_LIST,
    on_call: |call, cx| match call.id.procedure() {
        AUTH_LIST => {
            let () = call.payload.decode()?;
            cx.set_authenticated();
            Ok(cx.reply(call.id, &vec![0])?)
        }
        SUPPORTS_FEATURE => {
            let feature: i32 = call.payload.decode()?;
            Ok(cx.reply(call.id, &i32::from(feature == 10))?)
        }
        unknown => Err(RemoteError::unknown_procedure(unknown)),
    },
};

fn daemon() -> Transport {
    let mut transport = Transport::new(Role::Server).with_fds();
    transport.register(DAEMON).unwrap();
    transport.register(Ponger).unwrap();
    transport
}

/// A daemon whose client has sent `AUTH_LIST`, and so needs no more authentication.
fn authenticated_daemon() -> Transport {
    let mut transport = daemon();
    transport
        .receive(&wire(
            "0000001c 20008086 00000001 00000042 00000000 00000001 00000000",
        ))
        .unwrap();
    assert_sends(
        &mut transport,
        "00000024 20008086 00000001 00000042 00000001 00000001 00000000 00000001 00000000",
    );
    transport
}

/// The frame is answered with these bytes.
#[track_caller]
fn answers(transport: &mut Transport, received: &str, answer: &str) {
    let dropped = transport.counters().frames_dropped;
    transport.receive(&wire(received)).unwrap();
    assert_sends(transport, answer);
    assert_eq!(
        transport.counters().frames_dropped,
        dropped,
        "frames dropped"
    );
}

/// The frame is dropped, and the connection goes on: the next PING is answered.
#[track_caller]
fn drops(transport: &mut Transport, received: &str) {
    let dropped = transport.counters().frames_dropped;
    transport.receive(&wire(received)).unwrap();
    assert_silent(transport);
    assert_eq!(
        transport.counters().frames_dropped,
        dropped + 1,
        "frames dropped"
    );
    answers(transport, PING, PONG);
}

#[test]
fn a_ping_is_answered_whatever_its_serial_status_and_payload() {
    let mut daemon = daemon();
    answers(&mut daemon, PING, PONG);
    answers(
        &mut daemon,
        "0000001c 6b656570 00000001 00000001 00000002 00000009 00000000",
        PONG,
    );
    answers(
        &mut daemon,
        "0000001c 6b656570 00000001 00000001 00000002 00000000 00000001",
        PONG,
    );
    answers(
        &mut daemon,
        "0000001c 6b656570 00000001 00000001 00000002 00000000 00000002",
        PONG,
    );
    answers(
        &mut daemon,
        "0000001c 6b656570 00000001 00000001 00000002 00000000 ffffffff",
        PONG,
    );
    answers(
        &mut daemon,
        "00000020 6b656570 00000001 00000001 00000002 00000000 00000000 deadbeef",
        PONG,
    );
    answers(
        &mut daemon,
        "0000001d 6b656570 00000001 00000001 00000002 ffffffff 00000007 ff",
        PONG,
    );
}

#[test]
fn keepalive_messages_nobody_asked_for_are_dropped() {
    let mut daemon = daemon();
    drops(&mut daemon, PONG);
    drops(
        &mut daemon,
        "0000001c 6b656570 00000001 00000000 00000002 00000000 00000000",
    );
    drops(
        &mut daemon,
        "0000001c 6b656570 00000001 00000003 00000002 00000000 00000000",
    );
    drops(
        &mut daemon,
        "0000001c 6b656570 00000001 ffffffff 00000002 00000000 00000000",
    );
}

#[test]
fn keepalive_frames_that_are_no_messages_of_its_version_are_dropped() {
    let mut daemon = daemon();
    // A PING of versions 0 and 2.
    drops(
        &mut daemon,
        "0000001c 6b656570 00000000 00000001 00000002 00000000 00000000",
    );
    drops(
        &mut daemon,
        "0000001c 6b656570 00000002 00000001 00000002 00000000 00000000",
    );
    // A reply, a stream, a reply with descriptors, a hole.
    drops(
        &mut daemon,
        "0000001c 6b656570 00000001 00000001 00000001 00000000 00000000",
    );
    drops(
        &mut daemon,
        "0000001c 6b656570 00000001 00000001 00000003 00000000 00000002",
    );
    drops(
        &mut daemon,
        "0000001c 6b656570 00000001 00000001 00000005 00000000 00000000",
    );
    drops(
        &mut daemon,
        "0000001c 6b656570 00000001 00000001 00000006 00000000 00000002",
    );
}

#[test]
fn a_call_of_an_unknown_program_is_refused() {
    let mut daemon = daemon();
    answers(
        &mut daemon,
        "0000001c 12345678 00000001 00000005 00000000 00000009 00000000",
        "000000a8 12345678 00000001 00000005 00000001 00000009 00000001
         00000027 00000007 00000001 00000027 'Cannot find program 305419896 version 1' 00
         00000002 00000000 00000001 00000002 '%s' 0000
         00000001 00000027 'Cannot find program 305419896 version 1' 00
         00000000 ffffffff ffffffff 00000000",
    );
    // With descriptors: their count is read, the reply has none.
    answers(
        &mut daemon,
        "00000020 12345678 00000001 00000005 00000004 00000009 00000000 00000000",
        "000000a8 12345678 00000001 00000005 00000001 00000009 00000001
         00000027 00000007 00000001 00000027 'Cannot find program 305419896 version 1' 00
         00000002 00000000 00000001 00000002 '%s' 0000
         00000001 00000027 'Cannot find program 305419896 version 1' 00
         00000000 ffffffff ffffffff 00000000",
    );
}

#[test]
fn a_call_of_an_unknown_version_is_refused() {
    answers(
        &mut daemon(),
        "0000001c 20008086 00000002 00000042 00000000 0000000a 00000000",
        "000000a8 20008086 00000002 00000042 00000001 0000000a 00000001
         00000027 00000007 00000001 00000027 'Cannot find program 536903814 version 2' 00
         00000002 00000000 00000001 00000002 '%s' 0000
         00000001 00000027 'Cannot find program 536903814 version 2' 00
         00000000 ffffffff ffffffff 00000000",
    );
}

#[test]
fn number_and_version_of_an_unknown_program_are_printed_signed() {
    answers(
        &mut daemon(),
        "0000001c 92345678 ffffffff 00000005 00000000 00000009 00000000",
        "000000b0 92345678 ffffffff 00000005 00000001 00000009 00000001
         00000027 00000007 00000001 0000002a 'Cannot find program -1842063752 version -1' 0000
         00000002 00000000 00000001 00000002 '%s' 0000
         00000001 0000002a 'Cannot find program -1842063752 version -1' 0000
         00000000 ffffffff ffffffff 00000000",
    );
}

#[test]
fn a_call_of_keepalive_is_one_of_an_unknown_program_whatever_its_status() {
    let mut daemon = daemon();
    for status in ["00000000", "00000001", "ffffffff"] {
        answers(
            &mut daemon,
            &format!("0000001c 6b656570 00000001 00000001 00000000 00000009 {status}"),
            "000000a8 6b656570 00000001 00000001 00000001 00000009 00000001
             00000027 00000007 00000001 00000028 'Cannot find program 1801807216 version 1'
             00000002 00000000 00000001 00000002 '%s' 0000
             00000001 00000028 'Cannot find program 1801807216 version 1'
             00000000 ffffffff ffffffff 00000000",
        );
    }
    answers(
        &mut daemon,
        "00000020 6b656570 00000007 00000001 00000004 00000009 00000001 00000000",
        "000000a8 6b656570 00000007 00000001 00000001 00000009 00000001
         00000027 00000007 00000001 00000028 'Cannot find program 1801807216 version 7'
         00000002 00000000 00000001 00000002 '%s' 0000
         00000001 00000028 'Cannot find program 1801807216 version 7'
         00000000 ffffffff ffffffff 00000000",
    );
}

#[test]
fn other_frames_of_an_unknown_program_are_dropped() {
    let mut daemon = daemon();
    for message_type in [
        "00000001", "00000002", "00000003", "00000005", "00000006", "00000007", "ffffffff",
    ] {
        drops(
            &mut daemon,
            &format!("0000001c 12345678 00000001 00000005 {message_type} 00000009 00000000"),
        );
        drops(
            &mut daemon,
            &format!("0000001c 20008086 00000002 00000005 {message_type} 00000009 00000000"),
        );
    }
}

#[test]
fn frames_of_a_known_program_that_no_client_sends_are_dropped() {
    let mut daemon = authenticated_daemon();
    // A reply, a message, a stream and a hole of no open stream, a reply with descriptors, unknown types.
    drops(
        &mut daemon,
        "0000001c 20008086 00000001 0000003c 00000001 00000009 00000000",
    );
    drops(
        &mut daemon,
        "0000001c 20008086 00000001 0000003c 00000002 00000000 00000000",
    );
    drops(
        &mut daemon,
        "0000001f 20008086 00000001 0000003c 00000003 00000009 00000002 616263",
    );
    drops(
        &mut daemon,
        "00000028 20008086 00000001 0000003c 00000006 00000009 00000002 00000000 00001000 00000000",
    );
    drops(
        &mut daemon,
        "0000001c 20008086 00000001 0000003c 00000005 00000009 00000000",
    );
    drops(
        &mut daemon,
        "0000001c 20008086 00000001 0000003c 00000007 00000009 00000000",
    );
    drops(
        &mut daemon,
        "0000001c 20008086 00000001 0000003c ffffffff 00000009 00000000",
    );
}

#[test]
fn a_call_with_a_status_other_than_ok_is_refused() {
    let mut daemon = authenticated_daemon();
    answers(
        &mut daemon,
        "00000020 20008086 00000001 0000003c 00000000 00000009 00000001 0000000a",
        "00000090 20008086 00000001 0000003c 00000001 00000009 00000001
         00000027 00000007 00000001 0000001b 556e6578 70656374 6564206d 65737361 67652073 74617475 73203100
         00000002 00000000 00000001 00000002 25730000
         00000001 0000001b 556e6578 70656374 6564206d 65737361 67652073 74617475 73203100
         00000000 ffffffff ffffffff 00000000",
    );
    answers(
        &mut daemon,
        "00000020 20008086 00000001 0000003c 00000000 0000000a 00000002 0000000a",
        "00000090 20008086 00000001 0000003c 00000001 0000000a 00000001
         00000027 00000007 00000001 0000001b 'Unexpected message status 2' 00
         00000002 00000000 00000001 00000002 '%s' 0000
         00000001 0000001b 'Unexpected message status 2' 00
         00000000 ffffffff ffffffff 00000000",
    );
    // The status is printed unsigned.
    answers(
        &mut daemon,
        "00000020 20008086 00000001 0000003c 00000000 0000000b ffffffff 0000000a",
        "000000a0 20008086 00000001 0000003c 00000001 0000000b 00000001
         00000027 00000007 00000001 00000024 'Unexpected message status 4294967295'
         00000002 00000000 00000001 00000002 '%s' 0000
         00000001 00000024 'Unexpected message status 4294967295'
         00000000 ffffffff ffffffff 00000000",
    );
}

#[test]
fn a_call_of_an_unknown_procedure_is_refused() {
    let mut daemon = daemon();
    answers(
        &mut daemon,
        "0000001c 20008086 00000001 000f423f 00000000 00000009 00000000",
        "00000090 20008086 00000001 000f423f 00000001 00000009 00000001
         00000027 00000007 00000001 00000019 756e6b6e 6f776e20 70726f63 65647572 653a2039 39393939 39000000
         00000002 00000000 00000001 00000002 25730000
         00000001 00000019 756e6b6e 6f776e20 70726f63 65647572 653a2039 39393939 39000000
         00000000 ffffffff ffffffff 00000000",
    );
    // The procedure is printed signed.
    answers(
        &mut daemon,
        "0000001c 20008086 00000001 fffffffb 00000000 00000009 00000000",
        "00000088 20008086 00000001 fffffffb 00000001 00000009 00000001
         00000027 00000007 00000001 00000015 'unknown procedure: -5' 000000
         00000002 00000000 00000001 00000002 '%s' 0000
         00000001 00000015 'unknown procedure: -5' 000000
         00000000 ffffffff ffffffff 00000000",
    );
}

#[test]
fn a_call_that_needs_authentication_first_is_refused() {
    let refused = "00000088 20008086 00000001 0000003c 00000001 00000009 00000001
         00000027 00000007 00000001 00000017 61757468 656e7469 63617469 6f6e2072 65717569 72656400
         00000002 00000000 00000001 00000002 25730000
         00000001 00000017 61757468 656e7469 63617469 6f6e2072 65717569 72656400
         00000000 ffffffff ffffffff 00000000";
    let mut daemon = daemon();
    answers(
        &mut daemon,
        "00000020 20008086 00000001 0000003c 00000000 00000009 00000000 0000000a",
        refused,
    );
    answers(
        &mut daemon,
        "00000024 20008086 00000001 0000003c 00000004 00000009 00000000 00000000 0000000a",
        refused,
    );
}

#[test]
fn a_payload_that_does_not_decode_is_refused() {
    answers(
        &mut authenticated_daemon(),
        "0000001c 20008086 00000001 0000003c 00000000 00000009 00000000",
        "00000098 20008086 00000001 0000003c 00000001 00000009 00000001
         00000027 00000007 00000001 00000020 556e6162 6c652074 6f206465 636f6465 206d6573 73616765 20706179 6c6f6164
         00000002 00000000 00000001 00000002 25730000
         00000001 00000020 556e6162 6c652074 6f206465 636f6465 206d6573 73616765 20706179 6c6f6164
         00000000 ffffffff ffffffff 00000000",
    );
}

/// A daemon ignores the trailing word; RFC 4506 has no room for it, and strict decoding refuses it.
#[test]
fn a_payload_that_goes_on_behind_the_arguments_is_refused() {
    answers(
        &mut authenticated_daemon(),
        "00000024 20008086 00000001 0000003c 00000000 00000009 00000000 0000000a 00000000",
        "00000098 20008086 00000001 0000003c 00000001 00000009 00000001
         00000027 00000007 00000001 00000020 'Unable to decode message payload'
         00000002 00000000 00000001 00000002 '%s' 0000
         00000001 00000020 'Unable to decode message payload'
         00000000 ffffffff ffffffff 00000000",
    );
}

#[test]
fn a_call_that_is_all_right_is_answered() {
    let mut daemon = authenticated_daemon();
    answers(
        &mut daemon,
        "00000020 20008086 00000001 0000003c 00000000 00000009 00000000 0000000a",
        "00000020 20008086 00000001 0000003c 00000001 00000009 00000000 00000001",
    );
    // A call that has descriptors, but none: the reply has none either, and is of type 1.
    answers(
        &mut daemon,
        "00000024 20008086 00000001 0000003c 00000004 0000000a 00000000 00000000 0000000b",
        "00000020 20008086 00000001 0000003c 00000001 0000000a 00000000 00000000",
    );
}

/// Each call has everything wrong from one judgement on; the first of them is what the reply names.
#[test]
fn a_call_is_judged_by_program_then_status_then_procedure_then_authentication_then_payload() {
    #[track_caller]
    fn refused(transport: &mut Transport, received: &str, message: &str) {
        transport.receive(&wire(received)).unwrap();
        let answer = drain_bytes(transport);
        let message = message.as_bytes();
        assert_eq!(&answer[44..44 + message.len()], message);
    }
    let mut daemon = daemon();
    refused(
        &mut daemon,
        "0000001c 12345678 00000001 000f423f 00000000 00000009 00000001",
        "Cannot find program 305419896 version 1",
    );
    refused(
        &mut daemon,
        "0000001c 20008086 00000001 000f423f 00000000 00000009 00000001",
        "Unexpected message status 1",
    );
    refused(
        &mut daemon,
        "0000001c 20008086 00000001 000f423f 00000000 00000009 00000000",
        "unknown procedure: 999999",
    );
    refused(
        &mut daemon,
        "0000001c 20008086 00000001 0000003c 00000000 00000009 00000000",
        "authentication required",
    );
    refused(
        &mut daemon,
        "00000020 20008086 00000001 00000042 00000000 00000009 00000000 00000000",
        "Unable to decode message payload",
    );
}

#[test]
fn an_impossible_length_ends_the_connection_without_a_reply() {
    for length in [
        "00000000", "00000003", "00000004", "0000001b", "02000005", "80000000", "ffffffff",
    ] {
        let mut daemon = daemon();
        let error = daemon.receive(&wire(length)).unwrap_err();
        let number = u32::from_str_radix(length, 16).unwrap();
        assert_eq!(
            error.to_string(),
            format!("frame length {number} is outside 28 to 33554436")
        );
        assert_silent(&mut daemon);
        assert_eq!(daemon.need(), Need::Bytes(0));
    }
}

#[test]
fn the_greatest_frame_is_accepted() {
    let mut daemon = daemon();
    let mut ping = wire("02000004 6b656570 00000001 00000001 00000002 00000000 00000000");
    ping.resize(33_554_436, 0xa5);
    daemon.receive(&ping).unwrap();
    assert_sends(&mut daemon, PONG);
    assert_eq!(daemon.buffered(), 0);
}

#[test]
fn many_frames_at_once_are_answered_in_order() {
    let mut daemon = authenticated_daemon();
    let call = "00000020 20008086 00000001 0000003c 00000000 00000002 00000000 0000000a";
    let reply = "00000020 20008086 00000001 0000003c 00000001 00000002 00000000 00000001";
    daemon
        .receive(&wire(&[PING, call, PING, PING, call].concat()))
        .unwrap();
    assert_sends(&mut daemon, &[PONG, reply, PONG, PONG, reply].concat());
}
