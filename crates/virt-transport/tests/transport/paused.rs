//! Frames that are held up until the answers to those before them are written.

use virt_testkit::transport::{Sent, assert_sends, assert_silent, drain, drain_bytes, null};
use virt_testkit::wire;
use virt_transport::{Call, Context, Fd, Need, Program, ProgramId, RemoteError, Role, Transport};

/// Procedure 1 returns 100 bytes, 2 two descriptors, 3 as many words as descriptors have come.
struct Generous;

impl Program for Generous {
    fn id(&self) -> ProgramId {
        ProgramId::new(0x2000_4242, 1)
    }

    fn on_call(&mut self, call: Call<'_>, cx: &mut Context<'_>) -> Result<(), RemoteError> {
        match call.id.procedure() {
            1 => cx.reply(call.id, &[7; 25])?,
            2 => cx.reply_with_fds(call.id, &(), vec![fd(), fd()])?,
            _ => cx.reply(call.id, &vec![7; call.fds.len()])?,
        }
        Ok(())
    }
}

fn fd() -> Fd {
    null()
}

fn server(limit: usize) -> Transport {
    let mut server = Transport::new(Role::Server)
        .with_fds()
        .with_answer_limit(limit);
    server.register(Generous).unwrap();
    server
}

fn calls(procedure: i32, serials: std::ops::RangeInclusive<u32>) -> Vec<u8> {
    serials
        .flat_map(|serial| {
            wire(&format!(
                "0000001c 20004242 00000001 {procedure:08x} 00000000 {serial:08x} 00000000"
            ))
        })
        .collect()
}

/// The serials of the replies that a transport has to send.
fn answered(server: &mut Transport) -> Vec<u8> {
    let frames = drain_bytes(server);
    frames.chunks(128).map(|frame| frame[23]).collect()
}

/// The two ways in.
const WAYS: [fn(&mut Transport, &[u8]); 2] = [
    |server, bytes| server.receive(bytes).unwrap(),
    |server, bytes| {
        server.space(bytes.len()).copy_from_slice(bytes);
        server.commit(bytes.len()).unwrap();
    },
];

#[test]
fn below_the_limit_none_waits() {
    for receive in WAYS {
        let mut server = server(100 * 128);
        receive(&mut server, &calls(1, 1..=100));
        assert!(!server.is_paused());
        assert_eq!(server.queued(), 100 * 128);
    }
}

#[test]
fn at_most_one_answer_goes_over_the_limit() {
    for receive in WAYS {
        let mut server = server(200);
        receive(&mut server, &calls(1, 1..=5));
        assert!(server.is_paused());
        assert_eq!(server.need(), Need::Bytes(0));
        assert_eq!(server.queued(), 256);
        assert_eq!(server.buffered(), 3 * 28);
        assert_eq!(server.counters().frames_received, 2);
        assert_eq!(answered(&mut server), [1, 2]);
        // An empty read changes nothing.
        server.receive(&[]).unwrap();
        assert!(server.is_paused());
        assert_silent(&mut server);

        server.resume().unwrap();
        assert!(server.is_paused());
        assert_eq!(answered(&mut server), [3, 4]);
        server.resume().unwrap();
        assert!(!server.is_paused());
        assert_eq!(server.need(), Need::Bytes(4));
        assert_eq!(answered(&mut server), [5]);

        // There is nothing to go on with.
        server.resume().unwrap();
        assert_silent(&mut server);
    }
}

#[test]
fn exactly_the_limit_is_not_over_it() {
    for (limit, replies) in [(255, 2), (256, 3), (257, 3)] {
        let mut server = server(limit);
        server.receive(&calls(1, 1..=5)).unwrap();
        assert_eq!(server.queued(), replies * 128);
    }
}

#[test]
fn the_limit_counts_from_what_waits_already() {
    let mut server = server(100);
    for serial in 1..=10 {
        server.receive(&calls(1, serial..=serial)).unwrap();
        assert!(!server.is_paused());
    }
    assert_eq!(server.queued(), 10 * 128);
}

#[test]
fn what_is_received_meanwhile_waits_behind() {
    for receive in WAYS {
        let mut server = server(0);
        let bytes = calls(1, 1..=4);
        // Cut within the third.
        receive(&mut server, &bytes[..70]);
        assert_eq!(answered(&mut server), [1]);
        receive(&mut server, &bytes[70..]);
        assert_eq!(answered(&mut server), [2]);
        server.resume().unwrap();
        assert_eq!(answered(&mut server), [3]);
        server.resume().unwrap();
        assert!(!server.is_paused());
        assert_eq!(answered(&mut server), [4]);
    }
}

#[test]
fn a_frame_that_is_put_together_counts() {
    let mut server = server(0);
    let bytes = calls(1, 1..=3);
    server.receive(&bytes[..10]).unwrap();
    server.receive(&bytes[10..]).unwrap();
    assert!(server.is_paused());
    assert_eq!(answered(&mut server), [1]);
    assert_eq!(server.buffered(), 2 * 28);
}

#[test]
fn descriptors_that_wait_count() {
    let mut server = server(20_000);
    server.receive(&calls(2, 1..=5)).unwrap();
    assert!(server.is_paused());
    assert_eq!(server.queued_fds(), 6);
    drop(drain(&mut server));
    server.resume().unwrap();
    assert!(!server.is_paused());
    let sent = drain(&mut server);
    let fds = sent.iter().filter(|sent| matches!(sent, Sent::Fd(_)));
    assert_eq!(fds.count(), 4);
}

#[test]
fn descriptors_come_after_the_frames_that_wait() {
    let mut server = server(0);
    let mut bytes = calls(1, 1..=2);
    bytes.extend(wire(
        "00000020 20004242 00000001 00000003 00000004 00000003 00000000 00000001",
    ));
    server.receive(&bytes).unwrap();
    while server.is_paused() {
        drain_bytes(&mut server);
        server.resume().unwrap();
    }
    drain_bytes(&mut server);
    assert_eq!(server.need(), Need::Fds(1));
    server.receive_fd(fd()).unwrap();
    assert_sends(
        &mut server,
        "00000024 20004242 00000001 00000003 00000001 00000003 00000000 00000001 00000007",
    );
}

#[test]
fn an_error_behind_frames_that_wait_comes_after_them() {
    let mut server = server(0);
    let mut bytes = calls(1, 1..=2);
    bytes.extend(wire("00000003"));
    server.receive(&bytes).unwrap();
    assert!(server.is_paused());
    server.resume().unwrap();
    assert!(server.is_paused());
    assert_eq!(answered(&mut server), [1, 2]);
    let error = server.resume().unwrap_err();
    assert_eq!(
        error.to_string(),
        "frame length 3 is outside 28 to 33554436"
    );
    assert!(!server.is_paused());
    server.resume().unwrap_err();
}
