//! Joins outcomes to kept scores, and records what came of it.

use super::entries::Entries;
use super::known::{Known, merge};
use super::{JoinedPrediction, OutcomeRequest, OutcomeUpload, Report, Target, db};
use crate::idempotency::{self, Idempotency, Replayable};
use crate::monitoring::second_look::{Subject, raise};
use crate::monitoring::{ScoreReader, scores_path};
use crate::objects::{Objects, blocking_reader};
use crate::webhooks::DriftDetected;
use crate::{
    Access, Error, ModelId, ModelVersionId, OutcomeUploadId, Platform, PredictionId, TenantId, TenantTx,
    in_time,
};
use chrono::{DateTime, TimeDelta, Utc};
use object_store::path::Path;
use scoring::Metrics;
use scoring::monitoring::{Concept, Judged};
use serde_json::json;
use sqlx::PgConnection;
use std::collections::{BTreeMap, HashMap};
use std::io::{BufWriter, Write};
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio_util::io::SyncIoBridge;

/// A version is judged by the outcomes of its predictions of so many days, up to the newest one with any.
const JUDGED_DAYS: i64 = 90;
const WRITE_BYTES: usize = 256 << 10;

/// A prediction with kept scores.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) prediction: PredictionId,
    pub(super) tenant: TenantId,
    pub(super) model: ModelId,
    pub(super) version: ModelVersionId,
    pub(super) version_label: String,
    pub(super) threshold: f64,
    pub(super) predicted_at: DateTime<Utc>,
    pub(super) attempt: i32,
    pub(super) key_column: String,
    /// The file of outcomes that was the last to change what is known of it.
    pub(super) upload: Option<OutcomeUploadId>,
}

/// What a join came to. Its files are in the object store already, under the new upload's name.
pub(super) struct Joined {
    pub(super) upload: OutcomeUploadId,
    candidates: Vec<Candidate>,
    pub(super) predictions: Vec<JoinedOne>,
    pub(super) rows_joined: u64,
}

/// One prediction that got something.
pub(super) struct JoinedOne {
    pub(super) candidate: Candidate,
    rows: u64,
    corrected: u64,
    pub(super) judged: Judged,
    pub(super) control: Judged,
}

/// Joins a file to the predictions, which are newest first.
pub(super) async fn join(
    platform: &Platform,
    entries: &Arc<Entries>,
    candidates: &[Candidate],
) -> Result<Joined, Error> {
    let upload = OutcomeUploadId::new();
    let joined = Joined { upload, candidates: candidates.to_vec(), predictions: Vec::new(), rows_joined: 0 };
    let (objects, entries, runtime) = (platform.objects.clone(), entries.clone(), Handle::current());
    let candidates = candidates.to_vec();
    let joining = move || Join { objects, runtime, entries: &entries, upload }.run(&candidates);
    match tokio::task::spawn_blocking(joining).await.map_err(Error::internal)? {
        Ok((predictions, rows_joined)) => Ok(Joined { predictions, rows_joined, ..joined }),
        Err(error) => {
            joined.drop_files(platform, false).await;
            Err(error)
        }
    }
}

struct Join<'a> {
    objects: Objects,
    runtime: Handle,
    entries: &'a Entries,
    upload: OutcomeUploadId,
}

impl Join<'_> {
    fn run(&self, candidates: &[Candidate]) -> Result<(Vec<JoinedOne>, u64), Error> {
        let mut predictions = Vec::new();
        // A row goes to the latest prediction of each version.
        let mut taken: HashMap<ModelVersionId, Vec<bool>> = HashMap::new();
        for candidate in candidates {
            let taken =
                taken.entry(candidate.version).or_insert_with(|| vec![false; self.entries.list.len()]);
            let new = self.matches(candidate, taken)?;
            if !new.is_empty() {
                predictions.push(self.keep(candidate, &new)?);
            }
        }
        let is_joined = |place: &usize| taken.values().any(|taken| taken[*place]);
        let rows_joined = (0..self.entries.list.len()).filter(is_joined).count() as u64;
        Ok((predictions, rows_joined))
    }

    /// The customers of a prediction whose outcome the file tells, by hash.
    fn matches(&self, candidate: &Candidate, taken: &mut [bool]) -> Result<Vec<Known>, Error> {
        let path = scores_path(candidate.prediction, candidate.attempt);
        let object = match self.runtime.block_on(self.objects.reader(&path)) {
            // Erased just now.
            Err(Error::NotFound(_)) => return Ok(Vec::new()),
            found => found?,
        };
        let predicted_day = candidate.predicted_at.timestamp().div_euclid(86_400);
        let mut new = Vec::new();
        for score in ScoreReader::new(blocking_reader(object, &self.runtime)) {
            let score = score.map_err(damaged)?;
            let mut outcome = None;
            for place in self.entries.of(&score.hash) {
                let entry = &self.entries.list[place];
                if !taken[place] && i64::from(entry.day) >= predicted_day {
                    taken[place] = true;
                    outcome = Some(entry.has_left);
                }
            }
            new.extend(outcome.map(|has_left| Known {
                hash: score.hash,
                millionths: score.millionths,
                group: score.group,
                has_left,
            }));
        }
        new.sort_unstable();
        new.dedup_by_key(|known| known.hash);
        Ok(new)
    }

    /// Writes what is known now of a prediction's customers.
    fn keep(&self, candidate: &Candidate, new: &[Known]) -> Result<JoinedOne, Error> {
        let before = match candidate.upload {
            None => None,
            Some(upload) => {
                let path = outcomes_path(candidate.prediction, upload);
                match self.runtime.block_on(self.objects.reader(&path)) {
                    Err(Error::NotFound(_)) => None,
                    found => Some(blocking_reader(found?, &self.runtime)),
                }
            }
        };
        let writer = self.objects.writer(&outcomes_path(candidate.prediction, self.upload));
        let bridge = SyncIoBridge::new_with_handle(writer, self.runtime.clone());
        let mut output = BufWriter::with_capacity(WRITE_BYTES, bridge);
        let merged = merge(before, new, candidate.threshold, &mut output).map_err(damaged)?;
        output.flush().map_err(damaged)?;
        let mut bridge = output.into_inner().map_err(|error| damaged(error.into_error()))?;
        bridge.shutdown().map_err(damaged)?;
        Ok(JoinedOne {
            candidate: candidate.clone(),
            rows: new.len() as u64,
            corrected: merged.corrected,
            judged: merged.judged,
            control: merged.control,
        })
    }
}

impl Joined {
    /// Deletes the files of the join that does not count: where this one does, those that it has replaced, else
    /// its own. What fails here goes with the prediction's scores.
    pub(super) async fn drop_files(&self, platform: &Platform, counts: bool) {
        for candidate in &self.candidates {
            let replaced = self
                .predictions
                .iter()
                .any(|joined| joined.candidate.prediction == candidate.prediction)
                .then_some(candidate.upload)
                .flatten();
            let upload = if counts { replaced } else { Some(self.upload) };
            let Some(upload) = upload else { continue };
            let path = outcomes_path(candidate.prediction, upload);
            if let Err(error) = platform.objects.delete(&path).await {
                tracing::warn!(%error, "could not delete outcomes that do not count any more");
            }
        }
    }

    fn report(&self, entries: &Entries) -> Report {
        Report {
            rows: entries.read.rows,
            rows_open: entries.read.rows_open,
            leavers: entries.read.leavers,
            rows_joined: self.rows_joined,
            corrected: self.predictions.iter().map(|joined| joined.corrected).sum(),
            predictions: self
                .predictions
                .iter()
                .map(|joined| JoinedPrediction {
                    prediction_id: joined.candidate.prediction,
                    version: joined.candidate.version_label.clone(),
                    predicted_at: joined.candidate.predicted_at,
                    rows: joined.rows,
                    rows_known: joined.judged.rows(),
                })
                .collect(),
        }
    }
}

/// Records a join in one transaction. None where another file was joined to one of the predictions meanwhile.
pub(super) async fn record(
    platform: &Platform,
    access: &Access,
    request: &OutcomeRequest,
    idempotency: Option<&Idempotency>,
    entries: &Entries,
    joined: &Joined,
) -> Result<Option<Replayable<OutcomeUpload>>, Error> {
    in_time(async {
        let mut tx = TenantTx::begin(platform, access).await?;
        let tenant = tx.writer()?.tenant();
        if let Some(answer) = idempotency::take(tx.connection(), tenant.0, idempotency).await? {
            let upload = db::select_upload(tx.connection(), tenant, answer).await?;
            return Ok(Some(Replayable::replayed(upload.ok_or(Error::NotFound("outcomes"))?)));
        }
        let connection = tx.connection();
        let report = joined.report(entries);
        let model = joined.candidates[0].model;
        let prediction = match request.target {
            Target::Prediction(id) => Some(id),
            Target::Model(_) => None,
        };
        let new = db::NewUpload {
            id: joined.upload,
            tenant,
            file_name: &request.file_name,
            sha256: &entries.sha256,
            model,
            prediction,
            report: serde_json::to_value(&report).map_err(Error::internal)?,
        };
        db::insert_upload(connection, new).await?;
        for one in &joined.predictions {
            if !db::put_known(connection, joined.upload, one).await? {
                return Ok(None);
            }
        }
        judge_versions(connection, joined).await?;
        idempotency::keep(connection, tenant.0, idempotency, &joined.upload).await?;
        let upload = db::select_upload(connection, tenant, joined.upload).await?;
        tx.commit().await?;
        Ok(Some(Replayable::first(upload.ok_or(Error::NotFound("outcomes"))?)))
    })
    .await
}

/// Raises drift of the concept where a version's customers no longer behave as those of the training did.
async fn judge_versions(connection: &mut PgConnection, joined: &Joined) -> Result<(), Error> {
    let mut versions: BTreeMap<ModelVersionId, &Candidate> = BTreeMap::new();
    for one in &joined.predictions {
        versions.entry(one.candidate.version).or_insert(&one.candidate);
    }
    for (version, candidate) in versions {
        let subject = Subject { tenant: candidate.tenant, model: candidate.model, version };
        let known = db::select_known_of_version(connection, subject).await?;
        let Some(newest) = known.iter().map(|(predicted_at, _)| *predicted_at).max() else { continue };
        let mut judged = Judged::default();
        for (predicted_at, one) in &known {
            if *predicted_at >= newest - TimeDelta::days(JUDGED_DAYS) {
                judged.merge(one);
            }
        }
        let metrics = db::select_metrics(connection, version).await?;
        let concept = Concept::of(&judged, &metrics);
        if concept.is_drift() {
            let detail = json!({ "outcomes_id": joined.upload, "rows": judged.rows(), "concept": concept });
            let told = event_of(subject, joined.upload, &judged, &concept, &metrics);
            raise(connection, subject, "concept", &detail, told).await?;
        } else {
            crate::monitoring::db::clear_event(connection, subject, "concept").await?;
        }
    }
    Ok(())
}

/// What those are told who want to hear of drift.
fn event_of(
    subject: Subject,
    upload: OutcomeUploadId,
    judged: &Judged,
    concept: &Concept,
    training: &Metrics,
) -> DriftDetected {
    let auc = judged.auc().map_or(0.5, |auc| auc.area);
    let (measure, value, threshold) = match concept.is_performance_lost {
        true => ("auc", auc, training.auc_low.or(training.auc).unwrap_or(0.5)),
        false => (
            "calibration_error",
            judged.calibration_error().unwrap_or(0.0),
            training.calibration_error.unwrap_or(0.0),
        ),
    };
    DriftDetected {
        model_id: subject.model.0,
        model_version_id: subject.version.0,
        prediction_id: None,
        outcome_id: Some(upload.0),
        measure,
        value,
        threshold,
        features_drifted: None,
    }
}

/// Where what is known of a prediction's customers lies.
pub(crate) fn outcomes_path(prediction: PredictionId, upload: OutcomeUploadId) -> Path {
    Path::from(format!("outcomes/{prediction}/{upload}"))
}

fn damaged(error: std::io::Error) -> Error {
    Error::Unavailable { dependency: "object store", detail: error.to_string() }
}
