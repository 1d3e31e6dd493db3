//! A daemon's volumes: the streams of procedures 208 and 209.

use virt_remote::CallHandler;
use virt_transport::{
    Call, Context, ErrorCode, ErrorSource, ProgramError, RemoteError, StreamBody, StreamFrame,
    StreamId,
};
use virt_xdr::{Decode, DecodeError, Decoder, Payload, STRING_MAX};

use crate::TransferKind;
use crate::transfer::{DATA, HOLE};

/// The flag for a stream that may have holes.
const SPARSE: u32 = 1;

/// Takes uploads, without keeping them, and serves downloads, a stream at a time.
#[derive(Debug, Default)]
pub(super) struct Volumes {
    /// True if the stream may have holes.
    sparse: bool,
}

impl CallHandler for Volumes {
    fn on_call(&mut self, call: Call<'_>, cx: &mut Context<'_>) -> Result<(), RemoteError> {
        let flags = flags(&call.payload)?;
        self.sparse = flags & SPARSE != 0;
        let stream = StreamId::from(&call.id);
        cx.open_stream(stream)?;
        cx.reply(call.id, &())?;
        if is_download(stream) {
            self.send(stream, cx)?;
        }
        Ok(())
    }

    fn on_stream(
        &mut self,
        frame: StreamFrame<'_>,
        cx: &mut Context<'_>,
    ) -> Result<(), ProgramError> {
        let StreamFrame { id, body } = frame;
        match body {
            StreamBody::Finish => cx.finish_stream(id)?,
            StreamBody::Abort(_) => {}
            // The whole download has been sent by now, and a daemon takes nothing more on such a stream.
            _ if is_download(id) => cx.abort_stream(id, None)?,
            StreamBody::Data(_) => {}
            StreamBody::Hole { .. } if !self.sparse => {
                return Err(ProgramError::close("a hole in a stream that has none"));
            }
            StreamBody::Hole {
                length: 1..,
                flags: 0,
            } => {}
            StreamBody::Hole { .. } => cx.abort_stream(id, Some(&empty_hole()))?,
        }
        Ok(())
    }
}

impl Volumes {
    fn send(&self, stream: StreamId, cx: &mut Context<'_>) -> Result<(), RemoteError> {
        if self.sparse {
            cx.stream_hole(stream, HOLE.into())?;
            cx.stream_data(stream, DATA)?;
        } else {
            cx.stream_data(stream, [&[0; HOLE as usize], DATA].concat())?;
        }
        cx.stream_data(stream, Vec::new())?;
        Ok(())
    }
}

fn is_download(stream: StreamId) -> bool {
    stream.procedure == TransferKind::Download.procedure()
}

/// Decodes the flags, which follow the volume's pool, name and key, an offset and a length.
fn flags(payload: &Payload<'_>) -> Result<u32, DecodeError> {
    let mut input = Decoder::new(payload.as_slice());
    for _ in 0..3 {
        input.string(STRING_MAX)?;
    }
    for _ in 0..2 {
        u64::decode(&mut input)?;
    }
    u32::decode(&mut input)
}

fn empty_hole() -> RemoteError {
    let message = "a hole has a length and no flags";
    RemoteError::new(ErrorCode::INVALID_ARG, ErrorSource::STREAMS, message)
}
