//! Documentation of generated items.

use super::Emitter;
use crate::ast::Doc;
use crate::model::{Field, Ty};

impl Emitter<'_> {
    /// Writes the comment of the definitions, then a last paragraph.
    pub(super) fn doc(&mut self, doc: &Doc, last: &str) {
        for line in &doc.lines {
            self.line(format!("/// {}", escaped(line)).trim_end());
        }
        if !doc.lines.is_empty() && !last.is_empty() {
            self.line("///");
        }
        for line in last.lines() {
            self.line(format!("/// {line}").trim_end());
        }
    }

    /// Writes the comment of the definitions, and their name for the item if it differs from Rust's.
    pub(super) fn item_doc(&mut self, doc: &Doc, xdr: &str, rust: &str, keyword: &str) {
        let last = if doc.lines.is_empty() || xdr != rust {
            format!("XDR: `{keyword}{xdr}`.")
        } else {
            String::new()
        };
        self.doc(doc, &last);
    }

    pub(super) fn field_doc(&mut self, field: &Field) {
        let limits = limits(&field.ty);
        let limits = if limits.is_empty() {
            limits
        } else {
            format!(": {limits}")
        };
        self.doc(
            &field.doc,
            &format!("XDR: `{}`{limits}.", field.declaration),
        );
    }
}

/// The bounds of a type in words, if it has any.
pub(super) fn limits(ty: &Ty) -> String {
    let limits = ty.layers().filter_map(|layer| match layer {
        Ty::String(Some(bound)) | Ty::Opaque(Some(bound)) => {
            Some(format!("at most {} bytes", bound.value))
        }
        Ty::Array {
            bound: Some(bound), ..
        } => Some(format!("at most {} elements", bound.value)),
        _ => None,
    });
    limits.collect::<Vec<_>>().join(" of ")
}

/// A line that means in Markdown what it says: no list, no heading, no link, no HTML, and no code that would
/// be compiled.
pub(super) fn escaped(line: &str) -> String {
    let mut escaped = String::new();
    let mut in_code = false;
    let number = line.bytes().take_while(u8::is_ascii_digit).count();
    if line.starts_with(['-', '+', '*', '#', '=', '~', '|']) {
        escaped.push('\\');
    }
    let is_fence = line.starts_with("```");
    let balanced = !is_fence && line.matches('`').count().is_multiple_of(2);
    for (i, c) in line.chars().enumerate() {
        match c {
            '.' | ')' if i == number && number > 0 => escaped.push('\\'),
            '`' if balanced => in_code = !in_code,
            '`' | '<' | '>' | '[' | ']' if !in_code => escaped.push('\\'),
            _ => {}
        }
        escaped.push(c);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn what_markdown_would_change_is_escaped() {
        assert_eq!(escaped("see <a.h> and byte[]"), r"see \<a.h\> and byte\[\]");
        assert_eq!(
            escaped("see `Vec<u8>` or `a[1]`"),
            "see `Vec<u8>` or `a[1]`"
        );
        assert_eq!(escaped("it`s"), r"it\`s");
        assert_eq!(escaped("~~~ code"), r"\~~~ code");
        assert_eq!(escaped("```"), r"\`\`\`");
        assert_eq!(escaped("- 1. a"), r"\- 1. a");
        assert_eq!(escaped("1. a."), r"1\. a.");
    }
}
