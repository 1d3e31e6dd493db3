//! Received bytes, split into the units of a script: frames, and bytes with descriptors.

use std::collections::VecDeque;

use crate::Event;

/// Received bytes, and where among them descriptors rode.
#[derive(Debug, Default)]
pub(crate) struct Incoming {
    bytes: Vec<u8>,
    /// The number of descriptors that rode on the byte at this place in `bytes`, in order.
    descriptors: VecDeque<(usize, usize)>,
    closed: bool,
}

impl Incoming {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Says that descriptors rode on the last byte that was pushed.
    pub(crate) fn mark_descriptors(&mut self, count: usize) {
        self.descriptors
            .push_back((self.bytes.len().saturating_sub(1), count));
    }

    /// Says that nothing more will be pushed.
    pub(crate) fn close(&mut self) {
        self.closed = true;
    }

    /// The next thing that is whole. Once closed, what is left is handed out as a frame, and then the end.
    pub(crate) fn next(&mut self) -> Option<Event> {
        if let Some(&(0, count)) = self.descriptors.front() {
            self.descriptors.pop_front();
            self.take(1);
            return Some(Event::Descriptors(count));
        }
        // A length that does not cover itself is no frame: the script is to complain about it.
        let whole = self
            .bytes
            .first_chunk()
            .map(|word| u32::from_be_bytes(*word).max(4))
            .and_then(|length| usize::try_from(length).ok())
            .filter(|length| *length <= self.bytes.len());
        match whole {
            Some(length) => Some(Event::Frame(self.take(length))),
            None if !self.closed => None,
            None if self.bytes.is_empty() => Some(Event::Closed),
            None => Some(Event::Frame(self.take(self.bytes.len()))),
        }
    }

    fn take(&mut self, length: usize) -> Vec<u8> {
        for (at, _) in &mut self.descriptors {
            *at = at.saturating_sub(length);
        }
        self.bytes.drain(..length).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_and_descriptors_come_out_in_order() {
        let mut incoming = Incoming::default();
        incoming.push(&[0, 0, 0, 5, 9, 7]);
        incoming.mark_descriptors(1);
        incoming.push(&[0, 0]);
        assert_eq!(incoming.next(), Some(Event::Frame(vec![0, 0, 0, 5, 9])));
        assert_eq!(incoming.next(), Some(Event::Descriptors(1)));
        assert_eq!(incoming.next(), None);
        incoming.push(&[0, 4]);
        assert_eq!(incoming.next(), Some(Event::Frame(vec![0, 0, 0, 4])));
        assert_eq!(incoming.next(), None);
    }

    #[test]
    fn what_was_cut_short_is_not_lost_at_the_end() {
        let mut incoming = Incoming::default();
        incoming.push(&[0, 0, 0, 28, 1]);
        assert_eq!(incoming.next(), None);
        incoming.close();
        assert_eq!(incoming.next(), Some(Event::Frame(vec![0, 0, 0, 28, 1])));
        assert_eq!(incoming.next(), Some(Event::Closed));
        assert_eq!(incoming.next(), Some(Event::Closed));
    }

    #[test]
    fn a_length_that_does_not_cover_itself_does_not_stall() {
        let mut incoming = Incoming::default();
        incoming.push(&[0; 8]);
        assert_eq!(incoming.next(), Some(Event::Frame(vec![0; 4])));
    }
}
