//! The trainings' part of what must hold in the object store: a version's model is the one that was registered, and
//! labelled customers are those that were uploaded until they are erased.

use super::db;
use crate::objects::training_input_path;
use crate::{Error, Platform};
use futures::TryStreamExt;
use ledger::Violation;
use object_store::path::Path;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// How many trainings are looked up at a time.
const TRAININGS_AT_ONCE: i64 = 100;

/// Reads every version's model and every training's customers again.
pub(super) async fn check(platform: &Platform) -> Result<Vec<Violation>, Error> {
    let mut found = Vec::new();
    let mut after = Uuid::nil();
    loop {
        let trainings = {
            let mut connection = platform.system.acquire().await?;
            db::select_trainings(&mut connection, after, TRAININGS_AT_ONCE).await?
        };
        let Some(last) = trainings.last() else { return Ok(found) };
        after = last.id.0;
        for training in trainings {
            found.extend(check_one(platform, &training).await?);
        }
    }
}

async fn check_one(platform: &Platform, training: &db::StoredTraining) -> Result<Vec<Violation>, Error> {
    let mut found = Vec::new();
    let mut report = |invariant, detail: &str| {
        found.push(Violation::new(invariant, training.id.0, detail.to_owned()));
    };
    match sha256_of(platform, &Path::from(training.artifact.as_str())).await {
        Ok(sha256) if hex::encode(sha256) == training.model_sha256 => {}
        Ok(_) => report("model_can_be_read", "the SHA-256 of the model is not the one that was registered"),
        Err(Error::NotFound(_)) => report("model_can_be_read", "the model is missing"),
        Err(error) => return Err(error),
    }
    let Some(expected) = &training.input_sha256 else { return Ok(found) };
    match sha256_of(platform, &training_input_path(training.id)).await {
        Ok(sha256) if sha256.as_slice() == expected.as_slice() => {}
        Ok(_) => {
            report("training_can_be_judged", "the SHA-256 of the customers is not the one that was recorded")
        }
        Err(Error::NotFound(_)) => {
            // They may have been erased since they were looked up.
            let mut connection = platform.system.acquire().await?;
            if !db::is_training_erased(&mut connection, training.id).await? {
                report("training_can_be_judged", "the customers are missing");
            }
        }
        Err(error) => return Err(error),
    }
    Ok(found)
}

async fn sha256_of(platform: &Platform, path: &Path) -> Result<[u8; 32], Error> {
    let mut stream = platform.objects.reader(path).await?.into_stream();
    let mut hasher = Sha256::new();
    while let Some(piece) = stream.try_next().await? {
        hasher.update(&piece);
    }
    Ok(hasher.finalize().into())
}
