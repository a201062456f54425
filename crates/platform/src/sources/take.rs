//! The worker's side of an intake: fetch, hold against the contract, order, settle.

use super::events::{EventLog, Unadded};
use super::fetch::{Failure, Spool, Unfetched, fetch};
use super::intakes::{Intake, IntakeReport, IntakeStatus};
use super::{Purpose, Source, db, manage};
use crate::jobs::{self, Claim};
use crate::predictions::{self, Target, Upload};
use crate::trainings::{self, Pay, TrainingUpload};
use crate::{
    Access, Credential, Error, FieldProblem, IntakeId, Platform, TenantTx, failpoints, in_time, services,
};
use bytes::Bytes;
use chrono::Utc;
use futures::{Stream, TryStreamExt};
use ledger::Money;
use scoring::contract::Contract;
use scoring::events::EventsReport;
use scoring::{CheckReport, Inspection, OnError, Schema, ScoreError, match_columns};
use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::time::Duration;
use tokio_util::io::ReaderStream;

/// How long fetching may take. It stays below the half hour after which RabbitMQ takes a message from a worker that
/// has not acknowledged it.
const FETCH_TIME_MAX: Duration = Duration::from_secs(15 * 60);
const PIECE_BYTES: usize = 256 << 10;

/// How an attempt at an intake ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// What it was for is ordered.
    Ordered,
    /// It has failed or was left out, and says why.
    Refused,
    /// Somebody else has it, or it has ended otherwise.
    Lost,
}

/// Why nothing was ordered.
enum Stop {
    /// For a reason that its owner is told.
    Told(Failure),
    /// Because the balance is short, which a schedule passes over.
    Short(Failure),
    /// For a reason of ours; it is tried again.
    Ours(Error),
    /// It has been ordered, or has ended, by somebody else.
    Ended,
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Stop {
        Stop::Told(failure)
    }
}

/// Errors of the operations that order, as the owner of the source is told them.
impl From<Error> for Stop {
    fn from(error: Error) -> Stop {
        match error {
            Error::Input(input) => Failure::of_input(&input).into(),
            Error::InsufficientFunds { missing } => Stop::Short(short(missing)),
            Error::Conflict { code: "intake_ended", .. } => Stop::Ended,
            Error::Conflict { code, message } => Failure::new(code, message).into(),
            Error::BadUpload { code, message } => Failure::new(code, message).into(),
            Error::NotFound(what) => Failure::new("not_found", format!("there is no such {what}")).into(),
            Error::Unauthenticated => {
                let message = "the user in whose name this was to be ordered is disabled";
                Failure::new("user_disabled", message).into()
            }
            Error::Invalid(fields) => {
                let said = |problem: &FieldProblem| format!("{}: {}", problem.field, problem.message);
                let all: Vec<String> = fields.iter().map(said).collect();
                Failure::new("invalid_request", all.join("; ")).into()
            }
            // There is room again when others are done.
            Error::BacklogFull | Error::TooManyQueued { .. } => Stop::Ours(Error::Busy),
            other => Stop::Ours(other),
        }
    }
}

impl From<Unfetched> for Stop {
    fn from(unfetched: Unfetched) -> Stop {
        match unfetched {
            Unfetched::Source(failure) => Stop::Told(failure),
            Unfetched::Ours(error) => Stop::Ours(error),
            Unfetched::Enough => Stop::Ours(Error::Internal("a whole file was wanted".to_owned())),
        }
    }
}

fn short(missing: Money) -> Failure {
    Failure::new("insufficient_funds", format!("the balance is {missing} minor units short"))
}

/// Does what the claimed intake is for.
///
/// # Errors
/// Those of ours, after which it is tried again; nothing has been paid then, or what was ordered is known.
pub async fn take_in(platform: &Platform, claim: &Claim) -> Result<Taken, Error> {
    let id = IntakeId(claim.subject);
    let (intake, source) = {
        let mut connection = platform.system.acquire().await?;
        let intake = db::select_intake(&mut connection, claim.tenant, id).await?;
        let Some(intake) = intake else {
            // Deleted with its source: there is nothing left to do.
            jobs::db::finish(&mut connection, claim, false).await?;
            return Ok(Taken::Lost);
        };
        let source = db::select(&mut connection, claim.tenant, intake.source).await?;
        (intake, source.ok_or(Error::NotFound("source"))?)
    };
    if intake.prediction.is_some() || intake.training.is_some() {
        return settle(platform, claim, IntakeStatus::Succeeded, None).await;
    }
    match order(platform, claim, &intake, &source).await {
        Ok(()) => settle(platform, claim, IntakeStatus::Succeeded, None).await,
        Err(Stop::Told(failure)) => settle(platform, claim, IntakeStatus::Failed, Some(&failure)).await,
        Err(Stop::Short(failure)) => {
            let is_scheduled = intake.due_at.is_some();
            let status = if is_scheduled { IntakeStatus::Skipped } else { IntakeStatus::Failed };
            settle(platform, claim, status, Some(&failure)).await
        }
        Err(Stop::Ended) => Ok(Taken::Lost),
        Err(Stop::Ours(error)) => Err(error),
    }
}

async fn settle(
    platform: &Platform,
    claim: &Claim,
    status: IntakeStatus,
    failure: Option<&Failure>,
) -> Result<Taken, Error> {
    in_time(async {
        let mut transaction = platform.system.begin().await?;
        let succeeded = status == IntakeStatus::Succeeded;
        if !jobs::db::finish(&mut transaction, claim, succeeded).await? {
            return Ok(Taken::Lost);
        }
        db::end(&mut transaction, IntakeId(claim.subject), status, failure).await?;
        transaction.commit().await?;
        metrics::counter!("augur_intakes_finished_total", "status" => status.as_str()).increment(1);
        Ok(if succeeded { Taken::Ordered } else { Taken::Refused })
    })
    .await
}

/// What a file is held against.
#[derive(Default)]
struct Terms {
    schema: Schema,
    contract: Contract,
    /// Whether the file may have other columns.
    may_differ: bool,
}

async fn order(platform: &Platform, claim: &Claim, intake: &Intake, source: &Source) -> Result<(), Stop> {
    let request_id = claim.request_id.clone().filter(|id| !id.is_empty());
    let access = Access {
        credential: Credential::Intake(intake.id),
        request_id: request_id.unwrap_or_else(|| intake.id.to_string()),
    };
    let terms = in_time(agree(platform, &access, intake)).await?;
    let (mut file, mut inspection, bytes) = whole(platform, source).await?;
    let mut events = None;
    if let Some(log) = &intake.request.events {
        let added = add_events(platform, intake, log, (file, inspection)).await?;
        (file, inspection) = (added.0, added.1);
        events = Some(added.2);
    }
    failpoints::at("intake.fetched").await;
    let (file, checked) = check(file, &inspection, terms, source).await?;
    let report = IntakeReport {
        bytes,
        rows: checked.rows,
        problem_count: checked.problem_count,
        problems: checked.problems,
        findings: checked.findings,
        events,
    };
    in_time(async {
        let mut connection = platform.system.acquire().await?;
        db::set_report(&mut connection, intake.id, &report).await
    })
    .await?;
    refuse(&report, intake, source)?;
    let content = pieces(file)?;
    match intake.request.purpose {
        Purpose::Predict => {
            let upload = Upload {
                target: Target::Service(intake.request.service),
                file_name: source.place.file_name(),
                on_error: intake.request.on_error,
                options: intake.request.options.clone(),
                idempotency: None,
            };
            predictions::accept(platform, &access, upload, content).await?;
        }
        Purpose::Train => {
            let request = intake.request.training.clone();
            let upload = TrainingUpload {
                pay: Pay::Service(intake.request.service),
                model_name: intake.request.model.clone(),
                request: request.ok_or(Failure::new("invalid_request", "nothing is to be trained"))?,
                file_name: source.place.file_name(),
                idempotency: None,
                retraining: None,
            };
            trainings::accept(platform, &access, upload, content).await?;
        }
    }
    failpoints::at("intake.ordered").await;
    Ok(())
}

/// Fetches the file of a source.
async fn whole(platform: &Platform, source: &Source) -> Result<(File, Inspection, u64), Stop> {
    let mut spool = Spool::whole(platform).await?;
    let sealed = {
        let mut connection = platform.system.acquire().await.map_err(Error::from)?;
        db::select_credentials(&mut connection, source.tenant, source.id).await?
    };
    let credentials = manage::open(platform, source.id, sealed.as_deref())?;
    let fetching = fetch(platform, &source.place, &credentials, &mut spool);
    match tokio::time::timeout(FETCH_TIME_MAX, fetching).await {
        Ok(fetched) => fetched?,
        Err(_) => return Err(Failure::new("timed_out", "the file did not come within 15 minutes").into()),
    }
    Ok(spool.finish().await?)
}

/// Fetches the log of events, and adds its features to the customers.
async fn add_events(
    platform: &Platform,
    intake: &Intake,
    log: &EventLog,
    (file, inspection): (File, Inspection),
) -> Result<(File, Inspection, EventsReport), Stop> {
    let source = {
        let mut connection = platform.system.acquire().await.map_err(Error::from)?;
        db::select(&mut connection, intake.tenant, log.source).await?
    };
    let source = source.ok_or_else(|| Failure::new("not_found", "the source of the events is gone"))?;
    let (events, of_events, _) = whole(platform, &source).await?;
    let (log, asked_at, inspector) = (log.clone(), intake.created_at, predictions::inspector(platform));
    let adding = tokio::task::spawn_blocking(move || {
        log.add((file, &inspection.dialect), (events, &of_events.dialect), asked_at, inspector)
    });
    adding.await.map_err(Error::internal)?.map_err(|unadded| match unadded {
        Unadded::Told(failure) => Stop::Told(failure),
        Unadded::Ours(error) => Stop::Ours(error),
    })
}

/// Looks at price and balance before anything is fetched, and says what the file is held against.
async fn agree(platform: &Platform, access: &Access, intake: &Intake) -> Result<Terms, Error> {
    let request = &intake.request;
    let mut tx = TenantTx::begin(platform, access).await?;
    let price = match request.purpose {
        Purpose::Predict => {
            let service = services::db::select(tx.connection(), request.service).await?;
            let service = service.filter(|service| service.active).ok_or(Error::NotFound("service"))?;
            service.price_with(request.options.order_options())?
        }
        Purpose::Train => {
            let offer = trainings::select_offer(tx.connection(), request.service).await?;
            offer.filter(|offer| offer.active).ok_or(Error::NotFound("training service"))?.price
        }
    };
    if let Some(most) = request.price_max.filter(|most| price > *most) {
        let message = format!("the price is {price} minor units; {most} at most were allowed");
        return Err(Error::conflict("price_above_limit", message));
    }
    let account = tx.caller().tenant.account();
    let balance = ledger::balance(tx.connection(), account).await?;
    if let Some(missing) = price.shortfall(balance) {
        return Err(Error::InsufficientFunds { missing });
    }
    let manifest = match request.purpose {
        Purpose::Predict => {
            tx.commit().await?;
            Some(predictions::check(platform, access, request.service).await?.1)
        }
        Purpose::Train => {
            let (tenant, name) = (tx.caller().tenant, request.model.as_deref());
            db::select_manifest(tx.connection(), tenant, name).await?
        }
    };
    Ok(match manifest {
        Some(manifest) => Terms {
            contract: Contract::of(&manifest),
            schema: manifest.schema,
            may_differ: request.purpose == Purpose::Train,
        },
        None => Terms::default(),
    })
}

/// Reads the whole file on a thread of its own.
async fn check(
    file: File,
    inspection: &Inspection,
    terms: Terms,
    source: &Source,
) -> Result<(File, CheckReport), Stop> {
    let expected = source.policy.expected(Utc::now());
    let dialect = inspection.dialect.clone();
    // Labelled customers may have other columns than those that the model before has learned from.
    let is_strange = terms.may_differ && match_columns(&inspection.header, &terms.schema).is_err();
    let terms = if is_strange { Terms::default() } else { terms };
    let Terms { schema, contract, .. } = terms;
    let checking = tokio::task::spawn_blocking(move || {
        let mut file = file;
        file.seek(SeekFrom::Start(0))?;
        let report =
            scoring::check_contract(&schema, &contract, &expected, &dialect, std::io::BufReader::new(&file))?;
        Ok::<_, ScoreError>((file, report))
    });
    match checking.await.map_err(Error::internal)? {
        Ok(checked) => Ok(checked),
        Err(ScoreError::Input(error)) => Err(Failure::of_input(&error).into()),
        Err(error) => Err(Stop::Ours(Error::internal(error))),
    }
}

/// What refuses a file: rows that cannot be read, where all must be, and the findings that its owner has named.
fn refuse(report: &IntakeReport, intake: &Intake, source: &Source) -> Result<(), Failure> {
    let must_all = intake.request.on_error == OnError::Fail && intake.request.purpose == Purpose::Predict;
    if let Some(first) = report.problems.first().filter(|_| must_all) {
        let message = format!("Line {}, column {}: {}.", first.line, first.column, first.message);
        return Err(Failure {
            problems: report.problems.clone(),
            ..Failure::new("unreadable_rows", message)
        });
    }
    let refused = report.findings.iter().find(|finding| source.policy.refuse.contains(&finding.kind));
    let Some(finding) = refused else { return Ok(()) };
    let column = finding.column.as_deref().map(|column| format!("{column}: ")).unwrap_or_default();
    let message = format!("{column}{}", finding.message);
    Err(Failure {
        problems: finding.places.clone(),
        ..Failure::new(&format!("contract_{}", finding.kind.as_str()), message)
    })
}

/// A file as an upload sends it.
fn pieces(mut file: File) -> Result<impl Stream<Item = Result<Bytes, Error>> + Send, Stop> {
    let unreadable = |error: std::io::Error| Error::Unavailable {
        dependency: "temporary files",
        detail: error.to_string(),
    };
    file.seek(SeekFrom::Start(0)).map_err(unreadable)?;
    Ok(ReaderStream::with_capacity(tokio::fs::File::from_std(file), PIECE_BYTES).map_err(unreadable))
}
