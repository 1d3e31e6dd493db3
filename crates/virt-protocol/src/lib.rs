//! Every program of libvirt's RPC protocol, typed.

#![allow(
    missing_debug_implementations,
    reason = "a procedure is a type without values, and arguments are shown by the table"
)]

pub mod admin;
pub mod client;
pub mod constants;
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

pub use client::{Client, Request, Response};
pub use typed_params::{ParamError, ParamValue, TypedParams};
pub use uuid::{ParseUuidError, Uuid};
pub use value::Value;
