//! Both ends of a program with one procedure: it returns a text's length, its descriptors, and streams it.

use virt_transport::*;

#[derive(Debug, Default)]
pub(crate) struct Copier {
    pub(crate) length: Option<Result<u64, ReplyError>>,
    pub(crate) fds: Vec<Fd>,
    pub(crate) text: Vec<u8>,
}

impl Program for Copier {
    fn id(&self) -> ProgramId {
        ProgramId::new(0x2000_4242, 1)
    }

    fn on_call(&mut self, call: Call<'_>, cx: &mut Context<'_>) -> Result<(), RemoteError> {
        let text: String = call.payload.decode()?;
        let stream = StreamId::from(&call.id);
        cx.open_stream(stream)?;
        cx.reply_with_fds(call.id, &(text.len() as u64), call.fds)?;
        cx.stream_data(stream, text)?;
        Ok(cx.stream_data(stream, "")?)
    }

    fn on_reply(&mut self, reply: Reply<'_>, _: &mut Context<'_>) -> Result<(), ProgramError> {
        self.length = Some(reply.result.and_then(|length| Ok(length.decode()?)));
        self.fds = reply.fds;
        Ok(())
    }

    fn on_stream(&mut self, it: StreamFrame<'_>, cx: &mut Context<'_>) -> Result<(), ProgramError> {
        match it.body {
            StreamBody::Data(data) => self.text.extend_from_slice(data.as_slice()),
            StreamBody::Finish if cx.is_stream_open(it.id) => cx.finish_stream(it.id)?,
            _ => (),
        }
        Ok(())
    }
}
