//! Looking at a file before paying for it.

use axum::Json;
use axum::extract::State;
use platform::{ServiceId, predictions};
use scoring::contract;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::predictions::FileForm;
use crate::extract::{Caller, Query, Upload};
use crate::problem::{Fault, Problem};
use crate::spooled_file::SpooledFile;
use crate::state::Api;

/// For which service a file is checked.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct CheckQuery {
    #[param(value_type = Uuid, example = "01980000-0000-7000-8000-000000000001")]
    service_id: String,
    /// The column that tells customers apart, such as `customerID`: none of its values may be there twice.
    key: Option<String>,
}

/// What a file holds, and how a service would take it.
#[derive(Serialize, ToSchema)]
pub struct Checked {
    /// Customers in the file.
    rows: u64,
    dialect: FileDialect,
    columns: Vec<Column>,
    /// The first 100.
    problems: Vec<Fault>,
    problem_count: u64,
    /// What is otherwise than in the data that the model learned from. It refuses nothing.
    findings: Vec<Finding>,
    /// What the service costs, in minor units.
    price: i64,
    /// What reasons for each customer cost on top, in minor units; absent where they are not offered.
    #[serde(skip_serializing_if = "Option::is_none")]
    explain_price: Option<i64>,
    currency: String,
}

/// How the file is written.
#[derive(Serialize, ToSchema)]
pub struct FileDialect {
    #[schema(value_type = String, example = ",")]
    delimiter: char,
    #[schema(value_type = String, example = "utf-8")]
    encoding: scoring::Encoding,
    #[schema(value_type = String, example = ".")]
    decimal: char,
}

/// A column of the file.
#[derive(Serialize, ToSchema)]
pub struct Column {
    name: String,
    /// What the model takes it for; null where it is passed through.
    #[schema(required)]
    matched_to: Option<String>,
    /// The share of customers who have nothing in it, from 0 to 1.
    missing_share: f64,
}

/// Something that is otherwise than in the data that the model learned from.
#[derive(Serialize, ToSchema)]
pub struct Finding {
    kind: FindingKind,
    /// The column in the file; null for what concerns whole rows.
    #[schema(required)]
    column: Option<String>,
    /// Customers that it concerns.
    count: u64,
    /// Their share, from 0 to 1.
    share: f64,
    #[schema(example = "the model has learned from 18.25 to 118.75")]
    message: String,
    /// The first 10 places.
    places: Vec<Fault>,
}

/// How a file can be otherwise than expected.
#[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// Numbers far outside of the range that was learned.
    OutOfRange,
    /// Values of a category that the model does not know.
    UnknownCategory,
    /// More customers without a value than there were.
    Missing,
    /// Customers that are there twice.
    Duplicates,
    /// Nothing in the file is as new as it should be.
    Stale,
}

impl From<contract::FindingKind> for FindingKind {
    fn from(kind: contract::FindingKind) -> FindingKind {
        match kind {
            contract::FindingKind::OutOfRange => FindingKind::OutOfRange,
            contract::FindingKind::UnknownCategory => FindingKind::UnknownCategory,
            contract::FindingKind::Missing => FindingKind::Missing,
            contract::FindingKind::Duplicates => FindingKind::Duplicates,
            contract::FindingKind::Stale => FindingKind::Stale,
        }
    }
}

impl From<FindingKind> for contract::FindingKind {
    fn from(kind: FindingKind) -> contract::FindingKind {
        match kind {
            FindingKind::OutOfRange => contract::FindingKind::OutOfRange,
            FindingKind::UnknownCategory => contract::FindingKind::UnknownCategory,
            FindingKind::Missing => contract::FindingKind::Missing,
            FindingKind::Duplicates => contract::FindingKind::Duplicates,
            FindingKind::Stale => contract::FindingKind::Stale,
        }
    }
}

impl From<contract::Finding> for Finding {
    fn from(finding: contract::Finding) -> Finding {
        Finding {
            kind: finding.kind.into(),
            column: finding.column,
            count: finding.count,
            share: finding.share,
            message: finding.message,
            places: finding.places.into_iter().map(Fault::from).collect(),
        }
    }
}

/// Check a file
///
/// Free of charge. Reads the whole file and tells its rows, how it is written, how each column was matched, what is
/// wrong with it, and what is otherwise than in the data that the model learned from: numbers out of range, unknown
/// categories, missing values, duplicates.
#[utoipa::path(
    post, path = "/api/v1/files/check", tag = "Predictions", operation_id = "check_file",
    params(CheckQuery),
    request_body(content = FileForm, content_type = "multipart/form-data"),
    responses(
        (status = 200, description = "What the file holds", body = Checked),
        (status = 404, description = "`not_found`: no such service"),
        (status = 422, description = "`missing_columns`, `empty_file`, `no_rows`, `binary_file` and others"),
    ),
)]
pub async fn check(
    State(api): State<Api>,
    Caller(access): Caller,
    Query(query): Query<CheckQuery>,
    upload: Upload,
) -> Result<Json<Checked>, Problem> {
    let service = Uuid::parse_str(&query.service_id).map_err(|_| Problem::not_found())?;
    let (service, manifest) = predictions::check(&api.platform, &access, ServiceId(service)).await?;
    let file = SpooledFile::receive(&api.platform, upload.content).await?;
    let expected = contract::Expected { key: query.key, freshness: None };
    let (dialect, report) = (file.dialect().clone(), file.check_contract(manifest, expected).await?);
    Ok(Json(Checked {
        rows: report.rows,
        dialect: FileDialect {
            delimiter: dialect.delimiter,
            encoding: dialect.encoding,
            decimal: dialect.decimal,
        },
        columns: report
            .columns
            .into_iter()
            .map(|column| Column {
                name: column.name,
                matched_to: column.matched_to,
                missing_share: column.missing_share,
            })
            .collect(),
        problems: report.problems.into_iter().map(Fault::from).collect(),
        problem_count: report.problem_count,
        findings: report.findings.into_iter().map(Finding::from).collect(),
        price: service.price.minor_units(),
        explain_price: service.explain_price.map(ledger::Money::minor_units),
        currency: api.platform.currency.clone(),
    }))
}
