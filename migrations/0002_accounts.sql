-- Who may sign in, for which tenant, and with what.
CREATE TABLE tenants (
    id         uuid NOT NULL CONSTRAINT tenants_pkey PRIMARY KEY,
    name       text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT tenants_name_length CHECK (char_length(name) BETWEEN 1 AND 200)
);

CREATE TABLE users (
    id            uuid NOT NULL CONSTRAINT users_pkey PRIMARY KEY,
    email         text NOT NULL,
    name          text,
    password_hash text NOT NULL,
    is_admin      boolean NOT NULL DEFAULT false,
    disabled_at   timestamptz,
    created_at    timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT users_email_length CHECK (char_length(email) BETWEEN 3 AND 254),
    CONSTRAINT users_name_length CHECK (char_length(name) <= 200)
);
-- An address is the same person's in whatever case it is typed.
CREATE UNIQUE INDEX users_email_key ON users (lower(email));

CREATE TABLE memberships (
    tenant_id  uuid NOT NULL CONSTRAINT memberships_tenant_id_fkey REFERENCES tenants (id),
    user_id    uuid NOT NULL CONSTRAINT memberships_user_id_fkey REFERENCES users (id),
    role       text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT memberships_pkey PRIMARY KEY (tenant_id, user_id),
    CONSTRAINT memberships_role_known CHECK (role IN ('owner', 'member'))
);
CREATE INDEX memberships_user_id_idx ON memberships (user_id);

-- A login. Access tokens carry its id and no trusted role; ending the session ends them at once.
CREATE TABLE sessions (
    id         uuid NOT NULL CONSTRAINT sessions_pkey PRIMARY KEY,
    user_id    uuid NOT NULL CONSTRAINT sessions_user_id_fkey REFERENCES users (id),
    tenant_id  uuid NOT NULL CONSTRAINT sessions_tenant_id_fkey REFERENCES tenants (id),
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    ended_at   timestamptz
);
CREATE INDEX sessions_user_id_idx ON sessions (user_id) WHERE ended_at IS NULL;
CREATE INDEX sessions_expires_at_idx ON sessions (expires_at);

-- The refresh tokens of a session, each good once. A used one that comes back is a theft, and ends
-- the session. Only hashes are stored.
CREATE TABLE refresh_tokens (
    token_hash bytea NOT NULL CONSTRAINT refresh_tokens_pkey PRIMARY KEY,
    session_id uuid NOT NULL CONSTRAINT refresh_tokens_session_id_fkey
        REFERENCES sessions (id) ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    used_at    timestamptz,
    CONSTRAINT refresh_tokens_hash_length CHECK (octet_length(token_hash) = 32)
);
CREATE INDEX refresh_tokens_session_id_idx ON refresh_tokens (session_id);

CREATE TABLE api_keys (
    id         uuid NOT NULL CONSTRAINT api_keys_pkey PRIMARY KEY,
    tenant_id  uuid NOT NULL,
    user_id    uuid NOT NULL,
    name       text NOT NULL,
    scope      text NOT NULL,
    prefix     text NOT NULL,
    key_hash   bytea NOT NULL CONSTRAINT api_keys_key_hash_key UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz,
    CONSTRAINT api_keys_membership_fkey FOREIGN KEY (tenant_id, user_id)
        REFERENCES memberships (tenant_id, user_id),
    CONSTRAINT api_keys_name_length CHECK (char_length(name) BETWEEN 1 AND 100),
    CONSTRAINT api_keys_scope_known CHECK (scope IN ('read', 'write')),
    CONSTRAINT api_keys_hash_length CHECK (octet_length(key_hash) = 32)
);
CREATE INDEX api_keys_tenant_id_idx ON api_keys (tenant_id, id);

-- Answers given to requests that carried an Idempotency-Key, written in the business transaction
-- itself, so that a crash leaves neither an effect without a key nor a key without an effect. The
-- scope is a tenant, or for administrators the user.
CREATE TABLE idempotency_keys (
    scope        uuid NOT NULL,
    key          text NOT NULL,
    request_hash bytea NOT NULL,
    answer       jsonb NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (scope, key),
    CONSTRAINT idempotency_keys_key_length CHECK (char_length(key) BETWEEN 1 AND 255),
    CONSTRAINT idempotency_keys_hash_length CHECK (octet_length(request_hash) = 32)
);
CREATE INDEX idempotency_keys_created_at_idx ON idempotency_keys (created_at);

-- Every administrator's and security event. It holds ids, never addresses or free text, because it
-- can never be erased.
CREATE TABLE audit_log (
    id            uuid NOT NULL CONSTRAINT audit_log_pkey PRIMARY KEY,
    created_at    timestamptz NOT NULL DEFAULT now(),
    action        text NOT NULL,
    actor_user_id uuid,
    tenant_id     uuid,
    subject_id    uuid,
    detail        jsonb NOT NULL DEFAULT '{}',
    request_id    text
);

CREATE FUNCTION refuse_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
