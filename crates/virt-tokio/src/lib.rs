//! Live connections to libvirt daemons on tokio, and their other end.
//!
//! [`connect`] leads from a URI to a [`Client`]: a negotiated connection with keepalive. One task a connection reads, writes
//! and keeps the time; handles are cheap to clone, and any number of calls can be made at once. [`Server`] is the daemon's
//! side. A client has a method for each procedure of libvirt: [`protocol`] is virt-protocol, re-exported.
//!
//! > PINGs are answered whatever the users of a connection do, except while nothing is read: see slow readers below. Data
//! > that they do not take is bounded: see [`Limits`].
//!
//! # Examples
//!
//! ```
//! use virt_tokio::protocol::remote::Remote;
//! use virt_tokio::{Options, connect};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // A daemon within this process. `qemu:///system` is that of this machine.
//! let client = connect("test:///default", Options::default()).await?;
//!
//! let (host, uri) = tokio::try_join!(client.connect_get_hostname(), client.connect_get_uri())?;
//! println!("{uri} on {host}, PONG after {:?}", client.ping().await?);
//!
//! let closed = client.close().await;
//! assert_eq!(closed.to_string(), "connection closed: client");
//! # Ok(())
//! # }
//! ```
//!
//! # The end of a connection
//!
//! [`Client::closed`] gives the reason in libvirt's four words; every pending call ends with it at once.
//!
//! | [`CloseReason`] | cause |
//! |---|---|
//! | `Error` | the socket failed, or the peer broke the protocol; [`Closed::cause`] has the error |
//! | `EndOfFile` | the peer closed it |
//! | `KeepAlive` | no byte came for `interval * (count + 1)`: see [`KeepAliveMode`] |
//! | `Client` | [`Client::close`], or the last handle was dropped |
//!
//! A [`Server`] also closes the connection of a client that is too slow: see [`ServerOptions`].
//!
//! # A connection that comes back
//!
//! A [`Session`] connects again when its connection ends, and registers the events of its subscriptions again. It never
//! repeats a call: [`CallError::is_sent`] tells whether the daemon may have done it. Errors that time does not mend end it:
//! [`ConnectError::is_permanent`].
//!
//! # Events
//!
//! [`Client::subscribe`] registers for an event, typed, and deregisters it with the last reader. [`Session::subscribe`] does
//! the same over all connections of a session. [`Client::events`] returns all messages of the daemon, for tools and for
//! programs without registrations.
//!
//! # Streams
//!
//! A [`Stream`] is the primitive: chunks, holes, an end that is confirmed. [`Download`], [`Upload`] and [`Console`] make it a
//! reader and writer of tokio.
//!
//! # Slow readers
//!
//! - Events wait in a queue of [`Limits::events`] and [`Limits::event_bytes`] for each reader; beyond it the oldest are lost,
//!   and the reader is told how many.
//! - Streams: with [`Limits::stream_bytes`] untaken, nothing more is read from the socket, replies and PINGs included.
//!   Meanwhile the peer is sent an unasked PONG at each interval, so that it does not give this end up; that needs
//!   [`KeepAliveMode::Send`], with an interval shorter than the peer's patience. A pending call or PING makes the connection
//!   read on, up to [`Limits::unread_bytes`]; beyond that the call fails with [`CallError::UnreadStreams`].
//! - A peer that does not read: with [`Limits::queued_bytes`] waiting to be written, no call and no stream data is accepted.
//!   With as many bytes of PONGs and a server's replies, which the peer causes, nothing more is read from it. If it takes
//!   nothing for `interval * (count + 1)`, the connection is closed.
//!   A server closes it after [`ServerOptions::write_timeout`], keepalive or not, and a broadcast with
//!   [`Server::try_with_transport`] does not wait for it.
//!
//! # Features
//!
//! `tracing`: events at level debug about connections. Without it there is no output.

mod call;
mod client;
mod closed;
mod connect;
mod connection;
mod dial;
mod environment;
mod error;
mod event;
mod events;
mod listener;
mod open;
mod options;
mod pings;
mod secure;
mod server;
mod session;
mod stream;
mod subscription;
mod typed;

pub use client::Client;
pub use closed::{CloseReason, Closed};
pub use connect::connect;
pub use connection::socket::ByteStream;
pub use dial::dial;
pub use environment::environment;
pub use error::{BusyError, CallError, ConnectError};
pub use event::Event;
pub use events::{EventError, Events};
pub use listener::{Accepted, Listener};
pub use options::{KeepAliveMode, Limits, Options, ServerOptions};
pub use pings::Pings;
pub use server::{Control, Server};
pub use session::{Session, SessionError, SessionOptions, SessionState};
pub use stream::{Console, Download, Stream, StreamChunk, StreamSender, Upload};
pub use subscription::{Notice, Subscription, SubscriptionError};
pub use virt_protocol as protocol;

/// An event of `tracing` at level debug, if the feature is on.
macro_rules! debug {
    ($($event:tt)*) => {
        #[cfg(feature = "tracing")]
        tracing::debug!($($event)*);
    };
}
use debug;
