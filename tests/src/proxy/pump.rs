//! One direction of a connection.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::thread;
use std::time::Duration;

use rustix::net::{Shutdown, shutdown, sockopt};
use virt_testkit::socket;

use crate::connection::READ;
use crate::incoming::Incoming;

use super::{Direction, Fault, Link, Place, Shared, Trick};

/// A silence this long is a pause, for [`Trick::Merge`].
const PAUSE: Duration = Duration::from_millis(5);

/// Between two bytes, for [`Trick::Trickle`]: long enough for a reader to see most of them alone.
const TRICKLE: Duration = Duration::from_micros(50);

/// Reads from one end and writes to the other.
pub(super) struct Pump<'a> {
    shared: &'a Shared,
    link: &'a Link,
    direction: Direction,
    /// The remaining work.
    fault: Option<Fault>,
    progress: Progress,
    seen: Incoming,
    style: Style,
}

/// The way in which bytes are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    AsRead,
    Trickle,
    Merge,
}

/// The reason why a pump ends.
enum Stop {
    /// Both sides were closed, or are to be.
    Cut,
    /// One end could not be read or written.
    Broken,
}

/// The position behind the bytes that were passed on.
#[derive(Debug, Default)]
struct Progress {
    /// The number of frames that have begun, except for those of keepalive.
    begun: usize,
    /// `true` if the frame is one of keepalive.
    keepalive: bool,
    /// Bytes of the frame.
    byte: usize,
    /// Its length, as far as that is known.
    length: usize,
}

/// The next unit.
#[derive(Clone, Copy)]
enum Next {
    /// A byte; whether it begins a frame of keepalive, if it begins one.
    Byte { keepalive: bool },
    /// A byte with descriptors.
    Carrier,
}

impl<'a> Pump<'a> {
    pub(super) fn new(shared: &'a Shared, link: &'a Link, direction: Direction) -> Self {
        Self {
            shared,
            link,
            direction,
            fault: shared.fault.filter(|fault| fault.direction == direction),
            progress: Progress::default(),
            seen: Incoming::default(),
            style: Style::AsRead,
        }
    }

    /// Passes everything on until one end closes, and then the end, too.
    pub(super) fn run(mut self) {
        let stop = loop {
            match self.read() {
                Ok((bytes, _)) if bytes.is_empty() => break Stop::Broken,
                Err(_) => break Stop::Broken,
                Ok((bytes, descriptors)) => {
                    if let Err(stop) = self.pass(&bytes, &descriptors) {
                        break stop;
                    }
                }
            }
        };
        let (from, to) = self.ends();
        match stop {
            Stop::Cut => self.link.cut(),
            // A dead link tells nobody.
            Stop::Broken if self.link.is_stopped() => {}
            Stop::Broken => {
                let _ = shutdown(to, Shutdown::Write);
                let _ = shutdown(from, Shutdown::Read);
            }
        }
    }

    fn read(&mut self) -> io::Result<(Vec<u8>, Vec<OwnedFd>)> {
        let (from, _) = self.ends();
        let (mut bytes, mut descriptors) = socket::read(from, READ)?;
        if self.style == Style::Merge && !bytes.is_empty() {
            let timeout = |limit| sockopt::set_socket_timeout(from, sockopt::Timeout::Recv, limit);
            timeout(Some(PAUSE))?;
            // Nothing comes behind a descriptor in one read, so nothing is gathered behind it either. The
            // end, if it comes now, comes again.
            while descriptors.is_empty()
                && let Ok((more, with)) = socket::read(from, READ)
                && !more.is_empty()
            {
                bytes.extend(more);
                descriptors = with;
            }
            timeout(None)?;
        }
        self.note(&bytes, descriptors.len());
        Ok((bytes, descriptors))
    }

    /// Writes down what was read, before the other end can answer it.
    fn note(&mut self, bytes: &[u8], descriptors: usize) {
        self.seen.push(bytes);
        if descriptors > 0 {
            self.seen.mark_descriptors(descriptors);
        }
        let events = std::iter::from_fn(|| self.seen.next());
        let events: Vec<_> = events.map(|event| (self.direction, event)).collect();
        self.shared.note(|log| log.traffic.extend(events));
    }

    fn pass(&mut self, bytes: &[u8], descriptors: &[OwnedFd]) -> Result<(), Stop> {
        let (plain, carrier) = bytes.split_at(bytes.len() - usize::from(!descriptors.is_empty()));
        let mut out = Vec::new();
        for (index, &byte) in plain.iter().enumerate() {
            // The sender of a frame writes its first words at once.
            let keepalive = plain[index..].get(4..8) == Some(b"keep");
            let bits = self.act(Next::Byte { keepalive }, &mut out)?;
            out.push(byte ^ bits);
            self.progress.advance(byte, keepalive);
        }
        self.write(&mut out)?;
        if !carrier.is_empty() {
            self.act(Next::Carrier, &mut out)?;
            if !self.link.is_stopped() {
                let descriptors: Vec<_> = descriptors.iter().map(AsFd::as_fd).collect();
                let written = socket::write(self.ends().1, carrier, &descriptors);
                written.map_err(|_| Stop::Broken)?;
            }
        }
        Ok(())
    }

    /// Plays the trick if this is the place, and returns the bits of the next byte that are to be changed.
    fn act(&mut self, next: Next, out: &mut Vec<u8>) -> Result<u8, Stop> {
        let Some(Fault { trick, place, .. }) = self.fault else {
            return Ok(0);
        };
        if !self.progress.is_at(place, next) {
            return Ok(0);
        }
        self.fault = None;
        self.write(out)?;
        // Before the ends can tell of it.
        self.shared.note(|log| log.fired = true);
        match trick {
            Trick::Cut => {
                self.link.cut();
                return Err(Stop::Cut);
            }
            Trick::Stop => self.link.stop(),
            Trick::Delay(time) => thread::sleep(time),
            Trick::Trickle => self.style = Style::Trickle,
            Trick::Merge => self.style = Style::Merge,
            Trick::Corrupt(bits) => return Ok(bits),
        }
        Ok(0)
    }

    fn write(&self, out: &mut Vec<u8>) -> Result<(), Stop> {
        let bytes = std::mem::take(out);
        if self.link.is_stopped() {
            return Ok(());
        }
        let (_, to) = self.ends();
        let piece = match self.style {
            Style::Trickle => 1,
            Style::AsRead | Style::Merge => bytes.len().max(1),
        };
        for (index, piece) in bytes.chunks(piece).enumerate() {
            if index > 0 {
                thread::sleep(TRICKLE);
            }
            socket::write(to, piece, &[]).map_err(|_| Stop::Broken)?;
        }
        Ok(())
    }

    fn ends(&self) -> (&'a OwnedFd, &'a OwnedFd) {
        let Link { client, server, .. } = self.link;
        match self.direction {
            Direction::Up => (client, server),
            Direction::Down => (server, client),
        }
    }
}

impl Progress {
    fn advance(&mut self, byte: u8, keepalive: bool) {
        if self.is_between() {
            *self = Self {
                begun: self.begun + usize::from(!keepalive),
                keepalive,
                ..Self::default()
            };
        }
        if self.byte < 4 {
            self.length = self.length << 8 | usize::from(byte);
        }
        self.byte += 1;
    }

    /// Returns whether a place is before what comes next.
    fn is_at(&self, place: Place, next: Next) -> bool {
        // A frame that has begun is the last of those.
        let (frame, byte) = match next {
            _ if self.is_between() && place.byte == Place::END => {
                return !self.keepalive && place.frame + 1 == self.begun;
            }
            Next::Byte { keepalive: true } if self.is_between() => return false,
            Next::Byte { keepalive: false } if self.is_between() => (self.begun, 0),
            _ if self.keepalive => return false,
            Next::Byte { .. } | Next::Carrier => (self.begun.wrapping_sub(1), self.byte),
        };
        (place.frame, place.byte) == (frame, byte)
    }

    /// Returns whether the next byte begins a frame, or carries descriptors of the last one.
    fn is_between(&self) -> bool {
        self.byte == 0 || self.byte >= 4 && self.byte >= self.length
    }
}
