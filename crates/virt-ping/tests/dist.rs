//! The man page and the completions that `cargo xtask dist` makes from the definition of the options.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

#[path = "../src/json.rs"]
mod json;
#[path = "../src/options.rs"]
#[allow(dead_code, reason = "only the program uses all of it")]
mod options;
#[path = "../examples/dist/pages.rs"]
mod pages;

use clap::CommandFactory;

use crate::options::Options;

#[test]
fn the_man_page() {
    let page = pages::man(&Options::command()).unwrap();
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"virt-ping \d+\.\d+\.\d+", "virt-ping VERSION");
    settings.bind(|| insta::assert_snapshot!("virt-ping.1", page));
}

#[test]
fn completions_of_each_shell_know_each_option() {
    let command = Options::command();
    let completions = pages::completions(&command);
    let names: Vec<_> = completions.iter().map(|(name, _)| name.as_str()).collect();
    let expected = [
        "virt-ping.bash",
        "virt-ping.elv",
        "virt-ping.fish",
        "_virt-ping.ps1",
        "_virt-ping",
    ];
    assert_eq!(names, expected);
    for (name, script) in &completions {
        let script = String::from_utf8(script.clone()).unwrap();
        for option in command
            .get_arguments()
            .filter_map(|argument| argument.get_long())
        {
            assert!(script.contains(option), "{name} lacks --{option}");
        }
        assert!(
            script.contains("rpc") && script.contains("json"),
            "{name} lacks values"
        );
    }
}
