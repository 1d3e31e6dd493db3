//! A program that records everything it receives, and answers if told to.

use bytes::Bytes;
use virt_transport::{
    Call, CallId, Context, Fd, Message, Program, ProgramError, ProgramId, Raw, RemoteError, Reply,
    ReplyError, SendError, Serial, StreamBody, StreamFrame, StreamId, StreamItem,
};

/// A received call that owns its parts.
#[derive(Debug)]
pub struct Called {
    /// The right to answer it.
    pub id: CallId,
    /// Its arguments.
    pub args: Bytes,
    /// Its descriptors.
    pub fds: Vec<Fd>,
}

/// The program.
#[derive(Debug)]
pub struct Probe {
    id: ProgramId,
    /// Set if it sends everything back at once. If not, calls wait in `calls`.
    echo: bool,
    /// The calls that were received and not answered.
    pub calls: Vec<Called>,
    /// The replies, with the number of descriptors.
    pub replies: Vec<(Serial, Result<Bytes, ReplyError>, usize)>,
    /// The messages, by procedure and payload.
    pub messages: Vec<(i32, Bytes)>,
    /// The frames of streams.
    pub items: Vec<(StreamId, StreamItem)>,
}

impl Probe {
    /// Makes a program of this number that only records.
    #[must_use]
    pub fn new(number: u32) -> Self {
        Self {
            id: ProgramId::new(number, 1),
            echo: false,
            calls: Vec::new(),
            replies: Vec::new(),
            messages: Vec::new(),
            items: Vec::new(),
        }
    }

    /// Sends back everything received from now on.
    #[must_use]
    pub fn echoing(mut self) -> Self {
        self.echo = true;
        self
    }
}

impl Program for Probe {
    fn id(&self) -> ProgramId {
        self.id
    }

    /// A call of an odd procedure has a stream.
    fn on_call(&mut self, call: Call<'_>, cx: &mut Context<'_>) -> Result<(), RemoteError> {
        if call.id.procedure() % 2 != 0 {
            // Serials may come twice, and the stream be open already.
            let _ = cx.open_stream(StreamId::from(&call.id));
        }
        let Call { id, payload, fds } = call;
        let args = payload.into_bytes();
        if !self.echo {
            self.calls.push(Called { id, args, fds });
            return Ok(());
        }
        match args.first() {
            None => Err(RemoteError::unknown_procedure(id.procedure())),
            Some(_) if fds.is_empty() => Ok(cx.reply(id, &Raw(&args))?),
            Some(_) => Ok(cx.reply_with_fds(id, &Raw(&args), fds)?),
        }
    }

    fn on_reply(&mut self, reply: Reply<'_>, _: &mut Context<'_>) -> Result<(), ProgramError> {
        let result = reply.result.map(|payload| payload.into_bytes());
        self.replies.push((reply.serial, result, reply.fds.len()));
        Ok(())
    }

    fn on_message(
        &mut self,
        message: Message<'_>,
        cx: &mut Context<'_>,
    ) -> Result<(), ProgramError> {
        let payload = message.payload.into_bytes();
        if self.echo {
            cx.message(message.procedure, &Raw(&payload))?;
        }
        self.messages.push((message.procedure, payload));
        Ok(())
    }

    fn on_stream(
        &mut self,
        frame: StreamFrame<'_>,
        cx: &mut Context<'_>,
    ) -> Result<(), ProgramError> {
        let id = frame.id;
        let item = match frame.body {
            StreamBody::Data(payload) => StreamItem::Data(payload.into_bytes()),
            StreamBody::Hole { length, .. } => StreamItem::Hole(length),
            StreamBody::Finish => StreamItem::Finish,
            StreamBody::Abort(error) => StreamItem::Abort(error),
        };
        if self.echo {
            match &item {
                StreamItem::Data(data) => allow_closed(cx.stream_data(id, data.clone()))?,
                StreamItem::Hole(length) => match u64::try_from(*length) {
                    Ok(length) => allow_closed(cx.stream_hole(id, length))?,
                    Err(_) => allow_closed(cx.abort_stream(id, None))?,
                },
                StreamItem::Finish => allow_closed(cx.finish_stream(id))?,
                StreamItem::Abort(_) => assert!(!cx.is_stream_open(id)),
            }
        }
        self.items.push((id, item));
        Ok(())
    }
}

/// This end may have finished the stream before.
fn allow_closed(result: Result<(), SendError>) -> Result<(), SendError> {
    match result {
        Err(SendError::StreamClosed(_)) => Ok(()),
        other => other,
    }
}
