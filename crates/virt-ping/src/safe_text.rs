//! Text from peers, paths and URIs, made safe to print.

use std::fmt::{self, Display};

use serde::Serialize;
use virt_uri::{Printable, Uri};

/// The greatest length of a text, in characters.
const LENGTH_MAX: usize = 400;

/// One line of printable characters, of bounded length.
///
/// An [`Event`](crate::event::Event) holds text of others in no other form.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct SafeText(String);

impl SafeText {
    pub(crate) fn new(text: impl Display) -> Self {
        let mut text = Printable(text).to_string();
        if let Some((end, _)) = text.char_indices().nth(LENGTH_MAX) {
            text.truncate(end);
            text.push_str("...");
        }
        Self(text)
    }

    /// Makes the text of a URI safe, which includes hiding its password.
    pub(crate) fn of_uri(uri: &str) -> Self {
        Self::new(Uri::redact(uri))
    }

    /// Appends advice.
    pub(crate) fn followed_by(self, advice: impl Display) -> Self {
        let Self(text) = self;
        Self(format!("{text}; {}", Printable(advice)))
    }
}

impl Display for SafeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_others_is_one_line_of_bounded_length() {
        let safe = |text: &str| SafeText::new(text).to_string();
        assert_eq!(safe("a\nb\u{1b}[31m"), r"a\nb\u{1b}[31m");
        assert_eq!(safe("\u{e4}\u{f6}\u{fc}"), "\u{e4}\u{f6}\u{fc}");
        assert_eq!(safe(&"\u{e4}".repeat(5000)).chars().count(), LENGTH_MAX + 3);
        assert_eq!(safe(&"x".repeat(LENGTH_MAX)).len(), LENGTH_MAX);
    }

    #[test]
    fn the_password_of_a_uri_is_hidden() {
        let uri = SafeText::of_uri("qemu+tcp://user:secret@host/\u{202e}");
        assert_eq!(uri.to_string(), r"qemu+tcp://user:***@host/\u{202e}");
    }
}
