//! Published packages compile without the workspace: no packaged source names an unpublished crate.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Cargo leaves dependencies on these out of a package, because they have a path and no version.
const UNPUBLISHED: [&str; 2] = ["virt_testkit", "virt_tests"];

#[test]
fn packaged_sources_need_no_crate_that_is_not_published() -> Result<(), Box<dyn Error>> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates");
    let mut packages = 0;
    for entry in fs::read_dir(crates)? {
        let root = entry?.path();
        let list = Command::new(env!("CARGO"))
            .args(["package", "--list", "--allow-dirty", "--offline"])
            .current_dir(&root)
            .output()?;
        let list = String::from_utf8(list.stdout)?;
        let sources: Vec<_> = list.lines().filter(|path| path.ends_with(".rs")).collect();
        assert!(!sources.is_empty(), "{}: {list}", root.display());
        for source in sources {
            let source = root.join(source);
            let text = fs::read_to_string(&source)?;
            for unpublished in UNPUBLISHED {
                assert!(!text.contains(unpublished), "{}", source.display());
            }
        }
        packages += 1;
    }
    assert!(packages >= 7, "{packages} packages");
    Ok(())
}
