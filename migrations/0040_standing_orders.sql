-- What a tenant's writer has ordered for good, the platform does in that writer's name: nobody is signed in then.
-- It counts for as long as the writer is a member who may sign in, and never as an administrator.
CREATE FUNCTION begin_standing(p_user_id uuid, p_tenant_id uuid)
RETURNS TABLE (user_id uuid, tenant_id uuid, role text, is_admin boolean, scope text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    caller record;
BEGIN
    SELECT u.id AS user_id, m.tenant_id, m.role INTO caller
    FROM public.users u
    JOIN public.memberships m ON m.user_id = u.id
    JOIN public.tenants t ON t.id = m.tenant_id
    WHERE u.id = p_user_id AND m.tenant_id = p_tenant_id AND u.disabled_at IS NULL AND t.closed_at IS NULL;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    PERFORM set_config('app.tenant', caller.tenant_id::text, true);
    RETURN QUERY SELECT caller.user_id, caller.tenant_id, caller.role, false, 'write'::text;
END
$$;

GRANT CREATE ON SCHEMA public TO augur_system;
ALTER FUNCTION begin_standing(uuid, uuid) OWNER TO augur_system;
REVOKE CREATE ON SCHEMA public FROM augur_system;
REVOKE ALL ON FUNCTION begin_standing(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION begin_standing(uuid, uuid) TO augur_app;
