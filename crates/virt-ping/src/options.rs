//! The options: the one definition of `--help`, the man page and the shell completions.

use std::time::Duration;

use clap::{Parser, ValueEnum};

/// The shortest interval; `--flood` goes beyond.
const INTERVAL_MIN: Duration = Duration::from_millis(2);

/// The longest time in seconds, some thirty years.
const SECONDS_MAX: f64 = 1e9;

/// The exit status, for the end of `--help` and a section of the man page.
pub(crate) const EXIT_STATUS: &str = "\
0  PONGs came
1  none came, or fewer than -c by -w, or the link died
2  there was no connection, or another error
3  the options are invalid
4  the daemon requires authentication that is not supported or was refused
With several URIs the highest status counts.
";

/// Examples, for the same places as [`EXIT_STATUS`].
pub(crate) const EXAMPLES: &str = "\
virt-ping -c 5 test:///default         a daemon within the program itself
virt-ping qemu:///system               until Ctrl-C; Ctrl-\\ prints statistics
virt-ping --mode rpc -w 10 qemu+tcp://host/system
virt-ping --check -q qemu:///system && echo alive
";

/// ping(8) for libvirt daemons
///
/// Is the link alive, how fast does it answer, and does it keep answering?
#[derive(Debug, Clone, Parser)]
#[allow(clippy::doc_markdown, reason = "the text is printed as it is")]
#[command(name = "virt-ping", version, term_width = 80, after_help = after_help())]
pub(crate) struct Options {
    /// Daemons to ping, such as qemu:///system; several are pinged side by side
    ///
    /// Without one: LIBVIRT_DEFAULT_URI, then uri_default of libvirt.conf, then the
    /// sockets that exist. test:///default is a daemon within this process, and needs
    /// no libvirt.
    #[arg(value_name = "URI")]
    pub(crate) uris: Vec<String>,

    /// Stop after N PINGs; with -w, after N PONGs
    #[arg(
        short,
        long,
        value_name = "N",
        value_parser = clap::value_parser!(u64).range(1..),
        default_value_if("check", "true", "1")
    )]
    pub(crate) count: Option<u64>,

    /// Time from one PING to the next, at least 0.002
    #[arg(short, long, value_name = "SECS", default_value = "1", value_parser = interval)]
    pub(crate) interval: Duration,

    /// Time after which a PONG is missed, above 0
    #[arg(short = 'W', long, value_name = "SECS", default_value = "1", value_parser = time_limit)]
    pub(crate) timeout: Duration,

    /// End after this time, above 0, whatever happens
    #[arg(short = 'w', long, value_name = "SECS", value_parser = time_limit)]
    pub(crate) deadline: Option<Duration>,

    /// PING as fast as PONGs come, with 64 in flight (rpc: 4) and no line for each
    #[arg(short, long, conflicts_with_all = ["interval", "outstanding", "audible"])]
    pub(crate) flood: bool,

    /// Print only the first line and the statistics
    #[arg(short, long)]
    pub(crate) quiet: bool,

    /// Print the time of each phase of connecting
    #[arg(short, long, conflicts_with = "quiet")]
    pub(crate) verbose: bool,

    /// Begin each line with the time
    #[arg(short = 'D', long)]
    pub(crate) timestamps: bool,

    /// Report a PING without a PONG before the next is sent
    #[arg(short = 'O', long)]
    pub(crate) outstanding: bool,

    /// Ring the bell at each PONG
    #[arg(short, long)]
    pub(crate) audible: bool,

    /// Messages to send: keepalive or rpc
    ///
    /// PINGs are answered by the daemon's I/O loop, even if its workers hang. rpc makes
    /// calls instead, which a worker has to answer.
    #[arg(
        long,
        value_enum,
        value_name = "MODE",
        default_value = "keepalive",
        hide_possible_values = true
    )]
    pub(crate) mode: Mode,

    /// PING without authentication or negotiation
    ///
    /// A daemon answers PINGs from the first byte of a connection.
    #[arg(long, conflicts_with = "mode")]
    pub(crate) raw: bool,

    /// Send nothing, and print the daemon's own PINGs
    ///
    /// A daemon sends them to a silent client, by default after 5 seconds. Beyond ten lines
    /// a second, several PINGs share a line.
    #[arg(long, conflicts_with_all = [
        "raw", "mode", "interval", "timeout", "flood", "outstanding", "histogram", "audible",
        "keepalive_interval", "keepalive_count",
    ])]
    pub(crate) listen: bool,

    /// Wait until the daemon is there, and try each second
    ///
    /// Errors that time does not mend end the run all the same, such as a refused
    /// authentication.
    #[arg(long)]
    pub(crate) wait: bool,

    /// Connect again when the connection ends, at once and then each second
    ///
    /// PINGs in flight are missed. The statistics count the outages.
    #[arg(long, conflicts_with = "check")]
    pub(crate) reconnect: bool,

    /// PING once: print one line, and exit with the status
    #[arg(long, conflicts_with_all = [
        "count", "interval", "listen", "flood", "outstanding", "audible", "verbose", "histogram",
    ])]
    pub(crate) check: bool,

    /// Output format: text or json
    ///
    /// json is one object a line; times are integers in nanoseconds. The man page lists the
    /// keys.
    #[arg(
        long,
        value_enum,
        value_name = "FORMAT",
        default_value = "text",
        hide_possible_values = true
    )]
    pub(crate) format: Format,

    /// End with percentiles and a bar chart
    #[arg(long)]
    pub(crate) histogram: bool,

    /// Connect read-only
    #[arg(short, long)]
    pub(crate) readonly: bool,

    /// Silence after which a keepalive PING is sent; 0 is never
    #[arg(
        short = 'k', long, value_name = "SECS", default_value = "5", value_parser = seconds
    )]
    pub(crate) keepalive_interval: Duration,

    /// Keepalive PINGs until the link is dead, at interval * (count + 1)
    #[arg(short = 'K', long, value_name = "N", default_value_t = 5)]
    pub(crate) keepalive_count: u32,

    /// Time limit for connecting, above 0
    #[arg(long, value_name = "SECS", default_value = "10", value_parser = time_limit)]
    pub(crate) connect_timeout: Duration,
}

impl Options {
    /// Returns the messages that are counted.
    pub(crate) fn counted(&self) -> Counted {
        match self.mode {
            _ if self.listen => Counted::DaemonPings,
            Mode::Keepalive => Counted::Pings,
            Mode::Rpc => Counted::Calls,
        }
    }

    /// Returns whether more than the count is sent, to make up for missed ones, until the deadline.
    pub(crate) fn resends(&self) -> bool {
        self.deadline.is_some() && !self.check
    }

    /// Returns the name of the mode of the run.
    pub(crate) fn mode_name(&self) -> &'static str {
        match self.mode {
            _ if self.raw => "raw",
            _ if self.listen => "listen",
            Mode::Keepalive => "keepalive",
            Mode::Rpc => "rpc",
        }
    }
}

/// The messages that are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counted {
    /// Our PINGs.
    Pings,
    /// Calls.
    Calls,
    /// The daemon's PINGs.
    DaemonPings,
}

/// The messages that are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mode {
    /// PINGs: answered by the I/O loop, even if all workers hang
    Keepalive,
    /// Calls: answered by a worker
    Rpc,
}

/// The output format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Lines for people
    Text,
    /// One JSON object a line, times in nanoseconds
    Json,
}

fn after_help() -> String {
    let indent = |text: &str| {
        text.lines()
            .map(|line| format!("\n  {line}"))
            .collect::<String>()
    };
    let (status, examples) = (indent(EXIT_STATUS), indent(EXAMPLES));
    format!("Exit status:{status}\n\nExamples:{examples}")
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.0..=SECONDS_MAX).contains(&seconds) {
        Ok(Duration::from_secs_f64(seconds))
    } else {
        Err(format!("not in 0 ..= {SECONDS_MAX}"))
    }
}

/// Parses the time after which something is given up.
fn time_limit(text: &str) -> Result<Duration, String> {
    let time = seconds(text)?;
    if time.is_zero() {
        return Err("not above 0".to_owned());
    }
    Ok(time)
}

fn interval(text: &str) -> Result<Duration, String> {
    match seconds(text)? {
        interval if interval < INTERVAL_MIN => {
            let limit = INTERVAL_MIN.as_secs_f64();
            Err(format!("below the limit of {limit}: use -f to flood"))
        }
        interval => Ok(interval),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_options_are_consistent() {
        Options::command().debug_assert();
    }

    #[test]
    fn seconds_are_fractions_within_limits() {
        for (text, expected) in [
            ("0", Ok(Duration::ZERO)),
            ("0.25", Ok(Duration::from_millis(250))),
            ("1e9", Ok(Duration::from_secs(1_000_000_000))),
            ("1.1e9", Err("not in 0 ..= 1000000000".to_owned())),
            ("-1", Err("not in 0 ..= 1000000000".to_owned())),
            ("NaN", Err("not in 0 ..= 1000000000".to_owned())),
            ("1s", Err("not a number".to_owned())),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }

    #[test]
    fn a_time_limit_is_above_zero() {
        assert_eq!(time_limit("0.001"), Ok(Duration::from_millis(1)));
        for text in ["0", "0.0", "1e-10"] {
            assert_eq!(time_limit(text), Err("not above 0".to_owned()), "{text}");
        }
    }

    #[test]
    fn an_interval_has_a_limit() {
        assert_eq!(interval("0.002"), Ok(INTERVAL_MIN));
        let message = "below the limit of 0.002: use -f to flood";
        assert_eq!(interval("0.0019"), Err(message.to_owned()));
    }
}
