//! The checks in their order: quick ones and those that often fail come first.

use std::{collections::BTreeMap, fs, path::Path};

use super::{
    Ci,
    english::{self, Comments},
    rules, shell,
    tools::{CARGO_FUZZ, CLIPPY, CXX, LIBVIRT, NIGHTLY, RUSTFMT, Tool},
};
use crate::{fuzz, soak};

/// One check.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) tools: &'static [(&'static Tool, Without)],
    pub(super) run: fn(&Ci) -> Result<(), String>,
}

/// The part that is left out without a tool.
#[derive(Debug)]
pub(super) enum Without {
    Step,
    Part(&'static str),
}

pub(super) const STEPS: &[Step] = &[
    Step {
        name: "format",
        about: "every file is as rustfmt would have it",
        tools: &[(&RUSTFMT, Without::Step)],
        run: |_| {
            shell::all([
                shell::run("cargo fmt --all --check"),
                shell::run("cargo fmt --manifest-path fuzz/Cargo.toml --check"),
                shell::run("cargo fmt --manifest-path xtask/no-std/Cargo.toml --check"),
            ])
        },
    },
    Step {
        name: "sources",
        about: "the core crates name no unsafe code, lock, clock, socket or global; comments and pages are in plain English",
        tools: &[],
        run: |_| sources(),
    },
    Step {
        name: "dependencies",
        about: "without features, libraries without I/O depend on bytes, thiserror and those below them",
        tools: &[],
        run: |_| dependencies(),
    },
    Step {
        name: "codegen",
        about: "generated files are up to date with their definitions",
        tools: &[],
        run: |_| shell::run("cargo xtask codegen --check"),
    },
    Step {
        name: "no-std",
        about: "virt-xdr and all it depends on do without std",
        tools: &[],
        run: |_| shell::run("cargo check --manifest-path xtask/no-std/Cargo.toml"),
    },
    Step {
        name: "clippy",
        about: "no warning in any target",
        tools: &[(&CLIPPY, Without::Step)],
        run: |_| shell::run("cargo clippy --workspace --all-targets --all-features -- -D warnings"),
    },
    Step {
        name: "docs",
        about: "the documentation builds without a warning",
        tools: &[],
        run: |_| {
            shell::run("env RUSTDOCFLAGS=-Dwarnings cargo doc --workspace --all-features --no-deps")
        },
    },
    Step {
        name: "tests",
        about: "unit, integration and documentation tests",
        tools: &[(
            &LIBVIRT,
            Without::Part("the tests against a real libvirt daemon"),
        )],
        run: |_| shell::run("cargo test --workspace --no-fail-fast"),
    },
    Step {
        name: "benches",
        about: "each benchmark runs, once and unmeasured",
        tools: &[],
        run: |_| shell::run("cargo test --package virt-benches --benches"),
    },
    Step {
        name: "fuzz-clippy",
        about: "no warning in any fuzz target",
        tools: &[(&CLIPPY, Without::Step), (&CXX, Without::Step)],
        run: |_| {
            shell::run("cargo clippy --manifest-path fuzz/Cargo.toml --all-targets -- -D warnings")
        },
    },
    Step {
        name: "fuzz",
        about: "a few seconds of each fuzz target",
        tools: &[
            (&CXX, Without::Step),
            (&NIGHTLY, Without::Step),
            (&CARGO_FUZZ, Without::Step),
        ],
        run: |ci| fuzz::run(&[], ci.fuzz_seconds),
    },
    Step {
        name: "soak",
        about: "half a minute of random use leaves nothing behind",
        tools: &[(
            &LIBVIRT,
            Without::Part("the rounds against a real libvirt daemon"),
        )],
        run: |_| soak::run(30, None),
    },
    Step {
        name: "locks",
        about: "the lock files are committed and up to date",
        tools: &[],
        run: |_| {
            let list = "git ls-files --modified --others --exclude-standard";
            rules::judge_locks(&shell::read(list)?)
        },
    },
];

fn sources() -> Result<(), String> {
    let mut found = Vec::new();
    for name in rules::CORE {
        let directory = shell::root().join("crates").join(name).join("src");
        each_source(&directory, &mut |path, source| {
            let path = path.strip_prefix(shell::root()).unwrap_or(path);
            found.extend(
                rules::judge_source(source)
                    .map(|(line, name)| Err(format!("{}:{line}: {name}", path.display()))),
            );
        })?;
    }
    found.push(english());
    shell::all(found)
}

/// Judges hand-written documentation comments, and the phrases of all text but the changelog, which quotes old texts.
///
/// Each package is judged by itself, so that a plain one does not make up for another.
fn english() -> Result<(), String> {
    let mut packages = BTreeMap::<_, Comments>::new();
    let mut found = Vec::new();
    for path in shell::read("git ls-files *.rs *.md *.x")?.lines() {
        let text = fs::read_to_string(shell::root().join(path));
        let text = text.map_err(|error| format!("{path}: {error}"))?;
        if path.ends_with(".rs") && !path.ends_with("/generated.rs") {
            let comments = packages.entry(package(path).to_owned()).or_default();
            comments.add(path, &text);
        }
        if !["xtask/src/ci/english.rs", "CHANGELOG.md"].contains(&path) {
            found.extend(
                english::phrases(&text)
                    .into_iter()
                    .map(|(line, phrase, plain)| {
                        Err(format!("{path}:{line}: {phrase:?}, better {plain:?}"))
                    }),
            );
        }
    }
    found.extend(packages.values().map(Comments::judge));
    shell::all(found)
}

/// Returns the directory of a path's package: two names for one of the crates, one for all others.
fn package(path: &str) -> &str {
    let names = if path.starts_with("crates/") { 2 } else { 1 };
    let end = path.match_indices('/').nth(names - 1);
    end.map_or(path, |(at, _)| &path[..at])
}

/// Reads each source file below a directory, but for those of tests.
fn each_source(directory: &Path, f: &mut impl FnMut(&Path, &str)) -> Result<(), String> {
    let at = |error| format!("{}: {error}", directory.display());
    for entry in fs::read_dir(directory).map_err(at)? {
        let path = entry.map_err(at)?.path();
        if path.file_stem().is_some_and(|name| name == "tests") {
            continue;
        }
        if path.is_dir() {
            each_source(&path, f)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            f(&path, &fs::read_to_string(&path).map_err(at)?);
        }
    }
    Ok(())
}

fn dependencies() -> Result<(), String> {
    shell::all(rules::LIBRARIES.iter().map(|library| {
        let tree = shell::read(&format!(
            "cargo tree --no-default-features --edges normal --target all --prefix depth --package {}",
            library.name
        ))?;
        library.judge_tree(&tree)
    }))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_crate_and_a_directory_are_packages() {
        assert_eq!(package("crates/virt-xdr/src/lib.rs"), "crates/virt-xdr");
        assert_eq!(package("tests/kit/src/lib.rs"), "tests");
    }

    #[test]
    fn no_two_steps_have_one_name() {
        let names: HashSet<_> = STEPS.iter().map(|step| step.name).collect();
        assert_eq!(names.len(), STEPS.len());
    }

    #[test]
    fn sources_are_found_in_every_directory_below() {
        let mut found = Vec::new();
        each_source(&shell::root().join("xtask"), &mut |path, source| {
            assert_eq!(source, fs::read_to_string(path).unwrap());
            found.push(path.to_owned());
        })
        .unwrap();
        for path in ["src/main.rs", "src/ci/steps.rs"] {
            assert!(found.contains(&shell::root().join("xtask").join(path)));
        }
    }

    #[test]
    fn sources_of_tests_are_passed_over() {
        let package = shell::root().join("tests");
        let mut found = Vec::new();
        each_source(&package, &mut |path, _| found.push(path.to_owned())).unwrap();
        assert!(found.contains(&package.join("src/lib.rs")));
        let tests = package.join("tests");
        assert!(!found.iter().any(|path| path.starts_with(&tests)));
    }

    #[test]
    fn a_directory_that_is_not_there_is_an_error() {
        let missing = shell::root().join("no-such-directory");
        assert!(each_source(&missing, &mut |_, _| ()).is_err());
    }
}
