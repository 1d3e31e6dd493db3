//! Random use of connections, round after round, and nothing left behind: `cargo xtask soak --seconds 60 --seed 1`.
//!
//! A round opens a connection to a server of ours or to a private `libvirtd`, makes calls, gives some up, opens streams,
//! sends descriptors, listens to events, and ends in one of several ways. Then no permit, stream, descriptor, task or
//! memory may be left. A round depends on its seed alone, but for the order in which tasks run.

#![expect(clippy::unwrap_used, reason = "a round that cannot go on has failed")]

mod daemon;
mod left;
mod ours;

use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{Duration, Instant};

use fastrand::Rng;
use peak_alloc::PeakAlloc;
use virt_tests::{Config, Daemon, Storage, libvirt};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

fn main() {
    let mut arguments = env::args().skip(1);
    let (Some(seconds), Some(seed), None) = (arguments.next(), arguments.next(), arguments.next())
    else {
        panic!("usage: soak SECONDS SEED");
    };
    let end = Instant::now() + Duration::from_secs(seconds.parse().unwrap());
    let seed: u64 = seed.parse().unwrap();
    let available = libvirt::available("the soak against a real daemon");
    let config = Config::default().number("keepalive_interval", 1);
    let daemons = available.then(|| {
        let storage = Storage::start(config.clone(), ["volume"]).unwrap();
        (Daemon::start(&config).unwrap(), storage)
    });

    let (mut rounds, mut actions) = (0, 0);
    let mut left = left::Left::new();
    while Instant::now() < end {
        let seed = seed + rounds;
        // Every eighth round is against a daemon.
        let daemons = daemons.as_ref().filter(|_| seed % 8 == 7);
        let played = catch_unwind(AssertUnwindSafe(|| {
            let runtime = left::runtime();
            let rng = Rng::with_seed(seed);
            let count = runtime.block_on(async {
                match daemons {
                    Some((_, storage)) if seed % 16 == 15 => {
                        daemon::downloads(rng, &storage.socket()).await
                    }
                    Some((daemon, _)) => daemon::round(rng, &daemon.socket()).await,
                    None => ours::round(rng).await,
                }
            });
            left::no_task(&runtime);
            count
        }));
        match played {
            Ok(count) => actions += count,
            Err(panic) => {
                eprintln!(
                    "round of seed {seed} failed: cargo xtask soak --seconds 1 --seed {seed}"
                );
                resume_unwind(panic);
            }
        }
        rounds += 1;
        left.check(rounds, seed);
    }
    let daemon = if daemons.is_some() {
        ""
    } else {
        ", none against a daemon"
    };
    println!("{rounds} rounds from seed {seed}{daemon}, {actions} actions: nothing is left");
}
