//! Everything that an operation can answer other than its result.

use ledger::Money;

/// A field of a request that cannot be accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldProblem {
    /// The field's name.
    pub field: &'static str,
    /// What is wrong with it, as a sentence for the sender.
    pub message: String,
}

/// Why an operation was refused or failed. A refusal has had no effect.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The credential is good for nothing.
    #[error("the credentials are missing, wrong or no longer valid")]
    Unauthenticated,
    /// The credential is good, but not for this.
    #[error("{0}")]
    Forbidden(&'static str),
    /// No such thing, or another tenant's.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// The thing's state does not allow it.
    #[error("{message}")]
    Conflict {
        /// A stable word in snake case.
        code: &'static str,
        /// A sentence for the sender.
        message: String,
    },
    /// What there was has been erased or has expired.
    #[error("{0}")]
    Gone(&'static str),
    /// Fields of the request are at fault.
    #[error("the request has fields that cannot be accepted")]
    Invalid(Vec<FieldProblem>),
    /// A list's cursor that this list did not give out.
    #[error("the cursor is not one that this list gave out")]
    BadCursor,
    /// The balance does not cover the price.
    #[error("the balance is {missing} minor units short")]
    InsufficientFunds {
        /// How much more is needed, exactly.
        missing: Money,
    },
    /// The order has not paid for this option; it stays as it was.
    #[error("the order does not include {0}")]
    NotOrdered(&'static str),
    /// The idempotency key belongs to another request.
    #[error("the idempotency key was used for another request")]
    IdempotencyKeyReused,
    /// The first request of this idempotency key is not finished.
    #[error("a request with this idempotency key is still in flight")]
    IdempotencyInFlight,
    /// The customers' file, or the customers in a body, are at fault.
    #[error("{}", .0.message)]
    Input(scoring::InputError),
    /// The sender's stream broke, stalled or was malformed.
    #[error("{message}")]
    BadUpload {
        /// A stable word in snake case: `upload_interrupted`, `upload_too_slow`, `too_large`, ...
        code: &'static str,
        /// A sentence for the sender.
        message: String,
    },
    /// Too much of this at once; to be tried again soon.
    #[error("too many requests of this kind are waiting")]
    Busy,
    /// So many jobs wait that a further one would not be done in time; nothing was taken.
    #[error("too many predictions are waiting to be scored")]
    BacklogFull,
    /// So many jobs of this tenant wait that a further one is refused; nothing was taken.
    #[error("too many predictions of yours are waiting to be scored")]
    TooManyQueued {
        /// How many may wait.
        quota: u32,
    },
    /// Something that this depends on does not answer.
    #[error("{dependency} is unavailable: {detail}")]
    Unavailable {
        /// Which dependency.
        dependency: &'static str,
        /// What it said; for the log.
        detail: String,
    },
    /// A model cannot be loaded as it was registered.
    #[error("the model is unavailable: {0}")]
    ModelUnavailable(String),
    /// The installation is set up in a way that cannot work.
    #[error("{0}")]
    Configuration(String),
    /// The database failed.
    #[error(transparent)]
    Database(sqlx::Error),
    /// Something that should not happen; for the log.
    #[error("{0}")]
    Internal(String),
}

impl Error {
    /// One field that cannot be accepted.
    pub fn invalid(field: &'static str, message: impl Into<String>) -> Error {
        Error::Invalid(vec![FieldProblem { field, message: message.into() }])
    }

    /// A state that does not allow the operation.
    pub fn conflict(code: &'static str, message: impl Into<String>) -> Error {
        Error::Conflict { code, message: message.into() }
    }

    pub(crate) fn internal(error: impl std::fmt::Display) -> Error {
        Error::Internal(error.to_string())
    }

    /// Whether the same call may work later without anybody changing anything but the weather:
    /// the database, the object store or the network was away.
    pub fn is_outage(&self) -> bool {
        match self {
            Error::Unavailable { .. } | Error::Busy => true,
            Error::Database(error) => is_connection_loss(error),
            _ => false,
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        if is_connection_loss(&error) {
            return Error::Unavailable { dependency: "database", detail: error.to_string() };
        }
        Error::Database(error)
    }
}

impl From<ledger::Error> for Error {
    fn from(error: ledger::Error) -> Self {
        match error {
            ledger::Error::InsufficientFunds { missing } => Error::InsufficientFunds { missing },
            ledger::Error::AmountNotPositive | ledger::Error::Negative | ledger::Error::BalanceTooLarge => {
                Error::invalid("amount", error.to_string())
            }
            ledger::Error::AlreadyRefunded => {
                Error::conflict("order_already_refunded", "the order was refunded before")
            }
            ledger::Error::Database(error) => error.into(),
            ledger::Error::UnknownAccount | ledger::Error::AlreadyDebited | ledger::Error::NotDebited => {
                Error::internal(error)
            }
        }
    }
}

impl From<scoring::InputError> for Error {
    fn from(error: scoring::InputError) -> Self {
        Error::Input(error)
    }
}

impl From<object_store::Error> for Error {
    fn from(error: object_store::Error) -> Self {
        Error::Unavailable { dependency: "object store", detail: error.to_string() }
    }
}

/// The name of the constraint that refused a statement, for mapping by name.
pub(crate) fn violated_constraint(error: &sqlx::Error) -> Option<&str> {
    error.as_database_error().and_then(|database| database.constraint())
}

/// SQLSTATE classes 08 (connection), 53 (resources) and 57 (operator intervention, such as a restart) of
/// PostgreSQL's table of error codes, the end of a session that was silent within a transaction, and what
/// comes of waiting for somebody else's lock: a deadlock, or none in time.
const LOSSES: [&str; 6] = ["08", "53", "57", "25P03", "40P01", "55P03"];

/// Connection trouble, and what PostgreSQL says where it ends a session itself.
fn is_connection_loss(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Tls(_) => {
            true
        }
        // A proxy whose server is away takes the connection and closes it, which reads as nonsense.
        sqlx::Error::Protocol(_) => true,
        sqlx::Error::Database(database) => {
            database.code().is_some_and(|code| LOSSES.iter().any(|class| code.starts_with(class)))
        }
        _ => false,
    }
}
