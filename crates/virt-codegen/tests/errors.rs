//! Errors about wrong definitions: the place, the line, a caret, and what was expected.

use virt_codegen::{Runtime, Settings, Source, generate};

fn error(text: &str) -> String {
    let source = Source {
        name: "a.x".into(),
        text: text.into(),
    };
    match generate(&[source], &Settings::default(), &Runtime::default()) {
        Ok(generated) => panic!("{text} is accepted: {generated}"),
        Err(error) => error.to_string(),
    }
}

fn first_line(text: &str) -> String {
    error(text).lines().next().unwrap_or_default().to_owned()
}

#[test]
fn unknown_type() {
    assert_eq!(
        error("struct a {\n\tint x;\n\tnothing y;\n};"),
        "a.x:3:2: type `nothing` is not defined, expected a type of the language or of this file\n \
         3 | \tnothing y;\n   | \t^^^^^^^"
    );
}

#[test]
fn undefined_constant() {
    assert_eq!(
        error("struct a { int x<MAX>; };"),
        "a.x:1:18: `MAX` is not defined, expected a constant (or `--define MAX=NUMBER`)\n \
         1 | struct a { int x<MAX>; };\n   |                  ^^^"
    );
    assert!(first_line("enum a { X = Y };").starts_with("a.x:1:14: `Y` is not defined"));
    assert!(
        first_line("union a switch (int x) { case Y: void; };")
            .starts_with("a.x:1:31: `Y` is not defined")
    );
}

#[test]
fn undefined_constants_of_every_definition() {
    let error = error(
        "const A = B; enum e { E_X = C, E_Y }; typedef string t<D>;
        union u switch (int x) { case F: case G: int a<H>; case I: void; default: opaque b[J]; };
        struct s { struct { int x[K]; } y; int z<B>; };
        program p { version v { void Q(void) = L; } = M; } = N;",
    );
    let names: Vec<_> = error
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|name| !name.contains(' '))
        .collect();
    // Each once, though `B` is used twice.
    let expected = ["B", "C", "D", "F", "G", "H", "I", "J", "K", "L", "M", "N"];
    assert_eq!(names, expected, "{error}");
}

#[test]
fn a_hidden_definition_needs_no_constants() {
    let source = |name: &str, text: &str| Source {
        name: name.into(),
        text: text.into(),
    };
    let sources = [
        source("a.x", "#include \"b.h\"\nstruct a { int x; };"),
        source(
            "b.x",
            "struct a { int x[M]; }; program p { version v { } = M; } = 1;",
        ),
    ];
    let generated = generate(&sources, &Settings::default(), &Runtime::default());
    let generated = generated.expect("nothing uses them");
    assert!(generated.contains("pub x: i32"), "{generated}");
}

#[test]
fn duplicate_name() {
    assert_eq!(
        error("struct a { int x; };\n\nenum a { Y };"),
        "a.x:3:6: `a` is defined already in line 1, expected another name\n 3 | enum a { Y };\n   |      ^"
    );
    for text in [
        "const A = 1; const A = 2;",
        "enum a { X, X };",
        "enum a { X }; const X = 1;",
        "struct a { int x; int x; };",
    ] {
        assert!(
            first_line(text).contains("is defined already in line 1"),
            "{text}"
        );
    }
    assert!(
        first_line("union a switch (int x) { case 1: void; case 0x1: void; };")
            .contains("1:45: case 1 is taken already in line 1, expected another")
    );
    assert!(
        first_line("program p { version v { void F(void) = 1; void G(void) = 1; } = 1; } = 1;")
            .contains("procedure 1 is `F` already, expected another number")
    );
}

#[test]
fn unterminated_comment() {
    assert_eq!(
        error("const A = 1;\n  /* and so on"),
        "a.x:2:3: comment never ends, expected `*/`\n 2 |   /* and so on\n   |   ^^"
    );
}

#[test]
fn missing_semicolon() {
    assert_eq!(
        error("const A = 1\nconst B = 2;"),
        "a.x:1:12: expected `;` after the definition of `A`, found `const`\n 1 | const A = 1\n   |            ^"
    );
}

#[test]
fn recursive_type_without_a_pointer() {
    assert_eq!(
        error("struct a {\n    int x;\n    a y;\n};"),
        "a.x:3:7: `a` contains itself without end, expected a pointer (`*`)\n 3 |     a y;\n   |       ^"
    );
    for text in [
        "struct a { b x; }; struct b { a y[2]; };",
        "struct a { b x; }; union b switch (int x) { case 1: a y; };",
        "typedef a b; struct a { b x; };",
    ] {
        assert!(
            first_line(text).contains("contains itself without end"),
            "{text}"
        );
    }
    for text in [
        "typedef a a<>;",
        "typedef b a; typedef a *b;",
        "typedef struct { a *x; } a<>;",
    ] {
        assert!(first_line(text).contains("typedef names itself"), "{text}");
    }
}

#[test]
fn empty_input() {
    assert_eq!(
        error(""),
        "a.x:1:1: nothing is defined, expected `const`, `struct` or another definition\n 1 | \n   | ^"
    );
    assert!(first_line("/* a comment */\n").starts_with("a.x:2:1: nothing is defined"));
}

#[test]
fn number_out_of_range() {
    assert_eq!(
        error("enum a { X = 2147483648 };"),
        "a.x:1:14: 2147483648 is out of range for a member of an enum, expected -2147483648 to 2147483647\n \
         1 | enum a { X = 2147483648 };\n   |              ^^^^^^^^^^"
    );
    for (text, what) in [
        ("const A = 18446744073709551616;", "number out of range"),
        (
            "enum a { X = 2147483647, Y };",
            "2147483648 is out of range for a member of an enum",
        ),
        ("struct a { int x<-1>; };", "-1 is out of range for a bound"),
        (
            "struct a { int x<4294967296>; };",
            "4294967296 is out of range for a bound",
        ),
        (
            "struct a { int x[0]; };",
            "0 is out of range for a fixed length",
        ),
        (
            "struct a { opaque x[65537]; };",
            "65537 is out of range for a fixed length",
        ),
        (
            "union a switch (unsigned x) { case -1: void; };",
            "-1 is out of range for a case",
        ),
        (
            "union a switch (bool x) { case 2: void; };",
            "2 is out of range for a case",
        ),
        (
            "program p { version v { } = 1; } = -1;",
            "-1 is out of range for a program",
        ),
        (
            "program p { version v { void F(void) = 2147483648; } = 1; } = 1;",
            "out of range for a procedure",
        ),
        (
            "struct a { int x[60000]; };",
            "takes 240000 bytes of memory, expected at most 65536",
        ),
    ] {
        assert!(
            first_line(text).contains(what),
            "{text}: {}",
            first_line(text)
        );
    }
}

#[test]
fn discriminant_that_cannot_be_switched_on() {
    let error = first_line("union a switch (hyper x) { case 1: void; };");
    assert!(
        error.contains("expected int, unsigned int, bool or an enum"),
        "{error}"
    );
}

#[test]
fn constants_without_end() {
    for text in [
        "const A = A;",
        "const A = B; const B = A;",
        "enum a { X = Y, Y = X };",
    ] {
        assert!(
            first_line(text).contains("constants name one another without end"),
            "{text}"
        );
    }
}

#[test]
fn depth_is_no_danger() {
    let chain = |count: usize, definition: fn(usize) -> String| {
        (1..count).rev().map(definition).collect::<String>()
    };
    // Each needs the next: resolved by recursion, this would be deep.
    let structs =
        chain(5000, |i| format!("struct s{i} {{ s{} x; }};", i + 1)) + "struct s5000 { int x; };";
    let source = Source {
        name: "a.x".into(),
        text: structs,
    };
    generate(&[source], &Settings::default(), &Runtime::default())
        .expect("structs may stand in one another");

    let forward = (1..5000)
        .map(|i| format!("typedef t{} t{i};", i + 1))
        .collect::<String>()
        + "typedef int t5000;";
    assert!(
        first_line(&forward)
            .contains("typedef names itself, or begins a chain of more than 32 typedefs")
    );
    let arrays =
        "typedef int t5000;".to_owned() + &chain(5000, |i| format!("typedef t{} t{i}<>;", i + 1));
    assert!(
        first_line(&arrays)
            .contains("typedef names itself, or begins a chain of more than 32 typedefs")
    );
}

#[test]
fn all_undefined_constants_are_named_at_once() {
    let error = error("struct a { int x<ONE>; int y<TWO>; };\nconst B = THREE;");
    for (place, name) in [
        ("a.x:1:18", "ONE"),
        ("a.x:1:30", "TWO"),
        ("a.x:2:11", "THREE"),
    ] {
        let line = format!(
            "{place}: `{name}` is not defined, expected a constant (or `--define {name}=NUMBER`)"
        );
        assert!(error.contains(&line), "{error}");
    }
}

#[test]
fn definitions_that_give_nothing_are_an_error() {
    for text in ["typedef t t;", "/* @shorthand */ typedef int t;"] {
        let error = error(text);
        assert!(!error.is_empty(), "{text}");
    }
}

#[test]
fn a_shorthand_is_no_payload_of_the_convention() {
    let text =
        "const A_PROGRAM = 1; const A_PROTOCOL_VERSION = 1; enum a_procedure { A_PROC_X = 1 };
        /* @shorthand */ typedef string a_x_args<4>;";
    assert!(
        first_line(text).ends_with(
            "`a_x_args` is a whole payload, which needs a type: expected no `@shorthand`"
        ),
        "{}",
        first_line(text)
    );
}
