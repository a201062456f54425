-- Where a tenant wants to be told what has happened.
CREATE TABLE webhook_endpoints (
    id                    uuid NOT NULL CONSTRAINT webhook_endpoints_pkey PRIMARY KEY,
    tenant_id             uuid NOT NULL
        CONSTRAINT webhook_endpoints_tenant_id_fkey REFERENCES tenants (id),
    url                   text NOT NULL,
    description           text NOT NULL,
    events                text[] NOT NULL,
    -- Sealed under a secret of the installation: whoever has the database alone can sign nothing.
    secret                bytea NOT NULL,
    -- Signs beside the new one until then, so that a receiver can change over.
    previous_secret       bytea,
    previous_secret_until timestamptz,
    -- Since when every attempt has failed; none while the last one was taken.
    failing_since         timestamptz,
    disabled_at           timestamptz,
    disabled_reason       text,
    created_at            timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT webhook_endpoints_url_length CHECK (char_length(url) BETWEEN 1 AND 2000),
    CONSTRAINT webhook_endpoints_description_length CHECK (char_length(description) <= 200),
    CONSTRAINT webhook_endpoints_events_some CHECK (cardinality(events) > 0),
    CONSTRAINT webhook_endpoints_previous_secret_ends CHECK (
        (previous_secret IS NULL) = (previous_secret_until IS NULL)),
    CONSTRAINT webhook_endpoints_disabled_why CHECK (
        (disabled_at IS NULL) = (disabled_reason IS NULL)),
    CONSTRAINT webhook_endpoints_disabled_reason_known CHECK (disabled_reason IN ('owner', 'gone', 'failing'))
);
CREATE INDEX webhook_endpoints_tenant_id_idx ON webhook_endpoints (tenant_id, id);

GRANT SELECT, INSERT, UPDATE, DELETE ON webhook_endpoints TO augur_app, augur_system;

ALTER TABLE webhook_endpoints ENABLE ROW LEVEL SECURITY;
ALTER TABLE webhook_endpoints FORCE ROW LEVEL SECURITY;
CREATE POLICY webhook_endpoints_system ON webhook_endpoints TO augur_system USING (true) WITH CHECK (true);
CREATE POLICY webhook_endpoints_tenant ON webhook_endpoints TO augur_app
    USING (tenant_id = (SELECT nullif(current_setting('app.tenant', true), '')::uuid));
