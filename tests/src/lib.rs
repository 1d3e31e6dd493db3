//! Helpers of the workspace's tests: real peers, raw connections and the conformance corpus.
//!
//! - [`libvirt`] says whether a real libvirt is installed, in one place for all tests.
//! - [`Daemon`] is a private `libvirtd`, [`Storage`] one with volumes, [`virsh`] the C client, [`Shell`] one that
//!   waits for commands; each is a [`Process`] that does not outlive its test.
//! - [`Guest`] is a guest of QEMU that echoes on its console.
//! - [`VolUpload`] and [`VolDownload`] are the calls that transfer a [`Volume`].
//! - [`Connection`] speaks raw bytes and descriptors to either of them, [`Listener`] waits for a client.
//! - [`Ours`] is either end made of this workspace's crates, in memory.
//! - [`Script`] is a case of the corpus in `conformance/`, [`play()`] plays it to a [`Peer`], and [`page`] makes
//!   `docs/conformance.md` of what came of it.
//! - [`Served`] is a server of ours as a process of its own, and [`Echo`] a program it has.
//! - [`Proxy`] stands between two ends, writes down what passes, and plays a [`Trick`]; a [`Capture`] is a
//!   connection that it has written down.

pub mod corpus;
pub mod libvirt;
pub mod page;
pub mod virsh;

mod capture;
mod connection;
mod daemon;
mod echo;
mod guest;
mod incoming;
mod lines;
mod listener;
mod ours;
mod pattern;
mod play;
mod process;
mod proxy;
mod script;
mod served;
mod shell;
mod storage;
mod transfer;
mod volume;

pub use capture::Capture;
pub use connection::Connection;
pub use daemon::{Config, Daemon};
pub use echo::{ECHO, Echo, Follow, Later, Refuse, Return, Tell, Told};
pub use guest::Guest;
pub use listener::Listener;
pub use ours::Ours;
pub use pattern::{Pattern, Token};
pub use play::{Event, Outcome, Peer, play};
pub use process::Process;
pub use proxy::{Direction, Fault, Place, Proxy, Target, Trick};
pub use script::{End, Link, Role, Script, ScriptError, Step, Transcript};
pub use served::Served;
pub use shell::Shell;
pub use storage::Storage;
pub use transfer::{Transfer, TransferKind};
pub use volume::{VolDownload, VolUpload, Volume};
