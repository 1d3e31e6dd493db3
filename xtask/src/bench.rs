//! `cargo xtask bench`: runs the benchmarks, and writes what they have shown into `docs/performance.md`.
//!
//! Nanoseconds are those of one machine and one hour; what lasts are the ratios between two benchmarks of
//! one run, so these are all that is written, and what is counted and not timed.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use clap::{Args, Subcommand};
use thiserror::Error;

mod instructions;
mod rows;
mod tables;

/// Run the benchmarks and write the tables of docs/performance.md
///
/// Each ratio is one of criterion's estimates of two benchmarks in the same run, and the middle one of all runs is
/// written.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Bench {
    #[command(subcommand)]
    counts: Option<Counts>,

    /// Number of runs
    #[arg(long, value_name = "COUNT", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..))]
    runs: u8,

    /// Write the tables from the runs that were made before
    #[arg(long)]
    table: bool,
}

/// The measurements that count instead of timing.
#[derive(Debug, Subcommand)]
enum Counts {
    Instructions(instructions::Instructions),
}

impl Bench {
    /// Runs the benchmarks, unless told not to, and writes the tables; or counts instructions.
    #[must_use]
    pub fn run(&self) -> ExitCode {
        if let Some(Counts::Instructions(instructions)) = &self.counts {
            return instructions.run();
        }
        match self.measure().and_then(|()| self.write()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("error: {error}");
                ExitCode::FAILURE
            }
        }
    }

    fn measure(&self) -> Result<(), Error> {
        if self.table {
            return Ok(());
        }
        for run in 1..=self.runs {
            println!("run {run} of {}", self.runs);
            let status = Command::new(env!("CARGO"))
                .args([
                    "bench",
                    "--package",
                    "virt-benches",
                    "--benches",
                    "--",
                    "--save-baseline",
                ])
                .arg(baseline(run))
                // An incremental build inlines less.
                .env("CARGO_INCREMENTAL", "0")
                .current_dir(root())
                .status();
            if !status.is_ok_and(|status| status.success()) {
                return Err(Error::Run);
            }
        }
        Ok(())
    }

    fn write(&self) -> Result<(), Error> {
        let results = Results {
            directory: target().join("criterion"),
            runs: self.runs,
        };
        let path = root().join("docs/performance.md");
        let page = read(&path)?;
        let page = tables::replace(&page, &tables::all(&results)?).ok_or(Error::Page)?;
        fs::write(&path, page).map_err(|error| Error::File { path, error })
    }
}

/// The results of several runs, from criterion's files.
struct Results {
    directory: PathBuf,
    runs: u8,
}

impl Results {
    /// The middle one of what `ratio` makes of each run, given the estimates of benchmarks by their names.
    fn middle(
        &self,
        ratio: impl Fn(&dyn Fn(&str) -> Result<f64, Error>) -> Result<f64, Error>,
    ) -> Result<f64, Error> {
        let of_run = |run| ratio(&|benchmark| self.estimate(benchmark, run));
        let mut ratios: Vec<f64> = (1..=self.runs).map(of_run).collect::<Result<_, _>>()?;
        ratios.sort_by(f64::total_cmp);
        Ok(ratios[ratios.len() / 2])
    }

    /// The result of one benchmark in one run: nanoseconds, unless it counts something else.
    fn estimate(&self, benchmark: &str, run: u8) -> Result<f64, Error> {
        let mut path = self.directory.join(benchmark);
        path.extend([&baseline(run), "estimates.json"]);
        estimate(&read(&path)?).ok_or(Error::Estimate { path })
    }
}

/// The reason why there are no tables.
#[derive(Debug, Error)]
enum Error {
    #[error("the benchmarks did not run to their end")]
    Run,
    #[error("{}: {error}", path.display())]
    File { path: PathBuf, error: io::Error },
    #[error("{} has no estimate", path.display())]
    Estimate { path: PathBuf },
    #[error("docs/performance.md has no place for the tables")]
    Page,
}

fn baseline(run: u8) -> String {
    format!("run-{run}")
}

fn read(path: &Path) -> Result<String, Error> {
    fs::read_to_string(path).map_err(|error| Error::File {
        path: path.to_owned(),
        error,
    })
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// Criterion's estimate, the one that it prints: the slope over samples of several lengths, or the mean if it has
/// taken samples of one length.
///
/// In a file whose form is known, no JSON is parsed for one number.
fn estimate(estimates: &str) -> Option<f64> {
    let slope = estimates.split_once(r#""slope":{"#);
    let (_, statistic) = slope.or_else(|| estimates.split_once(r#""mean":{"#))?;
    let (_, number) = statistic.split_once(r#""point_estimate":"#)?;
    let end = number.find([',', '}'])?;
    number[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slope_counts_or_else_the_mean() {
        let with = |slope: &str| {
            format!(
                r#"{{"mean":{{"confidence_interval":{{"confidence_level":0.95,"lower_bound":39.0}},"point_estimate":40.5,"standard_error":1.0}},"median":{{"point_estimate":39.0}},"slope":{slope}}}"#
            )
        };
        let slope = r#"{"confidence_interval":{"upper_bound":42.0},"point_estimate":41.25}"#;
        assert_eq!(estimate(&with(slope)), Some(41.25));
        assert_eq!(estimate(&with("null")), Some(40.5));
        assert_eq!(
            estimate(r#"{"mean":{"point_estimate":1787.5}}"#),
            Some(1787.5)
        );
        assert_eq!(estimate(r#"{"mean":{"point_estimate":"#), None);
        assert_eq!(estimate(r#"{"median":{"point_estimate":1.0}}"#), None);
    }

    #[test]
    fn a_result_that_is_not_there_is_named() {
        let results = Results {
            directory: PathBuf::from("no-such-directory"),
            runs: 1,
        };
        let error = results.middle(|time| time("group/benchmark")).unwrap_err();
        let path = Path::new("no-such-directory/group/benchmark/run-1/estimates.json");
        assert!(
            error.to_string().starts_with(&path.display().to_string()),
            "{error}"
        );
    }
}
