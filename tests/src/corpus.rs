//! The scripts in `conformance/`.

use std::error::Error;
use std::fs;
use std::path::Path;

use crate::{Outcome, Role, Script};

/// All scripts about a role, by name.
///
/// # Errors
///
/// A file that cannot be read or is no script.
pub fn load(role: Role) -> Result<Vec<Script>, Box<dyn Error>> {
    let directory = match role {
        Role::Daemon => "daemon",
        Role::Client => "client",
    };
    let directory = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("conformance")
        .join(directory);
    let mut scripts = Vec::new();
    for entry in fs::read_dir(directory)? {
        let file = entry?.path();
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        scripts.push(Script::parse(&name, role, &fs::read_to_string(&file)?)?);
    }
    scripts.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(scripts)
}

/// Plays every script of a role.
///
/// # Panics
///
/// When the corpus cannot be read, and when there is no script.
pub fn play_all(role: Role, mut play: impl FnMut(&Script) -> Outcome) -> Vec<(Script, Outcome)> {
    let scripts = load(role).expect("the corpus can be read");
    assert!(!scripts.is_empty(), "no scripts about {role:?}");
    let outcome = |script: Script| {
        let outcome = play(&script);
        (script, outcome)
    };
    scripts.into_iter().map(outcome).collect()
}

/// Tells of all scripts that differ, not of the first alone.
///
/// # Panics
///
/// When one differs.
pub fn assert_all(played: &[(Script, Outcome)]) {
    let mut differ = Vec::new();
    for (script, outcome) in played {
        if let Some(expected) = &outcome.mismatch {
            let Script { name, why, .. } = script;
            let seen = &outcome.transcript;
            differ.push(format!("{name}: {why}\n{seen}instead of\n{expected}\n"));
        }
    }
    assert!(
        differ.is_empty(),
        "{} of {} scripts differ\n\n{}",
        differ.len(),
        played.len(),
        differ.join("\n")
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_a_script() {
        let scripts: usize = [Role::Daemon, Role::Client]
            .map(|role| load(role).unwrap().len())
            .iter()
            .sum();
        assert!(scripts >= 60, "{scripts} scripts");
    }
}
