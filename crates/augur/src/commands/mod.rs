//! The command line: one file for each command, with its arguments, its help and what it does.

mod admin;
mod api;
mod audit;
mod choices;
mod contract;
mod demo_data;
mod doctor;
mod evaluate;
mod events;
mod migrate;
mod models;
mod openapi;
mod plan;
mod predict;
mod serve;
mod train;
mod worker;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand};

use crate::data_directory::DataDirectory;
use crate::environment::Environment;

/// Tells from a file of customers who will leave.
///
/// `augur serve --demo` starts everything in one process, with a database of its own and a demo user.
/// Settings come from environment variables; README.md and .env.example list them. The exit status is
/// 0, 1 (failed) or 2 (wrong usage).
#[derive(Parser)]
#[command(name = "augur", version, max_term_width = 100, arg_required_else_help = true)]
pub struct CommandLine {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// What every command understands.
#[derive(Args, Clone)]
pub struct Global {
    /// Where the embedded default keeps everything [default: AUGUR_DATA_DIR, else /var/lib/augur for
    /// root, else the user's data folder]
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Print results as JSON
    #[arg(long, global = true)]
    pub json: bool,
}

impl Global {
    /// The data directory that was asked for, else the default one.
    pub fn data_directory(&self, environment: &Environment) -> Result<DataDirectory> {
        let configured = environment.text("AUGUR_DATA_DIR").map(Path::new);
        DataDirectory::open(self.data_dir.as_deref().or(configured))
    }
}

#[derive(Subcommand)]
enum Command {
    Serve(serve::Arguments),
    Api(api::Arguments),
    Worker(worker::Arguments),
    Migrate(migrate::Arguments),
    Admin(admin::Arguments),
    Audit(audit::Arguments),
    Train(Box<train::Arguments>),
    Evaluate(evaluate::Arguments),
    Predict(predict::Arguments),
    Contract(contract::Arguments),
    Events(Box<events::Arguments>),
    Plan(plan::Arguments),
    Models(models::Arguments),
    DemoData(demo_data::Arguments),
    Openapi(openapi::Arguments),
    Doctor(doctor::Arguments),
}

impl CommandLine {
    /// Servers tell what they do; commands only what is wrong.
    pub fn log_level(&self) -> &'static str {
        match self.command {
            Command::Serve(_) | Command::Api(_) | Command::Worker(_) => "info",
            _ => "warn",
        }
    }
}

/// Runs the command.
pub fn run(line: CommandLine) -> Result<()> {
    let global = line.global;
    match line.command {
        Command::Serve(arguments) => block_on(serve::run(arguments, global)),
        Command::Api(arguments) => block_on(api::run(arguments)),
        Command::Worker(arguments) => block_on(worker::run(arguments)),
        Command::Migrate(arguments) => block_on(migrate::run(arguments, global)),
        Command::Admin(arguments) => block_on(admin::run(arguments, global)),
        Command::Audit(arguments) => block_on(audit::run(arguments, global)),
        Command::Doctor(arguments) => block_on(doctor::run(arguments, global)),
        Command::Train(arguments) => train::run(&arguments, &global),
        Command::Evaluate(arguments) => evaluate::run(&arguments, &global),
        Command::Predict(arguments) => predict::run(&arguments, &global),
        Command::Events(arguments) => events::run(&arguments, &global),
        Command::Contract(arguments) => contract::run(&arguments, &global),
        Command::Plan(arguments) => plan::run(&arguments, &global),
        Command::Models(arguments) => models::run(&arguments, &global),
        Command::DemoData(arguments) => demo_data::run(&arguments, &global),
        Command::Openapi(arguments) => openapi::run(&arguments),
    }
}

/// How long threads that do not end by themselves are waited for.
const BLOCKED_TIME_MAX: Duration = Duration::from_secs(5);

fn block_on(work: impl Future<Output = Result<()>>) -> Result<()> {
    // Fails only where a provider was installed before, which serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.context("cannot start the asynchronous runtime")?;
    let ended = runtime.block_on(work);
    // A thread that hangs in a store that does not answer must not keep a stopped process.
    runtime.shutdown_timeout(BLOCKED_TIME_MAX);
    ended
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound_and_every_command_explains_itself() {
        let command = CommandLine::command();
        command.clone().debug_assert();
        for subcommand in command.get_subcommands() {
            assert!(subcommand.get_about().is_some(), "{} has no help", subcommand.get_name());
            for argument in subcommand.get_arguments() {
                assert!(argument.get_help().is_some(), "{} {}", subcommand.get_name(), argument.get_id());
            }
        }
    }

    #[test]
    fn global_flags_are_accepted_after_any_subcommand() {
        let line = CommandLine::parse_from(["augur", "audit", "--data-dir", "/tmp/x", "--json"]);
        assert!(line.global.json && line.global.data_dir.is_some());
    }
}
