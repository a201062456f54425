//! One attempt at a training: the labelled customers, the fits, the files of the version, the settlement.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use learning::{Progress, TrainedModel};
use platform::jobs::Claim;
use platform::objects::{
    HELD_OUT_NAME, MODEL_NAME, QUALITY_NAME, REPORT_NAME, training_input_path, training_result_path,
};
use platform::predictions::Settled;
use platform::trainings::{self, Learned, Outcome, TrainingError, TrainingMetrics, TrainingWork};
use platform::{Error, Platform, TrainingId, failpoints, in_time};
use scoring::Problem;
use tempfile::TempDir;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::task::AbortOnDropHandle;

use crate::attempt::Attempt;
use crate::job::{Ended, Jobs};
use crate::settlement;

/// How long one attempt may train. It stays below the half hour after which RabbitMQ takes a message from a worker
/// that has not acknowledged it.
const TRAINING_TIME_MAX: Duration = Duration::from_secs(25 * 60);
/// How long a fit that cannot be interrupted is waited for.
const STOP_TIME_MAX: Duration = Duration::from_secs(30);
/// What the file is called while it is learned from: the manifest keeps this name, and a customer's own name for
/// it can be personal.
const FILE_NAME: &str = "customers.csv";
/// All trainings hold out the same customers of the same file, whatever their own seed, so that they can be
/// compared on them.
const HELD_OUT_SEED: u64 = 1;

/// Trains and settles, or says why not.
pub(crate) async fn run(jobs: &Jobs, claim: &Claim, attempt: Arc<Attempt>) -> Ended {
    let work = match in_time(trainings::work(&jobs.platform, claim)).await {
        Ok(work) => work,
        Err(error) => return error.into(),
    };
    let (directory, file) = match fetch(&jobs.platform, &work).await {
        Ok(Some(fetched)) => fetched,
        Ok(None) => {
            tracing::error!("The stored file of a training is not the one that was uploaded");
            let message = "the stored file is not the one that was uploaded; the order was refunded";
            return fail(jobs, claim, TrainingError::new("input_damaged", message)).await;
        }
        Err(error) => return error.into(),
    };
    let start = Instant::now();
    let trained = match train_in_time(jobs, &work, file, &attempt).await {
        Ok(trained) => trained,
        Err(Unfinished::Ended(ended)) => return ended,
        Err(Unfinished::TooSlow) => {
            let message = "the training was not done within 25 minutes; ask for fewer folds, tries or trees, or \
                           send fewer customers";
            return fail(jobs, claim, TrainingError::new("training_too_slow", message)).await;
        }
    };
    drop(directory);
    failpoints::at("training.trained").await;
    match trained {
        Ok(trained) => {
            let train_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
            succeed(jobs, claim, work.training, *trained, train_ms).await
        }
        Err(learning::Error::Stopped) if attempt.is_lost() => Ended::Lost,
        Err(learning::Error::Stopped) => Ended::Released,
        Err(learning::Error::Read { source, .. }) => Ended::Postponed(source.to_string()),
        Err(learning::Error::Write { source, .. }) => Ended::Postponed(source.to_string()),
        Err(error) => fail(jobs, claim, said(error)).await,
    }
}

/// A copy of the customers in a directory of its own; none where they are not those that were uploaded.
async fn fetch(platform: &Platform, work: &TrainingWork) -> Result<Option<(TempDir, PathBuf)>, Error> {
    let no_room = |error: std::io::Error| Error::Unavailable {
        dependency: "temporary files",
        detail: error.to_string(),
    };
    let (copy, sha256) = platform.objects.to_temporary_file(&training_input_path(work.training)).await?;
    if sha256 != work.input_sha256 {
        return Ok(None);
    }
    let directory = tempfile::tempdir().map_err(no_room)?;
    let file = directory.path().join(FILE_NAME);
    copy.persist(&file).map_err(|error| no_room(error.error))?;
    Ok(Some((directory, file)))
}

/// Why there is neither a model nor an error of the training's own.
enum Unfinished {
    Ended(Ended),
    TooSlow,
}

type Trained = Result<Box<TrainedModel>, learning::Error>;

/// The training on a thread of its own, stopped where the worker's grace or the attempt's time is over.
async fn train_in_time(
    jobs: &Jobs,
    work: &TrainingWork,
    file: PathBuf,
    attempt: &Arc<Attempt>,
) -> Result<Trained, Unfinished> {
    let mut options = match work.request.options() {
        Ok(options) => options,
        Err(bad) => return Ok(Err(learning::Error::Options(format!("{}: {}", bad.name, bad.message)))),
    };
    options.name.clone_from(&work.model_name);
    options.version = work.version.to_string();
    options.held_out_seed = Some(HELD_OUT_SEED);
    options.held_out_rows = work.held_out_rows;
    let watched = attempt.clone();
    let training = tokio::task::spawn_blocking(move || {
        let progress = |now: Progress| {
            failpoints::at_blocking("training.running");
            watched.advance(now.fits_done as u64)
        };
        learning::train(&file, &options, &progress).map(Box::new)
    });
    let mut training = AbortOnDropHandle::new(training);
    let why = tokio::select! {
        trained = &mut training => return ended(trained),
        () = jobs.abandon.cancelled() => Unfinished::Ended(Ended::Released),
        () = sleep(TRAINING_TIME_MAX) => Unfinished::TooSlow,
    };
    attempt.stop();
    match timeout(STOP_TIME_MAX, &mut training).await {
        // It ended at the last moment by itself.
        Ok(Ok(Ok(trained))) => Ok(Ok(trained)),
        _ if attempt.is_lost() => Err(Unfinished::Ended(Ended::Lost)),
        _ => Err(why),
    }
}

fn ended(trained: Result<Trained, tokio::task::JoinError>) -> Result<Trained, Unfinished> {
    // What a panic said may quote a cell, and is not repeated.
    trained.map_err(|_| Unfinished::Ended(Ended::Faulty("the training panicked".to_owned())))
}

/// What is wrong, for the customer, with its place where there is one.
fn said(error: learning::Error) -> TrainingError {
    match error {
        learning::Error::Input(input) => input.into(),
        learning::Error::Cell { line, column, message } => TrainingError {
            code: "bad_cell".to_owned(),
            message: "a cell is not what its column is".to_owned(),
            errors: vec![Problem { line, column, message }],
        },
        learning::Error::Data(message) => TrainingError::new("cannot_learn", &message),
        learning::Error::Options(message) => TrainingError::new("bad_parameters", &message),
        other => TrainingError::new("training_failed", &other.to_string()),
    }
}

async fn succeed(
    jobs: &Jobs,
    claim: &Claim,
    training: TrainingId,
    trained: TrainedModel,
    train_ms: u64,
) -> Ended {
    let learned = match learned(&trained, train_ms) {
        Ok(learned) => learned,
        Err(error) => return Ended::Faulty(error),
    };
    if let Err(error) = store(&jobs.platform, claim, training, &trained).await {
        return error.into();
    }
    failpoints::at("training.uploaded").await;
    let outcome = Outcome::Succeeded(Box::new(learned));
    match settlement::settle(jobs, || settled(jobs, claim, &outcome)).await {
        Ok(Settled::Mine) => Ended::Succeeded,
        Ok(Settled::Lost) => {
            if let Err(error) = jobs.platform.objects.delete_training_attempt(training, claim.attempt).await {
                tracing::warn!(%error, "The files of a version that does not count were not deleted");
            }
            Ended::Lost
        }
        Err(ended) => ended,
    }
}

async fn settled(jobs: &Jobs, claim: &Claim, outcome: &Outcome) -> Result<Settled, Error> {
    in_time(trainings::settle(&jobs.platform, claim, outcome)).await
}

fn learned(trained: &TrainedModel, train_ms: u64) -> Result<Learned, String> {
    // What cannot be loaded is not handed out.
    trained.load().map_err(|error| error.to_string())?;
    let quality = trained.quality();
    Ok(Learned {
        manifest: trained.manifest().clone(),
        metrics: TrainingMetrics {
            threshold: quality.threshold,
            unseen: quality.unseen.clone(),
            folds: quality.folds.clone(),
            held_out: quality.held_out.clone(),
        },
        data: serde_json::to_value(trained.data()).map_err(|error| error.to_string())?,
        code_version: format!("augur {}", env!("CARGO_PKG_VERSION")),
        train_ms,
    })
}

/// Puts the version's files under the attempt's name.
async fn store(
    platform: &Platform,
    claim: &Claim,
    training: TrainingId,
    trained: &TrainedModel,
) -> Result<(), Error> {
    let quality = trained.quality();
    let broken = |error: learning::Error| Error::Internal(error.to_string());
    let report = learning::report::html(quality).map_err(broken)?;
    let mut files: Vec<(&str, Vec<u8>)> = vec![
        (MODEL_NAME, trained.model_file().to_vec()),
        (QUALITY_NAME, quality.to_json().map_err(broken)?),
        (REPORT_NAME, report.into_bytes()),
    ];
    if let Some(held_out) = trained.held_out() {
        let bytes = serde_json::to_vec(held_out).map_err(|error| Error::Internal(error.to_string()))?;
        files.push((HELD_OUT_NAME, bytes));
    }
    for (name, bytes) in files {
        let path = training_result_path(training, claim.attempt, name);
        platform.objects.put(&path, Bytes::from(bytes)).await?;
    }
    Ok(())
}

async fn fail(jobs: &Jobs, claim: &Claim, error: TrainingError) -> Ended {
    let outcome = Outcome::Failed(error);
    match settlement::settle(jobs, || settled(jobs, claim, &outcome)).await {
        Ok(Settled::Mine) => Ended::Failed,
        Ok(Settled::Lost) => Ended::Lost,
        Err(ended) => ended,
    }
}

#[cfg(test)]
mod tests {
    use super::said;

    #[test]
    fn a_bad_cell_is_named_with_its_line_and_column() {
        let error =
            learning::Error::Cell { line: 7, column: "tenure".to_owned(), message: "no number".to_owned() };
        let said = said(error);
        assert_eq!(
            (said.code.as_str(), said.errors[0].line, said.errors[0].column.as_str()),
            ("bad_cell", 7, "tenure")
        );
        assert_eq!(super::said(learning::Error::Data("nobody left".to_owned())).code, "cannot_learn");
    }
}
