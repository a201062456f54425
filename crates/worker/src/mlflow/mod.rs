//! Takes a finished training to an MLflow server: a run of the model's experiment with parameters, metrics, tags and
//! artifacts, and a version of the registered model.
//!
//! All of it can be done again: the run is found by the training's id, and what is there already stays as it is. So an
//! export that broke off anywhere is repeated as a whole.

mod client;
mod export;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use platform::config::TrackingConfig;

use client::{Client, Error, Metric, Pair};
pub(crate) use export::run;

/// A finished training as MLflow is told of it.
#[derive(Clone, Debug)]
struct FinishedTraining {
    /// Its id, by which its run is found again.
    training: String,
    /// The name of the experiment and of the registered model: no `/` and no `:`.
    model: String,
    /// What the run is called.
    run_name: String,
    /// When it began and ended, in milliseconds since 1970.
    started_ms: i64,
    ended_ms: i64,
    /// What was asked for.
    parameters: Vec<Pair>,
    /// What was measured; those of a fold have its number as their step.
    metrics: Vec<Metric>,
    /// Fingerprint of the data, seed, version of the code, ids.
    tags: Vec<Pair>,
    /// Files by their names below the run; those of the model lie below `model/`.
    artifacts: Vec<(String, Bytes)>,
    /// The stage of the version.
    stage: String,
}

/// A tracking server that finished trainings are taken to.
pub(crate) struct Exporter(Client);

impl Exporter {
    /// An exporter to a server.
    ///
    /// # Errors
    /// Those of the client for TLS.
    pub(crate) fn new(config: &TrackingConfig) -> Result<Exporter, reqwest::Error> {
        Client::new(config).map(Exporter)
    }

    /// Takes a training there, or what is missing of it.
    ///
    /// # Errors
    /// [`Error`] where the server is away or refuses; to be tried again.
    async fn export(&self, finished: &FinishedTraining) -> Result<(), Error> {
        let client = &self.0;
        let experiment = client.experiment(&finished.model).await?;
        let run =
            client.run(&experiment, &finished.training, &finished.run_name, finished.started_ms).await?;
        client.log(&run, &finished.parameters, &finished.metrics, &finished.tags).await?;
        for (name, content) in &finished.artifacts {
            client.store(&run, name, content.clone()).await?;
        }
        client.registered_model(&finished.model, &[]).await?;
        let version = client.version(&finished.model, &run, &finished.tags).await?;
        client.stage(&finished.model, &version, &finished.stage).await?;
        client.finish(&run, finished.ended_ms).await
    }
}
