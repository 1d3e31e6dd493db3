//! Text made safe for a terminal and a log: one line of printable characters.

use std::fmt::{self, Display, Write};

/// Prints a value as one line of printable characters.
///
/// For text of others: what a peer says, paths, parts of a URI. Escaped, as `\n` or `\u{1b}`, are control characters,
/// line and paragraph separators, and characters that are invisible or reorder the text around them (Unicode's
/// `Default_Ignorable_Code_Point` and `Bidi_Control`). All other characters, backslashes included, stay: what is printable
/// already prints as it is.
///
/// # Examples
///
/// ```
/// use virt_uri::Printable;
///
/// let path = "/run/\u{1b}[2J\u{202e}gpj.sock\n";
/// assert_eq!(Printable(path).to_string(), r"/run/\u{1b}[2J\u{202e}gpj.sock\n");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Printable<T>(pub T);

impl<T: Display> Display for Printable<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Escaping(f), "{}", self.0)
    }
}

/// A writer that escapes the characters which are not printable.
struct Escaping<'a, 'b>(&'a mut fmt::Formatter<'b>);

impl Write for Escaping<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.chars()
            .try_for_each(|character| self.write_char(character))
    }

    fn write_char(&mut self, character: char) -> fmt::Result {
        if is_printable(character) {
            self.0.write_char(character)
        } else {
            write!(self.0, "{}", character.escape_default())
        }
    }
}

fn is_printable(character: char) -> bool {
    let invisible = matches!(
        character,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    );
    !character.is_control() && !invisible
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_separating_and_invisible_characters_are_escaped() {
        for (text, expected) in [
            ("\u{1b}[31m", r"\u{1b}[31m"),
            ("\0\t\r\n", r"\u{0}\t\r\n"),
            ("\u{7f}\u{9b}", r"\u{7f}\u{9b}"),
            ("\u{2028}\u{2029}", r"\u{2028}\u{2029}"),
            ("\u{202a}\u{202e}", r"\u{202a}\u{202e}"),
            ("\u{2066}\u{2069}", r"\u{2066}\u{2069}"),
            ("\u{200b}\u{200f}\u{feff}", r"\u{200b}\u{200f}\u{feff}"),
            ("\u{61c}\u{ad}\u{e0041}", r"\u{61c}\u{ad}\u{e0041}"),
        ] {
            assert_eq!(Printable(text).to_string(), expected);
        }
    }

    #[test]
    fn printable_text_stays() {
        for text in ["", r#"a "b" \n 'c'"#, "\u{e4}\u{2603}", "e\u{301}", "हिन्दी"] {
            assert_eq!(Printable(text).to_string(), text);
        }
        let escaped = Printable("\u{1b}").to_string();
        assert_eq!(Printable(&escaped).to_string(), escaped);
    }
}
