//! What trainings cost, changed in place.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use platform::trainings::{self, TrainingService, TrainingServiceChange};
use platform::{Access, Error, ServiceId};
use serde::Deserialize;

use super::amount;
use crate::console::errors::PageError;
use crate::console::fields::FieldErrors;
use crate::console::forgery::AdminForm;
use crate::console::pages::train::algorithm_name;
use crate::console::shell::{PageResult, Shell, render, render_with, see_other};
use crate::console::text::{Admin, Models, fill};
use crate::console::visitor::AdminVisitor;
use crate::extract::Id;
use crate::state::Api;

const PATH: &str = "/admin/training-services";

/// A line of the price list as it is typed.
#[derive(Clone, Default, Deserialize)]
pub struct TrainingServiceForm {
    #[serde(default)]
    name: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    price: String,
    #[serde(default)]
    prediction_price: String,
    #[serde(default)]
    max_rows: String,
    #[serde(default)]
    active: String,
}

/// A line and the form that changes it.
struct ServiceView {
    service: TrainingService,
    algorithms: String,
    form: TrainingServiceForm,
    errors: FieldErrors,
}

#[derive(Template)]
#[template(path = "console/admin/training_services.html")]
struct TrainingServicesPage {
    shell: Shell,
    t: &'static Admin,
    models: &'static Models,
    services: Vec<ServiceView>,
}

/// The price list of trainings.
pub async fn list(State(api): State<Api>, visitor: AdminVisitor) -> PageResult {
    let AdminVisitor { access, shell } = visitor;
    render(&services_page(&api, shell, &access).await?)
}

/// Changes a line.
pub async fn changed(
    State(api): State<Api>,
    Id(id): Id<ServiceId>,
    AdminForm { access, shell, body }: AdminForm<TrainingServiceForm>,
) -> PageResult {
    let mut errors = FieldErrors::default();
    if let Some(change) = change_of(&shell, &body, &mut errors) {
        match trainings::update_service(&api.platform, &access, id, change).await {
            Ok(_) => return Ok(see_other(&format!("{PATH}?notice=saved"))),
            Err(Error::Conflict { code: "name_taken", .. }) => {
                errors.add("name", Admin::of(shell.language).name_taken);
            }
            Err(error) => errors.take(shell.language, error)?,
        }
    }
    let mut page = services_page(&api, shell, &access).await?;
    let changed = page.services.iter_mut().find(|view| view.service.id == id);
    let changed = changed.ok_or_else(PageError::not_found)?;
    (changed.form, changed.errors) = (body, errors);
    render_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
}

async fn services_page(api: &Api, shell: Shell, access: &Access) -> Result<TrainingServicesPage, PageError> {
    let services = trainings::list_all_services(&api.platform, access).await?;
    let body =
        r#"{"name": "Overnight", "algorithms": ["catboost"], "price": 40000, "prediction_price": 15000}"#;
    let curl = shell.curl_send("POST", "/api/v1/admin/training-services", body);
    Ok(TrainingServicesPage {
        t: Admin::of(shell.language),
        models: Models::of(shell.language),
        services: services.into_iter().map(|service| ServiceView::new(&shell, service)).collect(),
        shell: shell.with_curl(curl),
    })
}

/// What was typed; none where something makes no sense, which is said in `errors`.
fn change_of(
    shell: &Shell,
    form: &TrainingServiceForm,
    errors: &mut FieldErrors,
) -> Option<TrainingServiceChange> {
    let t = Admin::of(shell.language);
    let mut money = |field: &'static str, text: &str| {
        let amount = amount::parse(t, shell.language, &shell.currency, text);
        amount.map_err(|said| errors.add(field, said)).ok()
    };
    let (price, prediction_price) =
        (money("price", &form.price), money("prediction_price", &form.prediction_price));
    let digits: String = form.max_rows.chars().filter(|character| !character.is_whitespace()).collect();
    let rows_max: Option<u64> = digits.parse().ok().filter(|rows| *rows > 0);
    if rows_max.is_none() {
        errors.add("max_rows", t.rows_unreadable);
    }
    Some(TrainingServiceChange {
        name: Some(form.name.clone()),
        description: Some(form.description.trim().replace("\r\n", "\n")),
        algorithms: None,
        price: Some(price?),
        prediction_price: Some(prediction_price?),
        rows_max: Some(rows_max?),
        active: Some(!form.active.is_empty()),
    })
}

impl ServiceView {
    fn new(shell: &Shell, service: TrainingService) -> ServiceView {
        let form = TrainingServiceForm {
            name: service.name.clone(),
            description: service.description.clone(),
            price: amount::typed(shell.language, &shell.currency, service.price),
            prediction_price: amount::typed(shell.language, &shell.currency, service.prediction_price),
            max_rows: service.rows_max.to_string(),
            active: if service.active { "on".to_owned() } else { String::new() },
        };
        let names: Vec<&str> = service.algorithms.iter().map(|word| algorithm_name(word)).collect();
        ServiceView { algorithms: names.join(", "), service, form, errors: FieldErrors::default() }
    }
}

impl TrainingServicesPage {
    fn price_label(&self) -> String {
        fill(self.t.price_in, &[("currency", &self.shell.currency)])
    }
}
