//! One source: what it is, a try, a prediction from it, its schedule, and what was fetched.

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::NaiveTime;
use platform::predictions::PredictionOptions;
use platform::services::Service;
use platform::sources::{self, Intake, IntakeRequest, IntakeStatus, Purpose, Schedule, Source, Tested, When};
use platform::{Access, Error, Page, ServiceId, SourceId};
use scoring::contract::Finding;
use scoring::{OnError, Problem};

use super::{address, finding_said, kind_said, pace, text};
use crate::console::errors::PageError;
use crate::console::fields::FieldErrors;
use crate::console::forgery::SignedForm;
use crate::console::pages::account::NoFields;
use crate::console::pages::admin::amount;
use crate::console::pages::admin::form_key::{key_of_form, new_key};
use crate::console::pages::predict::on_price_list;
use crate::console::shell::{PageResult, Shell, render, render_with, see_other};
use crate::console::text::{Admin, Sources, fill, place_said, source_failure};
use crate::console::visitor::Visitor;
use crate::extract::{Id, Query};
use crate::state::Api;

const INTAKES: u32 = 25;

#[derive(Template)]
#[template(path = "console/source.html")]
struct SourcePage {
    shell: Shell,
    t: &'static Sources,
    source: Source,
    services: Vec<Service>,
    intakes: Vec<Intake>,
    is_first: bool,
    next_cursor: Option<String>,
    /// What a try just now has shown, and whether it went well.
    told: Option<(String, bool)>,
    key: String,
    fields: HashMap<String, String>,
    errors: FieldErrors,
}

/// Which part of the list is wanted.
#[derive(serde::Deserialize)]
pub struct SourceQuery {
    cursor: Option<String>,
}

/// The page of a source.
pub async fn show(
    State(api): State<Api>,
    visitor: Visitor,
    Id(id): Id<SourceId>,
    Query(query): Query<SourceQuery>,
) -> PageResult {
    render(&page_of(&api, visitor.shell, &visitor.access, id, query.cursor).await?)
}

/// Reads the beginning of its file.
pub async fn tested(
    State(api): State<Api>,
    Id(id): Id<SourceId>,
    SignedForm { access, shell, .. }: SignedForm<NoFields>,
) -> PageResult {
    let tested = sources::test(&api.platform, &access, id).await?;
    let mut page = page_of(&api, shell, &access, id, None).await?;
    page.told = Some(match tested {
        Tested::Columns(columns) => (fill(page.t.test_ok, &[("columns", &columns.join(", "))]), true),
        Tested::Failed(failure) => (page.said(&failure), false),
    });
    render(&page)
}

/// Predicts from it now.
pub async fn ran(
    State(api): State<Api>,
    Id(id): Id<SourceId>,
    SignedForm { access, shell, body }: SignedForm<HashMap<String, String>>,
) -> PageResult {
    let request = request_of(&shell, &body)?;
    let target = format!("/sources/{id}/run");
    let key = key_of_form(text(&body, "idempotency_key"), &target, &[text(&body, "service_id")]);
    sources::start(&api.platform, &access, id, request, key.as_ref()).await?;
    Ok(see_other(&format!("/sources/{id}#intakes")))
}

/// Has it predicted from every day.
pub async fn scheduled(
    State(api): State<Api>,
    Id(id): Id<SourceId>,
    SignedForm { access, shell, body }: SignedForm<HashMap<String, String>>,
) -> PageResult {
    let t = Sources::of(shell.language);
    let mut errors = FieldErrors::default();
    let time = NaiveTime::parse_from_str(text(&body, "daily_at"), "%H:%M");
    if time.is_err() {
        errors.add("daily_at", t.bad_time);
    }
    let price_max = match text(&body, "price_max") {
        "" => None,
        typed => match amount::parse(Admin::of(shell.language), shell.language, &shell.currency, typed) {
            Ok(price) => Some(price),
            Err(said) => {
                errors.add("price_max", said);
                None
            }
        },
    };
    if let (Ok(time), true) = (time, errors.is_empty()) {
        let request = IntakeRequest { price_max, ..request_of(&shell, &body)? };
        let schedule = Schedule { when: When::DailyAt(time), request };
        sources::set_schedule(&api.platform, &access, id, Some(schedule)).await?;
        return Ok(see_other(&format!("/sources/{id}?notice=saved")));
    }
    let page = page_of(&api, shell, &access, id, None).await?;
    let page = SourcePage { fields: body, errors, ..page };
    render_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
}

/// Ends its schedule.
pub async fn unscheduled(
    State(api): State<Api>,
    Id(id): Id<SourceId>,
    SignedForm { access, .. }: SignedForm<NoFields>,
) -> PageResult {
    sources::set_schedule(&api.platform, &access, id, None).await?;
    Ok(see_other(&format!("/sources/{id}?notice=saved")))
}

/// Deletes it.
pub async fn deleted(
    State(api): State<Api>,
    Id(id): Id<SourceId>,
    SignedForm { access, .. }: SignedForm<NoFields>,
) -> PageResult {
    sources::delete(&api.platform, &access, id).await?;
    Ok(see_other("/sources?notice=source_deleted"))
}

fn request_of(_: &Shell, body: &HashMap<String, String>) -> Result<IntakeRequest, PageError> {
    let service = text(body, "service_id").parse().map(ServiceId).map_err(|_| PageError::not_found())?;
    Ok(IntakeRequest {
        purpose: Purpose::Predict,
        service,
        price_max: None,
        on_error: OnError::Fail,
        options: PredictionOptions::default(),
        model: None,
        training: None,
        events: None,
    })
}

async fn page_of(
    api: &Api,
    shell: Shell,
    access: &Access,
    id: SourceId,
    cursor: Option<String>,
) -> Result<SourcePage, PageError> {
    let source = sources::get(&api.platform, access, id).await?;
    let page = Page { limit: INTAKES, cursor };
    let intakes = sources::list_intakes(&api.platform, access, Some(id), &page).await?;
    let services: Result<Vec<Service>, Error> = on_price_list(api, access).await;
    let curl = shell.curl_send(
        "POST",
        &format!("/api/v1/sources/{id}/intakes"),
        r#"{"purpose": "predict", "service_id": "..."}"#,
    );
    Ok(SourcePage {
        t: Sources::of(shell.language),
        source,
        services: services?,
        intakes: intakes.data,
        is_first: page.cursor.is_none(),
        next_cursor: intakes.next_cursor,
        told: None,
        key: new_key(),
        fields: HashMap::new(),
        errors: FieldErrors::default(),
        shell: shell.with_curl(curl),
    })
}

impl SourcePage {
    fn kind(&self) -> &'static str {
        kind_said(self.t, self.source.place.kind())
    }

    fn address(&self) -> String {
        address(&self.source.place)
    }

    fn pace(&self) -> String {
        pace(self.t, &self.source)
    }

    fn next(&self) -> Option<String> {
        self.source.next_at.map(|next| self.shell.time(next))
    }

    fn typed(&self, name: &str) -> &str {
        match (text(&self.fields, name), name) {
            ("", "daily_at") => "06:30",
            (typed, _) => typed,
        }
    }

    fn price_label(&self) -> String {
        fill(self.t.price_max, &[("currency", &self.shell.currency)])
    }

    /// What went wrong, and what the source has said itself where that is more.
    fn said(&self, failure: &sources::Failure) -> String {
        match source_failure(self.shell.language, &failure.code) {
            Some(said) if failure.code == "query_failed" => format!("{said} {}", failure.message),
            Some(said) => said.to_owned(),
            None => failure.message.clone(),
        }
    }

    fn error(&self, intake: &Intake) -> Option<String> {
        let failure = intake.error.as_ref()?;
        let missing = failure.missing.join(", ");
        let said = self.said(failure);
        Some(if missing.is_empty() { said } else { format!("{said} {missing}") })
    }

    fn state(&self, intake: &Intake) -> &'static str {
        match intake.status {
            IntakeStatus::Queued => self.t.queued,
            IntakeStatus::Running => self.t.running,
            IntakeStatus::Succeeded => self.t.succeeded,
            IntakeStatus::Failed => self.t.failed,
            IntakeStatus::Skipped => self.t.skipped,
        }
    }

    fn tag(&self, intake: &Intake) -> &'static str {
        match intake.status {
            IntakeStatus::Queued | IntakeStatus::Running => "accent",
            IntakeStatus::Succeeded => "stay",
            IntakeStatus::Failed => "bad",
            IntakeStatus::Skipped => "warn",
        }
    }

    fn rows(&self, intake: &Intake) -> Option<String> {
        intake.report.as_ref().map(|report| self.shell.count(report.rows, self.t.rows))
    }

    fn findings<'a>(&self, intake: &'a Intake) -> &'a [Finding] {
        intake.report.as_ref().map_or(&[], |report| &report.findings)
    }

    fn problems<'a>(&self, intake: &'a Intake) -> &'a [Problem] {
        intake.report.as_ref().map_or(&[], |report| &report.problems)
    }

    fn finding(&self, finding: &Finding) -> String {
        let said = finding_said(self.t, finding.kind);
        let (count, share) = (self.shell.number(finding.count), self.shell.share(finding.share));
        match &finding.column {
            Some(column) => {
                let values = [("column", column.as_str()), ("count", &count), ("share", &share)];
                format!("{said}. {}", fill(self.t.column, &values))
            }
            None => format!("{said}: {count} ({share})"),
        }
    }

    fn place(&self, place: &Problem) -> String {
        let (line, said) = (self.shell.number(place.line), place_said(self.shell.language, &place.message));
        fill(self.t.places, &[("line", &line), ("column", &place.column), ("said", &said)])
    }

    fn is_open(&self) -> bool {
        let is_open = |intake: &Intake| matches!(intake.status, IntakeStatus::Queued | IntakeStatus::Running);
        self.intakes.iter().any(is_open)
    }
}
