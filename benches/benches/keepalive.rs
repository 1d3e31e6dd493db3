//! Keepalive through the transport: PING to PONG, `ping()`, and the timers of many connections.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use virt_benches::transport::{answer, messages_in_turn, with_programs, write};
use virt_benches::{floor, samples};
use virt_keepalive::{KeepAlive, Tick, Timer};
use virt_transport::{Role, Transport};

const TRANSPORT: &str = "transport";

/// PINGs in one chunk, each answered.
fn pong(c: &mut Criterion) {
    let mut group = c.benchmark_group("pong");
    for count in [1, 100, 1000, 10_000] {
        let pings = samples::ping().repeat(count);
        group.throughput(Throughput::Elements(count as u64));
        let mut out = Vec::new();
        group.bench_function(BenchmarkId::new(floor::NAME, count), |b| {
            b.iter(|| {
                floor::keepalive::answer(black_box(&pings), &mut out);
                black_box(out.as_slice());
                out.clear();
            });
        });
        let mut transport = with_programs(1);
        group.bench_function(BenchmarkId::new(TRANSPORT, count), |b| {
            b.iter(|| answer(&mut transport, &pings));
        });
    }
    group.finish();
}

/// A thousand frames to keepalive alone, and to all programs in turn, with 1, 4 and 16 of them.
fn dispatch(c: &mut Criterion) {
    const COUNT: usize = 1000;
    let mut group = c.benchmark_group("dispatch");
    group.throughput(Throughput::Elements(COUNT as u64));
    for programs in [1, 4, 16] {
        let mut transport = with_programs(programs);
        let pings = samples::ping().repeat(COUNT);
        group.bench_function(BenchmarkId::new("keepalive", programs), |b| {
            b.iter(|| answer(&mut transport, &pings));
        });
        let turns = messages_in_turn(programs, COUNT);
        group.bench_function(BenchmarkId::new("in-turn", programs), |b| {
            b.iter(|| answer(&mut transport, &turns));
        });
    }
    group.finish();
}

/// One call of `ping()` and the PING written.
fn ping(c: &mut Criterion) {
    let mut group = c.benchmark_group("ping");
    let mut out = Vec::new();
    let mut inactive = 0;
    group.bench_function(floor::NAME, |b| {
        b.iter(|| {
            floor::keepalive::ping(&mut inactive, black_box(u32::MAX), &mut out);
            black_box(out.as_slice());
            out.clear();
        });
    });
    let mut transport = Transport::new(Role::Client);
    let keepalive = KeepAlive::new()
        .max_inactive(u32::MAX)
        .register(&mut transport)
        .expect("the first program");
    group.bench_function(TRANSPORT, |b| {
        b.iter(|| {
            let ping = keepalive.ping(&mut transport);
            write(&mut transport);
            ping
        });
    });
    group.finish();
}

/// The timers of 100,000 connections: who is to be pinged now? A thousandth at each tick.
fn timer(c: &mut Criterion) {
    const CONNECTIONS: u32 = 100_000;
    const TICKS: u32 = 1000;
    let interval = Duration::from_secs(5);
    let tick = interval / TICKS;
    let start = Instant::now();
    let mut group = c.benchmark_group("timer");
    group.throughput(Throughput::Elements(CONNECTIONS.into()));

    let mut now = start;
    let mut timers: Vec<_> = (0..CONNECTIONS)
        .map(|id| floor::keepalive::Timer {
            since: start + tick * (id % TICKS),
            sent: 0,
        })
        .collect();
    group.bench_function(floor::NAME, |b| {
        b.iter(|| {
            now += tick;
            let due = |timer: &mut floor::keepalive::Timer| timer.poll(now, interval, u32::MAX);
            timers
                .iter_mut()
                .map(due)
                .filter(|&due| due == Some(true))
                .count()
        });
    });
    let mut now = start;
    let mut timers: Vec<_> = (0..CONNECTIONS)
        .map(|id| Timer::new(interval, u32::MAX, start + tick * (id % TICKS)))
        .collect();
    group.bench_function("virt-keepalive", |b| {
        b.iter(|| {
            now += tick;
            timers
                .iter_mut()
                .filter_map(|timer| (timer.poll(now) == Tick::Ping).then_some(()))
                .count()
        });
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = virt_benches::criterion();
    targets = pong, dispatch, ping, timer
}
criterion_main!(benches);
