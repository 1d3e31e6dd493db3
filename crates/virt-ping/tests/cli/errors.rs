//! Failures to connect: one line with the address and advice, and a status.

use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::net::UnixListener;
use std::thread;

use tempfile::TempDir;
use virt_tests::Peer;

use crate::support::{CONNECT_OPEN, Played, Then, run, snapshot};

#[test]
fn no_socket_is_there() {
    snapshot!(run(&["test+unix:///default?socket=/nonexistent/sock"]), 2, @r#"virt-ping: test+unix:///default?socket=/nonexistent/sock: cannot connect to unix:/nonexistent/sock: No such file or directory (os error 2); start libvirtd, or try test:///default"#);
}

#[test]
fn nobody_listens_on_the_socket() {
    let directory = TempDir::with_prefix_in("virt-", "/tmp").unwrap();
    let path = directory.path().join("sock");
    drop(UnixListener::bind(&path).unwrap());
    let uri = format!("test+unix:///default?socket={}", path.display());
    snapshot!(run(&[&uri]), 2, @r#"virt-ping: test+unix:///default?socket=/DIR/sock: cannot connect to unix:/DIR/sock: Connection refused (os error 111); start libvirtd, or try test:///default"#);
}

#[test]
fn nobody_listens_on_the_port() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let uri = format!("qemu+tcp://{}/system", listener.local_addr().unwrap());
    drop(listener);
    snapshot!(run(&[&uri]), 2, @r#"virt-ping: qemu+tcp://127.0.0.1:PORT/system: cannot connect to tcp:127.0.0.1:PORT: Connection refused (os error 111); does the daemon listen on TCP there?"#);
}

#[test]
fn somebody_listens_and_says_nothing() {
    let directory = TempDir::with_prefix_in("virt-", "/tmp").unwrap();
    let path = directory.path().join("sock");
    let _silent = UnixListener::bind(&path).unwrap();
    let uri = format!("test+unix:///default?socket={}", path.display());
    // All at once, as each takes its time.
    let [connecting, all, check] = [
        &["--connect-timeout", "3"] as &[&str],
        &["-w", "3"],
        &["--check", "--connect-timeout", "3"],
    ]
    .map(|options| {
        let uri = uri.clone();
        thread::spawn(move || run(&[options, &[&uri]].concat()))
    });
    snapshot!(connecting.join().unwrap(), 2, @r#"virt-ping: test+unix:///default?socket=/DIR/sock: no answer from unix:/DIR/sock within 3 s, at step authenticate; is it stopped, or at its limit of clients? --raw asks the least of it"#);
    // The deadline of all is one of connecting, too.
    snapshot!(all.join().unwrap(), 2, @r#"virt-ping: test+unix:///default?socket=/DIR/sock: no answer from unix:/DIR/sock within 3 s, at step authenticate; is it stopped, or at its limit of clients? --raw asks the least of it"#);
    snapshot!(check.join().unwrap(), 2, @r#"test+unix:///default?socket=/DIR/sock: no answer from unix:/DIR/sock within 3 s, at step authenticate; is it stopped, or at its limit of clients? --raw asks the least of it"#);
}

#[test]
fn the_transport_is_not_there() {
    snapshot!(run(&["qemu://host/system"]), 2, @r#"virt-ping: qemu://host/system: cannot connect to tls:host:16514: only unix, tcp and test:///default are supported"#);
    snapshot!(run(&["qemu+ssh://host/system"]), 2, @r#"virt-ping: qemu+ssh://host/system: cannot connect to ssh:host /var/run/libvirt/libvirt-sock: only unix, tcp and test:///default are supported"#);
}

#[test]
fn the_uri_is_invalid() {
    snapshot!(run(&["qemu"]), 2, @r#"virt-ping: qemu: "qemu" names no driver: expected driver[+transport]://[user@][host][:port]/[path][?parameters]"#);
    snapshot!(run(&["qemu+telnet://host/system"]), 2, @r#"virt-ping: qemu+telnet://host/system: transport "telnet" is not one of unix, tcp, tls, ssh, libssh, libssh2, ext"#);
    snapshot!(run(&["--check", "\u{1b}[31m"]), 2, @r#"\u{1b}[31m: "\u{1b}[31m" names no driver: expected driver[+transport]://[user@][host][:port]/[path][?parameters]"#);
}

#[test]
fn the_hypervisor_is_not_there() {
    snapshot!(run(&["test:///other"]), 2, @r#"virt-ping: test:///other: path "/other" is not available in this process, only test:///default is (use test+unix:// to reach a daemon)"#);
}

#[test]
fn the_daemon_closes_before_the_connection_is_open() {
    let daemon = Played::start(|_, _| Then::Close);
    snapshot!(run(&[&daemon.uri]), 2, @r#"virt-ping: test+unix:///default?socket=/DIR/sock: unix:/DIR/sock: cannot open the connection: AUTH_LIST: connection closed: end of file; is the daemon at its limit of clients (max_clients)?"#);
    daemon.finish();
}

#[test]
fn another_service_is_recognised_by_its_first_word() {
    for (greeting, advice) in [
        (
            "SSH-2.0-OpenSSH_9.2\r\n",
            r#"an SSH server answers there, its first word is "SSH-""#,
        ),
        (
            "HTTP/1.1 400 Bad Request\r\n",
            r#"a web server answers there, its first word is "HTTP""#,
        ),
        (
            "220 mail.example.com\r\n",
            r#"another service answers there, its first word is "220 ""#,
        ),
    ] {
        // While the connection opens, and while it is pinged.
        for (option, exit) in [("-q", 2), ("--raw", 1)] {
            let daemon = Played::start(move |_, connection| {
                connection.send(greeting.as_bytes(), 0);
                Then::Nothing
            });
            let run = run(&[option, "-c", "1", "-W", "60", &daemon.uri]);
            let output = format!("{}{}", run.stdout, run.stderr);
            assert!(output.contains(&format!("; {advice}\n")), "{output}");
            assert_eq!(run.status, Some(exit), "{output}");
            daemon.finish();
        }
    }
}

#[test]
fn the_daemon_does_not_have_the_hypervisor() {
    let daemon = Played::start(|frame, connection| {
        if frame.procedure() != CONNECT_OPEN {
            return Then::Answer;
        }
        // Code, domain, message "none", level; no domain; str1 to str3; ints; no network.
        let error = [38, 0, 1, 4, 0x6e6f_6e65, 2, 0, 0, 0, 0, 0, 0, 0];
        connection.send(&frame.reply(1, &error), 0);
        Then::Nothing
    });
    snapshot!(run(&[&daemon.uri]), 2, @r#"virt-ping: test+unix:///default?socket=/DIR/sock: unix:/DIR/sock: cannot open the connection: CONNECT_OPEN: none"#);
    daemon.finish();
}
