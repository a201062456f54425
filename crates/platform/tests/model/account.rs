//! The model: one account and what it bought, in plain Rust, as the contract says it must be.

use crate::operations::{Number, Operation, PRICES, Request};

/// What a call answers, in terms of the case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It had its effect.
    Done(Answer),
    /// An earlier call had the effect; this is that call's answer.
    Replayed(Answer),
    /// It had none, and why.
    Refused(String),
}

/// The answer of a call that was not refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A deposit: its number in the account and the balance after it.
    Deposited { sequence: i64, balance_after: i64 },
    /// An order, placed by the operation of that number, as it was then.
    Order { order: Number, status: &'static str },
    /// The prediction of an order.
    Prediction { order: Number },
    /// Scored at once, for an order that is provided.
    Immediate { order: Number },
    /// A worker has the job, at an attempt.
    Claimed { attempt: i32 },
    /// There is nothing for the worker to do.
    NotClaimed,
    /// Whether the worker's settlement counts.
    Settled { mine: bool },
    /// Whether the lease was prolonged.
    Renewed { mine: bool },
    /// The balance.
    Balance(i64),
    /// A call that answers nothing.
    Nothing,
}

/// One line of the account's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Movement {
    /// Deposit, debit or refund.
    pub kind: &'static str,
    /// How much.
    pub amount: i64,
    /// The balance after it.
    pub balance_after: i64,
    /// The order it belongs to.
    pub order: Option<Number>,
}

/// An order and the work for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The operation that placed it.
    pub number: Number,
    /// What it cost.
    pub price: i64,
    /// Paid, in use, provided or refunded.
    pub status: &'static str,
    job: Option<Job>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Job {
    state: State,
    attempt: i32,
    failures: i32,
    lease_ended: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Queued,
    Running,
    Succeeded,
    Failed,
}

/// An account, from the beginning of a case on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// What is there.
    pub balance: i64,
    /// The number of the last transaction.
    pub sequence: i64,
    /// What has moved since the case began.
    pub movements: Vec<Movement>,
    /// What was ordered since.
    pub orders: Vec<Order>,
    /// Whose key, its number, the request and its answer.
    keys: Vec<(bool, u8, Request, Answer)>,
}

type Refusal = String;

impl Account {
    /// An account with this balance, after this many transactions.
    pub fn new(balance: i64, sequence: i64) -> Account {
        Account { balance, sequence, movements: Vec::new(), orders: Vec::new(), keys: Vec::new() }
    }

    /// A worker's calls that end what is still open.
    pub fn endings(&self) -> Vec<Request> {
        let open = self.orders.iter().filter(|order| order.status == "in_use");
        open.filter_map(|order| {
            let (order, job) = (order.number, order.job?);
            let succeeded = job.state == State::Running;
            Some(Request::Settle { order, attempt: job.attempt, succeeded })
        })
        .collect()
    }

    /// Runs one operation alone.
    pub fn apply(&mut self, operation: &Operation) -> Outcome {
        match self.attempt(operation) {
            Ok(outcome) => outcome,
            Err(refusal) => Outcome::Refused(refusal),
        }
    }

    fn attempt(&mut self, operation: &Operation) -> Result<Outcome, Refusal> {
        let request = operation.request;
        let answered = self.answer_of(operation);
        // Whose order it is counts even for an upload that was answered before.
        if let Request::Upload { order, .. } = request {
            let order = self.order(order)?;
            if answered.is_none() && order.status != "paid" {
                return Err("order_already_used".to_owned());
            }
        }
        if let Some((earlier, answer)) = answered {
            return if earlier == request {
                Ok(Outcome::Replayed(answer))
            } else {
                Err("idempotency_key_reused".to_owned())
            };
        }
        let answer = self.run(operation.number, request)?;
        if let Some(key) = operation.key {
            self.keys.push((request.is_administrators(), key, request, answer.clone()));
        }
        Ok(Outcome::Done(answer))
    }

    fn run(&mut self, number: Number, request: Request) -> Result<Answer, Refusal> {
        match request {
            Request::Deposit { amount } => {
                self.balance += amount;
                self.record("deposit", amount, None);
                Ok(Answer::Deposited { sequence: self.sequence, balance_after: self.balance })
            }
            Request::Place { service } => self.place(number, service, "paid"),
            Request::Predict { service } => {
                self.place(number, service, "provided")?;
                Ok(Answer::Immediate { order: number })
            }
            Request::UploadTo { service, .. } => {
                self.place(number, service, "in_use")?;
                Ok(self.accept(number))
            }
            Request::Upload { order, .. } => Ok(self.accept(order)),
            Request::Cancel { order } => match self.order(order)?.status {
                "paid" => Ok(self.give_back(order)),
                _ => Err("order_already_used".to_owned()),
            },
            Request::Refund { order } => match self.order(order)?.status {
                "paid" | "provided" => Ok(self.give_back(order)),
                "in_use" => Err("order_in_use".to_owned()),
                _ => Err("order_already_refunded".to_owned()),
            },
            Request::Claim { order } => Ok(self.claim(order)),
            Request::Settle { order, attempt, succeeded } => Ok(self.settle(order, attempt, succeeded)),
            Request::Release { order, attempt } => Ok(self.hand_back(order, attempt, 0)),
            Request::FailAttempt { order, attempt } => Ok(self.hand_back(order, attempt, 1)),
            Request::Renew { order, attempt } => {
                let job = self.job(order).filter(|job| job.is_running_at(attempt));
                let mine = job.map(|job| job.lease_ended = false).is_some();
                Ok(Answer::Renewed { mine })
            }
            Request::LeaseEnds { order } => {
                if let Some(job) = self.job(order).filter(|job| job.state == State::Running) {
                    job.lease_ended = true;
                }
                Ok(Answer::Nothing)
            }
            Request::Balance => Ok(Answer::Balance(self.balance)),
        }
    }

    fn place(&mut self, number: Number, service: usize, status: &'static str) -> Result<Answer, Refusal> {
        let price = PRICES[service];
        if self.balance < price {
            return Err(format!("insufficient_funds, {} missing", price - self.balance));
        }
        self.balance -= price;
        self.record("debit", price, Some(number));
        self.orders.push(Order { number, price, status, job: None });
        Ok(Answer::Order { order: number, status })
    }

    fn accept(&mut self, order: Number) -> Answer {
        if let Some(order) = self.orders.iter_mut().find(|one| one.number == order) {
            order.status = "in_use";
            order.job = Some(Job { state: State::Queued, attempt: 0, failures: 0, lease_ended: false });
        }
        Answer::Prediction { order }
    }

    fn give_back(&mut self, order: Number) -> Answer {
        if let Some(found) = self.orders.iter_mut().find(|one| one.number == order) {
            found.status = "refunded";
            let price = found.price;
            self.balance += price;
            self.record("refund", price, Some(order));
        }
        Answer::Order { order, status: "refunded" }
    }

    fn claim(&mut self, order: Number) -> Answer {
        let Some(job) = self.job(order) else { return Answer::NotClaimed };
        match job.state {
            State::Queued => {}
            State::Running if job.lease_ended => job.failures += 1,
            _ => return Answer::NotClaimed,
        }
        *job = Job { state: State::Running, attempt: job.attempt + 1, lease_ended: false, ..*job };
        let (attempt, is_exhausted) = (job.attempt, job.failures >= 3);
        if is_exhausted {
            self.end(order, State::Failed);
            return Answer::NotClaimed;
        }
        Answer::Claimed { attempt }
    }

    fn settle(&mut self, order: Number, attempt: i32, succeeded: bool) -> Answer {
        let Some(job) = self.job(order) else { return Answer::Nothing };
        let wanted = if succeeded { State::Succeeded } else { State::Failed };
        // A failure may still be told by a worker that has given the job back meanwhile.
        let is_open = job.state == State::Running || (job.state == State::Queued && !succeeded);
        if job.attempt != attempt || !is_open {
            return Answer::Settled { mine: job.attempt == attempt && job.state == wanted };
        }
        self.end(order, wanted);
        Answer::Settled { mine: true }
    }

    fn hand_back(&mut self, order: Number, attempt: i32, failures: i32) -> Answer {
        if let Some(job) = self.job(order).filter(|job| job.is_running_at(attempt)) {
            job.state = State::Queued;
            job.failures += failures;
            if job.failures >= 3 {
                self.end(order, State::Failed);
            }
        }
        Answer::Nothing
    }

    fn end(&mut self, order: Number, state: State) {
        if let Some(job) = self.job(order) {
            job.state = state;
        }
        if state == State::Failed {
            self.give_back(order);
        } else if let Some(found) = self.orders.iter_mut().find(|one| one.number == order) {
            found.status = "provided";
        }
    }

    fn record(&mut self, kind: &'static str, amount: i64, order: Option<Number>) {
        self.sequence += 1;
        self.movements.push(Movement { kind, amount, balance_after: self.balance, order });
    }

    fn order(&self, order: Number) -> Result<&Order, Refusal> {
        self.orders.iter().find(|one| one.number == order).ok_or_else(|| "not_found, order".to_owned())
    }

    fn job(&mut self, order: Number) -> Option<&mut Job> {
        self.orders.iter_mut().find(|one| one.number == order)?.job.as_mut()
    }

    fn answer_of(&self, operation: &Operation) -> Option<(Request, Answer)> {
        let scope = operation.request.is_administrators();
        let found = self.keys.iter().find(|(of, key, ..)| *of == scope && Some(*key) == operation.key);
        found.map(|(_, _, request, answer)| (*request, answer.clone()))
    }
}

impl Job {
    fn is_running_at(&self, attempt: i32) -> bool {
        self.state == State::Running && self.attempt == attempt
    }
}
