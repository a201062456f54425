//! What holds for the whole installation.

mod db;

use crate::Error;
use sqlx::PgPool;

const CURRENCY_DEFAULT: &str = "RUB";

/// Fixes the currency at the first start, and refuses another one ever after.
pub(crate) async fn fix_currency(pool: &PgPool, wanted: Option<&str>) -> Result<String, Error> {
    if let Some(code) = wanted.filter(|code| !is_currency_code(code)) {
        return Err(Error::Configuration(format!("CURRENCY {code:?} is no ISO 4217 code such as EUR")));
    }
    let fixed = db::insert_or_select(pool, "currency", wanted.unwrap_or(CURRENCY_DEFAULT)).await?;
    match wanted {
        Some(wanted) if wanted != fixed => Err(Error::Configuration(format!(
            "CURRENCY is {wanted}, but this installation's balances are in {fixed} since its first start"
        ))),
        _ => Ok(fixed),
    }
}

fn is_currency_code(code: &str) -> bool {
    code.len() == 3 && code.bytes().all(|letter| letter.is_ascii_uppercase())
}
