//! A dispatcher without I/O for libvirt's RPC protocol: programs register, frames route.
//!
//! [`Transport`] sits between a byte stream and the programs that speak over it. Bytes go in by
//! [`receive`](Transport::receive); whole frames reach the [`Program`] they are for, by number and version;
//! whatever the program sends waits in an outbox until the owner writes it. There is no socket, no clock
//! and no lock in here: whoever owns the transport owns these, too.
//!
//! > The calling contract: give `receive` every byte that arrives, in order, and
//! > [`receive_fd`](Transport::receive_fd) every descriptor; then write what
//! > [`poll_transmit`](Transport::poll_transmit) has, until it has nothing. After an error of `receive`,
//! > write nothing more and close. Stop reading while [`queued`](Transport::queued) is more than you want to hold,
//! > and set a [limit](Transport::with_answer_limit) for small calls with large replies.
//!
//! # Examples
//!
//! A server program that answers one procedure, and a client program that calls it:
//!
//! ```
//! use bytes::Buf;
//! use virt_transport::{
//!     Call, Context, Program, ProgramError, ProgramId, RemoteError, Reply, ReplyError,
//!     Role, Transmit, Transport,
//! };
//!
//! const ID: ProgramId = ProgramId::new(0x2000_4242, 1);
//! const DOUBLE: i32 = 1;
//!
//! struct Server;
//!
//! impl Program for Server {
//!     fn id(&self) -> ProgramId {
//!         ID
//!     }
//!
//!     fn on_call(&mut self, call: Call<'_>, cx: &mut Context<'_>) -> Result<(), RemoteError> {
//!         match call.id.procedure() {
//!             DOUBLE => {
//!                 let number: i32 = call.payload.decode()?;
//!                 Ok(cx.reply(call.id, &(number * 2))?)
//!             }
//!             unknown => Err(RemoteError::unknown_procedure(unknown)),
//!         }
//!     }
//! }
//!
//! #[derive(Default)]
//! struct Client {
//!     answer: Option<Result<i32, ReplyError>>,
//! }
//!
//! impl Program for Client {
//!     fn id(&self) -> ProgramId {
//!         ID
//!     }
//!
//!     fn on_reply(&mut self, reply: Reply<'_>, _: &mut Context<'_>) -> Result<(), ProgramError> {
//!         self.answer = Some(reply.result.and_then(|payload| Ok(payload.decode()?)));
//!         Ok(())
//!     }
//! }
//!
//! /// Carries what one end has to send to the other. A socket would stand here.
//! fn carry(from: &mut Transport, to: &mut Transport) -> Result<(), Box<dyn std::error::Error>> {
//!     while let Some(Transmit::Bytes(mut bytes)) = from.poll_transmit() {
//!         to.receive(&bytes.copy_to_bytes(bytes.remaining()))?;
//!     }
//!     Ok(())
//! }
//!
//! let mut server = Transport::new(Role::Server);
//! server.register(Server)?;
//! let mut client = Transport::new(Role::Client);
//! let handle = client.register(Client::default())?;
//!
//! client.with(&handle, |_, cx| cx.call(DOUBLE, &21))??;
//! carry(&mut client, &mut server)?;
//! carry(&mut server, &mut client)?;
//!
//! assert_eq!(client.with(&handle, |program, _| program.answer.take())?, Some(Ok(42)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What each role does with a frame
//!
//! | it receives | [`Role::Server`] | [`Role::Client`] |
//! |---|---|---|
//! | call | [`Program::on_call`]; to an unknown program, or with a status other than ok, an error reply | error |
//! | reply | dropped | [`Program::on_reply`]; if nobody waits for it, error |
//! | message | [`Program::on_message`]; of an unknown program, dropped | the same; of an unknown program, error |
//! | stream, hole | [`Program::on_stream`] if the stream is open, else dropped | the same |
//! | piece of an open stream with an unknown status | the stream is aborted | error |
//! | unknown type | dropped | error |
//!
//! This is what a libvirt 9.0 daemon and the C client do; an *error* here is where the C client closes the
//! connection, and it is what [`Transport::receive`] returns from then on. The C client closes it in two cases
//! more, which here are the program's to judge: [`StreamBody::Finish`] of a stream that it has not finished, and
//! an abort whose reason does not decode.

mod context;
mod error;
mod fd;
mod generated;
mod link;
mod outbox;
mod procedure;
mod program;
mod programs;
mod remote_error;
mod route;
mod stream;
mod transport;

pub use virt_xdr::{
    Decode, DecodeError, DecodeErrorKind, Decoder, Encode, EncodeError, EncodeErrorKind, Encoder,
    FDS_MAX, FrameError, MessageType, PAYLOAD_MAX, Payload, ProgramId, Serial, Status,
};

pub use context::Context;
pub use error::{HandleError, ProgramError, ReceiveError, RegisterError, ReplyError, SendError};
pub use fd::Fd;
pub use generated::*;
pub use link::Counters;
pub use outbox::{Chunks, FD_WEIGHT, FdSlot, Transmit};
pub use procedure::{CallProcedure, MessageProcedure};
pub use program::{Call, CallId, Message, Program, Reply};
pub use remote_error::RemoteError;
pub use stream::{Stream, StreamBody, StreamId};
pub use transport::{Handle, Need, Role, Transport};
