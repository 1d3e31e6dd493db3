//! A case of the corpus, as its text file says it.
//!
//! ```text
//! # Why this case exists, in a sentence or two.
//! over tcp
//! > 0000001c 6b656570 00000001 00000001 00000002 00000000 00000000
//! < 0000001c 6b656570 00000001 00000002 00000002 00000000 00000000
//! stays
//! ```
//!
//! | line | meaning |
//! |---|---|
//! | `# text` | comment; the first block says why the case exists and is required |
//! | `over unix`, `over tcp` | the socket, `unix` unless said; authentication is demanded on `tcp` |
//! | `> words` | sent to the peer under test, in one write |
//! | `> fd words`, `> fd*2 words` | the same, with descriptors riding on it |
//! | `< words` | the next frame that comes back |
//! | `< fd` | the next thing that comes back is one byte with one descriptor |
//! | `call` | the client under test is to call procedure 59 of the remote program |
//! | `upload`, `download` | a volume's stream; with `sparse` in front, one that takes holes |
//! | `returns "text"`, `fails` | the outcome of the call or the transfer in the client under test |
//! | `stays`, `closes` | nothing else came back, and the connection is open or closed |
//! | `ours: reason` | what follows is ours, which differs on purpose; without it both are the same |
//!
//! An indented line continues the one above it. The words are described at [`Pattern`]: bytes in
//! hex, `00*12` for a repetition, `"text"` for an XDR string with its length and padding, `serial`
//! for the serial of the last call received, and in what comes back `........` for any word and `*`
//! for any string.
//!
//! To a daemon, `upload` and `download` open a connection to `storage:///session` and call procedure 208 or
//! 209 with serial 3, whose stream is then open. The volume is the script's own: 64 KiB of hole, and `abcd`.
//! A client uploads `abcd`, behind 64 KiB of hole if it is `sparse`; a download `returns` the contents, a `.`
//! for each zero. Its call for the stream comes back next.

use std::fmt;

use crate::{Pattern, Transfer, TransferKind};

/// One case: what is sent, what comes back, and whether the connection stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// The file's name without its extension.
    pub name: String,
    /// The end under test.
    pub role: Role,
    /// The reason for the case.
    pub why: String,
    /// The socket that it is about.
    pub link: Link,
    /// The behaviour of the real peer.
    pub real: Transcript,
    /// The differing behaviour of ours, and its reason; `None` without a difference.
    pub ours: Option<(String, Transcript)>,
}

/// The end under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The end that answers calls.
    Daemon,
    /// The end that makes calls; it has been led through the opening of a connection and is idle.
    Client,
}

/// The socket a script is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// A Unix socket: descriptors can be sent; as root, no authentication is demanded.
    Unix,
    /// A TCP socket: no descriptors, and a daemon demands authentication.
    Tcp,
}

/// The steps of a script and its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transcript {
    /// In order.
    pub steps: Vec<Step>,
    /// Seen after the last step.
    pub end: End,
}

/// One line of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Write these bytes, this many descriptors riding on them.
    Send(Pattern, usize),
    /// The next thing that comes back is such a frame.
    Frame(Pattern),
    /// The next thing that comes back is a byte with a descriptor.
    Descriptor,
    /// Make the client under test call procedure 59 (get the host's name).
    Call,
    /// Open a volume's stream in a daemon, or make the client under test open one.
    Transfer(Transfer),
    /// That call returned this text, or failed.
    Returned(Option<String>),
}

/// The fate of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It is open and answers, and nothing else came back.
    Stays,
    /// The peer closed it, and nothing else came back.
    Closes,
}

/// An error in a script, and its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptError {
    /// The script's name.
    pub name: String,
    /// Counted from 1.
    pub line: usize,
    /// Says what was found and what is allowed.
    pub message: String,
}

impl Script {
    /// Reads a script.
    ///
    /// # Errors
    ///
    /// The first line that is not as the module says.
    pub fn parse(name: &str, role: Role, text: &str) -> Result<Self, ScriptError> {
        let error = |line, message: &str| ScriptError {
            name: name.to_owned(),
            line,
            message: message.to_owned(),
        };
        let lines = join_continuations(text);
        let last = text.lines().count();
        let mut why = Vec::new();
        let mut link = Link::Unix;
        let mut part = Part::new(name);
        let mut real = None;
        for (number, line) in &lines {
            if let Some(comment) = line.strip_prefix('#') {
                if real.is_none() && part.is_empty() {
                    why.push(comment.trim());
                }
            } else if let Some(reason) = line.strip_prefix("ours:") {
                if real.is_some() {
                    return Err(error(*number, "a second `ours:`"));
                }
                let done = part.finish().map_err(|message| error(*number, &message))?;
                real = Some((done, reason.trim().to_owned()));
                part = Part::new(name);
            } else if let Some(socket) = line.strip_prefix("over ") {
                link = match socket {
                    "unix" => Link::Unix,
                    "tcp" => Link::Tcp,
                    _ => return Err(error(*number, "a socket is `unix` or `tcp`")),
                };
            } else {
                part.line(line)
                    .map_err(|message| error(*number, &message))?;
            }
        }
        if why.is_empty() {
            return Err(error(
                1,
                "the first lines must say why the case exists, as `# comment`",
            ));
        }
        let transcript = part.finish().map_err(|message| error(last, &message))?;
        let (real, ours) = match real {
            Some((real, _)) if real == transcript => {
                return Err(error(last, "ours does not differ"));
            }
            Some((real, reason)) => (real, Some((reason, transcript))),
            None => (transcript, None),
        };
        Ok(Self {
            name: name.to_owned(),
            role,
            why: why.join(" "),
            link,
            real,
            ours,
        })
    }

    /// Returns true if a daemon needs storage for it.
    #[must_use]
    pub fn opens_stream(&self) -> bool {
        let is_transfer = |step: &Step| matches!(step, Step::Transfer(_));
        self.real.steps.iter().any(is_transfer)
    }

    /// The expected behaviour of ours.
    #[must_use]
    pub fn ours(&self) -> &Transcript {
        self.ours
            .as_ref()
            .map_or(&self.real, |(_, transcript)| transcript)
    }
}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, line {}: {}", self.name, self.line, self.message)
    }
}

impl std::error::Error for ScriptError {}

/// A transcript being read.
#[derive(Debug)]
struct Part<'a> {
    /// The script's name.
    name: &'a str,
    steps: Vec<Step>,
    end: Option<End>,
}

impl<'a> Part<'a> {
    fn new(name: &'a str) -> Self {
        Self {
            name,
            steps: Vec::new(),
            end: None,
        }
    }

    fn is_empty(&self) -> bool {
        self.steps.is_empty() && self.end.is_none()
    }

    fn line(&mut self, line: &str) -> Result<(), String> {
        if self.end.is_some() {
            return Err(format!("`{line}` comes after the end"));
        }
        if let Some(kind) = TransferKind::parse(line) {
            let volume = self.name.to_owned();
            self.steps.push(Step::Transfer(Transfer { kind, volume }));
            return Ok(());
        }
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let step = match (word, rest) {
            ("stays", "") => {
                self.end = Some(End::Stays);
                return Ok(());
            }
            ("closes", "") => {
                self.end = Some(End::Closes);
                return Ok(());
            }
            ("call", "") => Step::Call,
            ("fails", "") => Step::Returned(None),
            ("returns", text) => Step::Returned(Some(unquote(text)?.to_owned())),
            ("<", "fd") => Step::Descriptor,
            ("<", words) => Step::Frame(Pattern::parse(words, true)?),
            (">", words) => {
                let (descriptors, words) = descriptors(words)?;
                Step::Send(Pattern::parse(words, false)?, descriptors)
            }
            _ => {
                return Err(format!(
                    "`{line}` is none of: `> words`, `< words`, `call`, `upload`, `download`, \
                     `sparse`, `returns \"text\"`, `fails`, `stays`, `closes`, `over`, `ours:`, `#`"
                ));
            }
        };
        self.steps.push(step);
        Ok(())
    }

    fn finish(self) -> Result<Transcript, String> {
        match self.end {
            Some(end) => Ok(Transcript {
                steps: self.steps,
                end,
            }),
            None => Err("the end is missing: `stays` or `closes`".to_owned()),
        }
    }
}

/// Each line with its number, indented ones appended to the one before, empty ones left out.
fn join_continuations(text: &str) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        match lines.last_mut() {
            Some((_, above)) if line.starts_with(' ') => {
                above.push(' ');
                above.push_str(line.trim());
            }
            _ if line.trim().is_empty() => {}
            _ => lines.push((index + 1, line.trim_end().to_owned())),
        }
    }
    lines
}

/// Splits `fd` or `fd*2` off the words to be sent.
fn descriptors(words: &str) -> Result<(usize, &str), String> {
    let (first, rest) = words.split_once(' ').unwrap_or((words, ""));
    match first.strip_prefix("fd") {
        None => Ok((0, words)),
        Some("") => Ok((1, rest)),
        Some(times) => match times.strip_prefix('*').map(str::parse) {
            Some(Ok(count)) => Ok((count, rest)),
            _ => Err(format!("`{first}` is neither `fd` nor `fd*count`")),
        },
    }
}

fn unquote(text: &str) -> Result<&str, String> {
    text.strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        .ok_or_else(|| format!("`{text}` is not a \"text\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Script, ScriptError> {
        Script::parse("case", Role::Daemon, text)
    }

    #[test]
    fn a_whole_script_is_read() {
        let text = "# Why,\n# in two lines.\nover tcp\n\n> fd*2 00\n# not the why\n< 0000001c\n  \"a\"\n< fd\ncall\nreturns \"x y\"\nfails\nstays\n";
        let script = parse(text).unwrap();
        assert_eq!(script.why, "Why, in two lines.");
        assert_eq!(script.link, Link::Tcp);
        assert_eq!(script.real.end, End::Stays);
        assert_eq!(
            script.real.steps,
            [
                Step::Send(Pattern::parse("00", false).unwrap(), 2),
                Step::Frame(Pattern::parse("0000001c \"a\"", true).unwrap()),
                Step::Descriptor,
                Step::Call,
                Step::Returned(Some("x y".to_owned())),
                Step::Returned(None),
            ]
        );
        assert_eq!(script.ours(), &script.real);
    }

    #[test]
    fn a_transfer_is_of_the_scripts_own_volume() {
        let script = parse("# w\nsparse upload\nstays\n").unwrap();
        let (kind, volume) = (TransferKind::SparseUpload, "case".to_owned());
        let transfer = Step::Transfer(Transfer { kind, volume });
        assert_eq!(script.real.steps, [transfer]);
        assert!(script.opens_stream());
        assert!(!parse("# w\ncall\nstays\n").unwrap().opens_stream());
    }

    #[test]
    fn ours_may_differ_and_says_why() {
        let script =
            parse("# w\n> fd 00\nstays\n\nours: never lose one\n> fd 00\ncloses\n").unwrap();
        assert_eq!(script.real.end, End::Stays);
        assert_eq!(script.ours().end, End::Closes);
        assert_eq!(script.ours.unwrap().0, "never lose one");
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        for (text, expected) in [
            ("> 00\nstays\n", "line 1: the first lines must say why"),
            ("# w\n> 00\n", "line 2: the end is missing"),
            ("# w\n> 0\nstays\n", "line 2: `0` is none of: bytes in hex"),
            ("# w\n> *\nstays\n", "line 2: `*` leaves open what is sent"),
            (
                "# w\n> fdx 00\nstays\n",
                "line 2: `fdx` is neither `fd` nor `fd*count`",
            ),
            ("# w\nstays\n> 00\n", "line 3: `> 00` comes after the end"),
            (
                "# w\nover udp\nstays\n",
                "line 2: a socket is `unix` or `tcp`",
            ),
            ("# w\nreturns x\nstays\n", "line 2: `x` is not a \"text\""),
            ("# w\nleaves\n", "line 2: `leaves` is none of"),
            ("# w\nsparse\n", "line 2: `sparse` is none of"),
            ("# w\nours: x\nstays\n", "line 2: the end is missing"),
            (
                "# w\nstays\nours: x\nstays\n",
                "line 4: ours does not differ",
            ),
            (
                "# w\nstays\nours: x\nstays\nours: y\nstays\n",
                "line 5: a second `ours:`",
            ),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.starts_with(&format!("case, {expected}")), "{error}");
        }
    }
}
