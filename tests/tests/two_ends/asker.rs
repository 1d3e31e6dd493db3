//! The client's half of the echo program: it knows what must come back, and in which order.

use std::collections::{HashMap, VecDeque};

use fastrand::Rng;
use virt_testkit::transport::null;
use virt_tests::{Follow, Later, Refuse, Return, Tell, Told};
use virt_transport::{
    CallProcedure, Calls, Context, Incoming, MessageProcedure, ReplyError, StreamId, StreamItem,
};
use virt_xdr::from_slice;

#[derive(Default)]
pub(crate) struct Asker {
    asked: u64,
    /// The calls that wait for their reply.
    waiting: usize,
    /// Expected events: those that this end has caused, and unasked ones.
    told: VecDeque<String>,
    unasked: VecDeque<String>,
    /// Expected data of streams, and whether this end has finished them.
    streams: HashMap<StreamId, (VecDeque<Piece>, bool)>,
}

/// The reply that a call waits for.
pub(crate) struct Expected {
    procedure: i32,
    text: String,
    fds: usize,
}

#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Data(Vec<u8>),
    Hole(i64),
}

impl Asker {
    /// Makes a call of some kind.
    pub(crate) fn call(
        &mut self,
        calls: &mut Calls<Expected>,
        cx: &mut Context<'_>,
        rng: &mut Rng,
    ) {
        self.asked += 1;
        let padding = "x".repeat(rng.usize(..80).pow(2));
        let text = format!("question {} {padding}", self.asked);
        let procedures = [
            Return::NUMBER,
            Later::NUMBER,
            Refuse::NUMBER,
            Tell::NUMBER,
            Follow::NUMBER,
        ];
        let procedure = procedures[rng.usize(..procedures.len())];
        let fds = if procedure == Return::NUMBER && rng.bool() {
            rng.usize(..4)
        } else {
            0
        };
        let serial = if fds == 0 {
            cx.call(procedure, &text)
        } else {
            cx.call_with_fds(procedure, &text, (0..fds).map(|_| null()).collect())
        };
        let serial = serial.expect("it can be sent");
        match procedure {
            Tell::NUMBER => self.told.push_back(text.clone()),
            Follow::NUMBER => {
                let id = StreamId { procedure, serial };
                cx.open_stream(id).expect("the serial is new");
                self.streams.insert(id, Default::default());
            }
            _ => {}
        }
        let expected = Expected {
            procedure,
            text,
            fds,
        };
        calls.wait(serial, expected);
        self.waiting += 1;
    }

    /// Sends something on some stream, or ends it.
    pub(crate) fn stream(&mut self, cx: &mut Context<'_>, rng: &mut Rng) {
        let mut writable: Vec<_> = self
            .streams
            .iter()
            .filter(|(_, (_, finished))| !finished)
            .map(|(id, _)| *id)
            .collect();
        // A map's order differs from run to run, and a seed must not.
        writable.sort_unstable();
        let Some(&id) = writable.get(rng.usize(..writable.len().max(1))) else {
            return;
        };
        let (pieces, finished) = self.streams.get_mut(&id).expect("it is there");
        let sent = match rng.u8(..10) {
            0 => {
                self.streams.remove(&id);
                cx.abort_stream(id, None)
            }
            1 => {
                *finished = true;
                cx.finish_stream(id)
            }
            2 => {
                let length = rng.i64(0..);
                pieces.push_back(Piece::Hole(length));
                cx.stream_hole(id, length.cast_unsigned())
            }
            _ => {
                let data = vec![rng.u8(..); rng.usize(..100).pow(2)];
                pieces.push_back(Piece::Data(data.clone()));
                cx.stream_data(id, data)
            }
        };
        sent.expect("the stream is open");
    }

    /// Finishes all streams.
    pub(crate) fn finish(&mut self, cx: &mut Context<'_>) {
        for (id, (_, finished)) in &mut self.streams {
            if !*finished {
                cx.finish_stream(*id).expect("the stream is open");
            }
            *finished = true;
        }
    }

    /// Expects an event that the server sends by itself.
    pub(crate) fn expect(&mut self, text: &str) {
        self.unasked.push_back(text.to_owned());
    }

    /// At the end: everything has come.
    pub(crate) fn assert_answered(&self) {
        assert_eq!(self.waiting, 0, "calls have no reply");
        assert_eq!(self.told.len() + self.unasked.len(), 0, "events are lost");
        assert_eq!(self.streams.len(), 0, "streams have not ended");
    }

    /// Takes what came, and holds it against what must come.
    pub(crate) fn take(&mut self, incoming: Incoming<Expected>) {
        match incoming {
            Incoming::Reply {
                waiter,
                procedure,
                result,
                fds,
                ..
            } => {
                self.waiting -= 1;
                assert_eq!(procedure, waiter.procedure);
                assert_eq!(fds.len(), waiter.fds);
                match result {
                    Ok(payload) => {
                        assert_ne!(waiter.procedure, Refuse::NUMBER);
                        assert_eq!(from_slice::<String>(&payload), Ok(waiter.text));
                    }
                    Err(ReplyError::Remote(error)) => {
                        assert_eq!(waiter.procedure, Refuse::NUMBER);
                        assert_eq!(error.message(), waiter.text);
                    }
                    Err(error) => panic!("{error}"),
                }
            }
            Incoming::Message { procedure, payload } => {
                assert_eq!(procedure, Told::NUMBER);
                let text: String = from_slice(&payload).expect("it is a text");
                let queue = if text.starts_with("question") {
                    &mut self.told
                } else {
                    &mut self.unasked
                };
                assert_eq!(queue.pop_front(), Some(text));
            }
            Incoming::Stream { id, item } => self.take_item(id, item),
        }
    }

    fn take_item(&mut self, id: StreamId, item: StreamItem) {
        let (pieces, finished) = self.streams.get_mut(&id).expect("an aborted one is silent");
        let piece = match item {
            StreamItem::Data(data) => Piece::Data(data.into()),
            StreamItem::Hole(length) => Piece::Hole(length),
            StreamItem::Finish => {
                assert!(*finished && pieces.is_empty(), "{pieces:?} are lost");
                self.streams.remove(&id);
                return;
            }
            StreamItem::Abort(error) => panic!("{error:?}"),
        };
        assert_eq!(pieces.pop_front(), Some(piece));
    }
}
