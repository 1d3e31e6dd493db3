//! libvirt's Python binding as the other client of a daemon.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

/// Evaluates each line of its input, and prints the result as a line of JSON.
const SCRIPT: &str = r"
import json, sys, libvirt
libvirt.registerErrorHandler(lambda *_: None, None)
conn = libvirt.open(sys.argv[1])
domain = lambda name='test': conn.lookupByName(name)
print('ready', flush=True)
for line in sys.stdin:
    print(json.dumps(eval(line)), flush=True)
";

/// The interpreter that Debian's package of the binding is for.
const PYTHON: &str = "/usr/bin/python3";

/// Returns whether the binding is installed; panics in CI if it is not.
pub(crate) fn available() -> bool {
    let import = Command::new(PYTHON).args(["-c", "import libvirt"]).output();
    let is_there = import.is_ok_and(|output| output.status.success());
    let is_ci = std::env::var("CI").is_ok_and(|value| value == "true");
    assert!(
        is_there || !is_ci,
        "python3-libvirt is missing, and nothing is left out where CI=true"
    );
    if !is_there {
        eprintln!("LEFT OUT: the methods of virt-protocol: python3-libvirt is missing");
    }
    is_there
}

pub(crate) struct Python {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Python {
    pub(crate) fn start(uri: &str) -> Self {
        let mut python = Command::new(PYTHON);
        python
            .args(["-c", SCRIPT, uri])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut process = python.spawn().expect("it starts");
        let input = process.stdin.take().expect("a pipe");
        let output = BufReader::new(process.stdout.take().expect("a pipe"));
        let mut python = Self {
            process,
            input,
            output,
        };
        assert_eq!(python.line(), "ready\n");
        python
    }

    /// Evaluates an expression, in which `conn` is the connection and `domain(name)` finds a domain.
    pub(crate) fn evaluate(&mut self, expression: &str) -> Value {
        writeln!(self.input, "{expression}").expect("it reads");
        let line = self.line();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("{expression}: {line:?}"))
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("text");
        line
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
