-- Receipts of what was erased, and what closing an account needs. It only expands: a version that
-- knows none of it can go on serving.

-- The receipt of an erasure, in ids and hashes only. It is written with the mark that nothing can be
-- read any more; completed_at is set, once, when no copy is left.
CREATE TABLE erasures (
    prediction_id uuid NOT NULL CONSTRAINT erasures_pkey PRIMARY KEY
        CONSTRAINT erasures_prediction_id_fkey REFERENCES predictions (id),
    tenant_id     uuid NOT NULL CONSTRAINT erasures_tenant_id_fkey REFERENCES tenants (id),
    reason        text NOT NULL,
    input_bytes   bigint NOT NULL,
    input_sha256  bytea NOT NULL,
    result_bytes  bigint,
    result_sha256 bytea,
    requested_at  timestamptz NOT NULL DEFAULT now(),
    completed_at  timestamptz,
    CONSTRAINT erasures_reason_known CHECK (reason IN ('deleted', 'expired', 'account_closed'))
);

-- What was erased before there were receipts.
INSERT INTO erasures (prediction_id, tenant_id, reason, input_bytes, input_sha256, result_bytes,
                      result_sha256, requested_at, completed_at)
SELECT id, tenant_id, CASE WHEN erased_at >= expires_at THEN 'expired' ELSE 'deleted' END, input_bytes,
       input_sha256, result_bytes, result_sha256, erased_at, objects_gone_at
FROM predictions WHERE erased_at IS NOT NULL;

-- A receipt is never changed but for its completion, which is told once.
CREATE FUNCTION refuse_change_of_receipt() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.completed_at IS NULL AND NEW.completed_at IS NOT NULL
       AND to_jsonb(OLD) - 'completed_at' = to_jsonb(NEW) - 'completed_at' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'erasures is append-only' USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER erasures_completed_once BEFORE UPDATE ON erasures
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_receipt();
CREATE TRIGGER erasures_append_only BEFORE DELETE OR TRUNCATE ON erasures
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- A closed account: from closed_at on nobody acts for it. scrubbed_at tells that what transactions
-- under way at that moment may have written is erased, too.
ALTER TABLE tenants ADD COLUMN closed_at timestamptz, ADD COLUMN scrubbed_at timestamptz;
ALTER TABLE users ADD COLUMN closed_at timestamptz;
CREATE INDEX tenants_closing_idx ON tenants (closed_at) WHERE closed_at IS NOT NULL AND scrubbed_at IS NULL;

-- A tenant reads its own receipts, events and logins, for its export.
GRANT SELECT, INSERT ON erasures TO augur_app;
-- A summary names columns of the file, which go with it.
GRANT UPDATE (summary) ON predictions TO augur_app;
GRANT SELECT ON audit_log TO augur_app;
GRANT SELECT (id, tenant_id, user_id, created_at, expires_at, ended_at) ON sessions TO augur_app;
GRANT SELECT, INSERT, UPDATE (completed_at) ON erasures TO augur_system;
CREATE INDEX audit_log_tenant_id_idx ON audit_log (tenant_id, id);
CREATE INDEX sessions_tenant_id_idx ON sessions (tenant_id, id);

ALTER TABLE erasures ENABLE ROW LEVEL SECURITY;
ALTER TABLE erasures FORCE ROW LEVEL SECURITY;
CREATE POLICY erasures_system ON erasures TO augur_system USING (true) WITH CHECK (true);
DO $$
DECLARE
    tenant constant text := '(SELECT nullif(current_setting(''app.tenant'', true), '''')::uuid)';
BEGIN
    EXECUTE format('CREATE POLICY erasures_tenant ON erasures TO augur_app USING (tenant_id = %s)', tenant);
    EXECUTE format('CREATE POLICY audit_log_tenant_reads ON audit_log FOR SELECT TO augur_app '
        'USING (tenant_id = %s)', tenant);
    EXECUTE format('CREATE POLICY sessions_tenant ON sessions FOR SELECT TO augur_app '
        'USING (tenant_id = %s)', tenant);
END
$$;
