//! Opening against the server of this crate.

use virt_remote::{AuthType, OpenError, Opened, Opening, RemoteServer, Step};

use super::opening;
use crate::support::{Server, hypervisor};

fn open(server: RemoteServer, mut opening: Opening) -> Result<Opened, OpenError> {
    let mut server = Server::new(server);
    loop {
        match opening.poll()? {
            Step::Call(call) => {
                let reply = server.call(call.procedure, &call.args);
                opening.on_reply(reply);
            }
            Step::Open(opened) => {
                assert!(server.with(|server, _| server.is_open()));
                return Ok(opened);
            }
            step => panic!("{step:?}"),
        }
    }
}

#[test]
fn a_server_is_opened_whatever_it_demands_and_grants() {
    let server = || RemoteServer::new(hypervisor());
    for (server, auth_type, keepalive) in [
        (server(), AuthType::NONE, true),
        (server().refuse_keepalive(), AuthType::NONE, false),
        (
            server()
                .demand_auth([AuthType::SASL, AuthType::POLKIT])
                .on_polkit(|| true),
            AuthType::POLKIT,
            true,
        ),
    ] {
        let opened = open(server, opening()).unwrap();
        assert_eq!(
            (opened.authenticated_by, opened.keepalive),
            (auth_type, keepalive)
        );
    }
}

#[test]
fn a_server_that_lets_nobody_in_says_why() {
    let server = |auth| RemoteServer::new(hypervisor()).demand_auth([auth]);
    for (auth, text) in [
        (
            AuthType::POLKIT,
            "daemon requires polkit authentication: authentication failed: authentication failed",
        ),
        (
            AuthType::SASL,
            "daemon requires SASL authentication, which is not supported",
        ),
    ] {
        let error = open(server(auth), opening()).unwrap_err();
        assert_eq!(error.to_string(), text);
    }
}
