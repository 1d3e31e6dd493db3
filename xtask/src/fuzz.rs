//! `cargo xtask fuzz`: runs the fuzz targets, one after another, and says what each did.

use std::{
    fmt, fs,
    process::ExitCode,
    time::{Duration, Instant},
};

use clap::Args;

use crate::ci::{
    shell,
    tools::{CARGO_FUZZ, CXX, NIGHTLY},
};

/// Run the fuzz targets, one after another, and end with what each did
///
/// A target starts from its seeds in fuzz/corpus/TARGET and from what earlier runs found worth keeping, which is in
/// fuzz/target/corpus/TARGET. It runs until its time is over or something is found. Then the others go on, the summary names the
/// input that shows it, and the run fails. fuzz/README.md says what each target is about.
#[derive(Debug, Args)]
pub struct Fuzz {
    /// The targets to run [default: all of them]
    #[arg(value_name = "TARGET")]
    targets: Vec<String>,

    /// Seconds for each target
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
}

impl Fuzz {
    /// Runs the targets and says whether they have found nothing.
    #[must_use]
    pub fn run(&self) -> ExitCode {
        for tool in [&CXX, &NIGHTLY, &CARGO_FUZZ] {
            if !tool.is_there() {
                eprintln!("error: there is no {}; to get it:", tool.name);
                eprintln!("    {}", tool.how_to_get());
                return ExitCode::FAILURE;
            }
        }
        match run(&self.targets, self.seconds) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("error: {error}");
                ExitCode::FAILURE
            }
        }
    }
}

/// Runs these targets, or all, for so many seconds each. What they find on the way goes beside the build, not to the seeds.
pub(crate) fn run(wanted: &[String], seconds: u32) -> Result<(), String> {
    let list = shell::read("cargo +nightly fuzz list")?;
    let targets = choose(wanted, &list)?;
    if wanted.is_empty() {
        shell::run("cargo +nightly fuzz build")?;
    }
    for target in wanted {
        shell::run(&format!("cargo +nightly fuzz build {target}"))?;
    }
    let sessions: Result<_, _> = targets
        .into_iter()
        .map(|target| Session::run(target, seconds))
        .collect();
    let summary = Summary(sessions?);
    println!("\n{summary}");
    summary.result()
}

/// The targets that are wanted, of those in `list`, one a line.
fn choose<'a>(wanted: &'a [String], list: &'a str) -> Result<Vec<&'a str>, String> {
    let all: Vec<&str> = list.lines().collect();
    if all.is_empty() {
        return Err("there is no fuzz target".to_owned());
    }
    match wanted.iter().find(|target| !all.contains(&target.as_str())) {
        Some(target) => Err(format!(
            "there is no fuzz target `{target}`; there are {}",
            all.join(", ")
        )),
        None if wanted.is_empty() => Ok(all),
        None => Ok(wanted.iter().map(String::as_str).collect()),
    }
}

/// The result of one target.
#[derive(Debug)]
struct Session {
    target: String,
    took: Duration,
    /// The number of inputs it ran.
    executions: u64,
    /// The number of edges of the control flow that they took, the compiler's own included.
    edges: u64,
    /// The inputs to look at, as files.
    findings: Vec<String>,
    result: Result<(), String>,
}

impl Session {
    fn new(target: &str) -> Self {
        Self {
            target: target.to_owned(),
            took: Duration::ZERO,
            executions: 0,
            edges: 0,
            findings: Vec::new(),
            result: Ok(()),
        }
    }

    fn run(target: &str, seconds: u32) -> Result<Self, String> {
        let found = format!("fuzz/target/corpus/{target}");
        fs::create_dir_all(shell::root().join(&found))
            .map_err(|error| format!("{found}: {error}"))?;
        let mut session = Self::new(target);
        let start = Instant::now();
        session.result = shell::watch(
            &format!(
                "cargo +nightly fuzz run {target} {found} fuzz/corpus/{target} -- -dict=fuzz/virt.dict \
                 -max_total_time={seconds} -timeout=60 -print_final_stats=1"
            ),
            |line| session.note(line),
        );
        session.took = start.elapsed();
        Ok(session)
    }

    /// Takes what there is to know from a line that libFuzzer has written.
    fn note(&mut self, line: &str) {
        if let Some(count) = line.strip_prefix("stat::number_of_executed_units:") {
            self.executions = count.trim().parse().unwrap_or_default();
        } else if let Some((_, path)) = line.split_once("Test unit written to ") {
            let root = format!("{}/", shell::root().display());
            self.findings.push(path.trim().replacen(&root, "", 1));
        } else if line.starts_with('#')
            && let Some((_, rest)) = line.split_once(" cov: ")
            && let Some(Ok(edges)) = rest.split(' ').next().map(str::parse)
        {
            self.edges = edges;
        }
    }

    /// The reason why the target did not run to its end.
    fn error(&self) -> Option<String> {
        let error = self.result.as_ref().err()?;
        if self.findings.is_empty() {
            return Some(error.clone());
        }
        Some(format!("{}: {}", self.target, self.findings.join(", ")))
    }
}

impl fmt::Display for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:9} {:17} {:>11} executions {:>6} edges {:>8.1} s",
            if self.result.is_ok() { "ok" } else { "FAILED" },
            self.target,
            self.executions,
            self.edges,
            self.took.as_secs_f64(),
        )?;
        for finding in &self.findings {
            write!(f, "\n{:10}{finding}", "")?;
        }
        Ok(())
    }
}

/// The account of all targets, printed at the end.
#[derive(Debug)]
struct Summary(Vec<Session>);

impl Summary {
    fn result(&self) -> Result<(), String> {
        shell::all(
            self.0
                .iter()
                .map(|session| session.error().map_or(Ok(()), Err)),
        )
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "=== fuzz targets")?;
        for session in &self.0 {
            writeln!(f, "{session}")?;
        }
        let took: Duration = self.0.iter().map(|session| session.took).sum();
        write!(
            f,
            "targets: {}, executions: {}, findings: {}, in {:.1} s",
            self.0.len(),
            self.0.iter().map(|session| session.executions).sum::<u64>(),
            self.0
                .iter()
                .map(|session| session.findings.len())
                .sum::<usize>(),
            took.as_secs_f64(),
        )
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        fuzz: Fuzz,
    }

    /// The result of a run, from the last lines of libFuzzer's output.
    const LOG: &str = "\
INFO: Loaded 1 modules   (33810 inline 8-bit counters): 33810 [0x5, 0x6),
#2\tINITED cov: 118 ft: 119 corp: 1/1b exec/s: 0 rss: 40Mb
#1024\tpulse  cov: 204 ft: 420 corp: 57/1190b lim: 17 exec/s: 512 rss: 41Mb
#88064\tDONE   cov: 211 ft: 503 corp: 80/3090b lim: 861 exec/s: 8006 rss: 61Mb
Done 88064 runs in 11 second(s)
stat::number_of_executed_units: 88064
stat::average_exec_per_sec:     8005
stat::peak_rss_mb:              61";

    fn session(log: &str) -> Session {
        let mut session = Session::new("uri");
        log.lines().for_each(|line| session.note(line));
        session
    }

    #[test]
    fn the_options_are_consistent() {
        Cli::command().debug_assert();
        let Cli { fuzz } = Cli::parse_from(["fuzz", "uri", "--seconds", "5"]);
        assert_eq!((fuzz.targets, fuzz.seconds), (vec!["uri".to_owned()], 5));
    }

    #[test]
    fn a_target_that_never_ends_is_not_asked_for() {
        assert!(Cli::try_parse_from(["fuzz", "--seconds", "0"]).is_err());
    }

    #[test]
    fn without_a_name_every_target_is_chosen() {
        assert_eq!(
            choose(&[], "uri\nframe_cuts\n").unwrap(),
            ["uri", "frame_cuts"]
        );
        assert_eq!(choose(&[], "").unwrap_err(), "there is no fuzz target");
    }

    #[test]
    fn an_unknown_target_is_refused_and_the_known_ones_named() {
        let wanted = ["frame_cuts", "url"].map(str::to_owned);
        assert_eq!(
            choose(&wanted[..1], "uri\nframe_cuts").unwrap(),
            ["frame_cuts"]
        );
        assert_eq!(
            choose(&wanted, "uri\nframe_cuts").unwrap_err(),
            "there is no fuzz target `url`; there are uri, frame_cuts"
        );
    }

    #[test]
    fn a_run_is_known_by_its_last_lines() {
        let session = session(LOG);
        assert_eq!((session.executions, session.edges), (88_064, 211));
        assert!(session.findings.is_empty());
    }

    #[test]
    fn a_finding_is_named_by_its_file() {
        let root = shell::root().display();
        let session = session(&format!(
            "==7== ERROR: libFuzzer: deadly signal\n\
             artifact_prefix='{root}/fuzz/artifacts/uri/'; Test unit written to {root}/fuzz/artifacts/uri/crash-da39\n\
             stat::number_of_executed_units: 17"
        ));
        assert_eq!(session.findings, ["fuzz/artifacts/uri/crash-da39"]);
        assert_eq!(session.executions, 17);
    }

    #[test]
    fn what_a_target_says_itself_is_no_coverage() {
        assert_eq!(session("a panic with cov: 7 in it").edges, 0);
        assert_eq!(session("#1\tpulse cov: many").edges, 0);
    }

    #[test]
    fn shows_what_each_target_did() {
        let mut fine = session(LOG);
        fine.took = Duration::from_millis(11_240);
        let mut crashed = session("Test unit written to fuzz/artifacts/uri/crash-da39");
        crashed.result = Err("`cargo`: exit status: 77".to_owned());
        let mut not_built = session("");
        not_built.result = Err("`cargo`: exit status: 101".to_owned());
        let summary = Summary(vec![fine, crashed, not_built]);
        assert_eq!(
            summary.to_string(),
            "\
=== fuzz targets
ok        uri                     88064 executions    211 edges     11.2 s
FAILED    uri                         0 executions      0 edges      0.0 s
          fuzz/artifacts/uri/crash-da39
FAILED    uri                         0 executions      0 edges      0.0 s
targets: 3, executions: 88064, findings: 1, in 11.2 s"
        );
        assert_eq!(
            summary.result().unwrap_err(),
            "uri: fuzz/artifacts/uri/crash-da39\n`cargo`: exit status: 101"
        );
    }
}
