//! The remote program of libvirt's RPC protocol: opening a connection, and the server's half.
//!
//! - [`Opening`] is a state machine for clients: it authenticates, negotiates keepalive and opens the hypervisor.
//!   [`Authenticator`] adds a way to authenticate to it.
//! - [`RemoteServer`] is the other end. It answers the calls that open a connection, and hands all others and
//!   their streams to a [`Hypervisor`], such as [`TestHypervisor`], which needs no libvirt.
//! - [`Procedure`] has the number of every procedure; [`admin`], [`qemu`] and [`lxc`] have those of the other
//!   programs. Numbers are never reused, so these tables serve older daemons too.
//! - A procedure with types is a unit struct, such as [`ConnectOpen`]. It implements
//!   [`CallProcedure`](virt_transport::CallProcedure), or
//!   [`MessageProcedure`](virt_transport::MessageProcedure) if it is an event. There are types for opening a
//!   connection, and for some calls, events, streams and descriptors.
//!
//! The crate does no I/O: a [`virt_transport::Transport`] carries the calls.
//!
//! > The calling contract: a client calls `AUTH_LIST`, and authenticates if the result demands it; asks for
//! > [`Feature::KEEPALIVE`] before it sends PINGs; calls `CONNECT_OPEN` before anything that needs a hypervisor,
//! > and `CONNECT_CLOSE` last. It waits for each reply, because a daemon may serve two calls in any order.
//! > [`Opening`] does all but the last.
//!
//! # Examples
//!
//! A client opens `test:///default` of a server, and asks for its name and version:
//!
//! ```
//! use std::error::Error;
//!
//! use bytes::{Buf, Bytes};
//! use virt_remote::{
//!     AuthList, AuthType, ConnectGetHostname, ConnectGetLibVersion, ConnectOpen, ConnectOpenArgs,
//!     PROGRAM, RemoteServer, TestHypervisor, Version,
//! };
//! use virt_transport::{
//!     CallProcedure, Context, Handle, Payload, Program, ProgramError, ProgramId, Reply, ReplyError, Role,
//!     Transmit, Transport,
//! };
//!
//! /// The client's program: it keeps the result of the last call.
//! #[derive(Default)]
//! struct Client {
//!     returned: Option<Result<Bytes, ReplyError>>,
//! }
//!
//! impl Program for Client {
//!     fn id(&self) -> ProgramId {
//!         PROGRAM
//!     }
//!
//!     fn on_reply(&mut self, reply: Reply<'_>, _: &mut Context<'_>) -> Result<(), ProgramError> {
//!         self.returned = Some(reply.result.map(Payload::into_bytes));
//!         Ok(())
//!     }
//! }
//!
//! /// Two ends of a connection in memory.
//! struct Link {
//!     client: Transport,
//!     program: Handle<Client>,
//!     server: Transport,
//! }
//!
//! impl Link {
//!     fn call<P: CallProcedure>(&mut self, args: &P::Args<'_>) -> Result<P::Ret, Box<dyn Error>> {
//!         self.client.with(&self.program, |_, cx| cx.call(P::NUMBER, args))??;
//!         carry(&mut self.client, &mut self.server)?;
//!         carry(&mut self.server, &mut self.client)?;
//!         let returned = self.client.with(&self.program, |client, _| client.returned.take())?;
//!         Ok(virt_xdr::from_slice(&returned.ok_or("no reply")??)?)
//!     }
//! }
//!
//! /// Carries bytes from one end to the other, in place of a socket.
//! fn carry(from: &mut Transport, to: &mut Transport) -> Result<(), Box<dyn Error>> {
//!     while let Some(Transmit::Bytes(mut bytes)) = from.poll_transmit() {
//!         to.receive(&bytes.copy_to_bytes(bytes.remaining()))?;
//!     }
//!     Ok(())
//! }
//!
//! let mut server = Transport::new(Role::Server);
//! server.register(RemoteServer::new(TestHypervisor::default()))?;
//! let mut client = Transport::new(Role::Client);
//! let program = client.register(Client::default())?;
//! let mut link = Link { client, program, server };
//!
//! assert_eq!(link.call::<AuthList>(&())?.types, [AuthType::NONE]);
//! link.call::<ConnectOpen>(&ConnectOpenArgs { name: Some("test:///default"), flags: 0 })?;
//! assert_eq!(link.call::<ConnectGetHostname>(&())?.hostname, "localhost");
//! let version = Version::from(link.call::<ConnectGetLibVersion>(&())?.lib_ver);
//! assert_eq!(version.to_string(), "9.0.0");
//! # Ok::<(), Box<dyn Error>>(())
//! ```
//!
//! # Procedures of the server
//!
//! | procedure | before `CONNECT_OPEN` | before authentication |
//! |---|---|---|
//! | `AUTH_LIST`, `AUTH_POLKIT`; SASL's three, which fail | yes | yes |
//! | `CONNECT_SUPPORTS_FEATURE` | [`Feature::KEEPALIVE`] alone | no |
//! | `CONNECT_OPEN`, `CONNECT_CLOSE` | yes | no |
//! | `CONNECT_GET_TYPE`, `_VERSION`, `_LIB_VERSION`, `_HOSTNAME`, `_URI` | no | no |
//! | `CONNECT_REGISTER_CLOSE_CALLBACK`, `CONNECT_UNREGISTER_CLOSE_CALLBACK` | no | no |
//! | those added by [`RemoteServer::serve`], and those of [`Hypervisor::serves`] | no | no |
//!
//! The answers were measured against libvirt 9.0.0's daemon. The server is simpler in these points:
//!
//! - A procedure outside the table is unknown. A daemon knows it, and may answer that the driver lacks it.
//! - Polkit that is not demanded is refused in plain words.
//! - Calls of the hypervisor before `CONNECT_OPEN` are refused for that, even if the payload does not decode.
//! - The events of [`TestHypervisor`] come before the reply to the call that causes them. A daemon's may come
//!   after it.
//!
//! # Adding a procedure
//!
//! The types are generated from `xtask/protocol/remote.x`. Add the structs `remote_..._args` and
//! `remote_..._ret` of a procedure there, or `remote_..._msg` of an event, with a comment for each. A procedure
//! without any gets `@void` in its comment instead. `cargo xtask codegen` then writes the types and the unit
//! struct, which is all that a client needs. To serve the procedure, add it with [`RemoteServer::serve`], or with
//! [`RemoteServer::serve_raw`] if it has a stream.

mod error;
mod generated;
mod hypervisor;
mod leading;
mod opening;
mod server;
mod test_hypervisor;
mod version;
mod words;

pub mod admin {
    //! The admin program, which manages a daemon: its procedures.

    mod generated;

    pub use generated::*;
}

pub mod lxc {
    //! The lxc program, for what only containers have: its procedures.

    mod generated;

    pub use generated::*;
}

pub mod qemu {
    //! The qemu program, for what only QEMU has: its procedures.

    mod generated;

    pub use generated::*;
}

pub use generated::*;
pub use hypervisor::Hypervisor;
pub use opening::{
    AuthAction, AuthError, Authenticator, CredentialField, CredentialKind, Credentials, OpenError,
    OpenOptions, Opened, Opening, OpeningCall, Phase, Prompt, SecurityLayer, Step,
};
pub use server::{CallHandler, RemoteServer};
pub use test_hypervisor::TestHypervisor;
pub use version::Version;
pub use words::READ_ONLY;
