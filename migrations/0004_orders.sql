-- What is sold, and what was bought.
CREATE TABLE models (
    id                 uuid NOT NULL CONSTRAINT models_pkey PRIMARY KEY,
    tenant_id          uuid CONSTRAINT models_tenant_id_fkey REFERENCES tenants (id), -- null: shared
    name               text NOT NULL,
    current_version_id uuid,
    created_at         timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT models_name_key UNIQUE NULLS NOT DISTINCT (tenant_id, name),
    CONSTRAINT models_name_form CHECK (name ~ '^[a-z0-9][a-z0-9_-]{0,63}$')
);

CREATE TABLE model_versions (
    id         uuid NOT NULL CONSTRAINT model_versions_pkey PRIMARY KEY,
    model_id   uuid NOT NULL CONSTRAINT model_versions_model_id_fkey REFERENCES models (id),
    tenant_id  uuid CONSTRAINT model_versions_tenant_id_fkey REFERENCES tenants (id),
    version    text NOT NULL,
    sha256     text NOT NULL,
    manifest   jsonb NOT NULL,
    -- Where the model file lies: 'shipped:NAME' inside the binary, or 'object:PATH' in the store.
    artifact   text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    -- A version is named by its label and its content: a rebuilt label never changes a pinned file.
    CONSTRAINT model_versions_version_key UNIQUE (model_id, version, sha256),
    CONSTRAINT model_versions_sha256_form CHECK (sha256 ~ '^[0-9a-f]{64}$')
);
ALTER TABLE models ADD CONSTRAINT models_current_version_id_fkey
    FOREIGN KEY (current_version_id) REFERENCES model_versions (id);

CREATE TABLE services (
    id          uuid NOT NULL CONSTRAINT services_pkey PRIMARY KEY,
    name        text NOT NULL,
    model_id    uuid NOT NULL CONSTRAINT services_model_id_fkey REFERENCES models (id),
    description text NOT NULL DEFAULT '',
    price       bigint NOT NULL,
    max_rows    bigint NOT NULL,
    active      boolean NOT NULL DEFAULT true,
    created_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT services_name_key UNIQUE (name),
    CONSTRAINT services_name_length CHECK (char_length(name) BETWEEN 1 AND 100),
    CONSTRAINT services_description_length CHECK (char_length(description) <= 2000),
    CONSTRAINT services_price_positive CHECK (price > 0),
    CONSTRAINT services_max_rows_positive CHECK (max_rows > 0)
);

CREATE TABLE orders (
    id             uuid NOT NULL CONSTRAINT orders_pkey PRIMARY KEY,
    tenant_id      uuid NOT NULL CONSTRAINT orders_tenant_id_fkey REFERENCES tenants (id),
    user_id        uuid NOT NULL CONSTRAINT orders_user_id_fkey REFERENCES users (id),
    service_id     uuid NOT NULL CONSTRAINT orders_service_id_fkey REFERENCES services (id),
    price          bigint NOT NULL,
    status         text NOT NULL,
    -- The debit comes last in its transaction, so that the account is locked for the shortest time;
    -- hence this key is checked at the commit.
    transaction_id uuid NOT NULL CONSTRAINT orders_transaction_id_key UNIQUE
        CONSTRAINT orders_transaction_id_fkey REFERENCES transactions (id) DEFERRABLE INITIALLY DEFERRED,
    created_at     timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT orders_price_positive CHECK (price > 0),
    CONSTRAINT orders_status_known CHECK (status IN ('paid', 'in_use', 'provided', 'refunded'))
);
CREATE INDEX orders_tenant_id_idx ON orders (tenant_id, id);
ALTER TABLE transactions ADD CONSTRAINT transactions_order_id_fkey
    FOREIGN KEY (order_id) REFERENCES orders (id);
