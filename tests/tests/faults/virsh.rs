//! The C client, and our server.

use std::sync::Mutex;
use std::thread;

use virt_tests::virsh::Session;
use virt_tests::{Direction, Fault, Link, Place, Proxy, Served, Trick, libvirt};

use crate::left::{Before, assert_closed};
use crate::{HARMLESS, LENGTH, PROGRAM, Result, SERIAL, SERVER, corruptions, faults};

/// The number that run at once.
const AT_ONCE: usize = 8;

/// For `virsh` a connection is open after five calls.
const OPENED: usize = 5;

/// It then registers a callback, and asks for the host's name.
const HOSTNAME: usize = 6;

#[test]
fn virsh_and_ours_say_why_they_close_behind_any_fault() -> Result {
    let before = Before::count()?;
    if !libvirt::available("virsh and a server of ours behind a proxy that plays tricks") {
        return Ok(());
    }
    let tricks = [&HARMLESS[..], &[Trick::Cut, Trick::Stop]].concat();
    let up = [
        (0, Place::START),
        (0, Place::LENGTH),
        (0, Place::HEADER),
        (1, Place::PAYLOAD),
        (2, Place::PAYLOAD),
        (HOSTNAME, Place::START),
        (HOSTNAME, Place::LENGTH),
        (HOSTNAME, Place::HEADER),
    ];
    let down = [
        (0, Place::START),
        (0, Place::LENGTH),
        (1, Place::PAYLOAD),
        (2, Place::HEADER),
        (HOSTNAME, Place::START),
        (HOSTNAME, Place::LENGTH),
        (HOSTNAME, Place::HEADER),
        (HOSTNAME, Place::PAYLOAD),
    ];
    let mut all = faults(&tricks, &up, &down);
    all.extend(corruptions(&[LENGTH, PROGRAM, SERIAL], &[0, HOSTNAME]));
    let cases = all
        .into_iter()
        .flat_map(|fault| [Link::Unix, Link::Tcp].map(|link| (link, fault)));
    let cases = Mutex::new(cases);
    let next = || cases.lock().expect("nobody panics with it").next();
    thread::scope(|scope| {
        let work = || {
            std::iter::from_fn(next).try_for_each(|(link, fault)| {
                let said = |error| format!("{fault} over {link:?}: {error}");
                play(link, fault).map_err(said)
            })
        };
        let workers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().expect("a case has failed"))
    })?;
    before.assert_nothing_left()
}

/// Each case has a server of its own, whose words are about that case.
fn play(link: Link, fault: Fault) -> Result {
    let mut server = Served::start(SERVER, 1, 2)?;
    let held = server.process().descriptors()?;
    let proxy = Proxy::start(server.target(link), fault)?;
    let mut virsh = Session::start(proxy.uri(), &["-k", "1", "-K", "2", "hostname"])?;
    proxy.wait_until_fired()?;
    if waits_for_ever(fault) {
        virsh.process().kill()?;
        drop(proxy);
        let closed = server.closed()?;
        assert!(closed.starts_with("connection closed: "), "{closed}");
        assert_closed(server.process(), held)?;
        return Ok(());
    }
    let said = virsh.said()?;
    let fine = said == ["localhost"];
    match fault.trick {
        Trick::Delay(_) | Trick::Trickle | Trick::Merge => assert!(fine, "{fault}: {said:?}"),
        Trick::Cut | Trick::Stop | Trick::Corrupt(_) => {
            let error = said.iter().any(|line| line.starts_with("error: "));
            assert!(error && !fine, "{fault}: {said:?}");
        }
    }
    drop(virsh);
    let closed = server.closed()?;
    let expected = match fault.trick {
        Trick::Stop => "connection closed: keepalive",
        _ if fine => "connection closed: client",
        Trick::Corrupt(_) if (fault.direction, fault.place.byte) == (Direction::Up, LENGTH.0) => {
            "connection closed: error"
        }
        _ => "connection closed: end of file",
    };
    assert!(closed.starts_with(expected), "{fault}: {closed}");
    drop(proxy);
    assert_closed(server.process(), held)
}

/// `virsh` starts its keepalive when the connection is open, and has no other time limit: a link that dies
/// before that is no news to it.
fn waits_for_ever(fault: Fault) -> bool {
    fault.trick == Trick::Stop && fault.place.frame < OPENED
}
