//! Definition files, places in them, and errors that show such a place.

use thiserror::Error;

/// A definition file: its name as errors show it, and its text.
#[derive(Debug, Clone)]
pub struct Source {
    /// The name that errors and the generated file show.
    pub name: String,
    /// The whole text.
    pub text: String,
}

/// A place in one of the sources: a range of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The source's number, from 0, in the order they were given.
    pub source: usize,
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
}

/// A fault in a definition, and its place: the message, the line and a caret.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Error(String);

/// A line of a message is cut to this many characters on either side of the place.
const CONTEXT: usize = 100;

impl Error {
    /// Makes an error without a place.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    /// Makes an error about a place in one of `sources`.
    #[must_use]
    pub fn at(sources: &[Source], span: Span, message: &str) -> Self {
        let Some(source) = sources.get(span.source) else {
            return Self::new(message);
        };
        let (number, line) = source.line(span.start);
        let (before, after) = source.around(span.start);
        let shown: String = last(before, CONTEXT)
            .chain(after.chars().take(CONTEXT))
            .collect();
        // A tab stays a tab, so that the caret stands below what it points at.
        let indent: String = last(before, CONTEXT)
            .map(|c| if c == '\t' { '\t' } else { ' ' })
            .collect();
        let marked = after.chars().take(CONTEXT).count();
        let width = source
            .text
            .get(span.start..span.end)
            .map_or(0, |text| text.chars().count());
        let carets = "^".repeat(width.clamp(1, marked.max(1)));
        let gutter = number.to_string();
        let blank = " ".repeat(gutter.len());
        debug_assert!(line.len() >= before.len());
        Self::new(format!(
            "{name}:{number}:{column}: {message}\n {gutter} | {shown}\n {blank} | {indent}{carets}",
            name = source.name,
            column = before.chars().count() + 1,
        ))
    }
}

impl Source {
    /// The name without directories and ending.
    #[must_use]
    pub fn stem(&self) -> &str {
        let name = self.name.rsplit('/').next().unwrap_or_default();
        name.strip_suffix(".x").unwrap_or(name)
    }

    /// The path without the ending, from the directory of the first file.
    #[must_use]
    pub(crate) fn path(&self) -> &str {
        self.name.strip_suffix(".x").unwrap_or(&self.name)
    }

    /// The path of the Rust module for this file, from the module of the first one.
    pub(crate) fn module(&self) -> String {
        self.path().replace('/', "::")
    }

    /// The number, from 1, and the text of the line with this byte.
    #[must_use]
    pub fn line(&self, at: usize) -> (usize, &str) {
        let (before, after) = self.around(at);
        let start = at.min(self.text.len()) - before.len();
        let number = 1 + self
            .text
            .bytes()
            .take(start)
            .filter(|&byte| byte == b'\n')
            .count();
        let end = start + before.len() + after.len();
        (number, self.text.get(start..end).unwrap_or_default())
    }

    /// Splits the line that has this byte in two: before it, and from it on.
    fn around(&self, at: usize) -> (&str, &str) {
        let (before, after) = self.text.split_at_checked(at).unwrap_or((&self.text, ""));
        let before = before.rsplit_once('\n').map_or(before, |(_, line)| line);
        let after = after.split_once('\n').map_or(after, |(line, _)| line);
        (before, after.trim_end_matches('\r'))
    }
}

/// The last `count` characters of `text`.
fn last(text: &str, count: usize) -> impl Iterator<Item = char> {
    text.chars()
        .skip(text.chars().count().saturating_sub(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str, start: usize, end: usize) -> String {
        let source = Source {
            name: "a.x".into(),
            text: text.into(),
        };
        Error::at(
            &[source],
            Span {
                source: 0,
                start,
                end,
            },
            "no",
        )
        .to_string()
    }

    #[test]
    fn shows_line_and_caret() {
        assert_eq!(
            error("one\n\ttwo three\r\nfour", 9, 14),
            "a.x:2:6: no\n 2 | \ttwo three\n   | \t    ^^^^^"
        );
    }

    #[test]
    fn points_behind_the_last_byte() {
        assert_eq!(error("ab", 2, 2), "a.x:1:3: no\n 1 | ab\n   |   ^");
        assert_eq!(error("", 0, 0), "a.x:1:1: no\n 1 | \n   | ^");
    }

    #[test]
    fn cuts_long_lines() {
        let text = "x".repeat(10_000);
        let shown = error(&text, 5_000, 10_000);
        assert!(shown.starts_with("a.x:1:5001: no\n"), "{shown}");
        assert!(shown.lines().all(|line| line.len() < 220), "{shown}");
    }
}
