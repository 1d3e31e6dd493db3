//! One direction of a wire: what was written comes out in other pieces than it went in.

use std::collections::VecDeque;

use bytes::Buf;
use fastrand::Rng;
use virt_testkit::transport::null;
use virt_transport::{Fd, Transmit, Transport};

#[derive(Default)]
pub(crate) struct Wire {
    pieces: VecDeque<Piece>,
}

enum Piece {
    Bytes(Vec<u8>),
    Fd(Fd),
}

impl Wire {
    /// Takes what an end wants to write, as a socket does that takes a part at a time.
    pub(crate) fn write(&mut self, from: &mut Transport, rng: &mut Rng) {
        while let Some(transmit) = from.poll_transmit() {
            match transmit {
                Transmit::Bytes(mut chunks) => {
                    let count = some(chunks.remaining(), rng);
                    let bytes = chunks.copy_to_bytes(count);
                    match self.pieces.back_mut() {
                        Some(Piece::Bytes(before)) => before.extend(bytes),
                        _ => self.pieces.push_back(Piece::Bytes(bytes.into())),
                    }
                }
                Transmit::Fd(slot) => {
                    drop(slot.into_fd());
                    // What arrives is another descriptor of the same file.
                    self.pieces.push_back(Piece::Fd(null()));
                }
            }
        }
    }

    /// Hands an end what one read of a socket gives; false if there is nothing.
    pub(crate) fn read(&mut self, to: &mut Transport, rng: &mut Rng) -> bool {
        match self.pieces.front_mut() {
            None => return false,
            Some(Piece::Bytes(bytes)) => {
                let count = some(bytes.len(), rng);
                let rest = bytes.split_off(count);
                let read = std::mem::replace(bytes, rest);
                if bytes.is_empty() {
                    self.pieces.pop_front();
                }
                let received = if rng.bool() {
                    to.receive(&read)
                } else {
                    to.space(count)[..count].copy_from_slice(&read);
                    to.commit(count)
                };
                received.expect("no end sends what the other refuses");
            }
            Some(Piece::Fd(_)) => {
                if let Some(Piece::Fd(fd)) = self.pieces.pop_front() {
                    to.receive_fd(fd)
                        .expect("a descriptor comes where it is due");
                }
            }
        }
        true
    }
}

/// A part of so many: one, a few, or all of them.
fn some(all: usize, rng: &mut Rng) -> usize {
    match rng.u8(..4) {
        0 => 1,
        1 => rng.usize(1..=all.min(40)),
        2 => rng.usize(1..=all),
        _ => all,
    }
}
