//! Every program of libvirt's RPC protocol, typed: a method for each call, constants, events, and a table for tools.
//!
//! - [`remote`], [`qemu`], [`lxc`] and [`admin`] are the programs: the numbers of their procedures, the types of arguments,
//!   results and messages, and a trait with a method for each call. `remote` has a module for each object, such as
//!   [`remote::domain`].
//! - [`constants`] are the enums and flag sets of libvirt's API, and [`parameters`] the names of typed parameters.
//! - [`Client`] is the trait that a connection implements to get all methods. `virt_tokio::Client` does.
//! - [`TypedParams`], [`Uuid`] and [`table`] are written by hand, everything else is generated from
//!   `xtask/protocol/libvirt.x`.
//!
//! The types describe libvirt 12.8.0. Numbers are never reused, so they serve older daemons too: an error of a daemon that
//! lacks a procedure [is unsupported](virt_transport::RemoteError::is_unsupported). Values and flags that a newer daemon
//! may send are kept as numbers.
//!
//! # Examples
//!
//! A client makes a call. Here it is a function for a daemon; over a live connection only the first lines differ:
//!
//! ```
//! use virt_protocol::constants::DomainXmlFlags;
//! use virt_protocol::remote::Remote;
//! use virt_protocol::{Client, Request, Response};
//!
//! # use virt_xdr::{DecodeError, EncodeError};
//! # #[derive(Debug)]
//! # struct Failed(String);
//! # impl From<DecodeError> for Failed { fn from(error: DecodeError) -> Self { Self(error.to_string()) } }
//! # impl From<EncodeError> for Failed { fn from(error: EncodeError) -> Self { Self(error.to_string()) } }
//! struct Daemon;
//!
//! impl Client for Daemon {
//!     type Error = Failed;
//!     type Stream = ();
//!
//!     async fn exchange(&self, request: Request) -> Result<Response<()>, Failed> {
//!         let payload: &[u8] = match request.name {
//!             "DOMAIN_LOOKUP_BY_NAME" => b"\0\0\0\x04web10123456789abcdef\0\0\0\x01",
//!             _ => b"\0\0\0\x09<domain/>\0\0\0",
//!         };
//!         Ok(Response { payload: payload.into(), fds: Vec::new(), stream: None })
//!     }
//! }
//!
//! async fn xml(client: &impl Client<Error = Failed>) -> Result<String, Failed> {
//!     let domain = client.domain_lookup_by_name("web1").await?;
//!     client.domain_get_xml_desc(&domain, DomainXmlFlags::INACTIVE).await
//! }
//!
//! # use std::task::{Context, Poll, Waker};
//! # let mut future = std::pin::pin!(xml(&Daemon));
//! # let Poll::Ready(xml) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) else { panic!() };
//! assert_eq!(xml.unwrap(), "<domain/>");
//! ```
//!
//! # Types of a procedure
//!
//! A procedure is a type without values, such as [`remote::DomainGetXmlDesc`]. It implements
//! [`CallProcedure`](virt_transport::CallProcedure), or [`MessageProcedure`](virt_transport::MessageProcedure) if the daemon
//! sends it. A server decodes its arguments with them, and a client of events their bodies.
//!
//! - Arguments and results of a single number, enum, UUID or object are that value. All others are structs.
//! - `S` and `B` are the types of text and opaque data: `String` and `Vec<u8>`, or `&str` and `&[u8]` to borrow, or
//!   [`Text`](virt_xdr::Text) to keep names that are not UTF-8.
//! - Words that are 0 or 1 are `bool`, and read as C reads them: any other number is true.
//!
//! # Features
//!
//! All are off by default.
//!
//! | feature | effect |
//! |---|---|
//! | `serde` | `Serialize` and `Deserialize` for every type: UUIDs as text, enums and flags by name, opaque data in hexadecimal digits |
//! | `extra-traits` | `Debug`, `Clone` and `PartialEq` for the arguments of calls |
//! | `arbitrary` | random values of every type, for fuzzing |

#![allow(
    missing_debug_implementations,
    reason = "a procedure is a type without values, and arguments are shown by the table"
)]
#![allow(
    clippy::too_many_arguments,
    reason = "a method takes what the procedure takes"
)]

pub mod admin;
pub mod client;
pub mod constants;
mod events;
#[cfg(feature = "serde")]
mod json;
pub mod lxc;
pub mod parameters;
pub mod qemu;
pub mod remote;
pub mod table;
mod typed_params;
mod uuid;
mod value;
mod words;

pub use client::{Client, Reply, Request, Response};
pub use events::MonitorFilter;
pub use typed_params::{ParamError, ParamValue, TypedParams};
pub use uuid::{ParseUuidError, Uuid};
pub use value::Value;
