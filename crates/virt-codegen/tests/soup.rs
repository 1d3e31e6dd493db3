//! Whatever the definitions are, `codegen` gives an answer: Rust or an error with a place, never a panic.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use virt_codegen::{Runtime, Settings, Source, format, generate};

/// The words of the language, few names so that they meet, and numbers at the edges.
const WORDS: &[&str] = &[
    "const",
    "enum",
    "struct",
    "union",
    "typedef",
    "program",
    "version",
    "switch",
    "case",
    "default",
    "void",
    "int",
    "unsigned",
    "hyper",
    "char",
    "string",
    "opaque",
    "bool",
    "double",
    "a",
    "b",
    "C",
    "A_PROGRAM",
    "A_VERSION",
    "a_procedure",
    "A_PROC_X",
    "a_x_args",
    "0",
    "1",
    "-1",
    "4294967295",
    "0x10",
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "<",
    ">",
    "=",
    ";",
    ":",
    ",",
    "*",
    "/* c */",
    "// c\n",
    "\n%x\n",
    "é",
    "'",
];

/// Definitions that parse; what they mean is another matter.
const DEFINITIONS: &[&str] = &[
    "const C = 2;",
    "const D = C;",
    "const A_PROGRAM = 7;",
    "const A_VERSION = 1;",
    "enum a_procedure { A_PROC_X = 1, A_PROC_Y, A_PROC_Z };",
    "struct a_x_args { b x<C>; opaque y<D>; };",
    "struct a_y_msg { string x<>; a *y; };",
    "typedef a b;",
    "typedef b *c;",
    "typedef string c<C>;",
    "typedef char d[C];",
    "typedef a_procedure e;",
    "struct a { int x; a *y; c z<>; d w; };",
    "struct b { a x; };",
    "enum e { E_A, E_B = C, E_C };",
    "union c switch (e x) { case E_A: a x; case E_B: case E_C: void; };",
    "union d switch (int x) { case C: b x; default: struct { int y; } z; };",
    "union f switch (bool x) { case TRUE: int x; case FALSE: void; default: int y; };",
    "program p { version v { c F(a, int) = 1; void G(void) = 2; } = 1; version w { } = 2; } = C;",
    "#include \"other.h\"\n",
];

/// Generates, and if that is possible it has to be Rust.
fn check(text: String) -> Result<bool, TestCaseError> {
    let other = Source {
        name: "other.x".into(),
        text: "struct a { int x; }; const C = 3;".into(),
    };
    let sources = [
        Source {
            name: "a.x".into(),
            text,
        },
        other,
    ];
    match generate(&sources, &Settings::default(), &Runtime::default()) {
        Ok(rust) => {
            let formatted = format(&rust);
            prop_assert!(formatted.is_ok(), "{rust}");
            Ok(true)
        }
        Err(error) => {
            prop_assert!(error.to_string().contains(".x:"), "{error}");
            Ok(false)
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn words_in_any_order(words in vec(select(WORDS), 0..40)) {
        check(words.join(" "))?;
    }

    #[test]
    fn any_text(text: String) {
        check(text)?;
    }
}

proptest! {
    // rustfmt takes its time.
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn definitions_with_a_word_changed(
        definitions in vec(select(DEFINITIONS), 1..8),
        place: prop::sample::Index,
        word in select(WORDS),
    ) {
        let text = definitions.join("\n");
        let mut words: Vec<&str> = text.split(' ').collect();
        let at = place.index(words.len());
        words[at] = word;
        check(words.join(" "))?;
    }

    #[test]
    fn definitions_in_any_order(definitions in vec(select(DEFINITIONS), 1..8)) {
        check(definitions.join("\n"))?;
    }
}
