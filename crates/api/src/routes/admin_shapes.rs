//! What administrators send and see.

use chrono::{DateTime, Utc};
use platform::{administration, audit_log};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::accounts::{Role, User};

/// A deposit, to the tenant of a user or to a tenant by its id.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "email": "demo@augur.example", "amount": 100_000, "note": "invoice 17" }))]
pub struct DepositRequest {
    /// The address of a user of the tenant; or else give `tenant_id`.
    pub email: Option<String>,
    pub tenant_id: Option<Uuid>,
    /// In minor units.
    #[schema(minimum = 1)]
    pub amount: i64,
    #[schema(max_length = 500)]
    pub note: Option<String>,
}

/// A change of a user; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "disabled": false }))]
pub struct UserChangeRequest {
    pub role: Option<Role>,
    /// A disabled user cannot sign in.
    pub disabled: Option<bool>,
}

/// A new service.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "Overnight", "model": "logistic", "description": "For files that can wait.", "price": 700
}))]
pub struct ServiceRequest {
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// The name of a model.
    pub model: String,
    #[schema(max_length = 2000)]
    pub description: Option<String>,
    /// What one order costs, in minor units.
    #[schema(minimum = 1)]
    pub price: i64,
    /// What reasons for each customer cost on top, in minor units; not offered where left out or 0.
    #[schema(minimum = 0)]
    pub explain_price: Option<i64>,
    /// How many rows one order may score; 10,000,000 where left out.
    #[schema(minimum = 1)]
    pub max_rows: Option<u64>,
    /// Whether it can be ordered; it can where left out.
    pub active: Option<bool>,
}

/// A change of a service; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "price": 900 }))]
pub struct ServiceChangeRequest {
    #[schema(min_length = 1, max_length = 100)]
    pub name: Option<String>,
    pub model: Option<String>,
    #[schema(max_length = 2000)]
    pub description: Option<String>,
    /// In minor units, for orders from now on.
    #[schema(minimum = 1)]
    pub price: Option<i64>,
    /// The surcharge for reasons; 0 offers them no more.
    #[schema(minimum = 0)]
    pub explain_price: Option<i64>,
    #[schema(minimum = 1)]
    pub max_rows: Option<u64>,
    pub active: Option<bool>,
}

/// How an account is closed.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ClosingQuery {
    /// Gives up the money that is left.
    #[param(default = false)]
    pub forfeit_balance: Option<bool>,
}

/// Why an order is refunded.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundRequest {
    #[schema(min_length = 1, max_length = 500, example = "as agreed on the telephone")]
    pub note: String,
}

/// A user, and what their tenant has.
#[derive(Serialize, ToSchema)]
pub struct UserAccount {
    #[serde(flatten)]
    user: User,
    /// Whether they may sign in no more.
    disabled: bool,
    /// In minor units.
    balance: i64,
    currency: String,
}

/// An event of the audit log, in ids only.
#[derive(Serialize, ToSchema)]
pub struct AuditEntry {
    id: Uuid,
    created_at: DateTime<Utc>,
    #[schema(example = "deposit.made")]
    action: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    actor_user_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject_id: Option<Uuid>,
    detail: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
}

/// What a check of the ledger found.
#[derive(Serialize, ToSchema)]
pub struct LedgerCheck {
    /// Whether everything holds.
    ok: bool,
    /// Accounts looked at.
    accounts: i64,
    /// Transactions looked at.
    transactions: i64,
    violations: Vec<Violation>,
}

/// Something that does not hold.
#[derive(Serialize, ToSchema)]
pub struct Violation {
    /// Which invariant.
    #[schema(example = "balance_is_sum_of_transactions")]
    invariant: String,
    /// Of what.
    subject_id: Uuid,
    detail: String,
}

impl UserAccount {
    /// A user as administrators see them.
    pub fn new(entry: administration::UserWithBalance, currency: &str) -> UserAccount {
        UserAccount {
            disabled: entry.user.disabled,
            user: entry.user.into(),
            balance: entry.balance.minor_units(),
            currency: currency.to_owned(),
        }
    }
}

impl From<audit_log::Entry> for AuditEntry {
    fn from(entry: audit_log::Entry) -> AuditEntry {
        AuditEntry {
            id: entry.id,
            created_at: entry.created_at,
            action: entry.action,
            actor_user_id: entry.actor_user_id,
            tenant_id: entry.tenant_id,
            subject_id: entry.subject_id,
            detail: entry.detail,
            request_id: entry.request_id,
        }
    }
}

impl From<ledger::Check> for LedgerCheck {
    fn from(check: ledger::Check) -> LedgerCheck {
        let ok = check.violations.is_empty();
        let violations = check.violations.into_iter().map(|violation| Violation {
            invariant: violation.invariant,
            subject_id: violation.subject_id,
            detail: violation.detail,
        });
        LedgerCheck {
            ok,
            accounts: check.accounts,
            transactions: check.transactions,
            violations: violations.collect(),
        }
    }
}
