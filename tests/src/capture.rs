//! A recorded connection, as its text file says it: `>` before the frames of the client, `<` before those of
//! the server, both in hex, in the order in which a proxy has seen them.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use virt_testkit::hex;

use crate::{Direction, Event, Pattern};

/// A recorded connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capture {
    /// The file's name without its extension.
    pub name: String,
    /// The recording.
    pub what: String,
    /// The frames of both ends, their lengths included.
    pub frames: Vec<(Direction, Vec<u8>)>,
}

impl Capture {
    /// The recording of a proxy.
    ///
    /// # Panics
    ///
    /// When it has seen something else than whole frames.
    #[must_use]
    pub fn new(name: &str, what: &str, traffic: Vec<(Direction, Event)>) -> Self {
        let frame = |(direction, event)| match event {
            Event::Frame(frame) => (direction, frame),
            other => panic!("{other:?} is no frame"),
        };
        Self {
            name: name.to_owned(),
            what: what.to_owned(),
            frames: traffic.into_iter().map(frame).collect(),
        }
    }

    /// Reads a recorded connection.
    ///
    /// # Errors
    ///
    /// Errors of reading the file, and a line that does not parse.
    pub fn read(name: &str) -> io::Result<Self> {
        let mut capture = Self {
            name: name.to_owned(),
            what: String::new(),
            frames: Vec::new(),
        };
        for line in fs::read_to_string(capture.file())?.lines() {
            let frame = |line| Pattern::parse(line, false).map(|frame| frame.bytes(0));
            let (mark, rest) = line.split_once(' ').unwrap_or((line, ""));
            let direction = match mark {
                "#" => {
                    rest.clone_into(&mut capture.what);
                    continue;
                }
                ">" => Direction::Up,
                "<" => Direction::Down,
                _ => {
                    return Err(io::Error::other(format!(
                        "`{line}` begins with none of # > <"
                    )));
                }
            };
            let frame = frame(rest).map_err(io::Error::other)?;
            capture.frames.push((direction, frame));
        }
        Ok(capture)
    }

    /// Writes its file.
    ///
    /// # Errors
    ///
    /// Those of writing a file.
    pub fn write(&self) -> io::Result<()> {
        fs::write(self.file(), self.to_string())
    }

    fn file(&self) -> PathBuf {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
        directory.join(&self.name).with_extension("txt")
    }
}

impl fmt::Display for Capture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "# {}", self.what)?;
        for (direction, frame) in &self.frames {
            let mark = match direction {
                Direction::Up => '>',
                Direction::Down => '<',
            };
            writeln!(f, "{mark} {}", hex(frame))?;
        }
        Ok(())
    }
}
