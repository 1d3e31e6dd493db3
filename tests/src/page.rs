//! `docs/conformance.md`: what the real peers and ours have answered to each script.

use std::collections::HashMap;
use std::fmt::Write;

use virt_transport::RemoteError;
use virt_xdr::{Frame, FrameDecoder, MessageType, Payload, Status, from_slice_lenient};

use crate::{Event, Outcome, Role, Script};

/// The command that regenerates the page.
pub const COMMAND: &str = "UPDATE=1 cargo test --package virt-tests --test conformance";

/// The results of a role's scripts.
#[derive(Debug)]
pub struct Chapter<'a> {
    /// The end under test.
    pub role: Role,
    /// The answer of ours.
    pub ours: &'a [(Script, Outcome)],
    /// The answers of the real peer, in the same order; `None` without libvirt.
    pub real: Option<&'a [(Script, Outcome)]>,
}

/// Makes the page. Where there is no libvirt, the page as it was says what the real peers have answered.
#[must_use]
pub fn render(chapters: &[Chapter<'_>], before: &str) -> String {
    let before = real_answers(before);
    let mut page = format!(
        "# Conformance\n\n\
         <!-- Made by `{COMMAND}`, which needs libvirt. Do not edit. -->\n\n\
         What a real libvirt and ours have answered to the scripts in [`tests/conformance`](../tests/conformance):\n\
         bytes in, frames and the end out. Both are played each script by `tests/tests/conformance.rs`, which fails\n\
         when an answer is not as the script says, and when this page is not as the answers are.\n"
    );
    for Chapter { role, ours, real } in chapters {
        let (title, peer, directory) = match role {
            Role::Daemon => ("What a daemon does", "libvirtd", "daemon"),
            Role::Client => ("What a client does", "virsh", "client"),
        };
        let count = ours.len();
        line(&mut page, &format!("\n## {title}\n\n{count} scripts.\n"));
        line(
            &mut page,
            &format!("| script | {peer} | ours |\n|---|---|---|"),
        );
        for (index, (script, outcome)) in ours.iter().enumerate() {
            let Script { name, why, .. } = script;
            let file = format!("../tests/conformance/{directory}/{name}.txt");
            let real = match real.and_then(|real| real.get(index)) {
                Some((_, outcome)) => answer(outcome),
                None => before.get(&*file).copied().unwrap_or_default().to_owned(),
            };
            let mut ours = answer(outcome);
            if let Some((reason, _)) = &script.ours {
                write!(ours, ": {reason}").expect("a string takes everything");
            } else if ours == real {
                "the same".clone_into(&mut ours);
            }
            let cells = [
                format!("[{name}]({file}): {}", why.replace('|', "\\|")),
                real,
                ours,
            ];
            line(&mut page, &format!("| {} |", cells.join(" | ")));
        }
    }
    page
}

/// The answers of the real peers in a page, by the script's file.
fn real_answers(page: &str) -> HashMap<&str, &str> {
    let row = |line| {
        let mut cells = str::split(line, " | ");
        let (_, script) = cells.next()?.split_once("](")?;
        let (file, _) = script.split_once("): ")?;
        Some((file, cells.next()?))
    };
    page.lines().filter_map(row).collect()
}

/// An answer in words, the same ones after each other only once.
fn answer(outcome: &Outcome) -> String {
    let mut said: Vec<(String, usize)> = Vec::new();
    for event in &outcome.answers {
        let words = describe(event);
        match said.last_mut() {
            Some((last, count)) if *last == words => *count += 1,
            _ => said.push((words, 1)),
        }
    }
    if !outcome.answers.contains(&Event::Closed) {
        said.push(("stays".to_owned(), 1));
    }
    let words = said.into_iter().map(|(words, count)| match count {
        1 => words,
        count => format!("{words} ({count} times)"),
    });
    words.collect::<Vec<_>>().join(", ")
}

fn describe(event: &Event) -> String {
    match event {
        Event::Frame(frame) => describe_frame(frame).unwrap_or_else(|| "no frame".to_owned()),
        Event::Descriptors(1) => "descriptor".to_owned(),
        Event::Descriptors(count) => format!("{count} descriptors in one"),
        Event::Returned(Some(_)) => "call returns".to_owned(),
        Event::Returned(None) => "call fails".to_owned(),
        Event::Closed => "closes".to_owned(),
        Event::Silent => "silence".to_owned(),
    }
}

/// Describes a frame without its payload, which may differ between machines, except for errors.
fn describe_frame(bytes: &[u8]) -> Option<String> {
    let mut decoder = FrameDecoder::new();
    decoder.push(bytes);
    let Frame { header, payload } = decoder.next_frame().ok()??;
    let keepalive = header.program.number == u32::from_be_bytes(*b"keep");
    Some(match (header.message_type, header.status) {
        (MessageType::MESSAGE, _) if keepalive && header.procedure == 1 => "PING".to_owned(),
        (MessageType::MESSAGE, _) if keepalive && header.procedure == 2 => "PONG".to_owned(),
        (MessageType::CALL, _) => format!("call {}", header.procedure),
        (MessageType::REPLY, Status::OK) => "reply".to_owned(),
        (MessageType::REPLY, Status::ERROR) => format!("error {}", describe_error(&payload)?),
        (MessageType::STREAM, Status::CONTINUE) if payload.as_slice().is_empty() => {
            "empty data".to_owned()
        }
        (MessageType::STREAM, Status::CONTINUE) => "data".to_owned(),
        (MessageType::STREAM_HOLE, Status::CONTINUE) => "hole".to_owned(),
        (MessageType::STREAM, Status::OK) => "finish".to_owned(),
        (MessageType::STREAM, Status::ERROR) if payload.as_slice().is_empty() => "abort".to_owned(),
        (MessageType::STREAM, Status::ERROR) => format!("abort {}", describe_error(&payload)?),
        (other, status) => format!("{other:?}, {status:?}"),
    })
}

fn describe_error(payload: &Payload<'_>) -> Option<String> {
    let error: RemoteError = from_slice_lenient(payload.as_slice()).ok()?;
    Some(format!("\"{}\"", error.message().replace('|', "\\|")))
}

fn line(page: &mut String, line: &str) {
    writeln!(page, "{line}").expect("a string takes every line");
}

#[cfg(test)]
mod tests {
    use virt_testkit::bytes::PONG;

    use super::*;

    fn played(name: &str, answers: &[Event]) -> (Script, Outcome) {
        let text = "# Why | how.\n> 00\nstays\n";
        let outcome = Outcome {
            transcript: String::new(),
            answers: answers.to_vec(),
            mismatch: None,
        };
        let script = Script::parse(name, Role::Daemon, text).unwrap();
        (script, outcome)
    }

    fn page(ours: &[Event], real: Option<&[Event]>, before: &str) -> String {
        let ours = [played("case", ours)];
        let real = real.map(|real| [played("case", real)]);
        let chapter = Chapter {
            role: Role::Daemon,
            ours: &ours,
            real: real.as_ref().map(|real| real.as_slice()),
        };
        render(&[chapter], before)
    }

    #[test]
    fn answers_are_in_words() {
        let pong = Event::Frame(PONG.to_vec());
        let row = "| [case](../tests/conformance/daemon/case.txt): Why \\| how. |";
        let same = page(
            &[pong.clone(), pong.clone()],
            Some(&[pong.clone(), pong.clone()]),
            "",
        );
        let expected = format!("{row} PONG (2 times), stays | the same |\n");
        assert!(same.ends_with(&expected), "{same}");
        let differ = page(&[Event::Closed], Some(&[pong, Event::Descriptors(1)]), "");
        let expected = format!("{row} PONG, descriptor, stays | closes |\n");
        assert!(differ.ends_with(&expected), "{differ}");
    }

    #[test]
    fn frames_of_a_stream_are_in_words() {
        let words = |message_type: u8, status: u8, payload: &[u8]| {
            let length = u8::try_from(28 + payload.len()).unwrap();
            let mut frame = vec![0, 0, 0, length];
            frame.extend([0; 15]);
            frame.extend([message_type, 0, 0, 0, 3, 0, 0, 0, status]);
            frame.extend(payload);
            describe(&Event::Frame(frame))
        };
        assert_eq!(words(3, 2, b"abcd"), "data");
        assert_eq!(words(3, 2, b""), "empty data");
        assert_eq!(words(6, 2, &[0; 12]), "hole");
        assert_eq!(words(3, 0, b""), "finish");
        assert_eq!(words(3, 1, b""), "abort");
        let error = [&[0; 8], &b"\0\0\0\x01\0\0\0\x01|\0\0\0"[..], &[0; 32]].concat();
        assert_eq!(words(3, 1, &error), "abort \"\\|\"");
        assert_eq!(words(3, 1, b"abcd"), "no frame");
        assert_eq!(words(6, 0, b""), "STREAM_HOLE, OK");
    }

    #[test]
    fn without_libvirt_the_page_speaks_for_it_and_ours_is_still_checked() {
        let made = page(&[Event::Closed], Some(&[Event::Closed]), "");
        assert_eq!(page(&[Event::Closed], None, &made), made);
        assert_ne!(page(&[Event::Returned(None)], None, &made), made);
        assert_ne!(page(&[Event::Closed], None, ""), made);
    }
}
