//! The command `virt-codegen`: Rust from XDR definitions.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use virt_codegen::{Codegen, Error, Runtime, parse_define, parse_extern};

/// Generate Rust from XDR definitions
///
/// Writes constants, types with their codecs, and a type for each procedure of a program. The output uses the crates
/// virt-xdr and, for programs, virt-transport.
#[derive(Debug, Parser)]
#[command(name = "virt-codegen", version)]
struct Options {
    /// The definitions to read, in the XDR language of RFC 4506 with rpcgen's additions
    ///
    /// For an #include "y.h" in them, y.x is read too if it is in the same directory.
    #[arg(value_name = "FILE.x")]
    input: PathBuf,

    /// The Rust file to write
    #[arg(value_name = "FILE.rs")]
    output: PathBuf,

    /// Write nothing, and fail if the Rust file is not what the definitions say
    #[arg(long)]
    check: bool,

    /// Define a constant that the definitions use and do not define; may be repeated
    #[arg(long, value_name = "NAME=NUMBER", value_parser = parse_define)]
    define: Vec<(String, i128)>,

    /// Name the Rust module that already has the definitions of an included FILE.x; may be repeated
    #[arg(long = "extern", value_name = "FILE=PATH", value_parser = parse_extern)]
    external: Vec<(String, String)>,

    /// Derive Arbitrary behind a feature `arbitrary` of the crate
    #[arg(long)]
    arbitrary: bool,
}

impl Options {
    fn run(&self) -> Result<(), Error> {
        let codegen = Codegen::new(&self.input)
            .command(self.command())
            .runtime(Runtime {
                arbitrary: self.arbitrary,
                ..Runtime::default()
            });
        let defined =
            |codegen: Codegen, (name, number): &(String, i128)| codegen.define(name, *number);
        let codegen = self.define.iter().fold(codegen, defined);
        let external =
            |codegen: Codegen, (file, module): &(String, String)| codegen.external(file, module);
        let codegen = self.external.iter().fold(codegen, external);
        if self.check {
            codegen.check(&self.output)
        } else {
            codegen.write(&self.output)
        }
    }

    /// Returns the command that writes the same file, without the directories of this machine.
    fn command(&self) -> String {
        let name = |path: &PathBuf| {
            let name = path.file_name().unwrap_or_default();
            name.to_string_lossy().into_owned()
        };
        let mut command = format!("virt-codegen {} {}", name(&self.input), name(&self.output));
        for (name, number) in &self.define {
            command.push_str(&format!(" --define {name}={number}"));
        }
        for (file, module) in &self.external {
            command.push_str(&format!(" --extern {file}={module}"));
        }
        if self.arbitrary {
            command.push_str(" --arbitrary");
        }
        command
    }
}

fn main() -> ExitCode {
    match Options::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
