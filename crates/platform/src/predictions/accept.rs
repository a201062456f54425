//! Taking a file in: checked while it streams, stored, and accepted in one transaction.

use super::{Prediction, PredictionOptions, PredictionStatus, db, read};
use crate::idempotency::{self, Idempotency, Replayable};
use crate::jobs::{self, JobKind};
use crate::money::count_moved;
use crate::notifications::JOBS_CHANNEL;
use crate::objects::input_path;
use crate::orders::{self, Order, OrderStatus};
use crate::services::{self, Service};
use crate::{
    Access, Credential, Error, OrderId, Platform, PredictionId, ServiceId, TenantId, TenantTx, failpoints,
    ids, in_time, models, sources,
};
use bytes::Bytes;
use chrono::{TimeDelta, Utc};
use futures::{Stream, StreamExt};
use ledger::Money;
use object_store::buffered::BufWriter;
use scoring::monitoring::column_of;
use scoring::{Inspection, Inspector, Limits, Manifest, OnError, Schema, match_columns};
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;

/// How long an upload may take from its prediction's id on; the sweeper leaves younger files alone.
const UPLOAD_TIME_MAX: TimeDelta = TimeDelta::hours(1);

/// A record longer than this is no customer.
const RECORD_BYTES_MAX: usize = 1 << 20;

/// More columns than this are no table of customers.
const COLUMNS_MAX: usize = 10_000;

/// What pays for an upload.
#[derive(Clone, Copy, Debug)]
pub enum Target {
    /// An order placed before.
    Order(OrderId),
    /// An order placed together with the acceptance.
    Service(ServiceId),
}

/// What comes with a file.
#[derive(Clone, Debug)]
pub struct Upload {
    /// What pays for it.
    pub target: Target,
    /// What the customer calls it. Shown, never used as a path.
    pub file_name: String,
    /// What becomes of customers who cannot be scored.
    pub on_error: OnError,
    /// What is asked for beside the plain result.
    pub options: PredictionOptions,
    /// The idempotency key; the SHA-256 of the body is filled in here, with the file's.
    pub idempotency: Option<Idempotency>,
}

/// A file that lies in the object store.
struct Stored {
    prediction: PredictionId,
    sha256: [u8; 32],
    bytes: u64,
    inspection: Inspection,
}

/// What an upload will be scored with.
struct Terms {
    tenant: TenantId,
    service: Service,
    schema: Schema,
}

/// Accepts a customers' file for scoring.
///
/// Order and header are checked before the rest is read; whatever is refused leaves the order
/// usable. Once this has answered, the prediction ends in a result or in a refund.
///
/// # Errors
/// [`Error::Input`] where the file cannot be scored; `order_already_used`; [`Error::InsufficientFunds`];
/// [`Error::BacklogFull`] and [`Error::TooManyQueued`] before anything is read;
/// [`Error::BadUpload`] from the stream; the idempotency errors.
pub async fn accept(
    platform: &Platform,
    access: &Access,
    upload: Upload,
    stream: impl Stream<Item = Result<Bytes, Error>> + Send,
) -> Result<Replayable<Prediction>, Error> {
    upload.options.check()?;
    let Some(terms) = in_time(agree(platform, access, &upload)).await? else {
        let sha256 = hash_stream(stream).await?;
        return in_time(replay(platform, access, upload, sha256)).await;
    };
    in_time(jobs::refuse_where_full(platform, terms.tenant)).await?;
    let prediction = PredictionId::new();
    let key = upload.options.key.as_deref();
    let stored = store(platform, prediction, (&terms.schema, key), stream).await?;
    failpoints::at("accept.stored").await;
    let mut tx = match in_time(TenantTx::begin(platform, access)).await {
        Ok(tx) => tx,
        Err(error) => {
            discard(platform, prediction).await;
            return Err(error);
        }
    };
    let recorded = in_time(record(platform, access, &mut tx, upload, &terms.service, &stored)).await;
    let recorded = match recorded {
        Ok(recorded) => recorded,
        Err(error) => {
            let refused = tx.finish(Err(error)).await;
            discard(platform, prediction).await;
            return refused;
        }
    };
    let paid = recorded.value.1;
    if recorded.replayed {
        // Ended before the answer: whoever asks once more finds the key free.
        in_time(tx.commit()).await?;
        discard(platform, prediction).await;
    } else {
        // Whether a commit that fails has happened is unknown: the file stays, and the sweeper
        // deletes it if the prediction does not exist.
        failpoints::at("accept.recorded").await;
        in_time(tx.commit()).await?;
        failpoints::at("accept.committed").await;
        metrics::counter!("augur_predictions_accepted_total").increment(1);
        if let Some(price) = paid {
            count_moved("debit", price);
        }
    }
    Ok(Replayable { value: recorded.value.0, replayed: recorded.replayed })
}

/// What a file is checked against, free of charge: a service that can be ordered, and what its model says of the
/// columns that it reads. Whoever has the file reads it.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] for a read-only API key.
pub async fn check(
    platform: &Platform,
    access: &Access,
    service: ServiceId,
) -> Result<(Service, Manifest), Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    tx.writer()?;
    let service = services::db::select(tx.connection(), service)
        .await?
        .filter(|service| service.active)
        .ok_or(Error::NotFound("service"))?;
    let manifest = manifest_of(&mut tx, &service).await?;
    Ok((service, manifest))
}

/// An inspector with this installation's limits, for whoever reads customers' files.
pub fn inspector(platform: &Platform) -> Inspector {
    Inspector::new(Limits {
        bytes_max: platform.limits.upload_bytes_max,
        columns_max: COLUMNS_MAX,
        record_bytes_max: RECORD_BYTES_MAX,
    })
}

/// Checks everything that can be known before the file. None where the key has an answer already:
/// then only whose order it is counts, and the file is read for its hash alone.
async fn agree(platform: &Platform, access: &Access, upload: &Upload) -> Result<Option<Terms>, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let writer = tx.writer()?;
    let order = match upload.target {
        Target::Order(id) => {
            let order = orders::db::select(tx.connection(), writer.tenant(), id).await?;
            Some(order.ok_or(Error::NotFound("order"))?)
        }
        Target::Service(_) => None,
    };
    let terms = terms(&mut tx, upload, order.as_ref()).await;
    // Looked up last: where the key's first request commits while these checks run, they see what it
    // has used and paid, and its answer counts instead of their refusal.
    let scope = writer.tenant().0;
    if idempotency::is_answered(tx.connection(), scope, upload.idempotency.as_ref()).await? {
        return Ok(None);
    }
    terms.map(Some)
}

/// What the file will be scored with, where its order can be used or placed.
async fn terms(tx: &mut TenantTx, upload: &Upload, order: Option<&Order>) -> Result<Terms, Error> {
    let (target, options) = (upload.target, &upload.options);
    let id = match (target, order) {
        (Target::Service(id), _) => id,
        (Target::Order(_), Some(order)) if order.status == OrderStatus::Paid => {
            options.of_order(&order.options)?;
            order.service.id
        }
        (Target::Order(_), Some(order)) => return Err(orders::already_used(order.status)),
        (Target::Order(_), None) => return Err(Error::NotFound("order")),
    };
    let service = services::db::select(tx.connection(), id).await?;
    let service = match target {
        Target::Service(_) => service.ok_or(Error::NotFound("service"))?,
        Target::Order(_) => {
            service.ok_or_else(|| Error::conflict("wrong_order", "the order is for a training"))?
        }
    };
    if let Target::Service(_) = target {
        if !service.active {
            return Err(Error::NotFound("service"));
        }
        // The debit decides; this spares a customer without money the upload.
        let account = tx.caller().tenant.account();
        let balance = ledger::balance(tx.connection(), account).await?;
        if let Some(missing) = service.price_with(options.order_options())?.shortfall(balance) {
            return Err(Error::InsufficientFunds { missing });
        }
    }
    let schema = manifest_of(tx, &service).await?.schema;
    Ok(Terms { tenant: tx.caller().tenant, service, schema })
}

async fn manifest_of(tx: &mut TenantTx, service: &Service) -> Result<Manifest, Error> {
    let version = models::select_version(tx.connection(), service.model_version)
        .await?
        .ok_or(Error::NotFound("model version"))?;
    serde_json::from_value(version.manifest).map_err(Error::internal)
}

async fn store(
    platform: &Platform,
    prediction: PredictionId,
    wanted: (&Schema, Option<&str>),
    stream: impl Stream<Item = Result<Bytes, Error>> + Send,
) -> Result<Stored, Error> {
    let mut writer = platform.objects.writer(&input_path(prediction));
    let stored = match write_inspected(platform, &mut writer, wanted, stream).await {
        // Once it was told to finish, a writer must not be told to drop what it has.
        Ok((sha256, bytes, inspection)) => match writer.shutdown().await {
            Ok(()) => return Ok(Stored { prediction, sha256, bytes, inspection }),
            Err(error) => Err(Error::Unavailable { dependency: "object store", detail: error.to_string() }),
        },
        Err(error) => {
            // What was not finished is dropped by the store.
            writer.abort().await.ok();
            Err(error)
        }
    };
    discard(platform, prediction).await;
    stored
}

async fn write_inspected(
    platform: &Platform,
    writer: &mut BufWriter,
    wanted: (&Schema, Option<&str>),
    stream: impl Stream<Item = Result<Bytes, Error>> + Send,
) -> Result<([u8; 32], u64, Inspection), Error> {
    let mut inspector = inspector(platform);
    let (mut hasher, mut bytes, mut matched) = (Sha256::new(), 0_u64, false);
    let mut stream = std::pin::pin!(stream);
    while let Some(piece) = stream.next().await {
        let piece = piece?;
        inspector.push(&piece)?;
        if !matched && let Some(header) = inspector.header() {
            check_header(header, wanted)?;
            matched = true;
        }
        hasher.update(&piece);
        bytes += piece.len() as u64;
        writer.put(piece).await?;
    }
    let inspection = inspector.finish()?;
    // The header may read differently once the whole file has settled its encoding.
    check_header(&inspection.header, wanted)?;
    Ok((hasher.finalize().into(), bytes, inspection))
}

/// A header has the columns that the model needs, and the key that was named.
fn check_header(header: &[String], (schema, key): (&Schema, Option<&str>)) -> Result<(), Error> {
    match_columns(header, schema)?;
    if let Some(key) = key {
        column_of(header, key)?;
    }
    Ok(())
}

/// Writes order, prediction, job and key into the transaction, the key's look-up first and the
/// debit last. The value is the prediction that the key names, new or not, and what was paid just
/// now.
async fn record(
    platform: &Platform,
    access: &Access,
    tx: &mut TenantTx,
    upload: Upload,
    service: &Service,
    stored: &Stored,
) -> Result<Replayable<(Prediction, Option<Money>)>, Error> {
    let writer = tx.writer()?;
    let scope = writer.tenant().0;
    let idempotency = upload.idempotency.clone();
    let idempotency = idempotency.map(|key| Idempotency { body_sha256: stored.sha256, ..key });
    if let Some(answer) = idempotency::take(tx.connection(), scope, idempotency.as_ref()).await? {
        let prediction = db::select(tx.connection(), writer.tenant(), answer).await?;
        return Ok(Replayable::replayed((prediction.ok_or(Error::NotFound("prediction"))?, None)));
    }
    if Utc::now() - ids::time_of(stored.prediction.0) > UPLOAD_TIME_MAX {
        return Err(Error::BadUpload {
            code: "upload_too_slow",
            message: "the upload took more than an hour".to_owned(),
        });
    }
    let (order, placed) = match upload.target {
        Target::Order(id) => {
            let (paid, in_use) = (OrderStatus::Paid, OrderStatus::InUse);
            let moved = orders::db::move_status(tx.connection(), writer.tenant(), id, paid, in_use).await?;
            let order = orders::db::select(tx.connection(), writer.tenant(), id).await?;
            let order = order.ok_or(Error::NotFound("order"))?;
            if !moved {
                return Err(orders::already_used(order.status));
            }
            (order, false)
        }
        Target::Service(id) => {
            // The upload may have taken long: the order is placed now, at the price of now.
            let current = services::db::select(tx.connection(), id).await?.filter(|service| service.active);
            let current = current.ok_or(Error::NotFound("service"))?;
            let options = upload.options.order_options();
            let sold = (&current).into();
            let order = orders::begin(tx.connection(), writer, &sold, options, OrderStatus::InUse);
            (order.await?, true)
        }
    };
    insert(platform, access, tx, &order, service, stored, &upload).await?;
    if let Credential::Intake(intake) = access.credential {
        sources::attach_prediction(tx, intake, stored.prediction).await?;
    }
    idempotency::keep(tx.connection(), scope, idempotency.as_ref(), &stored.prediction).await?;
    jobs::db::notify(tx.connection(), JOBS_CHANNEL, "").await?;
    // Read before the commit: once it is durable, nothing may stand between it and the answer.
    let prediction = db::select(tx.connection(), writer.tenant(), stored.prediction).await?;
    let prediction = prediction.ok_or(Error::NotFound("prediction"))?;
    if placed {
        orders::debit(tx.connection(), &order).await?;
    }
    Ok(Replayable::first((prediction, placed.then_some(order.price))))
}

async fn insert(
    platform: &Platform,
    access: &Access,
    tx: &mut TenantTx,
    order: &Order,
    service: &Service,
    stored: &Stored,
    upload: &Upload,
) -> Result<(), Error> {
    let options = upload.options.of_order(&order.options)?;
    let row = db::NewPrediction {
        id: stored.prediction,
        tenant: order.tenant,
        order: order.id,
        model_version: service.model_version,
        file_name: &upload.file_name,
        on_error: upload.on_error,
        options: &options,
        dialect: serde_json::to_value(&stored.inspection.dialect).map_err(Error::internal)?,
        input_bytes: stored.bytes,
        input_sha256: &stored.sha256,
        rows_total: stored.inspection.rows,
        rows_max: service.rows_max,
        status: PredictionStatus::Queued,
        retention: platform.limits.retention,
    };
    db::insert(tx.connection(), row).await?;
    let deadline = platform.limits.deadline;
    let kind = JobKind::Prediction;
    jobs::db::insert(tx.connection(), order.tenant, kind, stored.prediction.0, deadline, &access.request_id)
        .await
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
    upload: Upload,
    sha256: [u8; 32],
) -> Result<Replayable<Prediction>, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let scope = tx.writer()?.tenant().0;
    let idempotency = upload.idempotency.map(|key| Idempotency { body_sha256: sha256, ..key });
    let answer = idempotency::take(tx.connection(), scope, idempotency.as_ref()).await;
    let answer: Option<PredictionId> = tx.finish(answer).await?;
    // The key had an answer when the upload began; it can only have been forgotten since.
    let id = answer.ok_or(Error::IdempotencyInFlight)?;
    Ok(Replayable::replayed(read::get(platform, access, id).await?))
}

/// Deletes the file of a prediction that came to nothing. Where that fails, the sweeper does it.
async fn discard(platform: &Platform, prediction: PredictionId) {
    if let Err(error) = platform.objects.delete(&input_path(prediction)).await {
        tracing::warn!(%error, prediction_id = %prediction, "could not delete a refused upload; the sweeper will");
    }
}
