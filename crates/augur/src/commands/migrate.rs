//! `augur migrate`: brings the database up to date, and registers the models of the program.

use anyhow::Result;
use clap::Args;
use platform::models::{ShippedModel, register_shipped};

use super::Global;
use crate::environment::Environment;
use crate::installation::{Installation, OpenDatabase};
use crate::output::{print_json, print_line};
use crate::shipped_models::SHIPPED;

/// Bring the database's schema up to date and register the shipped models
///
/// Works on DATABASE_URL, else on the database of the data directory. Safe to run at any time and by
/// several at once.
#[derive(Args)]
pub struct Arguments {}

/// Runs the command.
pub async fn run(_arguments: Arguments, global: Global) -> Result<()> {
    let environment = Environment::of_process();
    let database = OpenDatabase::open(&environment, &global).await?;
    platform::migrate(&database.config.url).await?;
    let installation = Installation::connect(&environment, database).await?;
    let registered = register_models(&installation.platform).await;
    installation.close().await?;
    registered?;
    if global.json {
        return print_json(&serde_json::json!({ "schema": "current", "models": SHIPPED.len() }));
    }
    print_line(&format!("the schema is up to date, {} models are registered", SHIPPED.len()))
}

/// Registers the models that are built in, and at the first time their price list.
pub async fn register_models(platform: &platform::Platform) -> Result<()> {
    let models: Vec<ShippedModel> = SHIPPED.iter().map(|shipped| shipped.model).collect();
    Ok(register_shipped(platform, &models).await?)
}
