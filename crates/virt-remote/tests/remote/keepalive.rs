//! The negotiation of keepalive.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use virt_remote::RemoteServer;

use crate::support::{Server, hypervisor};

const ASK: &str = "> 00000020 20008086 00000001 0000003c 00000000 00000001 00000000 0000000a";
const YES: &str = "< 00000020 20008086 00000001 0000003c 00000001 00000001 00000000 00000001";
const NO: &str = "< 00000020 20008086 00000001 0000003c 00000001 00000001 00000000 00000000";

#[test]
fn the_owner_is_told_that_the_client_has_asked() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let server = RemoteServer::new(hypervisor()).on_keepalive(move || {
        counter.fetch_add(1, Ordering::Relaxed);
    });
    let mut server = Server::new(server);
    for times in 1..=2 {
        server.plays(&[ASK, YES].join("\n"));
        assert_eq!(asked.load(Ordering::Relaxed), times);
    }
}

#[test]
fn no_other_feature_starts_it() {
    let server = RemoteServer::new(hypervisor())
        .on_keepalive(|| panic!("the client has not asked for keepalive"));
    Server::new(server).plays(
        r#"
> 00000038 20008086 00000001 00000001 00000000 00000000 00000000 00000001 "test:///default" 00000000
< 0000001c 20008086 00000001 00000001 00000001 00000000 00000000
> 00000020 20008086 00000001 0000003c 00000000 00000001 00000000 00000009
< 00000020 20008086 00000001 0000003c 00000001 00000001 00000000 00000000
"#,
    );
}

#[test]
fn it_can_be_refused() {
    let server = RemoteServer::new(hypervisor()).refuse_keepalive();
    Server::new(server).plays(&[ASK, NO].join("\n"));
}
