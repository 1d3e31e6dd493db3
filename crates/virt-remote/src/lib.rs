//! The machines of libvirt's remote program: opening a connection, and the server's half.
//!
//! - [`Opening`] is a state machine for clients: it authenticates, negotiates keepalive and opens the hypervisor.
//!   [`Authenticator`] adds a way to authenticate to it.
//! - [`RemoteServer`] is the other end. It answers the calls that open a connection, and hands all others and
//!   their streams to a [`Hypervisor`], such as [`TestHypervisor`], which needs no libvirt.
//! - All else is [`virt_protocol`], which types every program of libvirt: its remote program is re-exported here, with
//!   [`admin`], [`qemu`], [`lxc`] and [`constants`].
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
//! A client opens `test:///default` of a server, and asks for the name of its host:
//!
//! ```
//! use std::error::Error;
//!
//! use virt_remote::{
//!     ConnectGetHostname, OpenOptions, Opening, PROGRAM, RemoteServer, Step, TestHypervisor,
//! };
//! use virt_transport::{CallProcedure, Calls, Handle, Incoming, Raw, ReplyError, Role, Transport};
//!
//! /// Two ends of a connection in memory.
//! struct Link {
//!     client: Transport,
//!     remote: Handle<Calls<()>>,
//!     server: Transport,
//! }
//!
//! impl Link {
//!     /// Makes a call with encoded arguments, and returns the encoded return value.
//!     fn call(&mut self, procedure: i32, args: &[u8]) -> Result<Result<Vec<u8>, ReplyError>, Box<dyn Error>> {
//!         self.client.with(&self.remote, |calls, cx| calls.call(cx, procedure, &Raw(args), ()))?;
//!         carry(&mut self.client, &mut self.server)?;
//!         carry(&mut self.server, &mut self.client)?;
//!         match self.client.with(&self.remote, |calls, _| calls.poll()) {
//!             Some(Incoming::Reply { result, .. }) => Ok(result.map(Vec::from)),
//!             _ => Err("no reply".into()),
//!         }
//!     }
//! }
//!
//! /// Carries the output of one end to the other, in place of a socket.
//! fn carry(from: &mut Transport, to: &mut Transport) -> Result<(), Box<dyn Error>> {
//!     let mut bytes = Vec::new();
//!     from.write_to(&mut bytes)?;
//!     Ok(to.receive(&bytes)?)
//! }
//!
//! let mut server = Transport::new(Role::Server);
//! server.register(RemoteServer::new(TestHypervisor::default()))?;
//! let mut client = Transport::new(Role::Client);
//! let remote = client.register(Calls::new(PROGRAM))?;
//! let mut link = Link { client, remote, server };
//!
//! let mut opening = Opening::new(OpenOptions::new("test:///default"));
//! while let Step::Call(call) = opening.poll()? {
//!     let reply = link.call(call.procedure, &call.args)?;
//!     opening.on_reply(reply);
//! }
//! let reply = link.call(ConnectGetHostname::NUMBER, &[])??;
//! assert_eq!(virt_xdr::from_slice::<String>(&reply)?, "localhost");
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
//! # Serving a procedure
//!
//! Add it to a server with [`RemoteServer::serve`], or with [`RemoteServer::serve_raw`] if it has a stream.

mod error;
mod hypervisor;
mod opening;
mod server;
mod test_hypervisor;
mod version;

pub use hypervisor::Hypervisor;
pub use opening::{
    AuthAction, AuthError, Authenticator, CredentialField, CredentialKind, Credentials, OpenError,
    OpenOptions, Opened, Opening, OpeningCall, Phase, Prompt, SecurityLayer, Step,
};
pub use server::{CallHandler, RemoteServer};
pub use test_hypervisor::TestHypervisor;
pub use version::Version;
pub use virt_protocol::remote::*;
pub use virt_protocol::{admin, constants, lxc, qemu};
