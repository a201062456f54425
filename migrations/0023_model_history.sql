-- Who moved which version where, why, and what the gate had measured.
CREATE TABLE model_history (
    id              uuid NOT NULL CONSTRAINT model_history_pkey PRIMARY KEY,
    tenant_id       uuid NOT NULL CONSTRAINT model_history_tenant_id_fkey REFERENCES tenants (id),
    model_id        uuid NOT NULL CONSTRAINT model_history_model_id_fkey REFERENCES models (id),
    version_id      uuid NOT NULL CONSTRAINT model_history_version_id_fkey REFERENCES model_versions (id),
    action          text NOT NULL,
    from_stage      text,
    to_stage        text,
    -- The version that was in production until then, where the production changed or was to change.
    champion_id     uuid CONSTRAINT model_history_champion_id_fkey REFERENCES model_versions (id),
    -- Null: the platform itself, as where a training adds a version.
    actor_user_id   uuid,
    is_forced       boolean NOT NULL DEFAULT false,
    -- The gate's figures and what it decided. Counts and areas, never a customer.
    gate            jsonb,
    created_at      timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT model_history_action_known CHECK (
        action IN ('registered', 'promoted', 'refused', 'rolled_back', 'moved')),
    CONSTRAINT model_history_stages_known CHECK (
        from_stage IN ('development', 'testing', 'production', 'archived')
        AND to_stage IN ('development', 'testing', 'production', 'archived'))
);
CREATE INDEX model_history_model_id_idx ON model_history (model_id, id);
CREATE INDEX model_history_tenant_id_idx ON model_history (tenant_id, id);
CREATE TRIGGER model_history_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON model_history
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Why, in somebody's words, apart from the history because words can be personal and must be erasable.
CREATE TABLE model_history_reasons (
    history_id uuid NOT NULL CONSTRAINT model_history_reasons_pkey PRIMARY KEY
        CONSTRAINT model_history_reasons_history_id_fkey REFERENCES model_history (id),
    tenant_id  uuid NOT NULL CONSTRAINT model_history_reasons_tenant_id_fkey REFERENCES tenants (id),
    reason     text NOT NULL,
    CONSTRAINT model_history_reasons_length CHECK (char_length(reason) BETWEEN 1 AND 500)
);
CREATE INDEX model_history_reasons_tenant_id_idx ON model_history_reasons (tenant_id);

GRANT SELECT, INSERT ON model_history, model_history_reasons TO augur_app;
GRANT SELECT, INSERT ON model_history TO augur_system;
GRANT SELECT, INSERT, DELETE ON model_history_reasons TO augur_system;
ALTER TABLE model_history ENABLE ROW LEVEL SECURITY;
ALTER TABLE model_history FORCE ROW LEVEL SECURITY;
CREATE POLICY model_history_system ON model_history TO augur_system USING (true) WITH CHECK (true);
CREATE POLICY model_history_tenant ON model_history TO augur_app
    USING (tenant_id = (SELECT nullif(current_setting('app.tenant', true), '')::uuid));
ALTER TABLE model_history_reasons ENABLE ROW LEVEL SECURITY;
ALTER TABLE model_history_reasons FORCE ROW LEVEL SECURITY;
CREATE POLICY model_history_reasons_system ON model_history_reasons TO augur_system USING (true) WITH CHECK (true);
CREATE POLICY model_history_reasons_tenant ON model_history_reasons TO augur_app
    USING (tenant_id = (SELECT nullif(current_setting('app.tenant', true), '')::uuid));

-- A tenant changes which version of its own model is in production.
GRANT UPDATE (current_version_id) ON models TO augur_app;
CREATE POLICY models_updates_own ON models AS RESTRICTIVE FOR UPDATE TO augur_app
    USING (tenant_id = (SELECT nullif(current_setting('app.tenant', true), '')::uuid));
