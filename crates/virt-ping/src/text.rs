//! The lines for people, one for each event.

use std::fmt;
use std::time::Duration;

use crate::event::{Event, Summary};
use crate::histogram::{Chart, Percentiles};
use crate::nanoseconds::Milliseconds;
use crate::options::Counted;
use crate::outages::OutageTimes;
use crate::safe_text::SafeText;
use crate::statistics::Times;

/// Prints an event of a daemon.
pub(crate) struct Text<'a> {
    pub(crate) uri: &'a SafeText,
    pub(crate) counted: Counted,
    pub(crate) event: &'a Event,
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            uri,
            counted,
            event,
        } = *self;
        let pong = if counted == Counted::Calls {
            "REPLY"
        } else {
            "PONG"
        };
        match event {
            Event::Phase { phase, time } => {
                write!(f, "{uri}: {phase:<12} {:>9} ms", milliseconds(*time))
            }
            Event::Connected {
                address,
                version,
                keepalive,
                mode: _,
            } => {
                let verb = match counted {
                    Counted::Pings => "PING",
                    Counted::Calls => "CALL",
                    Counted::DaemonPings => "LISTEN",
                };
                write!(f, "{verb} {uri} ({address}): ")?;
                version
                    .iter()
                    .try_for_each(|version| write!(f, "libvirt {version}, "))?;
                f.write_str(match keepalive {
                    Some(true) => "keepalive negotiated",
                    Some(false) => "no keepalive",
                    None => "nothing negotiated",
                })
            }
            Event::Pong { seq, time, late } => {
                let late = if *late { " (late)" } else { "" };
                write!(
                    f,
                    "{pong} from {uri}: seq={seq} time={} ms{late}",
                    milliseconds(*time)
                )
            }
            Event::Missed { seq, waited } => {
                write!(
                    f,
                    "no {pong} from {uri}: seq={seq} waited={} ms",
                    waited.as_millis()
                )
            }
            Event::Outstanding { seq } => write!(f, "no {pong} yet from {uri}: seq={seq}"),
            Event::HeldBack { seq, unanswered } => {
                write!(
                    f,
                    "held back from {uri}: seq={seq}, {unanswered} are unanswered"
                )
            }
            Event::Ping { seq, count, after } => {
                if *count == 1 {
                    f.write_str("PING")?;
                } else {
                    write!(f, "{count} PINGs")?;
                }
                write!(
                    f,
                    " from {uri}: seq={seq} after={} ms",
                    milliseconds(*after)
                )
            }
            Event::Waiting { message } => write!(f, "{uri}: {message}; waiting"),
            Event::Reconnected {
                outage, attempts, ..
            } => {
                write!(
                    f,
                    "{uri}: connected again after {} ms, at attempt {attempts}",
                    milliseconds(*outage)
                )
            }
            Event::Closed { message, .. } | Event::Failed { message, .. } => {
                write!(f, "{uri}: {message}")
            }
            Event::Check {
                time: Some(time),
                version,
                ..
            } => {
                write!(f, "{uri}: alive, {pong} after {} ms", milliseconds(*time))?;
                version
                    .iter()
                    .try_for_each(|version| write!(f, ", libvirt {version}"))
            }
            Event::Check { message, .. } => {
                write!(f, "{uri}: ")?;
                message
                    .iter()
                    .try_for_each(|message| write!(f, "{message}"))
            }
            Event::Interim(summary) => {
                write!(f, "{uri}: ")?;
                counts(summary, f)?;
                summary.rtt.iter().try_for_each(|rtt| {
                    f.write_str("; ")?;
                    times(summary.counted, rtt, f)
                })
            }
            Event::Summary(summary) => self.summary(summary, f),
        }
    }
}

impl Text<'_> {
    fn summary(&self, summary: &Summary, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n--- {} ping statistics ---", self.uri)?;
        counts(summary, f)?;
        write!(f, ", time {} ms", summary.duration.as_millis())?;
        if let Some(OutageTimes {
            count,
            total_ns,
            longest_ns,
        }) = summary.outages
        {
            write!(f, "\n{count} outage{}", plural(count))?;
            if count > 0 {
                let [total, longest] = [total_ns, longest_ns].map(Milliseconds);
                write!(f, ", total/longest = {total}/{longest} ms")?;
            }
        }
        if let Some(rtt) = &summary.rtt {
            f.write_str("\n")?;
            times(summary.counted, rtt, f)?;
        }
        if let Some(Percentiles {
            p50_ns,
            p90_ns,
            p99_ns,
            p99_9_ns,
        }) = summary.percentiles
        {
            let [p50, p90, p99, p99_9] = [p50_ns, p90_ns, p99_ns, p99_9_ns].map(Milliseconds);
            write!(f, "\nrtt p50/p90/p99/p99.9 = {p50}/{p90}/{p99}/{p99_9} ms")?;
        }
        match &summary.histogram {
            Some(bars) if !bars.is_empty() => write!(f, "\n{}", Chart(bars)),
            _ => Ok(()),
        }
    }
}

fn counts(summary: &Summary, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let Summary {
        sent,
        received,
        late,
        missed,
        held_back,
        counted,
        ..
    } = *summary;
    let (pings, pongs) = match counted {
        Counted::Pings => ("ping", "pong"),
        Counted::Calls => ("call", "repl"),
        Counted::DaemonPings => return write!(f, "{received} ping{} received", plural(received)),
    };
    let ending = match (counted, received) {
        (Counted::Calls, 1) => "y",
        (Counted::Calls, _) => "ies",
        _ => plural(received),
    };
    write!(
        f,
        "{sent} {pings}{} sent, {received} {pongs}{ending} received",
        plural(sent)
    )?;
    if late > 0 {
        write!(f, " ({late} late)")?;
    }
    if held_back > 0 {
        write!(f, ", {held_back} held back")?;
    }
    write!(f, ", {}% loss", Percent(missed, received + missed))
}

fn plural(count: u64) -> &'static str {
    if count == 1 { "" } else { "s" }
}

fn times(counted: Counted, times: &Times, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let name = if counted == Counted::DaemonPings {
        "interval"
    } else {
        "rtt"
    };
    let Times {
        min_ns,
        avg_ns,
        max_ns,
        mdev_ns,
    } = *times;
    let [min, avg, max, mdev] = [min_ns, avg_ns, max_ns, mdev_ns].map(Milliseconds);
    write!(f, "{name} min/avg/max/mdev = {min}/{avg}/{max}/{mdev} ms")
}

/// Prints a part of a whole in percent, with at most three digits behind the point.
struct Percent(u64, u64);

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Rounded down, so that less than all is never 100.
        let thousandths = u128::from(self.0) * 100_000 / u128::from(self.1).max(1);
        if thousandths == 0 && self.0 > 0 {
            return f.write_str("<0.001");
        }
        let text = format!("{}.{:03}", thousandths / 1000, thousandths % 1000);
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

fn milliseconds(time: Duration) -> Milliseconds {
    time.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_has_the_digits_it_needs() {
        for (part, whole, expected) in [
            (0, 0, "0"),
            (0, 3, "0"),
            (1, 3, "33.333"),
            (1, 2, "50"),
            (3, 3, "100"),
            (1, 100_000, "0.001"),
            (1, 1_000_000, "<0.001"),
            (999_999, 1_000_000, "99.999"),
            (u64::MAX, u64::MAX, "100"),
        ] {
            assert_eq!(Percent(part, whole).to_string(), expected);
        }
    }
}
