//! The buffer of received bytes, and the policy for its memory.

use core::ops::Range;

use bytes::{Buf, Bytes, BytesMut};

/// The capacity in bytes above which a buffer is large: it is freed when little of it is used.
const LARGE: usize = 64 * 1024;

/// Received bytes that were not consumed yet, in one piece.
///
/// Memory is allocated as bytes arrive, never for a length that a frame announces: at most twice the bytes received and
/// the space asked for. A large buffer is freed when less than a quarter of it is used.
///
/// ```text
/// |  taken  |  consumed  |  unread  |  space  |  free  |
///           0          start       end  end + space  bytes.len()
/// ```
///
/// Taken bytes belong to the [`Bytes`] that were split off, and share the allocation with them.
#[derive(Default)]
pub(crate) struct Buffer {
    /// All of it is initialized, so that a reader can be handed any part of it.
    bytes: BytesMut,
    /// The unread bytes are `bytes[start..end]`: `start <= end <= bytes.len()`.
    start: usize,
    end: usize,
    /// The number of bytes behind `end` that may still be committed: `end + space <= bytes.len()`.
    space: usize,
    /// The length of the last space, 0 after a push: `space <= asked`. It tells the size of reads.
    asked: usize,
    /// The length of the last piece that was consumed. It tells the size of frames.
    last: usize,
    /// The number of bytes of the allocation before `bytes`; 0 if nothing was taken since it was allocated.
    taken: usize,
}

impl Buffer {
    /// Returns the unread bytes.
    #[inline]
    pub(crate) fn unread(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// Returns the number of unread bytes.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.end - self.start
    }

    /// Returns consumed bytes, by a range within the one that [`consume`](Self::consume) has just returned.
    #[inline]
    pub(crate) fn consumed(&self, range: Range<usize>) -> &[u8] {
        &self.bytes[range]
    }

    /// Returns the size of the allocation in bytes, taken bytes included.
    #[inline]
    pub(crate) fn capacity(&self) -> usize {
        self.taken + self.bytes.capacity()
    }

    /// Returns whether the allocation is [`LARGE`].
    #[inline]
    pub(crate) fn is_large(&self) -> bool {
        self.capacity() > LARGE
    }

    /// Appends bytes, and voids the space; returns whether the allocation was [`LARGE`] before.
    #[inline]
    pub(crate) fn push(&mut self, bytes: &[u8]) -> bool {
        let was_large = self.is_large();
        self.void_space();
        self.make_room(bytes.len());
        let end = self.end + bytes.len();
        if let Some(place) = self.bytes.get_mut(self.end..end) {
            place.copy_from_slice(bytes);
        } else {
            self.bytes.truncate(self.end);
            self.bytes.extend_from_slice(bytes);
        }
        self.end = end;
        was_large
    }

    /// Returns `length` bytes behind the unread ones, to read into.
    pub(crate) fn space(&mut self, length: usize) -> &mut [u8] {
        self.void_space();
        self.make_room(length);
        let end = self.end + length;
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        self.space = length;
        self.asked = length;
        &mut self.bytes[self.end..end]
    }

    /// Appends the first `count` bytes of what is left of the space.
    ///
    /// # Panics
    ///
    /// If `count` is more than is left of it.
    pub(crate) fn commit(&mut self, count: usize) {
        let left = self.space;
        assert!(
            count <= left,
            "commit of {count} bytes, more than the {left} that are left of the space"
        );
        self.space -= count;
        self.end += count;
    }

    /// Consumes the first `length` unread bytes and returns their range, which is valid until the next change.
    ///
    /// `length` must not exceed [`len`](Self::len).
    #[inline]
    pub(crate) fn consume(&mut self, length: usize) -> Range<usize> {
        debug_assert!(length <= self.len(), "only unread bytes are consumed");
        let start = self.start;
        self.start += length;
        self.last = length;
        start..self.start
    }

    /// Takes consumed bytes, by a range that ends where the last [`consume`](Self::consume) did.
    ///
    /// They share the allocation, and keep all of it alive; from a large one they are copied if they are less than a
    /// quarter of it.
    pub(crate) fn take(&mut self, range: Range<usize>) -> Bytes {
        debug_assert_eq!(range.end, self.start, "the last consumed bytes are taken");
        if range.is_empty() {
            return Bytes::new();
        }
        if self.is_little_used(range.len()) {
            return Bytes::copy_from_slice(&self.bytes[range]);
        }
        let mut taken = self.bytes.split_to(range.end).freeze();
        self.taken += range.end;
        self.start = 0;
        self.end -= range.end;
        taken.advance(range.start);
        taken
    }

    /// Discards the unread bytes and the space, and frees the memory.
    pub(crate) fn clear(&mut self) {
        self.end = self.start;
        self.shrink_to_fit();
    }

    /// Frees all memory without unread bytes, and voids the space.
    pub(crate) fn shrink_to_fit(&mut self) {
        self.void_space();
        self.renew(self.len());
    }

    /// Frees a large buffer if less than a quarter of it is used; the unread bytes and the space stay.
    ///
    /// `expected` is the length of the piece that the unread bytes begin, as far as known. A reader that has asked for
    /// large space, and may do so again, uses that, too.
    #[cold]
    pub(crate) fn shrink_if_little_used(&mut self, expected: usize) {
        let kept = self.len() + self.space;
        if self.is_little_used(kept.max(expected).max(self.asked)) {
            self.renew(kept);
        }
    }

    /// Returns whether the buffer is large, and less than a quarter of it holds `used` bytes.
    #[inline]
    fn is_little_used(&self, used: usize) -> bool {
        self.is_large() && self.capacity() / 4 > used
    }

    #[inline]
    fn void_space(&mut self) {
        self.space = 0;
        self.asked = 0;
    }

    /// Makes room for `length` more bytes; frees a large buffer if less than a quarter of it is used.
    ///
    /// An empty buffer counts as used by a piece like the last: another one may follow.
    #[inline]
    fn make_room(&mut self, length: usize) {
        let unread = self.len();
        if self.is_little_used(self.last.max(length).max(unread)) {
            self.renew(unread + length);
            return;
        }
        let room = self.bytes.capacity();
        if unread == 0 {
            self.start = 0;
            self.end = 0;
        } else if room - self.end < length && unread <= self.start {
            // At most one byte is moved for each byte that was consumed.
            self.bytes.copy_within(self.start..self.end, 0);
            self.start = 0;
            self.end = unread;
        }
        if self.taken > 0 && room - self.end < length {
            self.leave_shared(length);
        }
    }

    /// Makes room for `length` more bytes, where the allocation was shared with taken bytes and has no room.
    #[cold]
    fn leave_shared(&mut self, length: usize) {
        let more = self.end + length - self.bytes.len();
        // It succeeds if all taken bytes were dropped: the whole allocation is the buffer's again.
        if self.bytes.try_reclaim(more) {
            self.taken = 0;
        } else {
            self.renew(2 * (self.len() + length));
        }
    }

    /// Moves the unread bytes and the space into a new allocation of `capacity` bytes.
    #[cold]
    fn renew(&mut self, capacity: usize) {
        let mut bytes = BytesMut::with_capacity(capacity);
        bytes.extend_from_slice(&self.bytes[self.start..self.end + self.space]);
        self.bytes = bytes;
        self.end = self.len();
        self.start = 0;
        self.taken = 0;
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    const HUGE: usize = 4 * LARGE;

    /// Returns a buffer that has grown for a piece of [`HUGE`] bytes, has consumed it, and holds `rest`.
    fn grown(rest: &[u8]) -> Buffer {
        let mut buffer = Buffer::default();
        buffer.push(&[&vec![7; HUGE], rest].concat());
        buffer.consume(HUGE);
        assert_eq!(buffer.unread(), rest);
        assert!(buffer.capacity() >= HUGE);
        buffer
    }

    #[test]
    fn bytes_come_out_in_the_order_they_went_in() {
        let mut buffer = Buffer::default();
        buffer.push(b"one ");
        buffer.space(10)[..4].copy_from_slice(b"two ");
        buffer.commit(4);
        buffer.push(b"three");
        assert_eq!(buffer.unread(), b"one two three");

        let range = buffer.consume(4);
        assert_eq!(buffer.consumed(range.clone()), b"one ");
        assert_eq!(buffer.take(range), &b"one "[..]);
        let range = buffer.consume(4);
        assert_eq!(buffer.consumed(range.start + 1..range.end), b"wo ");
        assert_eq!(buffer.unread(), b"three");
        assert_eq!(buffer.len(), 5);
    }

    #[test]
    fn the_space_is_committed_in_parts() {
        let mut buffer = Buffer::default();
        buffer.space(4).copy_from_slice(b"abcd");
        buffer.commit(1);
        buffer.commit(3);
        assert_eq!(buffer.unread(), b"abcd");
    }

    #[test]
    #[should_panic = "commit of 4 bytes, more than the 3 that are left of the space"]
    fn more_than_the_space_cannot_be_committed() {
        let mut buffer = Buffer::default();
        buffer.space(4);
        buffer.commit(1);
        buffer.commit(4);
    }

    #[test]
    fn a_large_buffer_with_one_unread_byte_is_freed() {
        let mut buffer = grown(&[1]);
        buffer.shrink_if_little_used(0);
        assert_eq!((buffer.unread(), buffer.capacity()), (&[1][..], 1));
    }

    #[test]
    fn a_large_buffer_is_kept_while_a_quarter_of_it_is_used() {
        for (expected, is_kept) in [(HUGE / 4, true), (HUGE / 4 - 1, false)] {
            let mut buffer = Buffer::default();
            buffer.push(&vec![7; HUGE]);
            buffer.consume(HUGE);
            buffer.push(&[1]);
            assert_eq!(buffer.capacity(), HUGE);
            buffer.shrink_if_little_used(expected);
            assert_eq!(buffer.capacity() == HUGE, is_kept, "{expected} expected");
        }
    }

    #[test]
    fn a_large_buffer_is_kept_for_a_reader_of_large_space() {
        let mut buffer = Buffer::default();
        buffer.space(HUGE);
        buffer.commit(HUGE);
        buffer.consume(HUGE - 1);
        buffer.shrink_if_little_used(0);
        assert_eq!(buffer.capacity(), HUGE);

        buffer.push(&[1]);
        buffer.shrink_if_little_used(0);
        assert_eq!(buffer.capacity(), 2);
    }

    #[test]
    fn a_buffer_that_is_not_large_is_kept() {
        let mut buffer = Buffer::default();
        buffer.space(LARGE);
        buffer.push(&[1]);
        buffer.shrink_if_little_used(0);
        buffer.push(&[2]);
        assert_eq!(buffer.capacity(), LARGE);
    }

    #[test]
    fn the_space_survives_when_a_large_buffer_is_freed() {
        let mut buffer = grown(&[]);
        buffer.space(4).copy_from_slice(b"abcd");
        buffer.commit(1);
        buffer.shrink_if_little_used(0);
        assert_eq!(buffer.capacity(), 4);
        buffer.commit(3);
        assert_eq!(buffer.unread(), b"abcd");
    }

    #[test]
    fn an_empty_large_buffer_is_kept_for_a_piece_like_the_last() {
        let mut buffer = grown(&[]);
        let capacity = buffer.capacity();
        buffer.push(&[1; 28]);
        assert_eq!(buffer.capacity(), capacity);
        buffer.consume(28);
        buffer.push(&[2; 28]);
        assert_eq!(buffer.unread(), [2; 28]);
        assert_eq!(buffer.capacity(), 28);
    }

    #[test]
    fn taken_bytes_count_until_the_allocation_is_left() {
        let mut buffer = Buffer::default();
        buffer.push(&[7; 1000]);
        let range = buffer.consume(1000);
        let taken = buffer.take(range);
        assert_eq!(buffer.capacity(), 1000);
        buffer.shrink_to_fit();
        assert_eq!(buffer.capacity(), 0);
        assert_eq!(taken, &[7; 1000][..]);
    }

    #[test]
    fn a_small_part_of_a_large_buffer_is_copied_out() {
        for (length, is_copied) in [(HUGE / 4, false), (HUGE / 4 - 1, true)] {
            let mut buffer = Buffer::default();
            buffer.push(&vec![7; HUGE]);
            let range = buffer.consume(length);
            let place = buffer.consumed(range.clone()).as_ptr();
            let taken = buffer.take(range);
            assert_eq!(taken, vec![7; length]);
            assert_eq!(taken.as_ptr() != place, is_copied, "{length} bytes");
            assert_eq!(buffer.len(), HUGE - length);
            assert_eq!(buffer.capacity(), HUGE);
        }
    }

    #[test]
    fn clearing_frees_everything() {
        let mut buffer = grown(&[1; 100]);
        buffer.clear();
        assert_eq!((buffer.len(), buffer.capacity()), (0, 0));
    }
}
