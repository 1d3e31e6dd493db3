//! The corpus in `conformance/`, held against a real `libvirtd` and a real `virsh`.

use virt_tests::{Config, Daemon, Link, Outcome, Role, Script, Shell, corpus, libvirt, play};

#[test]
fn libvirtd_does_what_the_daemon_scripts_say() {
    if !libvirt::available("the conformance corpus against libvirtd") {
        return;
    }
    let config = Config::default()
        .text("auth_tcp", "sasl")
        .number("keepalive_interval", -1)
        .in_order();
    let daemon = Daemon::start(&config).unwrap();
    assert_all(Role::Daemon, |script| {
        let connection = match script.link {
            Link::Unix => daemon.unix(),
            Link::Tcp => daemon.tcp(),
        };
        play(Role::Daemon, &script.real, &mut connection.unwrap())
    });
}

#[test]
fn virsh_does_what_the_client_scripts_say() {
    if !libvirt::available("the conformance corpus against virsh") {
        return;
    }
    assert_all(Role::Client, |script| {
        play(Role::Client, &script.real, &mut Shell::start(0, 0).unwrap())
    });
}

/// Plays every script of a role and tells of all that differ, not of the first alone.
fn assert_all(role: Role, mut play: impl FnMut(&Script) -> Outcome) {
    let scripts = corpus::load(role).expect("the corpus can be read");
    assert!(!scripts.is_empty());
    let mut differ = Vec::new();
    for script in &scripts {
        let outcome = play(script);
        if let Some(expected) = outcome.mismatch {
            let Script { name, why, .. } = script;
            let seen = outcome.transcript;
            differ.push(format!("{name}: {why}\n{seen}instead of\n{expected}\n"));
        }
    }
    assert!(
        differ.is_empty(),
        "{} of {} scripts differ\n\n{}",
        differ.len(),
        scripts.len(),
        differ.join("\n")
    );
}
