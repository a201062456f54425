//! `augur serve`: everything in one process.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use clap::Args;
use learning::DemoData;
use platform::jobs::{self, Places, Publisher};
use secrecy::SecretString;

use super::Global;
use super::migrate::register_models;
use crate::config;
use crate::demo::Demo;
use crate::environment::Environment;
use crate::installation::{Installation, OpenDatabase, migrate_unless_expanded};
use crate::process::{Process, broker_probe, listen, worker_name};

/// Messages that wait in the queue of this process; the rest waits in the database.
const QUEUE_CAPACITY: usize = 256;
/// Enough for every chart to look like life, and scored in an instant.
const SAMPLE_CUSTOMERS: u64 = 2_000;
/// The worker's name on the embedded database: the data directory's lock makes sure that it is the
/// only one.
const EMBEDDED_WORKER: &str = "serve";

/// Run API, console and a worker in one process
///
/// Without DATABASE_URL it starts a PostgreSQL of its own in the data directory, uses a queue inside
/// the process and no Redis. With DATABASE_URL, AMQP_URL and REDIS_URL it uses those.
#[derive(Args)]
pub struct Arguments {
    /// The address to listen on [default: AUGUR_LISTEN, else 127.0.0.1:8000]
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Make a demo user with money, an administrator and an API key, and print them
    #[arg(long)]
    demo: bool,
    /// Jobs to work on at a time [default: WORKER_CONCURRENCY, else the number of cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    concurrency: Option<u16>,
}

/// Runs the command.
pub async fn run(arguments: Arguments, global: Global) -> Result<()> {
    let environment = Environment::of_process();
    let jwt_secret = config::jwt_secret(&environment)?;
    let broker = config::broker(&environment)?;
    // First of all, so that a port in use is told before anything is started.
    let listener = listen(config::listen(&environment, arguments.listen)?).await?;
    let directory = global.data_directory(&environment)?;
    let jwt_secret = match jwt_secret {
        Some(secret) => secret,
        None => directory.jwt_secret()?,
    };
    let database = match config::database(&environment)? {
        Some(_) => OpenDatabase::open(&environment, &global).await?,
        None => OpenDatabase::serve(&environment, &directory).await?,
    };
    let database = database.sealed_under(&jwt_secret);
    migrate_unless_expanded(&database.config).await?;
    let worker = if database.is_embedded() { EMBEDDED_WORKER.to_owned() } else { worker_name() };
    let installation = Installation::connect(&environment, database).await?;
    let platform = &installation.platform;
    register_models(platform).await?;
    let released = jobs::release_previous_run(platform, &worker).await?;
    if released > 0 {
        tracing::info!(released, "jobs of the previous run go on");
    }
    if arguments.demo {
        let demo = Demo::ensure(platform, &directory).await?;
        demo.show(platform, listener.local_addr()?, global.json).await?;
    }
    let mut process = Process::new()?;
    let probes = start_worker(
        &mut process,
        platform,
        broker,
        worker,
        config::places(&environment, arguments.concurrency)?,
    )?;
    start_servers(&mut process, platform, &environment, jwt_secret, probes, listener).await?;
    let ended = process.run().await;
    installation.close().await?;
    ended
}

/// Starts the worker and what gives it jobs: over the broker where there is one, else over a queue
/// of this process.
fn start_worker(
    process: &mut Process,
    platform: &platform::Platform,
    broker: Option<worker::Broker>,
    name: String,
    places: Places,
) -> Result<Vec<api::HealthProbe>> {
    let (publisher, backend, probes): (Arc<dyn Publisher>, _, _) = match broker {
        Some(broker) => {
            let publisher = Arc::new(worker::AmqpPublisher::new(&broker)?);
            let probes = vec![broker_probe(publisher.clone())];
            (publisher, worker::Backend::Amqp(broker), probes)
        }
        None => {
            let (publisher, queue) = worker::channel(QUEUE_CAPACITY);
            (Arc::new(publisher), worker::Backend::InProcess(queue), Vec::new())
        }
    };
    process.spawn_dispatch(platform, publisher);
    process.spawn_worker(platform, backend, name, places);
    Ok(probes)
}

/// Starts the public server, and the operator's where METRICS_LISTEN names an address.
pub async fn start_servers(
    process: &mut Process,
    platform: &platform::Platform,
    environment: &Environment,
    jwt_secret: SecretString,
    probes: Vec<api::HealthProbe>,
    listener: tokio::net::TcpListener,
) -> Result<()> {
    let config = config::api(environment, jwt_secret)?;
    let limits = config.limits.clone();
    let metrics = api::measurement::install_recorder().context("cannot start the metrics")?;
    worker::describe();
    let operation = api::Operation { metrics, probes, sample_customers: sample_customers()? };
    let address = listener.local_addr()?;
    let api = api::Api::new(platform.clone(), config, operation, process.stop.clone());
    if let Some(address) = config::address(environment, "METRICS_LISTEN")? {
        process.spawn_metrics(api.clone(), listen(address).await?);
    }
    process.spawn_api(api, limits, listener);
    tracing::info!(%address, "listening");
    Ok(())
}

/// What whoever has no file at hand tries the console with.
fn sample_customers() -> Result<Vec<u8>> {
    let customers = DemoData { rows: SAMPLE_CUSTOMERS, seed: 1, has_labels: false, shift: 0.0 };
    let mut csv = Vec::new();
    customers.write(&mut csv).context("cannot make the sample customers")?;
    Ok(csv)
}
