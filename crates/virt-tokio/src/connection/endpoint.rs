//! The protocol state of a connection: its transport, the calls that wait, the streams that are read.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::time::{Duration, Instant};
use virt_keepalive::{Counts, KeepAlive, KeepAliveHandle};
use virt_transport::{
    Calls, Context, Fd, Handle, Incoming, ProgramId, Raw, RegisterError, ReplyError, SendError,
    Serial, StreamId, StreamItem, Transport,
};

use super::backpressure::{CountedItem, ItemSender, StreamBacklog, weight};
use super::request::{Request, Returned, Waiter};
use super::socket::ByteStream;
use crate::events::EventQueues;
use crate::{CallError, CloseReason, Closed, Event, debug};

/// The protocol state of a connection, which commands work on.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) transport: Transport,
    keepalive: KeepAliveHandle,
    /// The PINGs of handles that have no PONG yet, in order.
    pings: VecDeque<PendingPing>,
    /// The programs of the peer that were called or listened to.
    programs: Vec<(ProgramId, Handle<Calls<Waiter>>)>,
    /// The streams whose reader is not known to have gone.
    streams: BTreeMap<(ProgramId, StreamId), Reader>,
    backlog: Arc<StreamBacklog>,
    events: Arc<EventQueues>,
    /// The stream to be wrapped before anything else happens.
    wrapping: Option<Box<Wrapping>>,
}

/// A stream that wraps the one of the connection, and the sender to notify afterwards.
pub(crate) struct Wrapping {
    pub(crate) wrap: Wrap,
    pub(crate) done: oneshot::Sender<()>,
}

/// A function from a stream to one that wraps it.
pub(crate) type Wrap = Box<dyn FnOnce(Box<dyn ByteStream>) -> Box<dyn ByteStream> + Send>;

/// A PING of a handle that has no PONG yet.
#[derive(Debug)]
struct PendingPing {
    /// The number of the PING.
    number: u64,
    sent_at: Instant,
    pong: oneshot::Sender<Duration>,
    _permit: OwnedSemaphorePermit,
}

/// The reader of a stream.
#[derive(Debug)]
struct Reader {
    items: ItemSender,
    /// The bytes received before the reply, which nobody can take yet; `None` from the reply on.
    early: Option<usize>,
}

impl Endpoint {
    /// Registers keepalive with a transport.
    pub(crate) fn new(
        mut transport: Transport,
        backlog: Arc<StreamBacklog>,
        events: Arc<EventQueues>,
    ) -> Result<Self, RegisterError> {
        let keepalive = KeepAlive::new().register(&mut transport)?;
        Ok(Self {
            transport,
            keepalive,
            pings: VecDeque::new(),
            programs: Vec::new(),
            streams: BTreeMap::new(),
            backlog,
            events,
            wrapping: None,
        })
    }

    /// Makes a call, unless its caller has gone meanwhile. If it cannot be made, its caller is told.
    pub(crate) fn call(&mut self, request: Request, waiter: Waiter) {
        let Request {
            program,
            procedure,
            args,
            fds,
            stream,
        } = request;
        if waiter.outcome.is_closed() {
            return;
        }
        let index = match self.register(program) {
            Ok(index) => index,
            Err(error) => return fail(waiter, error.into()),
        };
        let (_, calls) = &self.programs[index];
        self.transport.with(calls, |calls, cx| {
            let serial = match send_call(cx, procedure, &args, fds) {
                Ok(serial) => serial,
                Err(error) => return fail(waiter, error.into()),
            };
            if let Some(items) = stream {
                let id = StreamId { procedure, serial };
                if let Err(error) = cx.open_stream(id) {
                    return fail(waiter, error.into());
                }
                let early = Some(0);
                self.streams.insert((program, id), Reader { items, early });
            }
            if let Some(sent) = &waiter.sent {
                sent.store(true, Ordering::Release);
            }
            calls.wait(serial, waiter);
        });
    }

    /// Has the stream of the connection wrapped once all output is written.
    pub(crate) fn wrap_stream(&mut self, wrap: Wrap, done: oneshot::Sender<()>) {
        self.wrapping = Some(Box::new(Wrapping { wrap, done }));
    }

    /// Returns whether the stream of the connection is to be wrapped.
    pub(crate) fn is_wrapping(&self) -> bool {
        self.wrapping.is_some()
    }

    pub(crate) fn take_wrapping(&mut self) -> Option<Box<Wrapping>> {
        self.wrapping.take()
    }

    /// Sends a PING for a handle.
    pub(crate) fn ping(&mut self, pong: oneshot::Sender<Duration>, permit: OwnedSemaphorePermit) {
        let number = self.send_ping();
        self.pings.push_back(PendingPing {
            number,
            sent_at: Instant::now(),
            pong,
            _permit: permit,
        });
    }

    /// Sends a PING, and returns its number.
    pub(crate) fn send_ping(&mut self) -> u64 {
        debug!("PING sent");
        self.keepalive.send_ping(&mut self.transport)
    }

    /// Sends a PONG that was not asked for.
    pub(crate) fn send_pong(&mut self) {
        self.keepalive.pong(&mut self.transport);
    }

    /// Runs `action` on a stream of a program that was called.
    pub(crate) fn with_stream<R>(
        &mut self,
        program: ProgramId,
        action: impl FnOnce(&mut Context<'_>) -> Result<R, SendError>,
    ) -> Result<R, CallError> {
        let index = self.register(program)?;
        let (_, calls) = &self.programs[index];
        Ok(self.transport.with(calls, |_, cx| action(cx))?)
    }

    /// Forgets a stream, and aborts it unless it is closed or this end has finished it.
    pub(crate) fn drop_stream(
        &mut self,
        program: ProgramId,
        id: StreamId,
    ) -> Result<(), CallError> {
        self.streams.remove(&(program, id));
        match self.with_stream(program, |cx| cx.abort_stream(id, None)) {
            Err(CallError::Send(SendError::StreamClosed(_))) => Ok(()),
            result => result,
        }
    }

    /// Drops the streams whose reader has gone. A stream whose call has no reply yet is dropped with the reply: a peer
    /// that has not opened it does not know what to abort.
    pub(crate) fn sweep(&mut self) {
        let gone = self.streams.iter();
        let gone = gone.filter(|(_, reader)| reader.items.is_closed() && reader.early.is_none());
        let gone: Vec<_> = gone.map(|(key, _)| *key).collect();
        for (program, id) in gone {
            self.abandon(program, id);
        }
    }

    /// Registers the client's half of a program at its first use, and returns its place in `programs`.
    pub(crate) fn register(&mut self, program: ProgramId) -> Result<usize, RegisterError> {
        let known = self.programs.iter().position(|(id, _)| *id == program);
        if let Some(index) = known {
            return Ok(index);
        }
        let calls = self.transport.register(Calls::new(program))?;
        self.programs.push((program, calls));
        Ok(self.programs.len() - 1)
    }

    /// Hands received replies, events, stream data and PONGs to their readers; returns the number of PINGs received.
    pub(crate) fn deliver(&mut self) -> u64 {
        for index in 0..self.programs.len() {
            let mut is_more = true;
            while is_more {
                let (program, calls) = &self.programs[index];
                let program = *program;
                let incoming = self.transport.with(calls, |calls, _| {
                    let incoming = calls.poll();
                    is_more = calls.queued() > 0;
                    incoming
                });
                if let Some(incoming) = incoming {
                    self.deliver_one(program, incoming);
                }
            }
        }
        let Counts {
            answered, received, ..
        } = self.keepalive.counts(&mut self.transport);
        while self
            .pings
            .front()
            .is_some_and(|ping| ping.number <= answered)
            && let Some(ping) = self.pings.pop_front()
        {
            debug!(number = ping.number, "PONG received");
            // The handle may have stopped waiting.
            let _ = ping.pong.send(ping.sent_at.elapsed());
        }
        received
    }

    /// Returns whether a call or PING of a handle waits for its answer.
    pub(crate) fn awaits_answer(&mut self) -> bool {
        let is_waiting = |waiter: &mut Waiter| !waiter.outcome.is_closed();
        self.pings.iter().any(|ping| !ping.pong.is_closed())
            || self.programs.iter().any(|(_, calls)| {
                self.transport
                    .with(calls, |calls, _| calls.waiters_mut().any(is_waiting))
            })
    }

    /// Fails all calls that wait. Their permits are released with their replies.
    pub(crate) fn fail_waiting(&mut self, limit: usize) {
        for (_, calls) in &self.programs {
            self.transport.with(calls, |calls, _| {
                for waiter in calls.waiters_mut() {
                    let outcome = std::mem::replace(&mut waiter.outcome, oneshot::channel().0);
                    let _ = outcome.send(Err(CallError::UnreadStreams { limit }));
                }
            });
        }
    }

    /// Releases all that wait for the peer.
    pub(crate) fn release(&mut self) {
        self.pings.clear();
        self.streams.clear();
        for (_, calls) in &self.programs {
            for waiter in self.transport.with(calls, |calls, _| calls.drain()) {
                // Without an outcome the caller would take its call for one that was not sent.
                let closed = Closed::new(CloseReason::Client);
                let _ = waiter.outcome.send(Err(closed.into()));
            }
        }
    }

    fn deliver_one(&mut self, program: ProgramId, incoming: Incoming<Waiter>) {
        match incoming {
            Incoming::Reply {
                waiter,
                serial,
                procedure,
                result,
                fds,
            } => {
                let id = StreamId { procedure, serial };
                self.deliver_reply(program, id, waiter, result, fds);
            }
            Incoming::Message { procedure, payload } => self.events.push(&Event {
                program,
                procedure,
                payload,
            }),
            Incoming::Stream { id, item } => self.deliver_item(program, id, item),
        }
    }

    fn deliver_reply(
        &mut self,
        program: ProgramId,
        id: StreamId,
        waiter: Waiter,
        result: Result<Bytes, ReplyError>,
        fds: Vec<Fd>,
    ) {
        let refused = result.is_err();
        let outcome = result.map_err(CallError::from).map(|payload| Returned {
            serial: id.serial,
            payload,
            fds,
        });
        // The next call may be sent, even if this caller has stopped waiting.
        drop(waiter.permit);
        let _ = waiter.outcome.send(outcome);
        if let Some(reader) = self.streams.get_mut(&(program, id)) {
            reader.early = None;
            if refused || reader.items.is_closed() {
                self.abandon(program, id);
            }
        }
    }

    fn deliver_item(&mut self, program: ProgramId, id: StreamId, item: StreamItem) {
        let Some(reader) = self.streams.get_mut(&(program, id)) else {
            return;
        };
        let bytes = weight(&item);
        let counted = CountedItem::new(item, &self.backlog);
        let mut is_lost = reader.items.send(counted).is_err();
        if let Some(early) = &mut reader.early {
            *early += bytes;
            let early = self.streams.values().filter_map(|reader| reader.early);
            let limit = self.backlog.unread_limit();
            if early.sum::<usize>() >= limit {
                // Nothing more would be read before some of it is taken, but the reply comes behind it.
                self.fail_call(program, id.serial, CallError::UnreadStreams { limit });
                is_lost = true;
            }
        }
        if is_lost {
            self.abandon(program, id);
        }
    }

    /// Tells the caller of a call in flight that it has failed. Its permit is released with the reply.
    fn fail_call(&mut self, program: ProgramId, serial: Serial, error: CallError) {
        let Ok(index) = self.register(program) else {
            return;
        };
        let (_, calls) = &self.programs[index];
        self.transport.with(calls, |calls, _| {
            if let Some(waiter) = calls.waiter_mut(serial) {
                let outcome = std::mem::replace(&mut waiter.outcome, oneshot::channel().0);
                let _ = outcome.send(Err(error));
            }
        });
    }

    /// Drops a stream without a reader.
    fn abandon(&mut self, program: ProgramId, id: StreamId) {
        let dropped = self.drop_stream(program, id);
        debug_assert!(dropped.is_ok(), "an abort without a reason always fits");
    }
}

fn send_call(
    cx: &mut Context<'_>,
    procedure: i32,
    args: &[u8],
    fds: Vec<Fd>,
) -> Result<Serial, SendError> {
    if fds.is_empty() {
        cx.call(procedure, &Raw(args))
    } else {
        cx.call_with_fds(procedure, &Raw(args), fds)
    }
}

fn fail(waiter: Waiter, error: CallError) {
    // The caller may have stopped waiting.
    let _ = waiter.outcome.send(Err(error));
}

impl fmt::Debug for Wrapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wrapping").finish_non_exhaustive()
    }
}
