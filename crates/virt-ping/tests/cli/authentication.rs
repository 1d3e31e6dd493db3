//! A daemon on a script that requires authentication.

use virt_tests::{Listener, Peer};

use crate::support::{AUTH_LIST, AUTH_POLKIT, Played, Then, run, snapshot};

/// A daemon that accepts SASL authentication only.
fn requiring_sasl(listener: Listener) -> Played {
    Played::start_on(listener, |frame, connection| {
        if frame.procedure() == AUTH_LIST {
            connection.send(&frame.reply(0, &[1, 1]), 0);
            return Then::Nothing;
        }
        Then::Answer
    })
}

#[test]
fn authentication_that_is_not_supported_has_its_own_status() {
    let daemon = requiring_sasl(Listener::unix().unwrap());
    snapshot!(run(&[&daemon.uri]), 4, @r#"virt-ping: test+unix:///default?socket=/DIR/sock: unix:/DIR/sock: cannot open the connection: daemon requires SASL authentication, which is not supported; try -r, or --raw, which needs none"#);
    daemon.finish();
}

#[test]
fn read_only_is_advised_where_there_is_a_socket_for_it() {
    let advice = |arguments: &[&str], listener: Listener| {
        let daemon = requiring_sasl(listener);
        let refused = run(&[arguments, &[&daemon.uri]].concat());
        daemon.finish();
        let (_, advice) = refused.stderr.split_once("; ").unwrap();
        advice.to_owned()
    };
    let neither = "try --raw, which needs none\n";
    assert_eq!(advice(&[], Listener::tcp().unwrap()), neither);
    assert_eq!(advice(&["-r"], Listener::unix().unwrap()), neither);
}

#[test]
fn the_words_of_polkit_are_shown_without_their_control_characters() {
    let daemon = Played::start(|frame, connection| match frame.procedure() {
        AUTH_LIST => {
            connection.send(&frame.reply(0, &[1, 2]), 0);
            Then::Nothing
        }
        AUTH_POLKIT => {
            // Code, domain, message "\e[2J", level; no domain; str1 to str3; ints; no network.
            let error = [45, 7, 1, 4, 0x1b5b_324a, 2, 0, 0, 0, 0, 0, 0, 0];
            connection.send(&frame.reply(1, &error), 0);
            Then::Nothing
        }
        _ => Then::Answer,
    });
    snapshot!(run(&["--check", &daemon.uri]), 4, @r#"test+unix:///default?socket=/DIR/sock: unix:/DIR/sock: cannot open the connection: daemon requires polkit authentication: \u{1b}[2J; try -r, another user, or --raw, which needs none"#);
    daemon.finish();
}
