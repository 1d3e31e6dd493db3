//! Our server against recorded answers of libvirt's daemon.

use virt_remote::{AuthType, RemoteServer};

use crate::support::{Server, hypervisor};

#[test]
fn a_client_opens_asks_and_closes() {
    let mut server = Server::test();
    server.plays(include_str!("transcripts/opening.txt"));
    assert!(server.with(|server, _| server.is_closed()));
}

#[test]
fn calls_before_open_are_refused_and_close_is_not() {
    let mut server = Server::test();
    server.plays(include_str!("transcripts/before-open.txt"));
    assert!(server.with(|server, _| server.is_closed() && !server.is_open()));
}

#[test]
fn only_a_name_with_a_driver_opens_and_only_once() {
    let mut server = Server::test();
    server.plays(include_str!("transcripts/open-errors.txt"));
    assert!(server.with(|server, _| server.is_open()));
}

#[test]
fn procedure_comes_before_authentication_and_that_before_the_payload() {
    let server = RemoteServer::new(hypervisor()).demand_auth([AuthType::SASL]);
    Server::new(server).plays(include_str!("transcripts/order-authentication.txt"));
}

#[test]
fn procedure_comes_before_the_payload_and_that_before_the_open_hypervisor() {
    Server::test().plays(include_str!("transcripts/order-payload.txt"));
}

#[test]
fn sasl_that_is_not_demanded_fails() {
    Server::test().plays(include_str!("transcripts/sasl.txt"));
}

#[test]
fn the_mock_hypervisor_has_one_domain() {
    Server::test().plays(include_str!("transcripts/domains.txt"));
}

#[test]
fn a_domain_pauses_and_resumes_with_events() {
    Server::test().plays(include_str!("transcripts/events.txt"));
}

#[test]
fn a_domain_has_a_state_and_a_reason() {
    Server::test().plays(include_str!("transcripts/state.txt"));
}

#[test]
fn a_connection_that_can_only_read_does_not_pause_a_domain() {
    Server::test().plays(include_str!("transcripts/read-only.txt"));
}
