//! Random sequences of API calls: the counters, the outbox and the state agree after each, and what fails
//! leaves nothing behind.

#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use virt_fuzz::frames::append;
use virt_fuzz::probe::{Called, Probe};
use virt_fuzz::wire::{Wire, assert_failed, descriptor};
use virt_transport::{
    Context, Handle, Need, ProgramId, Raw, RemoteError, Role, SendError, Serial, Status, StreamId,
    Transport,
};
use virt_xdr::{Header, MessageType};

#[derive(Debug, Arbitrary)]
struct Input<'a> {
    role: Role,
    with_fds: bool,
    /// The number of calls before serials wrap around.
    serials_left: u8,
    steps: Vec<Step<'a>>,
}

#[derive(Debug, Arbitrary)]
enum Step<'a> {
    Register {
        number: u8,
        echo: bool,
    },
    ReceiveFrame {
        words: [u8; 5],
        payload: &'a [u8],
        cut: u8,
    },
    Receive(&'a [u8]),
    Commit(&'a [u8]),
    ReceiveFd,
    Send {
        program: u8,
        send: Send<'a>,
    },
    Write(u16),
    WriteAll,
    Shrink,
}

#[derive(Debug, Arbitrary)]
enum Send<'a> {
    Call {
        procedure: u8,
        args: &'a [u8],
    },
    CallWithFds {
        procedure: u8,
        args: &'a [u8],
        fds: u8,
    },
    Reply {
        which: u8,
        ret: &'a [u8],
    },
    ReplyWithFds {
        which: u8,
        ret: &'a [u8],
        fds: u8,
    },
    ReplyError {
        which: u8,
    },
    Message {
        procedure: u8,
        body: &'a [u8],
    },
    Open {
        stream: (u8, u8),
    },
    Data {
        stream: (u8, u8),
        data: &'a [u8],
    },
    LargeData {
        stream: (u8, u8),
        length: u16,
    },
    Hole {
        stream: (u8, u8),
        length: u32,
    },
    Finish {
        stream: (u8, u8),
    },
    Abort {
        stream: (u8, u8),
        error: bool,
    },
}

struct Run {
    transport: Transport,
    handles: Vec<Handle<Probe>>,
    numbers: Vec<u8>,
    wire: Wire,
    failed: Option<String>,
}

fuzz_target!(|input: Input<'_>| {
    // Serials wrap around after a few calls, into those of waiting calls and open streams.
    let next = Serial(u32::MAX - u32::from(input.serials_left % 4));
    let mut transport = Transport::new(input.role).with_next_serial(next);
    if input.with_fds {
        transport = transport.with_fds();
    }
    let mut run = Run {
        transport,
        handles: Vec::new(),
        numbers: Vec::new(),
        wire: Wire::default(),
        failed: None,
    };
    for step in input.steps {
        run.step(step);
        run.wire.assert_agrees(&run.transport);
        let nothing = run.transport.need() == Need::Bytes(0);
        assert_eq!(nothing, run.failed.is_some() || run.transport.is_paused());
        assert_eq!(run.transport.failure().is_some(), run.failed.is_some());
    }
    run.wire.take_all(&mut run.transport);
    run.wire.assert_agrees(&run.transport);
    let sent = run.transport.counters().frames_sent;
    assert_eq!(sent, run.wire.frames.len() as u64);
});

impl Run {
    fn step(&mut self, step: Step<'_>) {
        match step {
            Step::Register { number, echo } => self.register(number % 4, echo),
            Step::ReceiveFrame {
                words,
                payload,
                cut,
            } => {
                let mut frame = Vec::new();
                append(&mut frame, &header(words), payload);
                let (front, back) = frame.split_at(frame.len().min(cut.into()));
                self.receive(|transport| {
                    transport.receive(front)?;
                    transport.receive(back)
                });
            }
            Step::Receive(bytes) => self.receive(|transport| transport.receive(bytes)),
            Step::Commit(bytes) => self.receive(|transport| {
                transport.space(bytes.len()).copy_from_slice(bytes);
                transport.commit(bytes.len())
            }),
            Step::ReceiveFd => self.receive(|transport| transport.receive_fd(descriptor())),
            Step::Send { program, send } => self.send(program, send),
            Step::Write(limit) => {
                self.wire.take(&mut self.transport, limit.into());
            }
            Step::WriteAll => self.wire.take_all(&mut self.transport),
            Step::Shrink => self.transport.shrink_to_fit(),
        }
    }

    fn register(&mut self, number: u8, echo: bool) {
        let probe = Probe::new(number.into());
        let probe = if echo { probe.echoing() } else { probe };
        let result = self.transport.register(probe);
        assert_eq!(result.is_err(), self.numbers.contains(&number));
        if let Ok(handle) = result {
            self.handles.push(handle);
            self.numbers.push(number);
        }
    }

    fn receive(
        &mut self,
        receive: impl FnOnce(&mut Transport) -> Result<(), virt_transport::ReceiveError>,
    ) {
        let result = receive(&mut self.transport).map_err(|error| error.to_string());
        match (&self.failed, result) {
            (None, Ok(())) => {}
            (Some(error), result) => assert_eq!(result.as_ref(), Err(error)),
            (None, Err(error)) => {
                assert_failed(&mut self.transport, &error);
                self.failed = Some(error);
            }
        }
    }

    fn send(&mut self, program: u8, send: Send<'_>) {
        let Some(handle) = self
            .handles
            .get(usize::from(program) % self.handles.len().max(1))
        else {
            return;
        };
        let state = |transport: &Transport| {
            (
                transport.counters(),
                transport.queued(),
                transport.queued_fds(),
                transport.waiting_calls(),
                transport.open_streams(),
            )
        };
        let before = state(&self.transport);
        let answers = matches!(
            send,
            Send::Reply { .. } | Send::ReplyWithFds { .. } | Send::ReplyError { .. }
        );
        let result = self
            .transport
            .with(handle, |probe, cx| dispatch(probe, cx, send));
        // An answer that cannot be sent is replaced by one that can.
        if result.is_err() && answers {
            let sent = self.transport.counters().frames_sent;
            assert_eq!(sent, before.0.frames_sent + 1);
        } else if result.is_err() {
            assert_eq!(state(&self.transport), before);
        }
    }
}

fn dispatch(probe: &mut Probe, cx: &mut Context<'_>, send: Send<'_>) -> Result<(), SendError> {
    let fds = |count: u8| (0..count % 40).map(|_| descriptor()).collect();
    match send {
        Send::Call { procedure, args } => cx.call(procedure, &Raw(args)).map(assert_serial),
        Send::CallWithFds {
            procedure,
            args,
            fds: count,
        } => cx
            .call_with_fds(procedure, &Raw(args), fds(count))
            .map(assert_serial),
        Send::Reply { which, ret } => match waiting(probe, which) {
            Some(call) => cx.reply(call.id, &Raw(ret)),
            None => Ok(()),
        },
        Send::ReplyWithFds {
            which,
            ret,
            fds: count,
        } => match waiting(probe, which) {
            Some(call) => cx.reply_with_fds(call.id, &Raw(ret), fds(count)),
            None => Ok(()),
        },
        Send::ReplyError { which } => match waiting(probe, which) {
            Some(call) => cx.reply_error(call.id, &RemoteError::authentication_required()),
            None => Ok(()),
        },
        Send::Message { procedure, body } => cx.message(procedure, &Raw(body)),
        Send::Open { stream } => {
            let open = cx.is_stream_open(id(stream));
            let result = cx.open_stream(id(stream));
            assert_eq!(result.is_err(), open);
            assert!(cx.is_stream_open(id(stream)));
            result
        }
        Send::Data { stream, data } => cx.stream_data(id(stream), data.to_vec()),
        Send::LargeData { stream, length } => cx.stream_data(id(stream), vec![0x5a; length.into()]),
        Send::Hole { stream, length } => cx.stream_hole(id(stream), length.into()),
        Send::Finish { stream } => cx.finish_stream(id(stream)),
        Send::Abort { stream, error } => {
            let error = error.then(RemoteError::undecodable_payload);
            cx.abort_stream(id(stream), error.as_ref())?;
            assert!(!cx.is_stream_open(id(stream)));
            Ok(())
        }
    }
}

fn waiting(probe: &mut Probe, which: u8) -> Option<Called> {
    let count = probe.calls.len();
    (count > 0).then(|| probe.calls.swap_remove(usize::from(which) % count))
}

fn assert_serial(serial: Serial) {
    assert_ne!(serial, Serial(0), "the serial of messages");
}

fn id((procedure, serial): (u8, u8)) -> StreamId {
    StreamId {
        procedure: (procedure % 8).into(),
        serial: Serial((serial % 8).into()),
    }
}

/// A header whose words are mostly ones that mean something.
fn header([program, procedure, message_type, serial, status]: [u8; 5]) -> Header {
    Header {
        program: ProgramId::new((program % 5).into(), 1 + u32::from(program / 250)),
        procedure: (procedure % 8).into(),
        message_type: MessageType((message_type % 8).into()),
        serial: Serial((serial % 8).into()),
        status: Status((status % 4).into()),
    }
}
