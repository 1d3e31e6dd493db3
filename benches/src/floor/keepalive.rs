//! Keepalive by hand.

use std::time::{Duration, Instant};

use super::frames::walk;

const PROGRAM: u32 = 0x6b65_6570;
const VERSION: u32 = 1;
const PING: i32 = 1;
const PONG: i32 = 2;
const MESSAGE: i32 = 2;

/// Answers each PING among these frames, field by field.
#[inline]
pub fn answer(bytes: &[u8], out: &mut Vec<u8>) {
    walk(bytes, |header, _| {
        if (header.program, header.version, header.message_type) == (PROGRAM, VERSION, MESSAGE)
            && header.procedure == PING
        {
            put_message(PONG, out);
        }
    });
}

/// Counts up, and writes a PING.
#[inline]
pub fn ping(inactive: &mut i64, max_inactive: u32, out: &mut Vec<u8>) {
    *inactive += 1;
    if *inactive > 0 && *inactive <= i64::from(max_inactive) {
        put_message(PING, out);
    }
}

#[inline]
fn put_message(procedure: i32, out: &mut Vec<u8>) {
    out.extend_from_slice(&28u32.to_be_bytes());
    out.extend_from_slice(&PROGRAM.to_be_bytes());
    out.extend_from_slice(&VERSION.to_be_bytes());
    out.extend_from_slice(&procedure.to_be_bytes());
    out.extend_from_slice(&MESSAGE.to_be_bytes());
    out.extend_from_slice(&0u32.to_be_bytes());
    out.extend_from_slice(&0i32.to_be_bytes());
}

/// The keepalive state of a connection: the last sign of life, and the PINGs since.
#[derive(Debug, Clone)]
pub struct Timer {
    /// The start of its interval.
    pub since: Instant,
    /// The number of unanswered PINGs.
    pub sent: u32,
}

impl Timer {
    /// Returns whether a PING is due; `None` if the connection is dead.
    #[inline]
    pub fn poll(&mut self, now: Instant, interval: Duration, count: u32) -> Option<bool> {
        let due = self.since + interval;
        if due > now {
            return Some(false);
        }
        if self.sent == count {
            return None;
        }
        self.sent += 1;
        self.since = due;
        Some(true)
    }
}
