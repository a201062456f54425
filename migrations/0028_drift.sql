-- How the customers of today differ from those that a model learned from.

-- One look at one prediction. Aggregates only: shares of customers in the bins of the training data. It stays
-- when the prediction's files expire, because a history of thirty days shows no drift; it goes where the tenant
-- deletes the prediction or closes the account.
CREATE TABLE prediction_drift (
    prediction_id     uuid NOT NULL CONSTRAINT prediction_drift_pkey PRIMARY KEY
        CONSTRAINT prediction_drift_prediction_id_fkey REFERENCES predictions (id),
    tenant_id         uuid NOT NULL CONSTRAINT prediction_drift_tenant_id_fkey REFERENCES tenants (id),
    model_id          uuid NOT NULL CONSTRAINT prediction_drift_model_id_fkey REFERENCES models (id),
    model_version_id  uuid NOT NULL
        CONSTRAINT prediction_drift_model_version_id_fkey REFERENCES model_versions (id),
    -- By the thresholds that held then.
    level             text NOT NULL,
    psi_max           double precision NOT NULL,
    psi_probability   double precision NOT NULL,
    estimated_auc     double precision,
    report            jsonb NOT NULL,
    created_at        timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT prediction_drift_level_known CHECK (level IN ('too_few', 'stable', 'moderate', 'major'))
);
CREATE INDEX prediction_drift_model_idx ON prediction_drift (tenant_id, model_id, prediction_id);

-- From which differences on a tenant wants to hear of a model, and what acting on it is worth.
CREATE TABLE model_monitoring (
    tenant_id      uuid NOT NULL CONSTRAINT model_monitoring_tenant_id_fkey REFERENCES tenants (id),
    model_id       uuid NOT NULL CONSTRAINT model_monitoring_model_id_fkey REFERENCES models (id),
    psi_moderate   double precision NOT NULL,
    psi_major      double precision NOT NULL,
    contact_cost   bigint,
    customer_value bigint,
    success_rate   double precision,
    updated_at     timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT model_monitoring_pkey PRIMARY KEY (tenant_id, model_id),
    CONSTRAINT model_monitoring_thresholds_ordered CHECK (psi_moderate > 0 AND psi_major >= psi_moderate),
    CONSTRAINT model_monitoring_costs_together CHECK (
        (contact_cost IS NULL) = (customer_value IS NULL) AND (contact_cost IS NULL) = (success_rate IS NULL)),
    CONSTRAINT model_monitoring_costs_positive CHECK (contact_cost >= 0 AND customer_value >= 0),
    CONSTRAINT model_monitoring_success_rate_share CHECK (success_rate BETWEEN 0 AND 1)
);

-- When drift was raised and when it had gone. At most one of a kind is open, so that each is told once.
CREATE TABLE drift_events (
    id               uuid NOT NULL CONSTRAINT drift_events_pkey PRIMARY KEY,
    tenant_id        uuid NOT NULL CONSTRAINT drift_events_tenant_id_fkey REFERENCES tenants (id),
    model_id         uuid NOT NULL CONSTRAINT drift_events_model_id_fkey REFERENCES models (id),
    model_version_id uuid NOT NULL
        CONSTRAINT drift_events_model_version_id_fkey REFERENCES model_versions (id),
    kind             text NOT NULL,
    detail           jsonb NOT NULL,
    raised_at        timestamptz NOT NULL DEFAULT now(),
    cleared_at       timestamptz,
    CONSTRAINT drift_events_kind_known CHECK (kind IN ('data', 'concept'))
);
CREATE UNIQUE INDEX drift_events_open_key ON drift_events (tenant_id, model_id, kind) WHERE cleared_at IS NULL;
CREATE INDEX drift_events_model_idx ON drift_events (tenant_id, model_id, id);

GRANT SELECT, DELETE ON prediction_drift TO augur_app;
GRANT SELECT, INSERT, UPDATE (psi_moderate, psi_major, contact_cost, customer_value, success_rate, updated_at)
    ON model_monitoring TO augur_app;
GRANT SELECT, INSERT, UPDATE (cleared_at) ON drift_events TO augur_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON prediction_drift, model_monitoring, drift_events TO augur_system;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['prediction_drift', 'model_monitoring', 'drift_events'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY %I ON %I TO augur_system USING (true) WITH CHECK (true)',
                       name || '_system', name);
        EXECUTE format('CREATE POLICY %I ON %I TO augur_app USING (tenant_id = '
            '(SELECT nullif(current_setting(''app.tenant'', true), '''')::uuid))', name || '_tenant', name);
    END LOOP;
END
$$;
