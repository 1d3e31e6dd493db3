//! A client's half of the remote program: one call or one transfer at a time.

use std::mem;

use virt_transport::{
    Context, Message, Program, ProgramError, ProgramId, Reply, Stream, StreamBody, StreamId,
};
use virt_xdr::{Encode, EncodeError, Encoder};

use super::opener::{HOSTNAME, REMOTE, first};
use crate::TransferKind;
use crate::transfer::{DATA, HOLE};

/// Calls for the host's name or transfers a volume, and keeps the outcome; takes every event.
#[derive(Debug, Default)]
pub(super) struct Caller {
    returned: Option<Option<String>>,
    /// The bytes downloaded so far.
    contents: Vec<u8>,
    /// True if the upload begins with a hole, or the download may have holes.
    sparse: bool,
    /// True once this end of the stream is finished.
    finished: bool,
}

/// The arguments of both transfers.
#[derive(Debug)]
struct Arguments {
    flags: u32,
}

impl Caller {
    pub(super) fn call(&mut self, cx: &mut Context<'_>) {
        self.returned = None;
        cx.call(HOSTNAME, &())
            .expect("a call without arguments fits");
    }

    pub(super) fn transfer(&mut self, kind: TransferKind, cx: &mut Context<'_>) {
        *self = Self {
            sparse: kind.is_sparse(),
            ..Self::default()
        };
        let flags = u32::from(kind.is_sparse());
        let procedure = kind.procedure();
        let serial = cx
            .call(procedure, &Arguments { flags })
            .expect("its arguments are short");
        cx.open_stream(StreamId { procedure, serial })
            .expect("no other stream has the serial");
    }

    /// The outcome: the text that was returned or downloaded, or `None` for a failure; `None` while it waits.
    pub(super) fn returned(&mut self) -> Option<Option<String>> {
        self.returned.take()
    }
}

impl Program for Caller {
    fn id(&self) -> ProgramId {
        REMOTE
    }

    fn on_reply(&mut self, reply: Reply<'_>, cx: &mut Context<'_>) -> Result<(), ProgramError> {
        let Reply {
            serial,
            procedure,
            result,
            ..
        } = reply;
        if procedure == HOSTNAME || result.is_err() {
            let text = result.ok().and_then(|payload| first(&payload).ok());
            self.returned = Some(text);
        } else if procedure == TransferKind::Upload.procedure() {
            let stream = StreamId { procedure, serial };
            if self.sparse {
                cx.stream_hole(stream, HOLE.into())?;
            }
            cx.stream_data(stream, DATA)?;
            self.finished = true;
            cx.finish_stream(stream)?;
        }
        Ok(())
    }

    fn on_message(&mut self, _: Message<'_>, _: &mut Context<'_>) -> Result<(), ProgramError> {
        Ok(())
    }

    fn on_stream(&mut self, stream: Stream<'_>, cx: &mut Context<'_>) -> Result<(), ProgramError> {
        let Stream { id, body } = stream;
        let download = id.procedure == TransferKind::Download.procedure();
        match body {
            StreamBody::Finish => {
                let text = String::from_utf8(mem::take(&mut self.contents)).ok();
                let text = text.filter(|_| self.finished);
                self.returned = Some(text.map(|text| text.replace('\0', ".")));
            }
            StreamBody::Abort(_) => self.returned = Some(None),
            // Like virsh, an upload ignores data and holes.
            _ if !download => {}
            StreamBody::Data(data) if data.as_slice().is_empty() => {
                self.finished = true;
                cx.finish_stream(id)?;
            }
            StreamBody::Data(data) => self.contents.extend_from_slice(data.as_slice()),
            StreamBody::Hole {
                length: length @ 1..,
                flags: 0,
            } if self.sparse => {
                let length = usize::try_from(length).map_err(ProgramError::close)?;
                self.contents.resize(self.contents.len() + length, 0);
            }
            StreamBody::Hole { .. } => {
                self.returned = Some(None);
                cx.abort_stream(id, None)?;
            }
        }
        Ok(())
    }
}

impl Encode for Arguments {
    fn encode(&self, out: &mut Encoder<'_>) -> Result<(), EncodeError> {
        for text in ["pool", "volume", "key"] {
            text.encode(out)?;
        }
        // The whole volume, from its beginning.
        for place in [0_u64, 0] {
            place.encode(out)?;
        }
        self.flags.encode(out)
    }
}
