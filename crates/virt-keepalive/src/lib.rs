//! The keepalive program of libvirt's RPC protocol, which checks that the link to the peer is up.
//!
//! Each end may send a PING, and the other end answers with a PONG. The crate has three parts, each usable alone:
//!
//! - [`KeepAlive`] is the program. Registered with a [`Transport`](virt_transport::Transport), it answers PINGs, sends
//!   them when told, pairs PONGs with them, and calls back when the peer answers or has been silent for too long.
//! - [`Tracker`] is its count of silence, without a transport.
//! - [`Timer`] is libvirt's interval and count, without a clock: it says when a PING is due and when the link is dead.
//!
//! > The crate does not write, wait or read a clock. A PING or PONG is queued in the transport's outbox; the owner
//! > writes it, and decides when the next PING is due.
//!
//! libvirt sends PINGs only to a client that has asked for keepalive, by a call of `CONNECT_SUPPORTS_FEATURE` with
//! feature 10, and expects none before that. A daemon answers PINGs at any time, which the examples rely on.
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
//! match keepalive.ping(&mut transport) {
//!     Ping::Sent => println!("{} bytes to write", transport.queued()),
//!     Ping::Skipped => println!("the peer has just been heard"),
//!     Ping::Expired => println!("time to close"),
//! }
//! # assert_eq!(transport.queued(), 28);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! `cargo run -p virt-keepalive --example memory` joins two ends in memory; `--example unix -- SOCKET` is a
//! blocking client that pings the libvirt daemon on that socket.
//!
//! # For users of `Protocol::Sys::Virt::KeepAlive`
//!
//! The program behaves as that Perl module, version 10.3.12, but for the differences in the last column.
//!
//! | there | here | difference |
//! |---|---|---|
//! | `new` | [`KeepAlive::new`] | Options and callbacks are set by methods. |
//! | option `max_inactive`, in places of its documentation `max_unacked` | [`KeepAlive::max_inactive`] | There is one name for it. The default is 10 as well. |
//! | callback `on_ack` | [`KeepAlive::on_ack`] | It gets a [`KeepAliveContext`] in place of the transport. |
//! | callback `on_fail` | [`KeepAlive::on_fail`] | It gets a [`KeepAliveContext`], too. After it no further PING goes out: 10.3.12 sends one more, the module from 12.6 on does not. |
//! | callback `on_ping` | [`KeepAlive::on_ping`] | Unless replaced it answers with a PONG. The Perl default does nothing, and a libvirt daemon then drops the link. |
//! | method `register` | [`KeepAlive::register`] | It consumes the program and returns a [`KeepAliveHandle`]; a second registration is an error. |
//! | method `ping` | [`KeepAliveHandle::ping`] | It takes the transport, and returns what it did: sent, skipped or expired. |
//! | method `pong` | [`KeepAliveHandle::pong`], [`KeepAliveContext::pong`] | It cannot fail. |
//! | method `mark_active` | [`KeepAliveHandle::mark_active`], [`KeepAliveContext::mark_active`] | It takes the transport. |
//! | dies of a call, reply or stream of the program | | As a libvirt daemon, a server refuses a call and drops the rest; as the C client, a client closes, but drops a stream. |
//! | | [`Timer`], [`KeepAliveHandle::send_ping`] | The Perl module leaves the timing to its user. |

mod generated;
mod keepalive;
mod timer;
mod tracker;

pub use generated::*;
pub use keepalive::{Counts, KeepAlive, KeepAliveContext, KeepAliveHandle};
pub use timer::{Tick, Timer};
pub use tracker::{Ping, Tracker};
