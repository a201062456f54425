//! What was asked and answered, and what an account shows of it in the end. Pure data: who asks is
//! elsewhere, and so is who judges.

use bytes::Bytes;
use serde_json::Value;

/// One operation of a tenant: a request, repeated under its key until its answer is known.
#[derive(Clone, Debug)]
pub struct Operation {
    /// Whose account it is about.
    pub tenant: usize,
    /// The round in which it was begun.
    pub round: usize,
    /// What was asked.
    pub kind: Kind,
    /// The Idempotency-Key.
    pub key: String,
    /// What came of it in the end.
    pub outcome: Outcome,
    /// How many tries ended without an answer that tells what became of them.
    pub unknown_tries: u32,
}

/// What was asked.
#[derive(Clone, Debug)]
pub enum Kind {
    /// An order.
    Order {
        /// What it costs.
        price: i64,
    },
    /// A file, for an order of before or with one of its own.
    Upload {
        /// The order of before.
        order: Option<String>,
        /// What an order of its own costs.
        price: i64,
        /// What must become of the file.
        fate: Fate,
    },
    /// An order given up by its tenant.
    Cancel {
        /// Which.
        order: String,
    },
    /// An order given back by an administrator.
    Refund {
        /// Which.
        order: String,
    },
    /// Money from an administrator.
    Deposit {
        /// How much.
        amount: i64,
    },
    /// A few customers in one call.
    Predict {
        /// What it costs.
        price: i64,
        /// What must be answered of them.
        expected: Value,
    },
    /// An erasure.
    Delete {
        /// Of what.
        prediction: String,
    },
    /// A download.
    Read {
        /// Of what.
        prediction: String,
    },
    /// An operation of before, sent once more with its key.
    Replay {
        /// Its number.
        of: usize,
    },
    /// Another request under the key of an operation of before.
    Misuse {
        /// Its number.
        of: usize,
    },
}

/// What must become of a file.
#[derive(Clone, Debug, PartialEq)]
pub enum Fate {
    /// This result.
    Scored(Bytes),
    /// A failed prediction with this code, and the money back.
    Fails(&'static str),
    /// It is refused at the door.
    Refused,
}

/// What came of an operation.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Answered 2xx.
    Accepted(Bytes),
    /// Answered 4xx: it had no effect.
    Refused {
        /// The status.
        status: u16,
        /// The problem's code.
        code: String,
    },
    /// No answer that tells.
    Unknown,
}

/// What a tenant's account shows.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// The balance.
    pub balance: i64,
    /// Newest first.
    pub transactions: Vec<Value>,
    /// Every order.
    pub orders: Vec<Value>,
    /// Every prediction.
    pub predictions: Vec<Value>,
    /// Results that were read again: by prediction, and what came.
    pub results: Vec<(String, Outcome)>,
}

impl Operation {
    /// The answer's body as JSON, where it was accepted.
    pub fn accepted(&self) -> Option<Value> {
        match &self.outcome {
            Outcome::Accepted(body) => serde_json::from_slice(body).ok(),
            _ => None,
        }
    }

    /// Whether it moves money or accepts work, so that it is resolved by its key.
    pub fn has_an_effect(&self) -> bool {
        !matches!(self.kind, Kind::Read { .. } | Kind::Replay { .. } | Kind::Misuse { .. })
    }

    /// Whether it asks for an order.
    pub fn asks_for_an_order(&self) -> bool {
        matches!(self.kind, Kind::Order { .. } | Kind::Predict { .. } | Kind::Upload { order: None, .. })
    }
}

impl Kind {
    /// One word for reports.
    pub fn word(&self) -> &'static str {
        match self {
            Kind::Order { .. } => "order",
            Kind::Upload { order: Some(_), .. } => "upload for an order",
            Kind::Upload { order: None, .. } => "upload with an order of its own",
            Kind::Cancel { .. } => "cancel",
            Kind::Refund { .. } => "refund by an administrator",
            Kind::Deposit { .. } => "deposit",
            Kind::Predict { .. } => "predict",
            Kind::Delete { .. } => "deletion",
            Kind::Read { .. } => "read of a result",
            Kind::Replay { .. } => "replay",
            Kind::Misuse { .. } => "other request under a used key",
        }
    }
}

/// A member of a thing as text, empty where there is none.
pub fn text<'a>(thing: &'a Value, member: &str) -> &'a str {
    thing[member].as_str().unwrap_or_default()
}
