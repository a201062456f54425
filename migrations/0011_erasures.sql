-- Receipts of what was erased.

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

-- A tenant reads its own receipts.
GRANT SELECT, INSERT ON erasures TO augur_app;
GRANT SELECT, INSERT, UPDATE (completed_at) ON erasures TO augur_system;
-- A summary names columns of the file, which go with it.
GRANT UPDATE (summary) ON predictions TO augur_app;

ALTER TABLE erasures ENABLE ROW LEVEL SECURITY;
ALTER TABLE erasures FORCE ROW LEVEL SECURITY;
CREATE POLICY erasures_system ON erasures TO augur_system USING (true) WITH CHECK (true);
CREATE POLICY erasures_tenant ON erasures TO augur_app
    USING (tenant_id = (SELECT nullif(current_setting('app.tenant', true), '')::uuid));
