//! What a model expects of a file: learned with the model, held against every file that comes later.
//!
//! A [`Contract`] follows from the manifest: the schema's columns, and from the profile of the training data the
//! range of each number, the known values of each category, the shares of what is missing and of rows that repeat
//! others. [`crate::check_contract`] tells what is otherwise as [`Finding`]s, by line and column. A finding refuses
//! nothing by itself: whoever asked decides which kinds do. What makes a file unreadable for the model, such as a
//! missing column, is an error of [`crate::check_csv`] and always refuses it.

mod repeats;
mod watch;

use serde::{Deserialize, Serialize};

use crate::manifest::{FeatureKind, Manifest};
use crate::monitoring::{FeatureProfile, ValuesProfile};
use crate::problem::Problem;

pub(crate) use watch::Watch;

/// A number may lie outside of the range that was learned by this share of the range's width.
const RANGE_MARGIN: f64 = 0.1;
/// The most places that are told of one finding; any more are only counted.
pub const PLACES_MAX: usize = 10;

/// What is expected of a file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Contract {
    /// Customers that it was learned from; 0 where the model says nothing of them, and only the columns count.
    pub rows: u64,
    /// The share of rows that repeated others, 0 to 1.
    pub duplicate_share: f64,
    /// One per feature, in the schema's order.
    pub columns: Vec<ColumnContract>,
}

/// What is expected of one column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnContract {
    /// The model's name of it.
    pub name: String,
    /// The share of customers without a value, 0 to 1.
    pub missing_share: f64,
    /// What the values are.
    #[serde(flatten)]
    pub values: ValuesContract,
}

/// What the values of a column are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ValuesContract {
    /// Numbers.
    Number {
        /// The least one seen; nothing where none was.
        min: Option<f64>,
        /// The greatest one seen.
        max: Option<f64>,
    },
    /// One of these.
    Category {
        /// The known values, in the model's spelling.
        values: Vec<String>,
    },
}

/// How a file can be otherwise than expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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

impl FindingKind {
    /// Every kind there is.
    pub const ALL: [FindingKind; 5] = [
        FindingKind::OutOfRange,
        FindingKind::UnknownCategory,
        FindingKind::Missing,
        FindingKind::Duplicates,
        FindingKind::Stale,
    ];

    /// The kind as it is written everywhere.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            FindingKind::OutOfRange => "out_of_range",
            FindingKind::UnknownCategory => "unknown_category",
            FindingKind::Missing => "missing",
            FindingKind::Duplicates => "duplicates",
            FindingKind::Stale => "stale",
        }
    }
}

/// Something that is otherwise than expected.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// How.
    pub kind: FindingKind,
    /// The column's name in the file; nothing for what concerns whole rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// Customers that it concerns.
    pub count: u64,
    /// Their share, 0 to 1.
    pub share: f64,
    /// What was expected and what is there, as a sentence without its full stop.
    pub message: String,
    /// The first places, [`PLACES_MAX`] at most.
    pub places: Vec<Problem>,
}

/// What is expected of a file beside what the model has learned.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expected {
    /// The column that tells customers apart: none is there twice. Without it whole rows are compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// How new the file must be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub freshness: Option<Freshness>,
}

/// How new a file must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Freshness {
    /// The column of dates or moments whose newest one counts.
    pub column: String,
    /// How old that one may be, in days.
    pub days_max: u32,
    /// The moment of the check, in seconds since 1970.
    pub now: i64,
}

impl Contract {
    /// What a model expects.
    #[must_use]
    pub fn of(manifest: &Manifest) -> Contract {
        let profile = manifest.profile.as_ref().filter(|profile| profile.fits(&manifest.schema));
        let columns = manifest.schema.features.iter().enumerate().map(|(place, feature)| {
            let learned = profile.map(|profile| &profile.features[place]);
            let rows = profile.map_or(0, |profile| profile.rows);
            let values = match &feature.kind {
                FeatureKind::Number => number_contract(learned),
                FeatureKind::Category { values } => ValuesContract::Category {
                    values: values.iter().map(|value| value.value.clone()).collect(),
                },
            };
            // Where nothing was learned, any share may be missing.
            let missing_share = learned.map_or(1.0, |learned| learned.missing as f64 / rows.max(1) as f64);
            ColumnContract { name: feature.name.clone(), missing_share, values }
        });
        let columns = columns.collect();
        let of_all = |profile: &crate::monitoring::Profile| {
            profile.duplicates as f64 / (profile.rows + profile.duplicates).max(1) as f64
        };
        Contract {
            rows: profile.map_or(0, |profile| profile.rows),
            duplicate_share: profile.map_or(0.0, of_all),
            columns,
        }
    }
}

fn number_contract(learned: Option<&FeatureProfile>) -> ValuesContract {
    match learned.map(|learned| &learned.values) {
        Some(ValuesProfile::Number(number)) => ValuesContract::Number { min: number.min, max: number.max() },
        _ => ValuesContract::Number { min: None, max: None },
    }
}

impl ValuesContract {
    /// Below and above which a number is told of.
    pub(crate) fn bounds(&self) -> (f64, f64) {
        match *self {
            ValuesContract::Number { min: Some(min), max: Some(max) } => {
                let margin = RANGE_MARGIN * if max > min { max - min } else { max.abs() };
                (min - margin, max + margin)
            }
            _ => (f64::NEG_INFINITY, f64::INFINITY),
        }
    }
}
