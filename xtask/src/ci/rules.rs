//! Rules that no compiler checks: the dependencies of libraries, the names that the core does without, current lock files.

/// A library with few dependencies: those that its manifest may name.
#[derive(Debug)]
pub(super) struct Library {
    pub(super) name: &'static str,
    depends_on: &'static [&'static str],
}

/// The libraries that do no I/O, lowest first: each can be picked as a dependency, so each stays small.
pub(super) const LIBRARIES: &[Library] = &[
    Library {
        name: "virt-xdr",
        depends_on: &["bytes", "thiserror"],
    },
    Library {
        name: "virt-transport",
        depends_on: &["virt-xdr", "bytes", "thiserror"],
    },
    Library {
        name: "virt-keepalive",
        depends_on: &["virt-transport"],
    },
    Library {
        name: "virt-protocol",
        depends_on: &["virt-xdr", "virt-transport", "bytes", "thiserror"],
    },
    Library {
        name: "virt-remote",
        depends_on: &["virt-xdr", "virt-transport", "virt-protocol", "thiserror"],
    },
    Library {
        name: "virt-uri",
        depends_on: &["thiserror"],
    },
    Library {
        name: "virt-codegen",
        depends_on: &["thiserror"],
    },
];

/// The crates whose sources name no clock, lock or socket.
pub(super) const CORE: &[&str] = &["virt-xdr", "virt-transport", "virt-keepalive"];

/// The crates that `thiserror` is built from.
const OF_THISERROR: &[&str] = &[
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

impl Library {
    /// Judges the output of `cargo tree --prefix depth`: a package in each line, its depth and name first.
    pub(super) fn judge_tree(&self, tree: &str) -> Result<(), String> {
        let mut packages = tree.lines().filter_map(package);
        if packages.next() != Some(("0", self.name)) {
            return Err(format!("this is not the tree of {}:\n{tree}", self.name));
        }
        let stray: Vec<_> = packages
            .filter(|(depth, name)| !self.may_have(depth, name))
            .map(|(_, name)| name)
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

    /// Returns whether the tree may have a package at a depth. Those below the libraries are judged in their own trees.
    fn may_have(&self, depth: &str, name: &str) -> bool {
        if depth == "1" {
            return self.depends_on.contains(&name);
        }
        let below = LIBRARIES
            .iter()
            .filter(|library| self.depends_on.contains(&library.name))
            .flat_map(|library| library.depends_on);
        OF_THISERROR.contains(&name) || below.into_iter().any(|below| *below == name)
    }
}

/// Splits the depth and the name off a line of a tree.
fn package(line: &str) -> Option<(&str, &str)> {
    let package = line.split(' ').next()?;
    let at = package.find(|c: char| !c.is_ascii_digit())?;
    Some(package.split_at(at))
}

/// Returns the names in a source that the core may not use, each with the number of its line, from 1.
///
/// Tests at its end are no part of the core, and may read a clock.
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

/// Judges the list of files that differ from those in git, one in each line, after cargo has built everything.
///
/// Cargo updates a lock file that is out of date. If a manifest has changed, too, the author is about to commit both.
pub(super) fn judge_locks(changed: &str) -> Result<(), String> {
    let find = |name| {
        changed
            .lines()
            .find(|path| path.rsplit('/').next() == Some(name))
    };
    match (find("Cargo.lock"), find("Cargo.toml")) {
        (Some(lock), None) => Err(format!(
            "{lock} was out of date: commit the file as it is now"
        )),
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

/// Returns whether `path` is in `code` as a whole word: `Rc` is in `Rc<u8>`, but not in `Arc<u8>`. Lifetimes do not count.
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
0virt-xdr v0.1.0 (/home/someone/virt/crates/virt-xdr)
1bytes v1.10.1
1thiserror v2.0.12
2thiserror-impl v2.0.12 (proc-macro)
3proc-macro2 v1.0.95
4unicode-ident v1.0.18
3quote v1.0.40
4proc-macro2 v1.0.95 (*)
3syn v2.0.101
";

    fn judge(name: &str, tree: &str) -> Result<(), String> {
        let library = LIBRARIES.iter().find(|library| library.name == name);
        library
            .expect("it is one of the libraries")
            .judge_tree(tree)
    }

    #[test]
    fn the_allowed_dependencies_pass() {
        assert_eq!(judge("virt-xdr", XDR_TREE), Ok(()));
    }

    #[test]
    fn a_dependency_from_outside_is_named() {
        let tree = format!("{XDR_TREE}1tokio v1.45.0\n2libc v0.2.172\n");
        assert_eq!(
            judge("virt-xdr", &tree),
            Err("virt-xdr may not depend on tokio, libc".to_owned())
        );
    }

    #[test]
    fn a_crate_may_use_those_below_it_and_not_those_above() {
        let tree = "0virt-transport v0.1.0 (/virt)\n1virt-xdr v0.1.0 (/virt)\n";
        assert_eq!(judge("virt-transport", tree), Ok(()));
        let tree = "0virt-xdr v0.1.0 (/virt)\n1virt-transport v0.1.0 (/virt)\n";
        assert_eq!(
            judge("virt-xdr", tree),
            Err("virt-xdr may not depend on virt-transport".to_owned())
        );
    }

    #[test]
    fn keepalive_has_bytes_through_the_transport_alone() {
        let tree =
            "0virt-keepalive v0.1.0 (/virt)\n1virt-transport v0.1.0 (/virt)\n2bytes v1.10.1\n";
        assert_eq!(judge("virt-keepalive", tree), Ok(()));
        let tree = "0virt-keepalive v0.1.0 (/virt)\n1bytes v1.10.1\n";
        assert_eq!(
            judge("virt-keepalive", tree),
            Err("virt-keepalive may not depend on bytes".to_owned())
        );
    }

    #[test]
    fn the_generator_has_thiserror_alone() {
        let tree = "0virt-codegen v0.1.0 (/virt)\n1thiserror v2.0.12\n2thiserror-impl v2.0.12\n";
        assert_eq!(judge("virt-codegen", tree), Ok(()));
        let tree = format!("{tree}1clap v4.5.0\n");
        assert_eq!(
            judge("virt-codegen", &tree),
            Err("virt-codegen may not depend on clap".to_owned())
        );
    }

    #[test]
    fn an_empty_tree_does_not_pass() {
        assert!(judge("virt-xdr", "").is_err());
    }

    #[test]
    fn the_tree_of_another_crate_does_not_pass() {
        assert!(judge("virt-transport", XDR_TREE).is_err());
    }

    #[test]
    fn every_core_crate_is_a_library() {
        let is_library = |name| LIBRARIES.iter().any(|library| library.name == name);
        assert!(CORE.iter().copied().all(is_library));
    }

    #[track_caller]
    fn assert_judged(source: &str, expected: &[(usize, &str)]) {
        assert_eq!(judge_source(source).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_forbidden_name_is_found_with_its_line() {
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
            Err("fuzz/Cargo.lock was out of date: commit the file as it is now".to_owned())
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
