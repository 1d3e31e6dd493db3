//! The numbers of a run so far.

use std::time::Duration;

use tokio::time::Instant;

use crate::event::{Ended, Summary};
use crate::exit::Exit;
use crate::histogram::Histogram;
use crate::options::Options;
use crate::outages::Outages;
use crate::safe_text::SafeText;
use crate::statistics::Statistics;

/// The numbers of a run.
#[derive(Debug)]
pub(crate) struct Tally<'a> {
    options: &'a Options,
    start: Instant,
    pub(crate) sent: u64,
    pub(crate) received: u64,
    pub(crate) late: u64,
    /// The missed ones that were not answered late.
    pub(crate) missed: u64,
    pub(crate) held_back: u64,
    pub(crate) outages: Outages,
    /// The message of a closed connection.
    pub(crate) closed: Option<SafeText>,
    times: Statistics,
    histogram: Option<Histogram>,
}

impl<'a> Tally<'a> {
    pub(crate) fn new(options: &'a Options) -> Self {
        Self {
            options,
            start: Instant::now(),
            sent: 0,
            received: 0,
            late: 0,
            missed: 0,
            held_back: 0,
            outages: Outages::default(),
            closed: None,
            times: Statistics::default(),
            histogram: options.histogram.then(Histogram::default),
        }
    }

    /// Returns the time since the beginning.
    pub(crate) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// Counts an answer in time.
    pub(crate) fn received(&mut self, time: Duration) {
        self.received += 1;
        self.times.add(time);
        if let Some(histogram) = &mut self.histogram {
            histogram.add(time);
        }
    }

    /// Counts an answer to one that was missed before.
    pub(crate) fn received_late(&mut self, time: Duration) {
        self.late += 1;
        self.missed -= 1;
        self.received(time);
    }

    /// Returns whether the number that was asked for was received, if missed ones are sent again.
    pub(crate) fn is_enough(&self) -> bool {
        self.options
            .count
            .is_some_and(|count| self.received >= count)
    }

    /// Returns the exit status for this end.
    pub(crate) fn exit(&self, ended: Ended) -> Exit {
        let enough = match self.options.deadline {
            Some(_) if self.options.count.is_some() => self.is_enough(),
            _ => self.received > 0,
        };
        if enough && ended != Ended::Closed && !self.outages.is_down() {
            Exit::Alive
        } else {
            Exit::Dead
        }
    }

    /// Returns the numbers, at the end or in between.
    pub(crate) fn summary(&self, ended: Option<Ended>) -> Summary {
        let histogram = self.histogram.as_ref();
        Summary {
            sent: self.sent,
            received: self.received,
            late: self.late,
            missed: self.missed,
            held_back: self.held_back,
            duration: self.elapsed(),
            rtt: self.times.times(),
            percentiles: histogram.and_then(Histogram::percentiles),
            // In between, a chart would hide the other lines.
            histogram: ended.and(histogram).map(Histogram::bars),
            outages: self.options.reconnect.then(|| self.outages.times()),
            ended,
            exit: self.exit(ended.unwrap_or(Ended::Interrupted)).code(),
            counted: self.options.counted(),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn exit(options: &[&str], received: u64, ended: Ended) -> Exit {
        let options = Options::parse_from([&["virt-ping"], options].concat());
        let mut tally = Tally::new(&options);
        tally.received = received;
        tally.exit(ended)
    }

    #[test]
    fn any_answer_means_alive() {
        for ended in [Ended::Count, Ended::Deadline, Ended::Interrupted] {
            assert_eq!(exit(&["-c3"], 1, ended), Exit::Alive);
            assert_eq!(exit(&["-w3"], 1, ended), Exit::Alive);
            assert_eq!(exit(&[], 0, ended), Exit::Dead);
        }
    }

    #[test]
    fn with_a_deadline_all_of_the_count_have_to_come() {
        assert_eq!(exit(&["-c3", "-w3"], 3, Ended::Count), Exit::Alive);
        assert_eq!(exit(&["-c3", "-w3"], 2, Ended::Deadline), Exit::Dead);
    }

    #[test]
    fn a_closed_connection_is_dead_whatever_came() {
        assert_eq!(exit(&[], 99, Ended::Closed), Exit::Dead);
    }

    #[tokio::test]
    async fn an_outage_at_the_end_is_dead_whatever_came() {
        let options = Options::parse_from(["virt-ping", "--reconnect"]);
        let mut tally = Tally::new(&options);
        tally.received = 99;
        tally.outages.begin();
        assert_eq!(tally.exit(Ended::Interrupted), Exit::Dead);
        tally.outages.end();
        assert_eq!(tally.exit(Ended::Interrupted), Exit::Alive);
    }

    #[test]
    fn a_late_answer_is_no_longer_missed() {
        let options = Options::parse_from(["virt-ping", "--histogram"]);
        let mut tally = Tally::new(&options);
        (tally.sent, tally.missed) = (2, 1);
        tally.received(Duration::from_nanos(1));
        tally.received_late(Duration::from_nanos(3));
        let summary = tally.summary(Some(Ended::Count));
        assert_eq!((summary.received, summary.late, summary.missed), (2, 1, 0));
        assert_eq!(summary.rtt.map(|rtt| rtt.avg_ns), Some(2));
        assert_eq!(summary.histogram.map(|bars| bars.len()), Some(3));
        assert_eq!(tally.summary(None).histogram, None);
    }
}
