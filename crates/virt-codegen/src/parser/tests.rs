//! Tests of the parser.

use super::*;

fn parsed(text: &str) -> Result<File, String> {
    parse(
        &[Source {
            name: "a.x".into(),
            text: text.into(),
        }],
        0,
    )
    .map_err(|error| error.to_string())
}

fn docs(text: &str) -> Vec<String> {
    let mut docs = Vec::new();
    for item in parsed(text).unwrap().items {
        docs.push(item.doc.lines.join("|"));
        match item.kind {
            ItemKind::Enum(members) => {
                docs.extend(members.iter().map(|member| member.doc.lines.join("|")));
            }
            ItemKind::Struct(fields) => {
                docs.extend(fields.iter().map(|field| field.doc.lines.join("|")));
            }
            _ => {}
        }
    }
    docs
}

#[test]
fn an_empty_file_has_no_definitions() {
    assert!(parsed("").unwrap().items.is_empty());
    assert!(
        parsed("% anything\n/* and a comment */\n")
            .unwrap()
            .items
            .is_empty()
    );
}

#[test]
fn every_definition_parses() {
    let text = "
        const A = -1;
        enum e { B, C = 2, D = A, };
        struct s { int a; unsigned b; unsigned hyper c[2]; string d<>; opaque e<A>; opaque f[4]; s *g; t h<4>; };
        union u switch (e x) { case B: case C: int a; case 5: void; default: void; };
        typedef struct { enum { X } x; union switch (int y) { case 1: struct s z; } u; } t;
        typedef struct s s2;
        program p { version v { void NULL(void) = 0; int F(string, s) = 1; } = 1; version w { } = 2; } = 0x20;
    ";
    assert_eq!(parsed(text).unwrap().items.len(), 7);
}

#[test]
fn a_comment_is_about_what_it_touches() {
    let text = "
        /* About the file. */

        /*
         * About a,
         *   in two lines.
         * @tag: gone
         */
        const A = 1; /* not this */
        // About b,
        // again in two.
        const B = 2;
        const C = 3; // About c.

        /* Not about the enum. */

        enum e { /* nor this */
            X, /* About x. */
            Y = 2 // About y.
        };
        struct s { int a; /* About a. */ int b; };
    ";
    assert_eq!(
        docs(text),
        [
            "About a,|in two lines.",
            "About b,|again in two.",
            "About c.",
            "",
            "About x.",
            "About y.",
            "",
            "About a.",
            "",
        ]
    );
}

#[test]
fn tags_are_kept_apart() {
    let file = parsed("/* One.\n * @partial\n * @generate: none\n */\nconst A = 1;").unwrap();
    let doc = &file.items[0].doc;
    assert!(doc.has("partial"));
    assert_eq!(doc.tag("generate:"), Some(&["none".to_owned()][..]));
    assert_eq!(file.items[0].doc.lines, ["One."]);
}

#[test]
fn errors_say_what_was_expected() {
    for (text, expected) in [
        (
            "int a;",
            "1:1: expected `const`, `enum`, `struct`, `union`, `typedef` or `program`, found `int`",
        ),
        (
            "const A 1;",
            "1:9: expected `=` and the constant's value, found `1`",
        ),
        (
            "const A = ;",
            "1:11: expected a number or the name of a constant, found `;`",
        ),
        (
            "const int = 1;",
            "1:7: expected a name for the constant (`int` is a keyword), found `int`",
        ),
        (
            "struct a { };",
            "1:12: expected the type of a field, found `}`",
        ),
        (
            "struct a { int; };",
            "1:15: expected a name for what is declared, found `;`",
        ),
        (
            "struct a { void x; };",
            "1:12: expected the type of a field (`void` is a keyword), found `void`",
        ),
        (
            "struct a { string x; };",
            "1:20: expected `<` and the bound of the string, found `;`",
        ),
        (
            "struct a { string x[3]; };",
            "1:20: expected `<` and the bound of the string, found `[`",
        ),
        (
            "struct a { opaque x; };",
            "1:20: expected `[` or `<` and how many bytes there are, found `;`",
        ),
        (
            "struct a { int x[]; };",
            "1:18: expected how many there are, found `]`",
        ),
        (
            "struct a { int x<2; };",
            "1:19: expected `>` after the bound, found `;`",
        ),
        (
            "struct a {\n int x\n int y; };",
            "2:7: expected `;` after the field `x`, found `int`",
        ),
        (
            "struct a { int x; }",
            "1:20: expected `;` after the definition of `a`, found the end of the file",
        ),
        (
            "enum a { };",
            "1:10: expected a member of the enum, found `}`",
        ),
        (
            "enum a { X Y };",
            "1:12: expected `,` or `}` after a member of the enum, found `Y`",
        ),
        (
            "union a { int x; };",
            "1:9: expected `switch` and the discriminant of the union, found `{`",
        ),
        (
            "union a switch (int x) { };",
            "1:26: expected `case`, found `}`",
        ),
        (
            "union a switch (int x) { default: void; case 1: void; };",
            "1:41: expected `}` after the default of the union, which is its last arm, found `case`",
        ),
        (
            "program p { void F(void) = 1; } = 1;",
            "1:13: expected `version`, found `void`",
        ),
        (
            "program p { version v { int F() = 1; } = 1; } = 1;",
            "1:31: expected what the procedure takes, found `)`",
        ),
    ] {
        let error = parsed(text).unwrap_err();
        let message = error.lines().next().unwrap_or_default();
        assert_eq!(message, format!("a.x:{expected}"), "{text}");
    }
}

#[test]
fn a_missing_semicolon_is_shown_where_it_is_missing() {
    assert_eq!(
        parsed("struct a {\n    int x\n};").unwrap_err(),
        "a.x:2:10: expected `;` after the field `x`, found `}`\n 2 |     int x\n   |          ^"
    );
}

#[test]
fn nesting_is_bounded() {
    let text = "typedef ".to_owned() + &"struct { ".repeat(100_000);
    let error = parsed(&text).unwrap_err();
    assert!(
        error.contains("definitions nest deeper than 16 levels"),
        "{error}"
    );
}
