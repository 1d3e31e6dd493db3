//! The authentication that a server demands.

use virt_remote::{AuthType, RemoteServer};

use crate::support::{Server, hypervisor};

const LIST: &str = "> 0000001c 20008086 00000001 00000042 00000000 00000000 00000000";
const NONE: &str =
    "< 00000024 20008086 00000001 00000042 00000001 00000000 00000000 00000001 00000000";

const POLKIT: &str = "> 0000001c 20008086 00000001 00000046 00000000 00000001 00000000";
const COMPLETE: &str = "< 00000020 20008086 00000001 00000046 00000001 00000001 00000000 00000001";
const FAILED: &str = r#"
< 000000b4 20008086 00000001 00000046 00000001 00000001 00000001
  0000002d 00000007 00000001 "authentication failed: authentication failed" 00000002 00000000
  00000001 "authentication failed: %s" 00000001 "authentication failed" 00000000 ffffffff ffffffff 00000000
"#;

/// `CONNECT_SUPPORTS_FEATURE` with keepalive, which needs authentication alone.
const FEATURE: &str = "> 00000020 20008086 00000001 0000003c 00000000 00000002 00000000 0000000a";
const SUPPORTED: &str = "< 00000020 20008086 00000001 0000003c 00000001 00000002 00000000 00000001";
const REQUIRED: &str = r#"
< 00000088 20008086 00000001 0000003c 00000001 00000002 00000001
  00000027 00000007 00000001 "authentication required" 00000002 00000000
  00000001 "%s" 00000001 "authentication required" 00000000 ffffffff ffffffff 00000000
"#;

#[test]
fn all_that_is_demanded_is_listed_in_its_order() {
    let server = RemoteServer::new(hypervisor()).demand_auth([AuthType::POLKIT, AuthType::SASL]);
    Server::new(server).plays(
        "> 0000001c 20008086 00000001 00000042 00000000 00000000 00000000\n\
         < 00000028 20008086 00000001 00000042 00000001 00000000 00000000 00000002 00000002 00000001",
    );
}

#[test]
fn polkit_authenticates_if_the_judge_agrees() {
    let polkit = RemoteServer::new(hypervisor()).demand_auth([AuthType::POLKIT]);
    let mut server = Server::new(polkit.on_polkit(|| true));
    server.plays(&[FEATURE, REQUIRED, POLKIT, COMPLETE, FEATURE, SUPPORTED].join("\n"));
    assert!(server.with(|server, _| server.is_authenticated()));
    server.plays(&[POLKIT, FAILED].join("\n"));
}

#[test]
fn polkit_lets_nobody_in_without_a_judge() {
    let polkit = RemoteServer::new(hypervisor()).demand_auth([AuthType::POLKIT]);
    let mut server = Server::new(polkit);
    server.plays(&[POLKIT, FAILED, FEATURE, REQUIRED].join("\n"));
    assert!(server.with(|server, _| !server.is_authenticated()));
}

#[test]
fn polkit_is_no_way_in_where_it_is_not_demanded() {
    let sasl = RemoteServer::new(hypervisor()).demand_auth([AuthType::SASL]);
    let mut server = Server::new(sasl.on_polkit(|| true));
    server.plays(&[POLKIT, FAILED, FEATURE, REQUIRED].join("\n"));
}

#[test]
fn a_list_with_none_demands_nothing() {
    for auth in [
        vec![AuthType::NONE],
        vec![AuthType::SASL, AuthType::NONE],
        vec![AuthType::NONE, AuthType::POLKIT],
    ] {
        let mut server = Server::new(RemoteServer::new(hypervisor()).demand_auth(auth));
        assert!(server.with(|server, _| server.is_authenticated()));
        server.plays(&[LIST, NONE, FEATURE, SUPPORTED, POLKIT, FAILED].join("\n"));
    }
}

#[test]
fn nothing_is_demanded_unless_it_is_said() {
    let mut server = Server::test();
    assert!(server.with(|server, _| server.is_authenticated()));
    server.plays(&[FEATURE, SUPPORTED].join("\n"));
}
