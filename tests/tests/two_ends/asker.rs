//! The client's half of the echo program: it knows what must come back, and in which order.

use std::collections::{HashMap, VecDeque};

use fastrand::Rng;
use virt_tests::{ECHO, Follow, Later, Refuse, Return, Tell, Told};
use virt_transport::{
    CallProcedure, Context, Message, MessageProcedure, Program, ProgramError, ProgramId, Reply,
    ReplyError, Serial, Stream, StreamBody, StreamId,
};

use crate::wire::descriptor;

#[derive(Default)]
pub(crate) struct Asker {
    asked: u64,
    replies: HashMap<Serial, Expected>,
    /// What events say that this end has caused, and those that come unasked.
    told: VecDeque<String>,
    unasked: VecDeque<String>,
    /// What streams must give back, and whether this end has finished them.
    streams: HashMap<StreamId, (VecDeque<Piece>, bool)>,
}

struct Expected {
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
    pub(crate) fn call(&mut self, cx: &mut Context<'_>, rng: &mut Rng) {
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
            cx.call_with_fds(procedure, &text, (0..fds).map(|_| descriptor()).collect())
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
        assert!(self.replies.insert(serial, expected).is_none());
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
        assert_eq!(self.replies.len(), 0, "calls have no reply");
        assert_eq!(self.told.len() + self.unasked.len(), 0, "events are lost");
        assert_eq!(self.streams.len(), 0, "streams have not ended");
    }
}

impl Program for Asker {
    fn id(&self) -> ProgramId {
        ECHO
    }

    fn on_reply(&mut self, reply: Reply<'_>, _: &mut Context<'_>) -> Result<(), ProgramError> {
        let expected = self.replies.remove(&reply.serial);
        let expected = expected.expect("no call is replied to twice");
        assert_eq!(reply.procedure, expected.procedure);
        assert_eq!(reply.fds.len(), expected.fds);
        match reply.result {
            Ok(payload) => {
                assert_ne!(expected.procedure, Refuse::NUMBER);
                assert_eq!(payload.decode::<String>()?, expected.text);
            }
            Err(ReplyError::Remote(error)) => {
                assert_eq!(expected.procedure, Refuse::NUMBER);
                assert_eq!(error.message(), expected.text);
            }
            Err(error) => panic!("{error}"),
        }
        Ok(())
    }

    fn on_message(
        &mut self,
        message: Message<'_>,
        _: &mut Context<'_>,
    ) -> Result<(), ProgramError> {
        assert_eq!(message.procedure, Told::NUMBER);
        let text: String = message.payload.decode()?;
        let queue = if text.starts_with("question") {
            &mut self.told
        } else {
            &mut self.unasked
        };
        assert_eq!(queue.pop_front(), Some(text));
        Ok(())
    }

    fn on_stream(&mut self, stream: Stream<'_>, _: &mut Context<'_>) -> Result<(), ProgramError> {
        let Stream { id, body } = stream;
        let (pieces, finished) = self.streams.get_mut(&id).expect("an aborted one is silent");
        let piece = match body {
            StreamBody::Data(data) => Piece::Data(data.into_bytes().into()),
            StreamBody::Hole { length, .. } => Piece::Hole(length),
            StreamBody::Finish => {
                assert!(*finished && pieces.is_empty(), "{pieces:?} are lost");
                self.streams.remove(&id);
                return Ok(());
            }
            StreamBody::Abort(error) => panic!("{error:?}"),
        };
        assert_eq!(pieces.pop_front(), Some(piece));
        Ok(())
    }
}
