//! The keepalive program of libvirt's RPC protocol: is the link to the peer still up?
//!
//! Each end may send a PING, and the other end answers with a PONG. The crate has three parts,
//! each of which can be used alone:
//!
//! - [`KeepAlive`] is the program: it is registered with a [`Transport`](virt_transport::Transport), answers
//!   PINGs, sends them when told, and calls back when the peer answers or has been silent for too long.
//! - [`Tracker`] is its count of silence, without a transport.
//! - [`Timer`] says when a PING is due and when the link is dead, by libvirt's interval and count, without
//!   a clock.
//!
//! > Nothing here writes, waits or reads a clock. A PING, and the answer to one, is queued in the
//! > transport's outbox; the owner writes it, and decides when the next one is due.
//!
//! libvirt sends PINGs only to a client that has asked for it, by a call of `CONNECT_SUPPORTS_FEATURE` with
//! feature 10, and wants none before that; but a daemon answers one at any time, which the examples rely on.
//!
//! # Examples
//!
//! ```
//! use virt_keepalive::{KeepAlive, Ping};
//! use virt_transport::{Role, Transport};
//!
//! let mut transport = Transport::new(Role::Client);
//! let keepalive = KeepAlive::new()
//!     .max_inactive(20)
//!     .on_ack(|_| println!("we are still alive"))
//!     .on_fail(|_| eprintln!("connection timed out"))
//!     .register(&mut transport)?;
//!
//! match keepalive.ping(&mut transport)? {
//!     Ping::Sent => println!("{} bytes to write", transport.queued()),
//!     Ping::Skipped => println!("the peer has just been heard"),
//!     Ping::Expired => println!("time to close"),
//! }
//! # assert_eq!(transport.queued(), 28);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! `cargo run -p virt-keepalive --example memory` joins two ends in memory; `--example unix -- SOCKET` is a
//! blocking client that pings whatever libvirt daemon listens on that socket.
//!
//! # For users of `Protocol::Sys::Virt::KeepAlive`
//!
//! The program behaves as that Perl module, version 10.3.12, does, but for what the last column says.
//!
//! | there | here | different |
//! |---|---|---|
//! | `new` | [`KeepAlive::new`] | Options and callbacks are set by methods. |
//! | option `max_inactive`, in places of its documentation `max_unacked` | [`KeepAlive::max_inactive`] | There is one name for it. The default is 10 as well. |
//! | callback `on_ack` | [`KeepAlive::on_ack`] | It gets a [`Link`], which can answer and tell `inactive`, not the transport. |
//! | callback `on_fail` | [`KeepAlive::on_fail`] | Likewise. When it is called, no further PING goes out: 10.3.12 sends one more, the module from 12.6 on does not. |
//! | callback `on_ping` | [`KeepAlive::on_ping`] | Unless replaced it answers with a PONG. The Perl default does nothing, and a libvirt daemon then drops the link. |
//! | method `register` | [`KeepAlive::register`] | It consumes the program and returns a [`KeepAliveHandle`]; a second registration is an error. |
//! | method `ping` | [`KeepAliveHandle::ping`] | It takes the transport, and says what it did: sent, skipped or expired. |
//! | method `pong` | [`KeepAliveHandle::pong`], [`Link::pong`] | An error is returned, not thrown. |
//! | method `mark_active` | [`KeepAliveHandle::mark_active`] | It takes the transport. |
//! | dies of a call, reply or stream of the program | | As a libvirt daemon, a server refuses a call and drops the rest; as the C client, a client closes, but drops a stream. |
//! | | [`Timer`], [`KeepAliveHandle::send_ping`] | The Perl module leaves the timing to its user. |

mod generated;
mod keepalive;
mod timer;
mod tracker;

pub use generated::*;
pub use keepalive::{KeepAlive, KeepAliveError, KeepAliveHandle, Link};
pub use timer::{Tick, Timer};
pub use tracker::{Ping, Tracker};
