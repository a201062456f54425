//! The orders of all customers, and giving money back for one.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use platform::administration::{self, Search};
use platform::orders::{self, Order, OrderStatus};
use platform::{Access, Error, OrderId, Page};
use serde::Deserialize;

use super::Named;
use super::form_key::{key_of_form, new_key, refusal};
use super::listed::ListQuery;
use super::predictions::{PredictionView, Tag};
use crate::console::errors::PageError;
use crate::console::fields::FieldErrors;
use crate::console::forgery::AdminForm;
use crate::console::shell::{PageResult, Shell, render, render_with, see_other};
use crate::console::text::{Admin, fill};
use crate::console::visitor::AdminVisitor;
use crate::extract::{Id, Query};
use crate::state::Api;

const PATH: &str = "/admin/orders";

/// The states in which an order can be, by their words in an address.
const STATES: [(&str, OrderStatus); 4] = [
    ("paid", OrderStatus::Paid),
    ("in_use", OrderStatus::InUse),
    ("provided", OrderStatus::Provided),
    ("refunded", OrderStatus::Refunded),
];

/// An order as a list shows it.
pub struct OrderView {
    pub href: String,
    pub short_id: String,
    pub customer: Option<Named>,
    pub status: Tag,
    pub order: Order,
}

#[derive(Template)]
#[template(path = "console/admin/orders.html")]
struct OrdersPage {
    shell: Shell,
    t: &'static Admin,
    query: ListQuery,
    base: String,
    states: Vec<(&'static str, &'static str)>,
    orders: Vec<OrderView>,
    next_cursor: Option<String>,
}

#[derive(Template)]
#[template(path = "console/admin/order.html")]
struct OrderPage {
    shell: Shell,
    t: &'static Admin,
    view: OrderView,
    email: String,
    prediction: Option<PredictionView>,
    form: RefundForm,
    errors: FieldErrors,
}

/// Why an order is refunded.
#[derive(Default, Deserialize)]
pub struct RefundForm {
    #[serde(default)]
    note: String,
    #[serde(default)]
    sure: String,
    #[serde(default)]
    idempotency_key: String,
}

/// The list.
pub async fn list(
    State(api): State<Api>,
    visitor: AdminVisitor,
    Query(query): Query<ListQuery>,
) -> PageResult {
    let AdminVisitor { access, shell } = visitor;
    let t = Admin::of(shell.language);
    let (from, to) = query.span();
    let status = STATES.iter().find(|(word, _)| *word == query.status).map(|(_, status)| *status);
    let search = Search { status, words: query.words(), from, to };
    let found = administration::orders(&api.platform, &access, &search, &query.page()).await?;
    let curl = shell.curl_get("/api/v1/admin/orders?limit=50");
    let orders = found.list.data.into_iter().map(|order| {
        let customer = Named::customer(t, &found.people, order.tenant);
        OrderView::new(t, order, customer)
    });
    let page = OrdersPage {
        t,
        base: query.base(PATH),
        query,
        states: STATES.iter().map(|(word, status)| (*word, tag(t, *status).said)).collect(),
        orders: orders.collect(),
        next_cursor: found.list.next_cursor,
        shell: shell.with_curl(curl),
    };
    render(&page)
}

/// One order.
pub async fn show(State(api): State<Api>, visitor: AdminVisitor, Id(id): Id<OrderId>) -> PageResult {
    let AdminVisitor { access, shell } = visitor;
    let form = RefundForm { idempotency_key: new_key(), ..RefundForm::default() };
    render(&order_page(&api, shell, &access, id, form, FieldErrors::default()).await?)
}

/// Refunds an order, once for each page that was shown.
pub async fn refunded(
    State(api): State<Api>,
    Id(id): Id<OrderId>,
    AdminForm { access, shell, body }: AdminForm<RefundForm>,
) -> PageResult {
    let t = Admin::of(shell.language);
    let path = format!("{PATH}/{id}");
    let mut errors = FieldErrors::default();
    if body.sure.is_empty() {
        errors.add("sure", t.refund_unsure);
    }
    if body.note.trim().is_empty() {
        errors.add("note", crate::console::text::errors::sentence(shell.language, "A refund says why."));
    }
    let key = key_of_form(&body.idempotency_key, &format!("{path}/refund"), &[&body.note]);
    if key.is_none() {
        errors.add("form", t.sent_before);
    }
    if errors.is_empty() {
        match orders::refund(&api.platform, &access, id, &body.note, key.as_ref()).await {
            Ok(_) => return Ok(see_other(&format!("{path}?notice=refunded"))),
            // It says itself what became of it.
            Err(Error::Conflict { code: "order_already_refunded" | "order_in_use", .. }) => {
                return Ok(see_other(&path));
            }
            Err(Error::Invalid(problems)) => errors.take(shell.language, Error::Invalid(problems))?,
            Err(error) => errors.add("form", refusal(t, error)?),
        }
    }
    let form = RefundForm { idempotency_key: new_key(), ..body };
    let page = order_page(&api, shell, &access, id, form, errors).await?;
    render_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
}

async fn order_page(
    api: &Api,
    shell: Shell,
    access: &Access,
    id: OrderId,
    form: RefundForm,
    errors: FieldErrors,
) -> Result<OrderPage, PageError> {
    let t = Admin::of(shell.language);
    let page = Page { limit: 1, cursor: None };
    let words = Some(id.to_string());
    let search = Search { words: words.clone(), ..Search::default() };
    let mut found = administration::orders(&api.platform, access, &search, &page).await?;
    let order = found.list.data.pop().filter(|order| order.id == id).ok_or_else(PageError::not_found)?;
    let search = Search { words, ..Search::default() };
    let used = administration::predictions(&api.platform, access, &search, &page).await?;
    let prediction = PredictionView::all(&shell, t, used.list.data, &used.people).pop();
    let customer = Named::customer(t, &found.people, order.tenant);
    let curl = shell.curl_send("POST", &format!("/api/v1{PATH}/{id}/refund"), r#"{"note": "as agreed"}"#);
    Ok(OrderPage {
        t,
        email: customer.as_ref().map(|customer| customer.name.clone()).unwrap_or_default(),
        view: OrderView::new(t, order, customer),
        prediction,
        form,
        errors,
        shell: shell.with_curl(curl),
    })
}

impl OrderView {
    /// An order of a customer.
    pub fn new(t: &Admin, order: Order, customer: Option<Named>) -> OrderView {
        OrderView {
            href: format!("{PATH}/{}", order.id),
            short_id: super::short_id(&order.id.0),
            customer,
            status: tag(t, order.status),
            order,
        }
    }

    fn is_refundable(&self) -> bool {
        matches!(self.order.status, OrderStatus::Paid | OrderStatus::Provided)
    }

    fn is_in_use(&self) -> bool {
        self.order.status == OrderStatus::InUse
    }
}

impl OrderPage {
    fn refund_text(&self) -> String {
        let price = self.price();
        fill(self.t.refund_text, &[("price", &price), ("email", &self.email)])
    }

    fn refund_button(&self) -> String {
        fill(self.t.refund_confirm, &[("price", &self.price())])
    }

    fn price(&self) -> String {
        self.shell.money(self.view.order.price.minor_units())
    }
}

/// An order's state as a word in colour.
pub fn tag(t: &Admin, status: OrderStatus) -> Tag {
    let (class, said) = match status {
        OrderStatus::Paid => ("warn", t.order_paid),
        OrderStatus::InUse => ("accent", t.order_in_use),
        OrderStatus::Provided => ("stay", t.order_provided),
        OrderStatus::Refunded => ("", t.order_refunded),
    };
    Tag { class, said }
}
