//! The orders: what was bought, and what became of it.

use askama::Template;
use axum::extract::State;
use platform::orders::{self, Order, OrderFilter, OrderStatus};
use platform::services::{self, Service};
use platform::{Error, List, OrderId, Page, ServiceId};
use serde::Deserialize;
use uuid::Uuid;

use crate::console::forgery::SignedForm;
use crate::console::movement::short_id;
use crate::console::pages::account::NoFields;
use crate::console::shell::{PageResult, Shell, render, see_other};
use crate::console::text::{Orders, fill};
use crate::console::visitor::Visitor;
use crate::extract::{Id, Query};
use crate::state::Api;

const ORDERS: u32 = 25;
const STATUSES: [OrderStatus; 4] =
    [OrderStatus::Paid, OrderStatus::InUse, OrderStatus::Provided, OrderStatus::Refunded];

#[derive(Template)]
#[template(path = "console/orders.html")]
struct OrdersPage {
    shell: Shell,
    t: &'static Orders,
    orders: Vec<Order>,
    statuses: Vec<(&'static str, &'static str)>,
    services: Vec<Service>,
    status: String,
    service: String,
    /// Whether one order was asked for by its id.
    is_single: bool,
    is_filtered: bool,
    is_first: bool,
    base: String,
    next_cursor: Option<String>,
}

/// Which orders are wanted.
#[derive(Deserialize)]
pub struct OrdersQuery {
    #[serde(default)]
    status: String,
    #[serde(default)]
    service: String,
    #[serde(default)]
    id: String,
    cursor: Option<String>,
}

/// The list of orders.
pub async fn list(State(api): State<Api>, visitor: Visitor, Query(query): Query<OrdersQuery>) -> PageResult {
    let Visitor { access, shell } = visitor;
    let status = STATUSES.into_iter().find(|status| status.as_str() == query.status);
    let service = Uuid::parse_str(&query.service).ok().map(ServiceId);
    let filter = OrderFilter { status, service };
    let is_single = !query.id.is_empty();
    let page = Page { limit: ORDERS, cursor: query.cursor };
    let List { data, next_cursor } = match is_single {
        true => single(&api, &access, &query.id).await?,
        false => orders::list(&api.platform, &access, filter, &page).await?,
    };
    let services = services::list(&api.platform, &access, &Page { limit: 100, cursor: None }).await?.data;
    let t = Orders::of(shell.language);
    let wanted = [("status", query.status.as_str()), ("service", query.service.as_str())];
    let curl = match is_single {
        true => shell.curl_get(&format!("/api/v1/orders/{}", query.id)),
        false => shell.curl_get(&format!("/api/v1/orders?limit={ORDERS}")),
    };
    render(&OrdersPage {
        t,
        orders: data,
        statuses: STATUSES.map(|status| (status.as_str(), label_of(t, status))).into(),
        services,
        is_single,
        is_filtered: filter != OrderFilter::default(),
        is_first: page.cursor.is_none(),
        base: filtered_address("/orders", &wanted),
        next_cursor,
        status: query.status,
        service: query.service,
        shell: shell.with_curl(curl),
    })
}

/// Cancels an order that was not used. Whoever presses the button twice finds the order cancelled.
pub async fn cancelled(
    State(api): State<Api>,
    Id(id): Id<OrderId>,
    SignedForm { access, .. }: SignedForm<NoFields>,
) -> PageResult {
    match orders::cancel(&api.platform, &access, id, None).await {
        Ok(_) => {}
        Err(error @ Error::Conflict { code: "order_already_used", .. }) => {
            let order = orders::get(&api.platform, &access, id).await?;
            if order.status != OrderStatus::Refunded {
                return Err(error.into());
            }
        }
        Err(error) => return Err(error.into()),
    }
    Ok(see_other("/orders?notice=cancelled"))
}

async fn single(api: &Api, access: &platform::Access, id: &str) -> Result<List<Order>, Error> {
    let id = Uuid::parse_str(id).map_err(|_| Error::NotFound("order"))?;
    let order = orders::get(&api.platform, access, OrderId(id)).await?;
    Ok(List { data: vec![order], next_cursor: None })
}

/// The address of a list with its filter, to which a cursor can be added.
pub(super) fn filtered_address(path: &str, wanted: &[(&str, &str)]) -> String {
    let wanted: Vec<_> = wanted.iter().filter(|(_, value)| !value.is_empty()).collect();
    match serde_urlencoded::to_string(&wanted) {
        Ok(query) if !query.is_empty() => format!("{path}?{query}&"),
        _ => format!("{path}?"),
    }
}

/// What an order's status is called.
pub(super) fn label_of(t: &Orders, status: OrderStatus) -> &'static str {
    match status {
        OrderStatus::Paid => t.paid,
        OrderStatus::InUse => t.in_use,
        OrderStatus::Provided => t.provided,
        OrderStatus::Refunded => t.refunded,
    }
}

impl OrdersPage {
    fn label(&self, order: &Order) -> &'static str {
        label_of(self.t, order.status)
    }

    fn tag(&self, order: &Order) -> &'static str {
        match order.status {
            OrderStatus::Paid => "warn",
            OrderStatus::InUse => "accent",
            OrderStatus::Provided => "stay",
            OrderStatus::Refunded => "",
        }
    }

    fn is_unused(&self, order: &Order) -> bool {
        order.status == OrderStatus::Paid
    }

    fn cancel_text(&self, order: &Order) -> String {
        fill(self.t.cancel_text, &[("price", &self.shell.money(order.price.minor_units()))])
    }

    /// How a paid order is used: by sending a file for it.
    fn use_call(&self, order: &Order) -> String {
        format!(
            "curl -H \"Authorization: Bearer $AUGUR_API_KEY\" \\\n  -F file=@customers.csv \\\n  \
             '{}/api/v1/predictions?order_id={}'",
            self.shell.base_url, order.id
        )
    }

    fn short(&self, order: &Order) -> String {
        short_id(&order.id.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_goes_into_the_address_and_nothing_else_does() {
        assert_eq!(filtered_address("/orders", &[("status", ""), ("service", "")]), "/orders?");
        assert_eq!(
            filtered_address("/p", &[("status", "paid"), ("file", "a&b")]),
            "/p?status=paid&file=a%26b&"
        );
    }
}
