//! The output for one small input of each construct.
//!
//! `INSTA_UPDATE=always cargo test -p virt-codegen` writes the snapshots again.

use virt_codegen::{Runtime, Settings, Source, format, generate};

fn rust(inputs: &[(&str, &str)], settings: &Settings) -> String {
    let source = |&(name, text): &(&str, &str)| Source {
        name: name.into(),
        text: text.into(),
    };
    let sources: Vec<_> = inputs.iter().map(source).collect();
    let text =
        generate(&sources, settings, &Runtime::default()).expect("the definitions are right");
    format(&text).expect("the output is Rust")
}

/// A test that compares what a definition becomes with a snapshot of the same name.
macro_rules! snapshot {
    ($name:ident, $definition:expr) => {
        #[test]
        fn $name() {
            insta::assert_snapshot!(rust(&[("a.x", $definition)], &Settings::default()));
        }
    };
}

snapshot!(
    constants,
    "
    /* The greatest length of a name,
     * in bytes. */
    const NAME_MAX = 255;
    const minusOne = -1;
    const OCTAL = 0755;
    const LARGE = 0x100000000;
    const ALIAS = NAME_MAX;
"
);

snapshot!(
    enums,
    "
    /* A colour. */
    enum color {
        COLOR_RED = 0, /* As of a rose. */
        COLOR_GREEN,
        COLOR_LIME = COLOR_GREEN,
        COLOR_BLUE = 0x10,
    };
    enum alone { ALONE_MEMBER = 7 };
"
);

snapshot!(
    words,
    "
    struct numbers {
        int a; unsigned int b; unsigned c; hyper d; unsigned hyper e;
        float f; double g; quadruple h; bool i;
        int32_t j; uint64_t k;
    };
"
);

snapshot!(narrow_words, "
    struct narrow { char a; unsigned char b; short c; unsigned short d; char e[3]; uint8_t f<4>; short *g; };
");

snapshot!(
    strings_and_opaques,
    "
    const MAX = 64;
    struct data { string a<MAX>; string b<>; opaque c<MAX>; opaque d<>; opaque e[16]; };
"
);

snapshot!(
    arrays,
    "
    typedef string name<8>;
    struct point { int x; };
    struct arrays { int a[2]; point b<3>; point c<>; name d<4>; name e[2]; };
"
);

snapshot!(
    optionals,
    "
    typedef string name<8>;
    struct point { int x; };
    struct optionals { int *a; point *b; name *c; };
"
);

snapshot!(
    a_list_that_contains_itself,
    "
    struct list { int value; list *next; };
"
);

snapshot!(
    a_tree_that_contains_itself,
    "
    struct tree { string name<>; tree children<10>; };
"
);

snapshot!(
    unions,
    "
    union result switch (int status) {
        case 0: string text<8>;
        case 1: case -2: int *code;
        case 3: void;
        default: void;
    };
"
);

snapshot!(
    unions_of_enums,
    "
    enum kind { KIND_NONE = 0, KIND_NUMBER = 1, KIND_NAME = 2 };
    union value switch (kind type) {
        case KIND_NONE: void;
        case KIND_NUMBER: unsigned hyper number;
        case KIND_NAME: opaque name<8>;
    };
"
);

snapshot!(
    unions_of_bools,
    "
    union maybe switch (bool there) { case TRUE: char value; case FALSE: void; };
    union wide switch (unsigned number) { case 4294967295: int a; default: int b; };
"
);

snapshot!(
    typedefs,
    "
    typedef int number;
    typedef opaque uuid[16];
    typedef string any<>;
    typedef any *maybe;
    typedef string name<8>;
    typedef name names<4>;
    typedef char letters[4];
    struct all { number a; uuid b; maybe c; names d; letters e; };
"
);

snapshot!(
    types_in_place,
    "
    typedef struct { int x; } point;
    struct outer {
        struct { enum { IN, OUT } way; } inner;
        union switch (int n) { case 1: point p; } choice;
    };
"
);

snapshot!(
    forward_references,
    "
    struct a { b x; c y; };
    typedef d b;
    union c switch (e which) { case E_ONE: void; };
    enum e { E_ONE = FIRST };
    const FIRST = 1;
    struct d { int x; };
"
);

snapshot!(
    a_program_by_convention,
    "
    const DEMO_PROGRAM = 0x20001234;
    const DEMO_PROTOCOL_VERSION = 1;

    struct demo_open_args { string name<8>; opaque key<8>; };
    struct demo_open_ret { string id<8>; };
    struct demo_event_msg { int code; };

    /* What can be asked. */
    enum demo_procedure {
        /* Opens it. */
        DEMO_PROC_OPEN = 1,
        DEMO_PROC_CLOSE = 2,
        DEMO_PROC_EVENT = 3
    };
"
);

snapshot!(
    a_program_without_all_its_types,
    "
    const DEMO_PROGRAM = 1;
    const DEMO_PROTOCOL_VERSION = 2;
    struct demo_open_args { int x; };
    /* @partial */
    enum demo_procedure {
        DEMO_PROC_OPEN = 1,
        /* @void */
        DEMO_PROC_CLOSE = 2,
        /* @message */
        DEMO_PROC_BELL = 3,
        DEMO_PROC_UNKNOWN = 4
    };
"
);

snapshot!(
    a_program_of_rfc_5531,
    "
    typedef string name<8>;
    struct entry { name key; };
    program STORE {
        version STORE_V1 {
            void STORE_NULL(void) = 0;
            entry STORE_GET(name) = 1;
            int STORE_PUT(name, entry) = 2;
            char STORE_RANK(short) = 3;
        } = 1;
    } = 0x20000099;
"
);

snapshot!(
    two_versions_of_a_program,
    "
    struct item { string name<>; };
    program P {
        version P_V1 { item GET(int) = 1; } = 1;
        version P_V2 { void GET(item) = 1; } = 2;
    } = 7;
"
);

snapshot!(
    names_that_mean_something_in_rust,
    "
    struct option { int self; int type; string r<>; };
    struct result { option some; string s<>; };
    struct S { int gen; };
    struct Self { int x; };
    enum vec { ALL, _1ST, ok };
    const program = 1;
"
);

snapshot!(
    comments_with_markup,
    "
    /*
     * See <a.h>, `Vec<u8>` and [0].
     *
     * - a list
     *     let code = 1;
     * @generate: none
     */
    const A = 1;
"
);

#[test]
fn what_is_included_is_written_if_it_is_used() {
    let included = "
        const MAX = 8;
        typedef string base_name<MAX>;
        struct base_used { base_name name; };
        struct base_unused { int x; };
    ";
    let input = "#include \"base.h\"\nstruct a { base_used x; int y<MAX>; };";
    insta::assert_snapshot!(rust(
        &[("a.x", input), ("base.x", included)],
        &Settings::default()
    ));
}

#[test]
fn what_is_elsewhere_is_referred_to() {
    let settings = Settings {
        elsewhere: [("base".to_owned(), "crate::base".to_owned())].into(),
        ..Settings::default()
    };
    let included = "const MAX = 8; struct thing { string name<MAX>; };";
    let input = "#include \"base.h\"\nstruct a { thing x; string y<MAX>; };";
    insta::assert_snapshot!(rust(&[("a.x", input), ("base.x", included)], &settings));
}

/// Another crate has the procedures of its program as `Procedure`, and its number and version as `PROGRAM` alone.
#[test]
fn a_program_elsewhere_is_referred_to() {
    let settings = Settings {
        elsewhere: [("base".to_owned(), "::base".to_owned())].into(),
        ..Settings::default()
    };
    let included = "
        const BASE_PROGRAM = 7; const BASE_PROTOCOL_VERSION = 3;
        enum base_procedure { BASE_PROC_GET = 1 };
    ";
    let input =
        "#include \"base.h\"\nstruct a { base_procedure x; int y<BASE_PROTOCOL_VERSION>; };";
    let rust = rust(&[("a.x", input), ("base.x", included)], &settings);
    assert!(rust.contains("    pub x: ::base::Procedure,\n"), "{rust}");
    assert!(rust.contains("out.array(&self.y, 3, "), "{rust}");
}

#[test]
fn what_is_defined_outside_is_a_number() {
    let settings = Settings {
        defines: [("UUID".to_owned(), 16)].into(),
        ..Settings::default()
    };
    insta::assert_snapshot!(rust(&[("a.x", "struct a { opaque x[UUID]; };")], &settings));
}

#[test]
fn a_comment_holds_nothing_that_rust_denies_in_documentation() {
    let comment = "/* one\rtwo \u{202e}three\r\n four */ const X = 1;";
    let text = rust(&[("a.x", comment)], &Settings::default());
    assert!(
        text.contains("/// one\n/// two three\n/// four\n"),
        "{text}"
    );
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let text = include_str!("../../../xtask/protocol/remote.x").replace("#include", "%");
    let text = text.replace("STRING_MAX", "9");
    let inputs = [("a.x", text.as_str())];
    assert_eq!(
        rust(&inputs, &Settings::default()),
        rust(&inputs, &Settings::default())
    );
}
