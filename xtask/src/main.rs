//! `cargo xtask`: the workspace's own commands.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use xtask::{bench, ci, codegen, dist, fuzz, soak};

/// The workspace's own commands
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Bench(bench::Bench),
    Ci(ci::Ci),
    Codegen(codegen::Codegen),
    Dist(dist::Dist),
    Fuzz(fuzz::Fuzz),
    Soak(soak::Soak),
}

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Bench(command) => command.run(),
        Command::Ci(command) => command.run(),
        Command::Codegen(command) => command.run(),
        Command::Dist(command) => command.run(),
        Command::Fuzz(command) => command.run(),
        Command::Soak(command) => command.run(),
    }
}
