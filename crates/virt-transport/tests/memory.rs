//! The memory of a transport, seen by an allocator that counts.
//!
//! One test alone, so that nothing else allocates meanwhile.

#![expect(
    clippy::unwrap_used,
    reason = "what helps a test may panic as a test may"
)]

use bytes::Buf;
use peak_alloc::PeakAlloc;
use virt_testkit::bytes::PING;
use virt_testkit::transport::null;
use virt_transport::{
    Call, Calls, Context, Handle, Message, Program, ProgramError, ProgramId, RemoteError, Role,
    StreamId, Transmit, Transport,
};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const LARGE: usize = 4 * 1024 * 1024;

/// Answers a message with an empty one, a call with 4 MiB, and takes everything else.
struct Echo;

impl Program for Echo {
    fn id(&self) -> ProgramId {
        ProgramId::new(0x6b65_6570, 1)
    }

    fn on_message(&mut self, _: Message<'_>, cx: &mut Context<'_>) -> Result<(), ProgramError> {
        Ok(cx.message(2, &())?)
    }

    fn on_call(&mut self, call: Call<'_>, cx: &mut Context<'_>) -> Result<(), RemoteError> {
        Ok(cx.reply(call.id, &vec![0u8; LARGE])?)
    }

    fn on_reply(
        &mut self,
        _: virt_transport::Reply<'_>,
        _: &mut Context<'_>,
    ) -> Result<(), ProgramError> {
        Ok(())
    }
}

fn transport(role: Role) -> (Transport, Handle<Echo>) {
    let mut transport = Transport::new(role).with_fds();
    let handle = transport.register(Echo).unwrap();
    (transport, handle)
}

/// Takes `count` bytes, or all if there are fewer, off the outbox.
fn write(transport: &mut Transport, mut count: usize) {
    while count > 0
        && let Some(Transmit::Bytes(mut chunks)) = transport.poll_transmit()
    {
        let written = count.min(chunks.chunk().len());
        assert!(written > 0, "bytes wait, and none is offered");
        chunks.advance(written);
        count -= written;
    }
}

/// Returns the bytes that are held after `work` beyond those before it, and the most while it ran.
fn cost(work: impl FnOnce()) -> (usize, usize) {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    work();
    let (held, peak) = (MEMORY.current_usage(), MEMORY.peak_usage());
    (held.saturating_sub(before), peak.saturating_sub(before))
}

#[test]
fn a_transport_holds_what_has_arrived_and_what_waits_and_little_more() {
    an_idle_connection_is_small();
    what_is_announced_is_not_held();
    whole_frames_are_handled_where_they_lie();
    an_outbox_that_is_never_empty_does_not_grow();
    an_outbox_of_large_payloads_that_is_never_empty_does_not_grow();
    an_outbox_that_has_been_large_is_given_back();
    an_outbox_that_is_small_is_kept_for_the_next_frame();
    an_outbox_that_is_kept_can_be_given_back();
    room_for_a_large_frame_is_given_back_once_small_ones_come_whole();
    calls_and_streams_that_have_ended_are_forgotten();
    the_answers_to_a_flood_are_no_larger_than_the_flood();
    large_answers_to_small_calls_are_made_one_at_a_time();
    a_backlog_that_is_not_polled_is_bounded();
    a_connection_that_has_failed_holds_nothing_that_was_received();
}

fn an_idle_connection_is_small() {
    let mut idle = None;
    let (held, _) = cost(|| {
        let (mut server, _) = transport(Role::Server);
        server.receive(PING).unwrap();
        write(&mut server, 28);
        server.shrink_to_fit();
        idle = Some(server);
    });
    assert!(held < 512, "an idle connection holds {held} bytes");
}

fn what_is_announced_is_not_held() {
    let (mut server, _) = transport(Role::Server);
    let (_, peak) = cost(|| {
        server.receive(&[2, 0, 0, 4]).unwrap();
        server.receive(&[0; 96]).unwrap();
    });
    assert!(peak < 1024, "{peak} bytes for 100");

    // 32 descriptors are announced as well.
    let (mut server, _) = transport(Role::Server);
    let (_, peak) = cost(|| {
        server
            .receive(b"\0\0\0\x20keep\0\0\0\x01\0\0\0\x01\0\0\0\x04\0\0\0\0\0\0\0\0\0\0\0\x20")
            .unwrap();
    });
    assert!(peak < 1024, "{peak} bytes for 32");
}

fn whole_frames_are_handled_where_they_lie() {
    let mut frame = PING.to_vec();
    frame[..4].copy_from_slice(&(28u32 + (1 << 20)).to_be_bytes());
    frame.resize(28 + (1 << 20), 0x5a);
    let frames = frame.repeat(3);
    let (mut transport, _) = transport(Role::Server);
    let (_, peak) = cost(|| transport.receive(&frames).unwrap());
    assert!(peak < 4096, "{peak} bytes");
    assert_eq!(transport.counters().frames_received, 3);
    let (_, peak) = cost(|| transport.receive(&frames[..2 << 20]).unwrap());
    assert!(
        peak < 4 << 20,
        "{peak} bytes, for one frame and less than another"
    );
    assert_eq!(transport.buffered(), (1 << 20) - 28);
}

fn an_outbox_that_is_never_empty_does_not_grow() {
    let (mut client, handle) = transport(Role::Client);
    client.with(&handle, |_, cx| cx.message(1, &())).unwrap();
    let (_, peak) = cost(|| {
        for _ in 0..100_000 {
            client.with(&handle, |_, cx| cx.message(1, &())).unwrap();
            write(&mut client, 28);
            assert_eq!(client.queued(), 28);
        }
    });
    assert!(peak < 1024, "{peak} bytes where 28 wait");

    // The same where every write ends in the middle of a frame, and ten frames wait.
    let (_, peak) = cost(|| {
        for _ in 0..10 {
            client.with(&handle, |_, cx| cx.message(1, &())).unwrap();
        }
        write(&mut client, 3);
        for _ in 0..100_000 {
            client.with(&handle, |_, cx| cx.message(1, &())).unwrap();
            write(&mut client, 28);
        }
    });
    assert!(peak < 4096, "{peak} bytes where 305 wait");
}

fn an_outbox_of_large_payloads_that_is_never_empty_does_not_grow() {
    let (mut client, handle) = transport(Role::Client);
    let stream = open(&mut client, &handle);
    let (_, peak) = cost(|| {
        for _ in 0..10_000 {
            let data = vec![0; 10_000];
            client
                .with(&handle, |_, cx| cx.stream_data(stream, data))
                .unwrap();
            client.with(&handle, |_, cx| cx.message(1, &())).unwrap();
            let surplus = client.queued().saturating_sub(15_000);
            write(&mut client, surplus);
        }
    });
    assert!(peak < 64 * 1024, "{peak} bytes where 15 000 wait");
}

fn an_outbox_that_has_been_large_is_given_back() {
    let (mut client, handle) = transport(Role::Client);
    let body = vec![0u32; 1 << 20];
    let (held, peak) = cost(|| {
        client.with(&handle, |_, cx| cx.message(1, &body)).unwrap();
        write(&mut client, usize::MAX);
    });
    assert!(peak >= 4 << 20);
    assert!(held <= 64 * 1024, "{held} bytes are held for nothing");
}

fn an_outbox_that_is_small_is_kept_for_the_next_frame() {
    for (words, least, most) in [(0, 28, 1024), (8000, 32_000, 65_536)] {
        let (mut client, handle) = transport(Role::Client);
        let body = vec![0u32; words];
        let mut message = || {
            client.with(&handle, |_, cx| cx.message(1, &body)).unwrap();
            write(&mut client, usize::MAX);
        };
        let (held, _) = cost(&mut message);
        assert!((least..most).contains(&held), "{held} bytes are held");
        let (more, peak) = cost(&mut message);
        assert_eq!((more, peak), (0, 0), "more was allocated");
    }
}

fn an_outbox_that_is_kept_can_be_given_back() {
    let (mut client, handle) = transport(Role::Client);
    let body = vec![0u32; 8000];
    let (held, _) = cost(|| {
        client.with(&handle, |_, cx| cx.message(1, &body)).unwrap();
        write(&mut client, usize::MAX);
        client.shrink_to_fit();
    });
    assert_eq!(held, 0, "{held} bytes are held");
}

fn room_for_a_large_frame_is_given_back_once_small_ones_come_whole() {
    let (mut server, _) = transport(Role::Server);
    let mut frame = PING.to_vec();
    frame.resize(8 * 1024 * 1024, 0);
    let length = u32::try_from(frame.len()).unwrap();
    frame[..4].copy_from_slice(&length.to_be_bytes());
    let (held, peak) = cost(|| {
        let (front, back) = frame.split_at(frame.len() / 2);
        server.receive(front).unwrap();
        server.receive(back).unwrap();
        write(&mut server, usize::MAX);
    });
    assert!(
        held >= frame.len() && peak >= held,
        "{held} of {peak} bytes"
    );
    // Were it another large frame, it would find room.
    let before = MEMORY.current_usage();
    server.receive(PING).unwrap();
    write(&mut server, usize::MAX);
    let back = before - MEMORY.current_usage();
    assert!(held - back < 1024, "{back} bytes of {held} are given back");
}

fn calls_and_streams_that_have_ended_are_forgotten() {
    let (mut client, handle) = transport(Role::Client);
    let (held, peak) = cost(|| {
        for serial in 1..=20_000u32 {
            let stream = open(&mut client, &handle);
            write(&mut client, usize::MAX);
            assert_eq!(stream.serial.0, serial);
            let mut reply = *b"\0\0\0\x1ckeep\0\0\0\x01\0\0\0\x07\0\0\0\x01....\0\0\0\0";
            reply[20..24].copy_from_slice(&serial.to_be_bytes());
            client.receive(&reply).unwrap();
            match serial % 3 {
                0 => client
                    .with(&handle, |_, cx| cx.abort_stream(stream, None))
                    .unwrap(),
                1 => {
                    reply[19] = 3;
                    client.receive(&reply).unwrap();
                    client
                        .with(&handle, |_, cx| cx.finish_stream(stream))
                        .unwrap();
                }
                _ => {
                    reply[19] = 3;
                    reply[27] = 1;
                    client.receive(&reply).unwrap();
                }
            }
            assert_eq!((client.waiting_calls(), client.open_streams()), (0, 0));
        }
    });
    assert!(
        held < 2048 && peak < 4096,
        "{held} bytes are held, {peak} were at most"
    );
}

fn the_answers_to_a_flood_are_no_larger_than_the_flood() {
    let flood = PING.repeat(40_000);
    let mut server = Transport::new(Role::Server).with_answer_limit(usize::MAX);
    server.register(Echo).unwrap();
    let (_, peak) = cost(|| {
        server.receive(&flood).unwrap();
        assert_eq!(server.queued(), flood.len());
    });
    // The copy that is received, and answers in a buffer that doubles.
    assert!(peak < 5 * flood.len(), "{peak} bytes for {}", flood.len());
    let (held, _) = cost(|| write(&mut server, usize::MAX));
    assert_eq!(held, 0);

    // By default, the rest is held up once 256 KiB wait.
    let (mut server, _) = transport(Role::Server);
    let (_, peak) = cost(|| {
        server.receive(&flood).unwrap();
        assert_eq!(server.queued(), 262_164);
        while server.is_paused() {
            write(&mut server, usize::MAX);
            server.resume().unwrap();
        }
        write(&mut server, usize::MAX);
    });
    assert_eq!(server.counters().frames_sent, 40_000);
    let most = flood.len() + 2 * 262_164 + 4096;
    assert!(peak < most, "{peak} bytes for {}", flood.len());

    // With a write after each read, no more than one read and its answers is held.
    let (mut server, _) = transport(Role::Server);
    let (_, peak) = cost(|| {
        for piece in flood.chunks(4096) {
            server.receive(piece).unwrap();
            write(&mut server, usize::MAX);
        }
    });
    assert!(peak < 32 * 1024, "{peak} bytes for 4096 at a time");
}

/// 64 KiB of small calls, each with a reply of 4 MiB, of which the peer reads nothing or one at a time.
fn large_answers_to_small_calls_are_made_one_at_a_time() {
    let (mut server, _) = transport(Role::Server);
    let mut call = PING.to_vec();
    call[15] = 9;
    call[19] = 0;
    let calls = call.repeat(64 * 1024 / call.len());
    let (held, peak) = cost(|| server.receive(&calls).unwrap());
    assert!(server.is_paused());
    assert_eq!(server.queued(), 28 + 4 + LARGE);
    assert!(held < 2 * LARGE + 128 * 1024, "{held} bytes are held");
    // The value, the outbox and, while that grows, its former allocation.
    assert!(peak < 4 * LARGE + 128 * 1024, "{peak} bytes at most");
    let (_, peak) = cost(|| {
        for _ in 0..20 {
            write(&mut server, usize::MAX);
            server.resume().unwrap();
        }
    });
    assert!(peak < 3 * LARGE, "{peak} bytes at most, one at a time");
}

/// Input that nobody polls is kept up to the limit, and then the connection ends.
fn a_backlog_that_is_not_polled_is_bounded() {
    let mut client = Transport::new(Role::Client);
    let program = ProgramId::new(0x6b65_6570, 1);
    let limit = 1024 * 1024;
    client
        .register(Calls::<()>::new(program).with_backlog_limit(limit))
        .unwrap();
    let events = PING.repeat(100);
    let (_, peak) = cost(|| while client.receive(&events).is_ok() {});
    assert!(client.failure().is_some());
    // A queue that doubles, and the one before it.
    assert!(peak < 3 * limit + 4096, "{peak} bytes for {limit}");
}

fn a_connection_that_has_failed_holds_nothing_that_was_received() {
    let mut failed = None;
    let (held, _) = cost(|| {
        let (mut client, handle) = transport(Role::Client);
        client.receive(&[2, 0, 0, 4]).unwrap();
        client.receive(&vec![0; 1 << 20]).unwrap();
        assert_eq!(client.buffered(), (1 << 20) + 4);
        #[cfg(unix)]
        {
            let fd = null();
            client.receive_fd(fd).unwrap_err();
            client.receive(&vec![0; 1 << 20]).unwrap_err();
        }
        #[cfg(not(unix))]
        drop(client.receive(&[]));
        failed = Some((client, handle));
    });
    if cfg!(unix) {
        assert!(held < 1024, "{held} bytes are held for nothing");
    }
}

/// Calls procedure 7, and opens its stream.
fn open(client: &mut Transport, handle: &Handle<Echo>) -> StreamId {
    client.with(handle, |_, cx| {
        let serial = cx.call(7, &()).unwrap();
        let stream = StreamId {
            procedure: 7,
            serial,
        };
        cx.open_stream(stream).unwrap();
        stream
    })
}
