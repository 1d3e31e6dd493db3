//! Streams: data that follows a call, in both directions, under the call's serial.

use std::collections::btree_map::{BTreeMap, Entry};

use virt_xdr::{Payload, ProgramId, Serial};

use crate::{CallId, RemoteError};

/// A stream of a program, named by the call that it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct StreamId {
    /// The procedure that was called.
    pub procedure: i32,
    /// The serial of the call.
    pub serial: Serial,
}

/// A piece of an open stream that was received.
#[derive(Debug)]
pub struct Stream<'a> {
    /// The stream that it belongs to.
    pub id: StreamId,
    /// What the piece is.
    pub body: StreamBody<'a>,
}

/// What a piece of a stream is.
#[derive(Debug)]
pub enum StreamBody<'a> {
    /// Data, as it is. Empty data means that no more follows; libvirt's daemon ends a download so.
    Data(Payload<'a>),
    /// A run of zeros that was not sent.
    Hole {
        /// The length of the run in bytes, never negative.
        length: i64,
        /// Flags; libvirt defines none and sends 0.
        flags: u32,
    },
    /// The peer is done, and all went well. In a server: confirm it with [`Context::finish_stream`], or say
    /// with [`Context::abort_stream`] why not, for the client waits for one of them. In a client: it is that
    /// confirmation, if the client has finished the stream. The stream closes once both ends have finished.
    ///
    /// [`Context::abort_stream`]: crate::Context::abort_stream
    /// [`Context::finish_stream`]: crate::Context::finish_stream
    Finish,
    /// The peer has given up, and the stream is closed; a server has confirmed that. The error is `None` if
    /// the peer sent none that can be read; a client that aborts sends none. It is this end's own error if
    /// the peer has sent a piece that makes no sense.
    Abort(Option<RemoteError>),
}

impl From<&CallId> for StreamId {
    fn from(call: &CallId) -> Self {
        call.received.id
    }
}

/// The open streams of a transport.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    /// Each is there until both ends have finished or one aborts.
    open: BTreeMap<(ProgramId, StreamId), Finished>,
}

#[derive(Debug, Default)]
struct Finished {
    here: bool,
    there: bool,
}

/// An end of a stream.
#[derive(Debug, Clone, Copy)]
pub(crate) enum End {
    Here,
    There,
}

impl Streams {
    /// Whether the stream was not open before.
    pub(crate) fn open(&mut self, program: ProgramId, id: StreamId) -> bool {
        match self.open.entry((program, id)) {
            Entry::Vacant(entry) => {
                entry.insert(Finished::default());
                true
            }
            Entry::Occupied(_) => false,
        }
    }

    pub(crate) fn is_open(&self, program: ProgramId, id: StreamId) -> bool {
        self.open.contains_key(&(program, id))
    }

    /// Whether the peer may still send on the stream.
    pub(crate) fn is_readable(&self, program: ProgramId, id: StreamId) -> bool {
        self.open
            .get(&(program, id))
            .is_some_and(|finished| !finished.there)
    }

    /// Whether this end may still send on the stream.
    pub(crate) fn is_writable(&self, program: ProgramId, id: StreamId) -> bool {
        self.open
            .get(&(program, id))
            .is_some_and(|finished| !finished.here)
    }

    pub(crate) fn finish(&mut self, program: ProgramId, id: StreamId, end: End) {
        if let Entry::Occupied(mut entry) = self.open.entry((program, id)) {
            let finished = entry.get_mut();
            match end {
                End::Here => finished.here = true,
                End::There => finished.there = true,
            }
            if finished.here && finished.there {
                entry.remove();
            }
        }
    }

    pub(crate) fn abort(&mut self, program: ProgramId, id: StreamId) {
        self.open.remove(&(program, id));
    }

    pub(crate) fn len(&self) -> usize {
        self.open.len()
    }
}
