//! `cargo xtask ci`: runs every check of the workspace, and prints a summary.

use std::{env, process::ExitCode, time::Instant};

use clap::{
    Args,
    builder::{PossibleValue, PossibleValuesParser},
};

mod english;
mod rules;
pub(crate) mod shell;
mod steps;
mod summary;
pub(crate) mod tools;

use steps::{STEPS, Step, Without};
use summary::Summary;

/// Run every check, and end with a summary of those that ran and those that were left out
///
/// Continues after a failure, so that one run shows all faults. A check whose tool is missing is left out, and listed at the end
/// with the command that installs the tool. Nothing is installed without --install or CI=true in the environment. With CI=true,
/// leaving out a check is a failure.
#[derive(Debug, Args)]
pub struct Ci {
    /// The checks to run [default: all of them]
    #[arg(value_name = "STEP", value_parser = step_names())]
    steps: Vec<String>,

    /// Install the tools that are missing (as root where the system's packages are needed)
    #[arg(long)]
    install: bool,

    /// Seconds for each fuzz target
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    fuzz_seconds: u32,
}

impl Ci {
    /// Runs the checks and says whether the workspace may be merged.
    #[must_use]
    pub fn run(&self) -> ExitCode {
        let strict = env::var("CI").is_ok_and(|value| value == "true");
        let mut summary = Summary::default();
        for step in STEPS.iter().filter(|step| self.wants(step)) {
            self.run_step(step, self.install || strict, &mut summary);
        }
        println!("\n{summary}");
        if summary.passes(strict) {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }

    fn wants(&self, step: &Step) -> bool {
        self.steps.is_empty() || self.steps.iter().any(|name| name == step.name)
    }

    fn run_step(&self, step: &Step, install: bool, summary: &mut Summary) {
        println!("\n=== {}: {}", step.name, step.about);
        let start = Instant::now();
        let mut runs = true;
        for (tool, without) in step.tools {
            if tool.is_there() || (install && tool.install()) {
                continue;
            }
            println!("left out, as there is no {}", tool.name);
            let what = match without {
                Without::Step => step.about,
                Without::Part(part) => part,
            };
            runs &= !matches!(without, Without::Step);
            summary.left_out(step.name, what, tool);
        }
        if runs {
            let result = (step.run)(self);
            if let Err(error) = &result {
                println!("FAILED: {error}");
            }
            summary.ran(step.name, start.elapsed(), result);
        }
    }
}

fn step_names() -> PossibleValuesParser {
    PossibleValuesParser::new(
        STEPS
            .iter()
            .map(|step| PossibleValue::new(step.name).help(step.about)),
    )
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::{tools::Tool, *};

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        ci: Ci,
    }

    const THERE: Tool = Tool {
        name: "true",
        probes: &["true"],
        install: &[],
    };

    const MISSING: Tool = Tool {
        name: "false",
        probes: &["false"],
        install: &["true"],
    };

    /// The summary's note on a step that fails if it is run.
    fn summary_of(tools: &'static [(&'static Tool, Without)]) -> String {
        let step = Step {
            name: "step",
            about: "all of it",
            tools,
            run: |_| Err("it was run".to_owned()),
        };
        let mut summary = Summary::default();
        Cli::parse_from(["ci"])
            .ci
            .run_step(&step, true, &mut summary);
        summary.to_string()
    }

    #[test]
    fn a_step_whose_tools_are_there_is_run() {
        let summary = summary_of(&[(&THERE, Without::Step)]);
        assert!(summary.contains("it was run"), "{summary}");
        assert!(summary.contains("1 failed, 0 left out"), "{summary}");
    }

    #[test]
    fn a_step_is_left_out_where_its_tool_could_not_be_installed() {
        let summary = summary_of(&[(&THERE, Without::Step), (&MISSING, Without::Step)]);
        assert!(summary.contains("left out  step          all of it"));
        assert!(summary.contains("0 failed, 1 left out"), "{summary}");
    }

    #[test]
    fn a_step_is_run_where_a_tool_is_missing_for_a_part_of_it() {
        let summary = summary_of(&[(&MISSING, Without::Part("half of it"))]);
        assert!(summary.contains("it was run"), "{summary}");
        assert!(summary.contains("left out  step          half of it"));
        assert!(summary.contains("1 failed, 1 left out"), "{summary}");
    }

    #[test]
    fn the_options_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn without_a_name_every_step_is_wanted() {
        let Cli { ci } = Cli::parse_from(["ci"]);
        assert!(STEPS.iter().all(|step| ci.wants(step)));
    }

    #[test]
    fn only_the_named_steps_are_wanted() {
        let Cli { ci } = Cli::parse_from(["ci", "tests", "format"]);
        let wanted: Vec<_> = STEPS
            .iter()
            .filter(|step| ci.wants(step))
            .map(|step| step.name)
            .collect();
        assert_eq!(wanted, ["format", "tests"]);
    }

    #[test]
    fn an_unknown_step_is_refused() {
        assert!(Cli::try_parse_from(["ci", "test"]).is_err());
    }
}
