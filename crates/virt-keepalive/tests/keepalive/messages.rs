//! The program's treatment of each frame that a peer may send.

use virt_testkit::words::{PING, PONG};
use virt_transport::Role;

use crate::support::{End, NOTHING, ROLES, receive};

#[test]
fn a_ping_is_answered_plainly_whatever_is_odd_about_it() {
    for odd in [
        // serial
        "0000001c 6b656570 00000001 00000001 00000002 00000007 00000000",
        "0000001c 6b656570 00000001 00000001 00000002 ffffffff 00000000",
        // status: error, continue, and what there is not
        "0000001c 6b656570 00000001 00000001 00000002 00000000 00000001",
        "0000001c 6b656570 00000001 00000001 00000002 00000000 00000002",
        "0000001c 6b656570 00000001 00000001 00000002 00000000 00000007",
        "0000001c 6b656570 00000001 00000001 00000002 00000000 ffffffff",
        // payload
        "00000020 6b656570 00000001 00000001 00000002 00000000 00000000 deadbeef",
        "0000002c 6b656570 00000001 00000001 00000002 00000000 00000000
         00000001 00000002 00000003 00000004",
        // all of it
        "00000020 6b656570 00000001 00000001 00000002 12345678 00000001 ffffffff",
    ] {
        for role in ROLES {
            let mut end = End::new(role);
            end.receive(odd);
            end.shows(-1, PONG, &["on_ping"]);
        }
    }
}

#[test]
fn a_pong_counts_whatever_is_odd_about_it() {
    for odd in [
        "0000001c 6b656570 00000001 00000002 00000002 00000007 00000000",
        "0000001c 6b656570 00000001 00000002 00000002 00000000 00000001",
        "0000001c 6b656570 00000001 00000002 00000002 00000000 ffffffff",
        "00000020 6b656570 00000001 00000002 00000002 00000000 00000000 deadbeef",
    ] {
        for role in ROLES {
            let mut end = End::new(role);
            end.receive(odd);
            end.shows(0, NOTHING, &["on_ack"]);
        }
    }
}

#[test]
fn a_pong_that_nobody_asked_for_is_taken_in_silence() {
    for role in ROLES {
        let mut end = End::new(role);
        end.receive(PONG);
        end.shows(0, NOTHING, &["on_ack"]);
        end.receive(&[PONG, PONG].join(" "));
        end.shows(0, NOTHING, &["on_ack", "on_ack"]);
    }
}

#[test]
fn an_unknown_procedure_is_taken_in_silence() {
    for unknown in [
        "0000001c 6b656570 00000001 00000000 00000002 00000000 00000000",
        "0000001c 6b656570 00000001 00000003 00000002 00000000 00000000",
        "0000001c 6b656570 00000001 ffffffff 00000002 00000000 00000000",
        "0000001c 6b656570 00000001 80000000 00000002 00000000 00000000",
        "00000020 6b656570 00000001 7fffffff 00000002 00000000 00000000 deadbeef",
    ] {
        for role in ROLES {
            let mut end = End::new(role);
            end.receive(unknown);
            end.shows(-1, NOTHING, &[]);
            assert_eq!(end.transport.counters().frames_dropped, 0);
        }
    }
}

#[test]
fn messages_that_arrive_together_are_answered_one_by_one() {
    for role in ROLES {
        let mut end = End::new(role);
        end.receive(&[PING, PONG, PING, PING].join(" "));
        end.shows(
            -1,
            &[PONG; 3].join(" "),
            &["on_ping", "on_ack", "on_ping", "on_ping"],
        );
    }
}

#[test]
fn a_message_that_arrives_in_parts_is_answered_once_it_is_whole() {
    for role in ROLES {
        let mut end = End::new(role);
        for part in PING.split(' ') {
            end.shows(0, NOTHING, &[]);
            end.receive(part);
        }
        end.shows(-1, PONG, &["on_ping"]);
    }
}

/// libvirt's program takes no calls, and its daemon says so as if there were no such program: it looks at
/// neither procedure nor status.
#[test]
fn a_server_refuses_a_call_of_the_program() {
    for (call, head) in [
        (
            "0000001c 6b656570 00000001 00000001 00000000 00000009 00000000",
            "000000a8 6b656570 00000001 00000001 00000001 00000009 00000001",
        ),
        (
            "0000001c 6b656570 00000001 00000002 00000000 00000000 00000001",
            "000000a8 6b656570 00000001 00000002 00000001 00000000 00000001",
        ),
        // with a count of descriptors, which is 0
        (
            "00000020 6b656570 00000001 00000007 00000004 00000001 00000000 00000000",
            "000000a8 6b656570 00000001 00000007 00000001 00000001 00000001",
        ),
    ] {
        let mut server = End::new(Role::Server);
        server.receive(call);
        server.shows(0, &format!("{head} {CANNOT_FIND_PROGRAM}"), &[]);
        server.receive(PING);
        server.shows(-1, PONG, &["on_ping"]);
    }
}

#[test]
fn the_refusal_names_the_program_in_decimal() {
    let message: Vec<u8> = CANNOT_FIND_PROGRAM
        .split(' ')
        .skip(4)
        .take(10)
        .flat_map(|word| u32::from_str_radix(word, 16).unwrap().to_be_bytes())
        .collect();
    assert_eq!(message, b"Cannot find program 1801807216 version 1");
}

/// Code, domain, message, level, no domain object, "%s", the message again, no third text, -1 and -1, no
/// network object.
const CANNOT_FIND_PROGRAM: &str = "\
    00000027 00000007 \
    00000001 00000028 43616e6e 6f742066 696e6420 70726f67 72616d20 \
    31383031 38303732 31362076 65727369 6f6e2031 \
    00000002 \
    00000000 \
    00000001 00000002 25730000 \
    00000001 00000028 43616e6e 6f742066 696e6420 70726f67 72616d20 \
    31383031 38303732 31362076 65727369 6f6e2031 \
    00000000 \
    ffffffff ffffffff \
    00000000";

#[test]
fn a_server_drops_replies_streams_and_other_versions() {
    for dropped in [
        "0000001c 6b656570 00000001 00000001 00000001 00000000 00000000",
        "0000001c 6b656570 00000001 00000001 00000003 00000000 00000000",
        "0000001c 6b656570 00000001 00000001 00000005 00000000 00000000",
        "0000001c 6b656570 00000001 00000001 00000006 00000000 00000000",
        "0000001c 6b656570 00000001 00000001 00000007 00000000 00000000",
        "0000001c 6b656570 00000002 00000001 00000002 00000000 00000000",
    ] {
        let mut server = End::new(Role::Server);
        server.receive(dropped);
        server.shows(0, NOTHING, &[]);
        assert_eq!(server.transport.counters().frames_dropped, 1);
        server.receive(PING);
        server.shows(-1, PONG, &["on_ping"]);
    }
}

#[test]
fn a_client_drops_streams() {
    for dropped in [
        "0000001c 6b656570 00000001 00000001 00000003 00000000 00000000",
        "0000001c 6b656570 00000001 00000001 00000006 00000000 00000000",
        "0000001c 6b656570 00000002 00000001 00000003 00000000 00000000",
    ] {
        let mut client = End::new(Role::Client);
        client.receive(dropped);
        client.shows(0, NOTHING, &[]);
        assert_eq!(client.transport.counters().frames_dropped, 1);
        client.receive(PING);
        client.shows(-1, PONG, &["on_ping"]);
    }
}

#[test]
fn a_client_closes_on_calls_replies_and_other_versions() {
    for (refused, error) in [
        (
            "0000001c 6b656570 00000001 00000001 00000000 00000009 00000000",
            "call of procedure 1 of program 0x6b656570 version 1 from a server, which may not call",
        ),
        (
            "0000001c 6b656570 00000001 00000001 00000001 00000009 00000000",
            "reply of program 0x6b656570 version 1 with serial 9, which no call waits for",
        ),
        (
            "0000001c 6b656570 00000001 00000001 00000007 00000000 00000000",
            "frame of unknown type 7, must be 0 to 6",
        ),
        (
            "0000001c 6b656570 00000002 00000001 00000002 00000000 00000000",
            "message of program 0x6b656570 version 2, which is not registered",
        ),
    ] {
        let mut client = End::new(Role::Client);
        let refusal = receive(&mut client.transport, refused).unwrap_err();
        assert_eq!(refusal.to_string(), error);
        assert_eq!(
            receive(&mut client.transport, PING)
                .unwrap_err()
                .to_string(),
            error
        );
        client.shows(0, NOTHING, &[]);
    }
}
