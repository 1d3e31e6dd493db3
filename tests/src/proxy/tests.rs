use std::error::Error;
use std::net::{Ipv4Addr, TcpListener};

use virt_testkit::bytes::PING;

use super::*;
use crate::{Connection, Peer};

type Result = std::result::Result<(), Box<dyn Error>>;

/// Two frames of 32 bytes; their last words are 1 and 2.
fn frames() -> [Vec<u8>; 2] {
    [1, 2].map(|last| {
        let mut frame = vec![0; 32];
        (frame[3], frame[31]) = (32, last);
        frame
    })
}

/// Sends both frames, the second with a descriptor behind it, and says what comes out at the other end.
fn pass(fault: impl Into<Option<Fault>>) -> std::result::Result<Vec<Event>, Box<dyn Error>> {
    let listener = Listener::unix()?;
    let path = listener
        .uri()
        .split_once("socket=")
        .ok_or("no socket")?
        .1
        .into();
    let proxy = Proxy::start(Target::Unix(path), fault)?;
    let path = proxy.uri().split_once("socket=").ok_or("no socket")?.1;
    let client = Connection::unix(path.as_ref())?;
    let mut server = listener.accept()?;
    // What has nowhere to go any more, behind a cut, is no failure: what comes out tells.
    for frame in frames() {
        let _ = client.write(&frame, 0);
    }
    let _ = client.write(&[0], 1);
    client.finish()?;
    let stopped = proxy
        .shared
        .fault
        .is_some_and(|fault| fault.trick == Trick::Stop);
    if stopped {
        proxy.wait_until_fired()?;
        drop(proxy);
    }
    let events =
        std::iter::from_fn(|| Some(server.receive()).filter(|event| *event != Event::Closed));
    Ok(events.collect())
}

fn fault(trick: Trick, frame: usize, byte: usize) -> Fault {
    Fault {
        trick,
        direction: Direction::Up,
        place: Place { frame, byte },
    }
}

fn events() -> Vec<Event> {
    let [first, second] = frames();
    vec![
        Event::Frame(first),
        Event::Frame(second),
        Event::Descriptors(1),
    ]
}

#[test]
fn all_is_passed_on_however_it_is_cut() -> Result {
    assert_eq!(pass(None)?, events());
    let delay = Trick::Delay(Duration::from_millis(1));
    for trick in [delay, Trick::Trickle, Trick::Merge] {
        for byte in [Place::START, Place::LENGTH, Place::PAYLOAD, Place::END] {
            assert_eq!(
                pass(fault(trick, 1, byte))?,
                events(),
                "{trick:?} at {byte}"
            );
        }
    }
    Ok(())
}

#[test]
fn nothing_is_passed_on_behind_a_cut() -> Result {
    let [first, second] = frames();
    for trick in [Trick::Cut, Trick::Stop] {
        assert_eq!(pass(fault(trick, 0, Place::START))?, []);
        for byte in [Place::LENGTH, Place::HEADER, Place::PAYLOAD] {
            let cut = second[..byte].to_vec();
            let expected = [Event::Frame(first.clone()), Event::Frame(cut)];
            assert_eq!(
                pass(fault(trick, 1, byte))?,
                expected,
                "{trick:?} at {byte}"
            );
        }
        assert_eq!(pass(fault(trick, 1, Place::END))?, events()[..2]);
        assert_eq!(pass(fault(trick, 1, Place::START))?, events()[..1]);
    }
    Ok(())
}

#[test]
fn one_byte_is_corrupted() -> Result {
    let mut expected = frames();
    expected[1][Place::PAYLOAD] ^= 0x81;
    let seen = pass(fault(Trick::Corrupt(0x81), 1, Place::PAYLOAD))?;
    assert_eq!(seen[..2], expected.map(Event::Frame));
    Ok(())
}

#[test]
fn frames_of_keepalive_are_not_counted() -> Result {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let cut = fault(Trick::Cut, 1, Place::LENGTH);
    let proxy = Proxy::start(Target::Tcp(listener.local_addr()?), cut)?;
    let address = proxy.uri().trim_start_matches("test+tcp://");
    let client = Connection::tcp(address.trim_end_matches("/default").parse()?)?;
    let mut server = Connection::new(listener.accept()?.0.into())?;
    let [first, second] = frames();
    client.write(&[PING, &first, PING, PING, &second].concat(), 0)?;
    for frame in [PING, &first, PING, PING, &second[..Place::LENGTH]] {
        assert_eq!(server.receive(), Event::Frame(frame.to_vec()));
    }
    assert_eq!(server.receive(), Event::Closed);
    Ok(())
}

#[test]
fn what_has_passed_is_written_down() -> Result {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let proxy = Proxy::start(Target::Tcp(listener.local_addr()?), None)?;
    let address = proxy.uri().trim_start_matches("test+tcp://");
    let address = address.trim_end_matches("/default").parse()?;
    let mut client = Connection::tcp(address)?;
    let mut server = Connection::new(listener.accept()?.0.into())?;
    let [up, down] = frames();
    client.write(&up, 0)?;
    assert_eq!(server.receive(), Event::Frame(up.clone()));
    server.write(&down, 0)?;
    assert_eq!(client.receive(), Event::Frame(down.clone()));
    proxy.wait_for(Direction::Down, &down, 1)?;
    let expected = [
        (Direction::Up, Event::Frame(up)),
        (Direction::Down, Event::Frame(down)),
    ];
    assert_eq!(proxy.traffic(), expected);
    drop(proxy);
    assert_eq!(client.receive(), Event::Closed);
    assert_eq!(server.receive(), Event::Closed);
    Ok(())
}
