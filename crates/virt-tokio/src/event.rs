//! An event: a message that a daemon sends unasked.

use bytes::Bytes;
use virt_transport::{MessageProcedure, ProgramId};
use virt_xdr::{DecodeError, from_slice_lenient};

/// A message of the peer.
#[derive(Debug, Clone)]
pub struct Event {
    /// The program of the message.
    pub program: ProgramId,
    /// The procedure of the message.
    pub procedure: i32,
    /// The encoded body.
    pub payload: Bytes,
}

impl Event {
    /// Decodes the body, if the event is of this procedure. It is read as libvirt's C client does: see
    /// [`Decoder::lenient`](virt_xdr::Decoder::lenient).
    ///
    /// # Errors
    ///
    /// The event is of this procedure, and its payload does not decode.
    pub fn decode<M: MessageProcedure>(&self) -> Result<Option<M::Body>, DecodeError> {
        if (self.program, self.procedure) == (M::PROGRAM, M::NUMBER) {
            from_slice_lenient(&self.payload).map(Some)
        } else {
            Ok(None)
        }
    }
}
