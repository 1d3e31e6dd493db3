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

#[test]
fn the_map_of_tests_leads_to_files() {
    let page = include_str!("../../CONTRIBUTING.md");
    let (_, map) = page
        .split_once("### Where a behaviour is pinned\n")
        .expect("the page has a map");
    let (map, _) = map
        .split_once("\n## ")
        .expect("something is behind the map");
    let rows = map.lines().filter_map(|line| line.rsplit_once(" | "));
    let paths: Vec<&str> = rows
        .flat_map(|(_, files)| files.split('`').skip(1).step_by(2))
        .collect();
    assert!(paths.len() > 50, "{} files", paths.len());
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for path in paths {
        assert!(root.join(path).is_file(), "{path} is not there");
    }
}
