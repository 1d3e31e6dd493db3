//! The private daemon: that it is one, and what cannot be written as a script.

use std::fs;
use std::panic;
use std::thread;

use virt_testkit::wire;
use virt_testkit::words::{PING, PONG};
use virt_tests::{Config, Connection, Daemon, Event, Peer, libvirt};

/// May we send keepalive (feature 10)? It is also how a client says that it may be pinged.
const ASK_KEEPALIVE: &str =
    "00000020 20008086 00000001 0000003c 00000000 00000001 00000000 0000000a";
const YES: &str = "00000020 20008086 00000001 0000003c 00000001 00000001 00000000 00000001";

fn frame(words: &str) -> Event {
    Event::Frame(wire(words))
}

fn assert_answers(connection: &mut Connection) {
    connection.send(&wire(PING), 0);
    assert_eq!(connection.receive(), frame(PONG));
}

#[test]
fn a_daemon_answers_on_both_sockets_beside_another() {
    if !libvirt::available("two private daemons") {
        return;
    }
    let daemons = [(); 2].map(|()| Daemon::start(&Config::default()).unwrap());
    for daemon in &daemons {
        assert_answers(&mut daemon.unix().unwrap());
        assert_answers(&mut daemon.tcp().unwrap());
    }
    assert_ne!(daemons[0].socket(), daemons[1].socket());
    assert_ne!(daemons[0].address(), daemons[1].address());
}

#[test]
fn a_panic_leaves_neither_process_nor_file() {
    if !libvirt::available("the end of a private daemon") {
        return;
    }
    let mut daemon = Daemon::start(&Config::default()).unwrap();
    let directory = daemon.socket().parent().unwrap().to_owned();
    let process = format!("/proc/{}", daemon.process().id());
    assert!(fs::exists(&process).unwrap());
    let mut connection = daemon.unix().unwrap();

    let panicked = panic::catch_unwind(panic::AssertUnwindSafe(|| {
        let _daemon = daemon;
        panic!("on purpose");
    }));

    assert!(panicked.is_err());
    assert_eq!(connection.receive(), Event::Closed);
    assert!(!fs::exists(&process).unwrap(), "it is waited for, too");
    assert!(!fs::exists(directory).unwrap());
}

#[test]
fn a_daemon_that_cannot_start_says_why() {
    if !libvirt::available("a daemon that cannot start") {
        return;
    }
    let config = Config::default().text("auth_tcp", "nonsense");
    let error = Daemon::start(&config).unwrap_err().to_string();
    assert!(error.contains("nonsense"), "{error}");
}

#[test]
fn a_stopped_daemon_answers_once_it_goes_on() {
    if !libvirt::available("a stopped daemon") {
        return;
    }
    let mut daemon = Daemon::start(&Config::default()).unwrap();
    let mut connection = daemon.unix().unwrap();
    assert_answers(&mut connection);

    daemon.process().stop().unwrap();
    connection.send(&wire(PING), 0);
    daemon.process().resume().unwrap();

    assert_eq!(connection.receive(), frame(PONG));
}

#[test]
fn a_killed_daemon_closes_its_connections() {
    if !libvirt::available("a killed daemon") {
        return;
    }
    let mut daemon = Daemon::start(&Config::default()).unwrap();
    let mut connections = [daemon.unix().unwrap(), daemon.tcp().unwrap()];
    connections.iter_mut().for_each(assert_answers);
    daemon.process().kill().unwrap();
    for mut connection in connections {
        assert_eq!(connection.receive(), Event::Closed);
    }
}

#[test]
fn a_daemon_pings_count_times_and_closes() {
    if !libvirt::available("the keepalive of a daemon") {
        return;
    }
    let config = Config::default()
        .number("keepalive_interval", 1)
        .number("keepalive_count", 2);
    let daemon = Daemon::start(&config).unwrap();
    for mut connection in [daemon.unix().unwrap(), daemon.tcp().unwrap()] {
        connection.send(&wire(ASK_KEEPALIVE), 0);
        for expected in [YES, PING, PING] {
            assert_eq!(connection.receive(), frame(expected));
        }
        assert_eq!(connection.receive(), Event::Closed);
    }
}

#[test]
fn any_frame_starts_a_daemons_count_again() {
    if !libvirt::available("the keepalive of a daemon") {
        return;
    }
    let count = 2;
    let config = Config::default()
        .number("keepalive_interval", 1)
        .number("keepalive_count", count);
    let daemon = Daemon::start(&config).unwrap();
    let daemon = &daemon;
    let nobody = "0000001c 12345678 00000001 00000001 00000002 00000000 00000000";
    thread::scope(|scope| {
        for answer in [PONG, PING, nobody] {
            scope.spawn(move || {
                let mut connection = daemon.unix().unwrap();
                connection.send(&wire(ASK_KEEPALIVE), 0);
                // Were the answer nothing to the daemon, it would close after `count` PINGs.
                let mut pings = 0;
                while pings <= count {
                    let event = connection.receive();
                    assert_ne!(event, Event::Closed, "after {pings} times {answer}");
                    if event == frame(PING) {
                        pings += 1;
                        connection.send(&wire(answer), 0);
                    }
                }
            });
        }
    });
}

#[test]
fn the_end_of_what_is_sent_ends_the_connection() {
    if !libvirt::available("half-closed connections") {
        return;
    }
    let daemon = Daemon::start(&Config::default()).unwrap();
    for begun in [&wire(PING)[..0], &wire(PING)[..2], &wire(PING)[..27]] {
        for mut connection in [daemon.unix().unwrap(), daemon.tcp().unwrap()] {
            connection.send(begun, 0);
            connection.finish().unwrap();
            assert_eq!(
                connection.receive(),
                Event::Closed,
                "after {} bytes",
                begun.len()
            );
        }
    }
}
