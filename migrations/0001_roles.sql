-- Three database roles. The user of DATABASE_URL owns the schema and is a member of two roles
-- without login: augur_app, which row-level security confines to one tenant per transaction, and
-- augur_system, which does logins, jobs and administration. Roles belong to the whole cluster, so
-- another database, or an administrator, may have made them before.
DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['augur_app', 'augur_system'] LOOP
        IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = wanted) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOBYPASSRLS', wanted);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL; -- somebody migrated another database of this cluster at the same moment
            END;
        END IF;
        IF NOT pg_has_role(current_user, wanted, 'MEMBER') THEN
            EXECUTE format('GRANT %I TO %I', wanted, current_user);
        END IF;
        EXECUTE format('GRANT USAGE ON SCHEMA public TO %I', wanted);
    END LOOP;
END
$$;

-- What holds for the whole installation, such as its currency, fixed at the first start.
CREATE TABLE settings (
    name  text NOT NULL CONSTRAINT settings_pkey PRIMARY KEY,
    value text NOT NULL
);
