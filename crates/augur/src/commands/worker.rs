//! `augur worker`: takes jobs from the broker.

use std::sync::Arc;

use anyhow::{Context, Result};
use clap::Args;

use crate::config::{self, required};
use crate::environment::Environment;
use crate::installation::{Installation, OpenDatabase};
use crate::process::{Process, broker_probe, listen, worker_name};

/// Run a worker alone
///
/// Needs DATABASE_URL, AMQP_URL and STORAGE_URL; REDIS_URL is recommended. Any number may run side by
/// side, on any machine that reaches these.
#[derive(Args)]
pub struct Arguments {
    /// Jobs to work on at a time [default: WORKER_CONCURRENCY, else the number of cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    concurrency: Option<u16>,
}

/// Runs the command.
pub async fn run(arguments: Arguments) -> Result<()> {
    let environment = Environment::of_process();
    let broker = required(config::broker(&environment)?, "AMQP_URL")?;
    let installation = Installation::connect(&environment, OpenDatabase::configured(&environment)?).await?;
    let platform = &installation.platform;
    let mut process = Process::new()?;
    let publisher = Arc::new(worker::AmqpPublisher::new(&broker)?);
    process.spawn_dispatch(platform, publisher.clone());
    start_metrics(&mut process, platform, &environment, publisher).await?;
    let name = worker_name();
    tracing::info!(worker = name, "working");
    let backend = worker::Backend::Amqp(broker);
    process.spawn_worker(platform, backend, name, config::places(&environment, arguments.concurrency)?);
    let ended = process.run().await;
    installation.close().await?;
    ended
}

/// Serves the metrics where METRICS_LISTEN names an address. Nobody signs in here, so that the secret
/// of the access tokens is any.
async fn start_metrics(
    process: &mut Process,
    platform: &platform::Platform,
    environment: &Environment,
    publisher: Arc<worker::AmqpPublisher>,
) -> Result<()> {
    let Some(address) = config::address(environment, "METRICS_LISTEN")? else { return Ok(()) };
    let metrics = api::measurement::install_recorder().context("cannot start the metrics")?;
    worker::describe();
    let probes = vec![broker_probe(publisher)];
    let operation = api::Operation { metrics, probes, sample_customers: Vec::new() };
    let config = api::Config::new(hex::encode(rand::random::<[u8; 32]>()).into());
    let api = api::Api::new(platform.clone(), config, operation, process.stop.clone());
    process.spawn_metrics(api, listen(address).await?);
    Ok(())
}
