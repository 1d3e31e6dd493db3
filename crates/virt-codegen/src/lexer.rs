//! Text becomes tokens; comments and the lines of the preprocessor are kept apart.

use super::source::{Error, Source, Span};

/// A token and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) span: Span,
    /// The lines it is on, from 0.
    pub(crate) line: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TokenKind {
    Word(String),
    Number(i128),
    Text(String),
    Sign(char),
    End,
}

/// A comment and what is needed to find out what it is about.
#[derive(Debug, Clone)]
pub(crate) struct Comment {
    /// With the signs that make it a comment.
    pub(crate) text: String,
    /// The number of tokens before it.
    pub(crate) tokens_before: usize,
    pub(crate) first_line: usize,
    pub(crate) last_line: usize,
}

/// Splits a text into tokens. The last one is [`TokenKind::End`].
#[derive(Debug)]
pub(crate) struct Lexed {
    pub(crate) tokens: Vec<Token>,
    pub(crate) comments: Vec<Comment>,
    pub(crate) includes: Vec<String>,
}

pub(crate) fn lex(sources: &[Source], source: usize) -> Result<Lexed, Error> {
    let text = sources
        .get(source)
        .map_or("", |source| source.text.as_str());
    let mut lexer = Lexer {
        sources,
        source,
        text,
        at: 0,
        line: 0,
        line_is_blank: true,
        lexed: Lexed {
            tokens: Vec::new(),
            comments: Vec::new(),
            includes: Vec::new(),
        },
    };
    while lexer.step()? {}
    lexer.token(TokenKind::End, lexer.at);
    Ok(lexer.lexed)
}

struct Lexer<'s> {
    sources: &'s [Source],
    source: usize,
    text: &'s str,
    at: usize,
    /// The line of `at`, from 0.
    line: usize,
    /// Nothing but white space was on this line so far.
    line_is_blank: bool,
    lexed: Lexed,
}

impl<'s> Lexer<'s> {
    fn rest(&self) -> &'s str {
        self.text.get(self.at..).unwrap_or("")
    }

    /// Takes one token, comment, line of the preprocessor or piece of white space; `false` at the end.
    fn step(&mut self) -> Result<bool, Error> {
        let rest = self.rest();
        let Some(c) = rest.chars().next() else {
            return Ok(false);
        };
        let line_was_blank = self.line_is_blank;
        match c {
            c if c.is_ascii_whitespace() => {
                self.take(1);
                return Ok(true);
            }
            '%' | '#' if line_was_blank => self.preprocessor(),
            '/' if rest.starts_with("//") => {
                let length = rest.find('\n').unwrap_or(rest.len());
                self.comment(length);
            }
            '/' if rest.starts_with("/*") => {
                let Some(length) = rest.get(2..).and_then(|rest| rest.find("*/")) else {
                    return Err(self.error(2, "comment never ends, expected `*/`"));
                };
                self.comment(length + 4);
            }
            c if c.is_ascii_alphabetic() || c == '_' => {
                let word = prefix(rest, |c| c.is_ascii_alphanumeric() || c == '_');
                self.take(word.len());
                self.token(TokenKind::Word(word.into()), self.at - word.len());
            }
            '-' | '0'..='9' => self.number()?,
            '"' => self.text()?,
            '{' | '}' | '(' | ')' | '[' | ']' | '<' | '>' | '=' | ';' | ':' | ',' | '*' => {
                self.take(1);
                self.token(TokenKind::Sign(c), self.at - 1);
            }
            c => {
                let message = format!(
                    "unexpected character {c:?}, expected a definition in the XDR language"
                );
                return Err(self.error(c.len_utf8(), &message));
            }
        }
        self.line_is_blank = false;
        Ok(true)
    }

    /// `"text"` on one line, without escapes.
    fn text(&mut self) -> Result<(), Error> {
        let rest = self.rest();
        let line = rest.lines().next().unwrap_or_default();
        let text = line.get(1..).and_then(|line| line.split_once('"'));
        let Some((text, _)) = text.filter(|(text, _)| !text.contains('\\')) else {
            let message = "malformed text, expected `\"text\"` on one line, without escapes";
            return Err(self.error(1, message));
        };
        self.take(text.len() + 2);
        let start = self.at - text.len() - 2;
        self.token(TokenKind::Text(text.to_owned()), start);
        Ok(())
    }

    fn number(&mut self) -> Result<(), Error> {
        let rest = self.rest();
        let (negative, digits) = match rest.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, rest),
        };
        let digits = prefix(digits, |c| c.is_ascii_alphanumeric() || c == '_');
        let length = digits.len() + usize::from(negative);
        let (radix, digits) = match digits.as_bytes() {
            [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
            [b'0', _, ..] => (8, &digits[1..]),
            _ => (10, digits),
        };
        if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
            let message =
                "malformed number, expected decimal (`12`), hexadecimal (`0x1f`) or octal (`017`)";
            return Err(self.error(length, message));
        }
        let value = i128::from_str_radix(digits, radix)
            .ok()
            .map(|value| if negative { -value } else { value });
        let Some(value) = value.filter(|value| (i64::MIN.into()..=u64::MAX.into()).contains(value))
        else {
            let message = format!("number out of range, expected {} to {}", i64::MIN, u64::MAX);
            return Err(self.error(length, &message));
        };
        self.take(length);
        self.token(TokenKind::Number(value), self.at - length);
        Ok(())
    }

    /// A line for the preprocessor or for the C that rpcgen writes: only the includes matter.
    fn preprocessor(&mut self) {
        loop {
            let rest = self.rest();
            let length = rest.find('\n').unwrap_or(rest.len());
            let line = rest.get(..length).unwrap_or(rest).trim_end();
            let directive = line
                .trim_start_matches('%')
                .trim_start()
                .trim_start_matches('#')
                .trim_start();
            if let Some(name) = directive.strip_prefix("include")
                && let Some((name, _)) = name
                    .trim_start()
                    .strip_prefix('"')
                    .and_then(|name| name.split_once('"'))
            {
                self.lexed.includes.push(name.into());
            }
            self.take(length);
            if !line.ends_with('\\') || self.rest().is_empty() {
                return;
            }
            self.take(1);
        }
    }

    fn comment(&mut self, length: usize) {
        let text = self.rest().get(..length).unwrap_or_default();
        let first_line = self.line;
        self.take(length);
        self.lexed.comments.push(Comment {
            text: text.into(),
            tokens_before: self.lexed.tokens.len(),
            first_line,
            last_line: self.line,
        });
    }

    /// Moves on by `length` bytes.
    fn take(&mut self, length: usize) {
        let taken = self.rest().get(..length).unwrap_or_default();
        self.at += length;
        let lines = taken.bytes().filter(|&byte| byte == b'\n').count();
        self.line += lines;
        self.line_is_blank |= lines > 0;
    }

    fn token(&mut self, kind: TokenKind, start: usize) {
        let span = Span {
            source: self.source,
            start,
            end: self.at,
        };
        self.lexed.tokens.push(Token {
            kind,
            span,
            line: self.line,
        });
    }

    fn error(&self, length: usize, message: &str) -> Error {
        let span = Span {
            source: self.source,
            start: self.at,
            end: self.at + length,
        };
        Error::at(self.sources, span, message)
    }
}

fn prefix(text: &str, belongs: impl Fn(char) -> bool) -> &str {
    text.split_once(|c| !belongs(c))
        .map_or(text, |(prefix, _)| prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lexed(text: &str) -> Result<Lexed, String> {
        lex(
            &[Source {
                name: "a.x".into(),
                text: text.into(),
            }],
            0,
        )
        .map_err(|error| error.to_string())
    }

    fn numbers(text: &str) -> Vec<i128> {
        let number = |token: Token| match token.kind {
            TokenKind::Number(number) => Some(number),
            _ => None,
        };
        lexed(text)
            .unwrap()
            .tokens
            .into_iter()
            .filter_map(number)
            .collect()
    }

    #[test]
    fn numbers_in_every_base() {
        assert_eq!(numbers("0 12 -3 0x1F -0X10 017"), [0, 12, -3, 31, -16, 15]);
        assert_eq!(
            numbers("18446744073709551615 -9223372036854775808"),
            [u64::MAX.into(), i64::MIN.into()]
        );
    }

    #[test]
    fn numbers_that_are_none() {
        for text in ["08", "0x", "1a", "-", "--1", "1_000"] {
            let error = lexed(text).unwrap_err();
            assert!(
                error.starts_with("a.x:1:1: malformed number"),
                "{text}: {error}"
            );
        }
        for text in [
            "18446744073709551616",
            "-9223372036854775809",
            &"9".repeat(99),
        ] {
            let error = lexed(text).unwrap_err();
            assert!(
                error.starts_with("a.x:1:1: number out of range"),
                "{text}: {error}"
            );
        }
    }

    #[test]
    fn lines_of_the_preprocessor_are_skipped() {
        let text = "%#include \"a.h\"\n  #include <b.h>\n#define X \\\n  ?\n% struct { ' } // no comment\n5";
        let lexed = lexed(text).unwrap();
        assert_eq!(lexed.includes, ["a.h"]);
        assert_eq!(lexed.tokens.len(), 2);
        assert!(lexed.comments.is_empty());
    }

    #[test]
    fn a_comment_knows_its_place() {
        let lexed = lexed("a; // one\n/* two\n */ b").unwrap();
        let places: Vec<_> = lexed
            .comments
            .iter()
            .map(|comment| (comment.tokens_before, comment.first_line, comment.last_line))
            .collect();
        assert_eq!(places, [(2, 0, 0), (2, 1, 2)]);
    }

    #[test]
    fn every_error_has_a_place() {
        let error = lexed("int a;\n /* b").unwrap_err();
        assert_eq!(
            error,
            "a.x:2:2: comment never ends, expected `*/`\n 2 |  /* b\n   |  ^^"
        );
        let error = lexed("é").unwrap_err();
        assert!(
            error.starts_with("a.x:1:1: unexpected character 'é'"),
            "{error}"
        );
        assert!(lexed("1 # 2").is_err());
    }
}
