//! Intakes: asked for, looked at, and ended.

use super::fetch::Failure;
use super::manage::{check_request, select};
use super::{IntakeRequest, db};
use crate::idempotency::{self, Idempotency, Replayable};
use crate::jobs::{self, Claim, JobKind};
use crate::notifications::JOBS_CHANNEL;
use crate::{
    Access, Error, IntakeId, List, Page, Platform, PredictionId, SourceId, TenantId, TenantTx, TrainingId,
    UserId,
};
use chrono::{DateTime, Utc};
use scoring::Problem;
use scoring::contract::Finding;
use scoring::events::EventsReport;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

/// Where an intake is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntakeStatus {
    /// It waits.
    Queued,
    /// A worker has it.
    Running,
    /// What it was for is ordered.
    Succeeded,
    /// It says why; nothing was charged.
    Failed,
    /// A schedule left it out, and it says why; nothing was charged.
    Skipped,
}

impl IntakeStatus {
    /// Every status there is.
    pub const ALL: [IntakeStatus; 5] = [
        IntakeStatus::Queued,
        IntakeStatus::Running,
        IntakeStatus::Succeeded,
        IntakeStatus::Failed,
        IntakeStatus::Skipped,
    ];

    /// The status as it is written everywhere.
    pub fn as_str(self) -> &'static str {
        match self {
            IntakeStatus::Queued => "queued",
            IntakeStatus::Running => "running",
            IntakeStatus::Succeeded => "succeeded",
            IntakeStatus::Failed => "failed",
            IntakeStatus::Skipped => "skipped",
        }
    }
}

/// What was found in a file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct IntakeReport {
    /// Its bytes, as they were fetched.
    pub bytes: u64,
    /// Its customers.
    pub rows: u64,
    /// Rows and cells that cannot be read.
    pub problem_count: u64,
    /// The first of them.
    pub problems: Vec<Problem>,
    /// What is otherwise than expected.
    pub findings: Vec<Finding>,
    /// What was seen of the events, where there is a log of them.
    #[serde(default)]
    pub events: Option<EventsReport>,
}

/// A file fetched, or to be fetched, from a source.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Intake {
    /// Its id.
    pub id: IntakeId,
    /// Whose it is.
    pub tenant: TenantId,
    /// Where from.
    pub source: SourceId,
    /// In whose name.
    pub user: UserId,
    /// What it orders.
    pub request: IntakeRequest,
    /// The moment of the schedule that asked for it.
    pub due_at: Option<DateTime<Utc>>,
    /// Where it is in its life.
    pub status: IntakeStatus,
    /// What was found in the file.
    pub report: Option<IntakeReport>,
    /// Why there is nothing to show for it.
    pub error: Option<Failure>,
    /// The prediction that it ordered.
    pub prediction: Option<PredictionId>,
    /// The training that it ordered.
    pub training: Option<TrainingId>,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When a worker took it.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
}

/// Asks for an intake now.
///
/// # Errors
/// [`Error::NotFound`] for source or service; [`Error::Invalid`]; [`Error::BacklogFull`] and [`Error::TooManyQueued`];
/// the idempotency errors.
pub async fn start(
    platform: &Platform,
    access: &Access,
    source: SourceId,
    request: IntakeRequest,
    idempotency: Option<&Idempotency>,
) -> Result<Replayable<Intake>, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let started = start_in(platform, &mut tx, access, source, &request, idempotency).await;
    tx.finish(started).await
}

async fn start_in(
    platform: &Platform,
    tx: &mut TenantTx,
    access: &Access,
    source: SourceId,
    request: &IntakeRequest,
    idempotency: Option<&Idempotency>,
) -> Result<Replayable<Intake>, Error> {
    let writer = tx.writer()?;
    let tenant = writer.tenant();
    if let Some(answer) = idempotency::take(tx.connection(), tenant.0, idempotency).await? {
        let intake = db::select_intake(tx.connection(), tenant, answer).await?;
        return Ok(Replayable::replayed(intake.ok_or(Error::NotFound("intake"))?));
    }
    select(tx, tenant, source).await?;
    check_request(tx, request).await?;
    jobs::refuse_where_full(platform, tenant).await?;
    let new = NewIntake { tenant, source, user: writer.user(), request, due_at: None, skipped: None };
    let id = insert(tx.connection(), platform, new, &access.request_id).await?;
    idempotency::keep(tx.connection(), tenant.0, idempotency, &id).await?;
    jobs::db::notify(tx.connection(), JOBS_CHANNEL, "").await?;
    let intake = db::select_intake(tx.connection(), tenant, id).await?;
    Ok(Replayable::first(intake.ok_or(Error::NotFound("intake"))?))
}

/// One intake.
pub async fn get_intake(platform: &Platform, access: &Access, id: IntakeId) -> Result<Intake, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let tenant = tx.caller().tenant;
    db::select_intake(tx.connection(), tenant, id).await?.ok_or(Error::NotFound("intake"))
}

/// The tenant's intakes, newest first; of one source where it is named.
pub async fn list_intakes(
    platform: &Platform,
    access: &Access,
    source: Option<SourceId>,
    page: &Page,
) -> Result<List<Intake>, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let tenant = tx.caller().tenant;
    let before = page.before_id("intakes")?;
    let intakes = db::select_intakes(tx.connection(), tenant, source, before, page.rows()).await?;
    Ok(page.cut("intakes", intakes, |intake| *intake.id.0.as_bytes()))
}

/// An intake to be written.
pub(super) struct NewIntake<'a> {
    pub(super) tenant: TenantId,
    pub(super) source: SourceId,
    pub(super) user: UserId,
    pub(super) request: &'a IntakeRequest,
    pub(super) due_at: Option<DateTime<Utc>>,
    /// Why it ends before it begins.
    pub(super) skipped: Option<&'a Failure>,
}

/// Writes an intake, and its job unless it is left out.
pub(super) async fn insert(
    connection: &mut PgConnection,
    platform: &Platform,
    new: NewIntake<'_>,
    request_id: &str,
) -> Result<IntakeId, Error> {
    let id = IntakeId::new();
    db::insert_intake(connection, id, &new).await?;
    if new.skipped.is_none() {
        let deadline = platform.limits.deadline;
        jobs::db::insert(connection, new.tenant, JobKind::Intake, id.0, deadline, request_id).await?;
    }
    Ok(id)
}

/// Writes into an intake that is under way what it has ordered, in the transaction that pays for it.
///
/// # Errors
/// The conflict `intake_ended` where it is no longer under way, or has ordered before: nothing may be paid.
async fn attach(
    tx: &mut TenantTx,
    intake: IntakeId,
    prediction: Option<PredictionId>,
    training: Option<TrainingId>,
) -> Result<(), Error> {
    if db::attach(tx.connection(), intake, prediction, training).await? {
        return Ok(());
    }
    Err(Error::conflict("intake_ended", "the intake has ended, or has ordered before"))
}

/// [`attach`] of a prediction.
pub(crate) async fn attach_prediction(
    tx: &mut TenantTx,
    intake: IntakeId,
    prediction: PredictionId,
) -> Result<(), Error> {
    attach(tx, intake, Some(prediction), None).await
}

/// [`attach`] of a training.
pub(crate) async fn attach_training(
    tx: &mut TenantTx,
    intake: IntakeId,
    training: TrainingId,
) -> Result<(), Error> {
    attach(tx, intake, None, Some(training)).await
}

/// A worker has claimed the job.
pub(crate) async fn started(connection: &mut PgConnection, claim: &Claim) -> Result<(), Error> {
    db::start(connection, IntakeId(claim.subject)).await
}

/// The job waits again.
pub(crate) async fn requeue(connection: &mut PgConnection, claim: &Claim) -> Result<(), Error> {
    db::requeue(connection, IntakeId(claim.subject)).await
}

/// Ends an intake that nobody settled. One that has ordered before has done what it was for.
pub(crate) async fn fail(
    connection: &mut PgConnection,
    claim: &Claim,
    failure: &Failure,
) -> Result<(), Error> {
    let has_ordered = db::has_ordered(connection, IntakeId(claim.subject)).await?;
    if !jobs::db::finish(connection, claim, false).await? {
        return Ok(());
    }
    let (status, error) = match has_ordered {
        true => (IntakeStatus::Succeeded, None),
        false => (IntakeStatus::Failed, Some(failure)),
    };
    db::end(connection, IntakeId(claim.subject), status, error).await
}

/// Forgets intakes that ended as long ago as results are kept: what was found quotes their files.
pub(crate) async fn forget_old(platform: &Platform) -> Result<(), Error> {
    let mut connection = platform.system.acquire().await?;
    db::delete_old(&mut connection, platform.limits.retention).await
}
