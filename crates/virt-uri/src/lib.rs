//! libvirt connection URIs and the sockets they lead to, parsed without I/O.
//!
//! A URI such as `qemu+tcp://[::1]/system?no_verify=1` tells a client where to connect and what to
//! open there. [`Uri`] parses it. [`Uri::candidates`] returns the places to connect to.
//! [`Uri::name`] returns the name to send with `CONNECT_OPEN`.
//!
//! ```text
//! driver[+transport]://[user@][host][:port]/[path][?parameters][#fragment]
//! ```
//!
//! > The crate opens no socket and reads no environment. The caller supplies an [`Environment`] and
//! > a function that checks if a socket exists. It then tries the candidates in order and uses the
//! > first that connects.
//!
//! # A complete example
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
//! # The source of the rules
//!
//! The syntax is that of RFC 3986. The meaning of the parts was measured on `virsh` of libvirt
//! 9.0.0. [`Uri::name`] returns the bytes that `virsh` sends, with these exceptions:
//!
//! - `virsh` does not encode the name of a parameter, nor a bracket in a fragment.
//! - `virsh` sends a parameter `=` as `==`.
//! - `virsh` sends `xen://` as `xen:///system`.
//!
//! The zone of an IPv6 address is read and printed as by libvirt, `[fe80::1%eth0]`. The form of RFC
//! 6874, `[fe80::1%25eth0]`, is read as well. It is printed only if the zone begins with two
//! hexadecimal digits, because `%de` is an escape to libvirt, too.
//!
//! A password in a URI is dropped, and never printed: see [`Uri`].
//!
//! In these cases `virsh` continues with something other than the text says, and parsing fails
//! here:
//!
//! | written | `virsh` |
//! |---|---|
//! | a port above 65535 | takes it modulo 65536 |
//! | a port without a host | drops it |
//! | `%00` | ends the text there |
//! | a path without a leading slash | sends it in the place of the host |
//! | an empty `socket` | connects to an abstract socket without a name |
//! | brackets around something other than an IPv6 address | looks the name up, brackets included |
//! | a wrong value of `mode`, `proxy` or a number, followed by a second value | ignores the first |
//!
//! Parsing also fails for text that is not UTF-8 once decoded, for a host with characters that no
//! host name contains, for the lone word `xen`, and for an empty text. To `virsh` an empty text
//! means the default: see [`Environment::default_uri`].
//!
//! # Not supported
//!
//! - `uri_aliases`, `remote_mode` and `remote_proxy` of `libvirt.conf`.
//! - Starting a daemon.
//! - Drivers that libvirt's client runs by itself, such as `esx`, `hyperv`, `openvz` and a path
//!   `/embed`. They lead to a daemon, like all others.

mod authority;
mod candidate;
mod environment;
mod escape;
mod parameters;
mod parse_error;
mod printable;
mod resolve_error;
mod transport;
mod uri;

pub use crate::candidate::{Access, Candidate};
pub use crate::environment::Environment;
pub use crate::parameters::{Mode, Parameters, Proxy};
pub use crate::parse_error::ParseError;
pub use crate::printable::Printable;
pub use crate::resolve_error::ResolveError;
pub use crate::transport::UriTransport;
pub use crate::uri::Uri;
