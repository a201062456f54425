-- The wall between tenants: what each role may touch, and which rows it sees.

-- Begins a tenant's transaction: checks the session or the API key, the user and the membership,
-- and sets the tenant that the policies read. No row means that the credential is good for nothing.
CREATE FUNCTION begin_tenant(p_session_id uuid, p_key_hash bytea)
RETURNS TABLE (user_id uuid, tenant_id uuid, role text, is_admin boolean, scope text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    caller record;
BEGIN
    IF p_session_id IS NOT NULL THEN
        SELECT u.id AS user_id, m.tenant_id, m.role, u.is_admin, 'write'::text AS scope INTO caller
        FROM public.sessions s
        JOIN public.users u ON u.id = s.user_id
        JOIN public.memberships m ON m.tenant_id = s.tenant_id AND m.user_id = u.id
        WHERE s.id = p_session_id AND s.ended_at IS NULL AND s.expires_at > now()
          AND u.disabled_at IS NULL;
    ELSE
        SELECT u.id AS user_id, m.tenant_id, m.role, u.is_admin, k.scope INTO caller
        FROM public.api_keys k
        JOIN public.users u ON u.id = k.user_id
        JOIN public.memberships m ON m.tenant_id = k.tenant_id AND m.user_id = u.id
        WHERE k.key_hash = p_key_hash AND k.revoked_at IS NULL AND u.disabled_at IS NULL;
    END IF;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    PERFORM set_config('app.tenant', caller.tenant_id::text, true);
    RETURN QUERY SELECT caller.user_id, caller.tenant_id, caller.role, caller.is_admin, caller.scope;
END
$$;

-- The function runs as augur_system. Whoever owns it must be allowed to create in the schema while
-- ownership changes hands, and only then.
GRANT CREATE ON SCHEMA public TO augur_system;
ALTER FUNCTION begin_tenant(uuid, bytea) OWNER TO augur_system;
REVOKE CREATE ON SCHEMA public FROM augur_system;
REVOKE ALL ON FUNCTION begin_tenant(uuid, bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION begin_tenant(uuid, bytea) TO augur_app, augur_system;

-- The system role sees every row; what it may not do is change what is append-only.
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO augur_system;
REVOKE UPDATE, DELETE ON transactions, audit_log FROM augur_system;

GRANT SELECT ON settings, services, models, model_versions, tenants, memberships TO augur_app;
GRANT SELECT (id, email, name, is_admin, disabled_at, created_at) ON users TO augur_app;
GRANT SELECT, INSERT, UPDATE (revoked_at) ON api_keys TO augur_app;
GRANT SELECT, INSERT ON idempotency_keys TO augur_app;
GRANT INSERT ON audit_log TO augur_app;
GRANT SELECT, UPDATE (balance, sequence) ON accounts TO augur_app;
GRANT SELECT, INSERT ON transactions, transaction_notes TO augur_app;
GRANT SELECT, INSERT, UPDATE (status) ON orders TO augur_app;
GRANT SELECT, INSERT, UPDATE (erased_at, objects_gone_at, file_name, error) ON predictions TO augur_app;
GRANT SELECT, INSERT ON jobs TO augur_app;

DO $$
DECLARE
    name text;
    tenant constant text := '(SELECT nullif(current_setting(''app.tenant'', true), '''')::uuid)';
BEGIN
    FOREACH name IN ARRAY ARRAY['tenants', 'users', 'memberships', 'sessions', 'refresh_tokens',
        'api_keys', 'idempotency_keys', 'audit_log', 'accounts', 'transactions', 'transaction_notes',
        'models', 'model_versions', 'orders', 'predictions', 'jobs']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY %I ON %I TO augur_system USING (true) WITH CHECK (true)',
                       name || '_system', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['memberships', 'api_keys', 'accounts', 'transactions',
        'transaction_notes', 'orders', 'predictions', 'jobs']
    LOOP
        EXECUTE format('CREATE POLICY %I ON %I TO augur_app USING (tenant_id = %s)',
                       name || '_tenant', name, tenant);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['models', 'model_versions'] LOOP
        EXECUTE format('CREATE POLICY %I ON %I TO augur_app USING (tenant_id IS NULL OR tenant_id = %s)',
                       name || '_tenant', name, tenant);
    END LOOP;
    EXECUTE format('CREATE POLICY tenants_tenant ON tenants TO augur_app USING (id = %s)', tenant);
    EXECUTE format('CREATE POLICY users_tenant ON users TO augur_app USING (EXISTS '
        '(SELECT 1 FROM memberships m WHERE m.user_id = users.id AND m.tenant_id = %s))', tenant);
    EXECUTE format('CREATE POLICY idempotency_keys_tenant ON idempotency_keys TO augur_app '
        'USING (scope = %s)', tenant);
    EXECUTE format('CREATE POLICY audit_log_tenant ON audit_log FOR INSERT TO augur_app '
        'WITH CHECK (tenant_id = %s)', tenant);
END
$$;
