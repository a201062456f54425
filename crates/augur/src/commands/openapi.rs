//! `augur openapi`: prints the description of the HTTP API.

use anyhow::Result;
use clap::Args;

use crate::output::print_json;

/// Print the OpenAPI document of the HTTP API
#[derive(Args)]
pub struct Arguments {}

/// Runs the command.
pub fn run(_arguments: &Arguments) -> Result<()> {
    print_json(&api::openapi())
}
