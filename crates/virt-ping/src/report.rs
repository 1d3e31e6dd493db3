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
            self.tell(Event::Check {
                ok: false,
                time: None,
                version: None,
                message: Some(message),
                exit: exit.code(),
            })
            .await?;
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
