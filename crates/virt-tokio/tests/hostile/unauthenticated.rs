//! A client that has not authenticated: no program answers it, and PINGs are answered.

use virt_remote::{AuthType, RemoteServer, TestHypervisor};
use virt_testkit::words::{PING, PONG};
use virt_tokio::ServerOptions;

use crate::support::{Odd, guarded, serve};

/// Procedure 1 of a second program, and its answers.
const CALL: &str = "0000001c 20004242 00000001 00000001 00000000 00000001 00000000";
const ANSWER: &str = "0000001c 20004242 00000001 00000001 00000001 00000001 00000000";
const REQUIRED: &str = "00000088 20004242 00000001 00000001 00000001 00000001 00000001 \
     00000027 00000007 00000001 \"authentication required\" 00000002 00000000 \
     00000001 \"%s\" 00000001 \"authentication required\" 00000000 ffffffff ffffffff 00000000";

#[tokio::test]
async fn no_program_answers_it_but_pings_are_answered() {
    let (_server, mut peer) = serve(ServerOptions::default(), guarded);
    peer.says(CALL).await;
    peer.hears(REQUIRED).await;
    peer.says(PING).await;
    peer.hears(PONG).await;
    // AUTH_LIST needs no authentication.
    peer.says("0000001c 20008086 00000001 00000042 00000000 00000002 00000000")
        .await;
    peer.hears("00000024 20008086 00000001 00000042 00000001 00000002 00000000 00000001 00000002")
        .await;
}

#[tokio::test]
async fn one_that_authenticates_is_answered_by_all_programs() {
    let (_server, mut peer) = serve(ServerOptions::default(), |transport, _| {
        let remote = RemoteServer::new(TestHypervisor::default());
        transport.register(remote.demand_auth([AuthType::POLKIT]).on_polkit(|| true))?;
        transport.register(Odd::default()).map(drop)
    });
    peer.says(CALL).await;
    peer.hears(REQUIRED).await;
    peer.says("0000001c 20008086 00000001 00000046 00000000 00000002 00000000")
        .await;
    peer.hears("00000020 20008086 00000001 00000046 00000001 00000002 00000000 00000001")
        .await;
    peer.says(CALL).await;
    peer.hears(ANSWER).await;
}
