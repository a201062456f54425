-- A tenant reads its logins, for its export.
GRANT SELECT (id, tenant_id, user_id, created_at, expires_at, ended_at) ON sessions TO augur_app;
CREATE INDEX sessions_tenant_id_idx ON sessions (tenant_id, id);
CREATE POLICY sessions_tenant ON sessions FOR SELECT TO augur_app
    USING (tenant_id = (SELECT nullif(current_setting('app.tenant', true), '')::uuid));
