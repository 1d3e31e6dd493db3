//! The C client, served by ours: on both sockets, with keepalive both ways, and left alone.

use std::error::Error;
use std::time::{Duration, Instant};

use virt_testkit::bytes::{PING, PONG};
use virt_tests::virsh::{self, Session};
use virt_tests::{Direction, Link, Proxy, Served, libvirt};

type Result = std::result::Result<(), Box<dyn Error>>;

const SERVER: &str = env!("CARGO_BIN_EXE_virt-test-server");
const LINKS: [Link; 2] = [Link::Unix, Link::Tcp];
/// The settings of `virsh` in the report behind this test: dead after 4 s.
const KEEPALIVE: [&str; 4] = ["-k", "1", "-K", "3"];

#[test]
fn virsh_is_told_the_host_the_versions_and_the_uri() -> Result {
    if !libvirt::available("virsh against a server of ours") {
        return Ok(());
    }
    let server = Served::start(SERVER, 0, 0)?;
    for link in LINKS {
        let uri = server.uri(link);
        let output = virsh::run(&uri, &["hostname; uri; version; list"])?;
        let said = String::from_utf8(output.stdout)?;
        assert!(output.status.success(), "{said}");
        let lines: Vec<_> = said.lines().filter(|line| !line.is_empty()).collect();
        assert_eq!(lines[..2], ["localhost", &uri]);
        for expected in [
            "Using API: TEST 9.0.0",
            "Running hypervisor: TEST 0.0.2",
            " 1   test   running",
        ] {
            assert!(lines.contains(&expected), "{expected}: {said}");
        }
        assert_eq!(server.closed()?, "connection closed: client");
    }
    Ok(())
}

#[test]
fn virsh_is_told_what_is_not_there() -> Result {
    if !libvirt::available("the errors of ours in virsh's words") {
        return Ok(());
    }
    let server = Served::start(SERVER, 0, 0)?;
    let output = virsh::run(&server.uri(Link::Unix), &["domid", "nobody"])?;
    let said = String::from_utf8(output.stderr)?;
    assert!(!output.status.success());
    assert!(said.contains("failed to get domain 'nobody'"), "{said}");
    Ok(())
}

#[test]
fn virsh_waits_for_every_kind_of_event_and_gets_those_that_happen() -> Result {
    if !libvirt::available("virsh event --all against ours") {
        return Ok(());
    }
    let server = Served::start(SERVER, 0, 0)?;
    let output = virsh::run(
        &server.uri(Link::Unix),
        &["event", "--all", "--timeout", "1"],
    )?;
    let said = String::from_utf8(output.stdout)? + &String::from_utf8(output.stderr)?;
    // Each client has a hypervisor of its own, and nobody suspends its domain.
    assert!(said.contains("event loop timed out"), "{said}");
    assert!(!said.contains("error"), "{said}");
    Ok(())
}

#[test]
fn virsh_stays_with_one_that_answers_its_pings() -> Result {
    if !libvirt::available("the PINGs of virsh, answered by ours") {
        return Ok(());
    }
    let server = Served::start(SERVER, 0, 0)?;
    for link in LINKS {
        let (proxy, mut virsh) = connect(&server, link, &KEEPALIVE)?;
        // One more than it would bear without an answer.
        proxy.wait_for(Direction::Down, PONG, 4)?;
        assert_eq!(virsh.run("hostname")?, ["localhost"]);
        assert_eq!(
            count(&proxy, Direction::Down, PING),
            0,
            "it was told to send none"
        );
    }
    Ok(())
}

#[test]
fn virsh_answers_the_pings_of_ours() -> Result {
    if !libvirt::available("the PINGs of ours, answered by virsh") {
        return Ok(());
    }
    let server = Served::start(SERVER, 1, 3)?;
    for link in LINKS {
        let (proxy, mut virsh) = connect(&server, link, &["-k", "0"])?;
        proxy.wait_for(Direction::Up, PONG, 4)?;
        assert_eq!(virsh.run("hostname")?, ["localhost"]);
        assert_eq!(
            count(&proxy, Direction::Up, PING),
            0,
            "it was told to send none"
        );
    }
    Ok(())
}

#[test]
fn each_end_pings_while_the_other_is_stopped_and_stays_when_it_goes_on() -> Result {
    if !libvirt::available("the PINGs of virsh and ours") {
        return Ok(());
    }
    for link in LINKS {
        let mut server = Served::start(SERVER, 1, 3)?;
        let (proxy, mut virsh) = connect(&server, link, &KEEPALIVE)?;

        // An end that hears the other's PINGs sends none itself: so each is kept from sending in turn.
        server.process().stop()?;
        let before = count(&proxy, Direction::Up, PING);
        proxy.wait_for(Direction::Up, PING, before + 1)?;
        server.process().resume()?;
        proxy.wait_for(Direction::Down, PONG, before + 1)?;

        virsh.process().stop()?;
        let before = count(&proxy, Direction::Down, PING);
        proxy.wait_for(Direction::Down, PING, before + 1)?;
        virsh.process().resume()?;
        proxy.wait_for(Direction::Up, PONG, before + 1)?;

        assert_eq!(virsh.run("hostname")?, ["localhost"]);
    }
    Ok(())
}

#[test]
fn virsh_leaves_one_that_stops_answering_and_says_why() -> Result {
    if !libvirt::available("virsh and a stopped server of ours") {
        return Ok(());
    }
    for link in LINKS {
        let mut server = Served::start(SERVER, 0, 0)?;
        let (proxy, virsh) = connect(&server, link, &KEEPALIVE)?;
        server.process().stop()?;
        let stopped = Instant::now();
        let said = virsh.wait_for("Disconnected")?;
        let took = stopped.elapsed();

        assert!(said.contains("due to keepalive timeout"), "{said}");
        let answered = count(&proxy, Direction::Down, PONG);
        assert_eq!(count(&proxy, Direction::Up, PING) - answered, 3);
        // 4 s, and as much again for a machine that has other things to do; unless told so, it waits for 30 s.
        assert!(took < Duration::from_secs(8), "{took:?}");

        server.process().resume()?;
        assert_eq!(server.closed()?, "connection closed: end of file");
    }
    Ok(())
}

#[test]
fn ours_leaves_a_virsh_that_stops_answering() -> Result {
    if !libvirt::available("ours and a stopped virsh") {
        return Ok(());
    }
    for link in LINKS {
        let server = Served::start(SERVER, 1, 1)?;
        let (_proxy, mut virsh) = connect(&server, link, &["-k", "0"])?;
        virsh.process().stop()?;
        assert_eq!(server.closed()?, "connection closed: keepalive");
    }
    Ok(())
}

#[test]
fn virsh_says_so_when_ours_is_killed() -> Result {
    if !libvirt::available("virsh and a killed server of ours") {
        return Ok(());
    }
    for link in LINKS {
        let mut server = Served::start(SERVER, 0, 0)?;
        let (_proxy, virsh) = connect(&server, link, &KEEPALIVE)?;
        server.process().kill()?;
        let said = virsh.wait_for("Disconnected")?;
        // Which of the two depends on what its poll says of a closed socket, and that on the kind of socket.
        let fits = ["due to end of file", "due to I/O error"];
        assert!(fits.iter().any(|reason| said.ends_with(reason)), "{said}");
    }
    Ok(())
}

#[test]
fn ours_says_so_when_virsh_is_killed() -> Result {
    if !libvirt::available("ours and a killed virsh") {
        return Ok(());
    }
    let server = Served::start(SERVER, 0, 0)?;
    for link in LINKS {
        let (_proxy, mut virsh) = connect(&server, link, &KEEPALIVE)?;
        virsh.process().kill()?;
        assert_eq!(server.closed()?, "connection closed: end of file");
    }
    Ok(())
}

/// A `virsh` that has connected through a proxy, and has nothing to do.
fn connect(
    server: &Served,
    link: Link,
    keepalive: &[&str],
) -> std::result::Result<(Proxy, Session), Box<dyn Error>> {
    let proxy = Proxy::start(server.target(link), None)?;
    let mut virsh = Session::start(proxy.uri(), keepalive)?;
    assert_eq!(virsh.run("hostname")?, ["localhost"]);
    Ok((proxy, virsh))
}

fn count(proxy: &Proxy, from: Direction, frame: &[u8]) -> usize {
    let same = |(direction, event): &(Direction, virt_tests::Event)| {
        *direction == from && *event == virt_tests::Event::Frame(frame.to_vec())
    };
    proxy.traffic().iter().filter(|seen| same(seen)).count()
}
