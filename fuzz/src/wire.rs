//! The output of a transport, taken off its outbox and decoded again.

use std::fs::File;
use std::io::IoSlice;

use bytes::{Buf, Bytes};
use virt_transport::{Fd, Need, Transmit, Transport};
use virt_xdr::{FrameDecoder, Header, MessageType};

/// Everything a transport has sent.
#[derive(Debug, Default)]
pub struct Wire {
    decoder: FrameDecoder,
    /// The frames that were sent whole.
    pub frames: Vec<(Header, Bytes)>,
    /// The number of bytes sent.
    pub bytes: usize,
    /// The number of descriptors sent.
    pub fds: usize,
    /// The number of descriptors that the last frame has announced and that are not sent yet.
    due: usize,
}

/// A piece of output.
#[derive(Debug)]
#[allow(missing_docs, reason = "as in Transmit")]
pub enum Sent {
    Bytes(Bytes),
    Fd(Fd),
}

impl Wire {
    /// Takes up to `limit` bytes, or a descriptor, off the outbox of `transport`.
    pub fn take(&mut self, transport: &mut Transport, limit: usize) -> Option<Sent> {
        let (queued, queued_fds) = (transport.queued(), transport.queued_fds());
        match transport.poll_transmit()? {
            Transmit::Bytes(mut chunks) => {
                let remaining = chunks.remaining();
                assert!(remaining > 0 && remaining <= queued);
                assert_gathered(&chunks, remaining);
                let count = limit.min(remaining);
                let bytes = chunks.copy_to_bytes(count);
                assert_eq!(chunks.remaining(), remaining - count);
                assert_eq!(transport.queued(), queued - count);
                self.read(&bytes);
                Some(Sent::Bytes(bytes))
            }
            Transmit::Fd(slot) => {
                let fd = slot.into_fd();
                assert_eq!(transport.queued_fds(), queued_fds - 1);
                assert_eq!(self.decoder.buffered(), 0, "a descriptor within a frame");
                self.due = self.due.checked_sub(1).expect("one that was announced");
                self.fds += 1;
                Some(Sent::Fd(fd))
            }
        }
    }

    /// Takes all there is.
    pub fn take_all(&mut self, transport: &mut Transport) {
        while self.take(transport, usize::MAX).is_some() {}
        assert_eq!(self.decoder.buffered(), 0, "a frame that is not whole");
        assert_eq!(self.due, 0, "descriptors that were announced and not sent");
    }

    /// Panics if `transport` and what it has sent contradict each other.
    pub fn assert_agrees(&self, transport: &Transport) {
        let counters = transport.counters();
        let sent = (self.bytes + transport.queued()) as u64;
        assert_eq!(counters.bytes_sent, sent);
        let fds = (self.fds + transport.queued_fds()) as u64;
        assert_eq!(counters.fds_sent, fds);
        assert!(counters.frames_sent >= self.frames.len() as u64);
        assert!(counters.frames_dropped <= counters.frames_received);
        assert!(counters.frames_received * 28 <= counters.bytes_received);
    }

    fn read(&mut self, bytes: &[u8]) {
        assert_eq!(self.due, 0, "bytes where descriptors are due");
        self.bytes += bytes.len();
        self.decoder.push(bytes);
        while let Some(frame) = self.decoder.next_frame().expect("valid frames") {
            assert_eq!(self.due, 0, "a frame where descriptors are due");
            let header = frame.header;
            let payload = frame.payload.into_bytes();
            let types = [MessageType::CALL_WITH_FDS, MessageType::REPLY_WITH_FDS];
            if types.contains(&header.message_type) {
                let count = payload.first_chunk().expect("a count of descriptors");
                self.due = u32::from_be_bytes(*count) as usize;
            }
            self.frames.push((header, payload));
        }
    }
}

/// Panics if a gathering write would not see the bytes, as far as its slices reach.
fn assert_gathered(chunks: &impl Buf, remaining: usize) {
    let mut slices = [IoSlice::new(&[]); 8];
    let count = chunks.chunks_vectored(&mut slices);
    assert!(count > 0 && slices[..count].iter().all(|slice| !slice.is_empty()));
    assert_eq!(&*slices[0], chunks.chunk());
    let gathered: usize = slices.iter().map(|slice| slice.len()).sum();
    assert!(gathered == remaining || count == slices.len() && gathered < remaining);
}

/// Feeds `data` to `transport` in pieces of `piece` bytes or of what it needs, and a descriptor where one is
/// due; frames that wait are handled at once. Panics if an error does not stick. Returns the error.
pub fn feed(transport: &mut Transport, data: &[u8], piece: Option<usize>) -> Option<String> {
    let mut rest = data;
    loop {
        let mut result = match transport.need() {
            Need::Fds(_) => transport.receive_fd(descriptor()),
            Need::Bytes(0) => panic!("nothing is needed, and there was no error"),
            Need::Bytes(_) if rest.is_empty() => return None,
            Need::Bytes(need) => {
                let count = piece.unwrap_or(need).min(rest.len());
                let (now, later) = rest.split_at(count);
                rest = later;
                transport.receive(now)
            }
        };
        while result.is_ok() && transport.is_paused() {
            result = transport.resume();
        }
        if let Err(error) = result {
            let error = error.to_string();
            assert_failed(transport, &error);
            return Some(error);
        }
    }
}

/// Panics if `transport` has not failed with `error` for good.
pub fn assert_failed(transport: &mut Transport, error: &str) {
    let counters = transport.counters();
    let again = [
        transport.receive(b"\0\0\0\x1c").err(),
        transport.receive(&[]).err(),
        transport.receive_fd(descriptor()).err(),
        transport.commit(0).err(),
        transport.resume().err(),
    ];
    for again in again {
        assert_eq!(again.map(|e| e.to_string()).as_deref(), Some(error));
    }
    assert_eq!(transport.counters(), counters);
    assert_eq!(
        (transport.need(), transport.buffered()),
        (Need::Bytes(0), 0)
    );
}

/// Any descriptor.
#[must_use]
pub fn descriptor() -> Fd {
    File::open("/dev/null").expect("the null device").into()
}
