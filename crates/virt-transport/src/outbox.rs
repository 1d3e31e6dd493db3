//! The queue of bytes to be written, with descriptors between them.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, IoSlice, Write};
use std::mem;

use bytes::{Buf, Bytes};
use virt_xdr::{EncodeError, Encoder, Header, encode_frame, frame_head};

use crate::Fd;

/// The longest payload, in bytes, that is copied behind its header; a longer one is queued without a copy.
const COPY_MAX: usize = 4096;

/// The number of bytes that a queued descriptor counts as in limits: see
/// [`Transport::with_answer_limit`](crate::Transport::with_answer_limit).
pub const FD_WEIGHT: usize = 4096;

/// Above this capacity in bytes, the buffer of small frames is freed once it is empty.
const KEEP: usize = 64 * 1024;

/// The most pieces of one gathering write.
const PIECES: usize = 64;

/// The next output of [`Transport::poll_transmit`](crate::Transport::poll_transmit).
///
/// # Examples
///
/// Gathering writes, without loss where the socket would block:
///
/// ```
/// use std::io::{self, IoSlice, Write};
///
/// use bytes::Buf;
/// use virt_transport::{Transmit, Transport};
///
/// fn write(transport: &mut Transport, socket: &mut impl Write) -> io::Result<()> {
///     while let Some(transmit) = transport.poll_transmit() {
///         match transmit {
///             Transmit::Bytes(mut bytes) => {
///                 let mut slices = [IoSlice::new(&[]); 16];
///                 let count = bytes.chunks_vectored(&mut slices);
///                 match socket.write_vectored(&slices[..count])? {
///                     0 => return Err(io::ErrorKind::WriteZero.into()),
///                     written => bytes.advance(written),
///                 }
///             }
///             // On a Unix socket: `sendmsg` one byte with it, then take it with `into_fd`.
///             Transmit::Fd(_) => return Err(io::ErrorKind::Unsupported.into()),
///         }
///     }
///     Ok(())
/// }
/// # use virt_transport::{Context, Program, ProgramId, Role};
/// # struct Keepalive;
/// # impl Program for Keepalive {
/// #     fn id(&self) -> ProgramId {
/// #         ProgramId::new(0x6b65_6570, 1)
/// #     }
/// # }
/// # let mut transport = Transport::new(Role::Client);
/// # let keepalive = transport.register(Keepalive)?;
/// # transport.with(&keepalive, |_, cx: &mut Context<'_>| cx.message(1, &()))?;
/// # let mut written = Vec::new();
/// # write(&mut transport, &mut written)?;
/// # assert_eq!(written, b"\0\0\0\x1ckeep\0\0\0\x01\0\0\0\x01\0\0\0\x02\0\0\0\0\0\0\0\0");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub enum Transmit<'a> {
    /// Bytes, up to the next descriptor or the end of the queue.
    Bytes(Chunks<'a>),
    /// A descriptor, to be sent with one byte of any value.
    Fd(FdSlot<'a>),
}

/// Bytes to be written, as a [`Buf`]: [`Buf::chunks_vectored`] for one gathering write, [`Buf::advance`] for the bytes
/// that were written.
#[derive(Debug)]
pub struct Chunks<'a> {
    outbox: &'a mut Outbox,
}

/// A descriptor to be sent: exactly one byte, of any value, in a `sendmsg` with this one descriptor.
///
/// It stays in the outbox, and can be borrowed for the `sendmsg`, until [`into_fd`](Self::into_fd) takes it.
#[derive(Debug)]
pub struct FdSlot<'a> {
    outbox: &'a mut Outbox,
}

/// A queue in this order: `queue`, then `small[head..]`.
#[derive(Default)]
pub(crate) struct Outbox {
    queue: VecDeque<Item>,
    /// Whole frames, the common case: appended here, nothing allocated once it has grown.
    small: Vec<u8>,
    /// The length of the written front of `small`: less than half of it, and 0 while `queue` is not empty.
    head: usize,
    /// The weight of `queue`: its bytes, and [`FD_WEIGHT`] for each of its descriptors.
    queued_weight: usize,
    /// The number of descriptors in `queue`.
    queued_fds: usize,
    /// The number of bytes written so far.
    written: u64,
}

enum Item {
    Bytes(Bytes),
    Fd(Fd),
}

impl Outbox {
    /// Appends a frame.
    #[inline]
    pub(crate) fn push_frame(
        &mut self,
        header: &Header,
        payload: impl FnOnce(&mut Encoder<'_>) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        encode_frame(&mut self.small, header, payload)
    }

    /// Appends a frame whose payload is not copied if it is large.
    pub(crate) fn push_payload(
        &mut self,
        header: &Header,
        payload: Bytes,
    ) -> Result<(), EncodeError> {
        if payload.len() <= COPY_MAX {
            return self.push_frame(header, |out| {
                out.raw(&payload);
                Ok(())
            });
        }
        let head = frame_head(header, payload.len())?;
        self.small.extend_from_slice(&head);
        self.flush_small();
        self.push_back(payload);
        Ok(())
    }

    pub(crate) fn push_fds(&mut self, fds: Vec<Fd>) {
        if fds.is_empty() {
            return;
        }
        self.flush_small();
        self.queued_fds += fds.len();
        self.queued_weight += fds.len() * FD_WEIGHT;
        self.queue.extend(fds.into_iter().map(Item::Fd));
    }

    pub(crate) fn poll(&mut self) -> Option<Transmit<'_>> {
        match self.queue.front() {
            Some(Item::Fd(_)) => Some(Transmit::Fd(FdSlot { outbox: self })),
            None if self.small.is_empty() => None,
            _ => Some(Transmit::Bytes(Chunks { outbox: self })),
        }
    }

    pub(crate) fn shrink_to_fit(&mut self) {
        self.small.shrink_to_fit();
        self.queue.shrink_to_fit();
    }

    /// Writes all that waits, up to the first error.
    pub(crate) fn write_to(&mut self, writer: &mut impl Write) -> io::Result<()> {
        while let Some(transmit) = self.poll() {
            let Transmit::Bytes(mut chunks) = transmit else {
                return Err(io::Error::new(
                    io::ErrorKind::Unsupported,
                    "a descriptor waits to be written, which `write_to` cannot send",
                ));
            };
            let mut slices = [IoSlice::new(&[]); PIECES];
            let count = chunks.chunks_vectored(&mut slices);
            match writer.write_vectored(&slices[..count]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => chunks.advance(written),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Returns the number of bytes that wait, those that carry descriptors excluded.
    #[inline]
    pub(crate) fn bytes(&self) -> usize {
        self.weight() - self.queued_fds * FD_WEIGHT
    }

    /// Returns the number of bytes that wait, each descriptor counted as [`FD_WEIGHT`].
    #[inline]
    pub(crate) fn weight(&self) -> usize {
        self.queued_weight + self.small.len() - self.head
    }

    /// Returns the number of bytes queued so far, written ones included.
    pub(crate) fn bytes_sent(&self) -> u64 {
        self.written + self.bytes() as u64
    }

    /// Returns the number of descriptors that wait.
    pub(crate) fn fds(&self) -> usize {
        self.queued_fds
    }

    /// Returns the waiting pieces before the first descriptor, in order.
    fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        let small = if self.queued_fds == 0 {
            &self.small[self.head..]
        } else {
            &[]
        };
        self.queue
            .iter()
            .map_while(|item| match item {
                Item::Bytes(bytes) => Some(bytes.as_ref()),
                Item::Fd(_) => None,
            })
            .chain([small])
            .filter(|piece| !piece.is_empty())
    }

    /// Moves the small frames into the queue, so that something else can follow them.
    fn flush_small(&mut self) {
        let mut small = Bytes::from(mem::take(&mut self.small));
        small.advance(mem::take(&mut self.head));
        if !small.is_empty() {
            self.push_back(small);
        }
    }

    fn push_back(&mut self, bytes: Bytes) {
        self.queued_weight += bytes.len();
        self.queue.push_back(Item::Bytes(bytes));
    }

    fn advance(&mut self, mut count: usize) {
        self.written += count as u64;
        while let Some(Item::Bytes(front)) = self.queue.front_mut() {
            let written = count.min(front.len());
            front.advance(written);
            self.queued_weight -= written;
            count -= written;
            if !front.is_empty() {
                return;
            }
            self.queue.pop_front();
        }
        let small = if self.queue.is_empty() {
            self.small.len() - self.head
        } else {
            0
        };
        assert!(
            count <= small,
            "advance past the bytes that wait: {} too many",
            count - small
        );
        self.head += count;
        let left = self.small.len() - self.head;
        if left == 0 {
            self.head = 0;
            self.small.clear();
            if self.small.capacity() > KEEP {
                self.small = Vec::new();
            }
        } else if left <= self.head {
            // At most one byte is moved for each byte written.
            self.small.drain(..self.head);
            self.head = 0;
        }
    }
}

/// Shows counts alone: the bytes may be megabytes.
impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox")
            .field("bytes", &self.bytes())
            .field("fds", &self.fds())
            .finish()
    }
}

impl Buf for Chunks<'_> {
    fn remaining(&self) -> usize {
        if self.outbox.queued_fds == 0 {
            // Without descriptors, the weight is that of the bytes.
            self.outbox.weight()
        } else {
            self.outbox.pieces().map(<[u8]>::len).sum()
        }
    }

    fn chunk(&self) -> &[u8] {
        self.outbox.pieces().next().unwrap_or_default()
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let pieces = slices.iter_mut().zip(self.outbox.pieces());
        pieces
            .map(|(slice, piece)| *slice = IoSlice::new(piece))
            .count()
    }

    fn advance(&mut self, count: usize) {
        self.outbox.advance(count);
    }
}

impl FdSlot<'_> {
    /// Takes the descriptor out of the outbox, to drop it once sent, or to hand it over in memory.
    #[must_use = "a descriptor that was not sent is lost when dropped"]
    pub fn into_fd(self) -> Fd {
        let Some(Item::Fd(fd)) = self.outbox.queue.pop_front() else {
            unreachable!("a slot exists only while a descriptor is first in the outbox");
        };
        self.outbox.queued_fds -= 1;
        self.outbox.queued_weight -= FD_WEIGHT;
        fd
    }
}

#[cfg(unix)]
impl std::os::fd::AsFd for FdSlot<'_> {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        let Some(Item::Fd(fd)) = self.outbox.queue.front() else {
            unreachable!("a slot exists only while a descriptor is first in the outbox");
        };
        fd.as_fd()
    }
}
