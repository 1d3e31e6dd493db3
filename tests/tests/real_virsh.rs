//! The C client, against the private daemon and against a scripted server.

use virt_tests::{Config, Daemon, Event, Pattern, Peer, Shell, libvirt, virsh};

#[test]
fn virsh_and_the_daemon_know_each_other() {
    if !libvirt::available("virsh against libvirtd") {
        return;
    }
    let daemon = Daemon::start(&Config::default()).unwrap();
    for uri in [daemon.unix_uri(), daemon.tcp_uri()] {
        let output = virsh::run(&uri, &["uri"]).unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{said}");
        assert_eq!(said.trim(), uri);
    }
}

#[test]
fn virsh_fails_where_nobody_listens() {
    if !libvirt::available("virsh without a daemon") {
        return;
    }
    let mut daemon = Daemon::start(&Config::default()).unwrap();
    daemon.process().kill().unwrap();
    let output = virsh::run(&daemon.tcp_uri(), &["uri"]).unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("Connection refused"), "{said}");
}

#[test]
fn virsh_pings_count_times_and_says_why_it_closes() {
    if !libvirt::available("the keepalive of virsh") {
        return;
    }
    let mut shell = Shell::start(1, 2).unwrap();
    let ping = Pattern::parse(
        "0000001c 6b656570 00000001 00000001 00000002 00000000 00000000",
        false,
    );
    let ping = Event::Frame(ping.unwrap().bytes(0));
    assert_eq!(shell.receive(), ping);
    assert_eq!(shell.receive(), ping);
    assert_eq!(shell.receive(), Event::Closed);
    let said = shell.wait_for("Disconnected").unwrap();
    assert!(said.contains("keepalive timeout"), "{said}");
}

#[test]
fn virsh_says_why_it_closes_on_a_refused_length() {
    if !libvirt::available("the errors of virsh") {
        return;
    }
    let mut shell = Shell::start(0, 0).unwrap();
    shell.send(&[0, 0, 0, 3], 0);
    assert_eq!(shell.receive(), Event::Closed);
    let said = shell.wait_for("Disconnected").unwrap();
    assert!(said.contains("I/O error"), "{said}");
}
