//! `cargo xtask bench instructions`: counts the instructions of each row, which no other load on the machine moves.
//!
//! Callgrind counts a whole process. Each row therefore runs twice, the second time with twice the work, and the
//! difference is the work alone: start-up is in both.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
};

use clap::Args;

use super::{tables, target};
use crate::ci::{shell, tools::VALGRIND};

/// Count instructions by callgrind and print a table of them
///
/// The counts depend on the processor, the compiler and the C library, but not on other load. The profile of each run stays in
/// target/instructions, for `callgrind_annotate`.
#[derive(Debug, Args)]
pub(super) struct Instructions {
    /// The rows to count, by their names or parts of them [default: all of them]
    #[arg(value_name = "ROW")]
    rows: Vec<String>,
}

/// Builds the program that does the work. An incremental build inlines less, and would count up to twice as much.
const BUILD: &str = "env CARGO_INCREMENTAL=0 cargo build --profile bench --package virt-benches --example instructions";

impl Instructions {
    pub(super) fn run(&self) -> ExitCode {
        match self.print() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("error: {error}");
                ExitCode::FAILURE
            }
        }
    }

    fn print(&self) -> Result<(), String> {
        if !VALGRIND.is_there() {
            return Err(format!(
                "counting needs valgrind: {}",
                VALGRIND.how_to_get()
            ));
        }
        shell::run(BUILD)?;
        let program = Program::new()?;
        let list = output(&mut Command::new(&program.path))?;
        let rows = list
            .lines()
            .map(Row::parse)
            .collect::<Result<Vec<_>, _>>()?;
        let rows: Vec<_> = rows.iter().filter(|row| self.wants(row.name)).collect();
        if rows.is_empty() {
            return Err(format!("no row is called {}", self.rows.join(" or ")));
        }
        println!("\nOn {}, {}:\n", processor(), valgrind()?);
        print!(
            "{}",
            tables::header(["row", "what", "ours", "floor", "ratio"])
        );
        for row in rows {
            let (ours, floor) = (program.count(row, "ours")?, program.count(row, "floor")?);
            print!("{}", row.line(ours, floor));
        }
        Ok(())
    }

    fn wants(&self, name: &str) -> bool {
        self.rows.is_empty() || self.rows.iter().any(|part| name.contains(part.as_str()))
    }
}

/// A row as the program lists it.
#[derive(Debug, PartialEq)]
struct Row<'a> {
    name: &'a str,
    /// The number of operations that is enough to count one.
    times: u32,
    what: &'a str,
}

impl<'a> Row<'a> {
    fn parse(line: &'a str) -> Result<Self, String> {
        let mut fields = line.splitn(3, '\t');
        let mut field = || fields.next();
        field()
            .zip(field().and_then(|times| times.parse().ok()))
            .zip(field())
            .map(|((name, times), what)| Self { name, times, what })
            .ok_or_else(|| format!("`{line}` is not a row"))
    }

    fn line(&self, ours: f64, floor: f64) -> String {
        let cells = [
            self.name,
            self.what,
            &format!("{ours:.1}"),
            &format!("{floor:.1}"),
            &format!("{:.3}", ours / floor),
        ];
        let mut line = String::new();
        tables::line(&mut line, cells);
        line
    }
}

/// The program that does the work, and the directory of its profiles.
struct Program {
    path: PathBuf,
    profiles: PathBuf,
}

impl Program {
    fn new() -> Result<Self, String> {
        let profiles = target().join("instructions");
        fs::create_dir_all(&profiles)
            .map_err(|error| format!("{}: {error}", profiles.display()))?;
        Ok(Self {
            path: target().join("release/examples/instructions"),
            profiles,
        })
    }

    /// Counts the instructions of one operation.
    fn count(&self, row: &Row<'_>, side: &str) -> Result<f64, String> {
        let profile = self.profiles.join(format!("{}.{side}", row.name));
        let once = self.total(row, side, row.times, &profile)?;
        let twice = self.total(row, side, 2 * row.times, &profile)?;
        Ok((twice - once) / f64::from(row.times))
    }

    fn total(&self, row: &Row<'_>, side: &str, times: u32, profile: &Path) -> Result<f64, String> {
        let mut file = OsString::from("--callgrind-out-file=");
        file.push(profile);
        let mut command = Command::new("valgrind");
        command.args(["--quiet", "--tool=callgrind"]).arg(file);
        command.arg(&self.path).args([row.name, side]);
        output(command.arg(times.to_string()))?;
        let text = fs::read_to_string(profile);
        let text = text.map_err(|error| format!("{}: {error}", profile.display()))?;
        total(&text).ok_or_else(|| format!("{} has no total", profile.display()))
    }
}

/// The instructions of a whole profile.
fn total(profile: &str) -> Option<f64> {
    profile
        .lines()
        .find_map(|line| line.strip_prefix("totals: "))?
        .parse()
        .ok()
}

fn processor() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| {
        let (key, model) = line.split_once(':')?;
        (key.trim() == "model name").then(|| model.trim())
    });
    model.unwrap_or("an unknown processor").to_owned()
}

fn valgrind() -> Result<String, String> {
    let version = output(Command::new("valgrind").arg("--version"))?;
    Ok(version.trim().to_owned())
}

/// Runs a command and returns its standard output.
fn output(command: &mut Command) -> Result<String, String> {
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| format!("{command:?}: {error}"))?;
    if !output.status.success() {
        return Err(format!("{command:?}: {}", output.status));
    }
    String::from_utf8(output.stdout).map_err(|error| format!("{command:?}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_a_name_a_number_and_a_title() {
        let row = Row {
            name: "pong-1",
            times: 10_000,
            what: "one PING, answered",
        };
        assert_eq!(Row::parse("pong-1\t10000\tone PING, answered"), Ok(row));
        for line in ["", "pong-1", "pong-1\t10000", "pong-1\tmany\tone PING"] {
            assert_eq!(Row::parse(line), Err(format!("`{line}` is not a row")));
        }
    }

    #[test]
    fn a_profile_ends_with_its_total() {
        let profile =
            "# callgrind format\nevents: Ir\nsummary: 12\nfn=(1) main\n3 5\n\ntotals: 17\n";
        assert_eq!(total(profile), Some(17.0));
        assert_eq!(total("events: Ir\nsummary: 12\n"), None);
    }

    #[test]
    fn a_line_has_the_ratio_of_ours_to_the_floor() {
        let row = Row {
            name: "ping",
            times: 1,
            what: "a PING",
        };
        let line = "| ping | a PING | 30.0 | 20.0 | 1.500 |\n";
        assert_eq!(row.line(30.0, 20.0), line);
    }
}
