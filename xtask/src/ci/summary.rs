//! The summary: checks that ran, failed or were left out.

use std::{fmt, time::Duration};

use super::tools::Tool;

/// The account of one run, printed at its end.
#[derive(Debug, Default)]
pub(super) struct Summary {
    ran: Vec<Ran>,
    left_out: Vec<LeftOut>,
}

#[derive(Debug)]
struct Ran {
    step: &'static str,
    took: Duration,
    result: Result<(), String>,
}

#[derive(Debug)]
struct LeftOut {
    step: &'static str,
    what: &'static str,
    tool: &'static Tool,
}

impl Summary {
    pub(super) fn ran(&mut self, step: &'static str, took: Duration, result: Result<(), String>) {
        self.ran.push(Ran { step, took, result });
    }

    pub(super) fn left_out(&mut self, step: &'static str, what: &'static str, tool: &'static Tool) {
        self.left_out.push(LeftOut { step, what, tool });
    }

    /// Returns whether nothing failed and, if strict, nothing was left out.
    pub(super) fn passes(&self, strict: bool) -> bool {
        self.failed() == 0 && (!strict || self.left_out.is_empty())
    }

    fn failed(&self) -> usize {
        self.ran.iter().filter(|ran| ran.result.is_err()).count()
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "=== summary")?;
        for Ran { step, took, result } in &self.ran {
            let word = if result.is_ok() { "ok" } else { "FAILED" };
            writeln!(f, "{word:9} {step:13} {:6.1} s", took.as_secs_f64())?;
            if let Err(error) = result {
                for line in error.lines() {
                    writeln!(f, "{:24}{line}", "")?;
                }
            }
        }
        for LeftOut { step, what, tool } in &self.left_out {
            writeln!(f, "left out  {step:13} {what}")?;
            writeln!(f, "{:24}no {}; to get it:", "", tool.name)?;
            writeln!(f, "{:24}{}", "", tool.how_to_get())?;
        }
        if !self.left_out.is_empty() {
            writeln!(f, "`cargo xtask ci --install` installs what is missing")?;
        }
        let total: Duration = self.ran.iter().map(|ran| ran.took).sum();
        write!(
            f,
            "{} ok, {} failed, {} left out, in {:.1} s",
            self.ran.len() - self.failed(),
            self.failed(),
            self.left_out.len(),
            total.as_secs_f64(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tools, *};

    #[test]
    fn passes_when_all_ran_and_nothing_failed() {
        let mut summary = Summary::default();
        summary.ran("format", Duration::from_millis(1200), Ok(()));
        assert!(summary.passes(false));
        assert!(summary.passes(true));
    }

    #[test]
    fn one_failure_fails_the_run() {
        let mut summary = Summary::default();
        summary.ran("format", Duration::ZERO, Err("`cargo fmt`".to_owned()));
        summary.ran("tests", Duration::ZERO, Ok(()));
        assert!(!summary.passes(false));
        assert!(!summary.passes(true));
    }

    #[test]
    fn what_is_left_out_fails_a_strict_run_alone() {
        let mut summary = Summary::default();
        summary.left_out("fuzz", "a few seconds of each target", &tools::CARGO_FUZZ);
        assert!(summary.passes(false));
        assert!(!summary.passes(true));
    }

    #[test]
    fn shows_what_ran_what_failed_and_what_was_left_out() {
        let mut summary = Summary::default();
        summary.ran("format", Duration::from_millis(1240), Ok(()));
        let error = "`cargo test`: exit status: 101\nand more";
        summary.ran("tests", Duration::from_secs(182), Err(error.to_owned()));
        summary.left_out("fuzz", "a few seconds of each target", &tools::CARGO_FUZZ);
        assert_eq!(
            summary.to_string(),
            "\
=== summary
ok        format           1.2 s
FAILED    tests          182.0 s
                        `cargo test`: exit status: 101
                        and more
left out  fuzz          a few seconds of each target
                        no cargo-fuzz; to get it:
                        cargo install cargo-fuzz --locked
`cargo xtask ci --install` installs what is missing
1 ok, 1 failed, 1 left out, in 183.2 s"
        );
    }
}
