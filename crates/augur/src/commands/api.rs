//! `augur api`: the HTTP server alone.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Result;
use clap::Args;
use secrecy::ExposeSecret;

use super::serve::start_servers;
use crate::config::{self, required};
use crate::environment::Environment;
use crate::installation::{Installation, OpenDatabase};
use crate::process::{Process, broker_probe, listen};

/// Run the HTTP server alone
///
/// Needs DATABASE_URL, AMQP_URL, STORAGE_URL and JWT_SECRET; REDIS_URL is recommended. Run
/// `augur migrate` before. Any number may run side by side.
#[derive(Args)]
pub struct Arguments {
    /// The address to listen on
    #[arg(long, env = "AUGUR_LISTEN", value_name = "ADDR", default_value = "127.0.0.1:8000")]
    listen: SocketAddr,
}

/// Runs the command.
pub async fn run(arguments: Arguments) -> Result<()> {
    let environment = Environment::of_process();
    let jwt_secret = required(config::jwt_secret(&environment)?, "JWT_SECRET")?;
    let amqp_url = required(config::amqp_url(&environment)?, "AMQP_URL")?.expose_secret().to_owned();
    let listener = listen(arguments.listen).await?;
    let installation = Installation::connect(&environment, OpenDatabase::configured(&environment)?).await?;
    let platform = &installation.platform;
    let mut process = Process::new()?;
    process.spawn_dispatch(platform, Arc::new(worker::AmqpPublisher::new(&amqp_url)?));
    let probes = vec![broker_probe(amqp_url)];
    start_servers(&mut process, platform, &environment, jwt_secret, probes, listener).await?;
    let ended = process.run().await;
    installation.close().await?;
    ended
}
