//! Does the work of one row a number of times, for `cargo xtask bench instructions` to count what it takes.
//!
//! `instructions` lists the rows, and `instructions ROW ours|floor TIMES` runs one.

use std::env;
use std::process::ExitCode;

mod call;
mod rows;

use rows::{ROWS, Row};

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match *arguments {
        [] => {
            for Row {
                name, what, times, ..
            } in ROWS
            {
                println!("{name}\t{times}\t{what}");
            }
            ExitCode::SUCCESS
        }
        [name, side, times] => match find(name, side).zip(times.parse().ok()) {
            Some((work, times)) => {
                work(times);
                ExitCode::SUCCESS
            }
            None => usage(),
        },
        _ => usage(),
    }
}

fn find(name: &str, side: &str) -> Option<fn(u64)> {
    let row = ROWS.iter().find(|row| row.name == name)?;
    match side {
        "ours" => Some(row.ours),
        "floor" => Some(row.floor),
        _ => None,
    }
}

fn usage() -> ExitCode {
    eprintln!("usage: instructions [ROW ours|floor TIMES]");
    ExitCode::from(2)
}
