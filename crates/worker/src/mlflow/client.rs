//! Speaks to an MLflow tracking server: its REST API 2.0, and the artifacts that it keeps for its clients
//! (`mlflow-artifacts:`). Every call can be made again: what exists already is found and used.

use std::time::Duration;

use bytes::Bytes;
use platform::config::TrackingConfig;
use platform::registry::Stage;
use reqwest::{Method, RequestBuilder, StatusCode, Url};
use secrecy::ExposeSecret;
use serde::Serialize;
use serde_json::{Value, json};

/// How long one call may take; an artifact is a model at most.
const CALL_TIME_MAX: Duration = Duration::from_secs(60);
/// What the scheme of artifacts behind the server begins with.
const ARTIFACTS_SCHEME: &str = "mlflow-artifacts:";

/// The tag by which a run is found again.
pub(super) const TRAINING_TAG: &str = "augur.training_id";

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The server did not answer.
    #[error("MLflow did not answer: {0}")]
    Unanswered(#[from] reqwest::Error),
    /// The server refused.
    #[error("MLflow refused {path}: {status} {code}")]
    Refused {
        /// What was asked.
        path: String,
        /// The status of its answer.
        status: StatusCode,
        /// Its word for why, such as RESOURCE_ALREADY_EXISTS.
        code: String,
    },
    /// The answer lacks what it should hold.
    #[error("MLflow's answer lacks {0}")]
    Incomplete(&'static str),
    /// The server does not keep artifacts for its clients.
    #[error(
        "MLflow keeps artifacts at {0}, where only its own clients could write; start it with --serve-artifacts"
    )]
    ArtifactsElsewhere(String),
}

impl Error {
    fn is(&self, wanted: &str) -> bool {
        matches!(self, Error::Refused { code, .. } if code == wanted)
    }
}

/// One number of a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Metric {
    /// Its name.
    pub(crate) key: String,
    /// Its value.
    pub(crate) value: f64,
    /// When it was measured, in milliseconds since 1970: the same each time that it is told, so that MLflow keeps it once.
    pub(crate) timestamp: i64,
    /// The fold, or 0.
    pub(crate) step: i64,
}

/// A parameter or a tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Pair {
    /// Its name.
    pub(crate) key: String,
    /// Its value.
    pub(crate) value: String,
}

impl Pair {
    pub(crate) fn new(key: impl Into<String>, value: impl Into<String>) -> Pair {
        Pair { key: key.into(), value: value.into() }
    }
}

/// A run on the server.
pub(super) struct Run {
    pub(super) id: String,
    pub(super) artifact_uri: String,
}

/// A tracking server.
pub(super) struct Client {
    http: reqwest::Client,
    config: TrackingConfig,
}

impl Client {
    pub(super) fn new(config: &TrackingConfig) -> Result<Client, reqwest::Error> {
        let http = reqwest::Client::builder().timeout(CALL_TIME_MAX).build()?;
        Ok(Client { http, config: config.clone() })
    }

    /// The experiment of this name, made where it is missing.
    pub(super) async fn experiment(&self, name: &str) -> Result<String, Error> {
        let found = self.get("experiments/get-by-name", &[("experiment_name", name)]).await;
        let answer = match found {
            Err(error) if error.is("RESOURCE_DOES_NOT_EXIST") => {
                match self.post("experiments/create", &json!({ "name": name })).await {
                    // Somebody else has made it meanwhile.
                    Err(error) if error.is("RESOURCE_ALREADY_EXISTS") => {
                        self.get("experiments/get-by-name", &[("experiment_name", name)]).await?
                    }
                    made => return text(&made?, "/experiment_id", "the experiment's id"),
                }
            }
            found => found?,
        };
        text(&answer, "/experiment/experiment_id", "the experiment's id")
    }

    /// The run of a training in an experiment, made where it is missing.
    pub(super) async fn run(
        &self,
        experiment: &str,
        training: &str,
        name: &str,
        started_ms: i64,
    ) -> Result<Run, Error> {
        let filter = format!("tags.`{TRAINING_TAG}` = '{training}'");
        let wanted = json!({ "experiment_ids": [experiment], "filter": filter, "max_results": 1 });
        let found = self.post("runs/search", &wanted).await?;
        if let Some(run) = found.pointer("/runs/0") {
            return run_of(run);
        }
        let tags = [Pair::new(TRAINING_TAG, training)];
        let new =
            json!({ "experiment_id": experiment, "run_name": name, "start_time": started_ms, "tags": tags });
        let made = self.post("runs/create", &new).await?;
        run_of(made.pointer("/run").unwrap_or(&Value::Null))
    }

    /// Tells what a run was made of and what came out. A parameter cannot change once it is told.
    pub(super) async fn log(
        &self,
        run: &Run,
        parameters: &[Pair],
        metrics: &[Metric],
        tags: &[Pair],
    ) -> Result<(), Error> {
        // The server takes 100 parameters and tags, and 1000 metrics, at a time.
        let batches = parameters.len().max(tags.len()).div_ceil(100).max(metrics.len().div_ceil(800));
        for number in 0..batches {
            let body = json!({
                "run_id": run.id,
                "params": part(parameters, number, 100),
                "metrics": part(metrics, number, 800),
                "tags": part(tags, number, 100),
            });
            self.post("runs/log-batch", &body).await?;
        }
        Ok(())
    }

    /// Ends a run.
    pub(super) async fn finish(&self, run: &Run, ended_ms: i64) -> Result<(), Error> {
        let body = json!({ "run_id": run.id, "status": "FINISHED", "end_time": ended_ms });
        self.post("runs/update", &body).await.map(|_| ())
    }

    /// Stores a file of a run; one that is there is written over.
    pub(super) async fn store(&self, run: &Run, name: &str, content: Bytes) -> Result<(), Error> {
        let elsewhere = || Error::ArtifactsElsewhere(run.artifact_uri.clone());
        let path = run.artifact_uri.strip_prefix(ARTIFACTS_SCHEME).ok_or_else(elsewhere)?;
        // With a host in it, `mlflow-artifacts://host/path` names the same server.
        let path = match path.strip_prefix("//") {
            Some(rest) => rest.split_once('/').map_or("", |(_, path)| path),
            None => path.trim_start_matches('/'),
        };
        let path = format!("api/2.0/mlflow-artifacts/artifacts/{path}/{name}");
        let request = self.request(Method::PUT, &path);
        let request = request.header("content-type", "application/octet-stream").body(content);
        self.answered(path, request).await.map(|_| ())
    }

    /// The registered model of this name, made where it is missing.
    pub(super) async fn registered_model(&self, name: &str, tags: &[Pair]) -> Result<(), Error> {
        match self.post("registered-models/create", &json!({ "name": name, "tags": tags })).await {
            Err(error) if error.is("RESOURCE_ALREADY_EXISTS") => Ok(()),
            made => made.map(|_| ()),
        }
    }

    /// The version of a registered model that a run made, made where it is missing. Returns MLflow's number of it.
    pub(super) async fn version(&self, model: &str, run: &Run, tags: &[Pair]) -> Result<String, Error> {
        let filter = format!("name = '{model}' and run_id = '{}'", run.id);
        let found =
            self.get("model-versions/search", &[("filter", filter.as_str()), ("max_results", "1")]).await?;
        if let Some(version) = found.pointer("/model_versions/0/version") {
            return version.as_str().map(str::to_owned).ok_or(Error::Incomplete("the version"));
        }
        let source = format!("{}/model", run.artifact_uri);
        let new = json!({ "name": model, "source": source, "run_id": run.id, "tags": tags });
        let made = self.post("model-versions/create", &new).await?;
        text(&made, "/model_version/version", "the version")
    }

    /// Says at which stage a version is: as a tag, and as an alias, which one version of a model has at a time and
    /// which takes the place of the version's aliases for other stages.
    pub(super) async fn stage(&self, model: &str, version: &str, stage: &str) -> Result<(), Error> {
        let tag = json!({ "name": model, "version": version, "key": "augur.stage", "value": stage });
        self.post("model-versions/set-tag", &tag).await?;
        let found = self.get("model-versions/get", &[("name", model), ("version", version)]).await?;
        let aliases = found.pointer("/model_version/aliases").and_then(Value::as_array);
        let is_former =
            |alias: &&str| *alias != stage && Stage::ALL.iter().any(|known| known.as_str() == *alias);
        for alias in aliases.into_iter().flatten().filter_map(Value::as_str).filter(is_former) {
            let path = "registered-models/alias";
            let request = self.request(Method::DELETE, &format!("api/2.0/mlflow/{path}"));
            self.answered(path.to_owned(), request.json(&json!({ "name": model, "alias": alias }))).await?;
        }
        let alias = json!({ "name": model, "alias": stage, "version": version });
        self.post("registered-models/alias", &alias).await.map(|_| ())
    }

    async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Value, Error> {
        let request = self.request(Method::GET, &format!("api/2.0/mlflow/{path}")).query(query);
        self.answered(path.to_owned(), request).await
    }

    async fn post(&self, path: &str, body: &Value) -> Result<Value, Error> {
        let request = self.request(Method::POST, &format!("api/2.0/mlflow/{path}")).json(body);
        self.answered(path.to_owned(), request).await
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let mut url: Url = self.config.uri.clone();
        url.set_path(&format!("{}/{path}", url.path().trim_end_matches('/')));
        let request = self.http.request(method, url);
        match (&self.config.token, &self.config.login) {
            (Some(token), _) => request.bearer_auth(token.expose_secret()),
            (None, Some((user, password))) => request.basic_auth(user, Some(password.expose_secret())),
            (None, None) => request,
        }
    }

    async fn answered(&self, path: String, request: RequestBuilder) -> Result<Value, Error> {
        let response = request.send().await?;
        let status = response.status();
        let body = response.bytes().await?;
        let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
        if status.is_success() {
            return Ok(answer);
        }
        // Of what it says only the word is kept: its message may quote values.
        let code = answer["error_code"].as_str().unwrap_or_default().chars().take(60).collect();
        Err(Error::Refused { path, status, code })
    }
}

fn part<T>(all: &[T], number: usize, size: usize) -> &[T] {
    let start = (number * size).min(all.len());
    &all[start..(start + size).min(all.len())]
}

fn run_of(run: &Value) -> Result<Run, Error> {
    Ok(Run {
        id: text(run, "/info/run_id", "the run's id")?,
        artifact_uri: text(run, "/info/artifact_uri", "the run's place for artifacts")?,
    })
}

fn text(answer: &Value, pointer: &str, what: &'static str) -> Result<String, Error> {
    answer.pointer(pointer).and_then(Value::as_str).map(str::to_owned).ok_or(Error::Incomplete(what))
}
