//! What a plan has done: outcomes that a file tells, joined to the customers of its list.
//!
//! The join lives in memory, and nothing of it is kept but sums over the groups.

use super::list::unreadable;
use super::{Answer, Plan, PlanEffect, PlanList, db, list_file, replay};
use crate::idempotency::{self, Idempotency, Replayable};
use crate::monitoring::outcomes::{self, KnownOutcomes, bad_rows};
use crate::{Access, Error, PlanId, Platform, TenantTx, predictions};
use bytes::Bytes;
use futures::{Stream, StreamExt};
use ledger::Money;
use scoring::campaign::{Arm, Group, Spent, Value};
use scoring::{Dialect, OutcomeColumns, OutcomeRow, ScoreError, names, read_outcomes};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs::File;
use std::io::{self, BufReader, Seek};
use tokio::io::AsyncWriteExt;
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

/// The most customers of a list that are joined: each takes about 40 bytes of memory.
const LISTED_MAX: u64 = 2_000_000;

/// How outcomes are to be read.
#[derive(Clone, Debug)]
pub struct OutcomesRequest {
    /// The column that tells customers apart, in the list and in the outcomes.
    pub key: String,
    /// The column that tells who left; found by its name where it is not named.
    pub outcome: Option<String>,
    /// The outcome's value for those who left; without it, words that say so themselves.
    pub positive: Option<String>,
    /// What the campaign has cost, where that is known.
    pub spent: Option<Money>,
    /// The idempotency key; the file's SHA-256 is filled in here.
    pub idempotency: Option<Idempotency>,
}

/// A file of outcomes.
struct Outcomes {
    file: File,
    dialect: Dialect,
    sha256: [u8; 32],
}

/// A customer of the list.
struct Member {
    group: Group,
    millionths: u32,
    value: f32,
    outcome: Known,
}

/// What is known of a customer's outcome.
#[derive(Clone, Copy, PartialEq)]
enum Known {
    Nothing,
    Left,
    Stayed,
    /// Two customers of one key, or two outcomes that contradict each other.
    Ambiguous,
}

/// Measures what a plan has done by the outcomes of its customers. Measuring again replaces what was measured before.
///
/// # Errors
/// Those of [`list_file`]; [`Error::Input`] where the file cannot be read; [`Error::Invalid`] on `key`;
/// `list_too_large`; the idempotency errors; [`Error::BadUpload`] from the stream.
pub async fn measure(
    platform: &Platform,
    access: &Access,
    id: PlanId,
    request: OutcomesRequest,
    stream: impl Stream<Item = Result<Bytes, Error>> + Send,
) -> Result<Replayable<Plan>, Error> {
    TenantTx::begin(platform, access).await?.writer()?;
    // Whose plan it is comes before the file.
    super::get(platform, access, id).await?;
    let sent = spool(platform, stream).await?;
    let key = request.idempotency.clone();
    let key = key.map(|key| Idempotency { body_sha256: sent.sha256, ..key });
    {
        let mut tx = TenantTx::begin(platform, access).await?;
        let scope = tx.writer()?.tenant().0;
        if let Some(answer) = replay(&mut tx, scope, key.as_ref()).await? {
            return Ok(Replayable::replayed(answer));
        }
    }
    let list = measurable_list(platform, access, id).await?;
    let joined = spawn_blocking(move || join(&list, &request, sent));
    let effect = joined.await.map_err(Error::internal)??;
    let mut tx = TenantTx::begin(platform, access).await?;
    let kept = keep(&mut tx, id, &effect, key.as_ref()).await;
    tx.finish(kept).await
}

/// Measures what a plan has done by the outcomes that were sent for its prediction, tied by the key that the
/// prediction was uploaded with. Measuring again replaces what was measured before.
///
/// # Errors
/// Those of [`list_file`]; `no_outcomes`; `list_too_large`; the idempotency errors.
pub async fn measure_by_known(
    platform: &Platform,
    access: &Access,
    id: PlanId,
    spent: Option<Money>,
    idempotency: Option<&Idempotency>,
) -> Result<Replayable<Plan>, Error> {
    {
        let mut tx = TenantTx::begin(platform, access).await?;
        let scope = tx.writer()?.tenant().0;
        if let Some(answer) = replay(&mut tx, scope, idempotency).await? {
            return Ok(Replayable::replayed(answer));
        }
    }
    let plan = super::get(platform, access, id).await?;
    let known = outcomes::known_of(platform, access, plan.prediction).await?;
    let list = measurable_list(platform, access, id).await?;
    let runtime = Handle::current();
    let joined = spawn_blocking(move || join_known(&list, spent, known, &runtime));
    let effect = joined.await.map_err(Error::internal)??;
    let mut tx = TenantTx::begin(platform, access).await?;
    let kept = keep(&mut tx, id, &effect, idempotency).await;
    tx.finish(kept).await
}

/// A plan's list, of not too many customers.
async fn measurable_list(platform: &Platform, access: &Access, id: PlanId) -> Result<PlanList, Error> {
    let list = list_file(platform, access, id).await?;
    if list.plan.figures.plan.listed > LISTED_MAX {
        let message = format!("a list of more than {LISTED_MAX} customers is not measured");
        return Err(Error::conflict("list_too_large", message));
    }
    Ok(list)
}

async fn keep(
    tx: &mut TenantTx,
    id: PlanId,
    effect: &PlanEffect,
    idempotency: Option<&Idempotency>,
) -> Result<Replayable<Plan>, Error> {
    let tenant = tx.writer()?.tenant();
    if let Some(answer) = replay(tx, tenant.0, idempotency).await? {
        return Ok(Replayable::replayed(answer));
    }
    db::update_effect(tx.connection(), tenant, id, effect).await?;
    idempotency::keep(tx.connection(), tenant.0, idempotency, &Answer { plan: id }).await?;
    let plan = db::select(tx.connection(), tenant, id).await?;
    Ok(Replayable::first(plan.ok_or(Error::NotFound("plan"))?))
}

/// Writes the file to a temporary one without a name, and finds out how it is written.
async fn spool(
    platform: &Platform,
    stream: impl Stream<Item = Result<Bytes, Error>> + Send,
) -> Result<Outcomes, Error> {
    let file = spawn_blocking(tempfile::tempfile).await.map_err(Error::internal)?.map_err(unreadable)?;
    let mut writer = tokio::fs::File::from_std(file);
    let (mut inspector, mut hasher) = (predictions::inspector(platform), Sha256::new());
    let mut stream = std::pin::pin!(stream);
    while let Some(piece) = stream.next().await {
        let piece = piece?;
        inspector.push(&piece)?;
        hasher.update(&piece);
        writer.write_all(&piece).await.map_err(unreadable)?;
    }
    writer.flush().await.map_err(unreadable)?;
    let inspection = inspector.finish()?;
    let mut file = writer.into_std().await;
    file.rewind().map_err(unreadable)?;
    Ok(Outcomes { file, dialect: inspection.dialect, sha256: hasher.finalize().into() })
}

/// Joins outcomes and list, and adds the groups up.
fn join(list: &PlanList, request: &OutcomesRequest, outcomes: Outcomes) -> Result<PlanEffect, Error> {
    let position = position(list, &request.key)?;
    let mut members = members(list, position, hash_of).map_err(unreadable)?;
    let mut unlisted = 0;
    let columns = OutcomeColumns {
        key: &request.key,
        outcome: request.outcome.as_deref(),
        date: None,
        positive: request.positive.as_deref(),
    };
    let mut learn = |row: OutcomeRow| match members.get_mut(&hash_of(row.key)) {
        None => unlisted += 1,
        Some(member) => member.learn(row.has_left),
    };
    let input = BufReader::new(outcomes.file);
    // Nothing but the list lies in memory, so that any number of rows may be read.
    match read_outcomes(&outcomes.dialect, &columns, input, u64::MAX, &mut learn) {
        Err(ScoreError::Input(error)) => return Err(Error::Input(error)),
        Err(error) => return Err(Error::internal(error)),
        Ok(read) if read.problem_count > 0 => return Err(bad_rows(read.problems, read.problem_count)),
        Ok(_) => {}
    }
    Ok(summed(list, request.spent, members.into_values(), unlisted))
}

/// Joins what is known of the prediction's customers and the list.
fn join_known(
    list: &PlanList,
    spent: Option<Money>,
    known: KnownOutcomes,
    runtime: &Handle,
) -> Result<PlanEffect, Error> {
    let (position, hasher) = (position(list, &known.key_column)?, known.hasher.clone());
    let mut members =
        members(list, position, |key| u128::from_be_bytes(hasher.hash(key))).map_err(unreadable)?;
    let mut unlisted = 0;
    let read = known.each(runtime, |hash, has_left| match members.get_mut(&u128::from_be_bytes(*hash)) {
        None => unlisted += 1,
        Some(member) => member.learn(has_left),
    });
    read.map_err(|error| Error::Unavailable { dependency: "object store", detail: error.to_string() })?;
    Ok(summed(list, spent, members.into_values(), unlisted))
}

/// The column of the list that tells customers apart.
fn position(list: &PlanList, key: &str) -> Result<usize, Error> {
    let is_key = |column: &String| names::key(column) == names::key(key);
    let position = list.ranking.columns().iter().position(is_key);
    position.ok_or_else(|| Error::invalid("key", "the list has no column of this name"))
}

fn members(
    list: &PlanList,
    position: usize,
    hash: impl Fn(&[u8]) -> u128,
) -> io::Result<HashMap<u128, Member>> {
    let mut members = HashMap::new();
    list.contacts().each(|customer| {
        let member = Member {
            group: customer.group,
            millionths: customer.candidate.millionths,
            // As precise as a value is kept in the order of the list.
            value: customer.candidate.value as f32,
            outcome: Known::Nothing,
        };
        match members.entry(hash(customer.cell(position).trim_ascii())) {
            Entry::Vacant(vacant) => {
                vacant.insert(member);
            }
            Entry::Occupied(mut other) => other.get_mut().outcome = Known::Ambiguous,
        }
        Ok(())
    })?;
    Ok(members)
}

/// A key's value in few bytes; two of two million customers share it by a chance of 10^-26.
fn hash_of(key: &[u8]) -> u128 {
    let digest: [u8; 32] = Sha256::digest(key).into();
    let [high, ..] = *digest.as_chunks().0 else { return 0 };
    u128::from_be_bytes(high)
}

impl Member {
    fn learn(&mut self, has_left: bool) {
        let told = if has_left { Known::Left } else { Known::Stayed };
        self.outcome = match self.outcome {
            Known::Nothing => told,
            known if known == told => told,
            _ => Known::Ambiguous,
        };
    }
}

fn summed(
    list: &PlanList,
    spent: Option<Money>,
    members: impl Iterator<Item = Member>,
    unlisted: u64,
) -> PlanEffect {
    let (mut contact, mut control) = (Arm::default(), Arm::default());
    let (mut unknown, mut ambiguous) = ([0, 0], 0);
    for member in members {
        let (arm, place) = match member.group {
            Group::Contact => (&mut contact, 0),
            Group::Control => (&mut control, 1),
        };
        let mut count = |has_left| {
            arm.count(has_left, f64::from(member.millionths) / 1e6, f64::from(member.value));
        };
        match member.outcome {
            Known::Nothing => unknown[place] += 1,
            Known::Ambiguous => ambiguous += 1,
            Known::Left => count(true),
            Known::Stayed => count(false),
        }
    }
    let (plan, terms) = (&list.plan.figures.plan, &list.plan.terms);
    let value = match (terms.value, terms.value_units) {
        (Some(value), _) => Some(Value::Same(value)),
        (None, Some(_)) => Some(Value::OfEach),
        (None, None) => None,
    };
    let spent = match (spent, &plan.money) {
        (Some(spent), _) => Spent::Stated(spent.minor_units()),
        // Whoever's outcome is not known has cost as well, but brings nothing to this comparison.
        (None, Some(money)) if plan.contacts > 0 => {
            let share = contact.customers as f64 / plan.contacts as f64;
            Spent::Planned((money.cost as f64 * share).round() as i64)
        }
        (None, _) => Spent::Planned(0),
    };
    let effect = scoring::campaign::measure(&contact, &control, value, spent);
    PlanEffect { contact, control, effect, unknown, ambiguous, unlisted }
}
