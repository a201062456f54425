//! What the database itself refuses, whoever asks: each constraint, each trigger that keeps history, and
//! each policy of row-level security alone. A constraint that is not named here fails the test.

use std::collections::BTreeSet;

use platform::JobId;
use platform::api_keys::Scope;
use platform::jobs::{Claim, JobKind, Places};
use platform::predictions::{self, Outcome, PredictionError, PredictionOptions, Target, Upload};
use scoring::OnError;
use sqlx::postgres::PgPool;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use uuid::Uuid;

use crate::on_a_system;
use crate::refused::REFUSED;
use crate::system::{Owner, System};

/// Constraints of tables that hold no money and no tenant's data, such as the migrations' own.
const OTHERS: [&str; 1] = ["_sqlx_migrations_pkey"];

/// Tables behind row-level security, and which of their rows are the tenant's of $1.
const BEHIND_POLICIES: [(&str, &str); 35] = [
    ("accounts", "tenant_id = $1"),
    ("api_keys", "tenant_id = $1"),
    ("audit_log", "tenant_id = $1"),
    ("erasures", "tenant_id = $1"),
    ("idempotency_keys", "scope = $1"),
    ("jobs", "tenant_id = $1"),
    ("memberships", "tenant_id = $1"),
    ("model_history", "tenant_id = $1"),
    ("model_history_reasons", "tenant_id = $1"),
    ("model_versions", "tenant_id = $1"),
    ("models", "tenant_id = $1"),
    ("orders", "tenant_id = $1"),
    ("predictions", "tenant_id = $1"),
    ("sessions", "tenant_id = $1"),
    ("tenants", "id = $1"),
    ("trainings", "tenant_id = $1"),
    ("transaction_notes", "tenant_id = $1"),
    ("transactions", "tenant_id = $1"),
    ("drift_events", "tenant_id = $1"),
    ("model_monitoring", "tenant_id = $1"),
    ("outcome_uploads", "tenant_id = $1"),
    ("plans", "tenant_id = $1"),
    ("intakes", "tenant_id = $1"),
    ("sources", "tenant_id = $1"),
    ("prediction_drift", "tenant_id = $1"),
    ("prediction_outcomes", "tenant_id = $1"),
    ("prediction_scores", "tenant_id = $1"),
    ("retraining_lines", "tenant_id = $1"),
    ("retraining_policies", "tenant_id = $1"),
    ("retraining_runs", "tenant_id = $1"),
    ("risk_tiers", "tenant_id = $1"),
    ("webhook_deliveries", "tenant_id = $1"),
    ("webhook_endpoints", "tenant_id = $1"),
    ("webhook_settings", "tenant_id = $1"),
    ("users", "id IN (SELECT user_id FROM memberships WHERE tenant_id = $1)"),
];

/// What only the system's role reads.
const WITHOUT_READERS: [&str; 2] = ["installation_keys", "refresh_tokens"];

#[tokio::test]
async fn each_constraint_refuses_what_it_is_for() {
    on_a_system("constraints", async |system| {
        busy(system).await;
        let mut broken = Vec::new();
        for (constraint, statement) in REFUSED {
            let said = attempt(&system.clock, &written_out(statement)).await;
            if said.as_ref().err().and_then(|error| error.as_database_error()?.constraint())
                != Some(constraint)
            {
                broken.push(format!("{constraint}: {statement}: {said:?}"));
            }
        }
        assert!(broken.is_empty(), "not refused by its constraint:\n{}", broken.join("\n"));
        let known: BTreeSet<String> =
            REFUSED.iter().map(|(name, _)| *name).chain(OTHERS).map(str::to_owned).collect();
        let query = "SELECT conname::text FROM pg_constraint WHERE contype IN ('p', 'u', 'c') \
            AND connamespace = 'public'::regnamespace UNION \
            SELECT c.relname::text FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
            WHERE i.indisunique AND c.relnamespace = 'public'::regnamespace";
        let found: Vec<String> = sqlx::query_scalar(query).fetch_all(&system.clock).await.unwrap();
        let missing: Vec<&String> = found.iter().filter(|name| !known.contains(*name)).collect();
        assert!(missing.is_empty(), "constraints that no statement here tries: {missing:?}");
    })
    .await;
}

#[tokio::test]
async fn history_cannot_be_rewritten_even_by_the_owner_of_the_schema() {
    on_a_system("history", async |system| {
        busy(system).await;
        let mut owner = owner_of_the_schema(system).await;
        for (table, change) in [
            ("transactions", "amount = amount + 1"),
            ("audit_log", "action = 'x'"),
            ("erasures", "input_bytes = 0"),
            ("model_history", "is_forced = true"),
            ("retraining_lines", "kind = 'failed'"),
        ] {
            for statement in [
                format!("UPDATE {table} SET {change}"),
                format!("DELETE FROM {table}"),
                format!("TRUNCATE {table} CASCADE"),
            ] {
                let done = sqlx::raw_sql(AssertSqlSafe(statement.as_str())).execute(&mut owner).await;
                let said = done.err().unwrap_or_else(|| panic!("{statement} was not refused")).to_string();
                assert!(said.contains("append-only"), "{statement}: {said}");
                if statement.starts_with("TRUNCATE") {
                    continue;
                }
                let said = attempt(&system.clock, &statement).await.err();
                let said = said.unwrap_or_else(|| panic!("{statement} as the system's role")).to_string();
                assert!(said.contains("permission denied"), "{statement}: {said}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn each_policy_shows_a_tenant_its_own_rows_and_without_a_tenant_none() {
    on_a_system("policies", async |system| {
        let (one, other) = (busy(system).await, busy(system).await);
        let mut owner = owner_of_the_schema(system).await;
        let tables: Vec<&str> =
            BEHIND_POLICIES.iter().map(|(table, _)| *table).chain(WITHOUT_READERS).collect();
        let open = "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace \
            AND relkind = 'r' AND NOT (relrowsecurity AND relforcerowsecurity) AND (relname = ANY($1) \
            OR oid IN (SELECT attrelid FROM pg_attribute WHERE attname = 'tenant_id'))";
        let open: Vec<String> =
            sqlx::query_scalar(open).bind(&tables).fetch_all(&system.clock).await.unwrap();
        assert!(open.is_empty(), "row-level security is not forced on {open:?}");
        for table in tables {
            let rows = count(&mut system.clock.acquire().await.unwrap(), table, "true").await;
            assert!(rows > 0, "{table} has no row that could be shown");
        }
        sqlx::raw_sql("SET ROLE augur_app").execute(&mut owner).await.unwrap();
        for (table, _) in BEHIND_POLICIES {
            let shared =
                if matches!(table, "models" | "model_versions") { "tenant_id IS NOT NULL" } else { "true" };
            assert_eq!(count(&mut owner, table, shared).await, 0, "{table} without a tenant");
        }
        let set = format!("SET app.tenant = '{}'", one.tenant);
        sqlx::raw_sql(AssertSqlSafe(set)).execute(&mut owner).await.unwrap();
        for (table, rows) in BEHIND_POLICIES {
            let of = |tenant: &Owner| rows.replace("$1", &format!("'{}'", tenant.tenant));
            assert!(count(&mut owner, table, &of(&one)).await > 0, "{table} hides a tenant's own rows");
            assert_eq!(count(&mut owner, table, &of(&other)).await, 0, "{table} shows another's rows");
        }
        let event = "INSERT INTO audit_log (id, action, tenant_id) VALUES (gen_random_uuid(), 'x', ";
        let event = format!("{event}'{}')", other.tenant);
        let said = sqlx::raw_sql(AssertSqlSafe(event)).execute(&mut owner).await.unwrap_err().to_string();
        assert!(said.contains("row-level security"), "audit_log: {said}");
    })
    .await;
}

/// A customer with a row in every table that a tenant has rows in.
async fn busy(system: &System) -> Owner {
    let owner = system.owner().await;
    let (platform, access) = (&system.platform, &owner.access);
    let amount = ledger::Money::from_minor_units(100).unwrap();
    let recipient = platform::money::Recipient::Tenant(owner.tenant);
    let deposit = platform::money::Deposit { recipient, amount, note: Some("a note".to_owned()) };
    platform::money::deposit(platform, &system.admin, deposit, None).await.expect("a deposit");
    let key = platform::Idempotency { key: "k".into(), target: "orders".into(), body_sha256: [0; 32] };
    platform::orders::place(platform, access, system.services[0], Default::default(), Some(&key))
        .await
        .expect("an order");
    let upload = Upload {
        target: Target::Service(system.services[0]),
        file_name: "customers.csv".to_owned(),
        on_error: OnError::Fail,
        options: PredictionOptions::default(),
        idempotency: None,
    };
    let stream = futures::stream::iter([Ok(system.files[0].clone())]);
    predictions::accept(platform, access, upload.clone(), stream).await.expect("a prediction");
    erase_another(system, &owner, upload).await;
    platform::api_keys::create(platform, access, "a key", Scope::Read).await.expect("an API key");
    platform::jobs::heartbeat(
        platform,
        "a worker",
        Places { predictions: 1, trainings: 1, webhooks: 1, exports: 1, intakes: 1 },
    )
    .await
    .expect("a heartbeat");
    // A training would take a worker.
    let model = Uuid::new_v4();
    let own = format!(
        "INSERT INTO models (id, tenant_id, name) VALUES ('{model}', '{0}', 'own'); \
         INSERT INTO model_versions (id, model_id, tenant_id, version, sha256, manifest, artifact) \
         SELECT gen_random_uuid(), '{model}', '{0}', version, sha256, manifest, artifact \
         FROM model_versions LIMIT 1; \
         INSERT INTO trainings (id, tenant_id, order_id, model_name, version_number, algorithm, parameters, \
             prediction_price, file_name, input_bytes, input_sha256, rows_total, rows_max, fits_total, status, \
             model_version_id, result_attempt, finished_at, expires_at) \
         SELECT gen_random_uuid(), '{0}', id, 'own', place, 'logistic', '{{}}', 1, 'a.csv', 1, '\\x00', 1, 1, 1, \
             CASE place WHEN 1 THEN 'succeeded' ELSE 'queued' END, \
             CASE place WHEN 1 THEN (SELECT id FROM model_versions WHERE tenant_id = '{0}') END, \
             CASE place WHEN 1 THEN 1 END, CASE place WHEN 1 THEN now() END, now() \
         FROM (SELECT id, row_number() OVER (ORDER BY id) AS place FROM orders WHERE tenant_id = '{0}' \
               ORDER BY id LIMIT 2) AS chosen; \
         INSERT INTO model_history (id, tenant_id, model_id, version_id, action, to_stage) \
         SELECT gen_random_uuid(), tenant_id, model_id, id, 'registered', stage \
         FROM model_versions WHERE tenant_id = '{0}'; \
         INSERT INTO model_history_reasons (history_id, tenant_id, reason) \
         SELECT id, tenant_id, 'why' FROM model_history WHERE tenant_id = '{0}'",
        owner.tenant
    );
    sqlx::raw_sql(AssertSqlSafe(own)).execute(&system.clock).await.expect("a model of its own");
    let rows = include_str!("rows.sql").replace("TENANT", &owner.tenant.to_string());
    let rows = rows.replace("MODEL", &model.to_string());
    sqlx::raw_sql(AssertSqlSafe(rows)).execute(&system.clock).await.expect("rows of models at work");
    owner
}

/// Leaves the receipt of an erasure.
async fn erase_another(system: &System, owner: &Owner, upload: Upload) {
    let (platform, access) = (&system.platform, &owner.access);
    let stream = futures::stream::iter([Ok(system.files[0].clone())]);
    let accepted = predictions::accept(platform, access, upload, stream).await.expect("a prediction").value;
    let query = "SELECT id FROM jobs WHERE kind = 'prediction' AND subject_id = $1";
    let job = sqlx::query_scalar(query).bind(accepted.id.0).fetch_one(&system.clock).await.unwrap();
    let claim = Claim {
        job: JobId(job),
        kind: JobKind::Prediction,
        subject: accepted.id.0,
        tenant: owner.tenant,
        attempt: 0,
        request_id: None,
    };
    let failed = Outcome::Failed(PredictionError::new("not_scored", "a test"));
    predictions::settle(platform, &claim, &failed).await.expect("a settlement");
    predictions::delete(platform, access, accepted.id).await.expect("an erasure");
}

fn written_out(statement: &str) -> String {
    let Some(copy) = statement.strip_prefix("COPY ") else { return statement.to_owned() };
    let (table, rest) = copy.split_once(" SET").expect("what is set");
    let (changes, condition) = rest.split_once(" WHERE ").unwrap_or((rest, "true"));
    format!(
        "INSERT INTO {table} SELECT (jsonb_populate_record(one, jsonb_build_object({changes}))).* \
         FROM {table} one WHERE {condition} LIMIT 1"
    )
}

/// Runs a statement and takes it back.
async fn attempt(pool: &PgPool, statement: &str) -> Result<u64, sqlx::Error> {
    let mut transaction = pool.begin().await?;
    let done = sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *transaction).await;
    transaction.rollback().await?;
    done.map(|done| done.rows_affected())
}

async fn count(connection: &mut PgConnection, table: &str, condition: &str) -> i64 {
    let query = format!("SELECT count(*) FROM (SELECT 1 FROM {table} WHERE {condition}) AS counted");
    sqlx::query_scalar(AssertSqlSafe(query)).fetch_one(connection).await.unwrap()
}

async fn owner_of_the_schema(system: &System) -> PgConnection {
    PgConnection::connect(system.url()).await.expect("the database")
}
