-- What is kept of a prediction whose upload named a key column, so that outcomes can be joined to it later: for
-- each customer a keyed hash, the probability and the group, in the object store under scores/{id}/{attempt}.

CREATE TABLE prediction_scores (
    prediction_id    uuid NOT NULL CONSTRAINT prediction_scores_pkey PRIMARY KEY
        CONSTRAINT prediction_scores_prediction_id_fkey REFERENCES predictions (id),
    tenant_id        uuid NOT NULL CONSTRAINT prediction_scores_tenant_id_fkey REFERENCES tenants (id),
    model_id         uuid NOT NULL CONSTRAINT prediction_scores_model_id_fkey REFERENCES models (id),
    model_version_id uuid NOT NULL
        CONSTRAINT prediction_scores_model_version_id_fkey REFERENCES model_versions (id),
    attempt          integer NOT NULL,
    key_column       text NOT NULL,
    rows             bigint NOT NULL,
    predicted_at     timestamptz NOT NULL,
    expires_at       timestamptz NOT NULL,
    -- From erased_at on nobody reads them; gone_at tells that the objects are gone, too.
    erased_at        timestamptz,
    gone_at          timestamptz
);
CREATE INDEX prediction_scores_model_idx ON prediction_scores (tenant_id, model_id, prediction_id);
CREATE INDEX prediction_scores_expires_at_idx ON prediction_scores (expires_at) WHERE gone_at IS NULL;

-- Secrets that an installation makes for itself and that outlive its configuration: a hash must be the same in
-- a year. Only the system's role reads them.
CREATE TABLE installation_keys (
    name  text NOT NULL CONSTRAINT installation_keys_pkey PRIMARY KEY,
    value bytea NOT NULL
);

GRANT SELECT, UPDATE (erased_at, key_column) ON prediction_scores TO augur_app;
-- The name of the column that tells customers apart is the customer's, and goes with the file.
GRANT UPDATE (options) ON predictions TO augur_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON prediction_scores TO augur_system;
GRANT SELECT, INSERT ON installation_keys TO augur_system;

ALTER TABLE prediction_scores ENABLE ROW LEVEL SECURITY;
ALTER TABLE prediction_scores FORCE ROW LEVEL SECURITY;
CREATE POLICY prediction_scores_system ON prediction_scores TO augur_system USING (true) WITH CHECK (true);
CREATE POLICY prediction_scores_tenant ON prediction_scores TO augur_app
    USING (tenant_id = (SELECT nullif(current_setting('app.tenant', true), '')::uuid));
ALTER TABLE installation_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE installation_keys FORCE ROW LEVEL SECURITY;
CREATE POLICY installation_keys_system ON installation_keys TO augur_system USING (true) WITH CHECK (true);
