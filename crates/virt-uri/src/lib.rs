//! libvirt connection URIs and the sockets they stand for, parsed without I/O.
//!
//! A URI such as `qemu+tcp://[::1]/system?no_verify=1` answers two questions: where to connect, and
//! what to ask for there. [`Uri`] parses it, [`Uri::candidates`] says where, [`Uri::name`] says
//! what: the text to send with `CONNECT_OPEN`.
//!
//! ```text
//! driver[+transport]://[user@][host][:port]/[path][?parameters][#fragment]
//! ```
//!
//! > The crate opens no socket and reads no environment. The caller passes in an [`Environment`],
//! > and tells which sockets exist; it then tries the candidates in order, and the first that
//! > connects is the one.
//!
//! # One complete use
//!
//! ```
//! use std::env;
//! use std::error::Error;
//! use std::path::Path;
//!
//! use virt_uri::{Access, Candidate, Environment, Uri};
//!
//! type Target = (String, Vec<Candidate>);
//!
//! fn target(given: Option<&str>, root: bool) -> Result<Target, Box<dyn Error>> {
//!     let environment = Environment {
//!         root,
//!         runtime_dir: env::var_os("XDG_RUNTIME_DIR").map(Into::into),
//!         cache_home: env::var_os("XDG_CACHE_HOME").map(Into::into),
//!         home: env::var_os("HOME").map(Into::into),
//!         libvirt_default_uri: env::var("LIBVIRT_DEFAULT_URI").ok(),
//!         uri_default: None, // `uri_default` of libvirt.conf, if the caller reads that file
//!     };
//!     let uri: Uri = match given {
//!         Some(text) => text.parse()?,
//!         None => environment.default_uri()?,
//!     };
//!     let candidates = uri.candidates(&environment, Access::ReadWrite, Path::exists)?;
//!     Ok((uri.name(), candidates))
//! }
//!
//! let (name, candidates) = target(Some("qemu+tcp://[::1]/system?no_verify=1"), true)?;
//! assert_eq!(name, "qemu:///system");
//! assert_eq!(candidates, [Candidate::Tcp { host: "::1".into(), port: 16509 }]);
//! # Ok::<(), Box<dyn Error>>(())
//! ```
//!
//! # Where the rules come from
//!
//! The syntax is RFC 3986's. What the parts mean was measured on `virsh` of libvirt 9.0.0: what
//! [`Uri::name`] gives is what `virsh` sends, byte for byte, but for the name of a parameter and a
//! bracket in a fragment, which it leaves unencoded, a parameter `=`, of which it makes `==`, and
//! `xen://`, of which it makes `xen:///system`.
//!
//! Where `virsh` goes on with something else than what was written, parsing fails instead:
//!
//! | written | `virsh` |
//! |---|---|
//! | a port above 65535 | wraps it around |
//! | a port without a host | drops it |
//! | `%00` | ends the text there |
//! | a path without a slash | sends it where the host belongs |
//! | an empty `socket` | connects to an abstract socket without a name |
//! | brackets around what is no IPv6 address | looks the name up, brackets included |
//! | the first of two values of `mode`, `proxy` or a number, if wrong | ignores it |
//!
//! Refused too: text that is not UTF-8 once decoded, a host with characters no host name has, an
//! empty text (to `virsh` that is no URI at all: use [`Environment::default_uri`]) and the lone
//! word `xen`.
//!
//! Not here: `uri_aliases`, `remote_mode` and `remote_proxy` of `libvirt.conf`; starting a daemon;
//! and drivers that libvirt's client runs by itself (`esx`, `hyperv`, `openvz`, a path `/embed`):
//! they are looked for at a daemon, as all others.

mod candidate;
mod environment;
mod error;
mod escape;
mod parameters;
mod transport;
mod uri;

pub use crate::candidate::{Access, Candidate};
pub use crate::environment::Environment;
pub use crate::error::{ParseError, ResolveError};
pub use crate::parameters::{Mode, Parameters, Proxy};
pub use crate::transport::Transport;
pub use crate::uri::Uri;
