//! The buffer of received bytes, and the policy for its memory.

use core::ops::Range;

use bytes::{Buf, Bytes, BytesMut};

/// The capacity in bytes above which a buffer that has grown is freed again.
const KEEP: usize = 64 * 1024;

/// Received bytes that were not consumed yet, in one piece.
///
/// The memory is at most twice the bytes received and the space asked for. It is allocated as bytes arrive, never for a
/// length that a frame announces. A buffer that has grown for a large frame is freed once the input no longer needs it.
///
/// ```text
/// | consumed | unread | space | rest |     one allocation, all of it initialised
/// 0        start     end           len
/// ```
#[derive(Default)]
pub(crate) struct Buffer {
    /// All of it is initialised, so that a reader can be handed any part of it.
    bytes: BytesMut,
    /// The unread bytes are `bytes[start..end]`: `start <= end <= bytes.len()`.
    start: usize,
    end: usize,
    /// The bytes behind `end` that may be committed: `end + space <= bytes.len()`.
    space: usize,
    /// The bytes of the allocation before `bytes`, split off with what was taken.
    taken: usize,
    /// The length of the last piece consumed, which tells whether a large buffer is still needed.
    last: usize,
    /// The length of the last space, which tells the same; 0 after a push.
    asked: usize,
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

    /// Returns bytes at a range that [`consume`](Self::consume) returned.
    #[inline]
    pub(crate) fn get(&self, range: Range<usize>) -> &[u8] {
        &self.bytes[range]
    }

    /// Returns the memory of the allocation, in bytes, taken parts included.
    pub(crate) fn capacity(&self) -> usize {
        self.taken + self.bytes.capacity()
    }

    /// Whether the buffer has grown for a large frame.
    #[inline]
    pub(crate) fn is_large(&self) -> bool {
        self.capacity() > KEEP
    }

    /// Appends bytes.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.make_room(bytes.len());
        self.space = 0;
        self.asked = 0;
        let end = self.end + bytes.len();
        if let Some(place) = self.bytes.get_mut(self.end..end) {
            place.copy_from_slice(bytes);
        } else {
            self.bytes.truncate(self.end);
            self.bytes.extend_from_slice(bytes);
        }
        self.end = end;
    }

    /// Returns `length` bytes behind the unread ones, to read into.
    pub(crate) fn space(&mut self, length: usize) -> &mut [u8] {
        self.make_room(length);
        let end = self.end + length;
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        self.space = length;
        self.asked = length;
        &mut self.bytes[self.end..end]
    }

    /// Appends the first `count` bytes of the space that is left.
    ///
    /// # Panics
    ///
    /// If `count` is more than is left of the space.
    pub(crate) fn commit(&mut self, count: usize) {
        let left = self.space;
        assert!(
            count <= left,
            "commit of {count} bytes, more than the {left} that are left of the space"
        );
        self.space -= count;
        self.end += count;
    }

    /// Consumes the first `length` unread bytes, and returns their range, which is valid until the next change.
    ///
    /// `length` must not exceed [`len`](Self::len).
    #[inline]
    pub(crate) fn consume(&mut self, length: usize) -> Range<usize> {
        debug_assert!(length <= self.len(), "only unread bytes can be consumed");
        let start = self.start;
        self.start += length;
        self.last = length;
        start..self.start
    }

    /// Splits off the bytes of a range at the end of the consumed ones, without a copy.
    pub(crate) fn take(&mut self, range: Range<usize>) -> Bytes {
        debug_assert_eq!(
            range.end, self.start,
            "bytes are taken before the next are consumed"
        );
        if range.is_empty() {
            return Bytes::new();
        }
        let mut taken = self.bytes.split_to(range.end).freeze();
        self.taken += range.end;
        self.start = 0;
        self.end -= range.end;
        taken.advance(range.start);
        taken
    }

    /// Discards the unread bytes, and frees the memory.
    pub(crate) fn clear(&mut self) {
        self.end = self.start;
        self.renew(0);
    }

    /// Frees all memory without unread bytes.
    pub(crate) fn shrink_to_fit(&mut self) {
        self.renew(self.len());
    }

    /// Frees a large buffer if less than a quarter of it is needed: for the unread bytes, for the `expected` bytes of the
    /// next piece, or for a space like the last.
    #[cold]
    pub(crate) fn shrink_for(&mut self, expected: usize) {
        let needed = self.len().max(expected).max(self.asked);
        if self.is_large() && self.capacity() / 4 > needed {
            self.renew(self.len());
        }
    }

    /// Makes room for `length` more bytes, and frees a large buffer that is no longer needed.
    fn make_room(&mut self, length: usize) {
        let unread = self.len();
        let used = self.last.max(length).max(unread);
        if self.is_large() && self.capacity() / 4 > used {
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
            self.replace_shared(length);
        }
    }

    /// Makes room for `length` more bytes in an allocation that is shared with taken bytes.
    #[cold]
    fn replace_shared(&mut self, length: usize) {
        let more = self.end + length - self.bytes.len();
        // The allocation is reclaimed if all taken bytes have been dropped.
        if self.bytes.try_reclaim(more) {
            self.taken = 0;
        } else {
            self.renew(2 * (self.len() + length));
        }
    }

    /// Moves the unread bytes into an allocation of their own, of `capacity` bytes.
    #[cold]
    fn renew(&mut self, capacity: usize) {
        let mut bytes = BytesMut::with_capacity(capacity);
        bytes.extend_from_slice(self.unread());
        self.bytes = bytes;
        self.end = self.len();
        self.start = 0;
        self.space = 0;
        self.taken = 0;
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    /// A length that makes a buffer large.
    const LARGE: usize = 4 * KEEP;

    #[test]
    fn bytes_come_out_in_order_whichever_way_they_went_in() {
        let mut buffer = Buffer::default();
        buffer.push(b"one ");
        buffer.space(10)[..4].copy_from_slice(b"two ");
        buffer.commit(4);
        buffer.push(b"three");
        assert_eq!(buffer.unread(), b"one two three");
        let range = buffer.consume(4);
        assert_eq!(buffer.get(range.clone()), b"one ");
        assert_eq!(buffer.take(range), &b"one "[..]);
        assert_eq!(buffer.unread(), b"two three");
        assert_eq!(buffer.len(), 9);
    }

    #[test]
    fn what_is_left_of_the_space_can_be_committed_later() {
        let mut buffer = Buffer::default();
        buffer.space(4).copy_from_slice(b"abcd");
        buffer.commit(1);
        buffer.commit(3);
        assert_eq!(buffer.unread(), b"abcd");
    }

    #[test]
    #[should_panic = "commit of 5 bytes, more than the 4 that are left of the space"]
    fn no_more_than_the_space_can_be_committed() {
        let mut buffer = Buffer::default();
        buffer.space(4);
        buffer.commit(5);
    }

    #[test]
    fn one_byte_behind_a_large_piece_does_not_keep_its_memory() {
        let mut buffer = Buffer::default();
        buffer.push(&vec![7; LARGE + 1]);
        buffer.consume(LARGE);
        assert!(buffer.capacity() >= LARGE);
        buffer.shrink_for(0);
        assert_eq!(buffer.unread(), [7]);
        assert!(buffer.capacity() <= KEEP, "{}", buffer.capacity());
    }

    #[test]
    fn a_large_buffer_is_kept_for_a_large_piece_to_come() {
        let mut buffer = Buffer::default();
        buffer.push(&vec![7; LARGE + 1]);
        buffer.consume(LARGE);
        let before = buffer.capacity();
        buffer.shrink_for(LARGE);
        assert_eq!(buffer.capacity(), before);
    }

    #[test]
    fn a_large_buffer_is_freed_when_small_pieces_follow() {
        let mut buffer = Buffer::default();
        buffer.push(&vec![7; LARGE]);
        buffer.consume(LARGE);
        buffer.push(&[1; 28]);
        assert!(buffer.capacity() >= LARGE);
        buffer.consume(28);
        buffer.push(&[2; 28]);
        assert_eq!(buffer.unread(), [2; 28]);
        assert!(buffer.capacity() <= KEEP, "{}", buffer.capacity());
    }

    #[test]
    fn taken_bytes_count_until_they_are_dropped() {
        let mut buffer = Buffer::default();
        buffer.push(&[7; 1000]);
        let range = buffer.consume(1000);
        let taken = buffer.take(range);
        assert!(buffer.capacity() >= 1000);
        buffer.shrink_to_fit();
        assert_eq!(buffer.capacity(), 0);
        assert_eq!(taken, &[7; 1000][..]);
    }
}
