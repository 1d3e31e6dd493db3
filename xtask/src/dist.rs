//! `cargo xtask dist`: what a package of virt-ping holds.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use clap::Args;

/// Build virt-ping with its man page and its shell completions, for packaging
///
/// DIRECTORY then holds bin/virt-ping, man/man1/virt-ping.1 and completions/. The man page and the completions are made
/// from the same definition as --help.
#[derive(Debug, Args)]
pub struct Dist {
    /// Directory for the output [default: dist in the build's directory]
    #[arg(value_name = "DIRECTORY")]
    directory: Option<PathBuf>,
}

impl Dist {
    /// Builds all of it, and says where it is.
    #[must_use]
    pub fn run(&self) -> ExitCode {
        match self.make() {
            Ok(directory) => {
                println!("{}", directory.display());
                ExitCode::SUCCESS
            }
            Err(error) => {
                eprintln!("{error}");
                ExitCode::FAILURE
            }
        }
    }

    fn make(&self) -> Result<PathBuf, String> {
        let target = target();
        let directory = match &self.directory {
            // The example runs in the workspace's root, wherever this was called.
            Some(directory) => std::path::absolute(directory)
                .map_err(|error| format!("{}: {error}", directory.display()))?,
            None => target.join("dist"),
        };
        cargo(&["build", "--release", "--package", "virt-ping"], None)?;
        cargo(
            &["run", "--package", "virt-ping", "--example", "dist", "--"],
            Some(&directory),
        )?;
        let name = format!("virt-ping{}", env::consts::EXE_SUFFIX);
        let program = target.join("release").join(&name);
        let bin = directory.join("bin");
        fs::create_dir_all(&bin)
            .and_then(|()| fs::copy(&program, bin.join(&name)))
            .map_err(|error| format!("{}: {error}", program.display()))?;
        Ok(directory)
    }
}

/// Runs cargo in the workspace's root.
fn cargo(arguments: &[&str], directory: Option<&Path>) -> Result<(), String> {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).args(directory).current_dir(root());
    let failed = |error: &dyn std::fmt::Display| format!("cargo {}: {error}", arguments.join(" "));
    let status = command.status().map_err(|error| failed(&error))?;
    if status.success() {
        Ok(())
    } else {
        Err(failed(&status))
    }
}

/// The directory of cargo's output.
fn target() -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    root().join(target)
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask is a directory of the root")
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        dist: Dist,
    }

    #[test]
    fn the_options_are_consistent() {
        Cli::command().debug_assert();
        let cli = Cli::parse_from(["dist", "here"]);
        assert_eq!(cli.dist.directory, Some("here".into()));
    }

    #[test]
    fn the_package_it_builds_is_there() {
        assert!(
            root()
                .join("crates/virt-ping/examples/dist/main.rs")
                .is_file()
        );
    }
}
