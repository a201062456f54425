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
use crate::system::{Owner, System};

/// Each constraint, and a statement that it alone must refuse. `COPY table SET a, b WHERE c` inserts
/// a copy of a row with other values.
const REFUSED: &[(&str, &str)] = &[
    ("accounts_balance_not_negative", "UPDATE accounts SET balance = -1"),
    ("accounts_pkey", "COPY accounts SET"),
    ("accounts_sequence_not_negative", "UPDATE accounts SET sequence = -1"),
    ("api_keys_hash_length", "UPDATE api_keys SET key_hash = '\\x00'"),
    ("api_keys_key_hash_key", "COPY api_keys SET 'id', gen_random_uuid()"),
    ("api_keys_name_length", "UPDATE api_keys SET name = ''"),
    ("api_keys_pkey", "COPY api_keys SET 'key_hash', '\\x' || repeat('11', 32)"),
    ("api_keys_scope_known", "UPDATE api_keys SET scope = 'all'"),
    ("audit_log_pkey", "COPY audit_log SET"),
    ("drift_events_kind_known", "UPDATE drift_events SET kind = 'a feeling'"),
    ("drift_events_open_key", "COPY drift_events SET 'id', gen_random_uuid()"),
    ("drift_events_pkey", "COPY drift_events SET 'kind', 'concept'"),
    ("erasures_pkey", "COPY erasures SET"),
    ("erasures_reason_known", "COPY erasures SET 'reason', 'a whim'"),
    ("idempotency_keys_hash_length", "UPDATE idempotency_keys SET request_hash = '\\x00'"),
    ("idempotency_keys_key_length", "UPDATE idempotency_keys SET key = ''"),
    ("idempotency_keys_pkey", "COPY idempotency_keys SET 'request_hash', '\\x' || repeat('11', 32)"),
    ("installation_keys_pkey", "COPY installation_keys SET"),
    ("jobs_finished_iff_terminal", "UPDATE jobs SET finished_at = now() WHERE state = 'queued'"),
    ("jobs_kind_known", "UPDATE jobs SET kind = 'errand'"),
    ("jobs_lease_iff_running", "UPDATE jobs SET state = 'running' WHERE state = 'queued'"),
    ("jobs_pkey", "COPY jobs SET 'subject_id', gen_random_uuid()"),
    ("jobs_state_known", "UPDATE jobs SET state = 'lost' WHERE state = 'queued'"),
    ("jobs_subject_key", "COPY jobs SET 'id', gen_random_uuid()"),
    ("memberships_pkey", "COPY memberships SET"),
    ("memberships_role_known", "UPDATE memberships SET role = 'king'"),
    ("model_history_action_known", "COPY model_history SET 'id', gen_random_uuid(), 'action', 'lost'"),
    ("model_history_pkey", "COPY model_history SET"),
    ("model_history_reasons_length", "COPY model_history_reasons SET 'reason', ''"),
    ("model_history_reasons_pkey", "COPY model_history_reasons SET"),
    ("model_history_stages_known", "COPY model_history SET 'id', gen_random_uuid(), 'to_stage', 'gone'"),
    (
        "model_monitoring_costs_positive",
        "UPDATE model_monitoring SET contact_cost = -1, customer_value = 1, success_rate = 1",
    ),
    ("model_monitoring_costs_together", "UPDATE model_monitoring SET contact_cost = 1"),
    ("model_monitoring_pkey", "COPY model_monitoring SET"),
    (
        "model_monitoring_success_rate_share",
        "UPDATE model_monitoring SET contact_cost = 1, customer_value = 1, success_rate = 2",
    ),
    ("model_monitoring_thresholds_ordered", "UPDATE model_monitoring SET psi_moderate = 0"),
    ("model_versions_pkey", "COPY model_versions SET 'version', 'another'"),
    (
        "model_versions_production_idx",
        "COPY model_versions SET 'id', gen_random_uuid(), 'version', 'another' WHERE stage = 'production'",
    ),
    ("model_versions_sha256_form", "UPDATE model_versions SET sha256 = 'x'"),
    ("model_versions_stage_known", "UPDATE model_versions SET stage = 'gone'"),
    ("model_versions_version_key", "COPY model_versions SET 'id', gen_random_uuid()"),
    ("models_name_form", "UPDATE models SET name = 'No Name'"),
    ("models_name_key", "COPY models SET 'id', gen_random_uuid()"),
    ("models_pkey", "COPY models SET 'name', 'another'"),
    ("orders_pkey", "COPY orders SET 'transaction_id', gen_random_uuid()"),
    ("orders_price_positive", "UPDATE orders SET price = 0"),
    ("orders_status_known", "UPDATE orders SET status = 'lost'"),
    ("orders_transaction_id_key", "COPY orders SET 'id', gen_random_uuid()"),
    ("outcome_uploads_pkey", "COPY outcome_uploads SET"),
    ("plans_measured_once_known", "UPDATE plans SET measured_at = now()"),
    ("plans_pkey", "COPY plans SET"),
    ("prediction_drift_level_known", "UPDATE prediction_drift SET level = 'some'"),
    ("prediction_drift_pkey", "COPY prediction_drift SET"),
    ("prediction_outcomes_pkey", "COPY prediction_outcomes SET"),
    ("prediction_scores_pkey", "COPY prediction_scores SET"),
    ("predictions_error_iff_failed", "UPDATE predictions SET error = '{}' WHERE status = 'queued'"),
    (
        "predictions_finished_iff_terminal",
        "UPDATE predictions SET finished_at = now() WHERE status = 'queued'",
    ),
    ("predictions_on_error_known", "UPDATE predictions SET on_error = 'shrug'"),
    ("predictions_order_id_key", "COPY predictions SET 'id', gen_random_uuid()"),
    ("predictions_pkey", "COPY predictions SET 'order_id', gen_random_uuid()"),
    (
        "predictions_result_iff_succeeded",
        "UPDATE predictions SET status = 'succeeded', finished_at = now() WHERE status = 'queued'",
    ),
    ("predictions_status_known", "UPDATE predictions SET status = 'lost' WHERE status = 'queued'"),
    ("refresh_tokens_hash_length", "UPDATE refresh_tokens SET token_hash = '\\x00'"),
    ("refresh_tokens_pkey", "COPY refresh_tokens SET"),
    ("retraining_lines_kind_known", "COPY retraining_lines SET 'id', gen_random_uuid(), 'kind', 'lost'"),
    ("retraining_lines_once_key", "COPY retraining_lines SET 'id', gen_random_uuid()"),
    ("retraining_lines_pkey", "COPY retraining_lines SET 'kind', 'failed'"),
    ("retraining_policies_auc_loss_max_share", "UPDATE retraining_policies SET auc_loss_max = 2"),
    ("retraining_policies_auc_min_share", "UPDATE retraining_policies SET auc_min = 2"),
    ("retraining_policies_due_iff_scheduled", "UPDATE retraining_policies SET due_at = now()"),
    (
        "retraining_policies_every_hours_positive",
        "UPDATE retraining_policies SET every_hours = 0, due_at = now()",
    ),
    ("retraining_policies_hold_out_share", "UPDATE retraining_policies SET hold_out = 0.9"),
    ("retraining_policies_outcomes_min_positive", "UPDATE retraining_policies SET outcomes_min = 0"),
    ("retraining_policies_pkey", "COPY retraining_policies SET"),
    ("retraining_policies_prices_positive", "UPDATE retraining_policies SET month_price_max = 0"),
    ("retraining_policies_quiet_hours_not_negative", "UPDATE retraining_policies SET quiet_hours = -1"),
    (
        "retraining_runs_open_key",
        "COPY retraining_runs SET 'id', gen_random_uuid(), 'round', 1 WHERE status = 'triggered'",
    ),
    ("retraining_runs_pkey", "COPY retraining_runs SET 'round', 1 WHERE status = 'skipped'"),
    ("retraining_runs_reason_iff_skipped", "UPDATE retraining_runs SET reason = NULL WHERE status = 'skipped'"),
    ("retraining_runs_status_known", "UPDATE retraining_runs SET status = 'lost' WHERE status = 'promoted'"),
    (
        "retraining_runs_training_id_key",
        "COPY retraining_runs SET 'id', gen_random_uuid(), 'round', 1 WHERE status = 'promoted'",
    ),
    (
        "retraining_runs_training_iff_started",
        "UPDATE retraining_runs SET rows_new = NULL WHERE status = 'promoted'",
    ),
    ("retraining_runs_trigger_key", "COPY retraining_runs SET 'id', gen_random_uuid() WHERE status = 'skipped'"),
    ("retraining_runs_trigger_known", "UPDATE retraining_runs SET trigger = 'a whim' WHERE status = 'skipped'"),
    ("risk_tiers_descend", "UPDATE risk_tiers SET medium = 0"),
    ("risk_tiers_pkey", "COPY risk_tiers SET"),
    ("services_algorithms_iff_training", "UPDATE services SET algorithms = NULL WHERE kind = 'training'"),
    ("services_algorithms_known", "UPDATE services SET algorithms = '{guess}' WHERE kind = 'training'"),
    ("services_description_length", "UPDATE services SET description = repeat('x', 2001)"),
    ("services_explain_price_positive", "UPDATE services SET explain_price = 0"),
    ("services_kind_known", "UPDATE services SET kind = 'gift' WHERE kind = 'prediction'"),
    ("services_max_rows_positive", "UPDATE services SET max_rows = 0"),
    ("services_model_iff_prediction", "UPDATE services SET model_id = NULL WHERE kind = 'prediction'"),
    ("services_name_key", "COPY services SET 'id', gen_random_uuid()"),
    ("services_name_length", "UPDATE services SET name = ''"),
    ("services_pkey", "COPY services SET 'name', 'another'"),
    (
        "services_prediction_price_iff_training",
        "UPDATE services SET prediction_price = 1 WHERE kind = 'prediction'",
    ),
    (
        "services_prediction_price_positive",
        "UPDATE services SET prediction_price = 0 WHERE kind = 'training'",
    ),
    ("services_price_positive", "UPDATE services SET price = 0"),
    ("sessions_pkey", "COPY sessions SET"),
    ("settings_pkey", "COPY settings SET"),
    ("tenants_name_length", "UPDATE tenants SET name = ''"),
    ("tenants_pkey", "COPY tenants SET"),
    ("trainings_erase_reason_iff_erased", "UPDATE trainings SET erased_at = now()"),
    ("trainings_erase_reason_known", "UPDATE trainings SET erased_at = now(), erase_reason = 'a whim'"),
    ("trainings_error_iff_failed", "UPDATE trainings SET error = '{}' WHERE status = 'queued'"),
    ("trainings_finished_iff_terminal", "UPDATE trainings SET finished_at = now() WHERE status = 'queued'"),
    ("trainings_model_name_form", "UPDATE trainings SET model_name = 'No Name'"),
    (
        "trainings_model_version_id_idx",
        "COPY trainings SET 'id', gen_random_uuid(), 'order_id', gen_random_uuid(), 'version_number', 99 \
         WHERE status = 'succeeded'",
    ),
    (
        "trainings_order_id_key",
        "COPY trainings SET 'id', gen_random_uuid(), 'version_number', 99, 'model_version_id', gen_random_uuid() \
         WHERE status = 'succeeded'",
    ),
    (
        "trainings_pkey",
        "COPY trainings SET 'order_id', gen_random_uuid(), 'version_number', 99 WHERE status = 'queued'",
    ),
    ("trainings_prediction_price_positive", "UPDATE trainings SET prediction_price = 0"),
    ("trainings_status_known", "UPDATE trainings SET status = 'lost' WHERE status = 'queued'"),
    (
        "trainings_version_iff_succeeded",
        "UPDATE trainings SET status = 'succeeded', finished_at = now() WHERE status = 'queued'",
    ),
    (
        "trainings_version_key",
        "COPY trainings SET 'id', gen_random_uuid(), 'order_id', gen_random_uuid() WHERE status = 'queued'",
    ),
    ("trainings_version_positive", "UPDATE trainings SET version_number = 0"),
    ("transaction_notes_note_length", "UPDATE transaction_notes SET note = ''"),
    ("transaction_notes_pkey", "COPY transaction_notes SET"),
    (
        "transactions_amount_positive",
        "COPY transactions SET 'id', gen_random_uuid(), 'sequence', 999, 'amount', 0 WHERE kind = 'deposit'",
    ),
    (
        "transactions_balance_not_negative",
        "COPY transactions SET 'id', gen_random_uuid(), 'sequence', 999, 'balance_after', -1 WHERE kind = 'deposit'",
    ),
    (
        "transactions_kind_known",
        "COPY transactions SET 'id', gen_random_uuid(), 'sequence', 999, 'kind', 'gift' WHERE kind = 'debit'",
    ),
    (
        "transactions_order_iff_no_deposit",
        "COPY transactions SET 'id', gen_random_uuid(), 'sequence', 999, 'kind', 'deposit' WHERE kind = 'debit'",
    ),
    (
        "transactions_order_kind_key",
        "COPY transactions SET 'id', gen_random_uuid(), 'sequence', 999 WHERE kind = 'debit'",
    ),
    ("transactions_pkey", "COPY transactions SET 'sequence', 999 WHERE kind = 'deposit'"),
    ("transactions_sequence_key", "COPY transactions SET 'id', gen_random_uuid() WHERE kind = 'deposit'"),
    (
        "transactions_sequence_positive",
        "COPY transactions SET 'id', gen_random_uuid(), 'sequence', 0 WHERE kind = 'deposit'",
    ),
    ("users_email_key", "COPY users SET 'id', gen_random_uuid(), 'email', upper(email)"),
    ("users_email_length", "UPDATE users SET email = 'a'"),
    ("users_name_length", "UPDATE users SET name = repeat('x', 201)"),
    ("users_pkey", "COPY users SET 'email', 'another@example.org'"),
    (
        "webhook_deliveries_event_key",
        "COPY webhook_deliveries SET 'id', gen_random_uuid(), 'subject_id', gen_random_uuid()",
    ),
    (
        "webhook_deliveries_expiring_key",
        "COPY webhook_deliveries SET 'id', gen_random_uuid(), 'event_id', gen_random_uuid()",
    ),
    ("webhook_deliveries_finished_iff_terminal", "UPDATE webhook_deliveries SET finished_at = now()"),
    ("webhook_deliveries_next_iff_pending", "UPDATE webhook_deliveries SET next_attempt_at = NULL"),
    (
        "webhook_deliveries_pkey",
        "COPY webhook_deliveries SET 'event_id', gen_random_uuid(), 'subject_id', gen_random_uuid()",
    ),
    (
        "webhook_deliveries_status_known",
        "UPDATE webhook_deliveries SET status = 'lost', next_attempt_at = NULL",
    ),
    ("webhook_endpoints_description_length", "UPDATE webhook_endpoints SET description = repeat('x', 201)"),
    (
        "webhook_endpoints_disabled_reason_known",
        "UPDATE webhook_endpoints SET disabled_at = now(), disabled_reason = 'a whim'",
    ),
    ("webhook_endpoints_disabled_why", "UPDATE webhook_endpoints SET disabled_at = now()"),
    ("webhook_endpoints_events_some", "UPDATE webhook_endpoints SET events = '{}'"),
    ("webhook_endpoints_pkey", "COPY webhook_endpoints SET"),
    ("webhook_endpoints_previous_secret_ends", "UPDATE webhook_endpoints SET previous_secret = '\\x00'"),
    ("webhook_endpoints_url_length", "UPDATE webhook_endpoints SET url = ''"),
    (
        "webhook_settings_balance_low_threshold_positive",
        "UPDATE webhook_settings SET balance_low_threshold = 0",
    ),
    ("webhook_settings_pkey", "COPY webhook_settings SET"),
    ("workers_concurrency_positive", "UPDATE workers SET concurrency = -1"),
    ("workers_export_places_not_negative", "UPDATE workers SET export_places = -1"),
    ("workers_pkey", "COPY workers SET"),
    ("workers_places_not_negative", "UPDATE workers SET training_places = -1"),
];

/// Constraints of tables that hold no money and no tenant's data, such as the migrations' own.
const OTHERS: [&str; 1] = ["_sqlx_migrations_pkey"];

/// Tables behind row-level security, and which of their rows are the tenant's of $1.
const BEHIND_POLICIES: [(&str, &str); 33] = [
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
        Places { predictions: 1, trainings: 1, webhooks: 1, exports: 1 },
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
