-- Trainings: labelled customers in, a version of a tenant's own model out.
CREATE TABLE trainings (
    id               uuid NOT NULL CONSTRAINT trainings_pkey PRIMARY KEY,
    tenant_id        uuid NOT NULL CONSTRAINT trainings_tenant_id_fkey REFERENCES tenants (id),
    order_id         uuid NOT NULL CONSTRAINT trainings_order_id_fkey REFERENCES orders (id),
    -- The model that gets a version; it is made with its first one.
    model_name       text NOT NULL,
    -- Given at acceptance, so that the report can name it; one that fails leaves a gap.
    version_number   integer NOT NULL,
    algorithm        text NOT NULL,
    -- Everything that was asked for, under the names of the flags of augur train.
    parameters       jsonb NOT NULL,
    -- What a prediction with the version costs, as it was when the training was paid.
    prediction_price bigint NOT NULL,
    file_name        text NOT NULL,
    input_bytes      bigint NOT NULL,
    input_sha256     bytea NOT NULL,
    rows_total       bigint NOT NULL,
    rows_max         bigint NOT NULL,
    status           text NOT NULL,
    fits_done        bigint NOT NULL DEFAULT 0,
    fits_total       bigint NOT NULL,
    model_version_id uuid CONSTRAINT trainings_model_version_id_fkey REFERENCES model_versions (id),
    -- The attempt whose objects trainings/{id}/{attempt}/... count.
    result_attempt   integer,
    -- Figures of every fold, of all and of those held out, with intervals.
    metrics          jsonb,
    -- What was made of the file: target, features, what is left out and why. Never a customer's row.
    data             jsonb,
    code_version     text,
    train_ms         bigint,
    error            jsonb,
    created_at       timestamptz NOT NULL DEFAULT now(),
    started_at       timestamptz,
    finished_at      timestamptz,
    expires_at       timestamptz NOT NULL,
    -- From erased_at on neither the file nor what was said of its customers can be read; objects_gone_at tells
    -- that nothing of it is left either. The report and the model hold no customer and stay.
    erased_at        timestamptz,
    erase_reason     text,
    objects_gone_at  timestamptz,
    CONSTRAINT trainings_order_id_key UNIQUE (order_id),
    CONSTRAINT trainings_version_key UNIQUE (tenant_id, model_name, version_number),
    CONSTRAINT trainings_version_positive CHECK (version_number > 0),
    CONSTRAINT trainings_model_name_form CHECK (model_name ~ '^[a-z0-9][a-z0-9_-]{0,63}$'),
    CONSTRAINT trainings_prediction_price_positive CHECK (prediction_price > 0),
    CONSTRAINT trainings_status_known CHECK (status IN ('queued', 'running', 'succeeded', 'failed')),
    CONSTRAINT trainings_version_iff_succeeded CHECK (
        (status = 'succeeded') = (model_version_id IS NOT NULL AND result_attempt IS NOT NULL)),
    CONSTRAINT trainings_error_iff_failed CHECK ((status = 'failed') = (error IS NOT NULL)),
    CONSTRAINT trainings_finished_iff_terminal CHECK (
        (status IN ('succeeded', 'failed')) = (finished_at IS NOT NULL)),
    CONSTRAINT trainings_erase_reason_known CHECK (erase_reason IN ('deleted', 'expired', 'account_closed')),
    CONSTRAINT trainings_erase_reason_iff_erased CHECK ((erased_at IS NULL) = (erase_reason IS NULL))
);
CREATE INDEX trainings_tenant_id_idx ON trainings (tenant_id, id);
CREATE UNIQUE INDEX trainings_model_version_id_idx ON trainings (model_version_id);
CREATE INDEX trainings_expires_at_idx ON trainings (expires_at) WHERE erased_at IS NULL;
CREATE INDEX trainings_erasing_idx ON trainings (erased_at)
    WHERE erased_at IS NOT NULL AND objects_gone_at IS NULL;

GRANT SELECT, INSERT, UPDATE (erased_at, erase_reason, file_name, error) ON trainings TO augur_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON trainings TO augur_system;
ALTER TABLE trainings ENABLE ROW LEVEL SECURITY;
ALTER TABLE trainings FORCE ROW LEVEL SECURITY;
CREATE POLICY trainings_system ON trainings TO augur_system USING (true) WITH CHECK (true);
CREATE POLICY trainings_tenant ON trainings TO augur_app
    USING (tenant_id = (SELECT nullif(current_setting('app.tenant', true), '')::uuid));
