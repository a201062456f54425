//! Users: the list, and one of them with their money, their orders and what they may do.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use ledger::Kind;
use platform::administration::{self, UserChange, UserDetail, UserWithBalance};
use platform::money::{self, Deposit, Recipient};
use platform::{Access, Error, Page, UserId};
use serde::Deserialize;

use super::amount;
use super::form_key::{key_of_form, new_key, refusal};
use super::listed::ListQuery;
use super::orders::OrderView;
use crate::console::errors::PageError;
use crate::console::fields::FieldErrors;
use crate::console::forgery::AdminForm;
use crate::console::shell::{PageResult, Shell, render, render_with, see_other};
use crate::console::text::{Admin, fill};
use crate::console::visitor::AdminVisitor;
use crate::extract::{Id, Query};
use crate::state::Api;

const PATH: &str = "/admin/users";

/// How many transactions a user's page shows at a time.
const TRANSACTIONS: u32 = 10;

#[derive(Template)]
#[template(path = "console/admin/users.html")]
struct UsersPage {
    shell: Shell,
    t: &'static Admin,
    query: ListQuery,
    base: String,
    users: Vec<UserWithBalance>,
    next_cursor: Option<String>,
}

#[derive(Template)]
#[template(path = "console/admin/user.html")]
struct UserPage {
    shell: Shell,
    t: &'static Admin,
    detail: UserDetail,
    orders: Vec<OrderView>,
    /// Whether this is the administrator who looks.
    is_self: bool,
    /// What has just been paid in, in words.
    topped_up: Option<String>,
    is_first: bool,
    form: TopUpForm,
    errors: FieldErrors,
}

/// What is shown of a user.
#[derive(Default, Deserialize)]
pub struct UserQuery {
    /// Where the last page of transactions ended.
    #[serde(default)]
    cursor: String,
    /// The deposit that was just made.
    #[serde(default)]
    topped_up: String,
}

/// A deposit.
#[derive(Default, Deserialize)]
pub struct TopUpForm {
    #[serde(default)]
    amount: String,
    #[serde(default)]
    note: String,
    #[serde(default)]
    idempotency_key: String,
}

/// Whether somebody is to administer, or may sign in.
#[derive(Deserialize)]
pub struct ChangeForm {
    #[serde(default)]
    to: String,
}

/// The list.
pub async fn list(
    State(api): State<Api>,
    visitor: AdminVisitor,
    Query(query): Query<ListQuery>,
) -> PageResult {
    let AdminVisitor { access, shell } = visitor;
    let t = Admin::of(shell.language);
    let users =
        administration::users(&api.platform, &access, query.words().as_deref(), &query.page()).await?;
    let curl = shell.curl_get("/api/v1/admin/users?limit=50");
    let base = query.base(PATH);
    let shell = shell.with_curl(curl);
    render(&UsersPage { shell, t, query, base, users: users.data, next_cursor: users.next_cursor })
}

/// One user.
pub async fn show(
    State(api): State<Api>,
    visitor: AdminVisitor,
    Id(id): Id<UserId>,
    Query(query): Query<UserQuery>,
) -> PageResult {
    let AdminVisitor { access, shell } = visitor;
    let form = TopUpForm { idempotency_key: new_key(), ..TopUpForm::default() };
    let page = user_page(&api, shell, &access, id, &query, form, FieldErrors::default()).await?;
    render(&page)
}

/// Pays money in, once for each page that was shown.
pub async fn topped_up(
    State(api): State<Api>,
    Id(id): Id<UserId>,
    AdminForm { access, shell, body }: AdminForm<TopUpForm>,
) -> PageResult {
    let mut errors = FieldErrors::default();
    if let Some(transaction) = pay_in(&api, &shell, &access, id, &body, &mut errors).await? {
        return Ok(see_other(&format!("{PATH}/{id}?topped_up={transaction}")));
    }
    let form = TopUpForm { idempotency_key: new_key(), ..body };
    let page = user_page(&api, shell, &access, id, &UserQuery::default(), form, errors).await?;
    render_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
}

/// The deposit's id; none where something is wrong with the form, which is said in `errors`.
async fn pay_in(
    api: &Api,
    shell: &Shell,
    access: &Access,
    id: UserId,
    form: &TopUpForm,
    errors: &mut FieldErrors,
) -> Result<Option<String>, PageError> {
    let t = Admin::of(shell.language);
    let amount = match amount::parse(t, shell.language, &shell.currency, &form.amount) {
        Ok(amount) => amount,
        Err(said) => {
            errors.add("amount", said);
            return Ok(None);
        }
    };
    let target = format!("{PATH}/{id}/top-up");
    let minor_units = amount.minor_units().to_string();
    let Some(key) = key_of_form(&form.idempotency_key, &target, &[&minor_units, &form.note]) else {
        errors.add("form", t.sent_before);
        return Ok(None);
    };
    let one = Page { limit: 1, cursor: None };
    let tenant = administration::user(&api.platform, access, id, &one).await?.account.user.tenant;
    let deposit = Deposit { recipient: Recipient::Tenant(tenant), amount, note: Some(form.note.clone()) };
    match money::deposit(&api.platform, access, deposit, Some(&key)).await {
        Ok(made) => return Ok(Some(made.value.id.to_string())),
        Err(Error::Invalid(problems)) => errors.take(shell.language, Error::Invalid(problems))?,
        Err(error) => errors.add("form", refusal(t, error)?),
    }
    Ok(None)
}

/// Makes somebody an administrator, or no longer one.
pub async fn role_changed(
    State(api): State<Api>,
    Id(id): Id<UserId>,
    AdminForm { access, shell, body }: AdminForm<ChangeForm>,
) -> PageResult {
    let change = UserChange { is_admin: Some(body.to == "admin"), disabled: None };
    changed(&api, shell, &access, id, change).await
}

/// Lets somebody sign in no more, or again.
pub async fn access_changed(
    State(api): State<Api>,
    Id(id): Id<UserId>,
    AdminForm { access, shell, body }: AdminForm<ChangeForm>,
) -> PageResult {
    let change = UserChange { is_admin: None, disabled: Some(body.to == "disabled") };
    changed(&api, shell, &access, id, change).await
}

async fn changed(api: &Api, shell: Shell, access: &Access, id: UserId, change: UserChange) -> PageResult {
    let t = Admin::of(shell.language);
    let said = match administration::update_user(&api.platform, access, id, change).await {
        Ok(_) => return Ok(see_other(&format!("{PATH}/{id}?notice=saved"))),
        Err(Error::Conflict { code: "own_account", .. }) => t.own_account,
        Err(Error::Conflict { code: "account_closed", .. }) => t.account_closed,
        Err(error) => return Err(error.into()),
    };
    let mut errors = FieldErrors::default();
    errors.add("access", said);
    let form = TopUpForm { idempotency_key: new_key(), ..TopUpForm::default() };
    let page = user_page(api, shell, access, id, &UserQuery::default(), form, errors).await?;
    render_with(StatusCode::CONFLICT, &page)
}

async fn user_page(
    api: &Api,
    shell: Shell,
    access: &Access,
    id: UserId,
    query: &UserQuery,
    form: TopUpForm,
    errors: FieldErrors,
) -> Result<UserPage, PageError> {
    let t = Admin::of(shell.language);
    let cursor = Some(query.cursor.clone()).filter(|cursor| !cursor.is_empty());
    let is_first = cursor.is_none();
    let page = Page { limit: TRANSACTIONS, cursor };
    let mut detail = administration::user(&api.platform, access, id, &page).await?;
    let orders = std::mem::take(&mut detail.orders);
    let made = detail.transactions.data.iter().find(|made| made.id.to_string() == query.topped_up);
    let topped_up = made.filter(|made| made.kind == Kind::Deposit).map(|made| {
        let [amount, balance] = [made.amount, made.balance_after].map(|it| shell.money(it.minor_units()));
        fill(t.topped_up, &[("amount", &amount), ("balance", &balance)])
    });
    let user = &detail.account.user;
    let body = format!(r#"{{"tenant_id": "{}", "amount": 150000, "note": "invoice 17"}}"#, user.tenant);
    let curl = shell.curl_send("POST", "/api/v1/admin/deposits", &body);
    Ok(UserPage {
        t,
        is_self: shell.member.as_ref().is_some_and(|member| member.email == user.email),
        orders: orders.into_iter().map(|order| OrderView::new(t, order, None)).collect(),
        topped_up,
        is_first,
        form,
        errors,
        detail,
        shell: shell.with_curl(curl),
    })
}

impl UserPage {
    fn is_closed(&self) -> bool {
        self.detail.account.closed_at.is_some()
    }

    /// The address of this page, to which a cursor can be added.
    fn base(&self) -> String {
        format!("{PATH}/{}?", self.detail.account.user.id)
    }

    fn kind(&self, kind: &Kind) -> &'static str {
        match kind {
            Kind::Deposit => self.t.deposit,
            Kind::Debit => self.t.debit,
            Kind::Refund => self.t.refund,
        }
    }

    fn is_debit(&self, kind: &Kind) -> bool {
        *kind == Kind::Debit
    }

    /// A text that names the user.
    fn said(&self, text: &str) -> String {
        fill(text, &[("email", &self.detail.account.user.email)])
    }

    fn amount_label(&self) -> String {
        fill(self.t.amount, &[("currency", &self.shell.currency)])
    }

    fn amount_hint(&self) -> String {
        let example = amount::example(self.shell.language, &self.shell.currency);
        fill(self.t.amount_hint, &[("example", &example)])
    }

    fn closed_text(&self) -> Option<String> {
        let closed_at = self.detail.account.closed_at?;
        Some(fill(self.t.closed_text, &[("date", &self.shell.date(closed_at))]))
    }
}
