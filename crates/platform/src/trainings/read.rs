//! Looking at trainings and reading their reports.

use super::{Training, TrainingStatus, db};
use crate::objects::{REPORT_NAME, training_result_path};
use crate::{Access, Error, List, ModelId, Page, Platform, TenantTx, TrainingId};
use bytes::Bytes;

/// How many trainings of one model are compared at most.
const COMPARED_MAX: i64 = 100;

/// What was measured of a training, as a page for people.
pub struct Report {
    /// The model that got the version.
    pub model_name: String,
    /// The version's number.
    pub version: i32,
    /// One HTML file that needs nothing else.
    pub html: Bytes,
}

/// One training of the caller's tenant, as it is now.
pub async fn get(platform: &Platform, access: &Access, id: TrainingId) -> Result<Training, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let tenant = tx.caller().tenant;
    db::select(tx.connection(), tenant, id).await?.ok_or(Error::NotFound("training"))
}

/// The trainings of the caller's tenant, newest first.
pub async fn list(platform: &Platform, access: &Access, page: &Page) -> Result<List<Training>, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let tenant = tx.caller().tenant;
    let before = page.before_id("trainings")?;
    let trainings = db::select_page(tx.connection(), tenant, before, page.rows()).await?;
    Ok(page.cut("trainings", trainings, |training| *training.id.0.as_bytes()))
}

/// The experiments of one model of the caller's tenant, newest first, to be compared.
pub async fn of_model(platform: &Platform, access: &Access, model: ModelId) -> Result<Vec<Training>, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let tenant = tx.caller().tenant;
    db::select_of_model(tx.connection(), tenant, model, COMPARED_MAX).await
}

/// The report of a training of the caller's tenant.
///
/// # Errors
/// `training_not_ready`; `training_failed`.
pub async fn report(platform: &Platform, access: &Access, id: TrainingId) -> Result<Report, Error> {
    let (training, attempt) = {
        let mut tx = TenantTx::begin(platform, access).await?;
        let tenant = tx.caller().tenant;
        let training = db::select(tx.connection(), tenant, id).await?.ok_or(Error::NotFound("training"))?;
        (training, db::select_attempt(tx.connection(), id).await?)
    };
    let Some(attempt) = attempt else {
        return Err(match training.status {
            TrainingStatus::Failed => {
                Error::conflict("training_failed", "the training failed and has no report")
            }
            _ => Error::conflict("training_not_ready", "the training is not finished"),
        });
    };
    let html = platform.objects.get(&training_result_path(id, attempt, REPORT_NAME)).await?;
    Ok(Report { model_name: training.model_name, version: training.version, html })
}
