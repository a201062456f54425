//! The long-running parts of a process: what dispatches and sweeps jobs, the worker, the HTTP
//! servers; how they are started together and stopped together.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use futures::FutureExt;
use futures::future::BoxFuture;
use platform::health::Health;
use platform::jobs::{self, Places, Publisher};
use platform::{Platform, notifications};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

const LISTEN_PATIENCE: Duration = Duration::from_secs(1);

/// How long running jobs may go on once the process is told to stop; less than orchestrators wait.
pub const WORKER_STOP_GRACE: Duration = Duration::from_secs(20);

/// Tasks that live and end together: when one ends, all are told to stop.
pub struct Process {
    /// Cancelled when the process is to stop.
    pub stop: CancellationToken,
    tasks: JoinSet<Result<()>>,
}

impl Process {
    /// A process that stops on SIGTERM and SIGINT; a second signal ends it on the spot.
    pub fn new() -> Result<Self> {
        let stop = CancellationToken::new();
        let (mut terminate, mut interrupt) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let told = stop.clone();
        tokio::spawn(async move {
            let mut next = async || tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} };
            next().await;
            tracing::info!("stopping; a second signal stops at once");
            told.cancel();
            next().await;
            std::process::exit(1);
        });
        Ok(Self { stop, tasks: JoinSet::new() })
    }

    /// Adds a task, which must end soon after `stop` is cancelled.
    pub fn spawn(&mut self, task: impl Future<Output = Result<()>> + Send + 'static) {
        self.tasks.spawn(task);
    }

    /// Adds what every process does for the jobs of all: it listens for news, hands jobs to the
    /// queue, and puts right what was lost. Any number of processes may do it at once.
    pub fn spawn_dispatch(&mut self, platform: &Platform, publisher: Arc<dyn Publisher>) {
        let (listening, relaying, sweeping) = (platform.clone(), platform.clone(), platform.clone());
        let stop = || self.stop.clone();
        let tasks: [BoxFuture<'static, ()>; 3] = [
            notifications::listen(listening, stop()).boxed(),
            jobs::relay(relaying, publisher, stop()).boxed(),
            jobs::sweep(sweeping, stop()).boxed(),
        ];
        for task in tasks {
            self.spawn(async {
                task.await;
                Ok(())
            });
        }
    }

    /// Adds the public HTTP server.
    pub fn spawn_api(&mut self, api: api::Api, limits: api::Limits, listener: TcpListener) {
        let (router, stop) = (api::router(api), self.stop.clone());
        self.spawn(async move {
            api::serve(router, &limits, listener, stop).await;
            Ok(())
        });
    }

    /// Adds the operator's HTTP server, which has the metrics.
    pub fn spawn_metrics(&mut self, api: api::Api, listener: TcpListener) {
        let (router, stop) = (api::metrics_router(api), self.stop.clone());
        self.spawn(async move {
            api::serve(router, &api::Limits::default(), listener, stop).await;
            Ok(())
        });
    }

    /// Adds a worker, on a thread of its own: its future is tied to one.
    pub fn spawn_worker(
        &mut self,
        platform: &Platform,
        backend: worker::Backend,
        name: String,
        places: Places,
    ) {
        let options = worker::WorkerOptions { name, places, stop_grace: WORKER_STOP_GRACE };
        let (platform, stop) = (platform.clone(), self.stop.clone());
        let runtime = Handle::current();
        self.tasks.spawn_blocking(move || {
            let work = worker::run(platform, backend, options, stop);
            runtime.block_on(work).context("the worker failed")
        });
    }

    /// Runs until told to stop, or until a task fails, and then until every task has ended.
    pub async fn run(mut self) -> Result<()> {
        let mut result = Ok(());
        while let Some(ended) = self.tasks.join_next().await {
            let ended = ended.context("a part of the process panicked").and_then(|ended| ended);
            if let (Ok(()), Err(error)) = (&result, ended) {
                result = Err(error);
            }
            self.stop.cancel();
        }
        result
    }
}

/// Listens on an address. One that is taken is asked for again for a moment: the process that had it
/// may have been killed just now.
pub async fn listen(address: SocketAddr) -> Result<TcpListener> {
    let started = Instant::now();
    loop {
        match TcpListener::bind(address).await {
            Err(error) if error.kind() == ErrorKind::AddrInUse && started.elapsed() < LISTEN_PATIENCE => {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            result => return result.with_context(|| format!("cannot listen on {address}")),
        }
    }
}

/// A probe that tells readiness checks how the broker is.
pub fn broker_probe(publisher: Arc<worker::AmqpPublisher>) -> api::HealthProbe {
    Box::new(move || {
        let publisher = publisher.clone();
        async move {
            // On the connection that is used, so that a broker that hangs collects no new ones.
            let problem = publisher.health().await.err().map(|error| error.to_string());
            // Orders are accepted without it and dispatched when it returns.
            Health { name: "rabbitmq", required: false, problem }
        }
        .boxed()
    })
}

/// A name that no other worker has at the same time.
pub fn worker_name() -> String {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    format!("{host}-{}-{:08x}", std::process::id(), rand::random::<u32>())
}
