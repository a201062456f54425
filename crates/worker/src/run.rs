//! The worker: takes messages from a queue, a bounded number at a time, and stops in order.

use std::sync::Arc;
use std::time::Duration;

use apalis::layers::WorkerBuilderExt;
use apalis::layers::tracing::TraceLayer;
use apalis_core::task::Task;
use apalis_core::worker::builder::WorkerBuilder;
use futures::future::try_join_all;
use platform::jobs::{self, JobKind, Message, Places};
use platform::{Platform, in_time};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tracing::Span;
use tracing::field::Empty;

use crate::amqp::{self, Broker, Queue};
use crate::amqp_consumer::AmqpConsumer;
use crate::error::Error;
use crate::in_process::InProcessQueue;
use crate::job::Jobs;
use crate::mlflow::Exporter;
use crate::source::Source;
use crate::webhook_sender::Sender;

/// How often a worker says that it lives.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(3);
/// How long saying goodbye may take.
const SIGN_OFF_TIMEOUT: Duration = Duration::from_secs(2);

/// Where a worker gets its messages.
pub enum Backend {
    /// RabbitMQ.
    Amqp(Broker),
    /// The queue of this process.
    InProcess(InProcessQueue),
}

/// How a worker works.
#[derive(Clone, Debug)]
pub struct WorkerOptions {
    /// Who holds the leases: unique among the workers that run at a time.
    pub name: String,
    /// How many jobs of each kind it works on at a time.
    pub places: Places,
    /// How long running jobs may go on after a stop; then they are given back.
    pub stop_grace: Duration,
}

/// Works until `stop` is cancelled and the running jobs are finished or given back.
///
/// # Errors
/// [`Error::BrokerUrl`] where the URL cannot be read. A broker or a database that is away is no
/// error: the worker waits for it.
pub async fn run(
    platform: Platform,
    backend: Backend,
    options: WorkerOptions,
    stop: CancellationToken,
) -> Result<(), Error> {
    let mut places = options.places;
    if !platform.encryption.is_possible() {
        tracing::warn!("JWT_SECRET is not set here: this worker sends no webhooks and fetches no files");
        places.webhooks = 0;
        places.intakes = 0;
    }
    let sender = Sender::new(platform.webhooks.allow_private)?;
    let exporter = platform.tracking.as_ref().map(Exporter::new).transpose()?;
    let sources = open(backend, &options.name, places, &stop)?;
    let heartbeat = heartbeat(platform.clone(), options.name.clone(), places, stop.clone());
    let heartbeat = AbortOnDropHandle::new(tokio::spawn(heartbeat));
    let abandon = CancellationToken::new();
    let clock = end_of_grace(stop.clone(), options.stop_grace, abandon.clone());
    let _clock = AbortOnDropHandle::new(tokio::spawn(clock));
    let jobs = Arc::new(Jobs {
        platform: platform.clone(),
        name: options.name.clone(),
        places,
        sender,
        exporter,
        abandon,
    });
    let workers = sources.into_iter().map(|(kind, source)| {
        let (jobs, stop) = (jobs.clone(), stop.clone());
        let worker = WorkerBuilder::new(format!("{} {}", options.name, kind.as_str()))
            .backend(source)
            .layer(TraceLayer::new().make_span_with(move |task: &Task<Message>| span(kind, task)))
            .catch_panic()
            .concurrency(usize::from(places.of(kind)))
            .build(move |message: Message| jobs.clone().handle(message));
        worker.run_until(async move {
            stop.cancelled().await;
            Ok::<(), std::io::Error>(())
        })
    });
    let worked = try_join_all(workers).await;
    drop(heartbeat);
    sign_off(&platform, &options.name).await;
    worked?;
    Ok(())
}

/// A source for each kind of job that this worker takes: no kind waits behind another.
fn open(
    backend: Backend,
    name: &str,
    places: Places,
    stop: &CancellationToken,
) -> Result<Vec<(JobKind, Source)>, Error> {
    let taken = JobKind::ALL.into_iter().filter(|kind| places.of(*kind) > 0);
    match backend {
        Backend::InProcess(queue) => {
            Ok(queue.into_sources().into_iter().filter(|(kind, _)| places.of(*kind) > 0).collect())
        }
        Backend::Amqp(broker) => taken
            .map(|kind| {
                let consumer = AmqpConsumer {
                    uri: amqp::parse_url(&broker.url)?,
                    queue: Queue::of(kind, &broker.namespace),
                    prefetch: places.of(kind),
                    name: format!("worker {name}"),
                };
                Ok((kind, consumer.start(stop.clone())))
            })
            .collect(),
    }
}

/// The request id that the order came with stays with it in every line about its job.
fn span(kind: JobKind, task: &Task<Message>) -> Span {
    tracing::info_span!(
        "job",
        kind = kind.as_str(),
        request_id = task.args.request_id.as_deref(),
        job_id = %task.args.job_id,
        subject_id = Empty,
        attempt = Empty,
    )
}

/// Tells the relay that this worker takes jobs, until it stops taking them.
async fn heartbeat(platform: Platform, name: String, places: Places, stop: CancellationToken) {
    let mut failing = false;
    loop {
        match in_time(jobs::heartbeat(&platform, &name, places)).await {
            Ok(()) => failing = false,
            Err(error) if !failing => {
                tracing::warn!(%error, "The worker's heartbeat did not reach the database");
                failing = true;
            }
            Err(_) => {}
        }
        tokio::select! {
            () = stop.cancelled() => break,
            () = sleep(HEARTBEAT_INTERVAL) => {}
        }
    }
    sign_off(&platform, &name).await;
}

/// Asked for at once at a stop, and again at the end, should a beat have been on its way.
async fn sign_off(platform: &Platform, name: &str) {
    match timeout(SIGN_OFF_TIMEOUT, jobs::sign_off(platform, name)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::info!(%error, "The worker did not sign off; its heartbeat runs out"),
        Err(_) => tracing::info!("The worker did not sign off in time; its heartbeat runs out"),
    }
}

async fn end_of_grace(stop: CancellationToken, grace: Duration, abandon: CancellationToken) {
    stop.cancelled().await;
    sleep(grace).await;
    tracing::info!("The grace of the stop is over; running jobs are given back");
    abandon.cancel();
}
