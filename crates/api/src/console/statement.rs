//! The statement of a month as CSV, sent while it is read, for any number of movements.

use std::io;

use axum::body::Body;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Datelike, Months, NaiveDate, NaiveTime, Utc};
use futures::stream;
use platform::money::{Movement, Statement};
use platform::{Access, Error};

use super::format;
use super::language::Language;
use super::movement::Told;
use super::text::Money;
use crate::export::spreadsheet::text_cell;
use crate::state::Api;

/// Tells a spreadsheet that the file is UTF-8.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// A month in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Month(NaiveDate);

/// How spreadsheets of a language read numbers, and what stands between cells then.
struct Dialect {
    delimiter: char,
    decimal: char,
}

/// What the lines of a statement are made of.
struct Writer {
    language: Language,
    t: &'static Money,
    currency: String,
    dialect: Dialect,
}

/// A statement on its way.
struct Sending {
    api: Api,
    access: Access,
    month: Month,
    statement: Statement,
    writer: Writer,
    stage: Stage,
}

enum Stage {
    Opening,
    Movements(Option<Box<Movement>>),
    Sent,
}

impl Month {
    /// The month that a moment is in.
    pub fn of(at: DateTime<Utc>) -> Month {
        let day = at.date_naive();
        Month(day.with_day(1).unwrap_or(day))
    }

    /// The month of a text such as `2026-11`.
    pub fn parse(text: &str) -> Option<Month> {
        let is_plain = text.len() == 7 && text.starts_with(|digit: char| digit.is_ascii_digit());
        let day = NaiveDate::parse_from_str(&format!("{text}-01"), "%Y-%m-%d").ok()?;
        is_plain.then_some(Month(day))
    }

    /// The month before.
    pub fn before(self) -> Option<Month> {
        self.0.checked_sub_months(Months::new(1)).map(Month)
    }

    /// The month as a text such as `2026-11`.
    pub fn code(self) -> String {
        self.0.format("%Y-%m").to_string()
    }

    /// The month in words.
    pub fn said(self, t: &'static Money) -> String {
        format!("{} {}", t.month_name(self.0.month0()), self.0.year())
    }

    /// Its first moment.
    pub fn start(self) -> DateTime<Utc> {
        self.0.and_time(NaiveTime::MIN).and_utc()
    }

    /// The first moment after it.
    pub fn end(self) -> DateTime<Utc> {
        let next = self.0.checked_add_months(Months::new(1));
        next.unwrap_or(NaiveDate::MAX).and_time(NaiveTime::MIN).and_utc()
    }
}

/// The statement of a month as an answer.
pub async fn answer(api: Api, access: Access, language: Language, month: Month) -> Result<Response, Error> {
    let statement = Statement::open(&api.platform, &access, month.start()..month.end()).await?;
    let writer = Writer::new(language, &api.platform.currency);
    let sending = Sending { api, access, month, statement, writer, stage: Stage::Opening };
    let body = Body::from_stream(stream::try_unfold(sending, Sending::next));
    let disposition = format!("attachment; filename=\"augur-{}.csv\"", month.code());
    let headers = [(CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (CONTENT_DISPOSITION, disposition)];
    Ok((headers, body).into_response())
}

impl Sending {
    async fn next(mut self) -> io::Result<Option<(String, Sending)>> {
        let text = match std::mem::replace(&mut self.stage, Stage::Sent) {
            Stage::Sent => return Ok(None),
            Stage::Opening => {
                self.stage = Stage::Movements(None);
                self.writer.opening(self.month, self.statement)
            }
            Stage::Movements(last) => self.movements(last).await?,
        };
        Ok(Some((text, self)))
    }

    async fn movements(&mut self, last: Option<Box<Movement>>) -> io::Result<String> {
        let movements = self.statement.movements(&self.api.platform, &self.access, last.as_deref()).await;
        let movements = movements.map_err(|error| {
            tracing::warn!(%error, "A statement was broken off.");
            io::Error::other("the statement was broken off")
        })?;
        let mut text = String::new();
        for movement in &movements {
            self.writer.movement(&mut text, movement);
        }
        match movements.into_iter().next_back() {
            Some(last) => self.stage = Stage::Movements(Some(Box::new(last))),
            None => text = self.writer.closing(self.month, self.statement),
        }
        Ok(text)
    }
}

impl Writer {
    fn new(language: Language, currency: &str) -> Writer {
        let dialect = match language {
            Language::English => Dialect { delimiter: ',', decimal: '.' },
            Language::Russian => Dialect { delimiter: ';', decimal: ',' },
        };
        Writer { language, t: Money::of(language), currency: currency.to_owned(), dialect }
    }

    fn opening(&self, month: Month, statement: Statement) -> String {
        let columns: Vec<String> = self.t.csv_columns.split(',').map(text_cell).collect();
        let mut text = String::from(BYTE_ORDER_MARK);
        self.line(&mut text, &columns);
        let balance = statement.opening.balance.minor_units();
        self.balance(&mut text, month.start(), self.t.csv_opening, balance);
        text
    }

    fn closing(&self, month: Month, statement: Statement) -> String {
        let mut text = String::new();
        let balance = statement.closing.balance.minor_units();
        self.balance(&mut text, month.end().min(Utc::now()), self.t.csv_closing, balance);
        text
    }

    fn balance(&self, text: &mut String, at: DateTime<Utc>, kind: &str, balance: i64) {
        self.cells(text, at, [kind, "", ""], None, balance);
    }

    fn movement(&self, text: &mut String, movement: &Movement) {
        let transaction = &movement.transaction;
        let told = Told::of(self.language, self.t, movement);
        let kind = match transaction.kind {
            ledger::Kind::Deposit => self.t.csv_top_up,
            ledger::Kind::Debit => self.t.csv_order,
            ledger::Kind::Refund => self.t.csv_refund,
        };
        let description = match (told.detail.is_empty(), transaction.kind) {
            (true, _) => told.title,
            (false, ledger::Kind::Debit) => format!("{}, {}", told.title, told.detail),
            (false, _) => told.detail,
        };
        let order = told.order.map(|order| order.to_string()).unwrap_or_default();
        let balance_after = transaction.balance_after.minor_units();
        let words = [kind, &description, &order];
        self.cells(text, transaction.created_at, words, Some(told.amount), balance_after);
    }

    fn cells(
        &self,
        text: &mut String,
        at: DateTime<Utc>,
        [kind, description, order]: [&str; 3],
        amount: Option<i64>,
        balance: i64,
    ) {
        let cells = [
            at.format("%Y-%m-%d %H:%M:%S").to_string(),
            text_cell(kind),
            text_cell(description),
            text_cell(order),
            amount.map(|amount| self.decimal(amount)).unwrap_or_default(),
            self.decimal(balance),
            text_cell(&self.currency),
            amount.map(|amount| amount.to_string()).unwrap_or_default(),
            balance.to_string(),
        ];
        self.line(text, &cells);
    }

    fn line(&self, text: &mut String, cells: &[String]) {
        for (index, cell) in cells.iter().enumerate() {
            if index > 0 {
                text.push(self.dialect.delimiter);
            }
            text.push_str(cell);
        }
        text.push_str("\r\n");
    }

    fn decimal(&self, minor_units: i64) -> String {
        let decimals = format::decimals_of(&self.currency);
        let digits = format!("{:0>width$}", minor_units.unsigned_abs(), width = decimals + 1);
        let (whole, fraction) = digits.split_at(digits.len() - decimals);
        let minus = if minor_units < 0 { "-" } else { "" };
        match decimals {
            0 => format!("{minus}{whole}"),
            // Beside other delimiters a decimal comma needs no quotes.
            _ => format!("{minus}{whole}{}{fraction}", self.dialect.decimal),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_read_strictly_and_end_where_the_next_begins() {
        let month = Month::parse("2026-12").unwrap();
        assert_eq!((month.code(), month.before().unwrap().code()), ("2026-12".into(), "2026-11".into()));
        assert_eq!(month.end(), Month::parse("2027-01").unwrap().start());
        for wrong in ["", "2026", "2026-13", "2026-1", "+202-01", "02026-1", "2026-11-05", "ноябрь!"] {
            assert_eq!(Month::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn amounts_are_decimal_numbers_as_the_languages_spreadsheets_read_them() {
        let decimal = |language, amount, currency| Writer::new(language, currency).decimal(amount);
        assert_eq!(decimal(Language::English, -50_001, "RUB"), "-500.01");
        assert_eq!(decimal(Language::Russian, 5, "RUB"), "0,05");
        assert_eq!(decimal(Language::English, 1234, "JPY"), "1234");
        assert_eq!(decimal(Language::English, i64::MAX, "KWD"), "9223372036854775.807");
    }

    #[test]
    fn text_in_a_line_is_never_a_formula() {
        let writer = Writer::new(Language::Russian, "RUB");
        let mut text = String::new();
        writer.cells(&mut text, DateTime::UNIX_EPOCH, ["возврат", "=1+1;\"x\"", ""], Some(-150), 0);
        assert_eq!(
            text,
            "1970-01-01 00:00:00;\"возврат\";\"'=1+1;\"\"x\"\"\";\"\";-1,50;0,00;\"RUB\";-150;0\r\n"
        );
    }
}
