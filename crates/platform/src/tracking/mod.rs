//! Versions of tenants' own models are taken to an MLflow server, where the installation has one: when a training has
//! made them, and whenever they move.
//!
//! Nobody who trains or promotes knows of it: the sweeper finds what is new in the history of the models and writes a job
//! for it, so that a server that is away fails nothing and keeps nobody waiting.

mod db;

use crate::jobs::{self, Claim, JobKind};
use crate::notifications::JOBS_CHANNEL;
use crate::objects::{MODEL_NAME, QUALITY_NAME, REPORT_NAME, training_result_path};
use crate::registry::Stage;
use crate::trainings::Training;
use crate::{Error, Platform, trainings};
use bytes::Bytes;
use chrono::{TimeDelta, Utc};
use scoring::Manifest;

/// For how long a server may be away before what happened is no longer told.
const DEADLINE: TimeDelta = TimeDelta::days(14);

/// How many lines of the history are queued in one look.
const SOME: i64 = 100;

/// The first and the longest time after which an export that failed is tried again.
const RETRY_MS: (u32, u32) = (5_000, 600_000);

/// What is known of a version.
#[derive(Clone, Debug)]
pub struct Tracked {
    /// The training that made it.
    pub training: Training,
    /// What the version says of itself.
    pub manifest: Manifest,
    /// Where it is on its way.
    pub stage: Stage,
    /// Its files, by their names for the server; those that were erased are not there.
    pub files: Vec<(&'static str, Bytes)>,
}

/// Queues what the history of the models has and no export yet, one process at a time.
pub(crate) async fn queue_new(platform: &Platform) -> Result<(), Error> {
    if platform.tracking.is_none() {
        return Ok(());
    }
    let mut transaction = platform.system.begin().await?;
    if !jobs::db::try_lock(&mut transaction, "augur tracking").await? {
        return Ok(());
    }
    let new = db::select_new(&mut transaction, Utc::now() - DEADLINE, SOME).await?;
    for &(entry, tenant) in &new {
        jobs::db::insert(&mut transaction, tenant, JobKind::Export, entry, DEADLINE, &entry.to_string())
            .await?;
    }
    if !new.is_empty() {
        jobs::db::notify(&mut transaction, JOBS_CHANNEL, "").await?;
    }
    Ok(transaction.commit().await?)
}

/// What the claimed export is about; none where the version is gone, and the job has ended.
pub async fn work(platform: &Platform, claim: &Claim) -> Result<Option<Tracked>, Error> {
    let mut connection = platform.system.acquire().await?;
    let Some(found) = db::select_work(&mut connection, claim).await? else {
        jobs::db::finish(&mut connection, claim, false).await?;
        return Ok(None);
    };
    let training = trainings::db::select(&mut connection, claim.tenant, found.training).await?;
    let training = training.ok_or(Error::NotFound("training"))?;
    drop(connection);
    let mut files = vec![];
    let names = [(QUALITY_NAME, QUALITY_NAME), (REPORT_NAME, REPORT_NAME), ("model/model.json", MODEL_NAME)];
    for (name, stored) in names {
        let path = training_result_path(found.training, found.attempt, stored);
        match platform.objects.get(&path).await {
            Ok(content) => files.push((name, content)),
            Err(Error::NotFound(_)) => {}
            Err(error) => return Err(error),
        }
    }
    let manifest = serde_json::to_vec_pretty(&found.manifest).map_err(Error::internal)?;
    files.push(("model/manifest.json", manifest.into()));
    Ok(Some(Tracked { training, manifest: found.manifest, stage: found.stage, files }))
}

/// Ends an export that is done. False where it is no longer the claimer's.
pub async fn settle(platform: &Platform, claim: &Claim) -> Result<bool, Error> {
    let mut connection = platform.system.acquire().await?;
    jobs::db::finish(&mut connection, claim, true).await
}

/// Has an export tried again later, ever later.
pub async fn postpone(platform: &Platform, claim: &Claim) -> Result<(), Error> {
    let (first, longest) = RETRY_MS;
    let doublings = u32::try_from(claim.attempt - 1).unwrap_or(0).min(16);
    jobs::postpone(platform, claim, first.saturating_mul(1 << doublings).min(longest)).await
}
