//! A program of the peer, as its callers see it: replies to whom they belong, events to whoever listens.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, broadcast, mpsc, oneshot};
use virt_transport::{
    Context, Fd, Message, Payload, Program, ProgramError, ProgramId, Reply, SendError, Serial,
    Status, Stream, StreamBody, StreamId,
};
use virt_xdr::{Encode, EncodeError, Encoder};

use crate::hub::Hub;
use crate::inbound::Held;
use crate::{CallError, Event, StreamItem};

/// Up to this many bytes a payload is copied, so that a small one does not keep alive the large buffer that it
/// was read into, and counts for what it takes.
const COPY_MAX: usize = 64 * 1024;

/// What a call has come to: what was returned and its descriptors, or why not.
pub(crate) type Outcome = Result<(Bytes, Vec<Fd>), CallError>;

/// The queue of events, made when somebody first listens.
pub(crate) type Events = Arc<OnceLock<broadcast::Sender<Event>>>;

/// A call to be made.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) procedure: i32,
    pub(crate) args: Vec<u8>,
    pub(crate) fds: Vec<Fd>,
    pub(crate) waiter: oneshot::Sender<Outcome>,
    /// The right to be in flight, given back when the reply is there, not when its caller has gone. The last
    /// call of a connection needs none.
    pub(crate) permit: Option<OwnedSemaphorePermit>,
    /// Where the pieces of the call's stream go, if it has one.
    pub(crate) stream: Option<mpsc::UnboundedSender<Held>>,
}

/// Whoever reads a stream, or will once its call has been answered.
#[derive(Debug)]
struct Reader {
    items: mpsc::UnboundedSender<Held>,
    /// How much has come before the reply, which nobody can take yet; 0 from the reply on.
    early: usize,
}

#[derive(Debug)]
pub(crate) struct Peer {
    id: ProgramId,
    waiting: HashMap<Serial, (oneshot::Sender<Outcome>, Option<OwnedSemaphorePermit>)>,
    /// The streams whose handle is not known to have gone.
    streams: HashMap<StreamId, Reader>,
    events: Events,
    hub: Arc<Hub>,
}

impl Peer {
    pub(crate) fn new(id: ProgramId, events: Events, hub: Arc<Hub>) -> Self {
        Self {
            id,
            waiting: HashMap::new(),
            streams: HashMap::new(),
            events,
            hub,
        }
    }

    /// Makes a call, unless its caller has gone meanwhile.
    pub(crate) fn call(
        &mut self,
        request: Request,
        cx: &mut Context<'_>,
    ) -> Result<Serial, SendError> {
        let Request {
            procedure,
            args,
            fds,
            waiter,
            permit,
            stream,
        } = request;
        if waiter.is_closed() {
            // Its caller has gone, and does not see the serial.
            return Ok(Serial::default());
        }
        let args = Raw(&args);
        let serial = if fds.is_empty() {
            cx.call(procedure, &args)?
        } else {
            cx.call_with_fds(procedure, &args, fds)?
        };
        if let Some(items) = stream {
            let id = StreamId { procedure, serial };
            cx.open_stream(id)?;
            self.streams.insert(id, Reader { items, early: 0 });
        }
        self.waiting.insert(serial, (waiter, permit));
        Ok(serial)
    }

    /// Forgets a stream, and aborts it unless it is over or this end has finished it.
    pub(crate) fn drop_stream(
        &mut self,
        id: StreamId,
        cx: &mut Context<'_>,
    ) -> Result<(), SendError> {
        self.streams.remove(&id);
        match cx.abort_stream(id, None) {
            Err(SendError::StreamClosed(_)) => Ok(()),
            result => result,
        }
    }

    /// Lets those go who wait for a reply or read a stream.
    pub(crate) fn release(&mut self) {
        self.waiting.clear();
        self.streams.clear();
    }

    /// Drops the streams whose handle has gone. Those of calls without a reply come later: a peer that has
    /// not opened a stream does not know what to abort.
    pub(crate) fn sweep(&mut self, cx: &mut Context<'_>) -> Result<(), SendError> {
        let gone = self.streams.iter().filter(|(id, reader)| {
            reader.items.is_closed() && !self.waiting.contains_key(&id.serial)
        });
        let gone: Vec<_> = gone.map(|(id, _)| *id).collect();
        gone.into_iter().try_for_each(|id| self.drop_stream(id, cx))
    }
}

impl Program for Peer {
    fn id(&self) -> ProgramId {
        self.id
    }

    fn on_reply(&mut self, reply: Reply<'_>, cx: &mut Context<'_>) -> Result<(), ProgramError> {
        let Reply {
            serial,
            procedure,
            result,
            fds,
        } = reply;
        let Some((waiter, _permit)) = self.waiting.remove(&serial) else {
            return Err(ProgramError::Unexpected);
        };
        let refused = result.is_err();
        let outcome = result
            .map(|payload| (keep(payload), fds))
            .map_err(CallError::from);
        // Whoever has stopped waiting does not want to know.
        let _ = waiter.send(outcome);
        let id = StreamId { procedure, serial };
        if let Some(reader) = self.streams.get_mut(&id) {
            reader.early = 0;
            if refused || reader.items.is_closed() {
                self.drop_stream(id, cx)?;
            }
        }
        Ok(())
    }

    fn on_message(
        &mut self,
        message: Message<'_>,
        _: &mut Context<'_>,
    ) -> Result<(), ProgramError> {
        if message.status != Status::OK {
            return Err(ProgramError::Unexpected);
        }
        if let Some(events) = self.events.get() {
            let Message {
                procedure, payload, ..
            } = message;
            // Nobody may be listening any more.
            let _ = events.send(Event {
                program: self.id,
                procedure,
                payload: keep(payload),
            });
        }
        Ok(())
    }

    fn on_stream(&mut self, stream: Stream<'_>, cx: &mut Context<'_>) -> Result<(), ProgramError> {
        let Stream { id, body } = stream;
        let Some(reader) = self.streams.get_mut(&id) else {
            return Err(ProgramError::Unexpected);
        };
        let item = match body {
            StreamBody::Data(payload) => StreamItem::Data(keep(payload)),
            StreamBody::Hole { length, flags: _ } => StreamItem::Hole(length),
            StreamBody::Finish => StreamItem::Finish,
            StreamBody::Abort(error) => StreamItem::Abort(error),
        };
        let length = item.len();
        let mut lost = reader.items.send(Held::new(item, &self.hub)).is_err();
        if let Some((waiter, _permit)) = self.waiting.get_mut(&id.serial) {
            reader.early += length;
            let early: usize = self.streams.values().map(|reader| reader.early).sum();
            let limit = self.hub.inbound.limit();
            if early >= limit {
                // Nothing more would be read before some of it is taken, and the reply comes behind.
                let waiter = std::mem::replace(waiter, oneshot::channel().0);
                let _ = waiter.send(Err(CallError::EarlyStream { limit }));
                lost = true;
            }
        }
        if lost {
            self.drop_stream(id, cx)?;
        }
        Ok(())
    }
}

/// A payload that was encoded before.
struct Raw<'a>(&'a [u8]);

impl Encode for Raw<'_> {
    fn encode(&self, out: &mut Encoder<'_>) -> Result<(), EncodeError> {
        out.raw(self.0);
        Ok(())
    }
}

fn keep(payload: Payload<'_>) -> Bytes {
    if payload.as_slice().len() <= COPY_MAX {
        Bytes::copy_from_slice(payload.as_slice())
    } else {
        payload.into_bytes()
    }
}
