//! What the tests of the workspace share: real peers, raw connections and the conformance corpus.
//!
//! - [`libvirt`] says whether a real libvirt is installed, in one place for all tests.
//! - [`Daemon`] is a private `libvirtd`, [`virsh`] the C client, [`Shell`] one that waits for commands;
//!   each is a [`Process`] that does not outlive its test.
//! - [`Connection`] speaks raw bytes and descriptors to either of them, [`Listener`] waits for a client.
//! - [`Ours`] is either end made of this workspace's crates, in memory.
//! - [`Script`] is a case of the corpus in `conformance/`, [`play`] plays it to a [`Peer`].

pub mod corpus;
pub mod libvirt;
pub mod virsh;

mod connection;
mod daemon;
mod incoming;
mod listener;
mod ours;
mod pattern;
mod play;
mod process;
mod script;
mod shell;

pub use connection::Connection;
pub use daemon::{Config, Daemon};
pub use listener::Listener;
pub use ours::Ours;
pub use pattern::{Pattern, Token};
pub use play::{Event, Outcome, Peer, play};
pub use process::Process;
pub use script::{End, Link, Role, Script, ScriptError, Step, Transcript};
pub use shell::Shell;
