//! Another service than a libvirt daemon, recognised by its first word.

use std::fmt;

use virt_tokio::Closed;
use virt_transport::{FrameError, ReceiveError};

/// The first four bytes of a service that does not speak libvirt's protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FirstWord([u8; 4]);

/// Returns the first word of the peer, if it is text rather than the length of a frame.
pub(crate) fn first_word(closed: &Closed) -> Option<FirstWord> {
    let error: &ReceiveError = closed.cause()?.downcast_ref()?;
    let ReceiveError::Frame(FrameError::Length { length, .. }) = error else {
        return None;
    };
    let word = length.to_be_bytes();
    let is_text = |byte: &u8| matches!(byte, b' '..=b'~' | b'\r' | b'\n');
    word.iter().all(is_text).then_some(FirstWord(word))
}

impl fmt::Display for FirstWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = String::from_utf8_lossy(&self.0);
        let service = match &self.0 {
            b"SSH-" => "an SSH server",
            b"HTTP" => "a web server",
            b"RFB " => "a VNC server",
            _ => "another service",
        };
        write!(f, "{service} answers there, its first word is {word:?}")
    }
}
