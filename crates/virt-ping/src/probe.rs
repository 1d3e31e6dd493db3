//! What is sent to be answered: a PING, or a call.

use std::time::Duration;

use tokio::time::Instant;
use virt_remote::{NonnullDomain, PROGRAM, Procedure};
use virt_tokio::{CallError, Client};
use virt_transport::{CallProcedure, ProgramId};

use crate::options::Mode;

/// Sends one and waits for its answer; none will come if the connection is closed.
pub(crate) async fn probe(client: Client, mode: Mode) -> Option<Duration> {
    match mode {
        Mode::Keepalive => client.ping().await.ok(),
        Mode::Rpc => call(&client).await,
    }
}

/// Calls what takes a worker and costs it nothing: asks for a domain that there is not.
///
/// A daemon has workers of their own for calls of high priority, which most cheap ones are, so that these
/// are answered while all others hang. This one is of low priority; that there is no such domain is what an
/// ordinary worker has said.
async fn call(client: &Client) -> Option<Duration> {
    let start = Instant::now();
    let nobody = NonnullDomain {
        name: "virt-ping",
        uuid: [0; 16],
        id: -1,
    };
    match client.call::<DomainGetInfo>(&nobody).await {
        // Whatever the reply, there is one.
        Ok(()) | Err(CallError::Reply(_)) => Some(start.elapsed()),
        Err(_) => None,
    }
}

/// `DOMAIN_GET_INFO`, whose result is of no interest.
struct DomainGetInfo;

impl CallProcedure for DomainGetInfo {
    const PROGRAM: ProgramId = PROGRAM;
    const NUMBER: i32 = Procedure::DOMAIN_GET_INFO.0;
    const NAME: &'static str = "DOMAIN_GET_INFO";
    type Args<'a> = NonnullDomain<&'a str>;
    type Ret = ();
}
