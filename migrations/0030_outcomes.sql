-- What really happened, joined to what was predicted.

-- A file of outcomes. Counts only; the file itself is read and not kept.
CREATE TABLE outcome_uploads (
    id            uuid NOT NULL CONSTRAINT outcome_uploads_pkey PRIMARY KEY,
    tenant_id     uuid NOT NULL CONSTRAINT outcome_uploads_tenant_id_fkey REFERENCES tenants (id),
    file_name     text NOT NULL,
    sha256        bytea NOT NULL,
    model_id      uuid NOT NULL CONSTRAINT outcome_uploads_model_id_fkey REFERENCES models (id),
    -- Null: all predictions of the model.
    prediction_id uuid CONSTRAINT outcome_uploads_prediction_id_fkey REFERENCES predictions (id),
    report        jsonb NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX outcome_uploads_tenant_id_idx ON outcome_uploads (tenant_id, id);

-- What is known of one prediction's customers: how many of each probability left, and where the keyed hashes
-- lie by which a later file corrects an earlier one, outcomes/{prediction}/{upload}.
CREATE TABLE prediction_outcomes (
    prediction_id    uuid NOT NULL CONSTRAINT prediction_outcomes_pkey PRIMARY KEY
        CONSTRAINT prediction_outcomes_prediction_id_fkey REFERENCES predictions (id),
    tenant_id        uuid NOT NULL CONSTRAINT prediction_outcomes_tenant_id_fkey REFERENCES tenants (id),
    model_id         uuid NOT NULL CONSTRAINT prediction_outcomes_model_id_fkey REFERENCES models (id),
    model_version_id uuid NOT NULL
        CONSTRAINT prediction_outcomes_model_version_id_fkey REFERENCES model_versions (id),
    predicted_at     timestamptz NOT NULL,
    -- The upload that was last to change it; two at a time run into it.
    upload_id        uuid NOT NULL CONSTRAINT prediction_outcomes_upload_id_fkey REFERENCES outcome_uploads (id),
    -- Of everybody, and of those held out as control.
    judged           bytea NOT NULL,
    judged_control   bytea NOT NULL,
    updated_at       timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX prediction_outcomes_model_idx ON prediction_outcomes (tenant_id, model_id, prediction_id);

GRANT SELECT, INSERT ON outcome_uploads TO augur_app;
GRANT SELECT, INSERT, DELETE, UPDATE (upload_id, judged, judged_control, updated_at) ON prediction_outcomes TO augur_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON outcome_uploads, prediction_outcomes TO augur_system;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['outcome_uploads', 'prediction_outcomes'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY %I ON %I TO augur_system USING (true) WITH CHECK (true)',
                       name || '_system', name);
        EXECUTE format('CREATE POLICY %I ON %I TO augur_app USING (tenant_id = '
            '(SELECT nullif(current_setting(''app.tenant'', true), '''')::uuid))', name || '_tenant', name);
    END LOOP;
END
$$;
