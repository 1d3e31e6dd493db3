//! Pages that repeat what is elsewhere: the definition of a program, and the places of tests.

use std::path::Path;

#[test]
fn the_page_shows_the_definition() {
    let page = include_str!("../../docs/adding-a-program.md");
    let definition = include_str!("../../tests/src/samples/greeter/greeter.x");
    assert!(
        page.contains(&format!("```c\n{definition}```\n")),
        "the page shows another greeter.x"
    );
}

/// The files that the map of tests leads to, relative to the root.
fn mapped() -> Vec<String> {
    let page = include_str!("../../CONTRIBUTING.md");
    let (_, map) = page
        .split_once("### Where a behaviour is pinned\n")
        .expect("the page has a map");
    let (map, _) = map
        .split_once("\n## ")
        .expect("something is behind the map");
    let mut directory = String::new();
    let mut files = Vec::new();
    for line in map.lines() {
        if let Some(heading) = line.strip_prefix("#### ") {
            directory = heading
                .split('`')
                .nth(1)
                .map(|name| format!("{name}/"))
                .unwrap_or_default();
        } else if let Some((_, row)) = line.rsplit_once(" | ") {
            let names = row.split('`').skip(1).step_by(2);
            files.extend(names.map(|name| format!("{directory}{name}")));
        }
    }
    files
}

#[test]
fn the_map_of_tests_leads_to_files() {
    let files = mapped();
    assert!(files.len() > 50, "{} files", files.len());
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for file in files {
        assert!(root.join(&file).is_file(), "{file} is not there");
    }
}
