//! Writes the man page and the shell completions into a directory; `cargo xtask dist` runs it.

#[path = "../../src/json.rs"]
mod json;
#[path = "../../src/options.rs"]
#[allow(dead_code, reason = "only the program uses all of it")]
mod options;
mod pages;

use std::path::Path;
use std::{env, fs, io};

use clap::CommandFactory;

use crate::options::Options;

fn main() -> io::Result<()> {
    let Some(directory) = env::args_os().nth(1) else {
        return Err(io::Error::other("usage: dist DIRECTORY"));
    };
    let directory = Path::new(&directory);
    let command = Options::command();
    let man = directory.join("man/man1");
    fs::create_dir_all(&man)?;
    fs::write(man.join("virt-ping.1"), pages::man(&command)?)?;
    let completions = directory.join("completions");
    fs::create_dir_all(&completions)?;
    for (name, script) in pages::completions(&command) {
        fs::write(completions.join(name), script)?;
    }
    Ok(())
}
