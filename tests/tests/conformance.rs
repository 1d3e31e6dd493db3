//! The corpus in `conformance/`, held against a real `libvirtd`, a real `virsh` and our own two ends, and the
//! page that says what came of it.

use std::path::Path;
use std::sync::LazyLock;
use std::{env, fs};

use virt_tests::page::{self, Chapter};
use virt_tests::{
    Config, Daemon, Link, Ours, Outcome, Role, Script, Shell, Storage, corpus, libvirt, play,
};

type Played = Vec<(Script, Outcome)>;

static LIBVIRTD: LazyLock<Option<Played>> = LazyLock::new(|| {
    if !libvirt::available("the conformance corpus against libvirtd") {
        return None;
    }
    let config = Config::default()
        .number("keepalive_interval", -1)
        .in_order();
    let scripts = corpus::load(Role::Daemon).expect("the corpus can be read");
    let volumes = scripts.iter().filter(|script| script.opens_stream());
    let volumes = volumes.map(|script| script.name.as_str());
    let storage = Storage::start(config.clone(), volumes).expect("it starts");
    let daemon = Daemon::start(&config.text("auth_tcp", "sasl")).expect("it starts");
    Some(corpus::play_all(Role::Daemon, |script| {
        let connection = match script.link {
            Link::Unix if script.opens_stream() => storage.unix(),
            Link::Unix => daemon.unix(),
            Link::Tcp => daemon.tcp(),
        };
        let mut connection = connection.expect("it takes clients");
        play(Role::Daemon, &script.real, &mut connection)
    }))
});

static VIRSH: LazyLock<Option<Played>> = LazyLock::new(|| {
    if !libvirt::available("the conformance corpus against virsh") {
        return None;
    }
    Some(corpus::play_all(Role::Client, |script| {
        let mut shell = Shell::start(0, 0).expect("it starts");
        play(Role::Client, &script.real, &mut shell)
    }))
});

static OUR_SERVER: LazyLock<Played> = LazyLock::new(|| {
    corpus::play_all(Role::Daemon, |script| {
        play(Role::Daemon, script.ours(), &mut Ours::server(script.link))
    })
});

static OUR_CLIENT: LazyLock<Played> = LazyLock::new(|| {
    corpus::play_all(Role::Client, |script| {
        play(Role::Client, script.ours(), &mut Ours::client())
    })
});

#[test]
fn libvirtd_does_what_the_daemon_scripts_say() {
    if let Some(played) = &*LIBVIRTD {
        corpus::assert_all(played);
    }
}

#[test]
fn virsh_does_what_the_client_scripts_say() {
    if let Some(played) = &*VIRSH {
        corpus::assert_all(played);
    }
}

#[test]
fn our_server_does_what_the_daemon_scripts_say() {
    corpus::assert_all(&OUR_SERVER);
}

#[test]
fn our_client_does_what_the_client_scripts_say() {
    corpus::assert_all(&OUR_CLIENT);
}

/// Checks the page; without libvirt, its own text takes the place of the real peers' answers.
#[test]
fn the_page_in_docs_says_what_was_answered() {
    let update = env::var("UPDATE").is_ok_and(|value| value == "1");
    let real = libvirt::available("the real peers' answers in docs/conformance.md");
    assert!(real || !update, "the page cannot be made without libvirt");

    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/conformance.md");
    let before = if update {
        String::new()
    } else {
        fs::read_to_string(&file).expect("the page is there")
    };
    let chapters = [
        Chapter {
            role: Role::Daemon,
            ours: &OUR_SERVER,
            real: LIBVIRTD.as_deref(),
        },
        Chapter {
            role: Role::Client,
            ours: &OUR_CLIENT,
            real: VIRSH.as_deref(),
        },
    ];
    let page = page::render(&chapters, &before);
    if update {
        fs::write(&file, page).expect("the page can be written");
    } else {
        let stale = page != before;
        assert!(
            !stale,
            "docs/conformance.md is stale; to mend it: {}",
            page::COMMAND
        );
    }
}
