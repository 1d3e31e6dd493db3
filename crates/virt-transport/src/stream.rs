//! Streams: data that follows a call, in both directions, under the call's serial.

use std::collections::btree_map::{BTreeMap, Entry};

use virt_xdr::{Payload, ProgramId, Serial};

use crate::RemoteError;

/// The identity of a stream within its program: the call that it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct StreamId {
    /// The procedure that was called.
    pub procedure: i32,
    /// The serial of the call.
    pub serial: Serial,
}

/// A received frame of an open stream.
#[derive(Debug)]
pub struct StreamFrame<'a> {
    /// The stream that the frame belongs to.
    pub id: StreamId,
    /// The content of the frame.
    pub body: StreamBody<'a>,
}

/// The content of a frame of a stream.
#[derive(Debug)]
pub enum StreamBody<'a> {
    /// Data. Empty data means that no more follows: libvirt's daemon ends a download so.
    Data(Payload<'a>),
    /// A run of zeros that was not sent.
    Hole {
        /// The length of the run in bytes, never negative.
        length: i64,
        /// Flags. libvirt defines none and sends 0.
        flags: u32,
    },
    /// The peer is done, without an error.
    ///
    /// The client of a server waits for an answer: confirm with [`Context::finish_stream`], or give the reason why
    /// not with [`Context::abort_stream`]. To a client that has finished the stream, this is the confirmation. The
    /// stream closes once both ends have finished.
    ///
    /// [`Context::abort_stream`]: crate::Context::abort_stream
    /// [`Context::finish_stream`]: crate::Context::finish_stream
    Finish,
    /// The stream is closed by an error; a server has confirmed this to its client.
    ///
    /// The error is `None` if the peer sent none that decodes: a client that aborts sends none. If the peer sent a
    /// frame that cannot be read, it is this end's own error.
    Abort(Option<RemoteError>),
}

/// The open streams of a transport.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    /// The streams that neither both ends have finished nor one has aborted, those of one serial side by side.
    open: BTreeMap<Key, Finished>,
}

/// Serial, program and procedure of a stream.
type Key = (Serial, ProgramId, i32);

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
    /// Opens a stream; returns whether it was closed before.
    pub(crate) fn open(&mut self, program: ProgramId, id: StreamId) -> bool {
        match self.open.entry(key(program, id)) {
            Entry::Vacant(entry) => {
                entry.insert(Finished::default());
                true
            }
            Entry::Occupied(_) => false,
        }
    }

    pub(crate) fn is_open(&self, program: ProgramId, id: StreamId) -> bool {
        self.open.contains_key(&key(program, id))
    }

    /// Returns whether the peer may still send on the stream.
    pub(crate) fn is_readable(&self, program: ProgramId, id: StreamId) -> bool {
        let open = self.open.get(&key(program, id));
        open.is_some_and(|finished| !finished.there)
    }

    /// Returns whether this end may still send on the stream.
    pub(crate) fn is_writable(&self, program: ProgramId, id: StreamId) -> bool {
        let open = self.open.get(&key(program, id));
        open.is_some_and(|finished| !finished.here)
    }

    /// Returns whether a stream of any program has the serial.
    pub(crate) fn has_serial(&self, serial: Serial) -> bool {
        let first = (serial, ProgramId::new(0, 0), i32::MIN);
        let next = self.open.range(first..).next();
        next.is_some_and(|((other, ..), _)| *other == serial)
    }

    pub(crate) fn finish(&mut self, program: ProgramId, id: StreamId, end: End) {
        if let Entry::Occupied(mut entry) = self.open.entry(key(program, id)) {
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
        self.open.remove(&key(program, id));
    }

    pub(crate) fn len(&self) -> usize {
        self.open.len()
    }
}

fn key(program: ProgramId, id: StreamId) -> Key {
    (id.serial, program, id.procedure)
}
