//! What was sent and is not answered.

use std::collections::VecDeque;

use tokio::time::Instant;

/// The PINGs or calls that have no answer, in the order they were sent.
#[derive(Debug, Default)]
pub(crate) struct Flights {
    queue: VecDeque<Flight>,
    waiting: usize,
    unanswered: usize,
}

#[derive(Debug)]
struct Flight {
    seq: u64,
    due: Instant,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// There is still time.
    Waiting,
    /// Its time has passed; an answer is late, and still comes.
    Missed,
    /// It was never sent; it takes its time nevertheless, so that one end of all is found.
    HeldBack,
}

impl Flights {
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
        self.queue.push_back(Flight { seq, due, state });
    }

    /// Takes note of an answer, and says whether it is late.
    pub(crate) fn answered(&mut self, seq: u64) -> bool {
        let found = self.queue.binary_search_by_key(&seq, |flight| flight.seq);
        let Some(flight) = found.ok().and_then(|index| self.queue.remove(index)) else {
            return false;
        };
        self.unanswered -= 1;
        let late = flight.state == State::Missed;
        if !late {
            self.waiting -= 1;
        }
        late
    }

    /// When the next one is missed.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let mut open = self
            .queue
            .iter()
            .filter(|flight| flight.state != State::Missed);
        open.next().map(|flight| flight.due)
    }

    /// Gives up what is due, and returns the one that was sent first of them.
    pub(crate) fn poll_missed(&mut self, now: Instant) -> Option<u64> {
        loop {
            let open = |flight: &Flight| flight.state != State::Missed;
            let index = self.queue.iter().position(open)?;
            let flight = self
                .queue
                .get_mut(index)
                .filter(|flight| flight.due <= now)?;
            self.waiting -= 1;
            if flight.state == State::Waiting {
                flight.state = State::Missed;
                return Some(flight.seq);
            }
            self.queue.remove(index);
        }
    }

    /// Gives up what is left, and returns what was sent of it and for how long there was still time.
    pub(crate) fn into_open(self) -> impl Iterator<Item = (u64, Instant)> {
        let open = |flight: &Flight| flight.state == State::Waiting;
        self.queue
            .into_iter()
            .filter(open)
            .map(|flight| (flight.seq, flight.due))
    }

    /// Returns whether this one was sent and is neither answered nor missed.
    pub(crate) fn is_open(&self, seq: u64) -> bool {
        let found = self.queue.binary_search_by_key(&seq, |flight| flight.seq);
        let flight = found.ok().and_then(|index| self.queue.get(index));
        flight.is_some_and(|flight| flight.state == State::Waiting)
    }

    /// How many there is still time for.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting
    }

    /// How many were sent and have no answer, late or not.
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
        let mut flights = Flights::default();
        flights.sent(1, now + SECOND);
        flights.sent(2, now + SECOND * 2);
        assert_eq!(flights.deadline(), Some(now + SECOND));
        assert!(!flights.answered(1));
        assert_eq!(flights.deadline(), Some(now + SECOND * 2));
        assert!(!flights.answered(2));
        assert_eq!((flights.waiting(), flights.unanswered()), (0, 0));
        assert_eq!(flights.deadline(), None);
    }

    #[test]
    fn what_is_missed_may_still_be_answered() {
        let now = Instant::now();
        let mut flights = Flights::default();
        flights.sent(1, now + SECOND);
        flights.sent(2, now + SECOND * 2);
        assert_eq!(flights.poll_missed(now), None);
        assert_eq!(flights.poll_missed(now + SECOND), Some(1));
        assert_eq!(flights.poll_missed(now + SECOND), None);
        assert_eq!((flights.waiting(), flights.unanswered()), (1, 2));
        assert!(!flights.is_open(1) && flights.is_open(2));
        assert!(flights.answered(1), "it is late");
        assert_eq!(
            flights.into_open().collect::<Vec<_>>(),
            [(2, now + SECOND * 2)]
        );
    }

    #[test]
    fn what_was_held_back_is_not_missed_but_takes_its_time() {
        let now = Instant::now();
        let mut flights = Flights::default();
        flights.held_back(1, now + SECOND);
        assert_eq!((flights.waiting(), flights.unanswered()), (1, 0));
        assert_eq!(flights.deadline(), Some(now + SECOND));
        assert_eq!(flights.poll_missed(now + SECOND), None);
        assert_eq!((flights.waiting(), flights.unanswered()), (0, 0));
    }

    #[test]
    fn an_answer_to_nothing_is_nothing() {
        let mut flights = Flights::default();
        assert!(!flights.answered(7));
        assert_eq!(flights.unanswered(), 0);
    }
}
