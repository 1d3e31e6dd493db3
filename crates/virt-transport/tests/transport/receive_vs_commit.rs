//! The same outcome for any cuts of the bytes, by `receive` or `commit`.

use proptest::prelude::*;
use virt_testkit::transport::drain_bytes;
use virt_testkit::{hex, wire};
use virt_transport::{Counters, Handle, Role, Transport};

use crate::support::{Ponger, REMOTE, Recorder};

/// One way to hand over some bytes.
#[derive(Debug, Clone, Copy)]
struct Cut {
    length: usize,
    /// The room to ask for beyond that, if the bytes are read into the buffer.
    room: Option<usize>,
    /// Set if the output is drained afterwards.
    drain: bool,
}

/// The state of a transport as seen from outside.
#[derive(Debug, PartialEq)]
struct Outcome {
    log: Vec<String>,
    sent: String,
    error: Option<String>,
    counters: Counters,
    buffered: usize,
}

fn end(role: Role) -> (Transport, Handle<Recorder>) {
    let mut transport = Transport::new(role);
    transport.register(Ponger).unwrap();
    let handle = transport.register(Recorder::new(REMOTE)).unwrap();
    if role == Role::Client {
        for _ in 0..40 {
            transport.with(&handle, |_, cx| cx.call(60, &())).unwrap();
        }
        drain_bytes(&mut transport);
    }
    (transport, handle)
}

fn run(role: Role, bytes: &[u8], cuts: &[Cut]) -> Outcome {
    let (mut transport, handle) = end(role);
    let mut rest = bytes;
    let mut sent = Vec::new();
    let mut error = None;
    let whole = Cut {
        length: bytes.len(),
        room: None,
        drain: true,
    };
    for cut in cuts.iter().copied().chain([whole]) {
        let (piece, behind) = rest.split_at(cut.length.min(rest.len()));
        rest = behind;
        let result = match cut.room {
            None => transport.receive(piece),
            Some(more) => {
                transport.space(piece.len() + more)[..piece.len()].copy_from_slice(piece);
                transport.commit(piece.len())
            }
        };
        let failed = result.err().map(|error| error.to_string());
        assert!(
            error.is_none() || failed == error,
            "{error:?} did not stick: {failed:?}"
        );
        error = failed;
        if cut.drain {
            sent.extend(drain_bytes(&mut transport));
        }
    }
    // After an error, how many bytes had come is a matter of the cuts.
    let mut counters = transport.counters();
    if error.is_some() {
        counters.bytes_received = 0;
    }
    Outcome {
        log: transport.with(&handle, |recorder, _| std::mem::take(&mut recorder.log)),
        sent: hex(&sent),
        error,
        counters,
        buffered: transport.buffered(),
    }
}

/// A frame of any kind: mostly such as make sense, now and then one that ends the connection.
fn frame() -> impl Strategy<Value = Vec<u8>> {
    let program = prop_oneof![
        8 => Just("20008086 00000001"),
        4 => Just("6b656570 00000001"),
        1 => Just("12345678 00000001"),
        1 => Just("20008086 00000002"),
    ];
    let message_type = prop_oneof![9 => 0..7u32, 1 => any::<u32>()];
    let serial = prop_oneof![9 => 0..41u32, 1 => any::<u32>()];
    let status = prop_oneof![9 => 0..3u32, 1 => any::<u32>()];
    let payload = prop_oneof![
        8 => prop::collection::vec(any::<u8>(), 0..40),
        1 => (0..6000usize).prop_map(|length| vec![0x5a; length]),
    ];
    let rest = (program, 0..3u32, message_type, serial, status, payload);
    rest.prop_map(|(program, procedure, message_type, serial, status, payload)| {
        let procedure = if procedure == 0 { 60 } else { procedure };
        let length = 28 + payload.len();
        let mut bytes = wire(&format!(
            "{length:08x} {program} {procedure:08x} {message_type:08x} {serial:08x} {status:08x}"
        ));
        bytes.extend(payload);
        bytes
    })
}

fn cut() -> impl Strategy<Value = Cut> {
    let length = prop_oneof![4 => 0..8usize, 4 => 0..64usize, 1 => 0..10_000usize];
    let room = prop::option::of(prop_oneof![3 => 0..64usize, 1 => 0..100_000usize]);
    (length, room, any::<bool>()).prop_map(|(length, room, drain)| Cut {
        length,
        room,
        drain,
    })
}

proptest! {
    #[test]
    fn any_cut_given_in_any_way_has_the_same_outcome(
        server in any::<bool>(),
        frames in prop::collection::vec(frame(), 0..12),
        end_missing in 0..40usize,
        cuts in prop::collection::vec(cut(), 0..60),
    ) {
        let role = if server { Role::Server } else { Role::Client };
        let mut bytes = frames.concat();
        bytes.truncate(bytes.len().saturating_sub(end_missing));
        prop_assert_eq!(run(role, &bytes, &cuts), run(role, &bytes, &[]));
    }

    #[test]
    fn byte_by_byte_has_the_same_outcome(
        server in any::<bool>(),
        frames in prop::collection::vec(frame(), 0..6),
        room in prop::option::of(0..8usize),
    ) {
        let role = if server { Role::Server } else { Role::Client };
        let bytes = frames.concat();
        let cuts = vec![Cut { length: 1, room, drain: false }; bytes.len()];
        prop_assert_eq!(run(role, &bytes, &cuts), run(role, &bytes, &[]));
    }

    #[test]
    fn a_reader_that_asks_what_is_needed_never_takes_a_byte_of_the_next_frame(
        frames in prop::collection::vec(frame(), 0..8),
    ) {
        let (mut server, _) = end(Role::Server);
        let bytes = frames.concat();
        let mut rest = &bytes[..];
        for frame in &frames {
            let before = server.counters().frames_received;
            let mut taken = 0;
            while server.counters().frames_received == before {
                let virt_transport::Need::Bytes(need) = server.need() else {
                    // A call that announces descriptors, which this connection does not carry.
                    panic!("descriptors are needed");
                };
                prop_assert!(need > 0, "nothing is needed, and no frame was taken");
                let (piece, behind) = rest.split_at(need);
                rest = behind;
                taken += need;
                if server.receive(piece).is_err() {
                    return Ok(());
                }
            }
            prop_assert_eq!(taken, frame.len());
            prop_assert_eq!(server.buffered(), 0);
        }
    }
}
