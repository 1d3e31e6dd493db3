//! The examples and the documented accept loop under attack: a flood, a peer that reads nothing, no descriptors left.
#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    reason = "what helps a test may panic as a test may"
)]

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use tempfile::TempDir;
use virt_testkit::bytes::{PING, PONG};
use virt_testkit::{Example, wire};
use virt_tests::{Link, Process, Served, Target};

/// The memory in KiB that an example may take at most; a flood would take far more in a second.
const MEMORY: usize = 64 * 1024;

/// The time for a write that a peer may not take.
const PATIENCE: Duration = Duration::from_secs(2);

/// The longest wait for an example to give up, far beyond its own limits.
const GIVING_UP: Duration = Duration::from_secs(90);

/// Returns the peak of a process' memory in KiB, or `None` once it has ended.
fn peak(id: u32) -> Option<usize> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Sends PINGs and reads nothing, until no more are taken.
fn flood(mut socket: impl Write) {
    let pings = PING.repeat(1000);
    while socket.write_all(&pings).is_ok() {}
}

fn answers(mut socket: TcpStream) {
    socket
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    socket.write_all(PING).unwrap();
    let mut pong = [0; 28];
    socket.read_exact(&mut pong).unwrap();
    assert_eq!(pong, PONG);
}

/// Floods a server, and leaves it without descriptors; afterwards it answers.
fn attack(process: &Process, address: SocketAddr) {
    let flooding = TcpStream::connect(address).unwrap();
    flooding.set_write_timeout(Some(PATIENCE)).unwrap();
    flood(&flooding);
    let peak = peak(process.id()).unwrap();
    assert!(peak < MEMORY, "{peak} KiB");
    answers(TcpStream::connect(address).unwrap());

    let descriptors = u64::try_from(process.descriptors().unwrap()).unwrap();
    let limit = |limit| {
        let pid = Pid::from_raw(process.id().try_into().unwrap());
        let new = Rlimit {
            current: Some(limit),
            maximum: Some(1024),
        };
        prlimit(pid, Resource::Nofile, new).unwrap();
    };
    limit(descriptors + 3);
    let clients: Vec<_> = (0..20)
        .map(|_| TcpStream::connect(address).unwrap())
        .collect();
    thread::sleep(Duration::from_millis(300));
    drop(clients);
    limit(1024);
    answers(TcpStream::connect(address).unwrap());
}

#[test]
fn the_daemon_example_survives() {
    let example = Example {
        package: "virt-remote",
        name: "daemon",
    };
    example.build();
    let (words, output) = io::pipe().unwrap();
    let mut command = example.run();
    command
        .arg("127.0.0.1:0")
        .stdout(output)
        .stderr(Stdio::null());
    let process = Process::spawn(&mut command).unwrap();
    drop(command);
    let mut words = BufReader::new(words);
    let mut line = String::new();
    words.read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("listening on ").unwrap();
    // It goes on to say how connections end.
    thread::spawn(move || io::copy(&mut words, &mut io::sink()));
    attack(&process, address.parse().unwrap());
}

#[test]
fn the_accept_loop_of_a_server_survives() {
    let mut served = Served::start(env!("CARGO_BIN_EXE_virt-test-server"), 0, 0).unwrap();
    let Target::Tcp(address) = served.target(Link::Tcp) else {
        panic!("not a TCP socket");
    };
    attack(served.process(), address);
}

/// Answers the three calls that open a connection.
fn open(socket: &mut TcpStream) {
    for reply in [
        "00000020 20008086 00000001 00000042 00000001 00000001 00000000 00000000",
        "00000020 20008086 00000001 0000003c 00000001 00000002 00000000 00000001",
        "0000001c 20008086 00000001 00000001 00000001 00000003 00000000",
    ] {
        let mut length = [0; 4];
        socket.read_exact(&mut length).unwrap();
        let mut call = vec![0; u32::from_be_bytes(length) as usize - 4];
        socket.read_exact(&mut call).unwrap();
        socket.write_all(&wire(reply)).unwrap();
    }
}

/// Runs an example that connects to a peer that floods it; the example gives up by itself, and takes little memory.
fn gives_up(mut command: Command) {
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut process = Process::spawn(&mut command).unwrap();
    let end = Instant::now() + GIVING_UP;
    let mut most = 0;
    let status = loop {
        most = peak(process.id()).unwrap_or(0).max(most);
        if let Some(status) = process.ended().unwrap() {
            break status;
        }
        // Dropped, the process is killed.
        assert!(Instant::now() < end, "{command:?} does not give up");
        thread::sleep(Duration::from_millis(10));
    };
    assert!(!status.success(), "{status}");
    assert!(0 < most && most < MEMORY, "{most} KiB");
}

#[test]
fn the_connecting_examples_give_up_a_daemon_that_floods_and_does_not_read() {
    for (package, arguments) in [
        ("virt-tokio", &["test+tcp://ADDRESS/default"][..]),
        ("virt-remote", &["ADDRESS", "test:///default", "10"]),
    ] {
        let name = if package == "virt-tokio" {
            "connect"
        } else {
            "blocking"
        };
        let example = Example { package, name };
        example.build();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        thread::spawn(move || {
            let (mut socket, _) = listener.accept().unwrap();
            open(&mut socket);
            flood(&socket);
        });
        let mut command = example.run();
        command.args(
            arguments
                .iter()
                .map(|word| word.replace("ADDRESS", &address)),
        );
        gives_up(command);
    }
}

#[test]
fn the_pinging_example_gives_up_a_daemon_that_floods_and_does_not_read() {
    let example = Example {
        package: "virt-keepalive",
        name: "unix",
    };
    example.build();
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("sock");
    let listener = UnixListener::bind(&path).unwrap();
    thread::spawn(move || flood(listener.accept().unwrap().0));
    let mut command = example.run();
    command.arg(path);
    gives_up(command);
}
