//! One webhook: what it is, what it was told and what came of it.

use std::time::Duration;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use platform::webhooks::{
    self, Attempt, Delivery, DeliveryStatus, DisabledReason, Endpoint, EndpointChange, deliveries,
};
use platform::{Access, List, Page, WebhookDeliveryId, WebhookId};
use secrecy::ExposeSecret;
use serde::Deserialize;
use tokio::time::{Instant, sleep};

use super::{EndpointForm, Fields, state};
use crate::console::errors::PageError;
use crate::console::fields::FieldErrors;
use crate::console::forgery::SignedForm;
use crate::console::pages::account::NoFields;
use crate::console::shell::{PageResult, Shell, render, render_with, see_other};
use crate::console::text::{Webhooks, fill, webhook_fault};
use crate::console::visitor::Visitor;
use crate::extract::{Id, Query};
use crate::state::Api;

const DELIVERIES: u32 = 25;

/// How long an answer waits for what came of a test or a replay.
const OUTCOME_WAIT_MAX: Duration = Duration::from_secs(4);
const OUTCOME_INTERVAL: Duration = Duration::from_millis(100);

const VERIFIER: &str = include_str!("../../../../../../docs/webhooks/verify.py");

#[derive(Template)]
#[template(path = "console/webhook.html")]
struct WebhookPage {
    shell: Shell,
    t: &'static Webhooks,
    endpoint: Endpoint,
    /// A secret that was made just now, and is never shown again.
    secret: Option<String>,
    is_rotated: bool,
    fields: Fields,
    errors: FieldErrors,
    deliveries: Vec<Delivery>,
    is_first: bool,
    next_cursor: Option<String>,
    told: Option<&'static str>,
}

/// What of a webhook is wanted.
#[derive(Deserialize)]
pub struct WebhookQuery {
    cursor: Option<String>,
    /// A delivery whose outcome is to be told first.
    delivery: Option<String>,
}

/// The page of a webhook.
pub async fn show(
    State(api): State<Api>,
    visitor: Visitor,
    Id(id): Id<WebhookId>,
    Query(query): Query<WebhookQuery>,
) -> PageResult {
    let endpoint = webhooks::get(&api.platform, &visitor.access, id).await?;
    let told = outcome(&api, &visitor, &query).await?;
    let mut page = page_of(&api, visitor.shell, &visitor.access, endpoint, query.cursor).await?;
    page.told = told;
    render(&page)
}

/// The page of a webhook with a secret that was made just now.
pub(super) async fn show_with_secret(
    api: &Api,
    shell: Shell,
    access: &Access,
    endpoint: Endpoint,
    secret: String,
    is_rotated: bool,
) -> PageResult {
    let page = page_of(api, shell, access, endpoint, None).await?;
    render(&WebhookPage { secret: Some(secret), is_rotated, ..page })
}

/// Changes address, description and events.
pub async fn changed(
    State(api): State<Api>,
    Id(id): Id<WebhookId>,
    SignedForm { access, shell, body }: SignedForm<EndpointForm>,
) -> PageResult {
    let fields = Fields::of_form(Webhooks::of(shell.language), &body);
    let change = EndpointChange {
        url: Some(body.url),
        description: Some(body.description),
        events: Some(fields.chosen()),
        disabled: None,
    };
    match webhooks::update(&api.platform, &access, id, change).await {
        Ok(_) => Ok(see_other(&format!("/webhooks/{id}?notice=saved"))),
        Err(error) => {
            let mut errors = FieldErrors::default();
            errors.take(shell.language, error)?;
            let endpoint = webhooks::get(&api.platform, &access, id).await?;
            let page = page_of(&api, shell, &access, endpoint, None).await?;
            render_with(StatusCode::UNPROCESSABLE_ENTITY, &WebhookPage { fields, errors, ..page })
        }
    }
}

/// Turns it off, or on again.
pub async fn switched(
    State(api): State<Api>,
    Id(id): Id<WebhookId>,
    SignedForm { access, body, .. }: SignedForm<SwitchForm>,
) -> PageResult {
    let change = EndpointChange { disabled: Some(body.to == "off"), ..EndpointChange::default() };
    webhooks::update(&api.platform, &access, id, change).await?;
    Ok(see_other(&format!("/webhooks/{id}?notice=saved")))
}

/// Whether it is to be told anything.
#[derive(Deserialize)]
pub struct SwitchForm {
    #[serde(default)]
    to: String,
}

/// Gives it a new secret. The page itself answers, so that the secret stands in no address.
pub async fn rotated(
    State(api): State<Api>,
    Id(id): Id<WebhookId>,
    SignedForm { access, shell, .. }: SignedForm<NoFields>,
) -> PageResult {
    let made = webhooks::rotate_secret(&api.platform, &access, id).await?;
    let secret = made.secret.expose_secret().to_owned();
    show_with_secret(&api, shell, &access, made.endpoint, secret, true).await
}

/// Deletes it. Whoever presses the button twice finds it gone.
pub async fn deleted(
    State(api): State<Api>,
    Id(id): Id<WebhookId>,
    SignedForm { access, .. }: SignedForm<NoFields>,
) -> PageResult {
    webhooks::delete(&api.platform, &access, id).await?;
    Ok(see_other("/webhooks?notice=webhook_deleted"))
}

/// Sends it a test.
pub async fn tested(
    State(api): State<Api>,
    Id(id): Id<WebhookId>,
    SignedForm { access, .. }: SignedForm<NoFields>,
) -> PageResult {
    let sent = webhooks::test(&api.platform, &access, id, None).await?;
    Ok(to_outcome(&sent.value))
}

/// Sends something again.
pub async fn replayed(
    State(api): State<Api>,
    Id(id): Id<WebhookDeliveryId>,
    SignedForm { access, .. }: SignedForm<NoFields>,
) -> PageResult {
    let sent = deliveries::replay(&api.platform, &access, id, None).await?;
    Ok(to_outcome(&sent.value))
}

fn to_outcome(sent: &Delivery) -> Response {
    see_other(&format!("/webhooks/{}?delivery={}#deliveries", sent.endpoint, sent.id))
}

/// What came of a delivery that was sent just now; waits for it for a moment.
async fn outcome(
    api: &Api,
    visitor: &Visitor,
    query: &WebhookQuery,
) -> Result<Option<&'static str>, PageError> {
    let t = Webhooks::of(visitor.shell.language);
    let Some(id) = query.delivery.as_deref().and_then(|id| id.parse::<WebhookDeliveryId>().ok()) else {
        return Ok(None);
    };
    let start = Instant::now();
    loop {
        let delivery = deliveries::get(&api.platform, &visitor.access, id).await?;
        let is_tried = !delivery.attempts.is_empty();
        return Ok(Some(match (delivery.status, delivery.replay_of) {
            (DeliveryStatus::Succeeded, None) => t.told_test_ok,
            (DeliveryStatus::Failed, None) => t.told_test_failed,
            (DeliveryStatus::Succeeded, Some(_)) => t.told_again_ok,
            (DeliveryStatus::Failed, Some(_)) => t.told_again_failed,
            (DeliveryStatus::Pending, _) if is_tried => t.told_again_failed,
            (DeliveryStatus::Pending, _) if start.elapsed() > OUTCOME_WAIT_MAX => t.told_on_its_way,
            (DeliveryStatus::Pending, _) => {
                sleep(OUTCOME_INTERVAL).await;
                continue;
            }
        }));
    }
}

async fn page_of(
    api: &Api,
    shell: Shell,
    access: &Access,
    endpoint: Endpoint,
    cursor: Option<String>,
) -> Result<WebhookPage, PageError> {
    let page = Page { limit: DELIVERIES, cursor };
    let List { data, next_cursor } = deliveries::list(&api.platform, access, endpoint.id, &page).await?;
    let t = Webhooks::of(shell.language);
    let is_chosen = |kind| endpoint.events.contains(&kind);
    let fields = Fields::new(t, endpoint.url.clone(), endpoint.description.clone(), is_chosen);
    let curl = shell.curl_get(&format!("/api/v1/webhooks/{}/deliveries?limit={DELIVERIES}", endpoint.id));
    Ok(WebhookPage {
        t,
        endpoint,
        secret: None,
        is_rotated: false,
        fields,
        errors: FieldErrors::default(),
        deliveries: data,
        is_first: page.cursor.is_none(),
        next_cursor,
        told: None,
        shell: shell.with_curl(curl),
    })
}

impl WebhookPage {
    fn state(&self) -> &'static str {
        state(self.t, &self.endpoint).0
    }

    fn state_tag(&self) -> &'static str {
        state(self.t, &self.endpoint).1
    }

    /// What is the matter with it, if anything.
    fn trouble(&self) -> Option<String> {
        match (self.endpoint.disabled, self.endpoint.failing_since) {
            (Some((_, DisabledReason::Owner)), _) => Some(self.t.off_owner.to_owned()),
            (Some((_, DisabledReason::Gone)), _) => Some(self.t.off_gone.to_owned()),
            (Some((_, DisabledReason::Failing)), _) => Some(self.t.off_failing.to_owned()),
            (None, Some(since)) => Some(fill(self.t.failing_since, &[("time", &self.shell.time(since))])),
            (None, None) => None,
        }
    }

    /// Until when two secrets sign.
    fn rotating(&self) -> Option<String> {
        let until = self.endpoint.previous_secret_until.filter(|until| *until > chrono::Utc::now())?;
        Some(fill(self.t.rotating_until, &[("time", &self.shell.time(until))]))
    }

    fn outcome(&self, delivery: &Delivery) -> &'static str {
        match delivery.status {
            DeliveryStatus::Pending => self.t.pending,
            DeliveryStatus::Succeeded => self.t.delivered,
            DeliveryStatus::Failed => self.t.failed,
        }
    }

    fn outcome_tag(&self, delivery: &Delivery) -> &'static str {
        match delivery.status {
            DeliveryStatus::Pending if delivery.attempts.is_empty() => "accent",
            DeliveryStatus::Pending => "warn",
            DeliveryStatus::Succeeded => "stay",
            DeliveryStatus::Failed => "bad",
        }
    }

    /// How often it was tried, and when it is tried next.
    fn tries(&self, delivery: &Delivery) -> String {
        let tried = self.shell.count(delivery.attempts.len() as u64, self.t.attempts);
        match delivery.next_attempt_at.filter(|_| !delivery.attempts.is_empty()) {
            Some(next) => {
                format!("{tried}, {}", fill(self.t.again_at, &[("time", &self.shell.time(next))]))
            }
            None => tried,
        }
    }

    /// What an attempt was answered, or why it was not.
    fn answer(&self, attempt: &Attempt) -> String {
        let fault = attempt.error.as_deref().map(|code| webhook_fault(self.t, self.shell.language, code));
        match (attempt.status, fault) {
            (Some(status), Some(fault)) => format!("{status}, {fault}"),
            (Some(status), None) => status.to_string(),
            (None, Some(fault)) => fault,
            (None, None) => self.t.no_reply.to_owned(),
        }
    }

    fn duration(&self, attempt: &Attempt) -> String {
        fill(self.t.duration, &[("ms", &self.shell.number(u64::from(attempt.duration_ms)))])
    }

    /// The last attempt's answer, for the table.
    fn last_answer(&self, delivery: &Delivery) -> String {
        match (delivery.attempts.last(), delivery.error.as_deref()) {
            (Some(attempt), _) => self.answer(attempt),
            (None, Some(code)) => webhook_fault(self.t, self.shell.language, code),
            (None, None) => String::new(),
        }
    }

    fn verifier(&self) -> &'static str {
        VERIFIER
    }

    fn verifier_call(&self) -> String {
        let secret = self.secret.as_deref().unwrap_or("whsec_...");
        format!("AUGUR_WEBHOOK_SECRET='{secret}' python3 verify.py 8080")
    }

    fn can_replay(&self, delivery: &Delivery) -> bool {
        self.endpoint.disabled.is_none() && delivery.status != DeliveryStatus::Pending
    }
}
