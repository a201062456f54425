//! Ids as types of their own, so that one kind is never taken for another. Money's are the ledger's.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use uuid::Uuid;

pub use ledger::{AccountId, OrderId, TransactionId};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new id that sorts after those made before it (UUID version 7, RFC 9562).
            #[allow(clippy::new_without_default)]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                Uuid::parse_str(text).map(Self)
            }
        }
    };
}

id! {
    /// A customer company.
    TenantId
}
id! {
    /// A person who signs in.
    UserId
}
id! {
    /// A login.
    SessionId
}
id! {
    /// A key for programs.
    ApiKeyId
}
id! {
    /// A line of the price list.
    ServiceId
}
id! {
    /// A model, whatever its version.
    ModelId
}
id! {
    /// One immutable version of a model.
    ModelVersionId
}
id! {
    /// One scored file.
    PredictionId
}
id! {
    /// One training of a model.
    TrainingId
}
id! {
    /// A place that data are fetched from.
    SourceId
}
id! {
    /// A file fetched from a source.
    IntakeId
}
id! {
    /// A plan of whom to contact.
    PlanId
}
id! {
    /// A unit of work for a worker.
    JobId
}
id! {
    /// An endpoint that is told what has happened.
    WebhookId
}
id! {
    /// One event on its way to one endpoint.
    WebhookDeliveryId
}

id! {
    /// A file of what really happened.
    OutcomeUploadId
}
id! {
    /// One time that a model was to be trained again.
    RetrainingRunId
}

impl UserId {
    /// The installation's owner, who works on the command line with the database's own password.
    pub const COMMAND_LINE: UserId = UserId(Uuid::nil());
}

impl TenantId {
    /// The tenant's account; each has exactly one.
    pub fn account(self) -> AccountId {
        AccountId(self.0)
    }
}

/// The time that an id was made at, which version 7 carries (RFC 9562).
pub(crate) fn time_of(id: Uuid) -> DateTime<Utc> {
    let time = id.get_timestamp().map(|timestamp| timestamp.to_unix());
    time.and_then(|(seconds, nanoseconds)| {
        DateTime::from_timestamp(i64::try_from(seconds).ok()?, nanoseconds)
    })
    .unwrap_or(DateTime::UNIX_EPOCH)
}

/// The least id of version 7 that can have been made at or after this moment.
pub(crate) fn first_id_at(moment: DateTime<Utc>) -> Uuid {
    let unix_ms = u128::try_from(moment.timestamp_millis()).unwrap_or(0);
    // 48 bits of milliseconds come first in such an id (RFC 9562).
    Uuid::from_u128(unix_ms << 80)
}
