//! The outbox: the order and size of its content, and large payloads without a copy.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Buf, Bytes};
use proptest::prelude::*;
use virt_testkit::transport::drain_bytes;
use virt_testkit::{hex, wire};
use virt_transport::{Handle, Need, Role, Serial, StreamId, Transmit, Transport};

use crate::support::{REMOTE, Recorder, client};

const STREAM: StreamId = StreamId {
    procedure: 209,
    serial: Serial(1),
};

fn streaming_client() -> (Transport, Handle<Recorder>) {
    let (mut client, handle) = client();
    client
        .with(&handle, |_, cx| cx.open_stream(STREAM))
        .unwrap();
    (client, handle)
}

fn send_data(client: &mut Transport, handle: &Handle<Recorder>, data: impl Into<Bytes>) {
    client
        .with(handle, |_, cx| cx.stream_data(STREAM, data))
        .unwrap();
}

/// The pieces that a gathering write with so many slices would get.
fn pieces(transport: &mut Transport, slices: usize) -> Vec<Vec<u8>> {
    let Some(Transmit::Bytes(chunks)) = transport.poll_transmit() else {
        panic!("no bytes wait");
    };
    let mut vector = vec![IoSlice::new(&[]); slices];
    let count = chunks.chunks_vectored(&mut vector);
    vector[..count].iter().map(|slice| slice.to_vec()).collect()
}

fn advance(transport: &mut Transport, count: usize) {
    let Some(Transmit::Bytes(mut chunks)) = transport.poll_transmit() else {
        panic!("no bytes wait");
    };
    chunks.advance(count);
}

/// Returns the address of the next bytes to be written.
fn place(transport: &mut Transport) -> usize {
    let Some(Transmit::Bytes(chunks)) = transport.poll_transmit() else {
        panic!("no bytes wait");
    };
    chunks.chunk().as_ptr().addr()
}

#[test]
fn small_frames_are_one_piece() {
    let (mut client, handle) = streaming_client();
    for procedure in 1..4 {
        client
            .with(&handle, |_, cx| cx.message(procedure, &()))
            .unwrap();
    }
    send_data(&mut client, &handle, vec![b'x'; 4096]);
    let pieces = pieces(&mut client, 8);
    assert_eq!(pieces.len(), 1);
    assert_eq!(pieces[0].len(), 3 * 28 + 28 + 4096);
    assert_eq!(client.queued(), pieces[0].len());
}

#[test]
fn a_large_payload_is_queued_where_it_lies() {
    let (mut client, handle) = streaming_client();
    let data = Bytes::from(vec![b'x'; 4097]);
    client.with(&handle, |_, cx| cx.message(1, &())).unwrap();
    send_data(&mut client, &handle, data.clone());
    client.with(&handle, |_, cx| cx.message(2, &())).unwrap();
    assert_eq!(client.queued(), 28 + 28 + 4097 + 28);

    // Three pieces: what is before it, the payload itself, and what is behind it.
    let Some(Transmit::Bytes(mut chunks)) = client.poll_transmit() else {
        panic!("no bytes wait");
    };
    assert_eq!(chunks.remaining(), 28 + 28 + 4097 + 28);
    let mut slices = [IoSlice::new(&[]); 8];
    assert_eq!(chunks.chunks_vectored(&mut slices), 3);
    assert_eq!(
        hex(&slices[0]),
        "0000001c 20008086 00000001 00000001 00000002 00000000 00000000 \
         0000101d 20008086 00000001 000000d1 00000003 00000001 00000002"
    );
    assert_eq!(slices[1].as_ptr(), data.as_ptr(), "the payload was copied");
    assert_eq!(slices[1].len(), data.len());
    assert_eq!(
        hex(&slices[2]),
        "0000001c 20008086 00000001 00000002 00000002 00000000 00000000"
    );

    // After a part of it was written, it still lies there.
    chunks.advance(56 + 1000);
    assert_eq!(chunks.chunk().as_ptr(), data[1000..].as_ptr());
    assert_eq!(chunks.chunk().len(), 3097);
    assert_eq!(client.queued(), 3097 + 28);
    advance(&mut client, 3097 + 28);
    assert!(client.poll_transmit().is_none());
    assert!(data.is_unique(), "the outbox keeps what was written");
}

#[test]
fn a_gathering_write_may_have_fewer_slices_than_there_are_pieces() {
    let (mut client, handle) = streaming_client();
    for _ in 0..3 {
        send_data(&mut client, &handle, vec![b'x'; 5000]);
    }
    assert_eq!(pieces(&mut client, 0).len(), 0);
    assert_eq!(pieces(&mut client, 1).len(), 1);
    assert_eq!(pieces(&mut client, 4).len(), 4);
    assert_eq!(pieces(&mut client, 100).concat().len(), client.queued());
}

#[test]
fn nothing_changes_until_what_was_written_is_taken_off() {
    let (mut client, handle) = client();
    client.with(&handle, |_, cx| cx.message(1, &())).unwrap();
    let first = pieces(&mut client, 4);
    assert_eq!(pieces(&mut client, 4), first);
    advance(&mut client, 0);
    assert_eq!(pieces(&mut client, 4), first);
    assert_eq!(client.queued(), 28);
}

#[test]
#[should_panic(expected = "advance past the bytes that wait")]
fn more_than_waits_cannot_be_taken_off() {
    let (mut client, handle) = client();
    client.with(&handle, |_, cx| cx.message(1, &())).unwrap();
    advance(&mut client, 29);
}

#[test]
#[should_panic(expected = "advance past the bytes that wait")]
fn more_than_is_left_cannot_be_taken_off() {
    let (mut client, handle) = client();
    for _ in 0..2 {
        client.with(&handle, |_, cx| cx.message(1, &())).unwrap();
    }
    advance(&mut client, 10);
    advance(&mut client, 47);
}

#[test]
fn small_frames_move_up_once_half_of_them_was_written() {
    let (mut client, handle) = client();
    for _ in 0..4 {
        client.with(&handle, |_, cx| cx.message(1, &())).unwrap();
    }
    let front = place(&mut client);
    advance(&mut client, 28);
    assert_eq!(place(&mut client), front + 28);
    advance(&mut client, 27);
    assert_eq!(place(&mut client), front + 55);
    advance(&mut client, 1);
    assert_eq!(place(&mut client), front);
    assert_eq!(client.queued(), 56);
}

#[cfg(unix)]
#[test]
#[should_panic(expected = "advance past the bytes that wait")]
fn bytes_behind_a_descriptor_cannot_be_taken_off() {
    let (mut client, handle) = client();
    let fd = crate::witness::Witness::new().1;
    client.with(&handle, |_, cx| {
        cx.call_with_fds(1, &(), vec![fd]).unwrap();
        cx.message(2, &()).unwrap();
    });
    advance(&mut client, 33);
}

#[cfg(unix)]
#[test]
fn bytes_before_a_descriptor_are_all_that_is_offered() {
    let (mut client, handle) = streaming_client();
    let (mut watching, fd) = crate::witness::Witness::new();
    client.with(&handle, |_, cx| {
        cx.stream_data(STREAM, vec![b'x'; 5000]).unwrap();
        cx.call_with_fds(1, &(), vec![fd]).unwrap();
        cx.message(2, &()).unwrap();
    });
    assert_eq!((client.queued(), client.queued_fds()), (5028 + 32 + 28, 1));
    let Some(Transmit::Bytes(chunks)) = client.poll_transmit() else {
        panic!("no bytes wait");
    };
    assert_eq!(chunks.remaining(), 5028 + 32);
    assert_eq!(pieces(&mut client, 9).concat().len(), 5028 + 32);
    advance(&mut client, 5028 + 32);

    // A descriptor that could not be sent yet is still there.
    for _ in 0..2 {
        let Some(Transmit::Fd(slot)) = client.poll_transmit() else {
            panic!("no descriptor waits");
        };
        let fd = std::os::fd::AsFd::as_fd(&slot)
            .try_clone_to_owned()
            .unwrap();
        assert!(watching.recognises(&fd));
    }
    let Some(Transmit::Fd(slot)) = client.poll_transmit() else {
        panic!("no descriptor waits");
    };
    drop(slot.into_fd());
    assert!(watching.is_closed());
    assert_eq!((client.queued(), client.queued_fds()), (28, 0));
    assert_eq!(drain_bytes(&mut client).len(), 28);
}

/// A step in the life of an outbox.
#[derive(Debug, Clone)]
enum Step {
    Message(usize),
    Data(usize),
    /// Write so many bytes at most, through so many slices.
    Write(usize, usize),
    Shrink,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..3000usize).prop_map(|length| Step::Message(length * 4)),
        (0..12_000usize).prop_map(Step::Data),
        (0..9000usize, 1..5usize).prop_map(|(most, slices)| Step::Write(most, slices)),
        (0..60usize, 1..5usize).prop_map(|(most, slices)| Step::Write(most, slices)),
        Just(Step::Shrink),
    ]
}

proptest! {
    /// An outbox against the plainest model there is: a queue of bytes.
    #[test]
    fn bytes_leave_as_they_came_however_they_are_written(
        steps in prop::collection::vec(step(), 0..60)
    ) {
        let (mut client, handle) = streaming_client();
        let mut model = VecDeque::new();
        for (number, step) in steps.into_iter().enumerate() {
            let fill = u8::try_from(number).unwrap();
            match step {
                Step::Message(length) => {
                    let body = vec![u32::from(fill); length / 4];
                    client.with(&handle, |_, cx| cx.message(7, &body)).unwrap();
                    model.extend(wire(&format!("{:08x}", 28 + 4 + length)));
                    model.extend(wire("20008086 00000001 00000007 00000002 00000000 00000000"));
                    model.extend(wire(&format!("{:08x}", length / 4)));
                    body.iter().for_each(|word| model.extend(word.to_be_bytes()));
                }
                Step::Data(length) => {
                    send_data(&mut client, &handle, vec![fill; length]);
                    model.extend(wire(&format!("{:08x}", 28 + length)));
                    model.extend(wire("20008086 00000001 000000d1 00000003 00000001 00000002"));
                    model.resize(model.len() + length, fill);
                }
                Step::Write(most, slices) if client.queued() > 0 => {
                    let mut offered = pieces(&mut client, slices).concat();
                    offered.truncate(most);
                    let expected: Vec<u8> = model.drain(..offered.len()).collect();
                    prop_assert_eq!(&offered, &expected);
                    advance(&mut client, offered.len());
                }
                Step::Write(..) => prop_assert!(client.poll_transmit().is_none()),
                Step::Shrink => client.shrink_to_fit(),
            }
            prop_assert_eq!(client.queued(), model.len());
        }
        prop_assert_eq!(drain_bytes(&mut client), Vec::from(model));
        prop_assert_eq!(client.queued(), 0);
    }
}

#[cfg(unix)]
#[test]
fn one_gathering_write_after_another_empties_it_into_a_socket() {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;

    let mut client = Transport::new(Role::Client);
    let handle = client.register(Recorder::new(REMOTE)).unwrap();
    client
        .with(&handle, |_, cx| cx.open_stream(STREAM))
        .unwrap();
    // More than a socket takes at once, so that writes stop in the middle of anything.
    for number in 0..200u8 {
        client
            .with(&handle, |_, cx| cx.message(number, &()))
            .unwrap();
        send_data(
            &mut client,
            &handle,
            vec![number; 10_000 + usize::from(number)],
        );
    }
    let queued = client.queued();

    let (mut reading, mut writing) = UnixStream::pair().unwrap();
    writing.set_nonblocking(true).unwrap();
    let mut server = Transport::new(Role::Server);
    let received = server.register(Recorder::new(REMOTE)).unwrap();
    server
        .with(&received, |_, cx| cx.open_stream(STREAM))
        .unwrap();
    let mut blocked = 0;
    while let Some(transmit) = client.poll_transmit() {
        let Transmit::Bytes(mut chunks) = transmit else {
            panic!("no descriptor was sent");
        };
        let mut slices = [IoSlice::new(&[]); 64];
        let count = chunks.chunks_vectored(&mut slices);
        match writing.write_vectored(&slices[..count]) {
            Ok(written) => chunks.advance(written),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                blocked += 1;
                let read = reading.read(server.space(50_000)).unwrap();
                server.commit(read).unwrap();
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert!(blocked > 0, "the socket took everything at once");
    drop(writing);
    while server.counters().bytes_received < queued as u64 {
        let read = reading.read(server.space(50_000)).unwrap();
        assert!(read > 0, "the end came early");
        server.commit(read).unwrap();
    }
    assert_eq!((server.buffered(), server.need()), (0, Need::Bytes(4)));
    let log = crate::support::log(&mut server, &received);
    assert_eq!(log.len(), 400);
    assert_eq!(log[398], "message 199 serial 0 OK: ");
    assert_eq!(log[399].matches("c7").count(), 10_199);
}
