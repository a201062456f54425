//! The sources of a tenant: made, looked at, changed, tried.

use super::fetch::{Failure, Spool, Unfetched, fetch};
use super::place::{Credentials, Place};
use super::{IntakeRequest, Policy, Purpose, Schedule, Source, db};
use crate::audit_log;
use crate::tenancy::Writer;
use crate::{Access, Error, List, Page, Platform, SourceId, TenantId, TenantTx, services, trainings};
use chrono::Utc;
use serde_json::{Value, json};
use std::time::Duration;
use uuid::Uuid;

/// How many sources a tenant has at most.
const SOURCES_MAX: i64 = 50;
const NAME_CHARACTERS_MAX: usize = 100;
const COLUMN_CHARACTERS_MAX: usize = 200;
const REQUEST_BYTES_MAX: usize = 20_000;
/// How long a try may take; a request has half a minute.
const TEST_TIME_MAX: Duration = Duration::from_secs(20);

/// What sealed credentials are bound to.
const PURPOSE: &str = "source credentials";

/// A new source.
pub struct NewSource {
    /// What its owner calls it.
    pub name: String,
    /// Where it is.
    pub place: Place,
    /// What opens it.
    pub credentials: Credentials,
    /// What is expected of its files.
    pub policy: Policy,
}

/// What is to change about a source; what is not given stays. Another place needs its credentials again, so that
/// nobody has what is sealed sent elsewhere.
#[derive(Default)]
pub struct SourceChange {
    /// Another name.
    pub name: Option<String>,
    /// Another place.
    pub place: Option<Place>,
    /// Other credentials.
    pub credentials: Option<Credentials>,
    /// Another policy.
    pub policy: Option<Policy>,
}

/// What came of a try.
#[derive(Clone, Debug)]
pub enum Tested {
    /// The beginning was read: these are the columns.
    Columns(Vec<String>),
    /// It was not.
    Failed(Failure),
}

/// Makes a source.
///
/// # Errors
/// [`Error::Invalid`] on the field at fault; `too_many_sources`.
pub async fn create(platform: &Platform, access: &Access, new: NewSource) -> Result<Source, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let writer = tx.writer()?;
    new.place.check(platform.sources.allow_private)?;
    new.credentials.check(&new.place)?;
    let mut source = Source {
        id: SourceId::new(),
        tenant: writer.tenant(),
        name: checked_name(&new.name)?,
        place: new.place,
        has_credentials: !new.credentials.is_empty(),
        policy: checked_policy(new.policy)?,
        schedule: None,
        user: None,
        next_at: None,
        created_at: Utc::now(),
    };
    if db::count(tx.connection(), writer.tenant()).await? >= SOURCES_MAX {
        let message = format!("there are {SOURCES_MAX} sources already, and no more than that");
        return Err(Error::conflict("too_many_sources", message));
    }
    let sealed = seal(platform, source.id, &new.credentials)?;
    source.created_at = db::insert(tx.connection(), &source, sealed.as_deref()).await?;
    let detail = json!({ "kind": source.place.kind() });
    write_event(&mut tx, access, writer, "source.created", source.id, detail).await?;
    tx.commit().await?;
    Ok(source)
}

/// One source.
pub async fn get(platform: &Platform, access: &Access, id: SourceId) -> Result<Source, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let tenant = tx.caller().tenant;
    select(&mut tx, tenant, id).await
}

/// The tenant's sources, newest first.
pub async fn list(platform: &Platform, access: &Access, page: &Page) -> Result<List<Source>, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let tenant = tx.caller().tenant;
    let sources = db::select_page(tx.connection(), tenant, page.before_id("sources")?, page.rows()).await?;
    Ok(page.cut("sources", sources, |source| *source.id.0.as_bytes()))
}

/// Changes a source.
///
/// # Errors
/// As [`create`].
pub async fn update(
    platform: &Platform,
    access: &Access,
    id: SourceId,
    change: SourceChange,
) -> Result<Source, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let writer = tx.writer()?;
    let mut source = select(&mut tx, writer.tenant(), id).await?;
    if let Some(name) = &change.name {
        source.name = checked_name(name)?;
    }
    if let Some(policy) = change.policy {
        source.policy = checked_policy(policy)?;
    }
    let is_elsewhere = change.place.as_ref().is_some_and(|place| *place != source.place);
    if let Some(place) = change.place {
        place.check(platform.sources.allow_private)?;
        source.place = place;
    }
    if is_elsewhere && source.has_credentials && change.credentials.is_none() {
        return Err(Error::invalid("credentials", "another place needs its credentials again"));
    }
    let sealed = match &change.credentials {
        Some(credentials) => {
            credentials.check(&source.place)?;
            source.has_credentials = !credentials.is_empty();
            Some(seal(platform, id, credentials)?)
        }
        None => None,
    };
    db::update(tx.connection(), &source, sealed.as_ref().map(Option::as_deref)).await?;
    let detail = json!({ "place_changed": is_elsewhere, "credentials_changed": sealed.is_some() });
    write_event(&mut tx, access, writer, "source.changed", id, detail).await?;
    tx.commit().await?;
    Ok(source)
}

/// Deletes a source with its intakes; what they have ordered stays.
pub async fn delete(platform: &Platform, access: &Access, id: SourceId) -> Result<(), Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let writer = tx.writer()?;
    if !db::delete(tx.connection(), writer.tenant(), id).await? {
        return Err(Error::NotFound("source"));
    }
    write_event(&mut tx, access, writer, "source.deleted", id, Value::Null).await?;
    tx.commit().await
}

/// Has a source ordered from by itself from now on, in the name of the caller; or no longer.
///
/// # Errors
/// [`Error::Invalid`] on the field at fault; [`Error::NotFound`] for a service that is not sold.
pub async fn set_schedule(
    platform: &Platform,
    access: &Access,
    id: SourceId,
    schedule: Option<Schedule>,
) -> Result<Source, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let writer = tx.writer()?;
    let mut source = select(&mut tx, writer.tenant(), id).await?;
    if let Some(schedule) = &schedule {
        schedule.when.check()?;
        check_request(&mut tx, &schedule.request).await?;
    }
    source.next_at = schedule.as_ref().map(|schedule| schedule.when.after(None, Utc::now()));
    source.user = schedule.as_ref().map(|_| writer.user());
    source.schedule = schedule;
    db::set_schedule(tx.connection(), &source).await?;
    let action = if source.schedule.is_some() { "source.scheduled" } else { "source.unscheduled" };
    write_event(&mut tx, access, writer, action, id, Value::Null).await?;
    tx.commit().await?;
    Ok(source)
}

/// Reads the beginning of a source's file, free of charge.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] for a key that may only read. What is wrong with the source is no error.
pub async fn test(platform: &Platform, access: &Access, id: SourceId) -> Result<Tested, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let tenant = tx.writer()?.tenant();
    let source = select(&mut tx, tenant, id).await?;
    let sealed = db::select_credentials(tx.connection(), tenant, id).await?;
    tx.commit().await?;
    let credentials = open(platform, id, sealed.as_deref())?;
    let mut spool = Spool::header(platform);
    let fetching = fetch(platform, &source.place, &credentials, &mut spool);
    let fetched = tokio::time::timeout(TEST_TIME_MAX, fetching).await;
    Ok(match fetched {
        Ok(Ok(()) | Err(Unfetched::Enough)) => match spool.columns() {
            Some(columns) => Tested::Columns(columns),
            // A file of one line shows its header at its end only.
            None => match spool.inspected() {
                Ok(columns) => Tested::Columns(columns),
                Err(failure) => Tested::Failed(failure),
            },
        },
        Ok(Err(Unfetched::Source(failure))) => Tested::Failed(failure),
        Ok(Err(Unfetched::Ours(error))) => return Err(error),
        Err(_) => Tested::Failed(Failure::new("timed_out", "the source did not answer in time")),
    })
}

/// Whether what is to be ordered can be ordered at all.
pub(super) async fn check_request(tx: &mut TenantTx, request: &IntakeRequest) -> Result<(), Error> {
    let written = serde_json::to_string(request).map_err(Error::internal)?;
    // PostgreSQL keeps no NUL, and no order is as long as a book.
    if written.len() > REQUEST_BYTES_MAX || written.contains("\\u0000") {
        return Err(Error::invalid("intake", "this holds a NUL or is longer than 20000 bytes"));
    }
    if let Some(events) = &request.events {
        events.check(tx).await?;
    }
    match request.purpose {
        Purpose::Predict => {
            if request.training.is_some() || request.model.is_some() {
                return Err(Error::invalid("training", "this belongs to the purpose train"));
            }
            request.options.check()?;
            let service = services::db::select(tx.connection(), request.service).await?;
            let service = service.filter(|service| service.active).ok_or(Error::NotFound("service"))?;
            service.price_with(request.options.order_options()).map(|_| ())
        }
        Purpose::Train => {
            let Some(training) = &request.training else {
                return Err(Error::invalid("training", "say what is to be trained"));
            };
            training.options().map_err(|bad| Error::invalid(bad.name, bad.message))?;
            let offer = trainings::select_offer(tx.connection(), request.service).await?;
            offer.filter(|offer| offer.active).map(|_| ()).ok_or(Error::NotFound("training service"))
        }
    }
}

pub(super) async fn select(tx: &mut TenantTx, tenant: TenantId, id: SourceId) -> Result<Source, Error> {
    db::select(tx.connection(), tenant, id).await?.ok_or(Error::NotFound("source"))
}

fn seal(platform: &Platform, id: SourceId, credentials: &Credentials) -> Result<Option<Vec<u8>>, Error> {
    if credentials.is_empty() {
        return Ok(None);
    }
    let plain = serde_json::to_vec(credentials).map_err(Error::internal)?;
    platform.encryption.seal(PURPOSE, id.0, &plain).map(Some)
}

/// Opens what was sealed for a source.
pub(super) fn open(platform: &Platform, id: SourceId, sealed: Option<&[u8]>) -> Result<Credentials, Error> {
    let Some(sealed) = sealed else { return Ok(Credentials::default()) };
    let plain = platform.encryption.open(PURPOSE, id.0, sealed)?;
    // An error of the reading could quote what it reads.
    serde_json::from_slice(&plain)
        .map_err(|_| Error::Internal("sealed credentials cannot be read".to_owned()))
}

fn checked_name(name: &str) -> Result<String, Error> {
    let name = name.trim();
    let length = name.chars().count();
    if length == 0 || length > NAME_CHARACTERS_MAX || name.chars().any(char::is_control) {
        return Err(Error::invalid("name", "a name has 1 to 100 characters on one line"));
    }
    Ok(name.to_owned())
}

fn checked_policy(mut policy: Policy) -> Result<Policy, Error> {
    for (field, column) in [("key", &policy.key), ("date", &policy.date)] {
        let is_bad = |column: &String| {
            column.trim().is_empty()
                || column.chars().count() > COLUMN_CHARACTERS_MAX
                || column.chars().any(char::is_control)
        };
        if column.as_ref().is_some_and(is_bad) {
            return Err(Error::invalid(field, "a column's name has 1 to 200 characters on one line"));
        }
    }
    if policy.date.is_some() != policy.age_days_max.is_some() {
        return Err(Error::invalid("age_days_max", "a column of dates and its greatest age belong together"));
    }
    policy.refuse.sort();
    policy.refuse.dedup();
    Ok(policy)
}

async fn write_event(
    tx: &mut TenantTx,
    access: &Access,
    writer: Writer,
    action: &'static str,
    id: SourceId,
    detail: Value,
) -> Result<(), Error> {
    let subject: Option<Uuid> = Some(id.0);
    let event = audit_log::Event {
        action,
        actor: Some(writer.user()),
        tenant: Some(writer.tenant()),
        subject,
        detail,
        request_id: Some(&access.request_id),
    };
    audit_log::write(tx.connection(), event).await
}
