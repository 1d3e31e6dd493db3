//! Transports with several programs, for the benchmarks of dispatch.

use std::hint::black_box;

use bytes::Buf;
use virt_keepalive::{KeepAlive, PROGRAM};
use virt_transport::{
    Context, Message, Program, ProgramError, ProgramId, Role, Transmit, Transport,
};

use crate::samples;

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

/// Returns a transport with this many programs, keepalive the last of them.
///
/// # Panics
///
/// Never: each program has another number.
#[must_use]
pub fn with_programs(programs: u32) -> Transport {
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

/// Returns `count` messages in one chunk, to this many programs in turn.
#[must_use]
pub fn messages_in_turn(programs: u32, count: usize) -> Vec<u8> {
    (1..programs)
        .map(echo)
        .chain([PROGRAM])
        .cycle()
        .take(count)
        .flat_map(|program| samples::message(program, 1, 0))
        .collect()
}

/// Receives messages and writes the answers, which are no shorter.
///
/// # Panics
///
/// If the transport refuses the bytes.
pub fn answer(transport: &mut Transport, bytes: &[u8]) {
    transport
        .receive(black_box(bytes))
        .expect("frames that are taken");
    assert!(transport.queued() >= bytes.len());
    write(transport);
}

/// Drains everything that waits to be written.
#[inline]
pub fn write(transport: &mut Transport) {
    while let Some(Transmit::Bytes(mut chunks)) = transport.poll_transmit() {
        black_box(chunks.chunk());
        chunks.advance(chunks.remaining());
    }
}

fn echo(number: u32) -> ProgramId {
    ProgramId::new(0x2000_8086 + number, 1)
}
