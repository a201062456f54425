//! One attempt at taking a version to MLflow.

use chrono::{DateTime, Utc};
use learning::quality::Figures;
use platform::in_time;
use platform::jobs::Claim;
use platform::tracking::{self, Tracked};
use platform::trainings::{Training, TrainingMetrics};
use serde_json::Value;

use super::{FinishedTraining, Metric, Pair};
use crate::job::{Ended, Jobs};

/// MLflow keeps this much of a parameter.
const PARAMETER_CHARACTERS_MAX: usize = 5_000;

/// Takes the version there, or has it tried again. Whatever becomes of it, the training is what it was.
pub(crate) async fn run(jobs: &Jobs, claim: &Claim) -> Ended {
    let Some(exporter) = &jobs.exporter else {
        return Ended::Postponed("this worker knows no MLflow server".to_owned());
    };
    let tracked = match in_time(tracking::work(&jobs.platform, claim)).await {
        Ok(Some(tracked)) => tracked,
        Ok(None) => return Ended::Lost,
        Err(error) => return error.into(),
    };
    let finished = told(tracked);
    let exported = tokio::select! {
        exported = exporter.export(&finished) => exported,
        () = jobs.abandon.cancelled() => return Ended::Released,
    };
    let settled = match exported {
        Ok(()) => in_time(tracking::settle(&jobs.platform, claim)).await,
        Err(error) => {
            tracing::warn!(%error, "A training was not taken to MLflow; it will be tried again");
            return match in_time(tracking::postpone(&jobs.platform, claim)).await {
                Ok(()) => Ended::Rescheduled,
                Err(error) => error.into(),
            };
        }
    };
    match settled {
        Ok(true) => Ended::Succeeded,
        Ok(false) => Ended::Lost,
        Err(error) => error.into(),
    }
}

/// A version in MLflow's words.
fn told(tracked: Tracked) -> FinishedTraining {
    let Tracked { training, manifest, stage, files } = tracked;
    let ended = training.finished_at.unwrap_or(training.created_at);
    let id = |id: Option<String>| id.unwrap_or_default();
    let model = id(training.model.map(|model| model.to_string()));
    let mut tags = vec![
        Pair::new("augur.tenant_id", training.tenant.to_string()),
        Pair::new("augur.order_id", training.order.to_string()),
        Pair::new("augur.model_id", model.clone()),
        Pair::new("augur.model_version_id", id(training.model_version.map(|version| version.to_string()))),
        Pair::new("augur.model_sha256", manifest.sha256.clone()),
        Pair::new("augur.data_sha256", hex_of(&training.input_sha256)),
        Pair::new("augur.code_version", training.code_version.clone().unwrap_or_default()),
        Pair::new("augur.version", training.version.to_string()),
    ];
    tags.extend(training.seed().map(|seed| Pair::new("augur.seed", seed.to_string())));
    FinishedTraining {
        training: training.id.to_string(),
        // Names are a tenant's own; the id tells those of two tenants apart.
        model: format!("{}-{model}", training.model_name),
        run_name: format!("{} {}", training.model_name, training.version),
        started_ms: training.started_at.unwrap_or(training.created_at).timestamp_millis(),
        ended_ms: ended.timestamp_millis(),
        parameters: parameters(&training),
        metrics: training.metrics.as_ref().map(|metrics| all_metrics(metrics, ended)).unwrap_or_default(),
        tags,
        artifacts: files.into_iter().map(|(name, content)| (name.to_owned(), content)).collect(),
        stage: stage.as_str().to_owned(),
    }
}

fn hex_of(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What was asked for, each parameter as a text; one inside another under both names.
fn parameters(training: &Training) -> Vec<Pair> {
    let mut parameters = vec![Pair::new("algorithm", training.algorithm.clone())];
    flatten("", &training.parameters, &mut parameters);
    let mut seen = std::collections::BTreeSet::new();
    parameters.retain(|pair| seen.insert(pair.key.clone()));
    parameters
}

fn flatten(prefix: &str, value: &Value, parameters: &mut Vec<Pair>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let name = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                flatten(&name, member, parameters);
            }
        }
        Value::Null => {}
        other if prefix.is_empty() => {
            flatten("parameters", &serde_json::json!({ "value": other }), parameters)
        }
        other => {
            let text = other.as_str().map_or_else(|| other.to_string(), str::to_owned);
            parameters
                .push(Pair::new(prefix, text.chars().take(PARAMETER_CHARACTERS_MAX).collect::<String>()));
        }
    }
}

/// Every figure that is a number: of the customers held out, of all unseen together, and of each fold as a step.
fn all_metrics(measured: &TrainingMetrics, at: DateTime<Utc>) -> Vec<Metric> {
    let of = |prefix: &'static str, figures: &Figures, step: i64| -> Vec<Metric> {
        let numbers = serde_json::to_value(&figures.metrics).unwrap_or_default();
        let numbers = numbers.as_object().cloned().unwrap_or_default();
        let numbers = numbers.into_iter().filter_map(|(name, value)| Some((name, value.as_f64()?)));
        let metric = |(name, value): (String, f64)| {
            let key = format!("{prefix}.{name}");
            Metric { key, value, timestamp: at.timestamp_millis(), step }
        };
        numbers.map(metric).collect()
    };
    let mut metrics = of("unseen", &measured.unseen, 0);
    metrics.extend(measured.held_out.iter().flat_map(|figures| of("held_out", figures, 0)));
    let folds = measured.folds.iter().zip(1..);
    metrics.extend(folds.flat_map(|(figures, number)| of("fold", figures, number)));
    metrics.push(Metric {
        key: "threshold".to_owned(),
        value: measured.threshold,
        timestamp: at.timestamp_millis(),
        step: 0,
    });
    metrics
}
