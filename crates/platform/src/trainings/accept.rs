//! Taking labelled customers in: checked while they stream, stored, and accepted in one transaction.

use super::{Offer, TrainRequest, Training, db, offers, read};
use crate::idempotency::{self, Idempotency, Replayable};
use crate::jobs::{self, JobKind};
use crate::money::count_moved;
use crate::notifications::JOBS_CHANNEL;
use crate::objects::training_input_path;
use crate::orders::{self, Order, OrderOptions, OrderStatus, Ordered};
use crate::retraining::{self, RetrainingStart};
use crate::{
    Access, Credential, Error, FieldProblem, OrderId, Platform, ServiceId, TenantTx, TrainingId, failpoints,
    ids, in_time, sources,
};
use bytes::Bytes;
use chrono::{TimeDelta, Utc};
use futures::{Stream, StreamExt};
use learning::{BadParameter, algorithm_word};
use ledger::Money;
use object_store::buffered::BufWriter;
use scoring::{InputError, Inspector, Limits};
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;

/// How long an upload may take from its training's id on; the sweeper leaves younger files alone.
const UPLOAD_TIME_MAX: TimeDelta = TimeDelta::hours(1);

/// More bytes than this are not trained on: they lie in memory several times over.
const BYTES_MAX: u64 = 256 << 20;
/// A record longer than this is no customer.
const RECORD_BYTES_MAX: usize = 1 << 20;
/// More columns than this are no table of customers.
const COLUMNS_MAX: usize = 10_000;
/// More fits than this are not done within the time of an attempt.
const FITS_MAX: usize = 2_000;

/// What pays for a training.
#[derive(Clone, Copy, Debug)]
pub enum Pay {
    /// An order placed before.
    Order(OrderId),
    /// An order placed together with the acceptance.
    Service(ServiceId),
}

/// What comes with a file of labelled customers.
#[derive(Clone, Debug)]
pub struct TrainingUpload {
    /// What pays for it.
    pub pay: Pay,
    /// The model that gets a version; the algorithm's name where nothing is said.
    pub model_name: Option<String>,
    /// What is asked for.
    pub request: TrainRequest,
    /// What the customer calls the file. Shown, never used as a path.
    pub file_name: String,
    /// The idempotency key; the SHA-256 of the body is filled in here, with the file's.
    pub idempotency: Option<Idempotency>,
    /// The retraining that this is a part of, begun in the same transaction.
    pub retraining: Option<RetrainingStart>,
}

struct Stored {
    training: TrainingId,
    sha256: [u8; 32],
    bytes: u64,
    rows: u64,
}

/// What was agreed before the file was read.
struct Terms {
    offer: Offer,
    model_name: String,
    fits_total: u64,
}

/// Accepts labelled customers for training. Order, parameters and header are checked before the rest is read;
/// whatever is refused leaves the order usable. Once this has answered, the training ends in a version or in a
/// refund.
///
/// # Errors
/// [`Error::Invalid`] for a parameter; [`Error::Input`] where the file is none; `order_already_used`;
/// [`Error::InsufficientFunds`]; [`Error::BacklogFull`] and [`Error::TooManyQueued`] before anything is read;
/// [`Error::BadUpload`] from the stream; the idempotency errors.
pub async fn accept(
    platform: &Platform,
    access: &Access,
    upload: TrainingUpload,
    stream: impl Stream<Item = Result<Bytes, Error>> + Send,
) -> Result<Replayable<Training>, Error> {
    let Some((tenant, terms)) = in_time(agree(platform, access, &upload)).await? else {
        let sha256 = hash_stream(stream).await?;
        return in_time(replay(platform, access, upload, sha256)).await;
    };
    in_time(jobs::refuse_where_full(platform, tenant)).await?;
    let training = TrainingId::new();
    let stored = store(platform, training, &upload.request, &terms, stream).await?;
    failpoints::at("training.stored").await;
    let mut tx = match in_time(TenantTx::begin(platform, access)).await {
        Ok(tx) => tx,
        Err(error) => {
            discard(platform, training).await;
            return Err(error);
        }
    };
    let (value, paid) = match in_time(record(platform, access, &mut tx, upload, terms, &stored)).await {
        Ok(recorded) if recorded.replayed => {
            in_time(tx.commit()).await?;
            discard(platform, training).await;
            return Ok(Replayable::replayed(recorded.value.0));
        }
        Ok(recorded) => recorded.value,
        Err(error) => {
            let refused = tx.finish(Err(error)).await;
            discard(platform, training).await;
            return refused;
        }
    };
    // Whether a commit that fails has happened is unknown: the file stays, and the sweeper deletes it if the
    // training does not exist.
    in_time(tx.commit()).await?;
    failpoints::at("training.accepted").await;
    metrics::counter!("augur_trainings_accepted_total").increment(1);
    if let Some(price) = paid {
        count_moved("debit", price);
    }
    Ok(Replayable::first(value))
}

/// Checks everything that can be known before the file. None where the key has an answer already.
async fn agree(
    platform: &Platform,
    access: &Access,
    upload: &TrainingUpload,
) -> Result<Option<(crate::TenantId, Terms)>, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let writer = tx.writer()?;
    let order = match upload.pay {
        Pay::Order(id) => {
            let order = orders::db::select(tx.connection(), writer.tenant(), id).await?;
            Some(order.ok_or(Error::NotFound("order"))?)
        }
        Pay::Service(_) => None,
    };
    let terms = terms(&mut tx, upload, order.as_ref()).await;
    // Looked up last, as with predictions: the key's first request may commit while these checks run.
    let scope = writer.tenant().0;
    if idempotency::is_answered(tx.connection(), scope, upload.idempotency.as_ref()).await? {
        return Ok(None);
    }
    terms.map(|terms| Some((writer.tenant(), terms)))
}

async fn terms(tx: &mut TenantTx, upload: &TrainingUpload, order: Option<&Order>) -> Result<Terms, Error> {
    let id = match (upload.pay, order) {
        (Pay::Service(id), _) => id,
        (Pay::Order(_), Some(order)) if order.status == OrderStatus::Paid => order.service.id,
        (Pay::Order(_), Some(order)) => return Err(orders::already_used(order.status)),
        (Pay::Order(_), None) => return Err(Error::NotFound("order")),
    };
    let offer = offers::db::select_service(tx.connection(), id).await?;
    let offer = match upload.pay {
        Pay::Service(_) => offer.filter(|offer| offer.active).ok_or(Error::NotFound("training service"))?,
        Pay::Order(_) => {
            offer.ok_or_else(|| Error::conflict("wrong_order", "the order is for no training"))?
        }
    };
    let algorithm = algorithm_word(upload.request.algorithm);
    if !offer.algorithms.iter().any(|offered| offered == algorithm) {
        let message = format!("this service trains {}", offer.algorithms.join(", "));
        return Err(Error::invalid("algorithm", message));
    }
    let options = upload.request.options().map_err(refused)?;
    let fits_total = options.fits().map_err(|error| Error::invalid("parameters", error.to_string()))?;
    if fits_total > FITS_MAX {
        let message = format!("this asks for {fits_total} fits; {FITS_MAX} are done at most");
        return Err(Error::invalid("parameters", message));
    }
    let model_name = checked_model_name(upload.model_name.as_deref().unwrap_or(algorithm))?;
    if let Pay::Service(_) = upload.pay {
        // The debit decides; this spares a customer without money the upload.
        let account = tx.caller().tenant.account();
        let balance = ledger::balance(tx.connection(), account).await?;
        if let Some(missing) = offer.price.shortfall(balance) {
            return Err(Error::InsufficientFunds { missing });
        }
    }
    Ok(Terms { offer, model_name, fits_total: fits_total as u64 })
}

fn checked_model_name(name: &str) -> Result<String, Error> {
    let is_good = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    let fits = (1..=64).contains(&name.len())
        && name.starts_with(is_good)
        && name.chars().all(|letter| is_good(letter) || "_-".contains(letter));
    if !fits {
        let message = "a model's name is 1 to 64 of a-z, 0-9, - and _, the first of them a letter or digit";
        return Err(Error::invalid("model", message));
    }
    Ok(name.to_owned())
}

fn refused(bad: BadParameter) -> Error {
    Error::Invalid(vec![FieldProblem { field: bad.name, message: bad.message }])
}

async fn store(
    platform: &Platform,
    training: TrainingId,
    request: &TrainRequest,
    terms: &Terms,
    stream: impl Stream<Item = Result<Bytes, Error>> + Send,
) -> Result<Stored, Error> {
    let mut writer = platform.objects.writer(&training_input_path(training));
    let stored = match write_inspected(platform, &mut writer, request, terms, stream).await {
        Ok((sha256, bytes, rows)) => match writer.shutdown().await {
            Ok(()) => return Ok(Stored { training, sha256, bytes, rows }),
            Err(error) => Err(Error::Unavailable { dependency: "object store", detail: error.to_string() }),
        },
        Err(error) => {
            writer.abort().await.ok();
            Err(error)
        }
    };
    discard(platform, training).await;
    stored
}

async fn write_inspected(
    platform: &Platform,
    writer: &mut BufWriter,
    request: &TrainRequest,
    terms: &Terms,
    stream: impl Stream<Item = Result<Bytes, Error>> + Send,
) -> Result<([u8; 32], u64, u64), Error> {
    let mut inspector = Inspector::new(Limits {
        bytes_max: platform.limits.upload_bytes_max.min(BYTES_MAX),
        columns_max: COLUMNS_MAX,
        record_bytes_max: RECORD_BYTES_MAX,
    });
    let (mut hasher, mut bytes, mut checked) = (Sha256::new(), 0_u64, false);
    let mut stream = std::pin::pin!(stream);
    while let Some(piece) = stream.next().await {
        let piece = piece?;
        inspector.push(&piece)?;
        if !checked && let Some(header) = inspector.header() {
            request.check_header(header).map_err(refused)?;
            checked = true;
        }
        hasher.update(&piece);
        bytes += piece.len() as u64;
        writer.put(piece).await?;
    }
    let inspection = inspector.finish()?;
    // The header may read differently once the whole file has settled its encoding.
    request.check_header(&inspection.header).map_err(refused)?;
    if inspection.rows > terms.offer.rows_max {
        return Err(Error::Input(InputError {
            code: "too_many_rows",
            message: format!(
                "the file has {} rows; {} are trained on at most",
                inspection.rows, terms.offer.rows_max
            ),
            problems: Vec::new(),
            missing: Vec::new(),
        }));
    }
    Ok((hasher.finalize().into(), bytes, inspection.rows))
}

/// Writes order, training, job and key into the transaction, the key's look-up first and the debit last.
async fn record(
    platform: &Platform,
    access: &Access,
    tx: &mut TenantTx,
    upload: TrainingUpload,
    terms: Terms,
    stored: &Stored,
) -> Result<Replayable<(Training, Option<Money>)>, Error> {
    let writer = tx.writer()?;
    let scope = writer.tenant().0;
    let idempotency = upload.idempotency.clone().map(|key| Idempotency { body_sha256: stored.sha256, ..key });
    if let Some(answer) = idempotency::take(tx.connection(), scope, idempotency.as_ref()).await? {
        let training = db::select(tx.connection(), writer.tenant(), answer).await?;
        return Ok(Replayable::replayed((training.ok_or(Error::NotFound("training"))?, None)));
    }
    if Utc::now() - ids::time_of(stored.training.0) > UPLOAD_TIME_MAX {
        return Err(Error::BadUpload {
            code: "upload_too_slow",
            message: "the upload took more than an hour".to_owned(),
        });
    }
    let (order, placed) = match upload.pay {
        Pay::Order(id) => {
            let (paid, in_use) = (OrderStatus::Paid, OrderStatus::InUse);
            let moved = orders::db::move_status(tx.connection(), writer.tenant(), id, paid, in_use).await?;
            let order = orders::db::select(tx.connection(), writer.tenant(), id).await?;
            let order = order.ok_or(Error::NotFound("order"))?;
            if !moved {
                return Err(orders::already_used(order.status));
            }
            (order, false)
        }
        Pay::Service(id) => {
            // The upload may have taken long: the order is placed now, at the price of now.
            let current = offers::db::select_service(tx.connection(), id).await?.filter(|offer| offer.active);
            let current = current.ok_or(Error::NotFound("training service"))?;
            let (ordered, options) = (Ordered::from(&current), OrderOptions::default());
            let order = orders::begin(tx.connection(), writer, &ordered, options, OrderStatus::InUse);
            (order.await?, true)
        }
    };
    insert(platform, access, tx, &upload, &terms, stored, order.id).await?;
    if let Some(start) = &upload.retraining {
        retraining::begin(tx.connection(), access, writer, start, stored.training, &order).await?;
    }
    if let Credential::Intake(intake) = access.credential {
        sources::attach_training(tx, intake, stored.training).await?;
    }
    idempotency::keep(tx.connection(), scope, idempotency.as_ref(), &stored.training).await?;
    jobs::db::notify(tx.connection(), JOBS_CHANNEL, "").await?;
    let training = db::select(tx.connection(), writer.tenant(), stored.training).await?;
    let training = training.ok_or(Error::NotFound("training"))?;
    if placed {
        orders::debit(tx.connection(), &order).await?;
    }
    Ok(Replayable::first((training, placed.then_some(order.price))))
}

/// Writes the training and its job.
async fn insert(
    platform: &Platform,
    access: &Access,
    tx: &mut TenantTx,
    upload: &TrainingUpload,
    terms: &Terms,
    stored: &Stored,
    order: OrderId,
) -> Result<(), Error> {
    let writer = tx.writer()?;
    let version_number = db::next_version(tx.connection(), writer.tenant(), &terms.model_name).await?;
    let row = db::NewTraining {
        id: stored.training,
        tenant: writer.tenant(),
        order,
        model_name: &terms.model_name,
        version_number,
        algorithm: algorithm_word(upload.request.algorithm),
        parameters: serde_json::to_value(&upload.request).map_err(Error::internal)?,
        prediction_price: terms.offer.prediction_price,
        file_name: &upload.file_name,
        input_bytes: stored.bytes,
        input_sha256: &stored.sha256,
        rows_total: stored.rows,
        rows_max: terms.offer.rows_max,
        fits_total: terms.fits_total,
        retention: platform.limits.retention,
    };
    db::insert(tx.connection(), row).await?;
    let (kind, deadline) = (JobKind::Training, platform.limits.deadline);
    let tenant = writer.tenant();
    jobs::db::insert(tx.connection(), tenant, kind, stored.training.0, deadline, &access.request_id).await
}

async fn hash_stream(stream: impl Stream<Item = Result<Bytes, Error>>) -> Result<[u8; 32], Error> {
    let mut hasher = Sha256::new();
    let mut stream = std::pin::pin!(stream);
    while let Some(piece) = stream.next().await {
        hasher.update(piece?);
    }
    Ok(hasher.finalize().into())
}

async fn replay(
    platform: &Platform,
    access: &Access,
    upload: TrainingUpload,
    sha256: [u8; 32],
) -> Result<Replayable<Training>, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let scope = tx.writer()?.tenant().0;
    let idempotency = upload.idempotency.map(|key| Idempotency { body_sha256: sha256, ..key });
    let answer = idempotency::take(tx.connection(), scope, idempotency.as_ref()).await;
    let answer: Option<TrainingId> = tx.finish(answer).await?;
    // The key had an answer when the upload began; it can only have been forgotten since.
    let id = answer.ok_or(Error::IdempotencyInFlight)?;
    Ok(Replayable::replayed(read::get(platform, access, id).await?))
}

/// Deletes the file of a training that came to nothing. Where that fails, the sweeper does it.
async fn discard(platform: &Platform, training: TrainingId) {
    if let Err(error) = platform.objects.delete(&training_input_path(training)).await {
        tracing::warn!(%error, training_id = %training, "could not delete a refused upload; the sweeper will");
    }
}

#[cfg(test)]
mod tests {
    use super::checked_model_name;

    #[test]
    fn a_models_name_can_be_part_of_an_address() {
        for name in ["a", "churn-2026", "9_lives", &"x".repeat(64)] {
            assert!(checked_model_name(name).is_ok(), "{name}");
        }
        for name in ["", "-a", "A", "two words", "../x", "отток", &"x".repeat(65)] {
            assert!(checked_model_name(name).is_err(), "{name}");
        }
    }
}
