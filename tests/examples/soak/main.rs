//! Random use of connections, round after round, and nothing left behind: `cargo xtask soak --seconds 60 --seed 1`.
//!
//! A round opens a connection to a server of ours or to a private `libvirtd`, makes calls, gives some up, opens streams,
//! sends descriptors, listens to events, and ends in one of several ways. Then no permit, stream, descriptor, task or
//! memory may be left. A round depends on its seed alone, but for the order in which tasks run.
//!
//! The subject is this end. A daemon that ends by itself is reported and started again.

#![expect(clippy::unwrap_used, reason = "a round that cannot go on has failed")]

mod daemon;
mod left;
mod ours;

use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;
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
    let mut daemons = available.then(|| {
        let storage = Storage::start(config.clone(), ["volume"]).unwrap();
        (Daemon::start(&config).unwrap(), storage)
    });

    let (mut rounds, mut actions, mut restarts) = (0, 0, 0);
    let mut left = left::Left::new();
    while Instant::now() < end {
        let seed = seed + rounds;
        if let Some((daemon, _)) = &mut daemons
            && has_ended(daemon, Duration::ZERO)
        {
            *daemon = Daemon::start(&config).unwrap();
            restarts += 1;
        }
        // Every eighth round is against a daemon.
        let playing = daemons.as_ref().filter(|_| seed % 8 == 7);
        let played = catch_unwind(AssertUnwindSafe(|| {
            let runtime = left::runtime();
            let rng = Rng::with_seed(seed);
            let count = runtime.block_on(async {
                match playing {
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
            // It was a daemon that ended within its round, which is none of ours. The panic has taken memory.
            Err(_) if ended_within(&mut daemons, seed) => left = left::Left::new(),
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
    if restarts > 0 {
        println!("the daemon ended {restarts} times by itself, and was started again");
    }
}

/// Returns whether the daemon of a round that failed has ended.
fn ended_within(daemons: &mut Option<(Daemon, Storage)>, seed: u64) -> bool {
    daemons
        .as_mut()
        .is_some_and(|(daemon, _)| seed % 16 == 7 && has_ended(daemon, Duration::from_secs(2)))
}

/// Returns whether a daemon has ended by itself, or does within a time, and reports it.
fn has_ended(daemon: &mut Daemon, time: Duration) -> bool {
    let start = Instant::now();
    loop {
        if let Some(status) = daemon.process().ended().unwrap() {
            eprintln!("the daemon ended by itself: {status}");
            return true;
        }
        if start.elapsed() >= time {
            return false;
        }
        thread::sleep(Duration::from_millis(10));
    }
}
