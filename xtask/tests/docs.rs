//! What the page about adding a program shows is what its code is generated from.

#[test]
fn the_page_shows_the_definition() {
    let page = include_str!("../../docs/adding-a-program.md");
    let definition = include_str!("../../tests/src/samples/greeter/greeter.x");
    assert!(
        page.contains(&format!("```c\n{definition}```\n")),
        "the page shows another greeter.x"
    );
}
