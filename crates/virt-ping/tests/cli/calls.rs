//! Calls to a daemon on a script whose workers hang.

use crate::json::{check_summary, parse};
use crate::support::{DOMAIN_GET_INFO, Played, Then, run};

/// A daemon whose I/O loop answers PINGs, and whose workers hang.
fn hanging() -> Played {
    Played::start(|frame, _| match frame.procedure() {
        DOMAIN_GET_INFO => Then::Nothing,
        _ => Then::Answer,
    })
}

#[test]
fn workers_that_hang_are_found_by_calls_alone() {
    let daemon = hanging();
    let pinged = run(&["-c", "3", "-i", "0.01", "-W", "60", &daemon.uri]);
    assert_eq!(pinged.status, Some(0), "{pinged:?}");
    daemon.finish();

    let daemon = hanging();
    let called = run(&[
        "--mode",
        "rpc",
        "-c",
        "6",
        "-i",
        "0.01",
        "-W",
        "0.2",
        "--format",
        "json",
        &daemon.uri,
    ]);
    assert_eq!(called.status, Some(1), "{called:?}");
    let lines = parse(&called.stdout);
    check_summary(&lines);
    let summary = lines.last().unwrap();
    // With one more under way, a daemon would not read PINGs either.
    assert_eq!(
        (&summary["sent"], &summary["held_back"]),
        (&4.into(), &2.into())
    );
    daemon.finish();
}

#[test]
fn calls_that_are_held_back_are_reported() {
    let daemon = hanging();
    let run = run(&[
        "--mode",
        "rpc",
        "-c",
        "5",
        "-i",
        "0.01",
        "-W",
        "0.5",
        &daemon.uri,
    ]);
    let held = format!("held back from {}: seq=5, 4 are unanswered\n", daemon.uri);
    assert!(run.stdout.contains(&held), "{run:?}");
    let end = "4 calls sent, 0 replies received, 1 held back, 100% loss";
    assert!(run.stdout.contains(end), "{run:?}");
    daemon.finish();
}

#[test]
fn with_a_deadline_missed_calls_are_sent_again() {
    let mut calls = 0;
    let daemon = Played::start(move |frame, _| {
        if frame.procedure() == DOMAIN_GET_INFO {
            calls += 1;
            if calls == 1 {
                return Then::Nothing;
            }
        }
        Then::Answer
    });
    let run = run(&[
        "--mode",
        "rpc",
        "-c",
        "2",
        "-w",
        "60",
        "-i",
        "0.01",
        "-W",
        "3",
        &daemon.uri,
    ]);
    assert_eq!(run.status, Some(0), "{run:?}");
    let end = "3 calls sent, 2 replies received, 33.333% loss";
    assert!(run.stdout.contains(end), "{run:?}");
    daemon.finish();
}
