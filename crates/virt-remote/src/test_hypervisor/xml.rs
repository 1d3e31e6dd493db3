//! A reader of small XML documents, which reports errors as libvirt's does.

use std::fmt::Write;

/// The depth of elements in each other.
const DEPTH_MAX: usize = 64;

/// An element with its text, attributes and children.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) attributes: Vec<(String, String)>,
    pub(super) text: String,
    pub(super) children: Vec<Element>,
}

impl Element {
    /// Reads a document. The error names the place in it, in the form of libvirt's.
    pub(super) fn read(document: &str) -> Result<Self, String> {
        let mut reader = Reader {
            text: document,
            at: 0,
        };
        let read = reader.document();
        read.map_err(|problem| reader.report(&problem))
    }

    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        let mut attributes = self.attributes.iter();
        let found = attributes.find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Writes the element in lines, as libvirt does.
    pub(super) fn write(&self, indent: usize, to: &mut String) {
        let _ = write!(to, "{:indent$}<{}", "", self.name);
        for (name, value) in &self.attributes {
            let _ = write!(to, " {name}='{}'", escape(value));
        }
        let text = self.text.trim();
        if !self.children.is_empty() {
            to.push_str(">\n");
            for child in &self.children {
                child.write(indent + 2, to);
            }
            let _ = writeln!(to, "{:indent$}</{}>", "", self.name);
        } else if text.is_empty() {
            to.push_str("/>\n");
        } else {
            let _ = writeln!(to, ">{}</{}>", escape(text), self.name);
        }
    }
}

/// The text with the five characters replaced that have a meaning in XML.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\'' => escaped.push_str("&apos;"),
            '"' => escaped.push_str("&quot;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// A place in a document.
struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn document(&mut self) -> Result<Element, String> {
        if self.text.trim().is_empty() {
            return Err("Document is empty".to_owned());
        }
        self.skip_misc()?;
        if !self.rest().starts_with('<') {
            return Err("Start tag expected, '<' not found".to_owned());
        }
        let root = self.tree()?;
        self.skip_misc()?;
        if self.rest().is_empty() {
            Ok(root)
        } else {
            Err("Extra content at the end of the document".to_owned())
        }
    }

    /// Reads the element that begins here, with its content.
    fn tree(&mut self) -> Result<Element, String> {
        // The open elements, each with the place of its tag.
        let mut open: Vec<(Element, usize)> = Vec::new();
        loop {
            let start = self.at;
            let closed = if self.take("</") {
                let name = self.name()?.to_owned();
                self.skip_blanks();
                let ended = self.take(">");
                let (element, start) = open.pop().ok_or("Start tag expected, '<' not found")?;
                if name != element.name {
                    let (opening, line) = (&element.name, self.line_of(start));
                    return Err(format!(
                        "Opening and ending tag mismatch: {opening} line {line} and {name}"
                    ));
                }
                if !ended {
                    return Err("expected '>'".to_owned());
                }
                Some(element)
            } else if self.rest().starts_with("<!--") {
                self.skip_past("-->", "Comment not terminated")?;
                None
            } else if self.rest().starts_with("<?") {
                self.skip_past("?>", "PI not terminated")?;
                None
            } else if self.take("<![CDATA[") {
                let text = self.until("]]>", "CData section not finished")?;
                self.at += 3;
                append(&mut open, text);
                None
            } else if self.take("<") {
                let (element, empty) = self.tag(start)?;
                if empty {
                    Some(element)
                } else if open.len() == DEPTH_MAX {
                    return Err(format!("more than {DEPTH_MAX} elements in each other"));
                } else {
                    open.push((element, start));
                    None
                }
            } else if let Some((parent, start)) = open.last() {
                let end = self.rest().find('<');
                let Some(end) = end else {
                    self.at = self.text.len();
                    let (name, line) = (&parent.name, self.line_of(*start));
                    return Err(format!("Premature end of data in tag {name} line {line}"));
                };
                let text = self.characters(self.at + end)?;
                append(&mut open, &text);
                None
            } else {
                // Characters before the root, such as a CDATA section and the text behind it.
                return Err("Start tag expected, '<' not found".to_owned());
            };
            if let Some(element) = closed {
                match open.last_mut() {
                    Some((parent, _)) => parent.children.push(element),
                    None => return Ok(element),
                }
            }
        }
    }

    /// Reads a tag behind its `<`, and returns `true` with it if it has no content.
    fn tag(&mut self, start: usize) -> Result<(Element, bool), String> {
        let mut element = Element {
            name: self.name()?.to_owned(),
            ..Element::default()
        };
        loop {
            self.skip_blanks();
            if self.take("/>") {
                return Ok((element, true));
            }
            if self.take(">") {
                return Ok((element, false));
            }
            if !self.rest().starts_with(is_name) {
                let (name, line) = (&element.name, self.line_of(start));
                return Err(format!("Couldn't find end of Start Tag {name} line {line}"));
            }
            let name = self.name()?.to_owned();
            self.skip_blanks();
            if !self.take("=") {
                return Err(format!("Specification mandates value for attribute {name}"));
            }
            self.skip_blanks();
            let quote = if self.take("'") {
                '\''
            } else if self.take("\"") {
                '"'
            } else {
                return Err("AttValue: \" or ' expected".to_owned());
            };
            let unfinished = "AttValue: ' expected";
            let end = self.rest().find(quote).ok_or(unfinished)?;
            if self.rest()[..end].contains('<') {
                return Err("Unescaped '<' not allowed in attributes values".to_owned());
            }
            let value = self.characters(self.at + end)?;
            self.at += 1;
            if element.attribute(&name).is_some() {
                return Err(format!("Attribute {name} redefined"));
            }
            element.attributes.push((name, value));
        }
    }

    fn name(&mut self) -> Result<&'a str, String> {
        let rest = self.rest();
        let end = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
        if end == 0 {
            return Err("StartTag: invalid element name".to_owned());
        }
        self.at += end;
        Ok(&rest[..end])
    }

    /// Reads text up to a place, and replaces the entities in it.
    fn characters(&mut self, end: usize) -> Result<String, String> {
        let mut characters = String::new();
        while let Some(entity) = self.text[self.at..end].find('&') {
            characters.push_str(&self.text[self.at..self.at + entity]);
            self.at += entity + 1;
            let length = self.text[self.at..end].find(';');
            let name = &self.text[self.at..self.at + length.ok_or("EntityRef: expecting ';'")?];
            self.at += name.len() + 1;
            characters.push(entity_of(name)?);
        }
        characters.push_str(&self.text[self.at..end]);
        self.at = end;
        Ok(characters)
    }

    /// Skips what may come before and after the root: blanks, comments, instructions.
    fn skip_misc(&mut self) -> Result<(), String> {
        loop {
            self.skip_blanks();
            if self.rest().starts_with("<!--") {
                self.skip_past("-->", "Comment not terminated")?;
            } else if self.rest().starts_with("<?") {
                self.skip_past("?>", "PI not terminated")?;
            } else {
                return Ok(());
            }
        }
    }

    fn skip_past(&mut self, end: &str, problem: &str) -> Result<(), String> {
        self.until(end, problem)?;
        self.at += end.len();
        Ok(())
    }

    fn until(&mut self, end: &str, problem: &str) -> Result<&'a str, String> {
        let rest = self.rest();
        let length = rest.find(end).ok_or(problem)?;
        self.at += length;
        Ok(&rest[..length])
    }

    fn skip_blanks(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    fn take(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn line_of(&self, place: usize) -> usize {
        1 + self.text[..place].matches('\n').count()
    }

    /// The problem with its line, and the place in the line underneath.
    fn report(&self, problem: &str) -> String {
        let (before, after) = self.text.split_at(self.at);
        let start = before.rfind('\n').map_or(0, |end| end + 1);
        let end = after
            .find('\n')
            .map_or(self.text.len(), |end| self.at + end);
        let shown = match &self.text[start..end] {
            "" if self.text.is_empty() => "(null)",
            line => line,
        };
        let (line, column) = (self.line_of(self.at), "-".repeat(self.at - start));
        format!("(domain_definition):{line}: {problem}\n{shown}\n{column}^")
    }
}

fn append(open: &mut [(Element, usize)], text: &str) {
    if let Some((element, _)) = open.last_mut() {
        element.text.push_str(text);
    }
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | ':' | '-' | '.')
}

fn entity_of(name: &str) -> Result<char, String> {
    let number = match name.strip_prefix('#') {
        Some(digits) => match digits.strip_prefix('x') {
            Some(digits) => u32::from_str_radix(digits, 16),
            None => digits.parse(),
        },
        None => {
            return match name {
                "amp" => Ok('&'),
                "lt" => Ok('<'),
                "gt" => Ok('>'),
                "apos" => Ok('\''),
                "quot" => Ok('"'),
                _ => Err(format!("Entity '{name}' not defined")),
            };
        }
    };
    let character = number.ok().and_then(char::from_u32);
    let character = character.filter(|c| *c >= ' ' || matches!(c, '\t' | '\n' | '\r'));
    character.ok_or_else(|| "xmlParseCharRef: invalid xmlChar value".to_owned())
}
