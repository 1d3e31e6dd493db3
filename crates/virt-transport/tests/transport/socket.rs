//! Bytes and descriptors through a Unix socket, as the kernel hands them out.

use std::io::{IoSlice, IoSliceMut, Write};
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;

use bytes::Buf;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use virt_transport::{Fd, Need, Transmit, Transport};

use crate::support::{client, log, server};
use crate::witness::{Witness, witnesses};

/// Writes all that a transport has to send.
fn write(transport: &mut Transport, socket: &mut UnixStream) {
    while let Some(transmit) = transport.poll_transmit() {
        match transmit {
            Transmit::Bytes(mut chunks) => {
                let mut slices = [IoSlice::new(&[]); 4];
                let count = chunks.chunks_vectored(&mut slices);
                let written = socket.write_vectored(&slices[..count]).unwrap();
                chunks.advance(written);
            }
            Transmit::Fd(slot) => {
                let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
                let mut control = SendAncillaryBuffer::new(&mut space);
                let fds = [slot.as_fd()];
                assert!(control.push(SendAncillaryMessage::ScmRights(&fds)));
                let byte = [IoSlice::new(&[0])];
                let sent = sendmsg(&*socket, &byte, &mut control, SendFlags::empty());
                assert_eq!(sent, Ok(1));
                drop(slot.into_fd());
            }
        }
    }
}

/// Reads once, and says how many bytes and descriptors that gave. A descriptor's byte is the last of a read.
fn read(transport: &mut Transport, socket: &UnixStream, room: usize) -> (usize, usize) {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(4))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let buffer = transport.space(room);
    let mut slices = [IoSliceMut::new(buffer)];
    let count = recvmsg(socket, &mut slices, &mut control, RecvFlags::CMSG_CLOEXEC)
        .unwrap()
        .bytes;
    let mut fds: Vec<Fd> = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            fds.extend(rights.map(Fd::from));
        }
    }
    let fd_count = fds.len();
    transport.commit(count - fd_count).unwrap();
    for fd in fds {
        transport.receive_fd(fd).unwrap();
    }
    (count, fd_count)
}

/// A client whose outbox holds a message, a call with two descriptors, a message, and a call with one.
fn busy_client() -> (Transport, Vec<Witness>) {
    let (mut client, handle) = client();
    let (watching, fds) = witnesses(3);
    let mut fds = fds.into_iter();
    client.with(&handle, |_, cx| {
        cx.message(1, &()).unwrap();
        cx.call_with_fds(2, &(), fds.by_ref().take(2).collect())
            .unwrap();
        cx.message(3, &()).unwrap();
        cx.call_with_fds(4, &(), fds.collect()).unwrap();
    });
    (client, watching)
}

const RECEIVED: [&str; 4] = [
    "message 1 serial 0 OK: ",
    "call 2 serial 1:  and 2 fds",
    "message 3 serial 0 OK: ",
    "call 4 serial 2:  and 1 fds",
];

#[test]
fn a_read_ends_with_the_byte_of_a_descriptor() {
    let (mut client, mut watching) = busy_client();
    let (mut server, handle) = server();
    let (mut writing, reading) = UnixStream::pair().unwrap();
    write(&mut client, &mut writing);
    // The message and the call that follows it come with the first descriptor, the second comes alone.
    assert_eq!(read(&mut server, &reading, 4096), (28 + 32 + 1, 1));
    assert_eq!(server.need(), Need::Fds(1));
    assert_eq!(read(&mut server, &reading, 4096), (1, 1));
    assert_eq!(read(&mut server, &reading, 4096), (28 + 32 + 1, 1));
    assert_eq!(log(&mut server, &handle), RECEIVED);
    server.with(&handle, |recorder, _| {
        for (watching, fd) in watching.iter_mut().zip(&recorder.fds) {
            assert!(watching.recognises(fd));
        }
        recorder.fds.clear();
    });
    assert!(watching.iter_mut().all(Witness::is_closed));
}

#[test]
fn a_reader_with_room_for_a_byte_receives_the_same() {
    let (mut client, _watching) = busy_client();
    let (mut server, handle) = server();
    let (mut writing, reading) = UnixStream::pair().unwrap();
    write(&mut client, &mut writing);
    while server.counters().fds_received < 3 {
        let (count, fds) = read(&mut server, &reading, 1);
        assert_eq!(count, 1);
        assert!(fds <= 1);
    }
    assert_eq!(log(&mut server, &handle), RECEIVED);
}

#[test]
fn a_reader_that_reads_what_is_needed_receives_the_same() {
    let (mut client, _watching) = busy_client();
    let (mut server, handle) = server();
    let (mut writing, reading) = UnixStream::pair().unwrap();
    write(&mut client, &mut writing);
    while server.counters().fds_received < 3 {
        match server.need() {
            Need::Bytes(count) => assert_eq!(read(&mut server, &reading, count), (count, 0)),
            Need::Fds(_) => assert_eq!(read(&mut server, &reading, 1), (1, 1)),
        }
    }
    assert_eq!(log(&mut server, &handle), RECEIVED);
}
