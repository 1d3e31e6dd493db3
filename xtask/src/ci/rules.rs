//! Rules that no compiler checks: what the core crates may depend on and may not name, and lock files that are up to date.

/// A crate of the core, with the crates of this workspace that it may depend on.
#[derive(Debug)]
pub(super) struct CoreCrate {
    pub(super) name: &'static str,
    below: &'static [&'static str],
}

/// The core, lowest first: each can be picked as a dependency, so each stays small.
pub(super) const CORE: &[CoreCrate] = &[
    CoreCrate {
        name: "virt-xdr",
        below: &[],
    },
    CoreCrate {
        name: "virt-transport",
        below: &["virt-xdr"],
    },
    CoreCrate {
        name: "virt-keepalive",
        below: &["virt-xdr", "virt-transport"],
    },
];

/// `bytes` and `thiserror`, and what the latter's macro is built from.
const FROM_OUTSIDE: &[&str] = &[
    "bytes",
    "thiserror",
    "thiserror-impl",
    "proc-macro2",
    "quote",
    "syn",
    "unicode-ident",
];

/// Shared or locked state, clocks, sockets, the environment, globals: all of it belongs a layer up.
const NOT_NAMED: &[&str] = &[
    "unsafe",
    "Rc",
    "RefCell",
    "Mutex",
    "RwLock",
    "OnceLock",
    "LazyLock",
    "mpsc",
    "channel",
    "thread_local",
    "SystemTime",
    "Instant::now",
    "static ",
    "std::{",
    "std::env",
    "std::fs",
    "std::net",
    "std::process",
    "std::thread",
];

impl CoreCrate {
    /// Judges what `cargo tree --prefix none` prints: one package a line, its name first.
    pub(super) fn judge_tree(&self, tree: &str) -> Result<(), String> {
        let mut names = tree.lines().filter_map(|line| line.split(' ').next());
        if names.next() != Some(self.name) {
            return Err(format!("this is not the tree of {}:\n{tree}", self.name));
        }
        let stray: Vec<_> = names
            .filter(|name| !FROM_OUTSIDE.contains(name) && !self.below.contains(name))
            .collect();
        if stray.is_empty() {
            Ok(())
        } else {
            Err(format!(
                "{} may not depend on {}",
                self.name,
                stray.join(", ")
            ))
        }
    }
}

/// The lines of a source that name what the core does without: their numbers, from 1, and what they name.
///
/// Tests at its end are not part of the core: where else should they take the time from?
pub(super) fn judge_source(source: &str) -> impl Iterator<Item = (usize, &'static str)> {
    without_tests(source)
        .lines()
        .enumerate()
        .flat_map(|(index, line)| {
            let code = without_comment(line);
            NOT_NAMED
                .iter()
                .filter(move |path| names(code, path))
                .map(move |path| (index + 1, *path))
        })
}

/// Judges the files that git does not have as they are, one a line, after cargo has built everything.
///
/// Cargo mends a lock file that lags behind. With an edited manifest beside it the change is the author's own, underway.
pub(super) fn judge_locks(changed: &str) -> Result<(), String> {
    let find = |name| {
        changed
            .lines()
            .find(|path| path.rsplit('/').next() == Some(name))
    };
    match (find("Cargo.lock"), find("Cargo.toml")) {
        (Some(lock), None) => Err(format!("{lock} was out of date: commit what it is now")),
        _ => Ok(()),
    }
}

fn without_tests(source: &str) -> &str {
    source
        .split_once("\n#[cfg(test)]\nmod tests {\n")
        .map_or(source, |(code, _)| code)
}

/// Cuts a line at `//`, unless that is part of a URI.
fn without_comment(line: &str) -> &str {
    line.match_indices("//")
        .map(|(at, _)| &line[..at])
        .find(|code| !code.ends_with(':'))
        .unwrap_or(line)
}

/// Returns whether `path` stands in `code` as a whole: `Rc` does in `Rc<u8>`, not in `Arc<u8>`; and no lifetime has a name.
fn names(code: &str, path: &str) -> bool {
    let in_a_word = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(path).any(|(at, _)| {
        let begins = !code[..at].ends_with(|c| in_a_word(c) || c == '\'');
        let ends = !path.ends_with(in_a_word) || !code[at + path.len()..].starts_with(in_a_word);
        begins && ends
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const XDR_TREE: &str = "\
virt-xdr v0.1.0 (/home/someone/virt/crates/virt-xdr)
bytes v1.10.1
thiserror v2.0.12
thiserror-impl v2.0.12 (proc-macro)
proc-macro2 v1.0.95
unicode-ident v1.0.18
quote v1.0.40
proc-macro2 v1.0.95 (*)
syn v2.0.101
";

    #[test]
    fn the_allowed_dependencies_pass() {
        assert_eq!(CORE[0].judge_tree(XDR_TREE), Ok(()));
    }

    #[test]
    fn a_dependency_from_outside_is_named() {
        let tree = format!("{XDR_TREE}tokio v1.45.0\nlibc v0.2.172\n");
        assert_eq!(
            CORE[0].judge_tree(&tree),
            Err("virt-xdr may not depend on tokio, libc".to_owned())
        );
    }

    #[test]
    fn a_crate_may_use_those_below_it_and_not_those_above() {
        let tree = "virt-transport v0.1.0 (/virt/crates/virt-transport)\nvirt-xdr v0.1.0 (/virt)\n";
        assert_eq!(CORE[1].judge_tree(tree), Ok(()));
        let tree = "virt-xdr v0.1.0 (/virt/crates/virt-xdr)\nvirt-transport v0.1.0 (/virt)\n";
        assert_eq!(
            CORE[0].judge_tree(tree),
            Err("virt-xdr may not depend on virt-transport".to_owned())
        );
    }

    #[test]
    fn an_empty_tree_does_not_pass() {
        assert!(CORE[0].judge_tree("").is_err());
    }

    #[test]
    fn the_tree_of_another_crate_does_not_pass() {
        assert!(CORE[1].judge_tree(XDR_TREE).is_err());
    }

    #[track_caller]
    fn assert_judged(source: &str, expected: &[(usize, &str)]) {
        assert_eq!(judge_source(source).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn what_a_source_may_not_name_is_found_with_its_line() {
        assert_judged(
            "use std::rc::Rc;\n\nlet now = std::time::Instant::now();",
            &[(1, "Rc"), (3, "Instant::now")],
        );
        assert_judged("static LOCK: Mutex<u8>;", &[(1, "Mutex"), (1, "static ")]);
        assert_judged("const NAME: &'static str = \"\";", &[]);
        assert_judged("use std::{env, fmt};", &[(1, "std::{")]);
        assert_judged(
            "let (tx, rx) = mpsc::channel();",
            &[(1, "mpsc"), (1, "channel")],
        );
    }

    #[test]
    fn part_of_a_word_is_not_the_word() {
        assert_judged("#![forbid(unsafe_code)]\nlet shared: Arc<u8>;", &[]);
    }

    #[test]
    fn comments_may_name_anything() {
        assert_judged("//! Holds no `Mutex`.\nlet x = 1; // not unsafe", &[]);
    }

    #[test]
    fn tests_at_the_end_may_name_anything() {
        assert_judged(
            "fn f() {}\n\n#[cfg(test)]\nmod tests {\n    let now = Instant::now();\n}\n",
            &[],
        );
        assert_judged(
            "#[cfg(test)]\nmod tests;\n\nstatic LOCK: Mutex<u8>;\n",
            &[(4, "Mutex"), (4, "static ")],
        );
    }

    #[test]
    fn a_lock_that_cargo_had_to_mend_was_out_of_date() {
        assert_eq!(
            judge_locks("README.md\nfuzz/Cargo.lock\n"),
            Err("fuzz/Cargo.lock was out of date: commit what it is now".to_owned())
        );
    }

    #[test]
    fn a_lock_may_change_with_a_manifest() {
        assert_eq!(
            judge_locks("Cargo.lock\ncrates/virt-xdr/Cargo.toml\n"),
            Ok(())
        );
        assert_eq!(judge_locks("crates/virt-xdr/src/lib.rs\n"), Ok(()));
        assert_eq!(judge_locks(""), Ok(()));
    }

    #[test]
    fn a_uri_is_not_a_comment() {
        assert_judged("f(\"qemu:///system\", unsafe { g() })", &[(1, "unsafe")]);
    }
}
