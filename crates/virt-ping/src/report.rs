//! The selection of events to print, and their form.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;

use crate::advice::with_advice;
use crate::event::Event;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::nanoseconds::as_nanoseconds;
use crate::options::{Format, Options};
use crate::output::{Output, OutputClosed};
use crate::safe_text::SafeText;
use crate::text::Text;

/// Prints the events of one daemon that the options ask for.
#[derive(Debug)]
pub(crate) struct Reporter<'a> {
    options: &'a Options,
    output: Output,
    uri: SafeText,
}

/// An event as a line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    uri: &'a SafeText,
    /// The time since the beginning of 1970, UTC.
    timestamp_ns: u64,
    #[serde(flatten)]
    event: &'a Event,
}

impl<'a> Reporter<'a> {
    pub(crate) fn new(options: &'a Options, output: Output, uri: &str) -> Self {
        Self {
            options,
            output,
            uri: SafeText::of_uri(uri),
        }
    }

    /// Names the daemon by the URI that it opened.
    pub(crate) fn rename(&mut self, uri: &str) {
        self.uri = SafeText::of_uri(uri);
    }

    /// Prints an event, if the options ask for it.
    ///
    /// # Errors
    ///
    /// The output is closed.
    pub(crate) async fn report(&self, event: Event) -> Result<(), OutputClosed> {
        if !self.wants(&event) {
            return Ok(());
        }
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        self.output.write(self.line(&event, now) + "\n").await
    }

    /// Makes the line of an event, which has several lines if it is a summary for people.
    fn line(&self, event: &Event, now: Duration) -> String {
        if self.options.format == Format::Json {
            let line = Line {
                uri: &self.uri,
                timestamp_ns: as_nanoseconds(now),
                event,
            };
            let Ok(line) = serde_json::to_string(&line) else {
                unreachable!("numbers and text have a form in JSON");
            };
            return line;
        }
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
            counted: self.options.counted(),
            event,
        };
        format!("{bell}{time}{text}")
    }

    /// Prints a failure: to standard error, unless the output is for programs.
    ///
    /// # Errors
    ///
    /// The output is closed.
    pub(crate) async fn fail(&self, failure: &Failure) -> Result<Exit, OutputClosed> {
        let exit = failure.exit();
        let message = with_advice(failure, self.options);
        if self.options.check {
            self.report(Event::failed_check(message, exit)).await?;
        } else if self.options.format == Format::Json {
            let exit = exit.code();
            self.report(Event::Failed { message, exit }).await?;
        } else {
            let line = format!("virt-ping: {}: {message}\n", self.uri);
            self.output.write_error(line).await;
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
            | Event::Waiting { .. }
            | Event::Reconnected { .. }
            | Event::Failed { .. }
            | Event::Interim(_)
            | Event::Summary(_) => true,
        }
    }
}

#[cfg(test)]
mod tests;
