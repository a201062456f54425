-- A file fetched from a source, held against the contract, and made a prediction or a training of.
CREATE TABLE intakes (
    id            uuid NOT NULL CONSTRAINT intakes_pkey PRIMARY KEY,
    tenant_id     uuid NOT NULL CONSTRAINT intakes_tenant_id_fkey REFERENCES tenants (id),
    source_id     uuid NOT NULL CONSTRAINT intakes_source_id_fkey REFERENCES sources (id) ON DELETE CASCADE,
    -- In whose name it orders.
    user_id       uuid NOT NULL CONSTRAINT intakes_user_id_fkey REFERENCES users (id),
    -- What is ordered: purpose, service, options and the most that it may cost.
    request       jsonb NOT NULL,
    -- The moment of the schedule that asked for it; none where somebody did.
    due_at        timestamptz,
    status        text NOT NULL DEFAULT 'queued',
    -- What was found in the file: counts, and the first findings by line and column.
    report        jsonb,
    error         jsonb,
    -- What came of it, written in the transaction that paid for it, so that nothing is paid twice.
    prediction_id uuid CONSTRAINT intakes_prediction_id_fkey REFERENCES predictions (id),
    training_id   uuid CONSTRAINT intakes_training_id_fkey REFERENCES trainings (id),
    created_at    timestamptz NOT NULL DEFAULT now(),
    started_at    timestamptz,
    finished_at   timestamptz,
    CONSTRAINT intakes_due_key UNIQUE (source_id, due_at),
    CONSTRAINT intakes_status_known CHECK (status IN ('queued', 'running', 'succeeded', 'failed', 'skipped')),
    CONSTRAINT intakes_error_iff_ended_badly CHECK ((status IN ('failed', 'skipped')) = (error IS NOT NULL)),
    CONSTRAINT intakes_finished_iff_terminal CHECK (
        (status IN ('succeeded', 'failed', 'skipped')) = (finished_at IS NOT NULL)),
    CONSTRAINT intakes_succeeded_has_work CHECK (
        status <> 'succeeded' OR (prediction_id IS NULL) <> (training_id IS NULL))
);
CREATE INDEX intakes_tenant_id_idx ON intakes (tenant_id, id);
CREATE INDEX intakes_source_id_idx ON intakes (source_id, id);
CREATE INDEX intakes_prediction_id_idx ON intakes (prediction_id);
CREATE INDEX intakes_training_id_idx ON intakes (training_id);
CREATE INDEX intakes_finished_at_idx ON intakes (finished_at);

GRANT SELECT, INSERT, UPDATE (prediction_id, training_id, report) ON intakes TO augur_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON intakes TO augur_system;

ALTER TABLE intakes ENABLE ROW LEVEL SECURITY;
ALTER TABLE intakes FORCE ROW LEVEL SECURITY;
CREATE POLICY intakes_system ON intakes TO augur_system USING (true) WITH CHECK (true);
CREATE POLICY intakes_tenant ON intakes TO augur_app
    USING (tenant_id = (SELECT nullif(current_setting('app.tenant', true), '')::uuid));

-- Begins the transaction in which an intake that is under way orders for its tenant, as begin_tenant does for
-- a request: the user must still be a member and not disabled.
CREATE FUNCTION begin_intake(p_intake_id uuid)
RETURNS TABLE (user_id uuid, tenant_id uuid)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    caller record;
BEGIN
    SELECT u.id AS user_id, m.tenant_id INTO caller
    FROM public.intakes i
    JOIN public.memberships m ON m.tenant_id = i.tenant_id AND m.user_id = i.user_id
    JOIN public.users u ON u.id = m.user_id
    WHERE i.id = p_intake_id AND i.status = 'running' AND u.disabled_at IS NULL;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    PERFORM set_config('app.tenant', caller.tenant_id::text, true);
    RETURN QUERY SELECT caller.user_id, caller.tenant_id;
END
$$;

GRANT CREATE ON SCHEMA public TO augur_system;
ALTER FUNCTION begin_intake(uuid) OWNER TO augur_system;
REVOKE CREATE ON SCHEMA public FROM augur_system;
REVOKE ALL ON FUNCTION begin_intake(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION begin_intake(uuid) TO augur_app, augur_system;
