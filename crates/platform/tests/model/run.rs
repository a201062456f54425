//! Runs a case on the real platform and compares what it answers and leaves with the model.

use std::collections::HashMap;

use bytes::Bytes;
use futures::future::join_all;
use ledger::{Kind, Money};
use platform::jobs::{self, Claim, JobKind};
use platform::money::{Deposit, Recipient};
use platform::objects::result_path;
use platform::orders::{OrderFilter, OrderStatus};
use platform::predictions::{
    self, Outcome as Ended, PredictionError, PredictionOptions, ResultFile, Settled, Target, Upload,
};
use platform::{Error, Idempotency, JobId, OrderId, Page, PredictionId, Replayable};
use scoring::{OnError, Summary};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::account::{Account, Answer, Movement, Outcome};
use crate::operations::{Case, Number, Operation, Request};
use crate::system::{Owner, System};

/// A table of one row, as was paid for.
const RESULT: &[u8] = b"rows\n1\n";
/// As much as a list gives at a time; no case makes more.
const PAGE: Page = Page { limit: 100, cursor: None };

/// An account under test, from one case to the next.
pub struct Tested {
    owner: Owner,
    balance: i64,
    sequence: i64,
    newest_order: Option<OrderId>,
}

/// What a real call answered, before its ids are put into the case's terms.
enum Real {
    Answer(Answer),
    Deposited(Replayable<ledger::Transaction>),
    Order(Replayable<platform::orders::Order>),
    Prediction(Box<Replayable<predictions::Prediction>>),
    Immediate(Replayable<predictions::Immediate>),
}

/// One run of a case.
struct Run<'a> {
    system: &'a System,
    owner: &'a Owner,
    /// Apart from those of every other run.
    keys: Uuid,
    orders: HashMap<OrderId, Number>,
}

impl Tested {
    /// A new account.
    pub async fn open(system: &System) -> Tested {
        Tested { owner: system.owner().await, balance: 0, sequence: 0, newest_order: None }
    }

    /// A new account with this balance.
    pub async fn with_balance(system: &System, balance: i64) -> Tested {
        let tested = Tested::open(system).await;
        if balance == 0 {
            return tested;
        }
        system.deposit(&tested.owner, balance).await.expect("a deposit");
        Tested { balance, sequence: 1, ..tested }
    }

    /// What the account holds.
    pub fn balance(&self) -> i64 {
        self.balance
    }

    /// Runs a case; tells where the platform did what no serial order of the case explains.
    pub async fn run(&mut self, system: &System, case: &Case) -> Result<(), String> {
        let mut run = Run { system, owner: &self.owner, keys: Uuid::new_v4(), orders: HashMap::new() };
        let mut possible = vec![Account::new(self.balance, self.sequence)];
        for group in &case.groups {
            possible = run.explained(group, &possible).await?;
        }
        for request in possible[0].endings() {
            let ending = Operation { number: Number::MAX, key: None, request };
            possible = run.explained(&[ending], &possible).await?;
        }
        let orders = run.orders;
        self.compare(system, &orders, &possible).await
    }

    /// Reads balance, history and orders, and finds them in one of the possible accounts.
    async fn compare(
        &mut self,
        system: &System,
        numbers: &HashMap<OrderId, Number>,
        possible: &[Account],
    ) -> Result<(), String> {
        let access = &self.owner.access;
        let failed = |error: Error| format!("the account could not be read: {error}");
        let balance = platform::money::balance(&system.platform, access).await.map_err(failed)?;
        let history = platform::money::transactions(&system.platform, access, &PAGE).await.map_err(failed)?;
        let mut movements: Vec<Movement> = Vec::new();
        let mut sequence = self.sequence;
        for line in history.data.iter().filter(|line| line.sequence > self.sequence).rev() {
            sequence += 1;
            if line.sequence != sequence {
                return Err(format!("transaction {} where {sequence} follows", line.sequence));
            }
            movements.push(Movement {
                kind: kind_of(line.kind),
                amount: line.amount.minor_units(),
                balance_after: line.balance_after.minor_units(),
                order: line.order_id.map(|order| numbers.get(&order).copied().unwrap_or(Number::MAX)),
            });
        }
        let list = platform::orders::list(&system.platform, access, OrderFilter::default(), &PAGE)
            .await
            .map_err(failed)?;
        let new = list.data.iter().take_while(|order| Some(order.id) != self.newest_order);
        let mut orders: Vec<(Number, i64, &str)> = new
            .map(|order| {
                let number = numbers.get(&order.id).copied().unwrap_or(Number::MAX);
                (number, order.price.minor_units(), word(order.status))
            })
            .collect();
        orders.sort_unstable();
        let is_this = |account: &&Account| {
            let mut expected: Vec<(Number, i64, &str)> =
                account.orders.iter().map(|order| (order.number, order.price, order.status)).collect();
            expected.sort_unstable();
            (account.balance, account.sequence) == (balance.minor_units(), sequence)
                && account.movements == movements
                && expected == orders
        };
        if !possible.iter().any(|account| is_this(&account)) {
            return Err(format!(
                "balance {balance}, transactions {movements:#?}, orders {orders:?}\nwhere the model has {:#?}",
                possible[0]
            ));
        }
        (self.balance, self.sequence) = (balance.minor_units(), sequence);
        self.newest_order = list.data.first().map(|order| order.id);
        Ok(())
    }
}

/// The accounts that some serial order of the group leads to with just these answers.
fn explanations(possible: &[Account], group: &[Operation], seen: &[Outcome]) -> Vec<Account> {
    let mut found = Vec::new();
    let mut left: Vec<usize> = Vec::new();
    for (place, outcome) in seen.iter().enumerate() {
        // A key that another call holds at the moment is refused, and may be said by nobody else.
        let in_flight = *outcome == Outcome::Refused("idempotency_in_flight".to_owned());
        let is_shared = |other: usize| {
            other != place
                && group[other].key == group[place].key
                && group[other].request.is_administrators() == group[place].request.is_administrators()
        };
        if !(in_flight && group[place].key.is_some() && (0..group.len()).any(is_shared)) {
            left.push(place);
        }
    }
    for account in possible {
        explain(account, group, seen, &left, &mut found);
    }
    found
}

fn explain(
    account: &Account,
    group: &[Operation],
    seen: &[Outcome],
    left: &[usize],
    found: &mut Vec<Account>,
) {
    if left.is_empty() {
        if !found.contains(account) {
            found.push(account.clone());
        }
        return;
    }
    for &next in left {
        let mut after = account.clone();
        if after.apply(&group[next]) == seen[next] {
            let rest: Vec<usize> = left.iter().copied().filter(|&place| place != next).collect();
            explain(&after, group, seen, &rest, found);
        }
    }
}

impl Run<'_> {
    /// Runs a group at once; gives the accounts that the answers leave possible, or tells that none is.
    async fn explained(&mut self, group: &[Operation], possible: &[Account]) -> Result<Vec<Account>, String> {
        let seen = self.together(group).await;
        let next = explanations(possible, group, &seen);
        if !next.is_empty() {
            return Ok(next);
        }
        let shown = group.iter().zip(&seen).map(|(one, seen)| format!("  {one:?}\n    {seen:?}\n"));
        let shown: String = shown.collect();
        Err(format!("no order of these explains the answers:\n{shown}from {:#?}", possible[0]))
    }

    /// Runs a group at once, and puts the answers into the case's terms.
    async fn together(&mut self, group: &[Operation]) -> Vec<Outcome> {
        let answers = {
            let run = &*self;
            join_all(group.iter().map(|operation| run.call(operation))).await
        };
        for (operation, answer) in group.iter().zip(&answers) {
            let made = match answer {
                Ok(Real::Order(order)) if !order.replayed => Some(order.value.id),
                Ok(Real::Prediction(prediction)) if !prediction.replayed => Some(prediction.value.order),
                Ok(Real::Immediate(immediate)) if !immediate.replayed => Some(immediate.value.order),
                _ => None,
            };
            if let Some(id) = made {
                self.orders.entry(id).or_insert(operation.number);
            }
        }
        answers.into_iter().map(|answer| self.translated(answer)).collect()
    }

    fn translated(&self, answer: Result<Real, Error>) -> Outcome {
        let number = |id: &OrderId| self.orders.get(id).copied().unwrap_or(Number::MAX);
        let (answer, replayed) = match answer {
            Err(error) => return Outcome::Refused(code(&error)),
            Ok(Real::Answer(answer)) => (answer, false),
            Ok(Real::Deposited(Replayable { value, replayed })) => {
                let balance_after = value.balance_after.minor_units();
                (Answer::Deposited { sequence: value.sequence, balance_after }, replayed)
            }
            Ok(Real::Order(Replayable { value, replayed })) => {
                (Answer::Order { order: number(&value.id), status: word(value.status) }, replayed)
            }
            Ok(Real::Prediction(prediction)) => {
                let Replayable { value, replayed } = *prediction;
                (Answer::Prediction { order: number(&value.order) }, replayed)
            }
            Ok(Real::Immediate(Replayable { value, replayed })) => {
                (Answer::Immediate { order: number(&value.order) }, replayed)
            }
        };
        if replayed { Outcome::Replayed(answer) } else { Outcome::Done(answer) }
    }

    async fn call(&self, operation: &Operation) -> Result<Real, Error> {
        let (platform, access, admin) = (&self.system.platform, &self.owner.access, &self.system.admin);
        let key = operation.key.map(|key| self.idempotency(key, operation.request));
        let key = key.as_ref();
        Ok(match operation.request {
            Request::Deposit { amount } => {
                let recipient = Recipient::Tenant(self.owner.tenant);
                let amount = Money::from_minor_units(amount)?;
                let deposit = Deposit { recipient, amount, note: None };
                Real::Deposited(platform::money::deposit(platform, admin, deposit, key).await?)
            }
            Request::Place { service } => {
                let service = self.system.services[service];
                Real::Order(
                    platform::orders::place(platform, access, service, Default::default(), key).await?,
                )
            }
            Request::Cancel { order } => {
                Real::Order(platform::orders::cancel(platform, access, self.order(order), key).await?)
            }
            Request::Refund { order } => {
                let order = self.order(order);
                Real::Order(platform::orders::refund(platform, admin, order, "a test", key).await?)
            }
            Request::Upload { order, file } => {
                self.upload(Target::Order(self.order(order)), file, key.cloned()).await?
            }
            Request::UploadTo { service, file } => {
                self.upload(Target::Service(self.system.services[service]), file, key.cloned()).await?
            }
            Request::Predict { service } => {
                let customers = vec![self.system.customer.clone()];
                let service = self.system.services[service];
                Real::Immediate(
                    predictions::predict(platform, access, service, customers, Default::default(), key)
                        .await?,
                )
            }
            Request::Balance => {
                Real::Answer(Answer::Balance(platform::money::balance(platform, access).await?.minor_units()))
            }
            work => Real::Answer(self.work(work).await?),
        })
    }

    async fn upload(&self, target: Target, file: u8, key: Option<Idempotency>) -> Result<Real, Error> {
        let content = self.system.files[usize::from(file)].clone();
        let upload = Upload {
            target,
            file_name: "customers.csv".to_owned(),
            on_error: OnError::Fail,
            options: PredictionOptions::default(),
            idempotency: key,
        };
        let stream = futures::stream::iter([Ok(content)]);
        let accepted = predictions::accept(&self.system.platform, &self.owner.access, upload, stream).await?;
        Ok(Real::Prediction(Box::new(accepted)))
    }

    /// A worker's step.
    async fn work(&self, request: Request) -> Result<Answer, Error> {
        let platform = &self.system.platform;
        Ok(match request {
            Request::Claim { order } => {
                let Some((job, _)) = self.job(order).await else { return Ok(Answer::NotClaimed) };
                let claim = jobs::claim(platform, job, "a worker").await?;
                claim.map_or(Answer::NotClaimed, |claim| Answer::Claimed { attempt: claim.attempt })
            }
            Request::Settle { order, attempt, succeeded } => {
                let Some(claim) = self.claim(order, attempt).await else { return Ok(Answer::Nothing) };
                Answer::Settled { mine: self.settle(&claim, succeeded).await? == Settled::Mine }
            }
            Request::Release { order, attempt } => {
                if let Some(claim) = self.claim(order, attempt).await {
                    jobs::release(platform, &claim).await?;
                }
                Answer::Nothing
            }
            Request::FailAttempt { order, attempt } => {
                if let Some(claim) = self.claim(order, attempt).await {
                    jobs::fail_attempt(platform, &claim).await?;
                }
                Answer::Nothing
            }
            Request::Renew { order, attempt } => match self.claim(order, attempt).await {
                Some(claim) => Answer::Renewed { mine: jobs::renew(platform, &claim, 0).await? },
                None => Answer::Renewed { mine: false },
            },
            Request::LeaseEnds { order } => {
                let ended = "UPDATE jobs SET lease_until = now() - interval '1 second' WHERE state = 'running' \
                    AND subject_id = (SELECT id FROM predictions WHERE order_id = $1)";
                sqlx::query(ended).bind(self.order(order).0).execute(&self.system.clock).await?;
                Answer::Nothing
            }
            other => unreachable!("{other:?} is no step of a worker"),
        })
    }

    async fn settle(&self, claim: &Claim, succeeded: bool) -> Result<Settled, Error> {
        let platform = &self.system.platform;
        let outcome = if succeeded {
            let path = result_path(PredictionId(claim.subject), claim.attempt);
            platform.objects.put(&path, Bytes::from_static(RESULT)).await?;
            let summary = Summary {
                rows: 1,
                rows_skipped: 0,
                stays: 1,
                leaves: 0,
                mean_churn_probability: 0.25,
                histogram: vec![0; 20],
                unknown_categories: Vec::new(),
                effects: Vec::new(),
            };
            let file = ResultFile { bytes: RESULT.len() as u64, sha256: Sha256::digest(RESULT).into() };
            Ended::Succeeded(summary, file, Box::default())
        } else {
            Ended::Failed(PredictionError::new("not_scored", "a test"))
        };
        predictions::settle(platform, claim, &outcome).await
    }

    /// The job of an order's prediction, and the prediction.
    async fn job(&self, order: Number) -> Option<(JobId, Uuid)> {
        let query = "SELECT j.id, p.id FROM predictions p JOIN jobs j ON j.kind = 'prediction' \
            AND j.subject_id = p.id WHERE p.order_id = $1";
        let found: Option<(Uuid, Uuid)> = sqlx::query_as(query)
            .bind(self.order(order).0)
            .fetch_optional(&self.system.clock)
            .await
            .expect("the job can be looked up");
        found.map(|(job, prediction)| (JobId(job), prediction))
    }

    async fn claim(&self, order: Number, attempt: i32) -> Option<Claim> {
        let (job, subject) = self.job(order).await?;
        let tenant = self.owner.tenant;
        Some(Claim { job, kind: JobKind::Prediction, subject, tenant, attempt, request_id: None })
    }

    /// The order that an operation placed, or one that does not exist.
    fn order(&self, number: Number) -> OrderId {
        let found = self.orders.iter().find(|(_, of)| **of == number);
        found.map_or_else(|| OrderId(Uuid::now_v7()), |(id, _)| *id)
    }

    fn idempotency(&self, key: u8, request: Request) -> Idempotency {
        Idempotency {
            key: format!("{}-{key}", self.keys),
            target: format!("{request:?}"),
            body_sha256: [0; 32],
        }
    }
}

fn code(error: &Error) -> String {
    match error {
        Error::Conflict { code, .. } => (*code).to_owned(),
        Error::NotFound(what) => format!("not_found, {what}"),
        Error::InsufficientFunds { missing } => format!("insufficient_funds, {missing} missing"),
        Error::IdempotencyKeyReused => "idempotency_key_reused".to_owned(),
        Error::IdempotencyInFlight => "idempotency_in_flight".to_owned(),
        other => format!("{other:?}"),
    }
}

fn kind_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Deposit => "deposit",
        Kind::Debit => "debit",
        Kind::Refund => "refund",
    }
}

fn word(status: OrderStatus) -> &'static str {
    match status {
        OrderStatus::Paid => "paid",
        OrderStatus::InUse => "in_use",
        OrderStatus::Provided => "provided",
        OrderStatus::Refunded => "refunded",
    }
}
