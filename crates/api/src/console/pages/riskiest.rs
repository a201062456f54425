//! The customers of a result, riskiest first: which columns are shown, and one page of the table.

use std::time::Duration;

use askama::Template;
use platform::predictions::{self, RankedResult};
use platform::{Access, Error, PredictionId};
use scoring::{Cells, FeatureKind, Manifest, Place, RankedCustomer, Schema, match_columns, names};

use crate::console::shell::Shell;
use crate::console::text::{Outcome, fill};
use crate::state::Api;

/// Customers on a page of the table.
pub const ROWS: usize = 25;
/// Columns that tell who a customer is, and columns that tell why; a table has room for no more.
const IDENTIFYING_MAX: usize = 2;
const TELLING_MAX: usize = 3;
/// Letters of a cell.
const LETTERS_MAX: usize = 60;

/// The features that tell most of a telecom customer, where a model reads them; else its first ones are shown.
const TELLING: [&str; 6] =
    ["Contract", "tenure", "MonthlyCharges", "InternetService", "PaymentMethod", "TotalCharges"];

/// One page of the table.
#[derive(Template)]
#[template(path = "console/_riskiest.html")]
pub struct Riskiest {
    t: &'static Outcome,
    id: PredictionId,
    columns: Vec<Column>,
    /// Whether the result says why.
    has_reasons: bool,
    rows: Vec<Row>,
    shown: String,
    page: u64,
    pages: u64,
    of_pages: String,
}

struct Column {
    name: String,
    is_number: bool,
    /// Whether it says who the customer is, and stands first.
    is_identifying: bool,
}

struct Row {
    rank: String,
    /// The same for an address.
    number: u64,
    leaves: bool,
    share: f64,
    probability: String,
    cells: Vec<String>,
    /// In words, the strongest first.
    reasons: Vec<ShownReason>,
}

/// A reason in the table.
struct ShownReason {
    words: String,
    /// Whether it speaks for leaving.
    raises: bool,
}

/// The ranking of a result where it is ready in time. Who does not wait any longer finds it later.
pub async fn ranking_within(
    api: &Api,
    access: &Access,
    id: PredictionId,
    patience: Duration,
) -> Result<Option<RankedResult>, Error> {
    match tokio::time::timeout(patience, predictions::ranking(&api.platform, access, id)).await {
        Ok(ranked) => ranked.map(Some),
        Err(_) => Ok(None),
    }
}

impl Riskiest {
    /// The number of the page, from 1.
    pub fn page(&self) -> u64 {
        self.page
    }

    /// A page of the table, the nearest one where there is none of this number.
    pub async fn read(
        api: &Api,
        access: &Access,
        shell: &Shell,
        (ranked, manifest): (&RankedResult, &Manifest),
        page: u64,
    ) -> Result<Riskiest, Error> {
        let t = Outcome::of(shell.language);
        let rows = ranked.ranking.rows();
        let pages = rows.div_ceil(ROWS as u64).max(1);
        let page = page.clamp(1, pages);
        let skipped = (page - 1) * ROWS as u64;
        let (columns, columns_at) = shown_columns(ranked.ranking.columns(), &manifest.schema);
        let cells = Cells { columns: columns_at, letters_max: LETTERS_MAX };
        let customers = ranked.page(&api.platform, access, skipped, ROWS, &cells).await?;
        let (first, last) = (skipped + u64::from(rows > 0), skipped + customers.len() as u64);
        let numbers = [("first", first), ("last", last), ("rows", rows)];
        let numbers = numbers.map(|(name, number)| (name, shell.number(number)));
        let numbers = numbers.each_ref().map(|(name, number)| (*name, number.as_str()));
        let reasons_at = reasons_at(ranked.ranking.extra());
        let rows = customers.into_iter().zip(first..);
        let rows = rows.map(|(customer, rank)| row(shell, rank, customer, &reasons_at));
        Ok(Riskiest {
            t,
            id: ranked.prediction.id,
            columns,
            has_reasons: !reasons_at.is_empty(),
            rows: rows.collect(),
            shown: fill(t.rows_shown, &numbers),
            page,
            pages,
            of_pages: fill(t.page_of, &[("pages", &shell.number(pages))]),
        })
    }
}

/// Where the words of reasons stand among the extra columns; the contribution is behind each.
fn reasons_at(extra: &[String]) -> Vec<usize> {
    let is_reason = |name: &str| name.starts_with("reason_") && !name.contains("contribution");
    (0..extra.len()).filter(|&at| is_reason(&extra[at])).collect()
}

fn reasons(extra: &[String], places: &[usize]) -> Vec<ShownReason> {
    let reason = |&at: &usize| {
        let (words, contribution) = (extra.get(at)?, extra.get(at + 1)?);
        let raises = !contribution.starts_with('-');
        Some(ShownReason { words: words.clone(), raises }).filter(|reason| !reason.words.is_empty())
    };
    places.iter().filter_map(reason).collect()
}

fn row(shell: &Shell, rank: u64, (place, customer): (Place, RankedCustomer), reasons_at: &[usize]) -> Row {
    let share = f64::from(place.millionths) / 1e6;
    Row {
        rank: shell.number(rank),
        number: rank,
        leaves: customer.leaves,
        share,
        probability: shell.share(share),
        reasons: reasons(&customer.extra, reasons_at),
        cells: customer.cells,
    }
}

/// Columns that say who it is, and then those that say most of why; with their places in the file.
fn shown_columns(header: &[String], schema: &Schema) -> (Vec<Column>, Vec<usize>) {
    let matched = match_columns(header, schema).unwrap_or_default();
    let feature = |at: usize| matched.get(at).and_then(|column| column.matched_to.as_deref());
    let outcomes: Vec<String> = schema.outcomes.iter().map(|name| names::key(name)).collect();
    let is_own = |at: &usize| {
        feature(*at).is_none()
            && !header[*at].trim().is_empty()
            && !outcomes.contains(&names::key(&header[*at]))
    };
    let identifying: Vec<usize> = (0..header.len()).filter(is_own).take(IDENTIFYING_MAX).collect();
    let known = TELLING.iter().filter_map(|name| (0..header.len()).find(|&at| feature(at) == Some(name)));
    let any = (0..header.len()).filter(|&at| feature(at).is_some_and(|name| !TELLING.contains(&name)));
    let telling: Vec<usize> = known.chain(any).take(TELLING_MAX).collect();
    let is_number = |at: usize| {
        let found = schema.features.iter().find(|known| Some(known.name.as_str()) == feature(at));
        found.is_some_and(|found| found.kind == FeatureKind::Number)
    };
    let columns_at: Vec<usize> = identifying.iter().chain(&telling).copied().collect();
    let column = |(position, &at): (usize, &usize)| Column {
        name: header[at].clone(),
        is_number: is_number(at),
        is_identifying: position < identifying.len(),
    };
    (columns_at.iter().enumerate().map(column).collect(), columns_at)
}

#[cfg(test)]
mod tests {
    use scoring::Feature;

    use super::*;

    fn schema() -> Schema {
        let feature = |name: &str, kind| Feature { name: name.to_owned(), aliases: Vec::new(), kind };
        let category = FeatureKind::Category { values: Vec::new() };
        let features = vec![
            feature("gender", category.clone()),
            feature("tenure", FeatureKind::Number),
            feature("Contract", category),
        ];
        Schema { features, outcomes: vec!["Churn".to_owned()] }
    }

    #[test]
    fn who_a_customer_is_comes_first_and_then_what_tells_most() {
        let header = ["gender", "Churn", "tenure", "", "Customer", "contract", "City", "Note"];
        let header = header.map(str::to_owned);
        let (columns, columns_at) = shown_columns(&header, &schema());
        assert_eq!(columns_at, [4, 6, 5, 2, 0]);
        let identifying: Vec<bool> = columns.iter().map(|column| column.is_identifying).collect();
        assert_eq!(identifying, [true, true, false, false, false]);
        let numbers: Vec<&str> =
            columns.iter().filter(|column| column.is_number).map(|column| column.name.as_str()).collect();
        assert_eq!(numbers, ["tenure"]);
    }
}
