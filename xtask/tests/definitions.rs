//! The definitions in `xtask/protocol/full` are in the language, and number the procedures as the generated code does.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use virt_codegen::ast::{ItemKind, ValueKind};
use virt_codegen::{Source, parse};

fn protocol() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("protocol")
}

/// Returns the definition files of a directory.
fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).expect("the directory is there");
    let paths = entries.map(|entry| entry.expect("it can be listed").path());
    paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "x"))
        .collect()
}

/// Returns the procedures that files define, by name.
fn procedures(paths: &[PathBuf]) -> BTreeMap<String, i128> {
    let mut procedures = BTreeMap::new();
    for path in paths {
        let source = Source {
            name: path.display().to_string(),
            text: fs::read_to_string(path).expect("the file is there"),
        };
        let file = parse(&[source], 0).unwrap_or_else(|error| panic!("{error}"));
        for item in file.items {
            let ItemKind::Enum(members) = item.kind else {
                continue;
            };
            if !item.name.text.ends_with("_procedure") {
                continue;
            }
            for member in members {
                let name = member.name.text;
                let value = member.value.map(|value| value.kind);
                let Some(ValueKind::Number(number)) = value else {
                    panic!("{name} has no number");
                };
                let other = procedures.insert(name.clone(), number);
                assert_eq!(other, None, "{name} is defined twice");
            }
        }
    }
    procedures
}

#[test]
fn the_remote_program_has_the_same_procedures_in_one_file_for_each_object() {
    let mut full = files(&protocol().join("full/remote"));
    full.push(protocol().join("full/remote.x"));
    let full = procedures(&full);
    assert_eq!(full, procedures(&[protocol().join("remote.x")]));
    assert_eq!(full.len(), 456);
}

#[test]
fn the_other_programs_have_at_least_the_same_procedures() {
    for name in ["admin.x", "lxc.x", "qemu.x"] {
        let full = procedures(&[protocol().join("full").join(name)]);
        let generated = procedures(&[protocol().join(name)]);
        assert!(!generated.is_empty(), "{name}");
        for (procedure, number) in generated {
            assert_eq!(full.get(&procedure), Some(&number), "{procedure}");
        }
    }
}

#[test]
fn the_constants_are_in_the_language() {
    // Flags of 2^31, which a member of an enum cannot have.
    let beyond = ["domain.x", "node_device.x"];
    let mut constants = files(&protocol().join("full/constants"));
    constants.retain(|path| !beyond.iter().any(|name| path.ends_with(name)));
    assert!(constants.len() > 5, "{} files", constants.len());
    procedures(&constants);
}
