//! Whatever arrives, in whatever order: no panic, and what can be seen from outside makes sense.

use proptest::prelude::*;
use virt_testkit::transport::{Sent, drain};
use virt_testkit::wire;
use virt_transport::{Handle, Need, ReceiveError, Role, SendError, Serial, StreamId, Transport};

use crate::support::{Ponger, REMOTE, Recorder, log};
use crate::witness::Witness;

/// An act of the peer.
#[derive(Debug, Clone)]
enum Step {
    /// A frame of this type, serial, status and payload, all of which may make sense.
    Frame(u32, u32, u32, Vec<u8>),
    Bytes(Vec<u8>),
    Fd,
}

fn step() -> impl Strategy<Value = Step> {
    let payload = prop_oneof![
        3 => (0..3u8).prop_map(|count| vec![0, 0, 0, count]),
        1 => prop::collection::vec(any::<u8>(), 0..20),
        1 => Just(wire("00000000 00001000 00000000")),
        1 => Just(Vec::new()),
    ];
    let status = prop_oneof![6 => 0..3u32, 1 => any::<u32>()];
    prop_oneof![
        8 => (0..8u32, 0..6u32, status, payload).prop_map(|(t, serial, status, payload)| {
            Step::Frame(t, serial, status, payload)
        }),
        1 => prop::collection::vec(any::<u8>(), 0..6).prop_map(Step::Bytes),
        8 => Just(Step::Fd),
    ]
}

fn end(role: Role) -> (Transport, Handle<Recorder>) {
    let mut transport = Transport::new(role).with_fds();
    transport.register(Ponger).unwrap();
    let handle = transport.register(Recorder::new(REMOTE)).unwrap();
    transport.with(&handle, |_, cx| {
        for serial in 1..4 {
            if role == Role::Client {
                let fd = Witness::new().1;
                cx.call_with_fds(60, &(), vec![fd]).unwrap();
            }
            let serial = Serial(serial);
            cx.open_stream(StreamId {
                procedure: 60,
                serial,
            })
            .unwrap();
        }
    });
    (transport, handle)
}

proptest! {
    #[test]
    fn no_sequence_of_bytes_and_descriptors_confuses_a_transport(
        server in any::<bool>(),
        steps in prop::collection::vec(step(), 0..60),
    ) {
        let role = if server { Role::Server } else { Role::Client };
        let (mut transport, handle) = end(role);
        let mut watching = Vec::new();
        for step in steps {
            let before = transport.need();
            let result = match step {
                Step::Frame(message_type, serial, status, payload) => {
                    let length = 28 + payload.len();
                    let mut frame = wire(&format!(
                        "{length:08x} 20008086 00000001 0000003c {message_type:08x} {serial:08x} {status:08x}"
                    ));
                    frame.extend(payload);
                    transport.receive(&frame)
                }
                Step::Bytes(bytes) => transport.receive(&bytes),
                Step::Fd => {
                    let (witness, fd) = Witness::new();
                    watching.push(witness);
                    let result = transport.receive_fd(fd);
                    let unexpected = matches!(result, Err(ReceiveError::UnexpectedFd));
                    let due = matches!(before, Need::Fds(_));
                    prop_assert!(!(due && unexpected), "a due descriptor is refused");
                    result
                }
            };
            match (result, transport.need()) {
                (Ok(()), Need::Bytes(count)) => prop_assert!(count > 0),
                (Ok(()), Need::Fds(count)) => prop_assert!((1..=32).contains(&count)),
                (Err(error), need) => {
                    prop_assert_eq!(need, Need::Bytes(0));
                    let again = transport.receive(&[]).unwrap_err().to_string();
                    prop_assert_eq!(again, error.to_string());
                    prop_assert_eq!(transport.buffered(), 0);
                    break;
                }
            }
        }
        // Whatever a program has not taken is closed.
        transport.with(&handle, |recorder, _| recorder.fds.clear());
        let open = watching.iter_mut().filter_map(|witness| (!witness.is_closed()).then_some(())).count();
        prop_assert!(open < 32, "{} descriptors are kept", open);
        prop_assert!(open == 0 || matches!(transport.need(), Need::Fds(_)));
        drop(transport);
        prop_assert!(watching.iter_mut().all(Witness::is_closed));
    }
}

/// An act of either end.
#[derive(Debug, Clone)]
enum Act {
    Call(usize),
    Answer(usize),
    Refuse,
    Data(u32, usize),
    Hole(u32),
    Finish(u32),
    Abort(u32),
    /// Some of what waits reaches the other end: so many bytes at most, or a descriptor.
    Carry(usize),
}

fn act() -> impl Strategy<Value = (bool, Act)> {
    let act = prop_oneof![
        (0..4usize).prop_map(Act::Call),
        (0..4usize).prop_map(Act::Answer),
        Just(Act::Refuse),
        (1..8u32, 0..6000usize).prop_map(|(serial, length)| Act::Data(serial, length)),
        (1..8u32).prop_map(Act::Hole),
        (1..8u32).prop_map(Act::Finish),
        (1..8u32).prop_map(Act::Abort),
        (0..9000usize).prop_map(Act::Carry),
        (0..50usize).prop_map(Act::Carry),
    ];
    (any::<bool>(), act)
}

/// Both ends, and what is on its way from each to the other.
struct Pair {
    ends: [(Transport, Handle<Recorder>); 2],
    wires: [Vec<Sent>; 2],
}

impl Pair {
    /// Lets `act` happen at an end; what cannot be done there is refused, and nothing else happens.
    fn act(&mut self, at: usize, act: Act) {
        if let Act::Carry(most) = act {
            return self.carry(at, most);
        }
        let (transport, handle) = &mut self.ends[at];
        let stream = |serial| StreamId {
            procedure: 60,
            serial: Serial(serial),
        };
        let fds = |count| (0..count).map(|_| Witness::new().1).collect();
        let done = transport.with(handle, |recorder, cx| match act {
            Act::Call(count) => cx.call_with_fds(60, &(), fds(count)).and_then(|serial| {
                cx.open_stream(StreamId {
                    procedure: 60,
                    serial,
                })
            }),
            Act::Answer(count) => recorder.calls.pop().map_or(Ok(()), |call| {
                cx.open_stream(StreamId::from(&call))?;
                cx.reply_with_fds(call, &(), fds(count))
            }),
            Act::Refuse => recorder.calls.pop().map_or(Ok(()), |call| {
                let error = virt_transport::RemoteError::unknown_procedure(60);
                cx.reply_error(call, &error)
            }),
            Act::Data(serial, length) => cx.stream_data(stream(serial), vec![0; length]),
            Act::Hole(serial) => cx.stream_hole(stream(serial), 512),
            Act::Finish(serial) => cx.finish_stream(stream(serial)),
            Act::Abort(serial) => cx.abort_stream(stream(serial), None),
            Act::Carry(_) => Ok(()),
        });
        assert!(
            matches!(
                done,
                Ok(())
                    | Err(SendError::StreamClosed(_)
                        | SendError::StreamNotFinished(_)
                        | SendError::NotClient)
            ),
            "{done:?}"
        );
    }

    fn carry(&mut self, from: usize, most: usize) {
        self.wires[from].extend(drain(&mut self.ends[from].0));
        let (to, handle) = &mut self.ends[1 - from];
        let Some(first) = self.wires[from].first_mut() else {
            return;
        };
        match first {
            Sent::Bytes(bytes) if bytes.len() > most => {
                to.receive(&bytes[..most]).unwrap();
                bytes.drain(..most);
                return;
            }
            Sent::Bytes(bytes) => to.receive(bytes).unwrap(),
            Sent::Fd(_) => {}
        }
        if let Sent::Fd(fd) = self.wires[from].remove(0) {
            to.receive_fd(fd).unwrap();
        }
        to.with(handle, |recorder, _| recorder.fds.clear());
    }
}

proptest! {
    /// Whatever two ends do, neither sends what the other would close the connection for.
    #[test]
    fn two_ends_never_break_each_other(acts in prop::collection::vec(act(), 0..80)) {
        let mut pair = Pair {
            ends: [Role::Client, Role::Server].map(|role| {
                let mut transport = Transport::new(role).with_fds();
                let handle = transport.register(Recorder::new(REMOTE)).unwrap();
                (transport, handle)
            }),
            wires: [Vec::new(), Vec::new()],
        };
        for (at_server, act) in acts {
            pair.act(usize::from(at_server), act);
        }
        // All that is on its way arrives, and all that can be ended is.
        for _ in 0..400 {
            pair.act(1, Act::Refuse);
            pair.carry(0, usize::MAX);
            pair.carry(1, usize::MAX);
        }
        for serial in 0..100 {
            pair.act(0, Act::Abort(serial));
        }
        for _ in 0..400 {
            pair.carry(0, usize::MAX);
            pair.carry(1, usize::MAX);
        }
        for (transport, handle) in &mut pair.ends {
            prop_assert_eq!(transport.buffered(), 0);
            prop_assert_eq!((transport.queued(), transport.queued_fds()), (0, 0));
            prop_assert_eq!(transport.waiting_calls(), 0);
            let calls = log(transport, handle).iter().filter(|line| line.starts_with("call")).count();
            prop_assert!(transport.role() == Role::Server || calls == 0);
        }
        let (client, server) = (pair.ends[0].0.counters(), pair.ends[1].0.counters());
        prop_assert_eq!(client.bytes_sent, server.bytes_received);
        prop_assert_eq!(client.frames_sent, server.frames_received);
        prop_assert_eq!(client.fds_sent, server.fds_received);
        prop_assert_eq!(server.bytes_sent, client.bytes_received);
        prop_assert_eq!(server.frames_sent, client.frames_received);
        prop_assert_eq!(server.fds_sent, client.fds_received);
    }
}
