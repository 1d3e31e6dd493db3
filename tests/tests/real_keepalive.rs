//! Our keepalive program against a real daemon's, over a real socket.

#![allow(
    clippy::unwrap_used,
    reason = "what helps a test may fail as a test does"
)]

use std::io::Read;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{self, Receiver};

use virt_keepalive::{KeepAlive, KeepAliveContext, KeepAliveHandle, Ping};
use virt_testkit::Example;
use virt_tests::{Config, Daemon, libvirt};
use virt_transport::{Calls, Handle, Incoming, Role, Transport};
use virt_xdr::from_slice;

const EXAMPLE: Example = Example {
    package: "virt-keepalive",
    name: "unix",
};

const MAX_INACTIVE: usize = 20;

#[test]
fn every_ping_gets_its_pong() {
    if !libvirt::available("PONGs of a real daemon") {
        return;
    }
    let daemon = Daemon::start(&Config::default()).unwrap();
    let mut client = Client::connect(&daemon, |link| link.pong());
    for pongs in 1..=10 {
        assert_eq!(client.ping(), Ping::Sent);
        client.read_until(|heard| heard.pongs == pongs);
        assert_eq!(client.inactive(), 0);
    }
    assert_eq!(client.heard.pings, 0, "nobody has asked for the daemon's");
}

#[test]
fn pings_that_go_out_together_are_answered_together() {
    if !libvirt::available("many PONGs of a real daemon") {
        return;
    }
    let daemon = Daemon::start(&Config::default()).unwrap();
    let mut client = Client::connect(&daemon, |link| link.pong());
    for _ in 0..MAX_INACTIVE {
        assert_eq!(client.ping(), Ping::Sent);
    }
    client.read_until(|heard| heard.pongs == MAX_INACTIVE);
    assert_eq!(client.inactive(), 0);
}

#[test]
fn a_daemon_that_gets_its_pongs_keeps_the_link() {
    if !libvirt::available("the keepalive of a real daemon") {
        return;
    }
    let config = Config::default()
        .number("keepalive_interval", 1)
        .number("keepalive_count", 3);
    let daemon = Daemon::start(&config).unwrap();
    let mut client = Client::connect(&daemon, |link| link.pong());
    client.ask_for_pings();
    // It closes one second after the third PING without an answer, so the sixth is long after that.
    client.read_until(|heard| heard.pings == 6);

    assert_eq!(client.inactive(), -1);
    assert_eq!(client.ping(), Ping::Skipped);
    assert_eq!(client.ping(), Ping::Sent);
    client.read_until(|heard| heard.pongs == 1);
}

#[test]
fn a_daemon_that_gets_no_pongs_drops_the_link() {
    if !libvirt::available("the end of a real daemon's patience") {
        return;
    }
    let daemon = Daemon::start(&one_ping_then_dead()).unwrap();
    let mut client = Client::connect(&daemon, |_| ());
    client.ask_for_pings();
    client.read_until_closed();
    assert_eq!(client.heard.pings, 1);
}

#[test]
fn a_stopped_daemon_lets_the_link_expire_and_revives_it_when_it_goes_on() {
    if !libvirt::available("a stopped daemon") {
        return;
    }
    let mut daemon = Daemon::start(&Config::default()).unwrap();
    let mut client = Client::connect(&daemon, |link| link.pong());
    assert_eq!(client.ping(), Ping::Sent);
    client.read_until(|heard| heard.pongs == 1);

    daemon.process().stop().unwrap();
    for _ in 0..MAX_INACTIVE {
        assert_eq!(client.ping(), Ping::Sent);
    }
    assert_eq!(client.ping(), Ping::Expired);

    daemon.process().resume().unwrap();
    client.read_until(|heard| heard.pongs == 1 + MAX_INACTIVE);
    assert_eq!(client.ping(), Ping::Sent);
    client.read_until(|heard| heard.pongs == 2 + MAX_INACTIVE);
}

#[test]
fn a_killed_daemon_closes_the_link() {
    if !libvirt::available("a killed daemon") {
        return;
    }
    let mut daemon = Daemon::start(&Config::default()).unwrap();
    let mut client = Client::connect(&daemon, |link| link.pong());
    assert_eq!(client.ping(), Ping::Sent);
    client.read_until(|heard| heard.pongs == 1);
    daemon.process().kill().unwrap();
    client.read_until_closed();
}

#[test]
fn the_example_pings_a_real_daemon() {
    if !libvirt::available("the example `unix`") {
        return;
    }
    EXAMPLE.build();
    let mut daemon = Daemon::start(&Config::default()).unwrap();
    let output = EXAMPLE.run().arg(daemon.socket()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let (mut pings, mut pongs) = (0, 0);
    for line in said(&output.stdout).lines() {
        match line {
            "PING" => pings += 1,
            // One that takes longer than a second comes behind the next PING, and none before its own.
            "PONG" if pongs < pings => pongs += 1,
            line => panic!("{line} after {pings} PINGs and {pongs} PONGs"),
        }
    }
    assert_eq!((pings, pongs), (5, 5));

    daemon.process().stop().unwrap();
    let output = EXAMPLE.run().arg(daemon.socket()).output().unwrap();
    assert!(!output.status.success(), "{output:?}");
    assert_eq!(said(&output.stdout), "PING\n".repeat(3));
    assert_eq!(
        said(&output.stderr),
        "Error: \"the daemon does not answer\"\n"
    );
}

fn said(words: &[u8]) -> &str {
    str::from_utf8(words).unwrap()
}

/// Whom it pings is to answer within a second.
fn one_ping_then_dead() -> Config {
    Config::default()
        .number("keepalive_interval", 1)
        .number("keepalive_count", 1)
}

/// A blocking client with our keepalive program, and what its callbacks were called for.
struct Client {
    socket: UnixStream,
    transport: Transport,
    keepalive: KeepAliveHandle,
    remote: Handle<Calls<()>>,
    callbacks: Receiver<fn(&mut Heard)>,
    heard: Heard,
}

#[derive(Debug, Default)]
struct Heard {
    pings: usize,
    pongs: usize,
}

impl Client {
    fn connect(
        daemon: &Daemon,
        mut on_ping: impl FnMut(&mut KeepAliveContext<'_, '_>) + Send + 'static,
    ) -> Self {
        let socket = UnixStream::connect(daemon.socket()).unwrap();
        socket.set_read_timeout(Some(libvirt::PATIENCE)).unwrap();
        let mut transport = Transport::new(Role::Client).with_fds();
        let (heard, callbacks) = mpsc::channel::<fn(&mut Heard)>();
        let acked = heard.clone();
        let keepalive = KeepAlive::new()
            .max_inactive(u32::try_from(MAX_INACTIVE).unwrap())
            .on_ack(move |_| acked.send(|heard| heard.pongs += 1).unwrap())
            .on_ping(move |link| {
                heard.send(|heard| heard.pings += 1).unwrap();
                on_ping(link);
            })
            .register(&mut transport)
            .unwrap();
        let remote = transport
            .register(Calls::new(virt_remote::PROGRAM))
            .unwrap();
        Self {
            socket,
            transport,
            keepalive,
            remote,
            callbacks,
            heard: Heard::default(),
        }
    }

    fn ping(&mut self) -> Ping {
        let ping = self.keepalive.ping(&mut self.transport);
        self.write();
        ping
    }

    fn inactive(&mut self) -> i64 {
        self.keepalive.inactive(&mut self.transport)
    }

    /// Tells the daemon that it may send PINGs, as a client of libvirt does.
    fn ask_for_pings(&mut self) {
        self.transport
            .with(&self.remote, |calls, cx| {
                calls.call(cx, SUPPORTS_FEATURE, &KEEPALIVE, ())
            })
            .unwrap();
        self.write();
        while self.transport.waiting_calls() > 0 {
            assert!(self.read());
        }
        match self.transport.with(&self.remote, |calls, _| calls.poll()) {
            Some(Incoming::Reply { result, .. }) => {
                assert_eq!(from_slice(&result.unwrap()), Ok(1));
            }
            other => panic!("{other:?}"),
        }
    }

    /// Reads and answers until that was heard.
    #[track_caller]
    fn read_until(&mut self, is_enough: impl Fn(&Heard) -> bool) {
        while !is_enough(&self.heard) {
            assert!(self.read(), "closed after {:?}", self.heard);
        }
    }

    fn read_until_closed(&mut self) {
        while self.read() {}
    }

    /// Reads once and writes the answers; false when the daemon has closed.
    #[track_caller]
    fn read(&mut self) -> bool {
        let read = self.socket.read(self.transport.space(4096)).unwrap();
        self.transport.commit(read).unwrap();
        self.write();
        for callback in self.callbacks.try_iter() {
            callback(&mut self.heard);
        }
        read > 0
    }

    fn write(&mut self) {
        self.transport.write_to(&mut self.socket).unwrap();
    }
}

const SUPPORTS_FEATURE: i32 = 60;
const KEEPALIVE: i32 = 10;
