//! The rows: the work of each, ours and the floor's.

use std::hint::black_box;

use virt_benches::floor::frames::{Accumulator, walk};
use virt_benches::floor::remote::{AllDomains, AuthList, Lifecycle, Open};
use virt_benches::ours::take;
use virt_benches::transport::{answer, messages_in_turn, with_programs, write};
use virt_benches::{Codec, floor, ours, samples};
use virt_keepalive::{KeepAlive, PROGRAM, Ping};
use virt_remote::{
    AuthListRet, ConnectListAllDomainsRet, ConnectOpenArgs, DomainEventLifecycleMsg,
};
use virt_transport::{Role, Transport};
use virt_xdr::{FRAME_MIN, FrameDecoder, from_slice};

use crate::call;

/// One piece of work, and the number of repetitions that is enough to count it.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    pub(crate) times: u64,
    pub(crate) ours: fn(u64),
    pub(crate) floor: fn(u64),
}

/// A codec, in one direction.
macro_rules! codec {
    ($run:ident, $name:literal, $what:literal, $times:literal, $sample:ident, $floor:ty, $ours:ty) => {
        Row {
            name: $name,
            what: $what,
            times: $times,
            ours: |times| $run::<ours::Xdr, $ours>(times, &samples::$sample()),
            floor: |times| $run::<floor::Xdr, $floor>(times, &samples::$sample()),
        }
    };
}

/// At least 64 KiB in frames of one size, cut into pieces of one size.
macro_rules! frames {
    ($name:literal, $what:literal, $times:literal, $size:expr, $piece:literal) => {
        Row {
            name: $name,
            what: $what,
            times: $times,
            ours: |times| decoder(times, &frames($size), $piece),
            floor: |times| accumulator(times, &frames($size), $piece),
        }
    };
}

/// A thousand messages in one chunk: to keepalive alone or to all programs in turn.
macro_rules! dispatch {
    ($name:literal, $what:literal, $registered:literal, $in_turn:literal) => {
        Row {
            name: $name,
            what: $what,
            times: 20,
            ours: |times| answered(times, $registered, &messages_in_turn($in_turn, 1000)),
            floor: |times| dispatched(times, $registered, &messages_in_turn($in_turn, 1000)),
        }
    };
}

/// Calls over a live connection.
macro_rules! calls {
    ($name:literal, $what:literal, $ours:ident, $floor:ident) => {
        Row {
            name: $name,
            what: $what,
            times: 2000,
            ours: call::$ours,
            floor: call::$floor,
        }
    };
}

#[rustfmt::skip]
pub(crate) const ROWS: &[Row] = &[
    codec!(decode, "header-decode", "header decode", 100_000, header, floor::Header, ours::Header),
    codec!(encode, "header-encode", "header encode", 100_000, header, floor::Header, ours::Header),
    codec!(decode, "error-decode", "error payload decode", 10_000, error, floor::Error, ours::Error),
    codec!(encode, "error-encode", "error payload encode", 10_000, error, floor::Error, ours::Error),
    codec!(decode, "domains-owned", "1,000 domains decode, owned", 20, domains, floor::Domains, ours::Domains),
    Row {
        name: "domains-borrowed",
        what: "1,000 domains decode, borrowed",
        times: 20,
        ours: |times| {
            let bytes = samples::domains();
            let decode = || from_slice::<ours::BorrowedDomains<'_>>(black_box(&bytes));
            repeat(times, || drop(black_box(decode())));
        },
        floor: |times| {
            let bytes = samples::domains();
            let decode = || floor::domains::<&str>(black_box(&bytes));
            repeat(times, || drop(black_box(decode())));
        },
    },
    codec!(encode, "domains-encode", "1,000 domains encode", 20, domains, floor::Domains, ours::Domains),
    codec!(decode, "remote-open-decode", "`CONNECT_OPEN`'s arguments decode", 10_000, open, Open, ConnectOpenArgs),
    codec!(encode, "remote-open-encode", "`CONNECT_OPEN`'s arguments encode", 10_000, open, Open, ConnectOpenArgs),
    codec!(decode, "remote-auth-list-decode", "`AUTH_LIST`'s reply decode", 10_000, auth_list, AuthList, AuthListRet),
    codec!(encode, "remote-auth-list-encode", "`AUTH_LIST`'s reply encode", 10_000, auth_list, AuthList, AuthListRet),
    codec!(decode, "remote-lifecycle-decode", "`DOMAIN_EVENT_LIFECYCLE` decode", 10_000, lifecycle, Lifecycle, DomainEventLifecycleMsg),
    codec!(encode, "remote-lifecycle-encode", "`DOMAIN_EVENT_LIFECYCLE` encode", 10_000, lifecycle, Lifecycle, DomainEventLifecycleMsg),
    codec!(decode, "remote-all-domains-decode", "`CONNECT_LIST_ALL_DOMAINS`'s reply of 1,000 decode", 20, all_domains, AllDomains, ConnectListAllDomainsRet),
    codec!(encode, "remote-all-domains-encode", "`CONNECT_LIST_ALL_DOMAINS`'s reply of 1,000 encode", 20, all_domains, AllDomains, ConnectListAllDomainsRet),
    Row {
        name: "pings",
        what: "1,000 PINGs in one chunk, taken out of `FrameDecoder`",
        times: 50,
        ours: |times| {
            let bytes = samples::ping().repeat(1000);
            decoder(times, &bytes, bytes.len());
        },
        floor: |times| {
            let bytes = samples::ping().repeat(1000);
            repeat(times, || {
                let rest = walk(black_box(&bytes), |header, payload| {
                    black_box(header);
                    black_box(payload);
                });
                assert!(rest.is_empty());
            });
        },
    },
    frames!("frames-28-1", "64 KiB in frames of 28 bytes, in pieces of 1", 2, FRAME_MIN, 1),
    frames!("frames-28-28", "64 KiB in frames of 28 bytes, in pieces of 28", 10, FRAME_MIN, 28),
    frames!("frames-28-1460", "64 KiB in frames of 28 bytes, in pieces of 1460", 20, FRAME_MIN, 1460),
    frames!("frames-1k-28", "64 KiB in frames of 1 KiB, in pieces of 28", 20, KIB, 28),
    frames!("frames-1k-1460", "64 KiB in frames of 1 KiB, in pieces of 1460", 100, KIB, 1460),
    frames!("frames-64k-1460", "a frame of 64 KiB in pieces of 1460", 100, 64 * KIB, 1460),
    frames!("frames-64k-65536", "a frame of 64 KiB in one piece", 100, 64 * KIB, 65_536),
    frames!("frames-4m-65536", "a frame of 4 MiB in pieces of 64 KiB", 4, 4096 * KIB, 65_536),
    Row {
        name: "pong-1",
        what: "one PING, answered through `Transport`",
        times: 10_000,
        ours: |times| answered(times, 1, &samples::ping()),
        floor: |times| ponged(times, &samples::ping()),
    },
    Row {
        name: "pong-1000",
        what: "1,000 PINGs in one chunk, answered through `Transport`",
        times: 20,
        ours: |times| answered(times, 1, &samples::ping().repeat(1000)),
        floor: |times| ponged(times, &samples::ping().repeat(1000)),
    },
    dispatch!("dispatch-1-of-1", "1,000 messages to the only program", 1, 1),
    dispatch!("dispatch-1-of-16", "1,000 messages to one program of 16", 16, 1),
    dispatch!("dispatch-4-in-turn", "1,000 messages to 4 programs in turn", 4, 4),
    dispatch!("dispatch-16-in-turn", "1,000 messages to 16 programs in turn", 16, 16),
    Row {
        name: "ping",
        what: "`ping()` and its PING written",
        times: 10_000,
        ours: |times| {
            let mut transport = Transport::new(Role::Client);
            let keepalive = KeepAlive::new()
                .max_inactive(u32::MAX)
                .register(&mut transport)
                .expect("the first program");
            repeat(times, || {
                let ping = keepalive.ping(&mut transport);
                assert_eq!(black_box(ping), Ping::Sent);
                write(&mut transport);
            });
        },
        floor: |times| {
            let (mut inactive, mut out) = (0, Vec::new());
            repeat(times, || {
                floor::keepalive::ping(&mut inactive, black_box(u32::MAX), &mut out);
                black_box(out.as_slice());
                out.clear();
            });
        },
    },
    calls!("call-memory", "`Client::call` over a pipe in memory, against a bare stream", client_in_memory, bare_in_memory),
    calls!("call-memory-task", "the same, against a task that owns the stream", client_in_memory, task_in_memory),
    calls!("call-unix", "`Client::call` over a Unix socket, against a bare socket", client_over_unix, bare_over_unix),
    calls!("call-unix-task", "the same, against a task that owns the socket", client_over_unix, task_over_unix),
];

const KIB: usize = 1024;

fn repeat(times: u64, mut work: impl FnMut()) {
    for _ in 0..times {
        work();
    }
}

fn decode<C: Codec<T>, T>(times: u64, bytes: &[u8]) {
    repeat(times, || drop(black_box(C::decode(black_box(bytes)))));
}

fn encode<C: Codec<T>, T>(times: u64, bytes: &[u8]) {
    let value = C::decode(bytes).expect("the codec reads the sample");
    let mut out = Vec::new();
    repeat(times, || {
        C::encode(black_box(&value), &mut out);
        black_box(out.as_slice());
    });
}

fn frames(size: usize) -> Vec<u8> {
    let frame = samples::message(PROGRAM, 1, size - FRAME_MIN);
    frame.repeat((64 * KIB).div_ceil(size))
}

fn decoder(times: u64, stream: &[u8], piece: usize) {
    let mut decoder = FrameDecoder::new();
    repeat(times, || {
        for piece in black_box(stream).chunks(piece) {
            decoder.push(piece);
            take(&mut decoder);
        }
        assert_eq!(decoder.buffered(), 0);
    });
}

fn accumulator(times: u64, stream: &[u8], piece: usize) {
    let mut accumulator = Accumulator::default();
    repeat(times, || {
        for piece in black_box(stream).chunks(piece) {
            accumulator.push(piece, |header, payload| {
                black_box(header);
                black_box(payload);
            });
        }
    });
}

fn answered(times: u64, programs: u32, messages: &[u8]) {
    let mut transport = with_programs(programs);
    repeat(times, || answer(&mut transport, messages));
}

fn ponged(times: u64, pings: &[u8]) {
    let mut out = Vec::new();
    repeat(times, || {
        floor::keepalive::answer(black_box(pings), &mut out);
        black_box(out.as_slice());
        out.clear();
    });
}

fn dispatched(times: u64, programs: u32, messages: &[u8]) {
    let mut out = Vec::new();
    repeat(times, || {
        floor::dispatch::answer(black_box(messages), programs, &mut out);
        black_box(out.as_slice());
        out.clear();
    });
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_row_runs() {
        for row in ROWS {
            (row.ours)(2);
            (row.floor)(2);
        }
    }

    #[test]
    fn no_two_rows_have_one_name() {
        let names: HashSet<_> = ROWS.iter().map(|row| row.name).collect();
        assert_eq!(names.len(), ROWS.len());
    }
}
