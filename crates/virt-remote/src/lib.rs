//! The remote program of libvirt's RPC protocol: what opens a connection, and all its procedure numbers.
//!
//! - [`Procedure`] has the number of every procedure; [`admin`], [`qemu`] and [`lxc`] have those of the other
//!   programs. A number is never used again, so these serve an older daemon, too.
//! - A procedure whose types are here is a unit struct that names them, such as [`ConnectOpen`]: it is a
//!   [`CallProcedure`](virt_transport::CallProcedure), or a
//!   [`MessageProcedure`](virt_transport::MessageProcedure) if it is an event. These are what opens a
//!   connection, and one call, event, stream and descriptor each to go on with.
//! - [`RemoteServer`] is the other end: it serves what opens a connection, and hands other calls and their
//!   streams to a [`Hypervisor`], of which [`TestHypervisor`] is one, without libvirt.
//!
//! There is no I/O in here: [`virt_transport::Transport`] carries it all.
//!
//! > The calling contract: a client says `AUTH_LIST`, and authenticates if the answer demands it; asks for
//! > [`Feature::KEEPALIVE`] before it sends PINGs; says `CONNECT_OPEN` before all that needs a hypervisor, and
//! > `CONNECT_CLOSE` last. It waits for each reply: a daemon may serve two calls in any order.
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
//! /// The client's program: it keeps what the last call returned.
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
//! /// Carries what one end has to send to the other. A socket would stand here.
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
//! # What the server answers
//!
//! | procedure | before it is open | authenticated only |
//! |---|---|---|
//! | `AUTH_LIST`, `AUTH_POLKIT`; SASL's three, which fail | yes | no |
//! | `CONNECT_SUPPORTS_FEATURE` | [`Feature::KEEPALIVE`] alone | yes |
//! | `CONNECT_OPEN`, `CONNECT_CLOSE` | yes | yes |
//! | `CONNECT_GET_TYPE`, `_VERSION`, `_LIB_VERSION`, `_HOSTNAME`, `_URI` | no | yes |
//! | `CONNECT_REGISTER_CLOSE_CALLBACK`, `CONNECT_UNREGISTER_CLOSE_CALLBACK` | no | yes |
//! | what [`Hypervisor::serves`] | no | yes |
//!
//! It was measured against libvirt 9.0.0's daemon, and is simpler in this: a procedure that is not in the table
//! is unknown, where a daemon knows it and may say that the driver does not; polkit that is not demanded is
//! refused in plain words; what a hypervisor serves is refused before it is open, whatever the payload is; the
//! events of [`TestHypervisor`] come before the reply to the call that causes them, where a daemon's may come
//! behind it.
//!
//! # Adding a procedure
//!
//! The types are generated from `xtask/protocol/remote.x`. Add the structs `remote_..._args` and
//! `remote_..._ret` of a procedure there, or `remote_..._msg` of an event, with a comment for each; a procedure
//! without any gets `@void` in its comment instead. `cargo xtask codegen` then writes the types and the unit
//! struct. To call it, that is all; to serve it, name it in [`Hypervisor::serves`] and answer it in
//! [`Hypervisor::on_call`]. If it has a stream, open that there, and take its pieces in
//! [`Hypervisor::on_stream`].

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
