//! Which events are told, and how.

use std::io::{self, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;

use crate::event::{Event, as_nanoseconds};
use crate::exit::Exit;
use crate::failure::{Advised, Failure};
use crate::options::{Format, Options};
use crate::output::{Gone, Output};
use crate::text::{Text, clean};

/// Tells of one daemon what the options ask for.
#[derive(Debug)]
pub(crate) struct Reporter<'a> {
    options: &'a Options,
    output: Output,
    uri: String,
}

/// A line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    uri: &'a str,
    /// Since the beginning of 1970, UTC.
    timestamp_ns: u64,
    #[serde(flatten)]
    event: &'a Event,
}

impl<'a> Reporter<'a> {
    pub(crate) fn new(options: &'a Options, output: Output, uri: &str) -> Self {
        Self {
            options,
            output,
            uri: clean(uri),
        }
    }

    /// Names the daemon by what it calls itself.
    pub(crate) fn rename(&mut self, uri: &str) {
        self.uri = clean(uri);
    }

    /// Tells of an event, if it is wanted.
    ///
    /// # Errors
    ///
    /// Nobody reads the output any more.
    pub(crate) async fn tell(&self, event: Event) -> Result<(), Gone> {
        if !self.wants(&event) {
            return Ok(());
        }
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let line = match self.options.format {
            Format::Json => {
                let line = Line {
                    uri: &self.uri,
                    timestamp_ns: as_nanoseconds(now),
                    event: &event,
                };
                // Numbers and text always have a form as JSON.
                serde_json::to_string(&line).map_err(|_| Gone)?
            }
            Format::Text => {
                let bell = match event {
                    Event::Pong { .. } if self.options.audible => "\x07",
                    _ => "",
                };
                let time = match event {
                    Event::Summary(_) => String::new(),
                    _ if !self.options.timestamps => String::new(),
                    _ => format!("[{}.{:06}] ", now.as_secs(), now.subsec_micros()),
                };
                let text = Text {
                    uri: &self.uri,
                    what: self.options.what(),
                    event: &event,
                };
                format!("{bell}{time}{text}")
            }
        };
        self.output.write(line + "\n").await
    }

    /// Tells why there is no connection: to standard error, unless the output is for programs.
    ///
    /// # Errors
    ///
    /// Nobody reads the output any more.
    pub(crate) async fn fail(&self, failure: &Failure) -> Result<Exit, Gone> {
        let exit = failure.exit();
        let message = Advised(failure).to_string();
        if self.options.check {
            self.tell(Event::unchecked(message, exit)).await?;
        } else if self.options.format == Format::Json {
            let exit = exit.code();
            self.tell(Event::Failed { message, exit }).await?;
        } else {
            // Where standard error is closed, there is the exit status.
            let _ = writeln!(io::stderr(), "virt-ping: {}: {message}", self.uri);
        }
        Ok(exit)
    }

    fn wants(&self, event: &Event) -> bool {
        let Options {
            quiet,
            verbose,
            check,
            flood,
            format,
            ..
        } = *self.options;
        match event {
            Event::Check { .. } => !quiet,
            _ if check => false,
            Event::Phase { .. } => verbose,
            Event::Pong { .. } if flood && format == Format::Text => false,
            Event::Pong { .. }
            | Event::Missed { .. }
            | Event::Outstanding { .. }
            | Event::HeldBack { .. }
            | Event::Ping { .. } => !quiet,
            Event::Connected { .. }
            | Event::Closed { .. }
            | Event::Failed { .. }
            | Event::Interim(_)
            | Event::Summary(_) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::iter;
    use std::time::Duration;

    use serde_json::Value;

    use super::*;
    use crate::event::{Ended, Percentiles, Phase, Summary};
    use crate::histogram::Bar;
    use crate::json::{EVENTS, LINE, PARTS};
    use crate::options::What;
    use crate::statistics::Times;

    /// An event of the kind behind this one, as they are declared.
    fn next(event: Option<&Event>) -> Option<Event> {
        let (seq, time, exit) = (1, Duration::ZERO, 0);
        let message = String::new;
        let Some(event) = event else {
            let phase = Phase::Connect;
            return Some(Event::Phase { phase, time });
        };
        Some(match event {
            Event::Phase { .. } => Event::Connected {
                address: String::new(),
                version: None,
                keepalive: None,
                mode: "raw",
            },
            Event::Connected { .. } => Event::Pong {
                seq,
                time,
                late: false,
            },
            Event::Pong { .. } => Event::Missed { seq, waited: time },
            Event::Missed { .. } => Event::Outstanding { seq },
            Event::Outstanding { .. } => Event::HeldBack { seq, unanswered: 4 },
            Event::HeldBack { .. } => Event::Ping { seq, after: time },
            Event::Ping { .. } => Event::Closed {
                reason: "error",
                message: message(),
            },
            Event::Closed { .. } => Event::Failed {
                message: message(),
                exit,
            },
            Event::Failed { .. } => Event::Interim(summary()),
            Event::Interim(_) => Event::Summary(summary()),
            Event::Summary(_) => Event::unchecked(message(), Exit::Dead),
            Event::Check { .. } => return None,
        })
    }

    fn summary() -> Summary {
        Summary {
            sent: 0,
            received: 0,
            late: 0,
            missed: 0,
            held_back: 0,
            duration: Duration::ZERO,
            rtt: Some(Times {
                min_ns: 0,
                avg_ns: 0,
                max_ns: 0,
                mdev_ns: 0,
            }),
            percentiles: Some(Percentiles {
                p50_ns: 0,
                p90_ns: 0,
                p99_ns: 0,
                p99_9_ns: 0,
            }),
            histogram: Some(vec![Bar {
                from_ns: 0,
                to_ns: 0,
                count: 0,
            }]),
            ended: Some(Ended::Count),
            exit: 0,
            what: What::Pings,
        }
    }

    fn line(event: &Event) -> Value {
        let line = Line {
            uri: "",
            timestamp_ns: 0,
            event,
        };
        serde_json::to_value(&line).unwrap()
    }

    fn keys(object: &Value) -> Vec<&str> {
        let object = object.as_object().unwrap();
        object.keys().map(String::as_str).collect()
    }

    fn sorted(keys: &[&'static str]) -> Vec<&'static str> {
        let mut keys: Vec<_> = keys
            .iter()
            .flat_map(|keys| keys.split_whitespace())
            .collect();
        keys.sort_unstable();
        keys
    }

    #[test]
    fn each_event_has_the_keys_that_the_man_page_lists() {
        let events = iter::successors(next(None), |event| next(Some(event)));
        let lines: Vec<_> = events.map(|event| line(&event)).collect();
        assert_eq!(lines.len(), EVENTS.len());
        for (line, (name, own, _)) in lines.iter().zip(EVENTS) {
            assert_eq!(line["event"], name);
            assert_eq!(keys(line), sorted(&[LINE.1, own]), "{name}");
        }
    }

    #[test]
    fn what_is_in_a_summary_has_the_keys_that_the_man_page_lists() {
        let line = line(&Event::Summary(summary()));
        for (name, own, _) in PARTS {
            let part = &line[name];
            let part = part.as_array().map_or(part, |bars| &bars[0]);
            assert_eq!(keys(part), sorted(&[own]), "{name}");
        }
    }
}
