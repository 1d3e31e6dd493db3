//! Writing all output in one call: each outcome of the writer.

use std::io::{self, ErrorKind, IoSlice, Write};

use virt_testkit::transport::assert_silent;
use virt_testkit::{hex, wire};
use virt_transport::{Context, Serial, StreamId};

use crate::support::client;

const STREAM: StreamId = StreamId {
    procedure: 209,
    serial: Serial(1),
};

const MESSAGES: &str = "0000001c 20008086 00000001 00000001 00000002 00000000 00000000
     0000001c 20008086 00000001 00000002 00000002 00000000 00000000";

fn send_messages(cx: &mut Context<'_>) {
    cx.message(1, &()).unwrap();
    cx.message(2, &()).unwrap();
}

/// The next outcomes of a writer; when they are used up, it takes all.
struct Script {
    next: Vec<io::Result<usize>>,
    written: Vec<u8>,
    calls: usize,
}

impl Script {
    fn new(mut next: Vec<io::Result<usize>>) -> Self {
        next.reverse();
        Self {
            next,
            written: Vec::new(),
            calls: 0,
        }
    }
}

impl Write for Script {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.calls += 1;
        let bytes: Vec<u8> = slices.iter().flat_map(|slice| slice.to_vec()).collect();
        let count = self.next.pop().unwrap_or(Ok(bytes.len()))?;
        self.written.extend(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn one_line_drains_a_transport() {
    let (mut client, handle) = client();
    client.with(&handle, |_, cx| send_messages(cx));
    let mut written = Vec::new();
    client.write_to(&mut written).unwrap();
    assert_eq!(hex(&written), hex(&wire(MESSAGES)));
    assert_eq!(client.queued(), 0);
    assert_silent(&mut client);
}

#[test]
fn nothing_is_written_where_nothing_waits() {
    let (mut client, _) = client();
    let mut script = Script::new(vec![Err(ErrorKind::BrokenPipe.into())]);
    client.write_to(&mut script).unwrap();
    assert_eq!(script.calls, 0);
}

#[test]
fn a_writer_that_would_block_is_tried_again_from_where_it_stopped() {
    let (mut client, handle) = client();
    client.with(&handle, |_, cx| send_messages(cx));
    let mut script = Script::new(vec![
        Ok(10),
        Err(ErrorKind::WouldBlock.into()),
        Ok(30),
        Err(ErrorKind::WouldBlock.into()),
        Err(ErrorKind::WouldBlock.into()),
    ]);
    for left in [46, 16, 16] {
        let error = client.write_to(&mut script).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
        assert_eq!(client.queued(), left);
    }
    client.write_to(&mut script).unwrap();
    assert_eq!(client.queued(), 0);
    assert_eq!(hex(&script.written), hex(&wire(MESSAGES)));
}

#[test]
fn a_writer_that_takes_nothing_is_an_error() {
    let (mut client, handle) = client();
    client.with(&handle, |_, cx| send_messages(cx));
    let mut script = Script::new(vec![Ok(28), Ok(0)]);
    let error = client.write_to(&mut script).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WriteZero);
    assert_eq!((client.queued(), script.calls), (28, 2));
}

#[test]
fn a_writer_that_is_interrupted_is_tried_again_at_once() {
    let (mut client, handle) = client();
    client.with(&handle, |_, cx| send_messages(cx));
    let mut script = Script::new(vec![
        Err(ErrorKind::Interrupted.into()),
        Ok(1),
        Err(ErrorKind::Interrupted.into()),
        Err(ErrorKind::Interrupted.into()),
    ]);
    client.write_to(&mut script).unwrap();
    assert_eq!(script.calls, 5);
    assert_eq!(hex(&script.written), hex(&wire(MESSAGES)));
}

#[test]
fn any_other_error_is_returned_and_the_rest_stays() {
    let (mut client, handle) = client();
    client.with(&handle, |_, cx| send_messages(cx));
    let mut script = Script::new(vec![Err(ErrorKind::BrokenPipe.into())]);
    let error = client.write_to(&mut script).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    assert_eq!(client.queued(), 56);
}

#[test]
fn many_pieces_are_gathered_into_few_writes() {
    let (mut client, handle) = client();
    client.with(&handle, |_, cx| {
        cx.open_stream(STREAM).unwrap();
        for number in 0..40u8 {
            cx.stream_data(STREAM, vec![number; 5000]).unwrap();
        }
    });
    let mut script = Script::new(Vec::new());
    client.write_to(&mut script).unwrap();
    // 40 headers and 40 payloads, 64 of them at once.
    assert_eq!(script.calls, 2);
    assert_eq!(script.written.len(), 40 * 5028);
    for (number, frame) in (0..40u8).zip(script.written.chunks(5028)) {
        assert_eq!(
            hex(&frame[..28]),
            "000013a4 20008086 00000001 000000d1 00000003 00000001 00000002"
        );
        assert!(frame[28..].iter().all(|byte| *byte == number));
    }
}

#[cfg(unix)]
#[test]
fn a_descriptor_is_unsupported_and_stays_behind_what_is_written() {
    let (mut client, handle) = client();
    let (mut watching, fd) = crate::witness::Witness::new();
    client.with(&handle, |_, cx| {
        cx.call_with_fds(60, &10, vec![fd]).unwrap();
        cx.message(1, &()).unwrap();
    });
    let mut written = Vec::new();
    for _ in 0..2 {
        let error = client.write_to(&mut written).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert_eq!(
            error.to_string(),
            "a descriptor waits to be written, which `write_to` cannot send"
        );
    }
    assert_eq!(
        hex(&written),
        "00000024 20008086 00000001 0000003c 00000004 00000001 00000000 00000001 0000000a"
    );
    assert_eq!((client.queued(), client.queued_fds()), (28, 1));
    assert!(!watching.is_closed());

    // Once the descriptor is taken, the rest can be written.
    let Some(virt_transport::Transmit::Fd(slot)) = client.poll_transmit() else {
        panic!("no descriptor waits");
    };
    drop(slot.into_fd());
    assert!(watching.is_closed());
    client.write_to(&mut written).unwrap();
    assert_eq!(written.len(), 36 + 28);
}
