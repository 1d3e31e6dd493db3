//! The definitions in `xtask/protocol` are in the language, whole, and commented.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use virt_codegen::ast::{File, ItemKind, ValueKind};
use virt_codegen::{Source, parse};

/// Returns all definition files.
fn files() -> Vec<(PathBuf, File)> {
    let protocol = Path::new(env!("CARGO_MANIFEST_DIR")).join("protocol");
    let directories = [
        protocol.clone(),
        protocol.join("remote"),
        protocol.join("constants"),
    ];
    let entries = directories
        .iter()
        .flat_map(|directory| fs::read_dir(directory).expect("the directory is there"));
    let paths = entries.map(|entry| entry.expect("it can be listed").path());
    let definitions =
        paths.filter(|path| path.extension().is_some_and(|extension| extension == "x"));
    let read = |path: PathBuf| {
        let source = Source {
            name: path.display().to_string(),
            text: fs::read_to_string(&path).expect("the file is there"),
        };
        let file = parse(&[source], 0).unwrap_or_else(|error| panic!("{error}"));
        (path, file)
    };
    definitions.map(read).collect()
}

#[test]
fn every_procedure_has_its_own_number_and_a_comment() {
    let mut numbers: BTreeMap<String, BTreeMap<i128, String>> = BTreeMap::new();
    for (path, file) in files() {
        for item in file.items {
            let ItemKind::Enum(members) = item.kind else {
                continue;
            };
            if !item.name.text.ends_with("_procedure") {
                continue;
            }
            for member in members {
                let name = member.name.text;
                assert!(
                    !member.doc.lines.is_empty(),
                    "{}: {name} has no comment",
                    path.display()
                );
                let Some(ValueKind::Number(number)) = member.value.map(|value| value.kind) else {
                    panic!("{name} has no number");
                };
                let (program, _) = name
                    .split_once("_PROC_")
                    .expect("it has the form of a procedure");
                let of_program = numbers.entry(program.to_owned()).or_default();
                let other = of_program.insert(number, name.clone());
                assert_eq!(other, None, "{number} is {name}, too");
            }
        }
    }
    let counts: Vec<_> = numbers
        .iter()
        .map(|(name, numbers)| (name.as_str(), numbers.len()))
        .collect();
    let expected = [
        ("ADMIN", 20),
        ("KEEPALIVE", 2),
        ("LXC", 1),
        ("QEMU", 7),
        ("REMOTE", 456),
    ];
    assert_eq!(counts, expected);
    for (program, numbers) in numbers {
        // Keepalive begins at 1, too: no program has a gap.
        let last = numbers.keys().next_back().copied();
        assert_eq!(
            last.and_then(|last| usize::try_from(last).ok()),
            Some(numbers.len()),
            "{program}"
        );
    }
}

#[test]
fn every_flags_argument_says_which_flags_it_takes() {
    for (path, file) in files() {
        for item in file.items {
            let ItemKind::Struct(fields) = item.kind else {
                continue;
            };
            for field in fields {
                if field.name.text == "flags" && path.to_string_lossy().contains("remote/") {
                    let says = field.doc.has("as") || field.doc.has("unused");
                    assert!(says, "{}: flags of {}", path.display(), item.name.text);
                }
            }
        }
    }
}
