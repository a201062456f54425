//! `augur api`: the HTTP server alone.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Result;
use clap::Args;

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
    /// The address to listen on [default: AUGUR_LISTEN, else 127.0.0.1:8000]
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
}

/// Runs the command.
pub async fn run(arguments: Arguments) -> Result<()> {
    let environment = Environment::of_process();
    let jwt_secret = required(config::jwt_secret(&environment)?, "JWT_SECRET")?;
    let broker = required(config::broker(&environment)?, "AMQP_URL")?;
    let listener = listen(config::listen(&environment, arguments.listen)?).await?;
    let installation = Installation::connect(&environment, OpenDatabase::configured(&environment)?).await?;
    let platform = &installation.platform;
    let mut process = Process::new()?;
    let publisher = Arc::new(worker::AmqpPublisher::new(&broker)?);
    process.spawn_dispatch(platform, publisher.clone());
    let probes = vec![broker_probe(publisher)];
    start_servers(&mut process, platform, &environment, jwt_secret, probes, listener).await?;
    let ended = process.run().await;
    installation.close().await?;
    ended
}
