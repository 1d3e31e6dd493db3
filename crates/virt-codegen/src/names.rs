//! XDR names become Rust names.

use std::collections::HashSet;

/// The words of a name, in lower case: `virNetMessageUUID`, `VIR_NET_MESSAGE_UUID` and
/// `vir_net_message_uuid` have the same four.
pub(crate) fn words(name: &str) -> Vec<String> {
    let mut words = Vec::new();
    for part in name.split('_') {
        let chars: Vec<char> = part.chars().collect();
        let mut word = String::new();
        for (i, &c) in chars.iter().enumerate() {
            let after = |n: usize| chars.get(i + n).copied();
            let before = i.checked_sub(1).and_then(|i| chars.get(i).copied());
            // "CPUs" is the plural of one word, not "CP" and "Us".
            let plural = after(1) == Some('s') && !after(2).is_some_and(char::is_lowercase);
            let begins = c.is_uppercase()
                && before.is_some_and(|before| {
                    !before.is_uppercase() || after(1).is_some_and(char::is_lowercase) && !plural
                });
            if begins && !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
            word.extend(c.to_lowercase());
        }
        if !word.is_empty() {
            words.push(word);
        }
    }
    words
}

/// A name for comparison: case and underscores do not count.
pub(crate) fn normal(name: &str) -> String {
    words(name).concat()
}

/// `NonnullDomain`
pub(crate) fn camel(words: &[String]) -> String {
    let name: String = words.iter().map(|word| capital(word)).collect();
    let name = if name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        name
    } else {
        format!("N{name}")
    };
    if name == "Self" { "Self_".into() } else { name }
}

/// Returns the name of an item; a name of Rust's prelude gets `Xdr` in front, so that a glob import of the generated module
/// does not change the meaning of `String` or `Option`.
pub(crate) fn unshadowed(name: String) -> String {
    if PRELUDE.contains(&name.as_str()) {
        format!("Xdr{name}")
    } else {
        name
    }
}

/// The types, traits and variants of Rust's prelude.
const PRELUDE: &[&str] = &[
    "AsMut",
    "AsRef",
    "AsyncFn",
    "AsyncFnMut",
    "AsyncFnOnce",
    "Box",
    "Clone",
    "Copy",
    "Debug",
    "Default",
    "DoubleEndedIterator",
    "Drop",
    "Eq",
    "Err",
    "ExactSizeIterator",
    "Extend",
    "Fn",
    "FnMut",
    "FnOnce",
    "From",
    "FromIterator",
    "Future",
    "Hash",
    "Into",
    "IntoFuture",
    "IntoIterator",
    "Iterator",
    "None",
    "Ok",
    "Option",
    "Ord",
    "PartialEq",
    "PartialOrd",
    "Result",
    "Send",
    "Sized",
    "Some",
    "String",
    "Sync",
    "ToOwned",
    "ToString",
    "TryFrom",
    "TryInto",
    "Unpin",
    "Vec",
];

/// `NONNULL_DOMAIN`
pub(crate) fn screaming(words: &[String]) -> String {
    let name = words.join("_").to_uppercase();
    if name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        name
    } else {
        format!("N{name}")
    }
}

/// `nonnull_domain`, escaped where that is a keyword.
pub(crate) fn snake(words: &[String]) -> String {
    let name = words.join("_");
    let name = if name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        name
    } else {
        format!("n{name}")
    };
    match name.as_str() {
        // These cannot be raw identifiers.
        "self" | "super" | "crate" => format!("{name}_"),
        word if KEYWORDS.contains(&word) => format!("r#{name}"),
        _ => name,
    }
}

/// The words of `name` without those of `prefix`, if it begins with them and has more.
pub(crate) fn without(name: &[String], prefix: &[String]) -> Vec<String> {
    match name.strip_prefix(prefix) {
        Some(rest) if !rest.is_empty() => rest.to_vec(),
        _ => name.to_vec(),
    }
}

/// The words that all of `names` begin with; each keeps at least one of its own, and does not begin with
/// a digit then.
pub(crate) fn common_prefix(names: &[Vec<String>]) -> Vec<String> {
    let Some((first, others)) = names.split_first() else {
        return Vec::new();
    };
    let fits = |count: usize| {
        let fits = |name: &Vec<String>| {
            name.get(..count) == first.get(..count)
                && name
                    .get(count)
                    .is_some_and(|word| word.starts_with(|c: char| c.is_alphabetic()))
        };
        fits(first) && others.iter().all(fits)
    };
    let count = (0..first.len())
        .rev()
        .find(|&count| fits(count))
        .unwrap_or(0);
    first[..count].to_vec()
}

/// The names of one scope; no two are the same.
#[derive(Debug, Default)]
pub(crate) struct Scope(HashSet<String>);

impl Scope {
    pub(crate) fn new(reserved: &[&str]) -> Self {
        Self(reserved.iter().map(|&name| name.to_owned()).collect())
    }

    /// `name`, or with a number behind it where the scope has it already.
    pub(crate) fn claim(&mut self, name: String) -> String {
        let mut claimed = name.clone();
        let mut number = 2_u32;
        while !self.0.insert(claimed.clone()) {
            claimed = format!("{name}{number}");
            number += 1;
        }
        claimed
    }
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars
        .next()
        .map(|c| c.to_uppercase().chain(chars).collect())
        .unwrap_or_default()
}

/// Every keyword of the 2024 edition, strict or reserved.
const KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn",
    "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let",
    "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return",
    "static", "struct", "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use",
    "virtual", "where", "while", "yield",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_in_every_convention() {
        for (name, expected) in [
            ("remote_nonnull_domain", "remote nonnull domain"),
            ("VIR_NET_MESSAGE_UUID", "vir net message uuid"),
            ("virNetMessageUUID", "vir net message uuid"),
            (
                "virLXCMonitorExitEventMsg",
                "vir lxc monitor exit event msg",
            ),
            ("xmlCPUs", "xml cpus"),
            ("callbackID", "callback id"),
            ("libVer", "lib ver"),
            ("str1", "str1"),
            ("NFSPROC3_NULL", "nfsproc3 null"),
            ("a__b_", "a b"),
            ("__", ""),
        ] {
            assert_eq!(words(name).join(" "), expected, "{name}");
        }
    }

    #[test]
    fn names_are_rust_names() {
        assert_eq!(camel(&words("self")), "Self_");
        assert_eq!(camel(&words("_1st")), "N1st");
        assert_eq!(snake(&words("type")), "r#type");
        assert_eq!(snake(&words("SELF")), "self_");
        assert_eq!(snake(&words("__")), "n");
        assert_eq!(screaming(&words("protocolVersion")), "PROTOCOL_VERSION");
    }

    #[test]
    fn a_common_prefix_leaves_a_name() {
        let prefix = |names: &[&str]| {
            common_prefix(&names.iter().map(|name| words(name)).collect::<Vec<_>>()).join(" ")
        };
        assert_eq!(prefix(&["VIR_NET_OK", "VIR_NET_ERROR"]), "vir net");
        assert_eq!(prefix(&["A_B", "A_B_C"]), "a");
        assert_eq!(prefix(&["SIZE_16", "SIZE_32"]), "");
        assert_eq!(prefix(&["RED", "GREEN"]), "");
        assert_eq!(prefix(&[]), "");
    }

    #[test]
    fn a_scope_has_no_name_twice() {
        let mut scope = Scope::new(&["ALL"]);
        assert_eq!(scope.claim("ALL".into()), "ALL2");
        assert_eq!(scope.claim("ALL".into()), "ALL3");
        assert_eq!(scope.claim("NONE".into()), "NONE");
    }
}
