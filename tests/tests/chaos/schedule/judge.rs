//! Judges a history: whether what the accounts show is exactly what the answers promised, and no more.
//! Pure: the same history and accounts always give the same verdict.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use serde_json::Value;

use super::history::{Account, Fate, Kind, Operation, Outcome, text};

/// A promise that was broken, and the operations about which it was made.
#[derive(Clone, Debug, PartialEq)]
pub struct Violation {
    /// What is wrong.
    pub what: String,
    /// Their numbers.
    pub operations: Vec<usize>,
}

/// A job that failed three times is refunded: no prediction of a round with fewer faults of workers may be.
const FAULTS_UNTIL_GIVEN_UP: usize = 3;

/// What the answers say of an order.
#[derive(Default)]
struct PromisedOrder {
    price: i64,
    debit: String,
    prediction: Option<String>,
    provided_at_once: bool,
    /// Everything that was asked about it, with its placement first.
    operations: Vec<usize>,
    refunds: usize,
}

/// What the answers say of a prediction.
struct PromisedPrediction {
    order: String,
    fate: Fate,
    by: usize,
    round: usize,
}

/// What the answers say of one tenant.
#[derive(Default)]
struct Promised {
    orders: BTreeMap<String, PromisedOrder>,
    predictions: BTreeMap<String, PromisedPrediction>,
    /// Amount and operation, by transaction.
    deposits: BTreeMap<String, (i64, usize)>,
    /// Asked to be deleted, whether or not it was heard.
    maybe_deleted: BTreeSet<String>,
    deleted: BTreeSet<String>,
}

/// Judges all of the history. `worker_faults` counts, by round, the faults that may cost a job an attempt.
///
/// # Errors
/// The first broken promise.
pub fn judge(history: &[Operation], accounts: &[Account], worker_faults: &[usize]) -> Result<(), Violation> {
    for (tenant, account) in accounts.iter().enumerate() {
        let promised = Promised::of(history, tenant)?;
        promised.answers_hold(history, tenant)?;
        promised.orders_are(account, worker_faults)?;
        refusals_have_a_reason(history, tenant, account)?;
        promised.transactions_are(account)?;
        promised.results_are(account)?;
    }
    Ok(())
}

/// An order that was refused as used before is not free in the end.
fn refusals_have_a_reason(history: &[Operation], tenant: usize, account: &Account) -> Result<(), Violation> {
    let orders = by_id(&account.orders);
    let own = history.iter().enumerate().filter(|(_, operation)| operation.tenant == tenant);
    for (number, operation) in own {
        let (Kind::Upload { order: Some(order), .. } | Kind::Cancel { order } | Kind::Refund { order }) =
            &operation.kind
        else {
            continue;
        };
        let is_free = orders.get(order.as_str()).is_some_and(|shown| shown["status"] == "paid");
        if is_free && matches!(operation.outcome, Outcome::Refused { status: 409, .. }) {
            return broken(&[number], format!("the order {order} is free, and was refused"));
        }
    }
    Ok(())
}

fn broken<T>(operations: &[usize], what: impl Into<String>) -> Result<T, Violation> {
    Err(Violation { what: what.into(), operations: operations.to_vec() })
}

impl Promised {
    fn of(history: &[Operation], tenant: usize) -> Result<Promised, Violation> {
        let mut promised = Promised::default();
        let own = || history.iter().enumerate().filter(|(_, operation)| operation.tenant == tenant);
        for (number, operation) in own() {
            if operation.outcome == Outcome::Unknown && operation.has_an_effect() {
                return broken(&[number], "its key does not tell what became of it");
            }
            promised.note_placement(number, operation)?;
        }
        // Answers may have overtaken each other, so that what came of an order is looked at afterwards.
        for (number, operation) in own() {
            promised.note_use(number, operation)?;
        }
        Ok(promised)
    }

    fn note_placement(&mut self, number: usize, operation: &Operation) -> Result<(), Violation> {
        let Some(answer) = operation.accepted() else { return Ok(()) };
        let (order, price) = match &operation.kind {
            Kind::Order { price } => (text(&answer, "id").to_owned(), *price),
            Kind::Predict { price, expected } => {
                if !are_alike(&answer["predictions"], expected) {
                    return broken(&[number], format!("it was answered {answer}, and not {expected}"));
                }
                (text(&answer, "order_id").to_owned(), *price)
            }
            Kind::Upload { order: None, price, .. } => (text(&answer, "order_id").to_owned(), *price),
            Kind::Deposit { amount } => {
                if self.deposits.insert(text(&answer, "id").to_owned(), (*amount, number)).is_some() {
                    return broken(&[number], "two deposits were answered with one transaction");
                }
                return Ok(());
            }
            _ => return Ok(()),
        };
        if let Some(before) = self.orders.get(&order) {
            return broken(
                &[before.operations[0], number],
                format!("both were answered with the order {order}"),
            );
        }
        let promise = PromisedOrder {
            price,
            debit: text(&answer, "transaction_id").to_owned(),
            provided_at_once: matches!(operation.kind, Kind::Predict { .. }),
            operations: vec![number],
            ..PromisedOrder::default()
        };
        self.orders.insert(order, promise);
        Ok(())
    }

    fn note_use(&mut self, number: usize, operation: &Operation) -> Result<(), Violation> {
        if let Kind::Delete { prediction } = &operation.kind {
            if !matches!(operation.outcome, Outcome::Refused { .. }) {
                self.maybe_deleted.insert(prediction.clone());
            }
            if matches!(operation.outcome, Outcome::Accepted(_)) {
                self.deleted.insert(prediction.clone());
            }
        }
        let Some(answer) = operation.accepted() else { return Ok(()) };
        match &operation.kind {
            Kind::Upload { order, fate, .. } => {
                self.note_upload(number, operation.round, &answer, order.as_deref(), fate)
            }
            Kind::Cancel { order } | Kind::Refund { order } => {
                let Some(promise) = self.orders.get_mut(order) else {
                    return broken(&[number], format!("nobody was told of the order {order}"));
                };
                promise.operations.push(number);
                promise.refunds += 1;
                let is_used = promise.prediction.is_some() || promise.provided_at_once;
                if matches!(operation.kind, Kind::Cancel { .. }) && is_used {
                    return broken(&promise.operations, format!("the order {order} was used and cancelled"));
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn note_upload(
        &mut self,
        number: usize,
        round: usize,
        answer: &Value,
        order: Option<&str>,
        fate: &Fate,
    ) -> Result<(), Violation> {
        let (prediction, used) = (text(answer, "id").to_owned(), text(answer, "order_id").to_owned());
        if *fate == Fate::Refused {
            return broken(&[number], "a file was accepted that lacks a column");
        }
        let Some(promise) = self.orders.get_mut(&used).filter(|_| order.is_none_or(|order| order == used))
        else {
            return broken(&[number], format!("it was answered with the order {used}"));
        };
        if promise.operations[0] != number {
            promise.operations.push(number);
        }
        if promise.prediction.is_some() {
            return broken(&promise.operations, format!("the order {used} was used twice"));
        }
        promise.prediction = Some(prediction.clone());
        let promise = PromisedPrediction { order: used, fate: fate.clone(), by: number, round };
        match self.predictions.insert(prediction.clone(), promise) {
            Some(before) => broken(&[before.by, number], format!("both were answered with {prediction}")),
            None => Ok(()),
        }
    }

    /// Replays, misuses and reads have the answers that what was before allows; refusals have a reason.
    fn answers_hold(&self, history: &[Operation], tenant: usize) -> Result<(), Violation> {
        let own = history.iter().enumerate().filter(|(_, operation)| operation.tenant == tenant);
        for (number, operation) in own {
            match &operation.outcome {
                Outcome::Unknown => {}
                Outcome::Refused { status, code } => {
                    self.is_rightly_refused(number, operation, *status, code)?
                }
                Outcome::Accepted(body) => self.is_rightly_accepted(history, number, operation, body)?,
            }
        }
        Ok(())
    }

    fn is_rightly_accepted(
        &self,
        history: &[Operation],
        number: usize,
        operation: &Operation,
        body: &Bytes,
    ) -> Result<(), Violation> {
        match &operation.kind {
            Kind::Misuse { of } => broken(&[*of, number], "another request was accepted under a used key"),
            Kind::Replay { of } => {
                let first = &history[*of];
                let is_alike = match (&first.kind, &first.outcome) {
                    // An upload's replay shows the prediction as it is now.
                    (Kind::Upload { .. }, _) => {
                        let ids = [first.accepted(), operation.accepted()].map(|answer| {
                            answer.map(|answer| (answer["id"].clone(), answer["order_id"].clone()))
                        });
                        ids[0].is_some() && ids[0] == ids[1]
                    }
                    (_, outcome) => *outcome == operation.outcome,
                };
                let shown = String::from_utf8_lossy(body);
                if is_alike {
                    Ok(())
                } else {
                    broken(&[*of, number], format!("its replay was answered {shown}"))
                }
            }
            Kind::Read { prediction } => self.is_rightly_read(number, prediction, body),
            _ => Ok(()),
        }
    }

    fn is_rightly_read(&self, number: usize, prediction: &str, body: &Bytes) -> Result<(), Violation> {
        let Some(promise) = self.predictions.get(prediction) else {
            return broken(&[number], format!("nobody was told of the prediction {prediction}"));
        };
        if promise.fate == Fate::Scored(body.clone()) {
            return Ok(());
        }
        broken(&[promise.by, number], format!("{} other bytes were read of {prediction}", body.len()))
    }

    fn is_rightly_refused(
        &self,
        number: usize,
        operation: &Operation,
        status: u16,
        code: &str,
    ) -> Result<(), Violation> {
        let fails = |prediction: &str| {
            let promise = self.predictions.get(prediction);
            promise.is_some_and(|promise| matches!(promise.fate, Fate::Fails(_)))
        };
        let is_right = match (&operation.kind, status) {
            (Kind::Upload { fate: Fate::Refused, .. }, 422) => code == "missing_columns",
            (Kind::Order { .. } | Kind::Predict { .. } | Kind::Upload { order: None, .. }, 402) => true,
            (Kind::Upload { order: Some(_), .. } | Kind::Cancel { .. }, 409) => code == "order_already_used",
            (Kind::Refund { .. }, 409) => matches!(code, "order_in_use" | "order_already_refunded"),
            (Kind::Delete { .. }, 409) => code == "prediction_not_finished",
            (Kind::Read { prediction }, 409) => {
                code == "prediction_not_ready" || code == "prediction_failed" && fails(prediction)
            }
            (Kind::Read { prediction }, 410) => self.maybe_deleted.contains(prediction),
            (Kind::Misuse { .. }, 422) => code == "idempotency_key_reused",
            _ => false,
        };
        if is_right { Ok(()) } else { broken(&[number], format!("it was refused with {status} {code}")) }
    }

    /// Orders and predictions are those that were answered, each in the state that the answers explain.
    fn orders_are(&self, account: &Account, worker_faults: &[usize]) -> Result<(), Violation> {
        let predictions = by_id(&account.predictions);
        for (id, promise) in &self.predictions {
            let Some(shown) = predictions.get(id.as_str()) else {
                if self.maybe_deleted.contains(id) {
                    continue;
                }
                return broken(&[promise.by], format!("the prediction {id} is lost"));
            };
            promise.is_kept(shown, worker_faults)?;
        }
        if let Some(id) = predictions.keys().find(|id| !self.predictions.contains_key(**id)) {
            return broken(&[], format!("nobody was told of the prediction {id}"));
        }
        let orders = by_id(&account.orders);
        for (id, promise) in &self.orders {
            let Some(shown) = orders.get(id.as_str()) else {
                return broken(&promise.operations, format!("the order {id} is lost"));
            };
            let prediction = promise.prediction.as_ref().and_then(|id| predictions.get(id.as_str()));
            promise.is_kept(shown, prediction.is_some_and(|shown| shown["status"] == "failed"))?;
        }
        match orders.keys().find(|id| !self.orders.contains_key(**id)) {
            Some(id) => broken(&[], format!("nobody was told of the order {id}")),
            None => Ok(()),
        }
    }

    /// Transactions have exactly the effects of the history, in one unbroken line.
    fn transactions_are(&self, account: &Account) -> Result<(), Violation> {
        let mut left: BTreeMap<(String, String), (i64, Vec<usize>)> = BTreeMap::new();
        for (id, (amount, by)) in &self.deposits {
            left.insert(("deposit".to_owned(), id.clone()), (*amount, vec![*by]));
        }
        for order in &account.orders {
            // Every order is promised, and every promised one is there: that was looked at before.
            let Some(promise) = self.orders.get(text(order, "id")) else { continue };
            let mut wanted = |kind: &str| {
                let name = (kind.to_owned(), text(order, "id").to_owned());
                left.insert(name, (promise.price, promise.operations.clone()));
            };
            wanted("debit");
            if order["status"] == "refunded" {
                wanted("refund");
            }
        }
        let mut balance = 0;
        for transaction in account.transactions.iter().rev() {
            let (kind, amount) = (text(transaction, "kind"), transaction["amount"].as_i64().unwrap_or(0));
            let subject = if kind == "deposit" { "id" } else { "order_id" };
            let name = (kind.to_owned(), text(transaction, subject).to_owned());
            match left.remove(&name) {
                Some((wanted, _)) if wanted == amount => {}
                Some((wanted, by)) => return broken(&by, format!("{wanted} was due: {transaction}")),
                None => return broken(&[], format!("no answer explains {transaction}")),
            }
            balance += if kind == "debit" { -amount } else { amount };
            if transaction["balance_after"] != balance || balance < 0 {
                return broken(&[], format!("the balance is {balance} after {transaction}"));
            }
        }
        if let Some(((kind, subject), (amount, by))) = left.into_iter().next() {
            return broken(&by, format!("the {kind} of {amount} for {subject} is missing"));
        }
        if account.balance != balance {
            return broken(&[], format!("a balance of {} and transactions of {balance}", account.balance));
        }
        Ok(())
    }

    /// Results that were read again are what they must be.
    fn results_are(&self, account: &Account) -> Result<(), Violation> {
        for (prediction, outcome) in &account.results {
            let Some(promise) = self.predictions.get(prediction) else { continue };
            let is_gone = matches!(outcome, Outcome::Refused { status: 404 | 410, .. });
            let is_right = match outcome {
                _ if self.deleted.contains(prediction) => is_gone,
                _ if is_gone => self.maybe_deleted.contains(prediction),
                Outcome::Accepted(body) => promise.fate == Fate::Scored(body.clone()),
                _ => false,
            };
            if !is_right {
                let what = match outcome {
                    Outcome::Accepted(body) => format!("{} bytes that must not be", body.len()),
                    other => format!("{other:?}"),
                };
                return broken(&[promise.by], format!("the result of {prediction} is {what}"));
            }
        }
        Ok(())
    }
}

impl PromisedPrediction {
    fn is_kept(&self, shown: &Value, worker_faults: &[usize]) -> Result<(), Violation> {
        let status = text(shown, "status");
        let code = text(&shown["error"], "code");
        let faults = worker_faults.get(self.round).copied().unwrap_or(0);
        let is_kept = match (&self.fate, status) {
            (_, "failed") if code == "attempts_exhausted" => faults >= FAULTS_UNTIL_GIVEN_UP,
            (Fate::Scored(_), "succeeded") => true,
            (Fate::Fails(wanted), "failed") => code == *wanted,
            _ => false,
        };
        if is_kept && text(shown, "order_id") == self.order {
            return Ok(());
        }
        broken(&[self.by], format!("after {faults} faults of workers it is {shown}"))
    }
}

impl PromisedOrder {
    fn is_kept(&self, shown: &Value, has_failed: bool) -> Result<(), Violation> {
        let refunds = self.refunds + usize::from(has_failed);
        if refunds > 1 {
            return broken(&self.operations, format!("it was given back {refunds} times: {shown}"));
        }
        let is_provided = self.prediction.is_some() || self.provided_at_once;
        let status = match (refunds, is_provided) {
            (1, _) => "refunded",
            (_, true) => "provided",
            _ => "paid",
        };
        // An upload's answer names no transaction.
        let is_same_debit = self.debit.is_empty() || shown["transaction_id"] == self.debit.as_str();
        let is_kept = shown["status"] == status
            && shown["is_provided"] == (status == "provided")
            && shown["price"] == self.price
            && shown["prediction_id"].as_str() == self.prediction.as_deref()
            && is_same_debit;
        if is_kept { Ok(()) } else { broken(&self.operations, format!("it must be {status}: {shown}")) }
    }
}

fn by_id(things: &[Value]) -> BTreeMap<&str, &Value> {
    things.iter().map(|thing| (text(thing, "id"), thing)).collect()
}

/// Answers of `POST /predict`, to the sixth decimal.
fn are_alike(answered: &Value, expected: &Value) -> bool {
    let (Some(answered), Some(expected)) = (answered.as_array(), expected.as_array()) else { return false };
    let probability = |one: &Value| one["churn_probability"].as_f64().unwrap_or(f64::NAN);
    answered.len() == expected.len()
        && answered.iter().zip(expected).all(|(answered, expected)| {
            answered["stays"] == expected["stays"]
                && (probability(answered) - probability(expected)).abs() < 1.1e-6
        })
}
