//! Sources on the wire.

use chrono::{DateTime, NaiveTime, Utc};
use platform::sources::{self, NewSource, SourceChange, Tested, When};
use scoring::contract;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::files::FindingKind;
use super::intake_shapes::{IntakeRequest, OrderedBy};
use crate::problem::Problem;

/// Where data lie.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Place {
    /// A file behind an address of the web.
    Url {
        /// `https://`, a host of the public internet, port 443 or 1024 and above.
        #[schema(example = "https://files.augur.example/customers.csv", max_length = 2000)]
        url: String,
    },
    /// An object of a store that speaks S3.
    S3 {
        /// The store's address.
        #[schema(example = "https://s3.eu-central-1.amazonaws.com", max_length = 2000)]
        endpoint: String,
        /// Its region; many stores take any word.
        #[schema(example = "eu-central-1")]
        region: String,
        #[schema(example = "crm")]
        bucket: String,
        /// The object's path in the bucket.
        #[schema(example = "exports/customers.csv")]
        path: String,
    },
    /// The rows of a query.
    Postgresql {
        /// A host of the public internet.
        #[schema(example = "db.augur.example")]
        host: String,
        #[serde(default = "postgresql_port")]
        #[schema(example = 5432, minimum = 1024, default = 5432)]
        port: u16,
        #[schema(example = "crm")]
        database: String,
        #[schema(example = "reader")]
        user: String,
        #[serde(default)]
        tls: Tls,
        /// One SELECT, whose columns become those of the file. It is run in a transaction that can only read.
        #[schema(example = "SELECT * FROM customers")]
        query: String,
    },
}

fn postgresql_port() -> u16 {
    5432
}

/// How the connection to a database is kept secret.
#[derive(Clone, Copy, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tls {
    /// The server shows a certificate for its name, by an authority of the public web.
    #[default]
    Verify,
    /// Encrypted, whoever the server is.
    Require,
    /// In the clear; only where the operator allows it.
    Disable,
}

impl From<Place> for sources::Place {
    fn from(place: Place) -> sources::Place {
        match place {
            Place::Url { url } => sources::Place::Url { url },
            Place::S3 { endpoint, region, bucket, path } => {
                sources::Place::S3 { endpoint, region, bucket, path }
            }
            Place::Postgresql { host, port, database, user, tls, query } => {
                let tls = match tls {
                    Tls::Verify => sources::Tls::Verify,
                    Tls::Require => sources::Tls::Require,
                    Tls::Disable => sources::Tls::Disable,
                };
                sources::Place::Postgresql { host, port, database, user, tls, query }
            }
        }
    }
}

impl From<sources::Place> for Place {
    fn from(place: sources::Place) -> Place {
        match place {
            sources::Place::Url { url } => Place::Url { url },
            sources::Place::S3 { endpoint, region, bucket, path } => {
                Place::S3 { endpoint, region, bucket, path }
            }
            sources::Place::Postgresql { host, port, database, user, tls, query } => {
                let tls = match tls {
                    sources::Tls::Verify => Tls::Verify,
                    sources::Tls::Require => Tls::Require,
                    sources::Tls::Disable => Tls::Disable,
                };
                Place::Postgresql { host, port, database, user, tls, query }
            }
        }
    }
}

/// What opens a place. It is kept sealed and never shown again.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceCredentials {
    /// Of an address of the web: sent as a bearer token.
    token: Option<String>,
    /// Of a store that speaks S3.
    access_key_id: Option<String>,
    secret_access_key: Option<String>,
    /// Of a database.
    password: Option<String>,
}

impl From<SourceCredentials> for sources::Credentials {
    fn from(given: SourceCredentials) -> sources::Credentials {
        sources::Credentials {
            token: given.token,
            access_key_id: given.access_key_id,
            secret_access_key: given.secret_access_key,
            password: given.password,
        }
    }
}

/// What is expected of a source's files beside what the model has learned.
#[derive(Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SourcePolicy {
    /// The column that tells customers apart: none of its values may be there twice.
    #[schema(example = "customerID", max_length = 200)]
    key: Option<String>,
    /// The column of dates whose newest one says how fresh a file is.
    #[schema(max_length = 200)]
    date: Option<String>,
    /// How many days old the newest date may be; with `date`.
    age_days_max: Option<u32>,
    /// What refuses a file; anything else is told of only. A missing column always refuses.
    refuse: Vec<FindingKind>,
}

impl From<SourcePolicy> for sources::Policy {
    fn from(policy: SourcePolicy) -> sources::Policy {
        let refuse = policy.refuse.into_iter().map(contract::FindingKind::from).collect();
        let SourcePolicy { key, date, age_days_max, .. } = policy;
        sources::Policy { key, date, age_days_max, refuse }
    }
}

impl From<sources::Policy> for SourcePolicy {
    fn from(policy: sources::Policy) -> SourcePolicy {
        let refuse = policy.refuse.into_iter().map(FindingKind::from).collect();
        let sources::Policy { key, date, age_days_max, .. } = policy;
        SourcePolicy { key, date, age_days_max, refuse }
    }
}

/// A new source.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceRequest {
    /// What you call it.
    #[schema(example = "CRM, every night", min_length = 1, max_length = 100)]
    name: String,
    place: Place,
    #[serde(default, deserialize_with = "crate::extract::optional_object")]
    credentials: Option<SourceCredentials>,
    #[serde(default, deserialize_with = "crate::extract::object")]
    policy: SourcePolicy,
}

impl From<SourceRequest> for NewSource {
    fn from(request: SourceRequest) -> NewSource {
        NewSource {
            name: request.name,
            place: request.place.into(),
            credentials: request.credentials.map(sources::Credentials::from).unwrap_or_default(),
            policy: request.policy.into(),
        }
    }
}

/// What is to change; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceChangeRequest {
    #[schema(example = "CRM, every night", min_length = 1, max_length = 100)]
    name: Option<String>,
    /// Another place needs its credentials again.
    place: Option<Place>,
    #[serde(default, deserialize_with = "crate::extract::optional_object")]
    credentials: Option<SourceCredentials>,
    #[serde(default, deserialize_with = "crate::extract::optional_object")]
    policy: Option<SourcePolicy>,
}

impl From<SourceChangeRequest> for SourceChange {
    fn from(request: SourceChangeRequest) -> SourceChange {
        SourceChange {
            name: request.name,
            place: request.place.map(sources::Place::from),
            credentials: request.credentials.map(sources::Credentials::from),
            policy: request.policy.map(sources::Policy::from),
        }
    }
}

/// A place that files are fetched from.
#[derive(Serialize, ToSchema)]
pub struct Source {
    id: Uuid,
    #[schema(example = "CRM, every night")]
    name: String,
    place: Place,
    /// Whether there is something that opens it.
    has_credentials: bool,
    policy: SourcePolicy,
    #[serde(skip_serializing_if = "Option::is_none")]
    schedule: Option<ShownSchedule>,
    created_at: DateTime<Utc>,
}

impl From<sources::Source> for Source {
    fn from(source: sources::Source) -> Source {
        let next_at = source.next_at.unwrap_or_default();
        Source {
            id: source.id.0,
            name: source.name,
            place: source.place.into(),
            has_credentials: source.has_credentials,
            policy: source.policy.into(),
            schedule: source.schedule.map(|schedule| ShownSchedule::new(schedule, next_at)),
            created_at: source.created_at,
        }
    }
}

/// When an intake is started by itself, and what it orders. Give one of `every_hours` and `daily_at`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScheduleRequest {
    /// Every so many hours.
    #[schema(example = 24, minimum = 1, maximum = 8784)]
    every_hours: Option<u32>,
    /// Every day at this time, in UTC.
    #[schema(pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$")]
    daily_at: Option<String>,
    #[serde(deserialize_with = "crate::extract::object")]
    intake: IntakeRequest,
}

impl ScheduleRequest {
    /// What the platform takes.
    pub fn schedule(self, ordered_by: OrderedBy) -> Result<sources::Schedule, Problem> {
        let wrong = || Problem::invalid_field("daily_at", "This is a time such as 06:30.");
        let when = match (self.every_hours, self.daily_at) {
            (Some(hours), None) => When::EveryHours(hours),
            (None, Some(time)) => {
                When::DailyAt(NaiveTime::parse_from_str(&time, "%H:%M").map_err(|_| wrong())?)
            }
            _ => {
                return Err(Problem::invalid_field("every_hours", "Give either every_hours or daily_at."));
            }
        };
        Ok(sources::Schedule { when, request: self.intake.request(ordered_by)? })
    }
}

/// When an intake is started by itself.
#[derive(Serialize, ToSchema)]
#[schema(as = Schedule)]
pub struct ShownSchedule {
    #[serde(skip_serializing_if = "Option::is_none")]
    every_hours: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    daily_at: Option<String>,
    /// The next time.
    next_at: DateTime<Utc>,
    intake: super::intake_shapes::ShownRequest,
}

impl ShownSchedule {
    fn new(schedule: sources::Schedule, next_at: DateTime<Utc>) -> ShownSchedule {
        let (every_hours, daily_at) = match schedule.when {
            When::EveryHours(hours) => (Some(hours), None),
            When::DailyAt(time) => (None, Some(time.format("%H:%M").to_string())),
        };
        ShownSchedule { every_hours, daily_at, next_at, intake: schedule.request.into() }
    }
}

/// What came of a try.
#[derive(Serialize, ToSchema)]
pub struct SourceTest {
    /// Whether the beginning of the file was read.
    ok: bool,
    /// Its columns.
    #[serde(skip_serializing_if = "Option::is_none")]
    columns: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<super::intake_shapes::IntakeError>,
}

impl From<Tested> for SourceTest {
    fn from(tested: Tested) -> SourceTest {
        match tested {
            Tested::Columns(columns) => SourceTest { ok: true, columns: Some(columns), error: None },
            Tested::Failed(failure) => SourceTest { ok: false, columns: None, error: Some(failure.into()) },
        }
    }
}
