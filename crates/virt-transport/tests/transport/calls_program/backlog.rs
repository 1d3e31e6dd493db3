//! The backlog of [`Calls`]: its limit, and the weight of each kind of input.

use virt_transport::{Calls, FD_WEIGHT, Incoming, Serial, StreamId};

use super::{EVENT, call, client_with, lines};
use virt_testkit::wire;

use crate::support::REMOTE;

/// The weight of an event without payload.
const ENTRY: usize = size_of::<Incoming<&str>>();

#[test]
fn the_default_backlog_is_two_of_the_greatest_frames() {
    assert_eq!(Calls::<()>::BACKLOG_LIMIT, 2 * 33_554_436);
}

#[test]
fn input_over_the_backlog_limit_ends_the_connection() {
    // Room for two events of 4 bytes.
    let limit = 2 * (ENTRY + 4);
    let mut client = client_with(Calls::new(REMOTE).with_backlog_limit(limit));
    client.0.receive(&wire(&[EVENT, EVENT].concat())).unwrap();
    let error = client.0.receive(&wire(EVENT)).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "program 0x20008086 version 1: {} bytes wait to be polled, over the limit of {limit}",
            3 * (ENTRY + 4)
        )
    );
    assert!(client.0.failure().is_some());
    // All that was received can still be polled.
    assert_eq!(lines(&mut client), ["message 107: 0000002a"; 3]);
}

#[test]
fn polled_input_makes_room() {
    let limit = ENTRY + 4;
    let mut client = client_with(Calls::new(REMOTE).with_backlog_limit(limit));
    for _ in 0..100 {
        client.0.receive(&wire(EVENT)).unwrap();
        assert_eq!(lines(&mut client).len(), 1);
    }
}

#[test]
fn messages_that_are_not_kept_take_no_room() {
    let mut client = client_with(Calls::new(REMOTE).with_backlog_limit(0));
    client
        .0
        .with(&client.1, |calls, _| calls.keep_messages(false));
    client.0.receive(&wire(&[EVENT; 100].concat())).unwrap();
    assert_eq!(lines(&mut client), [""; 0]);
}

/// Asserts that one such frame, the answer to call 1 of procedure 209 or of its stream, weighs so much.
#[track_caller]
fn assert_weighs(frame: &str, weight: usize) {
    for (limit, fits) in [(weight, true), (weight - 1, false)] {
        let mut client = client_with(Calls::new(REMOTE).with_backlog_limit(limit));
        let serial = Serial(call(&mut client, 209, "call"));
        let id = StreamId {
            procedure: 209,
            serial,
        };
        let (transport, handle) = &mut client;
        transport.with(handle, |_, cx| cx.open_stream(id)).unwrap();
        assert_eq!(transport.receive(&wire(frame)).is_ok(), fits, "{limit}");
        assert_eq!(lines(&mut client).len(), 1);
        // Weighed when polled as when received, or this would not fit.
        if fits {
            let again = "0000001c 20008086 00000001 0000006b 00000002 00000000 00000000";
            client.0.receive(&wire(again)).unwrap();
        }
    }
}

#[test]
fn each_kind_of_input_weighs_what_it_holds() {
    assert_weighs(
        "00000020 20008086 00000001 000000d1 00000001 00000001 00000000 00000001",
        ENTRY + 4,
    );
    assert_weighs(
        "0000001f 20008086 00000001 000000d1 00000003 00000001 00000002 'abc'",
        ENTRY + 3,
    );
    assert_weighs(
        "0000001c 20008086 00000001 000000d1 00000003 00000001 00000000",
        ENTRY,
    );
}

/// The texts of an error may be 20 MiB.
#[test]
fn errors_weigh_as_much_as_their_texts() {
    let error = "00000001 00000007 00000001 00000003 'why' 00 00000002
         00000001 00000003 'dom' 00 00000000 00000000 00000000 00000000 00000000
         00000001 00000001 '1' 000000 00000001 00000002 '22' 0000 00000001 00000003 '333' 00
         00000000 00000000
         00000001 00000003 'net' 00 00000000 00000000 00000000 00000000";
    let head = "20008086 00000001 000000d1";
    let texts = 3 + 3 + 1 + 2 + 3 + 3;
    let payload = size_of::<virt_transport::ErrorPayload>();
    assert_weighs(
        &format!("0000009c {head} 00000001 00000001 00000001 {error}"),
        ENTRY + payload + texts,
    );
    assert_weighs(
        &format!("0000009c {head} 00000003 00000001 00000001 {error}"),
        ENTRY + payload + texts,
    );
}

#[cfg(unix)]
#[test]
fn descriptors_weigh_as_much_as_in_the_outbox() {
    let limit = ENTRY + 2 * FD_WEIGHT;
    for (limit, fits) in [(limit, true), (limit - 1, false)] {
        let mut client = client_with(Calls::new(REMOTE).with_backlog_limit(limit));
        call(&mut client, 60, "first");
        let (transport, _) = &mut client;
        let (_watching, fds) = crate::witness::witnesses(2);
        transport
            .receive(&wire(
                "00000020 20008086 00000001 0000003c 00000005 00000001 00000000 00000002",
            ))
            .unwrap();
        let results: Vec<_> = fds
            .into_iter()
            .map(|fd| transport.receive_fd(fd).is_ok())
            .collect();
        assert_eq!(results, [true, fits]);
    }
}
