//! `cargo xtask codegen`: the generated files of this workspace.

use std::env;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use virt_codegen::{Codegen as Generator, Error, Runtime};

mod outputs;
mod tables;

use outputs::{OUTPUTS, Output, TREE};

/// The command that generated files name.
const COMMAND: &str = "cargo xtask codegen";

/// Generate Rust from XDR definitions
///
/// Writes every generated.rs of the workspace from its definitions in xtask/protocol/*.x. For a program of your own there
/// is the command virt-codegen: see docs/adding-a-program.md.
#[derive(Debug, Args)]
pub struct Codegen {
    /// Write nothing, and fail if a generated file is not what its definitions say
    #[arg(long)]
    check: bool,

    /// Write nothing, and compare the generated table of procedures with tables of facts
    ///
    /// DIR has a folder for each of the programs remote, qemu, lxc and admin with a file procedures.tsv: names, numbers,
    /// kinds, streams, descriptors, priorities and the versions that procedures exist since.
    #[arg(long, value_name = "DIR", conflicts_with = "check")]
    tables: Option<PathBuf>,
}

impl Codegen {
    /// Writes or checks all generated files.
    #[must_use]
    pub fn run(self) -> ExitCode {
        // Cargo knows the directory of the sources; that of the build may have moved since.
        let here =
            env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let root = Path::new(&here).parent().unwrap_or(Path::new("."));
        if let Some(tables) = &self.tables {
            return compare(root, tables);
        }
        let mut exit = ExitCode::SUCCESS;
        for output in OUTPUTS {
            if let Err(error) = output.make(root, self.check) {
                eprintln!("{error}");
                exit = ExitCode::FAILURE;
            }
        }
        if let Err(error) = tree(root, self.check) {
            eprintln!("{error}");
            exit = ExitCode::FAILURE;
        }
        exit
    }
}

/// Prints what differs from tables of facts.
fn compare(root: &Path, facts: &Path) -> ExitCode {
    match tables::compare(root, facts) {
        Ok(differences) if differences.is_empty() => ExitCode::SUCCESS,
        Ok(differences) => {
            differences.iter().for_each(|line| eprintln!("{line}"));
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Writes or checks the modules of virt-protocol.
fn tree(root: &Path, check: bool) -> Result<(), Error> {
    let (input, directory) = TREE;
    let runtime = Runtime {
        arbitrary: true,
        serde: Some("crate::json".to_owned()),
        ..Runtime::default()
    };
    let generator = Generator::new(root.join(input))
        .name("libvirt.x")
        .command(COMMAND)
        .runtime(runtime)
        .strip("vir");
    let directory = root.join(directory);
    if check {
        generator.check_tree("crate", directory)
    } else {
        generator.write_tree("crate", directory)
    }
}

impl Output {
    fn make(&self, root: &Path, check: bool) -> Result<(), Error> {
        let [xdr, transport, alloc] = self.runtime.map(str::to_owned);
        let generator = Generator::new(root.join(self.input))
            .name(self.input)
            .command(COMMAND)
            .runtime(Runtime {
                xdr,
                transport,
                alloc,
                arbitrary: self.arbitrary,
                ..Runtime::default()
            });
        let external =
            |generator: Generator, &(file, module): &(&str, &str)| generator.external(file, module);
        let generator = self.elsewhere.iter().fold(generator, external);
        let output = root.join(self.output);
        if check {
            generator.check(output)
        } else {
            generator.write(output)
        }
    }
}
