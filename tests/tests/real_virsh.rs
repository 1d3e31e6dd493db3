//! The C client, against the private daemon and against a scripted server.

use std::io;
use std::thread;
use std::time::Instant;

use virt_testkit::bytes::PING;
use virt_tests::{
    Config, Daemon, Event, Link, Listener, Ours, Pattern, Peer, Shell, libvirt, virsh,
};

const KEEPALIVE: [u8; 4] = *b"keep";

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
    let start = Instant::now();
    let mut shell = Shell::start(1, 2).unwrap();
    // On a slow machine a PING may cross the last reply, with which the count begins again: one a second.
    let crossed = start.elapsed().as_secs();
    let ping = Event::Frame(PING.to_vec());
    let mut pings = 0;
    let end = loop {
        match shell.receive() {
            event if event == ping => pings += 1,
            event => break event,
        }
    };
    assert_eq!(end, Event::Closed);
    assert!((2..=2 + crossed).contains(&pings), "{pings} PINGs");
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

#[test]
fn virsh_is_served_by_ours() {
    if !libvirt::available("virsh against a server of ours") {
        return;
    }
    for listener in [Listener::unix().unwrap(), Listener::tcp().unwrap()] {
        let uri = listener.uri().to_owned();
        let server = thread::spawn(move || {
            let mut connection = listener.accept()?;
            let mut ours = Ours::server(Link::Unix);
            while serve(&mut ours, &mut connection).is_some() {}
            io::Result::Ok(())
        });
        let output = virsh::run(&uri, &["hostname; uri"]).unwrap();
        server.join().unwrap().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{output:?}");
        assert_eq!(said.split_whitespace().collect::<Vec<_>>(), ["ours", &uri]);
    }
}

#[test]
fn virsh_stays_with_ours_that_answers_its_pings() {
    if !libvirt::available("the keepalive of virsh against a server of ours") {
        return;
    }
    let open = "00000024 20008086 00000001 00000001 00000000 00000000 00000000 00000000 00000000";
    let mut ours = Ours::server(Link::Unix);
    ours.send(&Pattern::parse(open, false).unwrap().bytes(0), 0);
    assert!(matches!(ours.receive(), Event::Frame(_)));

    // One PING that is not answered, and it would close.
    let mut shell = Shell::start(1, 1).unwrap();
    for _ in 0..3 {
        assert_eq!(serve(&mut ours, &mut shell), Some(KEEPALIVE));
    }
    shell.call();
    while serve(&mut ours, &mut shell) == Some(KEEPALIVE) {}
    assert_eq!(shell.returned(), Event::Returned(Some("ours".to_owned())));
}

/// Hands one frame of a client to a server, and what that sends back to the client; returns the program
/// it was for, `None` once either has closed.
fn serve(server: &mut Ours, client: &mut impl Peer) -> Option<[u8; 4]> {
    let Event::Frame(frame) = client.receive() else {
        return None;
    };
    server.send(&frame, 0);
    loop {
        match server.receive() {
            Event::Frame(back) => client.send(&back, 0),
            Event::Silent => return frame.get(4..)?.first_chunk().copied(),
            _ => return None,
        }
    }
}
