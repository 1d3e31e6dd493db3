//! Serials of calls: counted up, wrapped around, never one that is in use.

use virt_testkit::transport::assert_sends;
use virt_testkit::wire;
use virt_transport::{Handle, Role, Serial, StreamId, Transport};

use crate::support::{REMOTE, Recorder, log};

fn client_at(serial: u32) -> (Transport, Handle<Recorder>) {
    let mut client = Transport::new(Role::Client).with_next_serial(Serial(serial));
    let handle = client.register(Recorder::new(REMOTE)).unwrap();
    (client, handle)
}

fn call(client: &mut Transport, handle: &Handle<Recorder>, procedure: i32) -> u32 {
    client
        .with(handle, |_, cx| cx.call(procedure, &()))
        .unwrap()
        .0
}

/// Calls procedure 209, opens its stream, and takes the reply, so that only the stream holds the serial.
fn open_stream(client: &mut Transport, handle: &Handle<Recorder>) -> StreamId {
    let id = client.with(handle, |_, cx| {
        let serial = cx.call(209, &()).unwrap();
        let id = StreamId {
            procedure: 209,
            serial,
        };
        cx.open_stream(id).unwrap();
        id
    });
    client
        .receive(&wire(&format!(
            "0000001c 20008086 00000001 000000d1 00000001 {:08x} 00000000",
            id.serial.0
        )))
        .unwrap();
    log(client, handle);
    id
}

#[test]
fn the_next_serial_is_the_one_that_is_set_and_0_counts_as_1() {
    for (set, serial) in [(0, 1), (1, 1), (7, 7), (u32::MAX, u32::MAX)] {
        let (mut client, handle) = client_at(set);
        assert_eq!(call(&mut client, &handle, 60), serial);
    }
}

#[test]
fn serials_wrap_around_to_1_as_literal_bytes() {
    let (mut client, handle) = client_at(u32::MAX - 1);
    for _ in 0..3 {
        call(&mut client, &handle, 60);
    }
    assert_sends(
        &mut client,
        "0000001c 20008086 00000001 0000003c 00000000 fffffffe 00000000
         0000001c 20008086 00000001 0000003c 00000000 ffffffff 00000000
         0000001c 20008086 00000001 0000003c 00000000 00000001 00000000",
    );
    client
        .receive(&wire(
            "0000001c 20008086 00000001 0000003c 00000001 00000001 00000000
             0000001c 20008086 00000001 0000003c 00000001 ffffffff 00000000
             0000001c 20008086 00000001 0000003c 00000001 fffffffe 00000000",
        ))
        .unwrap();
    assert_eq!(
        log(&mut client, &handle),
        [
            "reply to 60 serial 1: ",
            "reply to 60 serial 4294967295: ",
            "reply to 60 serial 4294967294: ",
        ]
    );
}

#[test]
fn the_serial_of_a_call_that_still_waits_is_not_given_out_again() {
    let (mut client, handle) = client_at(u32::MAX);
    assert_eq!(call(&mut client, &handle, 60), u32::MAX);
    assert_eq!(call(&mut client, &handle, 61), 1);
    let mut client = client.with_next_serial(Serial(u32::MAX));
    assert_sends(
        &mut client,
        "0000001c 20008086 00000001 0000003c 00000000 ffffffff 00000000
         0000001c 20008086 00000001 0000003d 00000000 00000001 00000000",
    );
    assert_eq!(call(&mut client, &handle, 62), 2);
    assert_sends(
        &mut client,
        "0000001c 20008086 00000001 0000003e 00000000 00000002 00000000",
    );
    // Each reply finds its own call.
    client
        .receive(&wire(
            "0000001c 20008086 00000001 0000003d 00000001 00000001 00000000
             0000001c 20008086 00000001 0000003c 00000001 ffffffff 00000000
             0000001c 20008086 00000001 0000003e 00000001 00000002 00000000",
        ))
        .unwrap();
    assert_eq!(
        log(&mut client, &handle),
        [
            "reply to 61 serial 1: ",
            "reply to 60 serial 4294967295: ",
            "reply to 62 serial 2: ",
        ]
    );
    assert_eq!(client.waiting_calls(), 0);
    // An answered call gives its serial back.
    let mut client = client.with_next_serial(Serial(u32::MAX));
    assert_eq!(call(&mut client, &handle, 60), u32::MAX);
}

/// Its data would otherwise reach the reader of the older stream.
#[test]
fn the_serial_of_an_open_stream_is_not_given_out_again() {
    let (mut client, handle) = client_at(u32::MAX);
    let old = open_stream(&mut client, &handle);
    assert_eq!((old.serial.0, client.waiting_calls()), (u32::MAX, 0));
    let mut client = client.with_next_serial(Serial(u32::MAX));
    let new = open_stream(&mut client, &handle);
    assert_eq!(new.serial.0, 1);
    assert_sends(
        &mut client,
        "0000001c 20008086 00000001 000000d1 00000000 ffffffff 00000000
         0000001c 20008086 00000001 000000d1 00000000 00000001 00000000",
    );
    client
        .receive(&wire(
            "0000001f 20008086 00000001 000000d1 00000003 00000001 00000002 'new'
             0000001f 20008086 00000001 000000d1 00000003 ffffffff 00000002 'old'",
        ))
        .unwrap();
    assert_eq!(
        log(&mut client, &handle),
        [
            "stream 209 serial 1: data 6e6577",
            "stream 209 serial 4294967295: data 6f6c64",
        ]
    );

    // A call of another procedure does not share the serial of a stream either, nor one of another program.
    let other = client
        .register(Recorder::new(crate::support::KEEPALIVE))
        .unwrap();
    let mut client = client.with_next_serial(Serial(u32::MAX));
    assert_eq!(call(&mut client, &handle, 60), 2);
    let mut client = client.with_next_serial(Serial(u32::MAX));
    assert_eq!(call(&mut client, &other, 209), 3);
}

#[test]
fn a_stream_that_has_closed_gives_its_serial_back() {
    let (mut client, handle) = client_at(u32::MAX);
    let stream = open_stream(&mut client, &handle);
    client
        .with(&handle, |_, cx| cx.finish_stream(stream))
        .unwrap();
    // It is closed when the peer has confirmed.
    let mut client = client.with_next_serial(Serial(u32::MAX));
    assert_eq!(call(&mut client, &handle, 60), 1);
    client
        .receive(&wire(
            "0000001c 20008086 00000001 000000d1 00000003 ffffffff 00000000",
        ))
        .unwrap();
    let mut client = client.with_next_serial(Serial(u32::MAX));
    assert_eq!(call(&mut client, &handle, 60), u32::MAX);
}

#[test]
fn a_run_of_serials_in_use_is_skipped_across_the_wrap() {
    let (mut client, handle) = client_at(u32::MAX - 1);
    let mut used = Vec::new();
    for _ in 0..3 {
        used.push(call(&mut client, &handle, 60));
        used.push(open_stream(&mut client, &handle).serial.0);
    }
    assert_eq!(used, [u32::MAX - 1, u32::MAX, 1, 2, 3, 4]);
    let mut client = client.with_next_serial(Serial(u32::MAX - 1));
    assert_eq!(call(&mut client, &handle, 60), 5);
}
