//! A program whose every answer shows which question it belongs to.

use virt_transport::{
    Call, CallId, CallProcedure, Context, ErrorCode, ErrorSource, MessageProcedure, Program,
    ProgramError, ProgramId, RemoteError, SendError, StreamBody, StreamFrame, StreamId,
};

/// Its number, which libvirt does not use, and version.
pub const ECHO: ProgramId = ProgramId::new(0x2000_ec40, 1);

/// The server's half: it gives back what it is given, in all the ways that the protocol has.
#[derive(Debug, Default)]
pub struct Echo {
    /// Calls of [`Later`] and what they brought, oldest first.
    waiting: Vec<(CallId, String)>,
}

/// Returns what it was given, descriptors included.
#[derive(Debug)]
pub struct Return;

/// The same, when [`Echo::answer`] says so.
#[derive(Debug)]
pub struct Later;

/// Fails, in the words that it was given.
#[derive(Debug)]
pub struct Refuse;

/// Sends what it was given as the message [`Told`], and then returns.
#[derive(Debug)]
pub struct Tell;

/// The message that [`Tell`] causes.
#[derive(Debug)]
pub struct Told;

/// Opens a stream that gives back each piece, and returns what it was given.
#[derive(Debug)]
pub struct Follow;

impl Echo {
    /// The number of calls that wait for an answer.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Answers one of the calls that wait.
    ///
    /// # Errors
    ///
    /// Those of [`Context::reply`].
    ///
    /// # Panics
    ///
    /// When not so many wait.
    pub fn answer(&mut self, index: usize, cx: &mut Context<'_>) -> Result<(), SendError> {
        let (call, text) = self.waiting.remove(index);
        cx.reply(call, &text)
    }
}

impl Program for Echo {
    fn id(&self) -> ProgramId {
        ECHO
    }

    fn on_call(&mut self, call: Call<'_>, cx: &mut Context<'_>) -> Result<(), RemoteError> {
        let Call { id, payload, fds } = call;
        let text: String = payload.decode()?;
        match id.procedure() {
            Return::NUMBER if fds.is_empty() => cx.reply(id, &text)?,
            Return::NUMBER => cx.reply_with_fds(id, &text, fds)?,
            Later::NUMBER => self.waiting.push((id, text)),
            Refuse::NUMBER => {
                return Err(RemoteError::new(
                    ErrorCode::INTERNAL_ERROR,
                    ErrorSource::RPC,
                    text,
                ));
            }
            Tell::NUMBER => {
                cx.message(Told::NUMBER, &text)?;
                cx.reply(id, &text)?;
            }
            Follow::NUMBER => {
                cx.open_stream(StreamId::from(&id))?;
                cx.reply(id, &text)?;
            }
            unknown => return Err(RemoteError::unknown_procedure(unknown)),
        }
        Ok(())
    }

    fn on_stream(
        &mut self,
        stream: StreamFrame<'_>,
        cx: &mut Context<'_>,
    ) -> Result<(), ProgramError> {
        let StreamFrame { id, body } = stream;
        let sent = match body {
            StreamBody::Data(payload) => cx.stream_data(id, payload.into_bytes()),
            StreamBody::Hole { length, .. } => {
                let length = u64::try_from(length).map_err(ProgramError::close)?;
                cx.stream_hole(id, length)
            }
            StreamBody::Finish => cx.finish_stream(id),
            StreamBody::Abort(_) => Ok(()),
        };
        sent.map_err(ProgramError::close)
    }
}

/// Ties the procedures to their numbers; all carry a text and return it.
macro_rules! procedures {
    ($($name:ident = $number:literal)*) => {$(
        impl CallProcedure for $name {
            const PROGRAM: ProgramId = ECHO;
            const NUMBER: i32 = $number;
            const NAME: &'static str = stringify!($name);
            type Args<'a> = &'a str;
            type Ret = String;
        }
    )*};
}

procedures! {
    Return = 1
    Later = 2
    Refuse = 3
    Tell = 4
    Follow = 6
}

impl MessageProcedure for Told {
    const PROGRAM: ProgramId = ECHO;
    const NUMBER: i32 = 5;
    const NAME: &'static str = "Told";
    type Body = String;
}
