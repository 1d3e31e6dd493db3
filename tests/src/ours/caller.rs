//! A client's work: one call or one transfer at a time, over the shipped [`Calls`].

use std::mem;

use virt_transport::{
    Calls, Context, Handle, Incoming, SendError, StreamId, StreamItem, Transport,
};
use virt_xdr::{Encode, EncodeError, Encoder, from_slice_lenient};

use crate::TransferKind;
use crate::transfer::{DATA, HOLE};

/// The procedure whose return value is a client's `returns`.
const HOSTNAME: i32 = 59;

/// The client's half of the remote program. No waiter is needed: there is one call at a time.
type Remote = Handle<Calls<()>>;

/// Calls for the host's name or transfers a volume, and keeps the outcome.
#[derive(Debug)]
pub(super) struct Caller {
    remote: Remote,
    work: Work,
}

#[derive(Debug, Default)]
struct Work {
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
    pub(super) fn new(transport: &mut Transport) -> Self {
        let remote = transport.register(Calls::new(virt_remote::PROGRAM));
        Self {
            remote: remote.expect("no other program has its number"),
            work: Work::default(),
        }
    }

    pub(super) fn call(&mut self, transport: &mut Transport) {
        self.work.returned = None;
        transport
            .with(&self.remote, |calls, cx| calls.call(cx, HOSTNAME, &(), ()))
            .expect("a call without arguments fits");
    }

    pub(super) fn transfer(&mut self, kind: TransferKind, transport: &mut Transport) {
        self.work = Work {
            sparse: kind.is_sparse(),
            ..Work::default()
        };
        let flags = u32::from(kind.is_sparse());
        let procedure = kind.procedure();
        let opened = transport.with(&self.remote, |calls, cx| {
            let serial = calls.call(cx, procedure, &Arguments { flags }, ())?;
            cx.open_stream(StreamId { procedure, serial })
        });
        opened.expect("its arguments are short, and no other stream has the serial");
    }

    /// Takes all that was received.
    pub(super) fn receive(&mut self, transport: &mut Transport) {
        let Self { remote, work } = self;
        transport.with(remote, |calls, cx| {
            while let Some(incoming) = calls.poll() {
                // A stream that is closed by now takes nothing more, as of a client.
                let _ = work.take(incoming, cx);
            }
        });
    }

    /// The outcome: the text that was returned or downloaded, or `None` for a failure; `None` while it waits.
    pub(super) fn returned(&mut self) -> Option<Option<String>> {
        self.work.returned.take()
    }
}

impl Work {
    fn take(&mut self, incoming: Incoming<()>, cx: &mut Context<'_>) -> Result<(), SendError> {
        match incoming {
            Incoming::Reply {
                serial,
                procedure,
                result,
                ..
            } => {
                if procedure == HOSTNAME || result.is_err() {
                    let text = result.ok();
                    self.returned =
                        Some(text.and_then(|payload| from_slice_lenient(&payload).ok()));
                } else if procedure == TransferKind::Upload.procedure() {
                    self.upload(StreamId { procedure, serial }, cx)?;
                }
                Ok(())
            }
            Incoming::Message { .. } => Ok(()),
            Incoming::Stream { id, item } => self.take_item(id, item, cx),
        }
    }

    fn upload(&mut self, stream: StreamId, cx: &mut Context<'_>) -> Result<(), SendError> {
        if self.sparse {
            cx.stream_hole(stream, HOLE.into())?;
        }
        cx.stream_data(stream, DATA)?;
        self.finished = true;
        cx.finish_stream(stream)
    }

    fn take_item(
        &mut self,
        id: StreamId,
        item: StreamItem,
        cx: &mut Context<'_>,
    ) -> Result<(), SendError> {
        let download = id.procedure == TransferKind::Download.procedure();
        match item {
            StreamItem::Finish => {
                let text = String::from_utf8(mem::take(&mut self.contents)).ok();
                let text = text.filter(|_| self.finished);
                self.returned = Some(text.map(|text| text.replace('\0', ".")));
            }
            StreamItem::Abort(_) => self.returned = Some(None),
            // Like virsh, an upload ignores data and holes.
            _ if !download => {}
            StreamItem::Data(data) if data.is_empty() => {
                self.finished = true;
                cx.finish_stream(id)?;
            }
            StreamItem::Data(data) => self.contents.extend_from_slice(&data),
            StreamItem::Hole(length @ 1..=0xffff) if self.sparse => {
                let length = usize::try_from(length).expect("it is between 1 and 65535");
                self.contents.resize(self.contents.len() + length, 0);
            }
            StreamItem::Hole(_) => {
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
