-- A row of a tenant's in every table that its use of models would fill: TENANT, and MODEL, a model of its own.
INSERT INTO webhook_endpoints (id, tenant_id, url, description, events, secret)
VALUES (gen_random_uuid(), 'TENANT', 'https://example.org/', '', ARRAY['result.expiring'], '\x00');
INSERT INTO webhook_deliveries (id, tenant_id, endpoint_id, event_id, type, subject_id, payload, next_attempt_at)
SELECT gen_random_uuid(), tenant_id, id, gen_random_uuid(), 'result.expiring', gen_random_uuid(), '{}', now()
FROM webhook_endpoints WHERE tenant_id = 'TENANT';
INSERT INTO webhook_settings (tenant_id, balance_low_threshold) VALUES ('TENANT', 1);
INSERT INTO prediction_drift (prediction_id, tenant_id, model_id, model_version_id, level, psi_max,
                              psi_probability, report)
SELECT p.id, p.tenant_id, v.model_id, v.id, 'stable', 0, 0, '{}'
FROM predictions p JOIN model_versions v ON v.id = p.model_version_id WHERE p.tenant_id = 'TENANT' LIMIT 1;
INSERT INTO model_monitoring (tenant_id, model_id, psi_moderate, psi_major) VALUES ('TENANT', 'MODEL', 0.1, 0.2);
INSERT INTO drift_events (id, tenant_id, model_id, model_version_id, kind, detail)
SELECT gen_random_uuid(), 'TENANT', model_id, id, 'data', '{}' FROM model_versions WHERE model_id = 'MODEL';
INSERT INTO prediction_scores (prediction_id, tenant_id, model_id, model_version_id, attempt, key_column, rows,
                               predicted_at, expires_at)
SELECT p.id, p.tenant_id, v.model_id, v.id, 1, 'id', 1, now(), now()
FROM predictions p JOIN model_versions v ON v.id = p.model_version_id WHERE p.tenant_id = 'TENANT' LIMIT 1;
INSERT INTO outcome_uploads (id, tenant_id, file_name, sha256, model_id, report)
VALUES (gen_random_uuid(), 'TENANT', 'a.csv', '\x00', 'MODEL', '{}');
INSERT INTO prediction_outcomes (prediction_id, tenant_id, model_id, model_version_id, predicted_at, upload_id,
                                 judged, judged_control)
SELECT s.prediction_id, s.tenant_id, s.model_id, s.model_version_id, now(), u.id, '\x00', '\x00'
FROM prediction_scores s JOIN outcome_uploads u ON u.tenant_id = s.tenant_id WHERE s.tenant_id = 'TENANT';
INSERT INTO risk_tiers (tenant_id, very_high, high, medium, actions) VALUES ('TENANT', 3, 2, 1, '{}');
INSERT INTO plans (id, tenant_id, prediction_id, terms, figures)
SELECT gen_random_uuid(), tenant_id, id, '{}', '{}' FROM predictions WHERE tenant_id = 'TENANT' LIMIT 1;
INSERT INTO retraining_policies (tenant_id, model_id, user_id, service_id, is_active, on_drift, quiet_hours, hold_out,
                                 price_max, month_price_max, auto_promote)
SELECT m.tenant_id, 'MODEL', m.user_id, (SELECT id FROM services LIMIT 1), false, true, 0, 0.5, 1, 1, false
FROM memberships m WHERE m.tenant_id = 'TENANT';
INSERT INTO retraining_runs (id, tenant_id, model_id, trigger, source, round, status, reason, outcomes_known)
VALUES (gen_random_uuid(), 'TENANT', 'MODEL', 'hand', 'a', 0, 'triggered', NULL, 0),
       (gen_random_uuid(), 'TENANT', 'MODEL', 'hand', 'b', 0, 'skipped', 'no_data', 0);
INSERT INTO retraining_runs (id, tenant_id, model_id, trigger, source, round, status, training_id, champion_id,
                             rows_new, rows_again, rows_before, outcomes_known)
SELECT gen_random_uuid(), 'TENANT', 'MODEL', 'hand', 'c', 0, 'promoted', id, model_version_id, 0, 0, 0, 0
FROM trainings WHERE tenant_id = 'TENANT' AND status = 'succeeded';
INSERT INTO retraining_lines (id, tenant_id, run_id, kind, detail)
SELECT gen_random_uuid(), tenant_id, id, 'skipped', '{}' FROM retraining_runs
WHERE tenant_id = 'TENANT' AND status = 'skipped';
INSERT INTO installation_keys (name, value) VALUES ('a key', '\x00') ON CONFLICT DO NOTHING;
INSERT INTO sources (id, tenant_id, name, place) VALUES (gen_random_uuid(), 'TENANT', 'a source', '{}');
INSERT INTO intakes (id, tenant_id, source_id, user_id, request, due_at)
SELECT gen_random_uuid(), 'TENANT', s.id, m.user_id, '{}', now()
FROM sources s JOIN memberships m ON m.tenant_id = s.tenant_id WHERE s.tenant_id = 'TENANT';
