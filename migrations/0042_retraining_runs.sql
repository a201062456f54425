-- What set a retraining off, and what was decided. Ids, counts and areas alone: it stays when the account closes.
CREATE TABLE retraining_runs (
    id             uuid NOT NULL CONSTRAINT retraining_runs_pkey PRIMARY KEY,
    tenant_id      uuid NOT NULL CONSTRAINT retraining_runs_tenant_id_fkey REFERENCES tenants (id),
    model_id       uuid NOT NULL CONSTRAINT retraining_runs_model_id_fkey REFERENCES models (id),
    trigger        text NOT NULL,
    -- What exactly set it off: the id of a raised drift or of a file of outcomes, a moment of the schedule. A
    -- trigger whose cause lasts is tried again after it was skipped, under the next number.
    source         text NOT NULL,
    round          integer NOT NULL,
    -- Who asked; none where the policy did.
    actor_user_id  uuid,
    status         text NOT NULL,
    -- Why it was skipped.
    reason         text,
    training_id    uuid CONSTRAINT retraining_runs_training_id_fkey REFERENCES trainings (id),
    -- The version in production when it was started, which the new one is measured against.
    champion_id    uuid CONSTRAINT retraining_runs_champion_id_fkey REFERENCES model_versions (id),
    -- Customers with outcomes whom the champion has not learned from: the first rows of the training's file, and
    -- the only ones that are held out.
    rows_new       bigint,
    -- Customers with outcomes whom the champion has learned from, and those of its own training.
    rows_again     bigint,
    rows_before    bigint,
    -- How many outcomes were known, so that new ones can be counted.
    outcomes_known bigint NOT NULL,
    -- Until when a process works at it.
    lease_until    timestamptz,
    created_at     timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT retraining_runs_trigger_known CHECK (
        trigger IN ('drift', 'performance', 'outcomes', 'schedule', 'hand')),
    CONSTRAINT retraining_runs_status_known CHECK (
        status IN ('triggered', 'training', 'skipped', 'failed', 'refused', 'passed', 'promoted')),
    CONSTRAINT retraining_runs_reason_iff_skipped CHECK ((reason IS NULL) = (status <> 'skipped')),
    CONSTRAINT retraining_runs_training_iff_started CHECK (
        (training_id IS NULL) = (status IN ('triggered', 'skipped'))
        AND (training_id IS NULL) = (champion_id IS NULL) AND (training_id IS NULL) = (rows_new IS NULL)
        AND (training_id IS NULL) = (rows_again IS NULL) AND (training_id IS NULL) = (rows_before IS NULL)),
    -- A trigger fires once.
    CONSTRAINT retraining_runs_trigger_key UNIQUE (tenant_id, model_id, trigger, source, round)
);
-- One at a time of a model.
CREATE UNIQUE INDEX retraining_runs_open_key ON retraining_runs (tenant_id, model_id)
    WHERE status IN ('triggered', 'training');
CREATE UNIQUE INDEX retraining_runs_training_id_key ON retraining_runs (training_id);
CREATE INDEX retraining_runs_model_idx ON retraining_runs (tenant_id, model_id, id);

-- Each trigger and each decision, for good.
CREATE TABLE retraining_lines (
    id         uuid NOT NULL CONSTRAINT retraining_lines_pkey PRIMARY KEY,
    tenant_id  uuid NOT NULL CONSTRAINT retraining_lines_tenant_id_fkey REFERENCES tenants (id),
    run_id     uuid NOT NULL CONSTRAINT retraining_lines_run_id_fkey REFERENCES retraining_runs (id),
    kind       text NOT NULL,
    detail     jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT retraining_lines_kind_known CHECK (
        kind IN ('triggered', 'training', 'skipped', 'failed', 'refused', 'passed', 'promoted'))
);
-- A run is told of each thing once, whoever comes twice.
CREATE UNIQUE INDEX retraining_lines_once_key ON retraining_lines (run_id, kind);
CREATE INDEX retraining_lines_tenant_id_idx ON retraining_lines (tenant_id, id);
CREATE TRIGGER retraining_lines_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON retraining_lines
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

GRANT SELECT, INSERT, UPDATE (status, reason, training_id, champion_id, rows_new, rows_again, rows_before, lease_until)
    ON retraining_runs TO augur_app, augur_system;
GRANT SELECT, INSERT ON retraining_lines TO augur_app, augur_system;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['retraining_runs', 'retraining_lines'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY %I ON %I TO augur_system USING (true) WITH CHECK (true)',
                       name || '_system', name);
        EXECUTE format('CREATE POLICY %I ON %I TO augur_app USING (tenant_id = '
            '(SELECT nullif(current_setting(''app.tenant'', true), '''')::uuid))', name || '_tenant', name);
    END LOOP;
END
$$;
