-- The work itself.
CREATE TABLE predictions (
    id               uuid NOT NULL CONSTRAINT predictions_pkey PRIMARY KEY,
    tenant_id        uuid NOT NULL CONSTRAINT predictions_tenant_id_fkey REFERENCES tenants (id),
    order_id         uuid NOT NULL CONSTRAINT predictions_order_id_fkey REFERENCES orders (id),
    model_version_id uuid NOT NULL
        CONSTRAINT predictions_model_version_id_fkey REFERENCES model_versions (id),
    file_name        text NOT NULL,
    on_error         text NOT NULL,
    dialect          jsonb NOT NULL,
    input_bytes      bigint NOT NULL,
    input_sha256     bytea NOT NULL,
    rows_total       bigint NOT NULL,
    rows_max         bigint NOT NULL,
    rows_done        bigint NOT NULL DEFAULT 0,
    status           text NOT NULL,
    summary          jsonb,
    error            jsonb,
    -- The attempt whose object results/{id}/{attempt} is the result.
    result_attempt   integer,
    result_bytes     bigint,
    result_sha256    bytea,
    created_at       timestamptz NOT NULL DEFAULT now(),
    started_at       timestamptz,
    finished_at      timestamptz,
    expires_at       timestamptz NOT NULL,
    -- From erased_at on nothing can be read; objects_gone_at tells that nothing is left either.
    erased_at        timestamptz,
    objects_gone_at  timestamptz,
    CONSTRAINT predictions_order_id_key UNIQUE (order_id),
    CONSTRAINT predictions_on_error_known CHECK (on_error IN ('fail', 'skip')),
    CONSTRAINT predictions_status_known CHECK (status IN ('queued', 'running', 'succeeded', 'failed')),
    CONSTRAINT predictions_result_iff_succeeded CHECK (
        (status = 'succeeded') = (result_attempt IS NOT NULL AND result_bytes IS NOT NULL
                                  AND result_sha256 IS NOT NULL AND summary IS NOT NULL)),
    CONSTRAINT predictions_error_iff_failed CHECK ((status = 'failed') = (error IS NOT NULL)),
    CONSTRAINT predictions_finished_iff_terminal CHECK (
        (status IN ('succeeded', 'failed')) = (finished_at IS NOT NULL))
);
CREATE INDEX predictions_tenant_id_idx ON predictions (tenant_id, id);
CREATE INDEX predictions_expires_at_idx ON predictions (expires_at) WHERE erased_at IS NULL;
CREATE INDEX predictions_erasing_idx ON predictions (erased_at)
    WHERE erased_at IS NOT NULL AND objects_gone_at IS NULL;

-- The outbox and the lease of every kind of work. PostgreSQL is the truth; the broker carries ids.
CREATE TABLE jobs (
    id            uuid NOT NULL CONSTRAINT jobs_pkey PRIMARY KEY,
    tenant_id     uuid NOT NULL CONSTRAINT jobs_tenant_id_fkey REFERENCES tenants (id),
    kind          text NOT NULL,
    subject_id    uuid NOT NULL,
    priority      smallint NOT NULL DEFAULT 0,
    state         text NOT NULL DEFAULT 'queued',
    not_before    timestamptz NOT NULL DEFAULT now(),
    -- Raised by every claim and never lowered: the fence that a late settlement runs into.
    attempt       integer NOT NULL DEFAULT 0,
    -- What the limit of three counts: panics and leases that ran out, not orderly stops.
    failures      integer NOT NULL DEFAULT 0,
    lease_until   timestamptz,
    lease_owner   text,
    dispatched_at timestamptz,
    deadline_at   timestamptz NOT NULL,
    request_id    text,
    created_at    timestamptz NOT NULL DEFAULT now(),
    finished_at   timestamptz,
    CONSTRAINT jobs_subject_key UNIQUE (kind, subject_id),
    CONSTRAINT jobs_kind_known CHECK (kind IN ('prediction')),
    CONSTRAINT jobs_state_known CHECK (state IN ('queued', 'running', 'succeeded', 'failed')),
    CONSTRAINT jobs_lease_iff_running CHECK (
        (state = 'running') = (lease_until IS NOT NULL AND lease_owner IS NOT NULL)),
    CONSTRAINT jobs_finished_iff_terminal CHECK (
        (state IN ('succeeded', 'failed')) = (finished_at IS NOT NULL))
);
CREATE INDEX jobs_open_idx ON jobs (tenant_id, id) WHERE state IN ('queued', 'running');

-- Worker processes that were heard of lately: the relay publishes no more than they can take soon.
CREATE TABLE workers (
    id          text NOT NULL CONSTRAINT workers_pkey PRIMARY KEY,
    concurrency integer NOT NULL,
    seen_at     timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT workers_concurrency_positive CHECK (concurrency > 0)
);
