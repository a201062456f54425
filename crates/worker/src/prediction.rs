//! One attempt at a prediction: the pinned model, the customers' file, the pass, the settlement.

use std::sync::Arc;
use std::time::Duration;

use platform::jobs::Claim;
use platform::monitoring::{SecondLook, scores_path};
use platform::objects::{input_path, result_path};
use platform::predictions::{self, Outcome, PredictionError, PredictionOptions, ResultFile, Settled};
use platform::{Error, Platform, PredictionId, failpoints, in_time, models};
use scoring::{ExtraColumn, ReasonColumns, ScoreOptions, Summary};
use tokio::time::{sleep, timeout};

use crate::attempt::Attempt;
use crate::job::{Ended, Jobs};
use crate::look::Look;
use crate::output::Measure;
use crate::score::{Pass, Passed};
use crate::settlement;

/// How long one attempt may score. It stays below the half hour after which RabbitMQ takes a
/// message from a worker that has not acknowledged it.
const SCORING_TIME_MAX: Duration = Duration::from_secs(25 * 60);
/// How long a scoring thread that was told to stop is waited for.
const STOP_TIME_MAX: Duration = Duration::from_secs(5);

/// Scores and settles, or says why not.
pub(crate) async fn run(jobs: &Jobs, claim: &Claim, attempt: Arc<Attempt>) -> Ended {
    let (pass, look) = match in_time(prepare(&jobs.platform, jobs.places.predictions, claim)).await {
        Ok(prepared) => prepared,
        Err(Error::ModelUnavailable(detail)) => {
            tracing::error!(detail, "The model of a prediction cannot be loaded");
            let message = "the model of this order cannot be loaded; the order was refunded";
            return fail(jobs, claim, PredictionError::new("model_unavailable", message)).await;
        }
        Err(error) => return error.into(),
    };
    let passed = match pass_in_time(jobs, pass, &attempt).await {
        Ok(passed) => passed,
        Err(ended) => return ended,
    };
    failpoints::at("score.stored").await;
    match passed {
        Passed::Done { summary, result } => {
            let look = look.again(&summary, &result, &attempt).await;
            succeed(jobs, claim, summary, result, look).await
        }
        Passed::BadInput(error) => fail(jobs, claim, error.into()).await,
        Passed::InputDamaged => {
            tracing::error!("The stored file of a prediction is not the one that was uploaded");
            let message = "the stored file is not the one that was uploaded; the order was refunded";
            fail(jobs, claim, PredictionError::new("input_damaged", message)).await
        }
        Passed::Stopped if attempt.is_lost() => Ended::Lost,
        Passed::Stopped => Ended::Released,
        Passed::StoreFailed(error) => Ended::Postponed(error.to_string()),
        Passed::Panicked(words) => Ended::Faulty(format!("scoring panicked: {words}")),
    }
}

async fn prepare(platform: &Platform, concurrency: u16, claim: &Claim) -> Result<(Pass, Look), Error> {
    let work = predictions::work(platform, claim).await?;
    let model = models::load(platform, work.model_version).await?;
    // Jobs that run beside each other share the processors.
    let threads = (ScoreOptions::default().threads / usize::from(concurrency.max(1))).max(1);
    let look = Look::new(platform, claim, &model, &work.dialect, work.options.key.clone());
    let pass = Pass {
        objects: platform.objects.clone(),
        input: input_path(work.prediction),
        input_sha256: work.input_sha256,
        output: result_path(work.prediction, claim.attempt),
        model,
        dialect: work.dialect,
        options: ScoreOptions {
            on_error: work.on_error,
            rows_max: work.rows_max,
            threads,
            extra: extra_columns(&work.options),
        },
    };
    Ok((pass, look))
}

/// The columns that were asked for beside those of every result, in their order.
fn extra_columns(options: &PredictionOptions) -> Vec<ExtraColumn> {
    let tiers = options.tiers.map(|thresholds| ExtraColumn::RiskTier(thresholds.column()));
    let language = options.language;
    let reasons = options.explain.map(|count| ExtraColumn::Reasons(ReasonColumns { count, language }));
    tiers.into_iter().chain(reasons).collect()
}

/// The pass, stopped where the worker's grace or the attempt's time is over.
async fn pass_in_time(jobs: &Jobs, pass: Pass, attempt: &Arc<Attempt>) -> Result<Passed, Ended> {
    let run = pass.run(attempt.clone());
    tokio::pin!(run);
    let ended = tokio::select! {
        passed = &mut run => return Ok(passed),
        () = jobs.abandon.cancelled() => Ended::Released,
        () = sleep(SCORING_TIME_MAX) => {
            Ended::Faulty(format!("scoring took longer than {} s", SCORING_TIME_MAX.as_secs()))
        }
    };
    attempt.stop();
    match timeout(STOP_TIME_MAX, run).await {
        // It ended at the last moment by itself, or the job is somebody else's.
        Ok(passed) if !matches!(passed, Passed::Stopped) || attempt.is_lost() => Ok(passed),
        // A thread that hangs in the object store holds only its own name there, which a later
        // attempt deletes.
        Ok(_) | Err(_) => Err(ended),
    }
}

/// Provides the result. One that turns out not to count is deleted; one whose settlement has no
/// answer stays, because it may count.
async fn succeed(jobs: &Jobs, claim: &Claim, summary: Summary, result: Measure, look: SecondLook) -> Ended {
    let prediction = PredictionId(claim.subject);
    let file = ResultFile { bytes: result.bytes, sha256: result.sha256 };
    match settle(jobs, claim, Outcome::Succeeded(summary, file, Box::new(look))).await {
        Ok(Settled::Mine) => {
            if let Some(bytes) = result.small {
                jobs.platform.cache.put_result(prediction, claim.attempt, &bytes).await;
            }
            Ended::Succeeded
        }
        Ok(Settled::Lost) => {
            for path in [result_path(prediction, claim.attempt), scores_path(prediction, claim.attempt)] {
                if let Err(error) = jobs.platform.objects.delete(&path).await {
                    tracing::warn!(%error, "A result that does not count was not deleted");
                }
            }
            Ended::Lost
        }
        Err(ended) => ended,
    }
}

async fn fail(jobs: &Jobs, claim: &Claim, error: PredictionError) -> Ended {
    match settle(jobs, claim, Outcome::Failed(error)).await {
        Ok(Settled::Mine) => Ended::Failed,
        Ok(Settled::Lost) => Ended::Lost,
        Err(ended) => ended,
    }
}

async fn settle(jobs: &Jobs, claim: &Claim, outcome: Outcome) -> Result<Settled, Ended> {
    let settled =
        settlement::settle(jobs, || in_time(predictions::settle(&jobs.platform, claim, &outcome))).await?;
    failpoints::at(outcome_committed(&outcome)).await;
    Ok(settled)
}

/// The failpoint behind the commit of a settlement.
fn outcome_committed(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Succeeded(..) => "settle.committed",
        Outcome::Failed(_) => "refund.committed",
    }
}
