//! Keepalive through the transport: PING to PONG, `ping()`, and the timers of many connections.

use std::hint::black_box;
use std::time::{Duration, Instant};

use bytes::Buf;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use virt_benches::{floor, samples};
use virt_keepalive::{KeepAlive, PROGRAM, Tick, Timer};
use virt_transport::{
    Context, Message, Program, ProgramError, ProgramId, Role, Transmit, Transport,
};

const TRANSPORT: &str = "transport";

/// A program that answers each message with one of its own, as keepalive does.
struct Echo(ProgramId);

impl Program for Echo {
    fn id(&self) -> ProgramId {
        self.0
    }

    fn on_message(
        &mut self,
        message: Message<'_>,
        cx: &mut Context<'_>,
    ) -> Result<(), ProgramError> {
        Ok(cx.message(message.procedure, &())?)
    }
}

fn echo(number: u32) -> ProgramId {
    ProgramId::new(0x2000_8086 + number, 1)
}

/// A transport with this many programs, keepalive the last of them.
fn transport(programs: u32) -> Transport {
    // 10,000 PINGs in one chunk are more than the default limit lets through at once.
    let mut transport = Transport::new(Role::Server).with_answer_limit(usize::MAX);
    for number in 1..programs {
        let program = Echo(echo(number));
        transport.register(program).expect("another number");
    }
    let keepalive = KeepAlive::new().register(&mut transport);
    keepalive.expect("another number");
    transport
}

/// Does as if it wrote all that waits.
#[inline]
fn write(transport: &mut Transport) {
    while let Some(Transmit::Bytes(mut chunks)) = transport.poll_transmit() {
        black_box(chunks.chunk());
        chunks.advance(chunks.remaining());
    }
}

fn receive(transport: &mut Transport, bytes: &[u8]) {
    transport
        .receive(black_box(bytes))
        .expect("frames that are taken");
    assert!(transport.queued() >= bytes.len());
    write(transport);
}

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
        let mut transport = transport(1);
        group.bench_function(BenchmarkId::new(TRANSPORT, count), |b| {
            b.iter(|| receive(&mut transport, &pings));
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
        let mut transport = transport(programs);
        let pings = samples::ping().repeat(COUNT);
        group.bench_function(BenchmarkId::new("keepalive", programs), |b| {
            b.iter(|| receive(&mut transport, &pings));
        });
        let turns: Vec<u8> = (1..programs)
            .map(echo)
            .chain([PROGRAM])
            .cycle()
            .take(COUNT)
            .flat_map(|program| samples::message(program, 1, 0))
            .collect();
        group.bench_function(BenchmarkId::new("in-turn", programs), |b| {
            b.iter(|| receive(&mut transport, &turns));
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
    config = Criterion::default()
        .sample_size(30)
        .nresamples(10_000)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(400));
    targets = pong, dispatch, ping, timer
}
criterion_main!(benches);
