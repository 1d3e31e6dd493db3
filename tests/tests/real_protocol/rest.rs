//! Every call of the remote program with plausible arguments: none is refused for its payload.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::timeout;
use virt_tests::{Config, Daemon, libvirt};
use virt_tokio::protocol::remote::PROGRAM;
use virt_tokio::protocol::table::{self, Kind};
use virt_tokio::{CallError, Options, connect};
use virt_transport::ReplyError;

/// The generated table, for the layouts of arguments.
const TABLE: &str = include_str!("../../../crates/virt-protocol/src/table.txt");

/// Calls that are not made, each with its reason.
const EXCEPTIONS: [(&str, &str); 5] = [
    ("CONNECT_OPEN", "the connection is open already"),
    ("CONNECT_CLOSE", "it ends the connection"),
    (
        "AUTH_SASL_START",
        "a daemon without SASL has no exchange to start",
    ),
    ("AUTH_SASL_STEP", "it must not come before START"),
    ("NODE_SUSPEND_FOR_DURATION", "a daemon may do it"),
];

/// The longest wait for a reply. A call may wait for a stream or a guest.
const WAIT: Duration = Duration::from_secs(5);

/// The types by their names.
fn types() -> HashMap<&'static str, Vec<&'static str>> {
    let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
    let definition = |line: &'static str| {
        let mut words = line.split(' ');
        let kind = words.next()?;
        let name = words.next()?;
        let is_type = ["struct", "union", "enum", "flags"].contains(&kind);
        is_type.then(|| (name, std::iter::once(kind).chain(words).collect()))
    };
    lines.filter_map(definition).collect()
}

/// The type of the arguments of each call, by name.
fn arguments() -> HashMap<&'static str, &'static str> {
    let lines = TABLE
        .lines()
        .skip_while(|line| !line.starts_with("program remote "));
    let calls = lines
        .skip(1)
        .take_while(|line| !line.starts_with("program "));
    let words = calls.map(|line| line.split(' ').collect::<Vec<_>>());
    words
        .filter(|words| words[0] == "call")
        .map(|words| (words[2], words[3]))
        .collect()
}

/// Appends a plausible value of a type: the domain `test`, small numbers, no list that is too long.
fn append(types: &HashMap<&str, Vec<&'static str>>, layout: &str, field: &str, out: &mut Vec<u8>) {
    let word = |out: &mut Vec<u8>, number: u32| out.extend(number.to_be_bytes());
    let text = |out: &mut Vec<u8>, text: &[u8]| {
        out.extend(u32::try_from(text.len()).expect("short").to_be_bytes());
        out.extend(text);
        out.resize(out.len().next_multiple_of(4), 0);
    };
    let (name, rest) = layout.split_once(':').unwrap_or((layout, ""));
    match name {
        "-" => {}
        "hyper" | "uhyper" | "double" => out.extend([0; 8]),
        "uuid" => out.extend(*b"\x66\x95\xeb\x01\xf6\xa4\x83\x04\x79\xaa\x97\xf2\x50\x2e\x19\x3f"),
        "text" if field == "name" || field == "dom" => text(out, b"test"),
        "text" => text(out, b"<x/>"),
        "opaque" => text(out, &[1]),
        "characters" => word(out, 0),
        "list" => {
            let (_, item) = rest.split_once(':').expect("a bound and a type");
            word(out, 1);
            append(types, item, field, out);
        }
        "optional" => word(out, 0),
        "int" | "uint" | "char" | "uchar" | "short" | "ushort" | "bool" | "float" => word(out, 0),
        name => {
            let words = &types[name];
            match words[0] {
                "struct" => {
                    for field in &words[1..] {
                        let (name, layout) = field.split_once('=').expect("a field");
                        append(types, layout, name, out);
                    }
                }
                "union" => {
                    let (case, arm) = words[1].split_once('=').expect("an arm");
                    word(out, case.parse().expect("a number"));
                    append(types, arm.split_once(':').expect("a type").1, field, out);
                }
                _ => word(out, 0),
            }
        }
    }
}

#[tokio::test]
async fn no_call_is_refused_for_its_payload() {
    if !libvirt::available("every call of the remote program") {
        return;
    }
    let daemon = Daemon::start(&Config::default()).expect("libvirtd starts");
    let uri = daemon.unix_uri();
    // The mock hypervisor forgets all changes once it has no client.
    let (types, arguments) = (types(), arguments());
    let (mut answered, mut newer) = (0, 0);
    let (_, _, procedures) = table::programs()
        .find(|(id, ..)| *id == PROGRAM)
        .expect("it is there");
    for procedure in procedures
        .iter()
        .filter(|procedure| procedure.kind == Kind::Call)
    {
        let name = procedure.name;
        if EXCEPTIONS.iter().any(|(exception, _)| *exception == name) {
            continue;
        }
        let mut args = Vec::new();
        append(&types, arguments[name], "", &mut args);
        procedure
            .arguments(&args)
            .expect("the table decodes what follows it");
        // A connection each: some calls leave it in a state of its own.
        let client = connect(&uri, Options::default()).await.expect("it is open");
        let reply = timeout(WAIT, client.call_raw(PROGRAM, procedure.number, args)).await;
        let reply = reply.unwrap_or_else(|_| panic!("{name} is not answered"));
        match reply {
            Ok(payload) => {
                procedure
                    .result(&payload)
                    .unwrap_or_else(|error| panic!("{name}: {error}"));
            }
            Err(CallError::Reply(ReplyError::Remote(error))) => {
                let message = error.message();
                assert!(!message.contains("decode"), "{name}: {message}");
                // A daemon of 9.0.0 lacks those that came later, and no other.
                let is_newer = procedure.since != "9.0.0";
                if message.starts_with("unknown procedure") {
                    assert!(error.is_unsupported() && is_newer, "{name}: {message}");
                    newer += 1;
                }
            }
            Err(error) => panic!("{name}: {error}"),
        }
        answered += 1;
        client.close().await;
    }
    // All that are no messages and no exceptions.
    assert_eq!(
        answered, 396,
        "calls were answered, {newer} of them unknown"
    );
}
