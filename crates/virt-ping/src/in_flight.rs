//! The PINGs or calls in flight: sent, and not answered.

use std::collections::VecDeque;

use tokio::time::Instant;

/// The PINGs or calls without an answer, in the order in which they were sent.
#[derive(Debug, Default)]
pub(crate) struct InFlight {
    queue: VecDeque<Probe>,
    waiting: usize,
    unanswered: usize,
}

#[derive(Debug)]
struct Probe {
    seq: u64,
    due: Instant,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Its time is not over.
    Waiting,
    /// Its time is over; an answer is late, but counts.
    Missed,
    /// It was never sent. It takes its time nevertheless, so that a run ends as if it had been.
    HeldBack,
}

impl InFlight {
    pub(crate) fn sent(&mut self, seq: u64, due: Instant) {
        self.waiting += 1;
        self.unanswered += 1;
        self.push(seq, due, State::Waiting);
    }

    pub(crate) fn held_back(&mut self, seq: u64, due: Instant) {
        self.waiting += 1;
        self.push(seq, due, State::HeldBack);
    }

    fn push(&mut self, seq: u64, due: Instant, state: State) {
        self.queue.push_back(Probe { seq, due, state });
    }

    /// Records an answer, and returns whether it is late.
    pub(crate) fn answered(&mut self, seq: u64) -> bool {
        let found = self.queue.binary_search_by_key(&seq, |probe| probe.seq);
        let Some(probe) = found.ok().and_then(|index| self.queue.remove(index)) else {
            return false;
        };
        self.unanswered -= 1;
        let late = probe.state == State::Missed;
        if !late {
            self.waiting -= 1;
        }
        late
    }

    /// Returns the time at which the next one is missed.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let mut open = self
            .queue
            .iter()
            .filter(|probe| probe.state != State::Missed);
        open.next().map(|probe| probe.due)
    }

    /// Marks those as missed whose time is over, one at each call, and returns its number.
    pub(crate) fn poll_missed(&mut self, now: Instant) -> Option<u64> {
        loop {
            let open = |probe: &Probe| probe.state != State::Missed;
            let index = self.queue.iter().position(open)?;
            let probe = self.queue.get_mut(index).filter(|probe| probe.due <= now)?;
            self.waiting -= 1;
            if probe.state == State::Waiting {
                probe.state = State::Missed;
                return Some(probe.seq);
            }
            self.queue.remove(index);
        }
    }

    /// Returns those whose time is not over, with the time at which it would be.
    pub(crate) fn into_open(self) -> impl Iterator<Item = (u64, Instant)> {
        let open = |probe: &Probe| probe.state == State::Waiting;
        self.queue
            .into_iter()
            .filter(open)
            .map(|probe| (probe.seq, probe.due))
    }

    /// Returns whether this one was sent, and is neither answered nor missed.
    pub(crate) fn is_open(&self, seq: u64) -> bool {
        let found = self.queue.binary_search_by_key(&seq, |probe| probe.seq);
        let probe = found.ok().and_then(|index| self.queue.get(index));
        probe.is_some_and(|probe| probe.state == State::Waiting)
    }

    /// Returns the number of those whose time is not over.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Returns the number of those that were sent and not answered.
    pub(crate) fn unanswered(&self) -> usize {
        self.unanswered
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Duration;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn an_answer_in_time_is_not_late() {
        let now = Instant::now();
        let mut in_flight = InFlight::default();
        in_flight.sent(1, now + SECOND);
        in_flight.sent(2, now + SECOND * 2);
        assert_eq!(in_flight.deadline(), Some(now + SECOND));
        assert!(!in_flight.answered(1));
        assert_eq!(in_flight.deadline(), Some(now + SECOND * 2));
        assert!(!in_flight.answered(2));
        assert_eq!((in_flight.waiting(), in_flight.unanswered()), (0, 0));
        assert_eq!(in_flight.deadline(), None);
    }

    #[test]
    fn a_missed_one_may_still_be_answered() {
        let now = Instant::now();
        let mut in_flight = InFlight::default();
        in_flight.sent(1, now + SECOND);
        in_flight.sent(2, now + SECOND * 2);
        assert_eq!(in_flight.poll_missed(now), None);
        assert_eq!(in_flight.poll_missed(now + SECOND), Some(1));
        assert_eq!(in_flight.poll_missed(now + SECOND), None);
        assert_eq!((in_flight.waiting(), in_flight.unanswered()), (1, 2));
        assert!(!in_flight.is_open(1) && in_flight.is_open(2));
        assert!(in_flight.answered(1), "it is late");
        assert_eq!(
            in_flight.into_open().collect::<Vec<_>>(),
            [(2, now + SECOND * 2)]
        );
    }

    #[test]
    fn one_that_was_held_back_is_not_missed_but_takes_its_time() {
        let now = Instant::now();
        let mut in_flight = InFlight::default();
        in_flight.held_back(1, now + SECOND);
        assert_eq!((in_flight.waiting(), in_flight.unanswered()), (1, 0));
        assert_eq!(in_flight.deadline(), Some(now + SECOND));
        assert_eq!(in_flight.poll_missed(now + SECOND), None);
        assert_eq!((in_flight.waiting(), in_flight.unanswered()), (0, 0));
    }

    #[test]
    fn an_answer_to_nothing_is_ignored() {
        let mut in_flight = InFlight::default();
        assert!(!in_flight.answered(7));
        assert_eq!(in_flight.unanswered(), 0);
    }
}
