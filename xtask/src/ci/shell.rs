//! Commands, run in the workspace's root with their output passed through.

use std::{
    env,
    ffi::OsString,
    path::Path,
    process::{Command, Output, Stdio},
};

/// The workspace's root.
pub(super) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask is a directory of the root")
}

/// Prints and runs a command, its words separated by spaces.
pub(super) fn run(line: &str) -> Result<(), String> {
    println!("$ {line}");
    let status = command(line)
        .status()
        .map_err(|error| format!("`{line}`: {error}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("`{line}`: {status}"))
    }
}

/// Runs a command and gives what it wrote to its standard output.
pub(super) fn read(line: &str) -> Result<String, String> {
    println!("$ {line}");
    let Output { status, stdout, .. } = command(line)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("`{line}`: {error}"))?;
    if !status.success() {
        return Err(format!("`{line}`: {status}"));
    }
    String::from_utf8(stdout).map_err(|error| format!("`{line}`: {error}"))
}

/// Whether a command can be run and succeeds; what it writes is dropped.
pub(super) fn succeeds(line: &str) -> bool {
    command(line)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Takes every result, not only those up to the first error, and gives the errors as one.
pub(super) fn all(results: impl IntoIterator<Item = Result<(), String>>) -> Result<(), String> {
    let errors: Vec<_> = results.into_iter().filter_map(Result::err).collect();
    if errors.is_empty() {
        Ok(())
    } else {
        Err(errors.join("\n"))
    }
}

fn command(line: &str) -> Command {
    let mut words = line.split_whitespace();
    let mut command = Command::new(words.next().expect("a command has a name"));
    command
        .args(words)
        .current_dir(root())
        .env("PATH", path())
        .stdin(Stdio::null());
    command
}

/// `PATH`, and where Debian keeps daemons: not every user's shell looks there.
fn path() -> OsString {
    let mut path = env::var_os("PATH").unwrap_or_default();
    path.push(":/usr/sbin:/usr/local/sbin");
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_the_command_and_its_status() {
        assert_eq!(run("true"), Ok(()));
        assert_eq!(run("false").unwrap_err(), "`false`: exit status: 1");
    }

    #[test]
    fn a_command_that_is_not_there_is_an_error() {
        let error = read("no-such-command --version").unwrap_err();
        assert!(error.starts_with("`no-such-command --version`: "));
        assert!(!succeeds("no-such-command --version"));
    }

    #[test]
    fn commands_run_in_the_root() {
        assert_eq!(read("pwd").unwrap().trim_end(), root().to_str().unwrap());
    }

    #[test]
    fn every_error_is_told() {
        assert_eq!(all([Ok(()), Ok(())]), Ok(()));
        let results = [Err("one".to_owned()), Ok(()), Err("two".to_owned())];
        assert_eq!(all(results), Err("one\ntwo".to_owned()));
    }
}
