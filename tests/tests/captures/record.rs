//! Recording: `virsh` and `libvirtd` with a proxy between them.

use virt_remote::Procedure;
use virt_testkit::bytes::PONG;
use virt_tests::virsh::{self, Session as Shell};
use virt_tests::{Capture, Config, Daemon, Direction, Proxy, Target};

/// The name written in place of the host's own.
pub(crate) const HOST: &str = "host.example";

/// Something to be recorded.
pub(crate) struct Session {
    pub(crate) name: &'static str,
    what: &'static str,
    kind: Kind,
}

enum Kind {
    /// `virsh` does this and ends.
    Command(&'static [&'static str]),
    /// `virsh` does nothing, and one end is asked for PINGs each second.
    Idle { pings: Direction },
}

pub(crate) const SESSIONS: [Session; 8] = [
    Session {
        name: "hostname",
        what: "virsh hostname",
        kind: Kind::Command(&["hostname"]),
    },
    Session {
        name: "version",
        what: "virsh version",
        kind: Kind::Command(&["version"]),
    },
    Session {
        name: "version-of-daemon",
        what: "virsh version --daemon",
        kind: Kind::Command(&["version", "--daemon"]),
    },
    Session {
        name: "uri",
        what: "virsh uri",
        kind: Kind::Command(&["uri"]),
    },
    Session {
        name: "list",
        what: "virsh list",
        kind: Kind::Command(&["list"]),
    },
    Session {
        name: "error",
        what: "virsh domid nobody: there is no such domain",
        kind: Kind::Command(&["domid", "nobody"]),
    },
    Session {
        name: "keepalive-of-virsh",
        what: "virsh -k 1 with nothing to do: it sends PINGs",
        kind: Kind::Idle {
            pings: Direction::Up,
        },
    },
    Session {
        name: "keepalive-of-libvirtd",
        what: "virsh -k 0 with nothing to do, and keepalive_interval = 1: libvirtd sends PINGs",
        kind: Kind::Idle {
            pings: Direction::Down,
        },
    },
];

pub(crate) fn record(session: &Session) -> Result<Capture, Box<dyn std::error::Error>> {
    let pings = matches!(
        &session.kind,
        Kind::Idle {
            pings: Direction::Down
        }
    );
    let interval = if pings { 1 } else { -1 };
    let config = Config::default()
        .number("keepalive_interval", interval)
        .in_order();
    let daemon = Daemon::start(&config)?;
    let proxy = Proxy::start(Target::Unix(daemon.socket()), None)?;
    match &session.kind {
        Kind::Command(arguments) => drop(virsh::run(proxy.uri(), arguments)?),
        Kind::Idle { pings } => {
            let (interval, pongs) = match pings {
                Direction::Up => ("1", Direction::Down),
                Direction::Down => ("0", Direction::Up),
            };
            let mut shell = Shell::start(proxy.uri(), &["-k", interval])?;
            shell.run("hostname")?;
            proxy.wait_for(pongs, PONG, 2)?;
            shell.command("quit")?;
            shell.said()?;
        }
    }
    let Session { name, what, .. } = session;
    let mut capture = Capture::new(name, what, proxy.traffic());
    for (direction, frame) in &mut capture.frames {
        let procedure = frame.get(12..16);
        let replies =
            *direction == Direction::Down && frame.get(4..8) == Some(&[0x20, 0, 0x80, 0x86]);
        if replies && procedure == Some(&Procedure::CONNECT_GET_HOSTNAME.0.to_be_bytes()) {
            rename(frame)?;
        }
    }
    Ok(capture)
}

/// Puts the made-up name in the place of the host's own.
fn rename(reply: &mut Vec<u8>) -> Result<(), Box<dyn std::error::Error>> {
    reply.truncate(28);
    reply.extend(virt_xdr::to_vec(HOST)?);
    let length = u32::try_from(reply.len())?;
    reply[..4].copy_from_slice(&length.to_be_bytes());
    Ok(())
}
