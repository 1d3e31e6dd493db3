//! Plays a script to a peer.

use std::collections::VecDeque;
use std::fmt::Write;

use virt_testkit::bytes::PING;
use virt_testkit::words::PONG;

use crate::pattern::dump;
use crate::{End, Pattern, Role, Step, Transcript, Transfer};

/// The peer of a script: bytes in, frames or the end out. It need not be a socket.
pub trait Peer {
    /// Hands bytes to the peer, `descriptors` of them riding on this write.
    fn send(&mut self, bytes: &[u8], descriptors: usize);

    /// Returns the next answer; waits for it if the peer is another process.
    fn receive(&mut self) -> Event;

    /// Makes a client call procedure 59 of the remote program, without waiting for the reply.
    fn call(&mut self) {
        panic!("only a client can be made to call");
    }

    /// Makes a client open a volume's stream, without waiting for the reply.
    fn transfer(&mut self, transfer: &Transfer) {
        panic!("only a client can be made to open {transfer:?}");
    }

    /// Returns the outcome of a client's call or transfer: [`Event::Returned`], or [`Event::Silent`] while it waits.
    fn returned(&mut self) -> Event {
        panic!("only a client can be made to call");
    }
}

/// An answer of a [`Peer`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A frame, its length word included.
    Frame(Vec<u8>),
    /// A byte on which this many descriptors rode.
    Descriptors(usize),
    /// A client's call returned this text, or failed.
    Returned(Option<String>),
    /// The end: the peer closed.
    Closed,
    /// Nothing, and nothing will come before something is sent.
    Silent,
}

/// The actions of a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The observed steps, in a script's notation.
    pub transcript: String,
    /// The answers, in order, without those that prove that the connection stays.
    pub answers: Vec<Event>,
    /// The expected step; `None` if all was as written.
    pub mismatch: Option<String>,
}

/// Plays a transcript up to its end, or to the first thing that differs.
///
/// `stays` is not a matter of waiting: a fence is sent that every peer of the role answers once it
/// has dealt with all that came before, and whatever comes back ahead of the answer is in surplus.
pub fn play(role: Role, transcript: &Transcript, peer: &mut impl Peer) -> Outcome {
    let mut player = Player {
        peer,
        role,
        serial: 0,
        ahead: VecDeque::new(),
        seen: String::new(),
        answers: Vec::new(),
    };
    let mismatch = player.play(transcript).err();
    Outcome {
        transcript: player.seen,
        answers: player.answers,
        mismatch,
    }
}

struct Player<'a, P> {
    peer: &'a mut P,
    /// The role of the peer.
    role: Role,
    /// Of the last call that came from the peer.
    serial: u32,
    /// Frames of a stream that overtook the reply to the call that opened it.
    ahead: VecDeque<Event>,
    seen: String,
    answers: Vec<Event>,
}

impl<P: Peer> Player<'_, P> {
    fn play(&mut self, transcript: &Transcript) -> Result<(), String> {
        for step in &transcript.steps {
            self.step(step)?;
        }
        match transcript.end {
            End::Closes => match self.receive() {
                Event::Closed => Ok(()),
                _ => Err("closes".to_owned()),
            },
            End::Stays => self.fence(),
        }
    }

    fn step(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::Send(pattern, descriptors) => {
                let bytes = pattern.bytes(self.serial);
                let fds = match descriptors {
                    0 => String::new(),
                    1 => "fd ".to_owned(),
                    count => format!("fd*{count} "),
                };
                self.note(&format!("> {fds}{}", dump(&bytes)));
                self.peer.send(&bytes, *descriptors);
                Ok(())
            }
            Step::Frame(pattern) => match self.receive() {
                Event::Frame(frame) if pattern.matches(&frame) => Ok(()),
                _ => Err(format!("< {pattern}")),
            },
            Step::Descriptor => match self.receive() {
                Event::Descriptors(1) => Ok(()),
                _ => Err("< fd".to_owned()),
            },
            Step::Call => {
                self.note("call");
                self.peer.call();
                Ok(())
            }
            Step::Transfer(transfer) => {
                self.note(&transfer.to_string());
                match self.role {
                    Role::Client => self.peer.transfer(transfer),
                    Role::Daemon => self.open(transfer)?,
                }
                Ok(())
            }
            Step::Returned(expected) => {
                let event = self.peer.returned();
                self.note_event(&event);
                self.answers.push(event.clone());
                match event {
                    Event::Returned(returned) if returned == *expected => Ok(()),
                    _ => Err(say_returned(expected.as_deref())),
                }
            }
        }
    }

    /// Opens a connection and a volume's stream. The replies are not among the answers.
    fn open(&mut self, transfer: &Transfer) -> Result<(), String> {
        for (call, reply) in transfer.opening() {
            self.peer.send(&words(&call).bytes(0), 0);
            loop {
                let event = self.peer.receive();
                match &event {
                    Event::Frame(frame) if words(&reply).matches(frame) => break,
                    // A daemon's worker sends the reply and its main loop the download: either may come first.
                    Event::Frame(frame) if is_stream(frame) => self.ahead.push_back(event),
                    _ => {
                        self.note_event(&event);
                        return Err(format!("{transfer}: < {reply}"));
                    }
                }
            }
        }
        Ok(())
    }

    /// Sends what every peer of the role answers, and waits for the answers and nothing else.
    fn fence(&mut self) -> Result<(), String> {
        // The keepalive program answers a PING from the loop that reads, so its PONG says that all
        // before it was read. A daemon hands calls on to its workers: a call of a program that does
        // not exist is answered when the calls before it are.
        let mut awaited = vec![words(PONG)];
        self.peer.send(PING, 0);
        if self.role == Role::Daemon {
            let call = words("0000001c 7fffffff 00000001 00000001 00000000 7fffffff 00000000");
            self.peer.send(&call.bytes(0), 0);
            awaited.push(words(
                "........ 7fffffff 00000001 00000001 00000001 7fffffff 00000001 00000027 00000007 \
                 00000001 * 00000002 00000000 00000001 * 00000001 * 00000000 ffffffff ffffffff 00000000",
            ));
        }
        while !awaited.is_empty() {
            let event = self.next_event();
            let answer = match &event {
                Event::Frame(frame) => awaited.iter().position(|answer| answer.matches(frame)),
                _ => None,
            };
            match answer {
                Some(answer) => drop(awaited.swap_remove(answer)),
                None => {
                    self.note_event(&event);
                    return Err("stays".to_owned());
                }
            }
        }
        self.note("stays");
        Ok(())
    }

    fn next_event(&mut self) -> Event {
        match self.ahead.pop_front() {
            Some(event) => event,
            None => self.peer.receive(),
        }
    }

    fn receive(&mut self) -> Event {
        let event = self.next_event();
        if let Event::Frame(frame) = &event
            && frame.get(16..20) == Some(&[0; 4])
            && let Some(serial) = frame.get(20..24).and_then(<[u8]>::first_chunk)
        {
            self.serial = u32::from_be_bytes(*serial);
        }
        self.note_event(&event);
        self.answers.push(event.clone());
        event
    }

    fn note_event(&mut self, event: &Event) {
        self.note(&match event {
            Event::Frame(frame) => format!("< {}", dump(frame)),
            Event::Descriptors(1) => "< fd".to_owned(),
            Event::Descriptors(count) => format!("< fd*{count}"),
            Event::Returned(text) => say_returned(text.as_deref()),
            Event::Closed => "closes".to_owned(),
            Event::Silent => "(nothing comes)".to_owned(),
        });
    }

    fn note(&mut self, line: &str) {
        writeln!(self.seen, "{line}").expect("a string takes every line");
    }
}

fn say_returned(text: Option<&str>) -> String {
    text.map_or("fails".to_owned(), |text| format!("returns {text:?}"))
}

/// Returns true for a frame of type 3 or 6.
fn is_stream(frame: &[u8]) -> bool {
    matches!(frame.get(16..20), Some([0, 0, 0, 3 | 6]))
}

fn words(line: &str) -> Pattern {
    Pattern::parse(line, true).expect("the fence is written in a script's words")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Script;

    /// Says what it was told to, whatever it is sent.
    struct Parrot(VecDeque<Event>);

    impl Peer for Parrot {
        fn send(&mut self, _: &[u8], _: usize) {}

        fn receive(&mut self) -> Event {
            self.0.pop_front().unwrap_or(Event::Silent)
        }

        fn call(&mut self) {}

        fn returned(&mut self) -> Event {
            self.receive()
        }
    }

    fn frame(line: &str) -> Event {
        Event::Frame(words(line).bytes(0))
    }

    fn mismatch(script: &str, events: impl Into<VecDeque<Event>>) -> Option<String> {
        let script = Script::parse("case", Role::Client, &format!("# why\n{script}")).unwrap();
        play(script.role, &script.real, &mut Parrot(events.into())).mismatch
    }

    #[test]
    fn what_is_as_written_has_no_mismatch() {
        let script = "> 00\n< 0000000501\n< fd\ncall\nreturns \"x\"\nstays\n";
        let events = [
            frame("0000000501"),
            Event::Descriptors(1),
            Event::Returned(Some("x".to_owned())),
            frame(PONG),
        ];
        assert_eq!(mismatch(script, events), None);
        assert_eq!(
            mismatch("fails\ncloses\n", [Event::Returned(None), Event::Closed]),
            None
        );
    }

    #[test]
    fn what_differs_is_named() {
        for (script, event, expected) in [
            (
                "< 0000000501\nstays\n",
                frame("0000000502"),
                "< 00000005 01",
            ),
            ("< 0000000501\nstays\n", Event::Silent, "< 00000005 01"),
            ("< 0000000501\nstays\n", Event::Closed, "< 00000005 01"),
            ("< fd\nstays\n", Event::Descriptors(2), "< fd"),
            ("fails\nstays\n", Event::Silent, "fails"),
            (
                "returns \"x\"\nstays\n",
                Event::Returned(None),
                "returns \"x\"",
            ),
            ("stays\n", frame("0000000501"), "stays"),
            ("stays\n", Event::Closed, "stays"),
            ("stays\n", Event::Silent, "stays"),
            ("closes\n", frame("0000000501"), "closes"),
            ("closes\n", Event::Silent, "closes"),
        ] {
            assert_eq!(
                mismatch(script, [event]).as_deref(),
                Some(expected),
                "{script}"
            );
        }
    }

    #[test]
    fn a_daemon_stays_once_it_has_refused_the_call_of_the_fence_too() {
        let transcript = Transcript {
            steps: Vec::new(),
            end: End::Stays,
        };
        let mut parrot = Parrot([frame(PONG)].into());
        let outcome = play(Role::Daemon, &transcript, &mut parrot);
        assert_eq!(outcome.mismatch.as_deref(), Some("stays"));
        assert_eq!(outcome.transcript, "(nothing comes)\n");
    }

    #[test]
    fn a_stream_is_open_once_three_calls_are_answered_and_may_begin_before() {
        let data = "00000020 20008086 00000001 000000d1 00000003 00000003 00000002 61626364";
        let reply = "0000001c 20008086 00000001 000000d1 00000001 00000003 00000000";
        let script = format!("# why\ndownload\n< {data}\ncloses\n");
        let script = Script::parse("case", Role::Daemon, &script).unwrap();
        let outcome = |last: [&str; 2]| {
            let opening = [
                "00000024 20008086 00000001 00000042 00000001 00000000 00000000 00000001 00000000",
                "0000001c 20008086 00000001 00000001 00000001 00000002 00000000",
            ];
            let mut events: VecDeque<_> = [opening, last].concat().into_iter().map(frame).collect();
            events.push_back(Event::Closed);
            play(script.role, &script.real, &mut Parrot(events))
        };
        for last in [[reply, data], [data, reply]] {
            let outcome = outcome(last);
            assert_eq!(outcome.mismatch, None);
            assert_eq!(outcome.answers, [frame(data), Event::Closed]);
        }
        let expected = format!("download: < {reply}");
        assert_eq!(outcome([data, data]).mismatch, Some(expected));
    }

    #[test]
    fn a_serial_is_that_of_the_last_call() {
        struct Echo(Vec<u8>);
        impl Peer for Echo {
            fn send(&mut self, bytes: &[u8], _: usize) {
                self.0 = bytes.to_vec();
            }
            fn receive(&mut self) -> Event {
                match self.0.as_slice() {
                    [] => frame("0000001c 20008086 00000001 0000003b 00000000 00000007 00000000"),
                    _ => Event::Frame(self.0.clone()),
                }
            }
        }
        let script = "# why\n< 0000001c ........ ........ ........ 00000000 serial 00000000\n\
                      > 0000000c serial serial+1\n< 0000000c 00000007 00000008\ncloses\n";
        let script = Script::parse("case", Role::Client, script).unwrap();
        let outcome = play(Role::Client, &script.real, &mut Echo(Vec::new()));
        assert_eq!(outcome.mismatch.as_deref(), Some("closes"));
    }
}
