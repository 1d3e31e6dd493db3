//! Tokens become definitions: the grammar of RFC 4506 with RFC 5531's programs, by recursive descent.

use super::ast::{Doc, File, Item, ItemKind, Member, Name, Value, ValueKind};
use super::lexer::{Lexed, Token, TokenKind, lex};
use super::source::{Error, Source, Span};

mod programs;
mod types;

/// The greatest depth of nested definitions.
pub const MAX_NESTING: usize = 16;

/// The longest text that is read, in bytes.
pub const MAX_SOURCE: usize = 8 << 20;

/// Parses one of `sources`: the one at `index`.
///
/// # Errors
///
/// The first place that is not in the language.
pub fn parse(sources: &[Source], index: usize) -> Result<File, Error> {
    if sources
        .get(index)
        .is_some_and(|source| source.text.len() > MAX_SOURCE)
    {
        return Err(Error::new(format!(
            "definitions are longer than {MAX_SOURCE} bytes"
        )));
    }
    let lexed = lex(sources, index)?;
    let mut parser = Parser {
        sources,
        lexed,
        at: 0,
        nesting: 0,
    };
    let mut items = Vec::new();
    while !parser.is_at_end() {
        items.push(parser.item()?);
    }
    let includes = std::mem::take(&mut parser.lexed.includes);
    let doc = parser.lexed.head();
    Ok(File {
        doc,
        includes,
        items,
    })
}

/// The words that cannot be a name: RFC 4506, section 6.4.
const KEYWORDS: &[&str] = &[
    "bool",
    "case",
    "const",
    "default",
    "double",
    "quadruple",
    "enum",
    "float",
    "hyper",
    "int",
    "opaque",
    "string",
    "struct",
    "switch",
    "typedef",
    "union",
    "unsigned",
    "void",
];

struct Parser<'s> {
    sources: &'s [Source],
    lexed: Lexed,
    at: usize,
    nesting: usize,
}

impl Parser<'_> {
    fn item(&mut self) -> Result<Item, Error> {
        let first = self.at;
        let (name, kind) = match self.word() {
            Some("const") => {
                self.at += 1;
                let name = self.name("a name for the constant")?;
                self.sign('=', "`=` and the constant's value")?;
                let kind = match self.text() {
                    Some(text) => ItemKind::Text(text),
                    None => ItemKind::Const(self.value("a number or the name of a constant")?),
                };
                (name, kind)
            }
            Some("enum") => {
                self.at += 1;
                let name = self.name("a name for the enum")?;
                (name, ItemKind::Enum(self.members()?))
            }
            Some("struct") => {
                self.at += 1;
                let name = self.name("a name for the struct")?;
                (name, ItemKind::Struct(self.fields()?))
            }
            Some("union") => {
                self.at += 1;
                let name = self.name("a name for the union")?;
                (name, ItemKind::Union(self.union_body()?))
            }
            Some("typedef") => {
                self.at += 1;
                let declaration = self.declaration("a type")?;
                (declaration.name.clone(), ItemKind::Typedef(declaration))
            }
            Some("program") => {
                self.at += 1;
                let name = self.name("a name for the program")?;
                let versions = self.versions()?;
                self.sign('=', "`=` and the program's number")?;
                (
                    name,
                    ItemKind::Program(versions, self.value("the program's number")?),
                )
            }
            _ => {
                let expected = "`const`, `enum`, `struct`, `union`, `typedef` or `program`";
                return Err(self.expected(expected));
            }
        };
        self.sign(';', &format!("`;` after the definition of `{}`", name.text))?;
        Ok(Item {
            name,
            doc: self.doc(first),
            kind,
        })
    }

    /// `{ name [= value], ... [,] }`
    fn members(&mut self) -> Result<Vec<Member>, Error> {
        self.sign('{', "`{` and the members of the enum")?;
        let mut members = Vec::new();
        loop {
            let first = self.at;
            let name = self.name("a member of the enum")?;
            let value = match self.take('=') {
                true => Some(self.value("the member's value")?),
                false => None,
            };
            let more = self.take(',');
            members.push(Member {
                name,
                value,
                doc: self.doc(first),
            });
            if self.take('}') {
                return Ok(members);
            }
            if !more {
                return Err(self.expected("`,` or `}` after a member of the enum"));
            }
        }
    }

    /// A number or the name of a constant.
    fn value(&mut self, expected: &str) -> Result<Value, Error> {
        let span = self.span();
        let kind = match self.token().map(|token| &token.kind) {
            Some(TokenKind::Number(number)) => ValueKind::Number(*number),
            Some(TokenKind::Word(word)) if !KEYWORDS.contains(&word.as_str()) => {
                ValueKind::Name(word.clone())
            }
            _ => return Err(self.expected(expected)),
        };
        self.at += 1;
        Ok(Value { kind, span })
    }

    /// A text in quotation marks, if one is next.
    fn text(&mut self) -> Option<String> {
        let text = match &self.token()?.kind {
            TokenKind::Text(text) => text.clone(),
            _ => return None,
        };
        self.at += 1;
        Some(text)
    }

    fn name(&mut self, expected: &str) -> Result<Name, Error> {
        match self.word() {
            Some(word) if KEYWORDS.contains(&word) => {
                Err(self.expected(&format!("{expected} (`{word}` is a keyword)")))
            }
            Some(word) => {
                let name = Name {
                    text: word.to_owned(),
                    span: self.span(),
                };
                self.at += 1;
                Ok(name)
            }
            None => Err(self.expected(expected)),
        }
    }

    fn token(&self) -> Option<&Token> {
        self.lexed.tokens.get(self.at)
    }

    fn word(&self) -> Option<&str> {
        match &self.token()?.kind {
            TokenKind::Word(word) => Some(word),
            _ => None,
        }
    }

    fn is_at(&self, sign: char) -> bool {
        self.token()
            .is_some_and(|token| token.kind == TokenKind::Sign(sign))
    }

    fn is_at_end(&self) -> bool {
        self.token()
            .is_none_or(|token| token.kind == TokenKind::End)
    }

    /// Takes this word if it is next.
    fn take_word(&mut self, word: &str) -> bool {
        let found = self.word() == Some(word);
        self.at += usize::from(found);
        found
    }

    /// Takes this sign if it is next.
    fn take(&mut self, sign: char) -> bool {
        let found = self.is_at(sign);
        self.at += usize::from(found);
        found
    }

    fn sign(&mut self, sign: char, expected: &str) -> Result<(), Error> {
        if self.take(sign) {
            Ok(())
        } else {
            Err(self.expected(expected))
        }
    }

    /// Runs `parse` one level deeper.
    fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        if self.nesting == MAX_NESTING {
            let message =
                format!("definitions nest deeper than {MAX_NESTING} levels, expected a name");
            return Err(Error::at(self.sources, self.span(), &message));
        }
        self.nesting += 1;
        let result = parse(self);
        self.nesting -= 1;
        result
    }

    /// The documentation of what began at token `first` and ends here.
    fn doc(&self, first: usize) -> Doc {
        self.lexed.doc(first, self.at.saturating_sub(1))
    }

    fn span(&self) -> Span {
        self.token().map_or(
            Span {
                source: 0,
                start: 0,
                end: 0,
            },
            |token| token.span,
        )
    }

    /// The error that something else should be here. A line that ends too early is what gets shown, not
    /// the one after it.
    fn expected(&self, expected: &str) -> Error {
        let found = match self.token().map(|token| &token.kind) {
            Some(TokenKind::Word(word)) => format!("`{word}`"),
            Some(TokenKind::Number(number)) => format!("`{number}`"),
            Some(TokenKind::Text(text)) => format!("`\"{text}\"`"),
            Some(TokenKind::Sign(sign)) => format!("`{sign}`"),
            Some(TokenKind::End) | None => "the end of the file".into(),
        };
        let line = self.token().map(|token| token.line);
        let previous = self
            .at
            .checked_sub(1)
            .and_then(|at| self.lexed.tokens.get(at));
        let span = match previous {
            Some(previous) if Some(previous.line) != line => Span {
                start: previous.span.end,
                ..previous.span
            },
            _ => self.span(),
        };
        Error::at(
            self.sources,
            span,
            &format!("expected {expected}, found {found}"),
        )
    }
}

#[cfg(test)]
mod tests;
