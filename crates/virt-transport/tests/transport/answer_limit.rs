//! The default limit of answers: small frames with large answers, of every kind.

use virt_testkit::transport::drain_bytes;
use virt_testkit::wire;
use virt_testkit::words::PING;
use virt_transport::{
    Call, Context, Message, Program, ProgramError, ProgramId, RemoteError, Role, StreamBody,
    StreamFrame, StreamId, Transport,
};

use crate::support::Ponger;

const LARGE: usize = 512 * 1024;

/// Answers every frame with more than the limit.
struct Generous;

impl Program for Generous {
    fn id(&self) -> ProgramId {
        ProgramId::new(0x2000_4242, 1)
    }

    fn on_call(&mut self, call: Call<'_>, cx: &mut Context<'_>) -> Result<(), RemoteError> {
        match call.id.procedure() {
            1 => Ok(cx.reply(call.id, &vec![0u8; LARGE])?),
            2 => Ok(cx.open_stream(StreamId::from(&call.id))?),
            _ => Err(RemoteError::unknown_procedure(call.id.procedure())),
        }
    }

    fn on_message(&mut self, _: Message<'_>, cx: &mut Context<'_>) -> Result<(), ProgramError> {
        Ok(cx.message(1, &vec![0u8; LARGE])?)
    }

    fn on_stream(
        &mut self,
        frame: StreamFrame<'_>,
        cx: &mut Context<'_>,
    ) -> Result<(), ProgramError> {
        match frame.body {
            StreamBody::Abort(_) => Ok(()),
            _ => Ok(cx.stream_data(frame.id, vec![0; LARGE])?),
        }
    }
}

fn server() -> Transport {
    let mut server = Transport::new(Role::Server);
    server.register(Generous).unwrap();
    server.register(Ponger).unwrap();
    server
}

/// As many copies of a frame as one read of 64 KiB holds.
fn read_of(frame: &str) -> (Vec<u8>, u64) {
    let frame = wire(frame);
    let count = 64 * 1024 / frame.len();
    (frame.repeat(count), count as u64)
}

/// Receives one read of 64 KiB of a frame, and then writes and resumes until all of it is handled.
///
/// Returns the most bytes that were queued at any time.
#[track_caller]
fn flood(server: &mut Transport, frame: &str) -> usize {
    let (bytes, count) = read_of(frame);
    let before = server.counters().frames_received;
    server.receive(&bytes).unwrap();
    let mut most = server.queued();
    while server.is_paused() {
        drain_bytes(server);
        server.resume().unwrap();
        most = most.max(server.queued());
    }
    drain_bytes(server);
    assert_eq!(server.counters().frames_received - before, count);
    assert_eq!(server.buffered(), 0);
    most
}

#[test]
fn the_default_is_256_kib() {
    assert_eq!(Transport::ANSWER_LIMIT, 256 * 1024);
}

#[test]
fn calls_with_large_replies_are_held_up() {
    let call = "0000001c 20004242 00000001 00000001 00000000 00000001 00000000";
    assert_eq!(flood(&mut server(), call), 28 + 4 + LARGE);
}

#[test]
fn messages_with_large_answers_are_held_up() {
    let message = "0000001c 20004242 00000001 00000001 00000002 00000000 00000000";
    assert_eq!(flood(&mut server(), message), 28 + 4 + LARGE);
}

#[test]
fn frames_of_a_stream_with_large_answers_are_held_up() {
    let mut server = server();
    let open = "0000001c 20004242 00000001 00000002 00000000 00000001 00000000";
    server.receive(&wire(open)).unwrap();
    let data = "0000001c 20004242 00000001 00000002 00000003 00000001 00000002";
    assert_eq!(flood(&mut server, data), 28 + LARGE);
}

/// Each is answered with an error of 136 to 168 bytes.
#[test]
fn refused_calls_are_held_up() {
    for call in [
        // An unknown program, an unknown procedure, a status other than ok.
        "0000001c 12345678 00000001 00000001 00000000 00000001 00000000",
        "0000001c 20004242 00000001 00000007 00000000 00000001 00000000",
        "0000001c 20004242 00000001 00000001 00000000 00000001 00000001",
    ] {
        let most = flood(&mut server(), call);
        let limit = Transport::ANSWER_LIMIT;
        assert!((limit + 1..limit + 168).contains(&most), "{most} bytes");
    }
}

#[test]
fn calls_before_authentication_are_held_up() {
    let mut server = server().with_authentication();
    let call = "0000001c 20004242 00000001 00000001 00000000 00000001 00000000";
    let most = flood(&mut server, call);
    let limit = Transport::ANSWER_LIMIT;
    assert!((limit + 1..=limit + 136).contains(&most), "{most} bytes");
}

#[test]
fn confirmations_of_aborts_are_shorter_than_what_they_answer() {
    let mut server = server();
    let pair = "0000001c 20004242 00000001 00000002 00000000 00000001 00000000
         0000001c 20004242 00000001 00000002 00000003 00000001 00000001";
    server.receive(&wire(pair).repeat(1170)).unwrap();
    assert!(!server.is_paused());
    assert_eq!((server.queued(), server.open_streams()), (1170 * 28, 0));
}

#[test]
fn pings_in_one_read_are_all_answered_at_once() {
    let (_, count) = read_of(PING);
    let most = flood(&mut server(), PING);
    assert_eq!(most as u64, 28 * count);
}

#[test]
fn pings_in_a_greater_read_are_held_up() {
    let mut server = server();
    server.receive(&wire(PING).repeat(20_000)).unwrap();
    assert!(server.is_paused());
    let limit = Transport::ANSWER_LIMIT;
    assert!((limit + 1..=limit + 28).contains(&server.queued()));
    while server.is_paused() {
        drain_bytes(&mut server);
        server.resume().unwrap();
    }
    assert_eq!(server.counters().frames_sent, 20_000);
}

#[test]
fn the_limit_can_be_turned_off() {
    let mut server = server().with_answer_limit(usize::MAX);
    server.receive(&wire(PING).repeat(20_000)).unwrap();
    assert!(!server.is_paused());
    assert_eq!(server.queued(), 20_000 * 28);
}
