//! Is a real libvirt installed here?

use std::env;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The longest wait for a real peer before the test fails.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Returns whether the tests against a real libvirt can run; every one of them asks this and nothing else.
///
/// Where libvirt is missing the answer is `false` and standard error says what was left out.
///
/// # Panics
///
/// Where libvirt is missing although the environment says `CI=true`: nothing is left out there.
#[must_use]
pub fn available(test: &str) -> bool {
    let missing = ["libvirtd", "virsh"]
        .into_iter()
        .find(|tool| find(tool).is_none());
    judged(test, missing)
}

fn judged(test: &str, missing: Option<&str>) -> bool {
    let ci = env::var("CI").is_ok_and(|value| value == "true");
    match judge(test, missing, ci) {
        Ok(None) => true,
        Ok(Some(left_out)) => {
            // Not `eprintln!`, which the test harness keeps to itself when a test passes.
            writeln!(io::stderr(), "{left_out}").expect("standard error takes a line");
            false
        }
        Err(failure) => panic!("{failure}"),
    }
}

/// Says on standard error that a test is left out for want of a tool besides libvirt.
///
/// # Errors
///
/// Where the environment says `CI=true`: nothing is left out there.
pub fn left_out(test: &str, tool: &str) -> Result<(), String> {
    let ci = env::var("CI").is_ok_and(|value| value == "true");
    if let Some(line) = judge(test, Some(tool), ci)? {
        // Not `eprintln!`, which the test harness keeps to itself when a test passes.
        let _ = writeln!(io::stderr(), "{line}");
    }
    Ok(())
}

/// Returns the report of a test that lacks a tool, or the failure.
fn judge(test: &str, missing: Option<&str>, ci: bool) -> Result<Option<String>, String> {
    match missing {
        None => Ok(None),
        Some(tool) if ci => Err(format!(
            "{test}: {tool} is missing, and nothing is left out where CI=true"
        )),
        Some(tool) => Ok(Some(format!("LEFT OUT: {test}: {tool} is missing"))),
    }
}

/// Finds an installed tool: on `PATH`, or where Debian keeps daemons, which a user's `PATH` may lack.
pub(crate) fn find(tool: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from))
        .map(|directory| directory.join(tool))
        .find(|file| is_program(file))
}

/// Returns whether the tests with a guest of QEMU can run, as [`available`] does.
///
/// # Panics
///
/// Those of [`available`].
#[must_use]
pub fn guests_available(test: &str) -> bool {
    let program = ["qemu-system-x86_64", "qemu-img"]
        .into_iter()
        .find(|program| find(program).is_none());
    let missing = if program.is_some() {
        program
    } else if driver("qemu").is_err() {
        Some("libvirt's driver for QEMU")
    } else {
        None
    };
    available(test) && judged(test, missing)
}

/// Finds a driver of the daemon that is a module.
///
/// # Errors
///
/// When it is not installed.
pub(crate) fn driver(name: &str) -> io::Result<PathBuf> {
    let file = format!("libvirt_driver_{name}.so");
    let directories = ["/usr/lib", "/usr/lib64", "/usr/local/lib"].map(PathBuf::from);
    // Debian has a directory for each architecture below the first.
    let below = fs::read_dir(&directories[0])?
        .filter_map(Result::ok)
        .map(|entry| entry.path());
    directories
        .iter()
        .cloned()
        .chain(below)
        .map(|directory| directory.join("libvirt/connection-driver").join(&file))
        .find(|path| path.is_file())
        .ok_or_else(|| {
            let message = format!("{file} is in no libvirt/connection-driver of {directories:?}");
            io::Error::new(io::ErrorKind::NotFound, message)
        })
}

fn is_program(file: &Path) -> bool {
    file.metadata()
        .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_is_left_out_aloud_and_never_in_ci() {
        assert_eq!(judge("t", None, true), Ok(None));
        assert_eq!(judge("t", None, false), Ok(None));
        let left_out = judge("t", Some("virsh"), false).unwrap().unwrap();
        assert_eq!(left_out, "LEFT OUT: t: virsh is missing");
        let failure = judge("t", Some("virsh"), true).unwrap_err();
        assert!(failure.starts_with("t: virsh is missing"), "{failure}");
    }

    #[test]
    fn a_tool_is_found_on_the_path_or_not_at_all() {
        assert!(find("sh").is_some());
        assert_eq!(find("no-such-tool-anywhere"), None);
    }
}
