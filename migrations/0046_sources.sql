-- Where a tenant's data lie, so that they are fetched instead of sent.
CREATE TABLE sources (
    id          uuid NOT NULL CONSTRAINT sources_pkey PRIMARY KEY,
    tenant_id   uuid NOT NULL CONSTRAINT sources_tenant_id_fkey REFERENCES tenants (id),
    name        text NOT NULL,
    -- Address, bucket and path, or database and query: nothing that opens anything.
    place       jsonb NOT NULL,
    -- What opens it, sealed under a secret of the installation: the database alone opens nothing.
    credentials bytea,
    -- What is expected of its files beside what a model has learned, and which findings refuse one.
    policy      jsonb NOT NULL DEFAULT '{}',
    -- What is done with it by itself, in whose name, and when for the next time.
    schedule    jsonb,
    user_id     uuid CONSTRAINT sources_user_id_fkey REFERENCES users (id),
    next_at     timestamptz,
    created_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT sources_name_length CHECK (char_length(name) BETWEEN 1 AND 100),
    CONSTRAINT sources_schedule_complete CHECK (
        (schedule IS NULL) = (next_at IS NULL) AND (schedule IS NULL) = (user_id IS NULL))
);
CREATE INDEX sources_tenant_id_idx ON sources (tenant_id, id);
CREATE INDEX sources_next_at_idx ON sources (next_at) WHERE next_at IS NOT NULL;

GRANT SELECT, INSERT, UPDATE, DELETE ON sources TO augur_app, augur_system;

ALTER TABLE sources ENABLE ROW LEVEL SECURITY;
ALTER TABLE sources FORCE ROW LEVEL SECURITY;
CREATE POLICY sources_system ON sources TO augur_system USING (true) WITH CHECK (true);
CREATE POLICY sources_tenant ON sources TO augur_app
    USING (tenant_id = (SELECT nullif(current_setting('app.tenant', true), '')::uuid));
