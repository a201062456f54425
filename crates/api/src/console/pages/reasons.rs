//! What matters to a model.

use askama::Template;
use axum::extract::State;
use platform::{ModelId, ModelVersionId, ServiceId, registry};
use serde::Deserialize;

use crate::console::charts::Effects;
use crate::console::errors::PageError;
use crate::console::shell::{PageResult, Shell, render};
use crate::console::text::{Models, Why, fill};
use crate::console::visitor::Visitor;
use crate::extract::{Id, Query};
use crate::state::Api;

#[derive(Template)]
#[template(path = "console/reasons.html")]
struct ReasonsPage {
    shell: Shell,
    t: &'static Why,
    models: &'static str,
    model: ModelId,
    name: String,
    title: String,
    version: String,
    /// The other versions, by their ids.
    others: Vec<(ModelVersionId, String)>,
    service: Option<ServiceId>,
    effects: Option<Effects>,
}

/// Which version of the model.
#[derive(Deserialize)]
pub struct ReasonsQuery {
    version_id: Option<String>,
}

/// What matters to a version of a model; to the one in production where none is named.
pub async fn show(
    State(api): State<Api>,
    visitor: Visitor,
    Id(id): Id<ModelId>,
    Query(query): Query<ReasonsQuery>,
) -> PageResult {
    let Visitor { access, shell } = visitor;
    let asked = query.version_id.map(|version| version.parse::<ModelVersionId>());
    let asked = asked.transpose().map_err(|_| PageError::not_found())?;
    let model = registry::get(&api.platform, &access, id).await?;
    let version = registry::version_or_serving(&api.platform, &access, id, asked).await?;
    let others = registry::versions(&api.platform, &access, id).await?;
    let others = others.into_iter().filter(|other| other.id != version.id);
    let t = Why::of(shell.language);
    let manifest = &version.manifest;
    let effects =
        Effects::new(&shell, (t.of_model, t.of_model_text), manifest.score_unit(), &manifest.effects);
    let curl =
        shell.curl_get(&format!("/api/v1/models/{id}/importance?version_id={version}", version = version.id));
    render(&ReasonsPage {
        title: fill(t.title, &[("model", &model.name)]),
        version: fill(t.of_version, &[("version", &version.label)]),
        others: others.map(|other| (other.id, other.label)).collect(),
        models: Models::of(shell.language).models,
        model: id,
        name: model.name,
        service: model.service,
        effects,
        t,
        shell: shell.with_curl(curl),
    })
}
