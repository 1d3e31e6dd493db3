//! The methods of virt-protocol against the mock hypervisor of a real daemon: what they return is what libvirt's own Python
//! binding returns on the same daemon.

#![allow(
    clippy::unwrap_used,
    clippy::cloned_ref_to_slice_refs,
    reason = "what helps a test may fail as a test does, and a list of one reads best as one"
)]

mod domains;
mod hosts;
mod objects;
mod python;
mod rest;

mod state;

use std::collections::BTreeSet;
use std::sync::Mutex;

use tokio::time::timeout;
use virt_tests::{Config, Daemon, libvirt, libvirt::PATIENCE};
use virt_tokio::protocol::{self, Request, Response};
use virt_tokio::{CallError, Client, Options, Stream, connect};

use python::Python;

/// The least number of different procedures that have to succeed.
const PROCEDURES: usize = 200;

/// A client that notes the procedures that have succeeded.
struct Noted {
    client: Client,
    succeeded: Mutex<BTreeSet<&'static str>>,
}

impl protocol::Client for Noted {
    type Error = CallError;
    type Stream = Stream;

    async fn exchange(&self, request: Request) -> Result<Response<Stream>, CallError> {
        let name = request.name;
        let response = timeout(PATIENCE, protocol::Client::exchange(&self.client, request));
        let response = response.await.expect("a reply within patience")?;
        self.succeeded.lock().expect("no panic").insert(name);
        Ok(response)
    }
}

/// Checks that a method returns what Python does.
macro_rules! same {
    ($peer:expr, $python:expr, $ours:expr) => {{
        let ours = serde_json::json!($ours);
        assert_eq!(ours, $peer.evaluate($python), "{}", $python);
    }};
}
pub(crate) use same;

#[tokio::test]
async fn two_hundred_procedures_return_what_libvirt_says() {
    if !libvirt::available("the methods of virt-protocol") || !python::available() {
        return;
    }
    let daemon = Daemon::start(&Config::default()).expect("libvirtd starts");
    let uri = daemon.unix_uri();
    let client = connect(&uri, Options::default()).await.expect("it is open");
    let noted = Noted {
        client,
        succeeded: Mutex::default(),
    };
    let mut python = Python::start(&uri);
    hosts::check(&noted, &mut python).await;
    domains::check(&noted, &mut python).await;
    state::check(&noted, &mut python).await;
    objects::check(&noted, &mut python).await;
    let succeeded = noted.succeeded.into_inner().expect("no panic");
    let count = succeeded.len();
    assert!(count >= PROCEDURES, "{count} have succeeded: {succeeded:?}");
}
