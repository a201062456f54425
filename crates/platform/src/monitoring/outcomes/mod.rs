//! Outcomes: what really happened, sent by a tenant, joined to what was predicted.
//!
//! A file names customers as the predictions' files did. Each row is joined to the latest prediction of each
//! version of the model that was made before the row's date, by keyed hash. What is kept is counts, and the
//! hashes by which a later file corrects an earlier one.

pub(crate) mod db;
mod entries;
mod join;
mod known;
pub(crate) mod performance;

pub use performance::{Figures, MonthPerformance, Performance, Training, VersionPerformance, performance};

pub(crate) use join::outcomes_path;
pub(crate) use known::read_known;
pub(crate) use performance::{KnownPrediction, known};

use crate::idempotency::{Idempotency, Replayable};
use crate::objects::blocking_reader;
use crate::{Access, Error, List, ModelId, OutcomeUploadId, Page, Platform, PredictionId, TenantTx};
use chrono::{DateTime, TimeDelta, Utc};
use object_store::GetResult;
use scoring::{Dialect, InputError};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io;
use std::sync::Arc;
use tokio::runtime::Handle;

/// The most rows of a file: they lie in memory, sorted.
const ROWS_MAX: u64 = 1_000_000;
/// How far back predictions are looked for, in days, unless something else is asked for.
pub const WINDOW_DAYS_DEFAULT: u32 = 365;
/// As far as scores can be kept.
pub const WINDOW_DAYS_MAX: u32 = 3650;
/// The newest predictions that a file is joined to, at most.
const PREDICTIONS_MAX: i64 = 200;
/// How often the join is made again because another file was joined meanwhile.
const TRIES_MAX: u32 = 4;

/// Which predictions a file of outcomes is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// One prediction.
    Prediction(PredictionId),
    /// All predictions of a model within the window.
    Model(ModelId),
}

/// What comes with a file of outcomes.
#[derive(Clone, Debug)]
pub struct OutcomeRequest {
    /// Which predictions it is about.
    pub target: Target,
    /// The column that tells customers apart; else the one that the newest prediction was uploaded with.
    pub key: Option<String>,
    /// The column that tells who left; else it is found by its name.
    pub outcome: Option<String>,
    /// The column that tells when that was known.
    pub date: Option<String>,
    /// The outcome's value for those who left; else words that say so themselves.
    pub positive: Option<String>,
    /// How far back predictions are looked for, in days.
    pub window_days: u32,
    /// What the tenant calls the file.
    pub file_name: String,
    /// The idempotency key; the file's SHA-256 is filled in here.
    pub idempotency: Option<Idempotency>,
}

/// A file of outcomes that was joined.
#[derive(Clone, Debug)]
pub struct OutcomeUpload {
    /// Its id.
    pub id: OutcomeUploadId,
    /// What the tenant calls it.
    pub file_name: String,
    /// The model whose predictions it was joined to.
    pub model: ModelId,
    /// The model's name.
    pub model_name: String,
    /// The one prediction that it was for, if it was.
    pub prediction: Option<PredictionId>,
    /// What came of it.
    pub report: Report,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// What came of a file of outcomes. Counts only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Rows with an outcome.
    pub rows: u64,
    /// Rows whose outcome was empty: it is not known yet.
    pub rows_open: u64,
    /// Customers who left, among the rows with an outcome.
    pub leavers: u64,
    /// Rows that were joined to at least one prediction.
    pub rows_joined: u64,
    /// Of the customers joined, those of whom something was known before.
    pub corrected: u64,
    /// The predictions, newest first.
    pub predictions: Vec<JoinedPrediction>,
}

/// What a prediction got of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinedPrediction {
    /// The prediction.
    pub prediction_id: PredictionId,
    /// The version's label.
    pub version: String,
    /// When it was made.
    pub predicted_at: DateTime<Utc>,
    /// Customers joined just now.
    pub rows: u64,
    /// Customers whose outcome is known, with those of earlier files.
    pub rows_known: u64,
}

/// Whether outcomes can be taken: the caller may write, and there is something to join them to. Asked before the
/// file is read.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`]; `no_scores_kept` where no prediction was uploaded with a key.
pub async fn check(platform: &Platform, access: &Access, request: &OutcomeRequest) -> Result<(), Error> {
    candidates(platform, access, request).await.map(|_| ())
}

/// Takes outcomes in: reads the file, joins it, and keeps what came of it.
///
/// # Errors
/// As [`check`]; [`Error::Input`] where the file cannot be read or rows of it cannot, then with lines and columns,
/// and nothing is kept; the idempotency errors; `outcomes_in_flight` where other files keep coming in between.
pub async fn accept(
    platform: &Platform,
    access: &Access,
    request: OutcomeRequest,
    file: File,
    dialect: Dialect,
) -> Result<Replayable<OutcomeUpload>, Error> {
    let found = candidates(platform, access, &request).await?;
    let key = request.key.clone().unwrap_or_else(|| found[0].key_column.clone());
    let hasher = super::key_hasher(platform, found[0].tenant).await?;
    let entries = Arc::new(entries::read(request.clone(), key, file, dialect, hasher).await?);
    let idempotency = request.idempotency.clone();
    let idempotency = idempotency.map(|key| Idempotency { body_sha256: entries.sha256, ..key });
    let mut found = found;
    for _ in 0..TRIES_MAX {
        let joined = join::join(platform, &entries, &found).await?;
        match join::record(platform, access, &request, idempotency.as_ref(), &entries, &joined).await {
            Ok(Some(answer)) => {
                let is_new = !answer.replayed;
                joined.drop_files(platform, is_new).await;
                return Ok(answer);
            }
            Ok(None) => joined.drop_files(platform, false).await,
            Err(error) => {
                joined.drop_files(platform, false).await;
                return Err(error);
            }
        }
        // Another file was joined meanwhile: with what that one has left, all is done again.
        found = candidates(platform, access, &request).await?;
    }
    Err(Error::conflict("outcomes_in_flight", "other outcomes of these predictions are being taken in"))
}

/// A model that has predictions with kept scores.
#[derive(Clone, Debug)]
pub struct KeptModel {
    /// The model.
    pub id: ModelId,
    /// Its name.
    pub name: String,
    /// The column that told customers apart in its newest such prediction.
    pub key_column: String,
}

/// The models whose predictions outcomes can be joined to, the one with the newest prediction first.
pub async fn kept_models(platform: &Platform, access: &Access) -> Result<Vec<KeptModel>, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let tenant = tx.caller().tenant;
    db::select_kept_models(tx.connection(), tenant).await
}

/// One file of outcomes.
pub async fn get(platform: &Platform, access: &Access, id: OutcomeUploadId) -> Result<OutcomeUpload, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let tenant = tx.caller().tenant;
    db::select_upload(tx.connection(), tenant, id).await?.ok_or(Error::NotFound("outcomes"))
}

/// The tenant's files of outcomes, newest first.
pub async fn list(platform: &Platform, access: &Access, page: &Page) -> Result<List<OutcomeUpload>, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let tenant = tx.caller().tenant;
    let before = page.before_id("outcomes")?;
    let uploads = db::select_uploads(tx.connection(), tenant, before, page.rows()).await?;
    Ok(page.cut("outcomes", uploads, |upload| *upload.id.0.as_bytes()))
}

/// What is known of a prediction's customers, by hashes of their key.
pub(crate) struct KnownOutcomes {
    /// The column of the prediction's file that tells customers apart.
    pub(crate) key_column: String,
    /// Hashes a cell of it.
    pub(crate) hasher: super::KeyHasher,
    object: GetResult,
}

impl KnownOutcomes {
    /// Hands over every customer's hash and whether the customer has left; on a blocking thread.
    pub(crate) fn each(self, runtime: &Handle, take: impl FnMut(&[u8; 16], bool)) -> io::Result<()> {
        known::each(blocking_reader(self.object, runtime), take)
    }
}

/// Whether outcomes of a prediction of the caller's tenant are known.
pub async fn are_known(platform: &Platform, access: &Access, id: PredictionId) -> Result<bool, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let tenant = tx.caller().tenant;
    Ok(db::select_known_file(tx.connection(), tenant, id).await?.is_some())
}

/// The outcomes that are known of a prediction of the caller's tenant.
///
/// # Errors
/// `no_outcomes` where none were sent, or they were erased.
pub(crate) async fn known_of(
    platform: &Platform,
    access: &Access,
    id: PredictionId,
) -> Result<KnownOutcomes, Error> {
    let (tenant, found) = {
        let mut tx = TenantTx::begin(platform, access).await?;
        let tenant = tx.caller().tenant;
        (tenant, db::select_known_file(tx.connection(), tenant, id).await?)
    };
    let none = || Error::conflict("no_outcomes", "no outcomes of this prediction's customers were sent");
    let (key_column, upload) = found.ok_or_else(none)?;
    let object = match platform.objects.reader(&outcomes_path(id, upload)).await {
        // Erased, or replaced by a later file just now.
        Err(Error::NotFound(_)) => return Err(none()),
        object => object?,
    };
    Ok(KnownOutcomes { key_column, hasher: super::key_hasher(platform, tenant).await?, object })
}

/// The predictions with kept scores that a file may be joined to, newest first; at least one.
async fn candidates(
    platform: &Platform,
    access: &Access,
    request: &OutcomeRequest,
) -> Result<Vec<join::Candidate>, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let tenant = tx.writer()?.tenant();
    let connection = tx.connection();
    match request.target {
        Target::Prediction(id) => {
            let prediction = crate::predictions::db::select(connection, tenant, id).await?;
            prediction.ok_or(Error::NotFound("prediction"))?;
        }
        Target::Model(model) => {
            super::db::select_model_name(connection, model).await?.ok_or(Error::NotFound("model"))?;
        }
    }
    let since = Utc::now() - TimeDelta::days(request.window_days.into());
    let found = db::select_candidates(connection, tenant, request.target, since, PREDICTIONS_MAX).await?;
    if found.is_empty() {
        let message = "no prediction that this could be about was uploaded with a key, or its scores are gone; \
                       upload customers with ?key=COLUMN to be able to send outcomes later";
        return Err(Error::conflict("no_scores_kept", message));
    }
    Ok(found)
}

/// Rows of the file that cannot be read.
pub(crate) fn bad_rows(problems: Vec<scoring::Problem>, count: u64) -> Error {
    let message = format!("{count} rows cannot be read; nothing was kept.");
    Error::Input(InputError { code: "bad_outcomes", message, problems, missing: Vec::new() })
}
