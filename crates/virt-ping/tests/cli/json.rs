//! `--format json`: every line parses, and the summary is the sum of the lines.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::support::{EMBEDDED, run};

/// The lines, each an object.
pub(crate) fn parse(stdout: &str) -> Vec<Value> {
    let parse = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    stdout.lines().map(parse).collect()
}

/// Holds the summary against the lines before it.
pub(crate) fn check_summary(lines: &[Value]) {
    let (summary, lines) = lines.split_last().unwrap();
    assert_eq!(summary["event"], "summary");
    let of = |event: &'static str| lines.iter().filter(move |line| line["event"] == event);
    let times: Vec<u64> = of("pong")
        .map(|pong| pong["time_ns"].as_u64().unwrap())
        .collect();
    assert_eq!(summary["received"], times.len());
    assert_eq!(
        summary["late"],
        of("pong").filter(|pong| pong["late"] == true).count()
    );
    assert_eq!(summary["held_back"], of("held_back").count());

    // Each number that was sent is answered or missed in the end, and no number is both or twice.
    let mut ends = BTreeMap::new();
    for line in of("missed").chain(of("pong")) {
        let late = line["late"] == true;
        let before = ends.insert(line["seq"].as_u64().unwrap(), line["event"].clone());
        assert_eq!(before.is_some(), late, "{line}");
    }
    assert_eq!(summary["sent"], ends.len());
    assert_eq!(
        summary["missed"],
        ends.values().filter(|event| *event == "missed").count()
    );

    let Some(min) = times.iter().min() else {
        assert_eq!(summary["rtt"], Value::Null);
        return;
    };
    let count = u64::try_from(times.len()).unwrap();
    assert_eq!(summary["rtt"]["min_ns"], *min);
    assert_eq!(summary["rtt"]["max_ns"], *times.iter().max().unwrap());
    assert_eq!(summary["rtt"]["avg_ns"], times.iter().sum::<u64>() / count);
}

#[test]
fn the_summary_is_the_sum_of_the_lines() {
    let run = run(&[
        "--format",
        "json",
        "-c",
        "5",
        "-i",
        "0.01",
        "--histogram",
        "-W",
        "60",
        EMBEDDED,
    ]);
    assert_eq!(run.status, Some(0), "{run:?}");
    let lines = parse(&run.stdout);
    check_summary(&lines);
    let summary = lines.last().unwrap();
    let bars = summary["histogram"].as_array().unwrap();
    assert_eq!(
        bars.iter()
            .map(|bar| bar["count"].as_u64().unwrap())
            .sum::<u64>(),
        5
    );
    assert!(
        summary["percentiles"]["p50_ns"].as_u64() <= summary["percentiles"]["p99_9_ns"].as_u64()
    );
}

#[test]
fn a_flood_reports_each_pong_to_programs() {
    let run = run(&["--format", "json", "-f", "-c", "500", "-W", "60", EMBEDDED]);
    let lines = parse(&run.stdout);
    assert_eq!(lines.len(), 502);
    check_summary(&lines);
}

#[test]
fn phases_and_the_first_line_have_their_words() {
    let run = run(&["--format", "json", "-v", "-c", "1", "-W", "60", EMBEDDED]);
    let lines = parse(&run.stdout);
    let phases: Vec<_> = lines
        .iter()
        .filter_map(|line| line["phase"].as_str())
        .collect();
    assert_eq!(
        phases,
        ["connect", "authenticate", "negotiate", "open", "first_pong"]
    );
    let connected = lines
        .iter()
        .find(|line| line["event"] == "connected")
        .unwrap();
    assert_eq!(connected["keepalive"], true);
    assert_eq!(connected["mode"], "keepalive");
    assert_eq!(connected["uri"], EMBEDDED);
}

#[test]
fn a_check_and_a_failure_are_lines_too() {
    let check = run(&["--format", "json", "--check", "-W", "60", EMBEDDED]);
    let [line] = &parse(&check.stdout)[..] else {
        panic!("{check:?}")
    };
    assert_eq!(
        (&line["event"], &line["ok"], &line["exit"]),
        (&"check".into(), &true.into(), &0.into())
    );
    assert!(line["time_ns"].as_u64() > Some(0));

    let failed = run(&[
        "--format",
        "json",
        "test+unix:///default?socket=/nonexistent/sock",
    ]);
    assert_eq!((failed.status, failed.stderr.as_str()), (Some(2), ""));
    let [line] = &parse(&failed.stdout)[..] else {
        panic!("{failed:?}")
    };
    assert_eq!(
        (&line["event"], &line["exit"]),
        (&"failed".into(), &2.into())
    );
    assert!(
        line["message"]
            .as_str()
            .unwrap()
            .contains("/nonexistent/sock")
    );
}

#[test]
fn quiet_leaves_the_first_line_and_the_summary_for_programs() {
    let run = run(&[
        "--format", "json", "-q", "-c", "2", "-i", "0.01", "-W", "60", EMBEDDED,
    ]);
    let events: Vec<_> = parse(&run.stdout)
        .iter()
        .map(|line| line["event"].clone())
        .collect();
    assert_eq!(events, ["connected", "summary"]);
}
