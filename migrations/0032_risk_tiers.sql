-- Where a tenant's risk tiers begin, in millionths of probability, and what it does about each. A tenant
-- without a row has the defaults.
CREATE TABLE risk_tiers (
    tenant_id  uuid NOT NULL CONSTRAINT risk_tiers_pkey PRIMARY KEY
        CONSTRAINT risk_tiers_tenant_id_fkey REFERENCES tenants (id),
    very_high  integer NOT NULL,
    high       integer NOT NULL,
    medium     integer NOT NULL,
    -- Texts by the name of the tier.
    actions    jsonb NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT risk_tiers_descend CHECK (very_high <= 1000000 AND very_high > high AND high > medium AND medium > 0)
);

GRANT SELECT, INSERT, UPDATE ON risk_tiers TO augur_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON risk_tiers TO augur_system;

ALTER TABLE risk_tiers ENABLE ROW LEVEL SECURITY;
ALTER TABLE risk_tiers FORCE ROW LEVEL SECURITY;
CREATE POLICY risk_tiers_system ON risk_tiers TO augur_system USING (true) WITH CHECK (true);
CREATE POLICY risk_tiers_tenant ON risk_tiers TO augur_app
    USING (tenant_id = (SELECT nullif(current_setting('app.tenant', true), '')::uuid));
