//! Two ends of ours, thousands of random sequences: calls, events, streams, descriptors and PINGs over a wire
//! in memory that cuts and merges and may die, on simulated time.
//!
//! A sequence that fails prints its seed; `VIRT_SEED=<seed>` plays that one alone. `VIRT_SEQUENCES=<count>`
//! plays more, or fewer, than usual.

mod asker;
mod end;
mod wire;
mod world;

use std::env;
use std::panic;

use world::World;

/// The default number of sequences.
const SEQUENCES: u64 = 2000;

#[test]
fn nothing_is_lost_mistaken_or_late_between_two_ends_of_ours() {
    if let Some(seed) = number("VIRT_SEED") {
        return World::play(seed);
    }
    for seed in 0..number("VIRT_SEQUENCES").unwrap_or(SEQUENCES) {
        if let Err(failure) = panic::catch_unwind(|| World::play(seed)) {
            eprintln!("sequence {seed} has failed: VIRT_SEED={seed} plays it again");
            panic::resume_unwind(failure);
        }
    }
}

fn number(variable: &str) -> Option<u64> {
    let value = env::var(variable).ok()?;
    Some(
        value
            .parse()
            .unwrap_or_else(|_| panic!("{variable}={value} is no number")),
    )
}
