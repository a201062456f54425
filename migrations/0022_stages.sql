-- Where a version is on its way. The one in production is the model's current one, which new orders get.
ALTER TABLE model_versions
    ADD COLUMN stage text NOT NULL DEFAULT 'development',
    ADD CONSTRAINT model_versions_stage_known CHECK (
        stage IN ('development', 'testing', 'production', 'archived'));
CREATE UNIQUE INDEX model_versions_production_idx ON model_versions (model_id) WHERE stage = 'production';

-- A tenant moves its own versions, and reads the shared ones.
GRANT UPDATE (stage) ON model_versions TO augur_app;
CREATE POLICY model_versions_updates_own ON model_versions AS RESTRICTIVE FOR UPDATE TO augur_app
    USING (tenant_id = (SELECT nullif(current_setting('app.tenant', true), '')::uuid));
