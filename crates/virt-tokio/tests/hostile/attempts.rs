//! Attempts to authenticate are limited.

use virt_remote::{AuthType, RemoteServer, TestHypervisor};
use virt_testkit::peer::soon;
use virt_tokio::{CloseReason, Control, Server, ServerOptions};
use virt_transport::{RegisterError, Transport};

use crate::support::{Stranger, guarded, serve};

/// Procedures that authenticate: polkit, and the steps of SASL, none of which succeeds.
const PROCEDURES: [u32; 4] = [0x46, 0x43, 0x44, 0x45];

/// Fails to authenticate so many times.
async fn fails(peer: &mut Stranger, times: usize) {
    for procedure in PROCEDURES.into_iter().cycle().take(times) {
        let call = format!("0000001c 20008086 00000001 {procedure:08x} 00000000 00000001 00000000");
        peer.says(&call).await;
        let refusal = soon(peer.frame()).await;
        assert_eq!(refusal[27], 1, "{refusal:02x?}");
    }
}

fn limited(limit: u32) -> impl FnOnce(&mut Transport, &Control) -> Result<(), RegisterError> {
    move |transport, control| {
        let close = control.clone();
        let remote = RemoteServer::new(TestHypervisor::default())
            .demand_auth([AuthType::POLKIT, AuthType::SASL])
            .authentication_failures(limit)
            .on_close(move || close.close());
        transport.register(remote).map(drop)
    }
}

async fn is_closed(server: &Server, peer: &mut Stranger) {
    peer.hears_the_end().await;
    assert_eq!(soon(server.closed()).await.reason(), CloseReason::Client);
}

#[tokio::test]
async fn the_eighth_failure_is_answered_and_closes() {
    let (server, mut peer) = serve(ServerOptions::default(), guarded);
    fails(&mut peer, 8).await;
    is_closed(&server, &mut peer).await;
}

#[tokio::test]
async fn the_limit_can_be_set() {
    for limit in [0, 1] {
        let (server, mut peer) = serve(ServerOptions::default(), limited(limit));
        fails(&mut peer, 1).await;
        is_closed(&server, &mut peer).await;
    }
}

#[tokio::test]
async fn the_limit_can_be_turned_off() {
    let (_server, mut peer) = serve(ServerOptions::default(), limited(u32::MAX));
    fails(&mut peer, 100).await;
}
