-- What a tenant has said of its events, beside where to send them.
CREATE TABLE webhook_settings (
    tenant_id             uuid NOT NULL CONSTRAINT webhook_settings_pkey PRIMARY KEY
        CONSTRAINT webhook_settings_tenant_id_fkey REFERENCES tenants (id),
    -- A debit that takes the balance from here or above to below it is told of; none: no debit is.
    balance_low_threshold bigint,
    CONSTRAINT webhook_settings_balance_low_threshold_positive CHECK (balance_low_threshold > 0)
);

GRANT SELECT, INSERT, UPDATE ON webhook_settings TO augur_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON webhook_settings TO augur_system;

ALTER TABLE webhook_settings ENABLE ROW LEVEL SECURITY;
ALTER TABLE webhook_settings FORCE ROW LEVEL SECURITY;
CREATE POLICY webhook_settings_system ON webhook_settings TO augur_system USING (true) WITH CHECK (true);
CREATE POLICY webhook_settings_tenant ON webhook_settings TO augur_app
    USING (tenant_id = (SELECT nullif(current_setting('app.tenant', true), '')::uuid));
