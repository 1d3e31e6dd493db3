//! Recorded connections of a real `virsh` to a real `libvirtd`: what our crates make of them.

mod decode;
mod record;

use std::env;
use std::sync::LazyLock;

use virt_remote::{RemoteServer, TestHypervisor};
use virt_testkit::bytes::PING;
use virt_tests::{Capture, Direction, libvirt};
use virt_transport::{Role, Transport};

use decode::decode;
use record::{HOST, SESSIONS, record};

type Result = std::result::Result<(), Box<dyn std::error::Error>>;

/// They are recorded first where the environment says `RECORD=1`.
static CAPTURES: LazyLock<Vec<Capture>> = LazyLock::new(|| {
    if env::var("RECORD").is_ok_and(|value| value == "1") {
        assert!(libvirt::available("recording"), "it needs libvirt");
        for session in &SESSIONS {
            let capture = record(session).expect("virsh and libvirtd work");
            capture.write().expect("it can be written");
        }
    }
    let read = |session: &record::Session| Capture::read(session.name).expect("it was recorded");
    SESSIONS.iter().map(read).collect()
});

#[test]
fn real_traffic_decodes_and_encodes_to_what_it_was() -> Result {
    for capture in &*CAPTURES {
        let mut words = format!("{}\n\n", capture.what);
        for (direction, frame) in &capture.frames {
            let mark = if *direction == Direction::Up {
                ">"
            } else {
                "<"
            };
            words += &format!("{mark} {}\n", decode(frame)?);
        }
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(capture.name.clone(), words);
        });
    }
    Ok(())
}

/// Frame by frame, keepalive included: the daemon's own PINGs have no counterpart here.
#[test]
fn a_server_of_ours_answers_as_the_real_daemon_has() -> Result {
    for capture in &*CAPTURES {
        let mut server = Transport::new(Role::Server).with_fds();
        let mut hypervisor = TestHypervisor::default();
        HOST.clone_into(&mut hypervisor.hostname);
        server.register(RemoteServer::new(hypervisor))?;
        virt_keepalive::KeepAlive::new().register(&mut server)?;
        let mut ours = Vec::new();
        let mut theirs = Vec::new();
        for (direction, frame) in &capture.frames {
            match direction {
                Direction::Up => server.receive(frame)?,
                Direction::Down if frame == PING => {}
                Direction::Down => theirs.extend(frame),
            }
            server.write_to(&mut ours)?;
        }
        assert_eq!(ours, theirs, "{}", capture.name);
    }
    Ok(())
}
