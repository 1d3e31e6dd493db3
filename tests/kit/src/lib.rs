//! Helpers for the tests of all crates: literal bytes, and the other end of a connection.
//!
//! - [`wire()`] and [`wire!`](macro@wire) turn literal words and strings into bytes, [`hex()`] turns bytes into words.
//! - [`words`] and [`bytes`] hold PING and PONG, in either form.
//! - [`frame`] reads a frame word by word, and makes the reply to a call.
//! - [`Example`] runs an example of a crate.
//! - `transport`: takes the output of a transport, and carries it to another one.
//! - `socket`: sends and receives bytes with descriptors on a Unix socket.
//! - `peer`: plays the other end of a connection, on tokio.
//!
//! The last three need the features `transport`, `socket` and `tokio`. Real peers, such as a private daemon, are in
//! `virt-tests`.

mod example;
mod wire;

pub mod bytes;
pub mod frame;
#[cfg(feature = "tokio")]
pub mod peer;
#[cfg(feature = "socket")]
pub mod socket;
#[cfg(feature = "transport")]
pub mod transport;
pub mod words;

pub use example::Example;
pub use wire::{hex, parse, wire};
