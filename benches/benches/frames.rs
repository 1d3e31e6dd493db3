//! Bytes to frames: `FrameDecoder` beside what one writes by hand.

use std::hint::black_box;
use std::io::Read;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use virt_benches::floor::frames::{Accumulator, walk};
use virt_benches::ours::{self, take};
use virt_benches::{floor, samples};
use virt_keepalive::PROGRAM;
use virt_xdr::{FRAME_MAX, FRAME_MIN, FrameDecoder};

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// PINGs in one chunk: what one frame costs must not depend on how many there are.
fn pings(c: &mut Criterion) {
    let mut group = c.benchmark_group("pings");
    for count in [100, 1000, 10_000] {
        let bytes = samples::ping().repeat(count);
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(BenchmarkId::new(floor::NAME, count), |b| {
            b.iter(|| {
                let rest = walk(black_box(&bytes), |header, payload| {
                    black_box(header);
                    black_box(payload);
                });
                assert!(rest.is_empty());
            });
        });
        let mut decoder = FrameDecoder::new();
        group.bench_function(BenchmarkId::new(ours::NAME, count), |b| {
            b.iter(|| {
                decoder.push(black_box(&bytes));
                take(&mut decoder);
                assert_eq!(decoder.buffered(), 0);
            });
        });
    }
    group.finish();
}

/// A stream of frames of one size, cut into pieces of one size.
fn pieces(c: &mut Criterion) {
    let sizes = [
        ("28B", FRAME_MIN),
        ("1KiB", KIB),
        ("64KiB", 64 * KIB),
        ("4MiB", 4 * MIB),
        ("32MiB", FRAME_MAX),
    ];
    let mut group = c.benchmark_group("frames");
    group.sample_size(10);
    for (name, size) in sizes {
        let frame = samples::message(PROGRAM, 1, size - FRAME_MIN);
        let stream = frame.repeat((64 * KIB).div_ceil(size));
        group.throughput(Throughput::Bytes(stream.len() as u64));
        let pieces = [
            ("whole", stream.len()),
            ("1", 1),
            ("28", 28),
            ("1460", 1460),
            ("65536", 65_536),
        ];
        for (cut, piece) in pieces {
            let id = |who| BenchmarkId::new(who, format!("{name}-{cut}"));
            let mut accumulator = Accumulator::default();
            group.bench_function(id(floor::NAME), |b| {
                b.iter(|| {
                    for piece in black_box(&stream).chunks(piece) {
                        accumulator.push(piece, |header, payload| {
                            black_box(header);
                            black_box(payload);
                        });
                    }
                });
            });
            let mut decoder = FrameDecoder::new();
            group.bench_function(id(ours::NAME), |b| {
                b.iter(|| {
                    for piece in black_box(&stream).chunks(piece) {
                        decoder.push(piece);
                        take(&mut decoder);
                    }
                    assert_eq!(decoder.buffered(), 0);
                });
            });
        }
    }
    group.finish();
}

/// A payload of 4 MiB: how often is it copied?
fn copies(c: &mut Criterion) {
    let frame = samples::message(PROGRAM, 1, 4 * MIB);
    let piece = 64 * KIB;
    let mut buffer = vec![0; frame.len()];
    let mut group = c.benchmark_group("copies");
    group.throughput(Throughput::Bytes(frame.len() as u64));

    group.bench_function("bare-read", |b| {
        b.iter(|| {
            let mut socket = black_box(frame.as_slice());
            let mut filled = 0;
            while filled < buffer.len() {
                let end = buffer.len().min(filled + piece);
                filled += socket.read(&mut buffer[filled..end]).expect("a slice");
            }
            black_box(buffer.as_slice());
        });
    });
    let mut decoder = FrameDecoder::new();
    group.bench_function("read-into-decoder", |b| {
        b.iter(|| {
            let mut socket = black_box(frame.as_slice());
            while !socket.is_empty() {
                let read = socket.read(decoder.space(piece)).expect("a slice");
                decoder.commit(read);
                take(&mut decoder);
            }
            assert_eq!(decoder.buffered(), 0);
        });
    });
    group.bench_function("memcpy", |b| {
        b.iter(|| {
            buffer.copy_from_slice(black_box(&frame));
            black_box(buffer.as_slice());
        });
    });
    let mut decoder = FrameDecoder::new();
    group.bench_function("push-pieces", |b| {
        b.iter(|| {
            for piece in black_box(&frame).chunks(piece) {
                decoder.push(piece);
                take(&mut decoder);
            }
            assert_eq!(decoder.buffered(), 0);
        });
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = virt_benches::criterion();
    targets = pings, pieces, copies
}
criterion_main!(benches);
