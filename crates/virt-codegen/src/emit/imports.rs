//! Full paths become imports.
//!
//! The emitter names everything by its full path, so that no definition can shadow it. In a module of its own, names of
//! Rust's prelude are safe, since no definition takes one, and other paths are imported unless their name is taken.

use std::collections::{BTreeMap, BTreeSet};

/// The beginnings of full paths in emitted code.
const ROOTS: &[&str] = &[
    "::core::",
    "::std::",
    "::alloc::",
    "::virt_xdr::",
    "::virt_transport::",
];

/// Returns the items of the module `own` with imports at the top.
pub(super) fn resolve(text: &str, own: &str) -> String {
    let root = format!("{}::", own.split("::").next().unwrap_or_default());
    let own = format!("{own}::");
    let defined = definitions(text);
    let mut imports: BTreeMap<String, String> = BTreeMap::new();
    let mut out = String::new();
    for line in text.lines() {
        if line.trim_start().starts_with("///") {
            out.push_str(line);
        } else {
            resolve_line(line, [&own, &root], &defined, &mut imports, &mut out);
        }
        out.push('\n');
    }
    let mut paths: Vec<_> = imports.into_values().collect();
    paths.sort();
    let (ours, others): (Vec<_>, Vec<_>) = paths.iter().partition(|path| path.starts_with(&root));
    let group = |paths: Vec<&String>| {
        let mut modules: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for path in paths {
            if let Some((module, name)) = path.rsplit_once("::") {
                modules.entry(module).or_default().push(name);
            }
        }
        let line = |(module, names): (&str, Vec<&str>)| {
            format!("use {module}::{{{}}};\n", names.join(", "))
        };
        modules.into_iter().map(line).collect::<String>()
    };
    format!("{}\n{}\n{out}", group(others), group(ours))
}

/// The names of the items that a text defines.
fn definitions(text: &str) -> BTreeSet<&str> {
    fn name(line: &str) -> Option<&str> {
        let rest = line.trim_start().strip_prefix("pub ")?;
        let (kind, rest) = rest.split_once(' ')?;
        let is_item = ["struct", "enum", "const", "trait", "type"].contains(&kind);
        let end = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
        is_item.then(|| rest.get(..end)).flatten()
    }
    text.lines().filter_map(name).collect()
}

fn resolve_line(
    line: &str,
    [own, root]: [&str; 2],
    defined: &BTreeSet<&str>,
    imports: &mut BTreeMap<String, String>,
    out: &mut String,
) {
    let mut rest = line;
    let mut before = ' ';
    while let Some(c) = rest.chars().next() {
        let begins = !is_word(before) && before != ':';
        let starts = |start: &&str| rest.starts_with(*start);
        let is_path = begins && (ROOTS.iter().any(starts) || rest.starts_with(root));
        if !is_path {
            out.push(c);
            before = c;
            rest = rest.get(c.len_utf8()..).unwrap_or_default();
            continue;
        }
        let end = rest
            .find(|c: char| !is_word(c) && c != ':')
            .unwrap_or(rest.len());
        let path = rest.get(..end).unwrap_or(rest).trim_end_matches(':');
        rest = rest.get(path.len()..).unwrap_or_default();
        before = 'x';
        out.push_str(&short(path, own, defined, imports));
    }
}

/// The shortest form of a path.
fn short(
    path: &str,
    own: &str,
    defined: &BTreeSet<&str>,
    imports: &mut BTreeMap<String, String>,
) -> String {
    if let Some(name) = path.strip_prefix(own)
        && name.starts_with(|c: char| c.is_uppercase())
    {
        return name.to_owned();
    }
    let path = path.trim_start_matches("::");
    let segments: Vec<&str> = path.split("::").collect();
    let is_item = |segment: &&str| segment.starts_with(|c: char| c.is_uppercase());
    let Some(item) = segments.iter().position(is_item) else {
        return path.to_owned();
    };
    let tail = segments.get(item..).unwrap_or_default();
    let is_std = matches!(segments.first(), Some(&("core" | "std" | "alloc")));
    if is_std && let ["Result" | "Option", variant, ..] = tail {
        return (*variant).to_owned();
    }
    let Some(name) = tail.first() else {
        return path.to_owned();
    };
    if is_std {
        return tail.join("::");
    }
    let full = segments.get(..=item).unwrap_or_default().join("::");
    let is_free = !defined.contains(name) && imports.get(*name).is_none_or(|other| *other == full);
    if !is_free {
        return path.to_owned();
    }
    imports.insert((*name).to_owned(), full);
    tail.join("::")
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}
