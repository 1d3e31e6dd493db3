//! Commands, run in the workspace's root with their output passed through.

use std::{
    env,
    ffi::OsString,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Output, Stdio},
};

/// The workspace's root.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask is a directory of the root")
}

/// Prints and runs a command, its words separated by spaces.
pub(crate) fn run(line: &str) -> Result<(), String> {
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

/// Prints and runs a command, and returns its standard output.
pub(crate) fn read(line: &str) -> Result<String, String> {
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

/// Prints and runs a command, and shows each line of its standard error to `see` before it is passed through.
pub(crate) fn watch(line: &str, mut see: impl FnMut(&str)) -> Result<(), String> {
    println!("$ {line}");
    let at = |error| format!("`{line}`: {error}");
    let mut child = command(line).stderr(Stdio::piped()).spawn().map_err(at)?;
    let stderr = child.stderr.take().expect("it is a pipe");
    for line in BufReader::new(stderr).split(b'\n') {
        let line = line.map_err(at)?;
        let line = String::from_utf8_lossy(&line);
        see(&line);
        eprintln!("{line}");
    }
    let status = child.wait().map_err(at)?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("`{line}`: {status}"))
    }
}

/// Returns whether a command can be run and succeeds; its output is dropped.
pub(super) fn succeeds(line: &str) -> bool {
    command(line)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Takes every result, not only those up to the first error, and gives the errors as one.
pub(crate) fn all(results: impl IntoIterator<Item = Result<(), String>>) -> Result<(), String> {
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
    fn what_a_command_says_is_watched_to_its_end() {
        let mut seen = Vec::new();
        let result = watch("cat no-such-file", |line| seen.push(line.to_owned()));
        assert_eq!(result.unwrap_err(), "`cat no-such-file`: exit status: 1");
        assert!(
            matches!(&*seen, [line] if line.contains("no-such-file")),
            "{seen:?}"
        );
        assert_eq!(watch("true", |_| unreachable!()), Ok(()));
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
