//! A probe of the daemon: a PING, or a call.

use std::time::Duration;

use tokio::time::Instant;
use virt_remote::{Domain, PROGRAM, Procedure};
use virt_tokio::protocol::Uuid;
use virt_tokio::{CallError, Client};
use virt_transport::{CallProcedure, ProgramId};

use crate::options::Mode;

/// Sends a probe, and returns the round trip; `None` if the connection is closed.
pub(crate) async fn probe(client: Client, mode: Mode) -> Option<Duration> {
    match mode {
        Mode::Keepalive => client.ping().await.ok(),
        Mode::Rpc => call(&client).await,
    }
}

/// Makes a call that takes a worker and costs it nothing: it asks for a domain that does not exist.
///
/// Most cheap calls have high priority, and a daemon keeps workers for those alone, which answer while all others hang.
/// This call has low priority, so an ordinary worker answers it, with the error that there is no such domain.
async fn call(client: &Client) -> Option<Duration> {
    let start = Instant::now();
    let no_domain = Domain {
        name: "virt-ping",
        uuid: Uuid::default(),
        id: -1,
    };
    match client.call::<DomainGetInfo>(&no_domain).await {
        // An error is a reply, too.
        Ok(()) | Err(CallError::Reply(_)) => Some(start.elapsed()),
        Err(_) => None,
    }
}

/// `DOMAIN_GET_INFO`, without its result.
struct DomainGetInfo;

impl CallProcedure for DomainGetInfo {
    const PROGRAM: ProgramId = PROGRAM;
    const NUMBER: i32 = Procedure::DOMAIN_GET_INFO.0;
    const NAME: &'static str = "DOMAIN_GET_INFO";
    type Args<'a> = Domain<&'a str>;
    type Ret = ();
}
