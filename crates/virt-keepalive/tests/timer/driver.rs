//! The timer and the program together, as a driver uses them.

use std::time::{Duration, Instant};

use virt_keepalive::{KeepAlive, KeepAliveHandle, Tick, Timer};
use virt_testkit::bytes::{PING, PONG};
use virt_testkit::transport::drain_bytes;
use virt_transport::{Role, Transport};

use crate::support::{clock, seconds};

/// One end of a connection, as a driver holds it.
struct End {
    transport: Transport,
    keepalive: KeepAliveHandle,
    timer: Timer,
    last_heard: Instant,
}

impl End {
    fn new(role: Role, interval: Duration, count: u32, now: Instant) -> Self {
        let mut transport = Transport::new(role);
        let keepalive = KeepAlive::new().register(&mut transport).unwrap();
        Self {
            transport,
            keepalive,
            timer: Timer::new(interval, count, now),
            last_heard: now,
        }
    }

    fn poll(&mut self, now: Instant) -> Tick {
        let tick = self.timer.poll(now);
        if tick == Tick::Ping {
            self.keepalive.send_ping(&mut self.transport);
        }
        tick
    }

    fn receive(&mut self, bytes: &[u8], now: Instant) {
        if !bytes.is_empty() {
            self.timer.received(now);
            self.last_heard = now;
            self.transport.receive(bytes).unwrap();
        }
    }

    fn sent(&mut self) -> Vec<u8> {
        drain_bytes(&mut self.transport)
    }
}

#[test]
fn a_ping_that_is_due_goes_out_although_the_peer_has_just_pinged() {
    let at = clock();
    let mut end = End::new(Role::Client, seconds(5.0), 1, at(0.0));
    end.receive(PING, at(2.0));
    assert_eq!(end.sent(), PONG);
    assert_eq!(end.poll(at(7.0)), Tick::Ping);
    assert_eq!(end.sent(), PING);
    assert_eq!(end.poll(at(12.0)), Tick::Dead);
    assert_eq!(end.sent(), b"");
}

#[test]
fn a_count_above_the_programs_threshold_is_used_up() {
    let at = clock();
    let mut end = End::new(Role::Client, seconds(1.0), 30, at(0.0));
    for now in 1..=30 {
        assert_eq!(end.poll(at(f64::from(now))), Tick::Ping);
        assert_eq!(end.sent(), PING);
    }
    assert_eq!(end.poll(at(31.0)), Tick::Dead);
    assert_eq!(end.sent(), b"");
}

/// Both ends ping, as libvirt's do once they have agreed to; every frame takes half a second.
#[test]
fn two_ends_keep_each_other_alive_until_the_link_breaks() {
    let at = clock();
    let mut client = End::new(Role::Client, seconds(3.0), 1, at(0.0));
    let mut server = End::new(Role::Server, seconds(4.0), 1, at(0.0));
    let steps = |from: u32, to: u32| (from..to).map(|step| at(0.5 * f64::from(step)));

    for now in steps(1, 1000) {
        assert_ne!(client.poll(now), Tick::Dead);
        assert_ne!(server.poll(now), Tick::Dead);
        let (to_server, to_client) = (client.sent(), server.sent());
        let arrival = now + seconds(0.5);
        server.receive(&to_server, arrival);
        client.receive(&to_client, arrival);
    }

    for (mut end, interval) in [(client, 3.0), (server, 4.0)] {
        let dead = steps(1000, 1100).find(|&now| end.poll(now) == Tick::Dead);
        assert_eq!(dead, Some(end.last_heard + seconds(2.0 * interval)));
    }
}
