//! A server whose client is a transcript.

use virt_remote::{CallHandler, PROGRAM, RemoteServer, TestHypervisor};
use virt_testkit::transport::drain_bytes;
use virt_testkit::{hex, wire};
use virt_transport::{
    Call, Context, Handle, ProgramError, RemoteError, ReplyError, Role, StreamBody, StreamFrame,
    StreamId, Transport,
};
use virt_xdr::{Frame, FrameDecoder, Header, MessageType, Serial, Status, frame_head, from_slice};

/// A transport with the remote program.
pub(crate) struct Server {
    transport: Transport,
    program: Handle<RemoteServer>,
}

impl Server {
    pub(crate) fn new(program: RemoteServer) -> Self {
        let mut transport = Transport::new(Role::Server);
        let program = transport.register(program).unwrap();
        Self { transport, program }
    }

    /// The server of the mock hypervisor.
    pub(crate) fn test() -> Self {
        Self::new(RemoteServer::new(hypervisor()))
    }

    pub(crate) fn with<R>(
        &mut self,
        action: impl FnOnce(&mut RemoteServer, &mut Context<'_>) -> R,
    ) -> R {
        self.transport.with(&self.program, action)
    }

    /// Takes each frame behind a `>`, and sends those behind a `<` and no others.
    ///
    /// A frame goes on in the lines behind it that begin with blanks. It is written in words of hex and in
    /// strings, each written as its length, their text and the padding.
    #[track_caller]
    pub(crate) fn plays(&mut self, transcript: &str) {
        let mut expected = Vec::new();
        for (mark, frame) in frames(transcript) {
            if mark == '>' {
                self.sends(&std::mem::take(&mut expected));
                self.transport.receive(&frame).unwrap();
            } else {
                expected.extend(frame);
            }
        }
        self.sends(&expected);
    }

    /// Calls a procedure, and counts the replies to that.
    pub(crate) fn replies(&mut self, procedure: i32, serial: Serial, payload: &[u8]) -> usize {
        let replies = self.answers(procedure, serial, payload);
        let replies = replies.iter().filter(|(header, _)| {
            header.message_type == MessageType::REPLY && header.serial == serial
        });
        replies.count()
    }

    /// Calls a procedure, and returns what a client makes of the only frame that comes.
    pub(crate) fn call(&mut self, procedure: i32, payload: &[u8]) -> Result<Vec<u8>, ReplyError> {
        let mut replies = self.answers(procedure, Serial(1), payload);
        assert_eq!(replies.len(), 1, "one frame answers a call");
        let (header, payload) = replies.remove(0);
        match header.status {
            Status::OK => Ok(payload),
            _ => Err(ReplyError::Remote(from_slice(&payload)?)),
        }
    }

    /// Calls a procedure, and returns the frames that are sent.
    fn answers(
        &mut self,
        procedure: i32,
        serial: Serial,
        payload: &[u8],
    ) -> Vec<(Header, Vec<u8>)> {
        let header = Header {
            program: PROGRAM,
            procedure,
            message_type: MessageType::CALL,
            serial,
            status: Status::OK,
        };
        let head = frame_head(&header, payload.len()).unwrap();
        self.transport.receive(&head).unwrap();
        self.transport.receive(payload).unwrap();
        let mut decoder = FrameDecoder::new();
        decoder.push(&drain_bytes(&mut self.transport));
        let mut frames = Vec::new();
        while let Some(Frame {
            header, payload, ..
        }) = decoder.next_frame().unwrap()
        {
            frames.push((header, payload.as_slice().to_vec()));
        }
        frames
    }

    #[track_caller]
    fn sends(&mut self, expected: &[u8]) {
        assert_eq!(hex(&drain_bytes(&mut self.transport)), hex(expected));
    }
}

/// Sends back the data of a stream.
pub(crate) struct Echo;

impl CallHandler for Echo {
    fn on_call(&mut self, call: Call<'_>, cx: &mut Context<'_>) -> Result<(), RemoteError> {
        cx.open_stream(StreamId::from(&call.id))?;
        Ok(cx.reply(call.id, &())?)
    }

    fn on_stream(
        &mut self,
        stream: StreamFrame<'_>,
        cx: &mut Context<'_>,
    ) -> Result<(), ProgramError> {
        match stream.body {
            StreamBody::Data(data) => cx.stream_data(stream.id, data.into_bytes())?,
            StreamBody::Finish => cx.finish_stream(stream.id)?,
            _ => (),
        }
        Ok(())
    }
}

/// The mock hypervisor on the host that the transcripts were recorded on.
pub(crate) fn hypervisor() -> TestHypervisor {
    let mut hypervisor = TestHypervisor::default();
    hypervisor.hostname = "vm".to_owned();
    hypervisor
}

fn frames(transcript: &str) -> Vec<(char, Vec<u8>)> {
    let mut frames: Vec<(char, String)> = Vec::new();
    let lines = transcript.lines();
    for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match line.split_once(' ') {
            Some((">", frame)) => frames.push(('>', frame.to_owned())),
            Some(("<", frame)) => frames.push(('<', frame.to_owned())),
            _ => frames.last_mut().unwrap().1.push_str(line),
        }
    }
    assert!(!frames.is_empty(), "a transcript has frames");
    let parsed = frames.iter().map(|(mark, frame)| (*mark, wire(frame)));
    parsed.collect()
}
