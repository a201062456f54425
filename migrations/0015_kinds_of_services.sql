-- What is sold: predictions, and trainings of models. A line of a tenant's own is seen and ordered by that
-- tenant alone.
ALTER TABLE services
    ADD COLUMN kind text NOT NULL DEFAULT 'prediction',
    ADD COLUMN tenant_id uuid CONSTRAINT services_tenant_id_fkey REFERENCES tenants (id), -- null: for all
    -- What reasons for each customer cost on top; null: not offered.
    ADD COLUMN explain_price bigint,
    ADD CONSTRAINT services_kind_known CHECK (kind IN ('prediction', 'training')),
    ADD CONSTRAINT services_explain_price_positive CHECK (explain_price > 0),
    DROP CONSTRAINT services_name_key,
    ADD CONSTRAINT services_name_key UNIQUE NULLS NOT DISTINCT (tenant_id, name);

ALTER TABLE services ENABLE ROW LEVEL SECURITY;
ALTER TABLE services FORCE ROW LEVEL SECURITY;
CREATE POLICY services_system ON services TO augur_system USING (true) WITH CHECK (true);
CREATE POLICY services_tenant ON services TO augur_app
    USING (tenant_id IS NULL OR tenant_id = (SELECT nullif(current_setting('app.tenant', true), '')::uuid));
