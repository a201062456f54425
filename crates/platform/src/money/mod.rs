//! A tenant's money: what there is, what moved and what for, and an administrator's deposits.

mod db;
mod history;

pub use history::{Course, Movement, Purpose, Statement, UsedFor, course, movements};

use crate::audit_log::{self, Event};
use crate::idempotency::{self, Idempotency, Replayable};
use crate::page::position_of_number;
use crate::{Access, AdminTx, Error, List, Page, Platform, TenantId, TenantTx, accounts, closing};
use ledger::{Money, Transaction, TransactionId};

/// Whose account a deposit goes to.
#[derive(Clone, Debug)]
pub enum Recipient {
    /// The tenant of the user with this address.
    Email(String),
    /// A tenant by its id.
    Tenant(TenantId),
}

/// An administrator's deposit.
#[derive(Clone, Debug)]
pub struct Deposit {
    /// To whom.
    pub recipient: Recipient,
    /// How much; more than nothing.
    pub amount: Money,
    /// A remark of up to 500 characters.
    pub note: Option<String>,
}

/// What the caller's tenant has.
pub async fn balance(platform: &Platform, access: &Access) -> Result<Money, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let account = tx.caller().tenant.account();
    Ok(ledger::balance(tx.connection(), account).await?)
}

/// What moved on the caller's tenant's account, newest first.
pub async fn transactions(
    platform: &Platform,
    access: &Access,
    page: &Page,
) -> Result<List<Transaction>, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let account = tx.caller().tenant.account();
    let before = page.before_number("transactions")?;
    let transactions = ledger::transactions(tx.connection(), account, before, page.rows()).await?;
    Ok(page.cut("transactions", transactions, |transaction| position_of_number(transaction.sequence)))
}

/// Pays money into a tenant's account, as an administrator.
///
/// # Errors
/// [`Error::Invalid`] on `email`, `tenant_id`, `amount` or `note`; `account_closed`; the idempotency errors.
pub async fn deposit(
    platform: &Platform,
    access: &Access,
    deposit: Deposit,
    idempotency: Option<&Idempotency>,
) -> Result<Replayable<Transaction>, Error> {
    let mut tx = AdminTx::begin_writing(platform, access).await?;
    let paid_in = deposit_in(&mut tx, access, &deposit, idempotency).await;
    let paid_in = tx.finish(paid_in).await?;
    if !paid_in.replayed {
        count_moved("deposit", deposit.amount);
    }
    Ok(paid_in)
}

async fn deposit_in(
    tx: &mut AdminTx,
    access: &Access,
    deposit: &Deposit,
    idempotency: Option<&Idempotency>,
) -> Result<Replayable<Transaction>, Error> {
    let scope = tx.administrator().user().0;
    if let Some(answer) = idempotency::take(tx.connection(), scope, idempotency).await? {
        return Ok(Replayable::replayed(answer));
    }
    let transaction = pay_in(tx, deposit, Some(&access.request_id)).await?;
    // The key comes after the ledger's statement: its answer holds the balance that this gave.
    idempotency::keep(tx.connection(), scope, idempotency, &transaction).await?;
    Ok(Replayable::first(transaction))
}

/// Pays money in on the command line.
pub async fn deposit_on_command_line(platform: &Platform, deposit: Deposit) -> Result<Transaction, Error> {
    let mut tx = AdminTx::begin_on_command_line(platform).await?;
    let transaction = pay_in(&mut tx, &deposit, None).await?;
    tx.commit().await?;
    Ok(transaction)
}

/// Adds to the metric of money moved. Called once the movement is durable.
pub(crate) fn count_moved(kind: &'static str, amount: Money) {
    let minor_units = amount.minor_units().unsigned_abs();
    metrics::counter!("augur_money_moved_minor_units_total", "kind" => kind).increment(minor_units);
}

/// A remark that may be kept: 1 to 500 characters, or none.
pub(crate) fn checked_note(note: Option<&str>) -> Result<Option<&str>, Error> {
    let Some(note) = note.map(str::trim).filter(|note| !note.is_empty()) else { return Ok(None) };
    if note.chars().count() > 500 || note.contains('\0') {
        return Err(Error::invalid("note", "a note has at most 500 characters"));
    }
    Ok(Some(note))
}

async fn pay_in(tx: &mut AdminTx, deposit: &Deposit, request_id: Option<&str>) -> Result<Transaction, Error> {
    let note = checked_note(deposit.note.as_deref())?;
    let actor = tx.administrator().user();
    let tenant = match &deposit.recipient {
        Recipient::Tenant(tenant) => *tenant,
        Recipient::Email(email) => {
            accounts::db::select_login(tx.connection(), email)
                .await?
                .ok_or_else(|| Error::invalid("email", "nobody is registered with this address"))?
                .tenant
        }
    };
    match closing::db::is_closed(tx.connection(), tenant).await? {
        Some(false) => {}
        Some(true) => return Err(Error::conflict("account_closed", "the account is closed for good")),
        None => return Err(Error::invalid("tenant_id", "there is no such tenant")),
    }
    let id = TransactionId::new();
    let event = Event {
        action: "deposit.made",
        actor: Some(actor),
        tenant: Some(tenant),
        subject: Some(id.0),
        request_id,
        ..Event::default()
    };
    audit_log::write(tx.connection(), event).await?;
    Ok(ledger::deposit(tx.connection(), tenant.account(), id, deposit.amount, note).await?)
}
