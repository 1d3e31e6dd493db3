//! `cargo xtask soak`: uses connections at random for some time, and checks that nothing is left.

use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;

use crate::ci::shell;

/// Use connections at random, round after round, and check that nothing is left
///
/// A round opens a connection to a server of ours or to a private libvirtd, makes and gives up calls, opens streams, sends descriptors, listens
/// to events, and ends in one of several ways. A round that fails names its seed.
#[derive(Debug, Args)]
pub struct Soak {
    /// How long it runs
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,

    /// The seed of the first round [default: the time]
    #[arg(long)]
    seed: Option<u64>,
}

impl Soak {
    /// Runs the soak and says whether nothing was left.
    #[must_use]
    pub fn run(&self) -> ExitCode {
        match run(self.seconds, self.seed) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("error: {error}");
                ExitCode::FAILURE
            }
        }
    }
}

/// Runs for so many seconds.
pub(crate) fn run(seconds: u32, seed: Option<u64>) -> Result<(), String> {
    let seed = seed.unwrap_or_else(now);
    shell::run(&format!(
        "cargo run --release --quiet --package virt-tests --example soak -- {seconds} {seed}"
    ))
}

/// Returns the seconds since 1970, or 0 before.
fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| now.as_secs())
}
