//! Comments become documentation.
//!
//! What stands directly before a definition, or behind it on the same line, is about it.

use super::ast::{Doc, Tag};
use super::lexer::{Comment, Lexed};

impl Lexed {
    /// Returns the comment about the definition from token `first` to token `last`.
    pub(crate) fn doc(&self, first: usize, last: usize) -> Doc {
        let comments = self
            .before(first)
            .or_else(|| self.behind(last))
            .unwrap_or_default();
        doc_of(comments)
    }

    /// Returns the comment at the top of the file, if it is not about the first definition.
    pub(crate) fn head(&self) -> Doc {
        let attached = self.before(0).unwrap_or_default();
        let first = self.comments_before(0).first();
        let head = first.filter(|first| {
            attached
                .iter()
                .all(|other| other.first_line != first.first_line)
        });
        head.map_or(Doc::default(), |head| doc_of(std::slice::from_ref(head)))
    }
    /// The comment that ends on the line before this token, with the line comments above it.
    fn before(&self, token: usize) -> Option<&[Comment]> {
        let comments = self.comments_before(token);
        let line = self.tokens.get(token)?.line;
        let previous = token
            .checked_sub(1)
            .and_then(|token| self.tokens.get(token));
        let mut expected = line;
        let mut first = comments.len();
        for (i, comment) in comments.iter().enumerate().rev() {
            let is_line = comment.text.starts_with("//");
            let touches = comment.last_line == expected || comment.last_line + 1 == expected;
            let behind_another = previous.is_some_and(|token| token.line == comment.first_line);
            if !touches || behind_another || (first < comments.len() && !is_line) {
                break;
            }
            first = i;
            expected = comment.first_line;
            if !is_line {
                break;
            }
        }
        comments
            .get(first..)
            .filter(|comments| !comments.is_empty())
    }

    /// The comment behind this token on the same line.
    fn behind(&self, token: usize) -> Option<&[Comment]> {
        let line = self.tokens.get(token)?.line;
        let comments = self.comments_before(token + 1);
        comments
            .get(..1)
            .filter(|comments| comments.iter().all(|comment| comment.first_line == line))
    }

    /// The comments between this token and the one before it.
    fn comments_before(&self, token: usize) -> &[Comment] {
        let start = self
            .comments
            .partition_point(|comment| comment.tokens_before < token);
        let end = self
            .comments
            .partition_point(|comment| comment.tokens_before <= token);
        self.comments.get(start..end).unwrap_or_default()
    }
}

/// The text and the annotations of comments.
fn doc_of(comments: &[Comment]) -> Doc {
    let mut doc = Doc::default();
    for line in comments.iter().flat_map(|comment| lines(&comment.text)) {
        match line
            .strip_prefix('@')
            .filter(|tag| tag.starts_with(|c: char| c.is_ascii_alphabetic()))
        {
            Some(line) => doc.tags.extend(tags(line)),
            None => doc.lines.push(line.replace(is_direction, "")),
        }
    }
    while doc.lines.last().is_some_and(String::is_empty) {
        doc.lines.pop();
    }
    let blank = doc.lines.iter().take_while(|line| line.is_empty()).count();
    doc.lines.drain(..blank);
    doc
}

/// The annotations of a line, without the first `@`.
fn tags(line: &str) -> impl Iterator<Item = Tag> {
    line.split(" @").filter_map(|tag| {
        let mut words = tag.split_whitespace().map(str::to_owned);
        Some(Tag {
            name: words.next()?,
            values: words.collect(),
        })
    })
}

/// The lines of a comment without what makes it one.
fn lines(comment: &str) -> impl Iterator<Item = &str> {
    let line = comment
        .strip_prefix("//")
        .map(|line| line.trim_start_matches('/'));
    let block = comment
        .strip_prefix("/*")
        .and_then(|block| block.strip_suffix("*/"));
    let text = line.or(block).unwrap_or(comment);
    // Rust has no carriage return within a line of documentation.
    text.lines().flat_map(|line| line.split('\r')).map(|line| {
        line.trim()
            .trim_start_matches('*')
            .trim_end_matches('*')
            .trim()
    })
}

/// Returns whether a character changes the direction of the text around it, which Rust denies in comments.
fn is_direction(character: char) -> bool {
    matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
