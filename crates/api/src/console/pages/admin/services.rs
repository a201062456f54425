//! The price list, changed in place, and the models behind it.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use ledger::Money;
use platform::models::{self, ListedVersion};
use platform::services::{self, NewService, Service, ServiceChange};
use platform::{Access, Error, ServiceId};
use scoring::{Manifest, Metrics};
use serde::Deserialize;

use super::amount;
use crate::console::errors::PageError;
use crate::console::fields::FieldErrors;
use crate::console::forgery::AdminForm;
use crate::console::format;
use crate::console::language::Language;
use crate::console::shell::{PageResult, Shell, render, render_with, see_other};
use crate::console::text::{Admin, fill};
use crate::console::visitor::AdminVisitor;
use crate::extract::Id;
use crate::state::Api;

const PATH: &str = "/admin/services";

/// A service as it is typed: new, or changed.
#[derive(Clone, Default, Deserialize)]
pub struct ServiceForm {
    #[serde(default)]
    name: String,
    #[serde(default)]
    model: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    price: String,
    /// The surcharge for reasons; empty where they are not offered.
    #[serde(default)]
    explain_price: String,
    #[serde(default)]
    max_rows: String,
    #[serde(default)]
    active: String,
}

/// A service and the form that changes it.
struct ServiceView {
    service: Service,
    form: ServiceForm,
    errors: FieldErrors,
}

/// A version of a model.
struct VersionView {
    name: String,
    version: String,
    current: bool,
    quality: String,
    sha256: String,
    registered_at: DateTime<Utc>,
}

#[derive(Template)]
#[template(path = "console/admin/services.html")]
struct ServicesPage {
    shell: Shell,
    t: &'static Admin,
    services: Vec<ServiceView>,
    /// Names of models that a service can have.
    models: Vec<String>,
    versions: Vec<VersionView>,
    new: ServiceForm,
    new_errors: FieldErrors,
}

/// What an administrator has typed, once it makes sense.
struct Typed {
    price: Money,
    /// 0 where reasons are not offered.
    explain_price: Money,
    rows_max: u64,
}

/// The price list and the models.
pub async fn list(State(api): State<Api>, visitor: AdminVisitor) -> PageResult {
    let AdminVisitor { access, shell } = visitor;
    render(&services_page(&api, shell, &access).await?)
}

/// Adds a service.
pub async fn created(
    State(api): State<Api>,
    AdminForm { access, shell, body }: AdminForm<ServiceForm>,
) -> PageResult {
    let mut errors = FieldErrors::default();
    if let Some(typed) = typed(&shell, &body, &mut errors) {
        let new = NewService {
            name: body.name.clone(),
            model: body.model.clone(),
            description: Some(lines(&body.description)),
            price: typed.price,
            explain_price: Some(typed.explain_price),
            rows_max: Some(typed.rows_max),
            active: Some(!body.active.is_empty()),
        };
        match services::create(&api.platform, &access, new).await {
            Ok(_) => return Ok(see_other(&format!("{PATH}?notice=saved"))),
            Err(error) => take(&shell, &mut errors, error)?,
        }
    }
    let mut page = services_page(&api, shell, &access).await?;
    (page.new, page.new_errors) = (body, errors);
    render_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
}

/// Changes a service.
pub async fn changed(
    State(api): State<Api>,
    Id(id): Id<ServiceId>,
    AdminForm { access, shell, body }: AdminForm<ServiceForm>,
) -> PageResult {
    let mut errors = FieldErrors::default();
    if let Some(typed) = typed(&shell, &body, &mut errors) {
        let change = ServiceChange {
            name: Some(body.name.clone()),
            model: None,
            description: Some(lines(&body.description)),
            price: Some(typed.price),
            explain_price: Some(typed.explain_price),
            rows_max: Some(typed.rows_max),
            active: Some(!body.active.is_empty()),
        };
        match services::update(&api.platform, &access, id, change).await {
            Ok(_) => return Ok(see_other(&format!("{PATH}?notice=saved"))),
            Err(error) => take(&shell, &mut errors, error)?,
        }
    }
    let mut page = services_page(&api, shell, &access).await?;
    let changed = page.services.iter_mut().find(|view| view.service.id == id);
    let changed = changed.ok_or_else(PageError::not_found)?;
    (changed.form, changed.errors) = (body, errors);
    render_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
}

async fn services_page(api: &Api, shell: Shell, access: &Access) -> Result<ServicesPage, PageError> {
    let services = services::list_all(&api.platform, access).await?;
    let versions = models::list(&api.platform, access).await?;
    let mut models: Vec<String> = versions.iter().map(|listed| listed.version.name.clone()).collect();
    models.dedup();
    let body = r#"{"name": "Overnight", "model": "logistic", "price": 700}"#;
    let curl = shell.curl_send("POST", "/api/v1/admin/services", body);
    Ok(ServicesPage {
        t: Admin::of(shell.language),
        services: services.into_iter().map(|service| ServiceView::new(&shell, service)).collect(),
        models,
        versions: versions.into_iter().map(|listed| VersionView::of(shell.language, listed)).collect(),
        new: ServiceForm {
            max_rows: "10000000".to_owned(),
            active: "on".to_owned(),
            ..ServiceForm::default()
        },
        new_errors: FieldErrors::default(),
        shell: shell.with_curl(curl),
    })
}

impl ServiceView {
    fn new(shell: &Shell, service: Service) -> ServiceView {
        let form = ServiceForm {
            name: service.name.clone(),
            model: service.model_name.clone(),
            description: service.description.clone(),
            price: amount::typed(shell.language, &shell.currency, service.price),
            explain_price: service
                .explain_price
                .map(|price| amount::typed(shell.language, &shell.currency, price))
                .unwrap_or_default(),
            max_rows: service.rows_max.to_string(),
            active: if service.active { "on".to_owned() } else { String::new() },
        };
        ServiceView { service, form, errors: FieldErrors::default() }
    }
}

impl VersionView {
    fn of(language: Language, listed: ListedVersion) -> VersionView {
        let metrics =
            serde_json::from_value::<Manifest>(listed.version.manifest).map(|manifest| manifest.metrics);
        VersionView {
            name: listed.version.name,
            version: listed.version.version,
            current: listed.current,
            quality: metrics.ok().and_then(|metrics| quality(language, &metrics)).unwrap_or_default(),
            sha256: listed.version.sha256,
            registered_at: listed.registered_at,
        }
    }

    fn short_sha256(&self) -> &str {
        self.sha256.get(..12).unwrap_or(&self.sha256)
    }
}

impl ServicesPage {
    fn explain_label(&self) -> String {
        fill(self.t.explain_price_in, &[("currency", &self.shell.currency)])
    }

    fn price_label(&self) -> String {
        fill(self.t.price_in, &[("currency", &self.shell.currency)])
    }
}

/// The area under the curve with its interval.
fn quality(language: Language, metrics: &Metrics) -> Option<String> {
    let said = |value: f64| format::fraction(language, value, 3);
    let auc = said(metrics.auc?);
    Some(match (metrics.auc_low, metrics.auc_high) {
        (Some(low), Some(high)) => format!("{auc} ({}–{})", said(low), said(high)),
        _ => auc,
    })
}

/// What was typed for price and rows; none where one of them makes no sense, which is said in `errors`.
fn typed(shell: &Shell, form: &ServiceForm, errors: &mut FieldErrors) -> Option<Typed> {
    let t = Admin::of(shell.language);
    let price = amount::parse(t, shell.language, &shell.currency, &form.price);
    let price = price.map_err(|said| errors.add("price", said)).ok();
    let explain_price = match form.explain_price.trim() {
        "" => Some(Money::ZERO),
        typed => {
            let price = amount::parse(t, shell.language, &shell.currency, typed);
            price.map_err(|said| errors.add("explain_price", said)).ok()
        }
    };
    let digits: String = form.max_rows.chars().filter(|character| !character.is_whitespace()).collect();
    let rows_max = digits.parse().ok().filter(|rows| (1..=i64::MAX.unsigned_abs()).contains(rows));
    if rows_max.is_none() {
        errors.add("max_rows", t.rows_unreadable);
    }
    Some(Typed { price: price?, explain_price: explain_price?, rows_max: rows_max? })
}

fn take(shell: &Shell, errors: &mut FieldErrors, error: Error) -> Result<(), PageError> {
    match error {
        Error::Conflict { code: "name_taken", .. } => {
            errors.add("name", Admin::of(shell.language).name_taken);
            Ok(())
        }
        error => errors.take(shell.language, error),
    }
}

/// A browser ends the lines of a text by two characters.
fn lines(text: &str) -> String {
    text.trim().replace("\r\n", "\n")
}
