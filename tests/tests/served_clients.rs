//! Two scripts of real clients, which our mock hypervisor and that of a real daemon answer alike.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;
use virt_tests::{Config, Daemon, Link, Served, libvirt, virsh};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

const SERVER: &str = env!("CARGO_BIN_EXE_virt-test-server");
/// Debian's Python, which has the binding; another may come first on `PATH`.
const PYTHON: &str = "/usr/bin/python3";
const PYTHON_SCRIPT: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/served_clients/script.py"
);
const VIRSH_SCRIPT: &str = include_str!("served_clients/script.virsh");

/// The lines of `virsh` that only the daemon causes, each with the reason.
const ONLY_THE_DAEMON: [(&str, &str); 2] = [
    ("CPU time:", "the time of day there, and none here"),
    ("Security ", "the security model is not served"),
];

#[test]
fn the_python_binding_gets_the_answers_and_events_of_the_daemon() -> Result {
    if !libvirt::available("libvirt's Python binding against ours") || !has_binding()? {
        return Ok(());
    }
    let [real, ours] = of_both(python)?;
    assert_same(&real, &ours);
    // The script reached its end on both sides.
    assert!(real.lines().filter(|line| line.contains(" => ")).count() > 60);
    assert!(
        real.lines()
            .filter(|line| line.starts_with("event "))
            .count()
            > 60
    );
    Ok(())
}

#[test]
fn virsh_gets_the_answers_of_the_daemon() -> Result {
    if !libvirt::available("a script of virsh against ours and libvirtd") {
        return Ok(());
    }
    let files = TempDir::with_prefix_in("virt-", "/tmp")?;
    let script = script_of_virsh(files.path())?;
    let [real, ours] = of_both(|uri| run_virsh(uri, &script))?;
    let kept = |line: &&str| {
        ONLY_THE_DAEMON
            .iter()
            .all(|(only, _)| !line.starts_with(only))
    };
    let real: Vec<_> = real.lines().filter(kept).collect();
    assert_same(&real.join("\n"), ours.trim_end());
    assert!(script.len() > 60);
    Ok(())
}

/// Runs a client against a real daemon and ours.
fn of_both(client: impl Fn(&str) -> Result<String>) -> Result<[String; 2]> {
    let daemon = Daemon::start(&Config::default())?;
    let server = Served::start(SERVER, 0, 0)?;
    let uris = [daemon.unix_uri(), server.uri(Link::Unix)];
    let [real, ours] = &uris;
    // Each client may say its URI.
    let said = |uri: &str| Ok::<_, Box<dyn Error>>(client(uri)?.replace(uri, "URI"));
    Ok([said(real)?, said(ours)?])
}

/// Compares line by line, for a failure that shows the first difference and no more.
#[track_caller]
fn assert_same(real: &str, ours: &str) {
    let differs = |(_, (real, ours)): &(usize, (&str, &str))| real != ours;
    let mut lines = real.lines().zip(ours.lines()).enumerate();
    if let Some((line, (real, ours))) = lines.find(differs) {
        panic!("line {}: libvirtd: {real}\nours: {ours}", line + 1);
    }
    assert_eq!(real.lines().count(), ours.lines().count());
}

fn python(uri: &str) -> Result<String> {
    let output = Command::new(PYTHON).arg(PYTHON_SCRIPT).arg(uri).output()?;
    let said = String::from_utf8(output.stdout)?;
    if output.status.success() {
        return Ok(said);
    }
    Err(format!("{said}\n{}", String::from_utf8_lossy(&output.stderr)).into())
}

/// Runs each command by itself in one connection, and returns the answers and, behind them, the errors.
fn run_virsh(uri: &str, script: &[String]) -> Result<String> {
    let output = virsh::run(uri, &[&script.join("; ")])?;
    Ok(String::from_utf8(output.stdout)? + &String::from_utf8(output.stderr)?)
}

/// Writes the XML files of the script, and puts their paths in for their names.
fn script_of_virsh(files: &Path) -> Result<Vec<String>> {
    let domain = |name: &str, number: u32| {
        format!(
            "<domain type='test'><name>{name}</name>
            <uuid>11111111-2222-3333-4444-55555555555{number}</uuid>
            <memory unit='MiB'>64</memory><vcpu>2</vcpu><os><type>hvm</type></os></domain>"
        )
    };
    fs::write(files.join("one"), domain("one", 1))?;
    fs::write(files.join("two"), domain("two", 2))?;
    fs::write(
        files.join("bad"),
        "<domain type='test'>\n  <name>a</nam>\n</domain>",
    )?;
    let prefix = format!("{}/", files.display());
    let lines = VIRSH_SCRIPT.lines();
    Ok(lines.map(|line| line.replace('@', &prefix)).collect())
}

/// Returns `true` if Python has the binding; where CI=true it has to.
fn has_binding() -> Result<bool> {
    let probe = Command::new(PYTHON).args(["-c", "import libvirt"]).output();
    if probe.is_ok_and(|output| output.status.success()) {
        return Ok(true);
    }
    libvirt::left_out("libvirt's Python binding against ours", "python3-libvirt")?;
    Ok(false)
}
