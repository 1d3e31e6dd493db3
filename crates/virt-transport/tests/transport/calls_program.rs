//! The program [`Calls`]: replies find the waiters of their calls, and input is kept until it is polled.

mod backlog;

use virt_testkit::transport::{assert_sends, assert_silent};
use virt_testkit::{hex, wire};
use virt_transport::{
    Calls, Handle, Incoming, Raw, ReplyError, Role, SendError, Serial, StreamId, StreamItem,
    Transport,
};

use crate::support::{KEEPALIVE, REMOTE};

type Client = (Transport, Handle<Calls<&'static str>>);

fn client() -> Client {
    client_with(Calls::new(REMOTE))
}

fn client_with(calls: Calls<&'static str>) -> Client {
    let mut transport = Transport::new(Role::Client).with_fds();
    let handle = transport.register(calls).unwrap();
    (transport, handle)
}

fn call((transport, handle): &mut Client, procedure: i32, waiter: &'static str) -> u32 {
    transport
        .with(handle, |calls, cx| calls.call(cx, procedure, &(), waiter))
        .unwrap()
        .0
}

fn poll((transport, handle): &mut Client) -> Option<Incoming<&'static str>> {
    transport.with(handle, |calls, _| calls.poll())
}

/// Takes all input, a line each.
fn lines(client: &mut Client) -> Vec<String> {
    std::iter::from_fn(|| poll(client)).map(line).collect()
}

fn line(incoming: Incoming<&'static str>) -> String {
    match incoming {
        Incoming::Reply {
            waiter,
            serial,
            procedure,
            result,
            fds,
        } => {
            let result = match result {
                Ok(payload) => hex(&payload),
                Err(error) => format!("error, {error}"),
            };
            let fds = fds.len();
            format!(
                "{waiter}: reply to {procedure} serial {}, {fds} fds: {result}",
                serial.0
            )
        }
        Incoming::Message { procedure, payload } => {
            format!("message {procedure}: {}", hex(&payload))
        }
        Incoming::Stream { id, item } => {
            format!("stream {} serial {}: {item:?}", id.procedure, id.serial.0)
        }
    }
}

const REPLY_1: &str = "00000020 20008086 00000001 0000003c 00000001 00000001 00000000 00000001";
const REPLY_2: &str = "00000020 20008086 00000001 00000042 00000001 00000002 00000000 00000002";
const EVENT: &str = "00000020 20008086 00000001 0000006b 00000002 00000000 00000000 0000002a";

#[test]
fn a_call_is_sent_and_its_waiter_comes_back_with_the_reply() {
    let mut client = client();
    assert_eq!(call(&mut client, 60, "first"), 1);
    assert_sends(
        &mut client.0,
        "0000001c 20008086 00000001 0000003c 00000000 00000001 00000000",
    );
    assert!(poll(&mut client).is_none());
    client.0.receive(&wire(REPLY_1)).unwrap();
    assert_eq!(
        lines(&mut client),
        ["first: reply to 60 serial 1, 0 fds: 00000001"]
    );
    assert_silent(&mut client.0);
}

#[test]
fn input_is_polled_in_the_order_received() {
    let mut client = client();
    call(&mut client, 60, "first");
    call(&mut client, 66, "second");
    let error = "0000001c 20008086 00000001 0000003c 00000001 00000001 00000007";
    client
        .0
        .receive(&wire(&[EVENT, REPLY_2, EVENT, error].concat()))
        .unwrap();
    assert_eq!(
        lines(&mut client),
        [
            "message 107: 0000002a",
            "second: reply to 66 serial 2, 0 fds: 00000002",
            "message 107: 0000002a",
            "first: reply to 60 serial 1, 0 fds: error, reply with status 7, must be 0 or 1",
        ]
    );
    assert_eq!(client.0.waiting_calls(), 0);
}

#[test]
fn a_remote_error_is_the_result_of_its_call() {
    let mut client = client();
    call(&mut client, 60, "first");
    client
        .0
        .receive(&wire(
            "00000050 20008086 00000001 0000003c 00000001 00000001 00000001
             00000001 00000007 00000001 00000003 'why' 00 00000002 00000000
             00000000 00000000 00000000 00000000 00000000 00000000",
        ))
        .unwrap();
    let Some(Incoming::Reply { result, .. }) = poll(&mut client) else {
        panic!("no reply");
    };
    let Err(ReplyError::Remote(error)) = result else {
        panic!("{result:?}");
    };
    assert_eq!((error.code().0, error.message()), (1, "why"));
}

#[test]
fn a_waiter_can_wait_for_a_call_of_the_context() {
    let (mut transport, handle) = client();
    transport.with(&handle, |calls, cx| {
        let serial = cx.call_with_fds(60, &10, vec![]).unwrap();
        assert!(calls.waiter_mut(serial).is_none());
        calls.wait(serial, "by hand");
        assert!(calls.waiter_mut(serial).is_some());
    });
    assert_sends(
        &mut transport,
        "00000024 20008086 00000001 0000003c 00000004 00000001 00000000 00000000 0000000a",
    );
    transport.receive(&wire(REPLY_1)).unwrap();
    assert!(!transport.with(&handle, |calls, _| calls.waiter_mut(Serial(1)).is_some()));
    assert_eq!(
        lines(&mut (transport, handle)),
        ["by hand: reply to 60 serial 1, 0 fds: 00000001"]
    );
}

#[test]
fn a_reply_that_no_waiter_waits_for_is_dropped_and_counted() {
    let (mut transport, handle) = client();
    transport.with(&handle, |_, cx| cx.call(60, &())).unwrap();
    transport.receive(&wire(REPLY_1)).unwrap();
    assert_eq!(transport.counters().frames_dropped, 1);
    assert!(poll(&mut (transport, handle)).is_none());
}

#[test]
fn a_call_that_cannot_be_sent_leaves_no_waiter() {
    let (mut transport, handle) = client();
    let too_long = vec![0u8; virt_xdr::PAYLOAD_MAX];
    let refused = transport.with(&handle, |calls, cx| calls.call(cx, 60, &too_long, "none"));
    assert!(matches!(refused, Err(SendError::Encode(_))), "{refused:?}");
    let waiters = transport.with(&handle, |calls, _| calls.drain().count());
    assert_eq!((waiters, transport.waiting_calls()), (0, 0));
    assert_silent(&mut transport);
}

#[test]
fn raw_arguments_are_sent_as_they_are() {
    let (mut transport, handle) = client();
    transport
        .with(&handle, |calls, cx| {
            calls.call(cx, 60, &Raw(b"\0\0\0\x0a"), "raw")
        })
        .unwrap();
    assert_sends(
        &mut transport,
        "00000020 20008086 00000001 0000003c 00000000 00000001 00000000 0000000a",
    );
}

#[test]
fn drain_gives_back_the_waiters_in_order_of_their_serials_and_keeps_input() {
    let mut client = client();
    for waiter in ["first", "second", "third"] {
        call(&mut client, 60, waiter);
    }
    client.0.receive(&wire(REPLY_1)).unwrap();
    let (transport, handle) = &mut client;
    let waiters: Vec<_> = transport.with(handle, |calls, _| calls.drain().collect());
    assert_eq!(waiters, ["second", "third"]);
    let again = transport.with(handle, |calls, _| calls.drain().count());
    assert_eq!(again, 0);
    assert_eq!(lines(&mut client).len(), 1);
}

#[test]
fn drain_works_after_a_failure() {
    let (mut transport, handle) = client();
    transport
        .with(&handle, |calls, cx| calls.call(cx, 60, &(), "waits"))
        .unwrap();
    transport.receive(&wire("00000000")).unwrap_err();
    let waiters: Vec<_> = transport.with(&handle, |calls, _| calls.drain().collect());
    assert_eq!(waiters, ["waits"]);
}

#[test]
fn a_message_with_a_status_other_than_ok_is_dropped_and_counted() {
    let mut client = client();
    client
        .0
        .receive(&wire(
            "0000001c 20008086 00000001 0000006b 00000002 00000000 00000001
             0000001c 20008086 00000001 0000006b 00000002 00000000 00000002
             0000001c 20008086 00000001 0000006b 00000002 00000000 ffffffff",
        ))
        .unwrap();
    assert_eq!(lines(&mut client), [""; 0]);
    assert_eq!(client.0.counters().frames_dropped, 3);
}

#[test]
fn messages_can_be_dropped_and_kept_again() {
    let mut client = client();
    let keep = |(transport, handle): &mut Client, keep| {
        transport.with(handle, |calls, _| calls.keep_messages(keep));
    };
    keep(&mut client, false);
    client.0.receive(&wire(EVENT)).unwrap();
    assert_eq!(lines(&mut client), [""; 0]);
    // It was wanted by nobody, which is no fault of the frame.
    assert_eq!(client.0.counters().frames_dropped, 0);
    keep(&mut client, true);
    client.0.receive(&wire(EVENT)).unwrap();
    assert_eq!(lines(&mut client), ["message 107: 0000002a"]);
}

/// A client that has called procedure 209, and opened its stream.
fn downloading() -> (Client, StreamId) {
    let mut client = client();
    let id = StreamId {
        procedure: 209,
        serial: Serial(call(&mut client, 209, "download")),
    };
    let (transport, handle) = &mut client;
    transport.with(handle, |_, cx| cx.open_stream(id)).unwrap();
    (client, id)
}

#[test]
fn frames_of_a_stream_are_items() {
    let (mut client, id) = downloading();
    client
        .0
        .receive(&wire(
            "0000001c 20008086 00000001 000000d1 00000001 00000001 00000000
             0000001f 20008086 00000001 000000d1 00000003 00000001 00000002 'abc'
             00000028 20008086 00000001 000000d1 00000006 00000001 00000002 00000000 00001000 00000000
             0000001c 20008086 00000001 000000d1 00000003 00000001 00000002
             0000001c 20008086 00000001 000000d1 00000003 00000001 00000000",
        ))
        .unwrap();
    assert!(matches!(
        poll(&mut client),
        Some(Incoming::Reply {
            waiter: "download",
            result: Ok(_),
            ..
        })
    ));
    let items: Vec<_> = std::iter::from_fn(|| poll(&mut client))
        .map(|incoming| match incoming {
            Incoming::Stream { id: stream, item } if stream == id => item,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        items,
        [
            StreamItem::Data("abc".into()),
            StreamItem::Hole(4096),
            StreamItem::Data("".into()),
            StreamItem::Finish,
        ]
    );
}

#[test]
fn an_aborted_stream_is_an_item_with_its_reason() {
    let (mut client, _) = downloading();
    client
        .0
        .receive(&wire(
            "00000050 20008086 00000001 000000d1 00000003 00000001 00000001
             00000001 00000007 00000001 00000003 'why' 00 00000002 00000000
             00000000 00000000 00000000 00000000 00000000 00000000",
        ))
        .unwrap();
    let Some(Incoming::Stream {
        item: StreamItem::Abort(Some(error)),
        ..
    }) = poll(&mut client)
    else {
        panic!("not an abort with a reason");
    };
    assert_eq!(error.message(), "why");
    assert_eq!(client.0.open_streams(), 0);
}

#[cfg(unix)]
#[test]
fn descriptors_come_with_the_reply() {
    let mut client = client();
    call(&mut client, 60, "first");
    let (mut watching, fd) = crate::witness::Witness::new();
    let (transport, _) = &mut client;
    transport
        .receive(&wire(
            "00000024 20008086 00000001 0000003c 00000005 00000001 00000000 00000001 00000007",
        ))
        .unwrap();
    transport.receive_fd(fd).unwrap();
    let Some(Incoming::Reply { fds, result, .. }) = poll(&mut client) else {
        panic!("no reply");
    };
    assert_eq!(hex(&result.unwrap()), "00000007");
    assert!(watching.recognises(&fds[0]));
    assert_eq!(fds.len(), 1);
}

#[test]
fn two_programs_keep_their_input_apart() {
    let (mut transport, remote) = client();
    let other = transport
        .register(Calls::<&'static str>::new(KEEPALIVE))
        .unwrap();
    transport
        .with(&other, |calls, cx| calls.call(cx, 1, &(), "other"))
        .unwrap();
    transport.receive(&wire(EVENT)).unwrap();
    transport
        .receive(&wire(
            "0000001c 6b656570 00000001 00000001 00000001 00000001 00000000",
        ))
        .unwrap();
    let incoming = transport.with(&other, |calls, _| calls.poll());
    assert!(matches!(
        incoming,
        Some(Incoming::Reply {
            waiter: "other",
            ..
        })
    ));
    assert_eq!(lines(&mut (transport, remote)), ["message 107: 0000002a"]);
}

#[test]
fn it_shows_counts_alone() {
    let mut client = client();
    call(&mut client, 60, "first");
    client.0.receive(&wire(EVENT)).unwrap();
    let text = client.0.with(&client.1, |calls, _| format!("{calls:?}"));
    assert_eq!(
        text,
        format!(
            "Calls {{ program: ProgramId(0x20008086, 1), waiting: 1, incoming: 1, backlog: {}, .. }}",
            size_of::<Incoming<&str>>() + 4
        )
    );
}
