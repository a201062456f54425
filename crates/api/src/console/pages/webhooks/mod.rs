//! Webhooks: which there are, a new one, and below which balance to tell.

mod one;

pub use one::{changed, deleted, replayed, rotated, show, switched, tested};

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use platform::webhooks::{self, DisabledReason, Endpoint, EventType, NewEndpoint, Settings};
use platform::{Access, Page};
use secrecy::ExposeSecret;
use serde::Deserialize;

use crate::console::errors::PageError;
use crate::console::fields::FieldErrors;
use crate::console::forgery::SignedForm;
use crate::console::pages::admin::amount;
use crate::console::shell::{PageResult, Shell, render, render_with, see_other};
use crate::console::text::{Admin, Webhooks, fill};
use crate::console::visitor::Visitor;
use crate::state::Api;

/// More than there can be.
const WEBHOOKS: u32 = 100;

#[derive(Template)]
#[template(path = "console/webhooks.html")]
struct WebhooksPage {
    shell: Shell,
    t: &'static Webhooks,
    endpoints: Vec<Endpoint>,
    threshold: String,
    threshold_label: String,
    error: Option<String>,
}

#[derive(Template)]
#[template(path = "console/webhook_new.html")]
struct NewPage {
    shell: Shell,
    t: &'static Webhooks,
    fields: Fields,
    errors: FieldErrors,
}

/// The fields of a form about an endpoint. Each event has a box of its own, by its name.
#[derive(Deserialize)]
pub struct EndpointForm {
    #[serde(default)]
    url: String,
    #[serde(default)]
    description: String,
    #[serde(flatten)]
    boxes: HashMap<String, String>,
}

/// What such a form shows.
struct Fields {
    url: String,
    description: String,
    events: Vec<EventBox>,
}

/// One event that can be chosen.
struct EventBox {
    name: &'static str,
    said: &'static str,
    is_chosen: bool,
}

/// Below which balance to tell.
#[derive(Deserialize)]
pub struct ThresholdForm {
    #[serde(default)]
    threshold: String,
}

/// The list.
pub async fn list(State(api): State<Api>, visitor: Visitor) -> PageResult {
    let Visitor { access, shell } = visitor;
    let settings = webhooks::settings(&api.platform, &access).await?;
    let typed = |money| amount::typed(shell.language, &shell.currency, money);
    let threshold = settings.balance_low_threshold.map(typed);
    render(&list_page(&api, shell, &access, threshold.unwrap_or_default(), None).await?)
}

/// The form of a new one.
pub async fn new(visitor: Visitor) -> PageResult {
    let t = Webhooks::of(visitor.shell.language);
    let chosen = [EventType::PredictionSucceeded, EventType::PredictionFailed];
    let fields = Fields::new(t, String::new(), String::new(), |kind| chosen.contains(&kind));
    render(&NewPage { t, fields, errors: FieldErrors::default(), shell: visitor.shell.with_curl_of_new() })
}

/// Makes a webhook. The page of it answers itself, so that the secret stands in no address.
pub async fn created(
    State(api): State<Api>,
    SignedForm { access, shell, body }: SignedForm<EndpointForm>,
) -> PageResult {
    let t = Webhooks::of(shell.language);
    let fields = Fields::of_form(t, &body);
    let new = NewEndpoint { url: body.url, description: body.description, events: fields.chosen() };
    match webhooks::create(&api.platform, &access, new).await {
        Ok(made) => {
            let secret = made.secret.expose_secret().to_owned();
            one::show_with_secret(&api, shell, &access, made.endpoint, secret, false).await
        }
        Err(error) => {
            let mut errors = FieldErrors::default();
            errors.take(shell.language, error)?;
            let page = NewPage { t, fields, errors, shell: shell.with_curl_of_new() };
            render_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
    }
}

/// Sets below which balance to tell.
pub async fn threshold_set(
    State(api): State<Api>,
    SignedForm { access, shell, body }: SignedForm<ThresholdForm>,
) -> PageResult {
    let text = body.threshold.trim();
    let threshold = match text {
        "" => None,
        text => match amount::parse(Admin::of(shell.language), shell.language, &shell.currency, text) {
            Ok(threshold) => Some(threshold),
            Err(said) => {
                let page = list_page(&api, shell, &access, text.to_owned(), Some(said)).await?;
                return render_with(StatusCode::UNPROCESSABLE_ENTITY, &page);
            }
        },
    };
    let settings = Settings { balance_low_threshold: threshold };
    webhooks::change_settings(&api.platform, &access, settings).await?;
    Ok(see_other("/webhooks?notice=saved"))
}

async fn list_page(
    api: &Api,
    shell: Shell,
    access: &Access,
    threshold: String,
    error: Option<String>,
) -> Result<WebhooksPage, PageError> {
    let page = Page { limit: WEBHOOKS, cursor: None };
    let endpoints = webhooks::list(&api.platform, access, &page).await?.data;
    let t = Webhooks::of(shell.language);
    let threshold_label = fill(t.threshold, &[("currency", &shell.currency)]);
    let curl = shell.curl_get("/api/v1/webhooks");
    Ok(WebhooksPage { t, endpoints, threshold, threshold_label, error, shell: shell.with_curl(curl) })
}

impl Shell {
    fn with_curl_of_new(self) -> Shell {
        let body = r#"{"url": "https://hooks.example.com/churn", "events": ["prediction.succeeded"]}"#;
        let curl = self.curl_send("POST", "/api/v1/webhooks", body);
        self.with_curl(curl)
    }
}

impl Fields {
    fn new(
        t: &'static Webhooks,
        url: String,
        description: String,
        is_chosen: impl Fn(EventType) -> bool,
    ) -> Fields {
        let box_of = |kind: EventType| EventBox {
            name: kind.as_str(),
            said: said(t, kind),
            is_chosen: is_chosen(kind),
        };
        Fields { url, description, events: EventType::SUBSCRIBED.map(box_of).into() }
    }

    fn of_form(t: &'static Webhooks, form: &EndpointForm) -> Fields {
        let is_chosen = |kind: EventType| form.boxes.contains_key(kind.as_str());
        Fields::new(t, form.url.clone(), form.description.clone(), is_chosen)
    }

    fn chosen(&self) -> Vec<String> {
        self.events.iter().filter(|event| event.is_chosen).map(|event| event.name.to_owned()).collect()
    }
}

/// What an event is called for people.
fn said(t: &'static Webhooks, kind: EventType) -> &'static str {
    match kind {
        EventType::PredictionSucceeded => t.prediction_succeeded,
        EventType::PredictionFailed => t.prediction_failed,
        EventType::TrainingSucceeded => t.training_succeeded,
        EventType::TrainingFailed => t.training_failed,
        EventType::DriftDetected => t.drift_detected,
        EventType::VersionPromoted => t.version_promoted,
        EventType::BalanceLow => t.balance_low,
        EventType::ResultExpiring => t.result_expiring,
        EventType::Test => t.test,
    }
}

/// The state of an endpoint: a word and the class of its tag.
fn state(t: &'static Webhooks, endpoint: &Endpoint) -> (&'static str, &'static str) {
    match (endpoint.disabled, endpoint.failing_since) {
        (Some((_, DisabledReason::Owner)), _) => (t.off, ""),
        (Some(_), _) => (t.off, "bad"),
        (None, Some(_)) => (t.fails, "warn"),
        (None, None) => (t.works, "stay"),
    }
}

impl WebhooksPage {
    fn state(&self, endpoint: &Endpoint) -> &'static str {
        state(self.t, endpoint).0
    }

    fn tag(&self, endpoint: &Endpoint) -> &'static str {
        state(self.t, endpoint).1
    }

    fn events(&self, endpoint: &Endpoint) -> String {
        endpoint.events.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// Whether one was disabled that its owner wanted to be told.
    fn is_some_off(&self) -> bool {
        self.endpoints
            .iter()
            .any(|endpoint| endpoint.disabled.is_some_and(|(_, reason)| reason != DisabledReason::Owner))
    }
}
