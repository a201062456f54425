-- A tenant reads the events that concern it, for its export.
GRANT SELECT ON audit_log TO augur_app;
CREATE INDEX audit_log_tenant_id_idx ON audit_log (tenant_id, id);
CREATE POLICY audit_log_tenant_reads ON audit_log FOR SELECT TO augur_app
    USING (tenant_id = (SELECT nullif(current_setting('app.tenant', true), '')::uuid));
