//! The XDR language: any text is definitions or an error, and what is generated from it is Rust.

#![no_main]

use libfuzzer_sys::fuzz_target;
use virt_codegen::{Runtime, Settings, Source, generate};

fuzz_target!(|text: &str| {
    let source = Source {
        name: "fuzz.x".to_owned(),
        text: text.to_owned(),
    };
    match generate(&[source], &Settings::default(), &Runtime::default()) {
        Ok(rust) => {
            if let Err(error) = syn::parse_file(&rust) {
                panic!("{error} in what was generated:\n{rust}");
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
