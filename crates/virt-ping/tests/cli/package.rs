//! The package of this crate: its tests compile without the workspace.

use std::fs;
use std::path::Path;
use std::process::Command;

#[test]
fn packaged_tests_need_no_crate_that_is_not_published() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let list = Command::new(env!("CARGO"))
        .args(["package", "--list", "--allow-dirty", "--offline"])
        .current_dir(root)
        .output()
        .unwrap();
    let list = String::from_utf8(list.stdout).unwrap();
    let sources: Vec<_> = list.lines().filter(|path| path.ends_with(".rs")).collect();
    assert!(
        sources.contains(&"src/main.rs") && sources.contains(&"tests/dist.rs"),
        "{list}"
    );
    for source in sources {
        // Cargo leaves path dependencies without a version out of a package.
        let text = fs::read_to_string(root.join(source)).unwrap();
        assert!(!text.contains("virt_tests::"), "{source}");
    }
}
