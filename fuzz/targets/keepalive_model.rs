//! The keepalive program and its timer against models written from their tables.

#![no_main]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant};

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use virt_fuzz::frames::append;
use virt_fuzz::wire::Wire;
use virt_keepalive::{KeepAlive, Ping, Tick, Timer};
use virt_transport::{ProgramId, Role, Serial, Status, Transport};
use virt_xdr::{Header, MessageType};

#[derive(Debug, Arbitrary)]
struct Input<'a> {
    role: Role,
    max_inactive: u8,
    steps: Vec<Step<'a>>,
    interval: u16,
    count: u8,
    times: Vec<Time>,
}

#[derive(Debug, Arbitrary)]
enum Step<'a> {
    Ping,
    Pong,
    MarkActive,
    Receive {
        procedure: u8,
        serial: u8,
        status: u8,
        payload: &'a [u8],
    },
}

#[derive(Debug, Arbitrary)]
enum Time {
    Pass(u16),
    /// To the deadline.
    Due,
    Received,
    Set {
        interval: u16,
        count: u8,
    },
}

fuzz_target!(|input: Input<'_>| {
    program(&input);
    timer(&input);
});

fn program(input: &Input<'_>) {
    let [acks, fails, pings] = [(); 3].map(|()| Arc::new(AtomicU32::new(0)));
    let (acked, failed, pinged) = (acks.clone(), fails.clone(), pings.clone());
    let mut transport = Transport::new(input.role);
    let keepalive = KeepAlive::new()
        .max_inactive(input.max_inactive.into())
        .on_ack(move |_| {
            acked.fetch_add(1, Relaxed);
        })
        .on_fail(move |_| {
            failed.fetch_add(1, Relaxed);
        })
        .on_ping(move |cx| {
            pinged.fetch_add(1, Relaxed);
            cx.pong();
        })
        .register(&mut transport)
        .expect("the only program");

    let (mut inactive, mut acks_due, mut fails_due, mut pings_due) = (0, 0, 0, 0);
    let mut pings_sent = 0;
    let mut procedures_due = Vec::new();
    for step in &input.steps {
        match step {
            Step::Ping => {
                inactive += 1;
                let expected = match inactive {
                    n if n > i64::from(input.max_inactive) => Ping::Expired,
                    1.. => Ping::Sent,
                    _ => Ping::Skipped,
                };
                fails_due += u32::from(expected == Ping::Expired);
                if expected == Ping::Sent {
                    pings_sent += 1;
                    procedures_due.push(1);
                }
                assert_eq!(keepalive.ping(&mut transport), expected);
            }
            Step::Pong => {
                procedures_due.push(2);
                keepalive.pong(&mut transport);
            }
            Step::MarkActive => {
                inactive = -1;
                keepalive.mark_active(&mut transport);
            }
            &Step::Receive {
                procedure,
                serial,
                status,
                payload,
            } => {
                let procedure = procedure % 4;
                match procedure {
                    1 => {
                        inactive = -1;
                        pings_due += 1;
                        procedures_due.push(2);
                    }
                    2 => {
                        inactive = 0;
                        acks_due += 1;
                    }
                    _ => inactive = -1,
                }
                let mut frame = Vec::new();
                append(&mut frame, &header(procedure, serial, status), payload);
                transport.receive(&frame).expect("a message of keepalive");
            }
        }
        assert_eq!(keepalive.inactive(&mut transport), inactive);
        let counts = keepalive.counts(&mut transport);
        assert_eq!(counts.sent, pings_sent);
        assert_eq!(counts.received, u64::from(pings_due));
        assert!(counts.answered <= counts.sent && counts.answered <= u64::from(acks_due));
    }

    let seen = [acks, fails, pings].map(|counter| counter.load(Relaxed));
    assert_eq!(seen, [acks_due, fails_due, pings_due]);
    let mut wire = Wire::default();
    wire.take_all(&mut transport);
    let expected = procedures_due
        .iter()
        .map(|&procedure| header(procedure, 0, 0));
    assert!(wire.frames.iter().all(|(_, payload)| payload.is_empty()));
    assert!(wire.frames.iter().map(|(header, _)| *header).eq(expected));
}

/// The model keeps to what is promised: nothing before the deadline, something at it, as many PINGs as
/// `count` and then death, which is never before `interval * (count + 1)`.
fn timer(input: &Input<'_>) {
    let millis = |millis: u16| Duration::from_millis(millis.into());
    let mut interval = millis(input.interval);
    let mut count = u32::from(input.count);
    let mut now = Instant::now();
    let mut heard = now;
    let mut pings = 0;
    // Set while interval and count are unchanged since the peer was heard.
    let mut steady = true;
    let mut timer = Timer::new(interval, count, now);
    for time in &input.times {
        match *time {
            Time::Pass(time) => now += millis(time),
            Time::Due => now = timer.deadline().map_or(now, |deadline| now.max(deadline)),
            Time::Received => {
                heard = now;
                pings = 0;
                steady = true;
                timer.received(now);
            }
            Time::Set {
                interval: new,
                count: many,
            } => {
                interval = millis(new);
                count = many.into();
                steady = false;
                timer.set(interval, count);
            }
        }
        assert_eq!(timer.deadline().is_none(), interval.is_zero());
        let due = timer.deadline().is_some_and(|deadline| deadline <= now);
        let tick = timer.poll(now);
        assert_eq!(tick != Tick::Wait, due);
        match tick {
            Tick::Wait => {}
            Tick::Ping => {
                pings += 1;
                assert!(pings <= count);
                assert!(!steady || now - heard >= interval * pings);
            }
            Tick::Dead => {
                assert!(pings >= count);
                assert!(!steady || now - heard >= interval * (count + 1));
            }
        }
        assert_eq!(timer.unanswered(), pings);
    }
}

fn header(procedure: u8, serial: u8, status: u8) -> Header {
    Header {
        program: ProgramId::new(0x6b65_6570, 1),
        procedure: procedure.into(),
        message_type: MessageType::MESSAGE,
        serial: Serial(serial.into()),
        status: Status(status.into()),
    }
}
