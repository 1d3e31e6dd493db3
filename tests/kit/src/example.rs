//! The examples of a crate, as a newcomer runs them.

use std::process::Command;

/// An example of a package of this workspace.
#[derive(Debug, Clone, Copy)]
pub struct Example {
    /// The package.
    pub package: &'static str,
    /// The example.
    pub name: &'static str,
}

impl Example {
    /// Builds the example, so that a peer does not wait for the build.
    ///
    /// # Panics
    ///
    /// If it does not build.
    pub fn build(self) {
        let status = self.cargo("build").status().expect("cargo runs");
        assert!(status.success(), "{self:?} does not build: {status}");
    }

    /// Returns the command that runs the example, to be given its arguments.
    #[must_use]
    pub fn run(self) -> Command {
        let mut run = self.cargo("run");
        run.arg("--");
        run
    }

    fn cargo(self, command: &str) -> Command {
        let mut cargo = Command::new(env!("CARGO"));
        cargo
            .args([command, "--quiet"])
            .args(["--package", self.package, "--example", self.name]);
        cargo
    }
}
