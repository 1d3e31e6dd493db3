//! Two transports joined: whatever is sent arrives, once, in order, however the link cuts and delays it.

#![no_main]

use std::collections::{BTreeMap, BTreeSet};

use arbitrary::Arbitrary;
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use virt_fuzz::probe::{Called, Probe};
use virt_fuzz::wire::{Sent, Wire, descriptor};
use virt_transport::{
    Handle, Raw, RemoteError, ReplyError, Role, Serial, StreamId, StreamItem, Transport,
};

const NUMBER: u32 = 0x2000_4242;

#[derive(Debug, Arbitrary)]
enum Step<'a> {
    Call {
        procedure: u8,
        args: &'a [u8],
        fds: u8,
    },
    Answer {
        which: u8,
        answer: Answer<'a>,
    },
    Message {
        from: Side,
        procedure: u8,
        body: &'a [u8],
    },
    Stream {
        from: Side,
        which: u8,
        piece: Send<'a>,
    },
    Carry {
        from: Side,
        bytes: u16,
    },
}

#[derive(Debug, Clone, Copy, Arbitrary)]
enum Side {
    Client,
    Server,
}

#[derive(Debug, Arbitrary)]
enum Answer<'a> {
    Ok(&'a [u8]),
    OkWithFds(&'a [u8], u8),
    Error,
}

#[derive(Debug, Arbitrary)]
enum Send<'a> {
    Data(&'a [u8]),
    LargeData(u16),
    Hole(u32),
    Finish,
    Abort,
}

type Replied = (Serial, Result<Bytes, ReplyError>, usize);

struct End {
    transport: Transport,
    program: Handle<Probe>,
    wire: Wire,
    /// The items that this end has sent on each stream.
    pieces: BTreeMap<StreamId, Vec<StreamItem>>,
    /// The streams that this end has closed by refusing their call.
    refused: BTreeSet<StreamId>,
    messages: Vec<(i32, Bytes)>,
}

struct Pair {
    client: End,
    server: End,
    calls: Vec<(i32, Serial, Bytes, usize)>,
    /// The answers of the server, by serial.
    answers: BTreeMap<Serial, Replied>,
    /// The number of calls that have reached the server.
    arrived: usize,
}

fuzz_target!(|steps: Vec<Step<'_>>| {
    let mut pair = Pair {
        client: End::new(Role::Client),
        server: End::new(Role::Server),
        calls: Vec::new(),
        answers: BTreeMap::new(),
        arrived: 0,
    };
    for step in steps {
        pair.step(step);
    }
    pair.settle();
});

impl End {
    fn new(role: Role) -> Self {
        // Serials wrap around early on.
        let mut transport = Transport::new(role)
            .with_fds()
            .with_next_serial(Serial(u32::MAX - 3));
        let program = transport
            .register(Probe::new(NUMBER))
            .expect("the first program");
        Self {
            transport,
            program,
            wire: Wire::default(),
            pieces: BTreeMap::new(),
            refused: BTreeSet::new(),
            messages: Vec::new(),
        }
    }

    /// Carries some bytes, or a descriptor, to `peer`.
    fn carry(&mut self, peer: &mut Self, bytes: usize) -> bool {
        let result = match self.wire.take(&mut self.transport, bytes) {
            None => return false,
            Some(Sent::Bytes(bytes)) => peer.transport.receive(&bytes),
            Some(Sent::Fd(fd)) => peer.transport.receive_fd(fd),
        };
        result.expect("what one end sends, the other takes");
        self.wire.assert_agrees(&self.transport);
        true
    }

    fn probe<R>(&mut self, action: impl FnOnce(&mut Probe) -> R) -> R {
        self.transport.with(&self.program, |probe, _| action(probe))
    }

    fn message(&mut self, procedure: u8, body: &[u8]) {
        let sent = self
            .transport
            .with(&self.program, |_, cx| cx.message(procedure, &Raw(body)));
        sent.expect("a small message");
        let body = Bytes::copy_from_slice(body);
        self.messages.push((procedure.into(), body));
    }

    fn send_piece(&mut self, id: StreamId, piece: &Send<'_>, why: Option<&RemoteError>) {
        let sent = self.transport.with(&self.program, |_, cx| match piece {
            Send::Data(data) => {
                let data = Bytes::copy_from_slice(data);
                cx.stream_data(id, data.clone())
                    .map(|()| StreamItem::Data(data))
            }
            Send::LargeData(length) => {
                let data = Bytes::from(vec![0x5a; usize::from(*length)]);
                cx.stream_data(id, data.clone())
                    .map(|()| StreamItem::Data(data))
            }
            Send::Hole(length) => cx
                .stream_hole(id, (*length).into())
                .map(|()| StreamItem::Hole((*length).into())),
            Send::Finish => cx.finish_stream(id).map(|()| StreamItem::Finish),
            Send::Abort => cx
                .abort_stream(id, why)
                .map(|()| StreamItem::Abort(why.cloned())),
        });
        if let Ok(piece) = sent {
            self.pieces.entry(id).or_default().push(piece);
        }
    }

    /// Returns whether this end has given the stream up, and so may miss frames of the peer.
    fn gave_up(&self, id: &StreamId) -> bool {
        let last = self.pieces.get(id).and_then(|pieces| pieces.last());
        matches!(last, Some(StreamItem::Abort(_))) || self.refused.contains(id)
    }

    /// Panics if this end has not received what `peer` has sent.
    fn assert_received_from(&mut self, peer: &Self) {
        let mut received: BTreeMap<StreamId, Vec<StreamItem>> = BTreeMap::new();
        for (id, piece) in self.probe(|probe| probe.items.clone()) {
            received.entry(id).or_default().push(piece);
        }
        for id in received.keys() {
            assert!(peer.pieces.contains_key(id), "a stream nobody has sent on");
        }
        for (id, sent) in &peer.pieces {
            let received = received.remove(id).unwrap_or_default();
            assert!(sent.starts_with(&received));
            assert!(self.gave_up(id) || received.len() == sent.len());
        }
        let messages = self.probe(|probe| probe.messages.clone());
        assert_eq!(messages, peer.messages);
    }
}

impl Pair {
    fn step(&mut self, step: Step<'_>) {
        match step {
            Step::Call {
                procedure,
                args,
                fds,
            } => self.call(procedure.into(), args, (fds % 34).into()),
            Step::Answer { which, answer } => self.answer(which, answer),
            Step::Message {
                from,
                procedure,
                body,
            } => match from {
                Side::Client => self.client.message(procedure, body),
                Side::Server => self.server.message(procedure, body),
            },
            Step::Stream { from, which, piece } => {
                let known = self.calls.len().max(1);
                let Some(&(procedure, serial, ..)) = self.calls.get(usize::from(which) % known)
                else {
                    return;
                };
                let id = StreamId { procedure, serial };
                match from {
                    Side::Client => self.client.send_piece(id, &piece, None),
                    Side::Server => {
                        let why = RemoteError::authentication_required();
                        self.server.send_piece(id, &piece, Some(&why));
                    }
                }
            }
            Step::Carry { from, bytes } => {
                let bytes = usize::from(bytes) + 1;
                match from {
                    Side::Client => self.client.carry(&mut self.server, bytes),
                    Side::Server => self.server.carry(&mut self.client, bytes),
                };
            }
        }
    }

    fn call(&mut self, procedure: i32, args: &[u8], fds: usize) {
        let End {
            transport, program, ..
        } = &mut self.client;
        let descriptors: Vec<_> = (0..fds).map(|_| descriptor()).collect();
        let called = transport.with(program, |_, cx| {
            let serial = if fds == 0 {
                cx.call(procedure, &Raw(args))?
            } else {
                cx.call_with_fds(procedure, &Raw(args), descriptors)?
            };
            // As the server does: a call of an odd procedure has a stream.
            if procedure % 2 != 0 {
                cx.open_stream(StreamId { procedure, serial })?;
            }
            Ok::<_, virt_transport::SendError>(serial)
        });
        match called {
            Ok(serial) => {
                let args = Bytes::copy_from_slice(args);
                self.calls.push((procedure, serial, args, fds));
            }
            Err(error) => assert!(fds > 32, "{error}"),
        }
    }

    fn answer(&mut self, which: u8, answer: Answer<'_>) {
        let End {
            transport, program, ..
        } = &mut self.server;
        let answered = transport.with(program, |probe, cx| {
            let count = probe.calls.len();
            if count == 0 {
                return None;
            }
            let Called { id, .. } = probe.calls.swap_remove(usize::from(which) % count);
            let serial = id.serial();
            let refused = matches!(answer, Answer::Error).then(|| StreamId::from(&id));
            let (result, expected, fds) = match answer {
                Answer::Ok(ret) => (cx.reply(id, &Raw(ret)), Ok(Bytes::copy_from_slice(ret)), 0),
                Answer::OkWithFds(ret, fds) => {
                    let fds = usize::from(fds % 33);
                    let descriptors = (0..fds).map(|_| descriptor()).collect();
                    (
                        cx.reply_with_fds(id, &Raw(ret), descriptors),
                        Ok(Bytes::copy_from_slice(ret)),
                        fds,
                    )
                }
                Answer::Error => {
                    let error = RemoteError::unexpected_status(virt_transport::Status(7));
                    (
                        cx.reply_error(id, &error),
                        Err(ReplyError::Remote(error)),
                        0,
                    )
                }
            };
            result.expect("a small answer");
            Some((refused, (serial, expected, fds)))
        });
        if let Some((refused, answered)) = answered {
            self.server.refused.extend(refused);
            self.answers.insert(answered.0, answered);
        }
        self.note_arrivals();
    }

    /// Checks the calls that wait for an answer against those that were made.
    fn note_arrivals(&mut self) {
        let calls = &self.calls;
        let arrived = self.server.probe(|probe| {
            for call in &probe.calls {
                let (procedure, _, args, fds) = calls
                    .iter()
                    .find(|made| made.1 == call.id.serial())
                    .expect("a call that was made");
                assert_eq!(call.id.procedure(), *procedure);
                assert_eq!(&call.args, args);
                assert_eq!(call.fds.len(), *fds);
            }
            probe.calls.len()
        });
        self.arrived = arrived + self.answers.len();
    }

    fn carry_all(&mut self) {
        while self.client.carry(&mut self.server, usize::MAX)
            || self.server.carry(&mut self.client, usize::MAX)
        {}
    }

    /// Carries and answers all there is, and checks that all of it arrived.
    fn settle(&mut self) {
        self.carry_all();
        self.note_arrivals();
        assert_eq!(self.arrived, self.calls.len());
        while self.answers.len() < self.calls.len() {
            self.answer(0, Answer::Ok(b"at last"));
        }
        self.carry_all();

        let replies = self.client.probe(|probe| probe.replies.clone());
        assert_eq!(replies.len(), self.calls.len());
        for reply in replies {
            assert_eq!(Some(&reply), self.answers.get(&reply.0));
        }
        assert_eq!(self.client.transport.waiting_calls(), 0);
        self.client.assert_received_from(&self.server);
        self.server.assert_received_from(&self.client);
        let open = self.client.transport.open_streams();
        assert_eq!(open, self.server.transport.open_streams());
    }
}
