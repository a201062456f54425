-- Plans of whom to contact. A plan holds no customer: its list is made anew from the result, of which it says
-- how many customers in which order, and how they are divided.
CREATE TABLE plans (
    id            uuid NOT NULL CONSTRAINT plans_pkey PRIMARY KEY,
    tenant_id     uuid NOT NULL CONSTRAINT plans_tenant_id_fkey REFERENCES tenants (id),
    prediction_id uuid NOT NULL CONSTRAINT plans_prediction_id_fkey REFERENCES predictions (id),
    -- Costs, limit and control group, in numbers alone.
    terms         jsonb NOT NULL,
    -- The column that says what a customer is worth. It is a name out of the customer's file and goes with it.
    value_column  text,
    -- What is expected.
    figures       jsonb NOT NULL,
    -- What was measured, in numbers alone: sums over the groups, no customers.
    effect        jsonb,
    measured_at   timestamptz,
    created_at    timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT plans_measured_once_known CHECK ((effect IS NULL) = (measured_at IS NULL))
);
CREATE INDEX plans_prediction_id_idx ON plans (prediction_id, id);
CREATE INDEX plans_tenant_id_idx ON plans (tenant_id, id);

GRANT SELECT, INSERT, UPDATE (value_column, effect, measured_at) ON plans TO augur_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON plans TO augur_system;

ALTER TABLE plans ENABLE ROW LEVEL SECURITY;
ALTER TABLE plans FORCE ROW LEVEL SECURITY;
CREATE POLICY plans_system ON plans TO augur_system USING (true) WITH CHECK (true);
CREATE POLICY plans_tenant ON plans TO augur_app
    USING (tenant_id = (SELECT nullif(current_setting('app.tenant', true), '')::uuid));
