//! A program that records each frame, and ends that have it.

use virt_testkit::hex;
use virt_transport::{
    Access, Call, CallId, Context, Fd, Handle, Message, Program, ProgramError, ProgramId,
    RemoteError, Reply, Role, StreamBody, StreamFrame, Transport,
};

/// The remote program, as the transcripts have it.
pub(crate) const REMOTE: ProgramId = ProgramId::new(0x2000_8086, 1);
/// The keepalive program, of which only PING and PONG matter here.
pub(crate) const KEEPALIVE: ProgramId = ProgramId::new(0x6b65_6570, 1);

/// A client with one [`Recorder`], on a connection that carries descriptors.
pub(crate) fn client() -> (Transport, Handle<Recorder>) {
    end(Role::Client)
}

/// A server with one [`Recorder`], on a connection that carries descriptors.
pub(crate) fn server() -> (Transport, Handle<Recorder>) {
    end(Role::Server)
}

fn end(role: Role) -> (Transport, Handle<Recorder>) {
    let mut transport = Transport::new(role).with_fds();
    let handle = transport
        .register(Recorder::new(REMOTE))
        .expect("the number is free");
    (transport, handle)
}

/// Takes the lines of the recorder.
pub(crate) fn log(transport: &mut Transport, handle: &Handle<Recorder>) -> Vec<String> {
    transport.with(handle, |recorder, _| std::mem::take(&mut recorder.log))
}

/// A program that records each frame as a line, and leaves calls unanswered.
#[derive(Debug)]
pub(crate) struct Recorder {
    id: ProgramId,
    pub(crate) log: Vec<String>,
    pub(crate) calls: Vec<CallId>,
    pub(crate) fds: Vec<Fd>,
    /// The verdict on everything but calls.
    pub(crate) verdict: Result<(), ProgramError>,
}

impl Recorder {
    pub(crate) fn new(id: ProgramId) -> Self {
        Self {
            id,
            log: Vec::new(),
            calls: Vec::new(),
            fds: Vec::new(),
            verdict: Ok(()),
        }
    }
}

impl Program for Recorder {
    fn id(&self) -> ProgramId {
        self.id
    }

    fn on_call(&mut self, call: Call<'_>, _: &mut Context<'_>) -> Result<(), RemoteError> {
        self.log.push(format!(
            "call {} serial {}: {}{}",
            call.id.procedure(),
            call.id.serial().0,
            hex(call.payload.as_slice()),
            with_fds(&call.fds)
        ));
        self.fds.extend(call.fds);
        self.calls.push(call.id);
        Ok(())
    }

    fn on_reply(&mut self, reply: Reply<'_>, _: &mut Context<'_>) -> Result<(), ProgramError> {
        let result = match reply.result {
            Ok(payload) => hex(payload.as_slice()),
            Err(error) => format!("error, {error}"),
        };
        self.log.push(format!(
            "reply to {} serial {}: {result}{}",
            reply.procedure,
            reply.serial.0,
            with_fds(&reply.fds)
        ));
        self.fds.extend(reply.fds);
        self.verdict.clone()
    }

    fn on_message(
        &mut self,
        message: Message<'_>,
        _: &mut Context<'_>,
    ) -> Result<(), ProgramError> {
        self.log.push(format!(
            "message {} serial {} {:?}: {}",
            message.procedure,
            message.serial.0,
            message.status,
            hex(message.payload.as_slice())
        ));
        self.verdict.clone()
    }

    fn on_stream(
        &mut self,
        stream: StreamFrame<'_>,
        _: &mut Context<'_>,
    ) -> Result<(), ProgramError> {
        let body = match stream.body {
            StreamBody::Data(payload) => format!("data {}", hex(payload.as_slice())),
            StreamBody::Hole { length, flags } => format!("hole of {length}, flags {flags}"),
            StreamBody::Finish => "finish".into(),
            StreamBody::Abort(None) => "abort".into(),
            StreamBody::Abort(Some(error)) => format!("abort, {error}"),
        };
        self.log.push(format!(
            "stream {} serial {}: {body}",
            stream.id.procedure, stream.id.serial.0
        ));
        self.verdict.clone()
    }
}

fn with_fds(fds: &[Fd]) -> String {
    match fds.len() {
        0 => String::new(),
        count => format!(" and {count} fds"),
    }
}

/// The remote program of a server that requires authentication, with two procedures.
#[derive(Debug)]
pub(crate) struct Guarded {
    /// The procedure that anyone may call, to authenticate. Procedure 60 needs authentication.
    pub(crate) authenticate: i32,
    pub(crate) on_call: fn(Call<'_>, &mut Context<'_>) -> Result<(), RemoteError>,
}

impl Program for Guarded {
    fn id(&self) -> ProgramId {
        REMOTE
    }

    fn requires_authentication(&self) -> bool {
        true
    }

    fn access(&self, procedure: i32) -> Option<Access> {
        match procedure {
            60 => Some(Access::Authenticated),
            _ => (procedure == self.authenticate).then_some(Access::Anyone),
        }
    }

    fn on_call(&mut self, call: Call<'_>, cx: &mut Context<'_>) -> Result<(), RemoteError> {
        (self.on_call)(call, cx)
    }
}

/// The smallest keepalive program: a PING is answered, anything else is unexpected.
#[derive(Debug, Default)]
pub(crate) struct Ponger;

impl Program for Ponger {
    fn id(&self) -> ProgramId {
        KEEPALIVE
    }

    fn takes_calls(&self) -> bool {
        false
    }

    fn on_message(
        &mut self,
        message: Message<'_>,
        cx: &mut Context<'_>,
    ) -> Result<(), ProgramError> {
        match message.procedure {
            1 => Ok(cx.message(2, &())?),
            _ => Err(ProgramError::Unexpected),
        }
    }
}
