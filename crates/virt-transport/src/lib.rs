//! A dispatcher without I/O for libvirt's RPC protocol: programs register, frames route.
//!
//! [`Transport`] sits between a byte stream and the programs that speak over it. Bytes go in by
//! [`receive`](Transport::receive); each whole frame goes to its [`Program`], found by number and version; the output
//! of the programs waits in an outbox until the owner writes it. The crate has no socket, no clock and no lock: these
//! belong to the owner of the transport.
//!
//! > The calling contract: give `receive` every received byte, in order, and [`receive_fd`](Transport::receive_fd)
//! > every descriptor; then [`write_to`](Transport::write_to) the socket. After an error of `receive`, write nothing
//! > more and close. Read nothing while [`is_paused`](Transport::is_paused), or while
//! > [`queued`](Transport::queued) is above a limit of your own.
//!
//! # Examples
//!
//! A server program with one procedure, and a client that calls it:
//!
//! ```
//! use virt_transport::{
//!     Call, Calls, Context, Incoming, Program, ProgramId, RemoteError, Role, Transport,
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
//!                 Ok(cx.reply(call.id, &number.wrapping_mul(2))?)
//!             }
//!             unknown => Err(RemoteError::unknown_procedure(unknown)),
//!         }
//!     }
//! }
//!
//! /// Carries the output of one end to the other, in place of a socket.
//! fn carry(from: &mut Transport, to: &mut Transport) -> Result<(), Box<dyn std::error::Error>> {
//!     let mut bytes = Vec::new();
//!     from.write_to(&mut bytes)?;
//!     Ok(to.receive(&bytes)?)
//! }
//!
//! let mut server = Transport::new(Role::Server);
//! server.register(Server)?;
//! let mut client = Transport::new(Role::Client);
//! let program = client.register(Calls::new(ID))?;
//!
//! client.with(&program, |calls, cx| calls.call(cx, DOUBLE, &21, ()))?;
//! carry(&mut client, &mut server)?;
//! carry(&mut server, &mut client)?;
//!
//! let Some(Incoming::Reply { result, .. }) = client.with(&program, |calls, _| calls.poll()) else {
//!     panic!("the server has replied");
//! };
//! assert_eq!(virt_xdr::from_slice::<i32>(&result?)?, 42);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Received frames
//!
//! | frame | [`Role::Server`] | [`Role::Client`] |
//! |---|---|---|
//! | call | [`Program::on_call`]; to an unknown program, or with a status other than ok, an error reply | error |
//! | call that needs authentication, before it | error reply | error |
//! | reply | dropped | [`Program::on_reply`]; if no call waits for it, error |
//! | message | [`Program::on_message`]; of an unknown program, dropped | the same; of an unknown program, error |
//! | stream, hole | [`Program::on_stream`] if the stream is open, else dropped | the same |
//! | frame of an open stream with an unknown status | the stream is aborted | error |
//! | unknown type | dropped | error |
//!
//! A libvirt 9.0 daemon and the C client do the same. An *error* here is a case in which the C client closes the
//! connection; [`Transport::receive`] returns it from then on. The C client closes in two further cases, which are left
//! to the program: [`StreamBody::Finish`] of a stream that it has not finished, and an abort whose reason does not
//! decode.

mod admission;
mod call;
mod calls;
mod context;
mod error;
mod fd;
mod generated;
mod inbound;
mod link;
mod outbox;
mod procedure;
mod program;
mod programs;
mod remote_error;
mod role;
mod router;
mod serial_map;
mod stream;
mod token;
mod transport;

pub use virt_xdr::{
    Decode, DecodeError, DecodeErrorKind, Decoder, Encode, EncodeError, EncodeErrorKind, Encoder,
    FDS_MAX, FrameError, MessageType, PAYLOAD_MAX, Payload, ProgramId, Serial, Status, open_enum,
};

pub use call::{Call, CallId, Message, Reply};
pub use calls::{Calls, Incoming, Raw, StreamItem};
pub use context::Context;
pub use error::{ProgramError, ReceiveError, RegisterError, ReplyError, SendError};
pub use fd::Fd;
pub use generated::*;
pub use inbound::Need;
pub use link::Counters;
pub use outbox::{Chunks, FD_WEIGHT, FdSlot, Transmit};
pub use procedure::{CallProcedure, EventProcedure, MessageProcedure};
pub use program::{Access, Program};
pub use remote_error::RemoteError;
pub use role::Role;
pub use stream::{StreamBody, StreamFrame, StreamId};
pub use transport::{Handle, Transport};
