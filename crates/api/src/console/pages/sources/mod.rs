//! Sources: which there are, and a new one.

mod one;

pub use one::{deleted, ran, scheduled, show, tested, unscheduled};

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use platform::Page;
use platform::sources::{self, Credentials, NewSource, Place, Policy, Source, Tls, When};
use scoring::contract::FindingKind;
use serde::Deserialize;

use crate::console::fields::FieldErrors;
use crate::console::forgery::SignedForm;
use crate::console::shell::{PageResult, Shell, render, render_with, see_other};
use crate::console::text::{Sources, fill};
use crate::console::visitor::Visitor;
use crate::extract::Query;
use crate::state::Api;

/// More than there can be.
const SOURCES: u32 = 100;
const KINDS: [&str; 3] = ["url", "s3", "postgresql"];

#[derive(Template)]
#[template(path = "console/sources.html")]
struct SourcesPage {
    shell: Shell,
    t: &'static Sources,
    sources: Vec<Source>,
}

#[derive(Template)]
#[template(path = "console/source_new.html")]
struct NewPage {
    shell: Shell,
    t: &'static Sources,
    kind: &'static str,
    fields: HashMap<String, String>,
    errors: FieldErrors,
    is_private: bool,
}

/// Which kind of source is to be made.
#[derive(Deserialize)]
pub struct NewQuery {
    kind: Option<String>,
}

/// The list.
pub async fn list(State(api): State<Api>, visitor: Visitor) -> PageResult {
    let Visitor { access, shell } = visitor;
    let page = Page { limit: SOURCES, cursor: None };
    let sources = sources::list(&api.platform, &access, &page).await?.data;
    let curl = shell.curl_get("/api/v1/sources");
    render(&SourcesPage { t: Sources::of(shell.language), sources, shell: shell.with_curl(curl) })
}

/// The form of a new one.
pub async fn new(State(api): State<Api>, visitor: Visitor, Query(query): Query<NewQuery>) -> PageResult {
    let kind = kind_of(query.kind.as_deref().unwrap_or_default());
    render(&NewPage::new(&api, visitor.shell, kind, HashMap::new(), FieldErrors::default()))
}

/// Makes a source.
pub async fn created(
    State(api): State<Api>,
    SignedForm { access, shell, body }: SignedForm<HashMap<String, String>>,
) -> PageResult {
    let kind = kind_of(text(&body, "kind"));
    let mut errors = FieldErrors::default();
    let age_days_max = match text(&body, "age_days_max") {
        "" => None,
        typed => typed.parse().ok().or(Some(u32::MAX)),
    };
    let column = |name: &str| Some(text(&body, name).to_owned()).filter(|column| !column.is_empty());
    let refuse = FindingKind::ALL.into_iter().filter(|kind| body.contains_key(kind.as_str())).collect();
    let new = NewSource {
        name: text(&body, "name").to_owned(),
        place: place_of(&body, kind),
        credentials: credentials_of(&body, kind),
        policy: Policy { key: column("key"), date: column("date"), age_days_max, refuse },
    };
    match sources::create(&api.platform, &access, new).await {
        Ok(made) => Ok(see_other(&format!("/sources/{}?notice=saved", made.id))),
        Err(error) => {
            errors.take(shell.language, error)?;
            let page = NewPage::new(&api, shell, kind, body, errors);
            render_with(StatusCode::UNPROCESSABLE_ENTITY, &page)
        }
    }
}

fn kind_of(wanted: &str) -> &'static str {
    KINDS.into_iter().find(|kind| *kind == wanted).unwrap_or(KINDS[0])
}

fn text<'a>(body: &'a HashMap<String, String>, name: &str) -> &'a str {
    body.get(name).map_or("", |typed| typed.trim())
}

fn place_of(body: &HashMap<String, String>, kind: &str) -> Place {
    let typed = |name: &str| text(body, name).to_owned();
    match kind {
        "s3" => Place::S3 {
            endpoint: typed("endpoint"),
            region: typed("region"),
            bucket: typed("bucket"),
            path: typed("path"),
        },
        "postgresql" => Place::Postgresql {
            host: typed("host"),
            port: text(body, "port").parse().unwrap_or(0),
            database: typed("database"),
            user: typed("user"),
            tls: match text(body, "tls") {
                "require" => Tls::Require,
                "disable" => Tls::Disable,
                _ => Tls::Verify,
            },
            query: typed("query"),
        },
        _ => Place::Url { url: typed("url") },
    }
}

fn credentials_of(body: &HashMap<String, String>, kind: &str) -> Credentials {
    // A secret is taken as it was typed.
    let typed = |name: &str, of: &str| body.get(name).filter(|text| !text.is_empty() && kind == of).cloned();
    Credentials {
        token: typed("token", "url"),
        access_key_id: typed("access_key_id", "s3"),
        secret_access_key: typed("secret_access_key", "s3"),
        password: typed("password", "postgresql"),
    }
}

/// Where a source is, on one line and without anything secret.
fn address(place: &Place) -> String {
    match place {
        Place::Url { url } => url.split('?').next().unwrap_or_default().to_owned(),
        Place::S3 { bucket, path, .. } => format!("s3://{bucket}/{path}"),
        Place::Postgresql { host, port, database, .. } => format!("{host}:{port}/{database}"),
    }
}

fn kind_said(t: &'static Sources, kind: &str) -> &'static str {
    match kind {
        "s3" => t.kind_s3,
        "postgresql" => t.kind_postgresql,
        _ => t.kind_url,
    }
}

fn finding_said(t: &'static Sources, kind: FindingKind) -> &'static str {
    match kind {
        FindingKind::OutOfRange => t.out_of_range,
        FindingKind::UnknownCategory => t.unknown_category,
        FindingKind::Missing => t.missing,
        FindingKind::Duplicates => t.duplicates,
        FindingKind::Stale => t.stale,
    }
}

/// When a source is fetched from by itself.
fn pace(t: &'static Sources, source: &Source) -> String {
    match source.schedule.as_ref().map(|schedule| schedule.when) {
        Some(When::EveryHours(hours)) => fill(t.every_hours, &[("hours", &hours.to_string())]),
        Some(When::DailyAt(time)) => {
            format!("{} {} UTC", t.daily_at.split(',').next().unwrap_or_default(), time.format("%H:%M"))
        }
        None => t.no_schedule.to_owned(),
    }
}

impl SourcesPage {
    fn address(&self, source: &Source) -> String {
        address(&source.place)
    }

    fn pace(&self, source: &Source) -> String {
        pace(self.t, source)
    }
}

impl NewPage {
    fn new(
        api: &Api,
        shell: Shell,
        kind: &'static str,
        mut fields: HashMap<String, String>,
        errors: FieldErrors,
    ) -> NewPage {
        for (name, first) in [("port", "5432"), ("region", "us-east-1")] {
            fields.entry(name.to_owned()).or_insert_with(|| first.to_owned());
        }
        // What is secret is typed again.
        for name in ["token", "access_key_id", "secret_access_key", "password"] {
            fields.remove(name);
        }
        let body =
            r#"{"name": "CRM", "place": {"kind": "url", "url": "https://files.example.com/customers.csv"}}"#;
        let curl = shell.curl_send("POST", "/api/v1/sources", body);
        let is_private = api.platform.sources.allow_private;
        let t = Sources::of(shell.language);
        NewPage { t, kind, fields, errors, is_private, shell: shell.with_curl(curl) }
    }

    fn kinds(&self) -> [(&'static str, &'static str, bool); 3] {
        KINDS.map(|kind| (kind, kind_said(self.t, kind), kind == self.kind))
    }

    fn is_database(&self) -> bool {
        self.kind == "postgresql"
    }

    fn typed(&self, name: &str) -> &str {
        text(&self.fields, name)
    }

    fn is_chosen(&self, name: &str) -> bool {
        self.fields.contains_key(name)
    }

    fn findings(&self) -> [(&'static str, &'static str); 5] {
        FindingKind::ALL.map(|kind| (kind.as_str(), finding_said(self.t, kind)))
    }

    /// The fields of the kind that are a line of text: name, label, hint, whether they are secret.
    fn lines(&self) -> Vec<(&'static str, &'static str, &'static str, bool)> {
        let t = self.t;
        match self.kind {
            "s3" => vec![
                ("endpoint", t.endpoint, t.url_hint, false),
                ("region", t.region, "", false),
                ("bucket", t.bucket, "", false),
                ("path", t.path, "", false),
                ("access_key_id", t.access_key_id, "", true),
                ("secret_access_key", t.secret_access_key, t.sealed_hint, true),
            ],
            "postgresql" => vec![
                ("host", t.host, "", false),
                ("port", t.port, "", false),
                ("database", t.database, "", false),
                ("user", t.user, "", false),
                ("password", t.password, t.sealed_hint, true),
            ],
            _ => vec![("url", t.url, t.url_hint, false), ("token", t.token, t.token_hint, true)],
        }
    }
}
