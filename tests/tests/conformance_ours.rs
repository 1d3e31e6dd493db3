//! The corpus in `conformance/`, held against our own two ends, in memory.

use virt_tests::{Ours, Role, corpus, play};

#[test]
fn our_server_does_what_the_daemon_scripts_say() {
    corpus::assert_all(Role::Daemon, |script| {
        play(Role::Daemon, script.ours(), &mut Ours::server(script.link))
    });
}

#[test]
fn our_client_does_what_the_client_scripts_say() {
    corpus::assert_all(Role::Client, |script| {
        play(Role::Client, script.ours(), &mut Ours::client())
    });
}
