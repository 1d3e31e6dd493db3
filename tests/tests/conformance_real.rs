//! The corpus in `conformance/`, held against a real `libvirtd` and a real `virsh`.

use virt_tests::{Config, Daemon, Link, Role, Shell, corpus, libvirt, play};

#[test]
fn libvirtd_does_what_the_daemon_scripts_say() {
    if !libvirt::available("the conformance corpus against libvirtd") {
        return;
    }
    let config = Config::default()
        .text("auth_tcp", "sasl")
        .number("keepalive_interval", -1)
        .in_order();
    let daemon = Daemon::start(&config).unwrap();
    corpus::assert_all(Role::Daemon, |script| {
        let connection = match script.link {
            Link::Unix => daemon.unix(),
            Link::Tcp => daemon.tcp(),
        };
        play(Role::Daemon, &script.real, &mut connection.unwrap())
    });
}

#[test]
fn virsh_does_what_the_client_scripts_say() {
    if !libvirt::available("the conformance corpus against virsh") {
        return;
    }
    corpus::assert_all(Role::Client, |script| {
        play(Role::Client, &script.real, &mut Shell::start(0, 0).unwrap())
    });
}
