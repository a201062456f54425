//! The program `augur`: its commands, its configuration and the embedded database. What the
//! commands do is in the crates below; here they are only wired together.

mod commands;
mod config;
pub mod data_directory;
mod demo;
pub mod embedded;
mod environment;
mod installation;
mod logging;
mod model_source;
mod output;
mod process;
mod shipped_models;

use std::process::ExitCode;

use clap::Parser;

use commands::CommandLine;
use output::ReaderGone;

/// Runs the command that the arguments name. The status is 0, 1 where it failed, or 2 where the
/// arguments make no sense (then this does not return).
pub fn run() -> ExitCode {
    let line = CommandLine::parse();
    platform::failpoints::set_up();
    match logging::start(line.log_level()).and_then(|()| commands::run(line)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if ReaderGone::is_cause_of(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("augur: {error:#}");
            ExitCode::FAILURE
        }
    }
}
