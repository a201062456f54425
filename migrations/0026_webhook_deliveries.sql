-- What an endpoint is told, and what came of it. Each delivery has one job, which carries it through
-- its attempts; to send something again is a delivery of its own.
CREATE TABLE webhook_deliveries (
    id               uuid NOT NULL CONSTRAINT webhook_deliveries_pkey PRIMARY KEY,
    tenant_id        uuid NOT NULL
        CONSTRAINT webhook_deliveries_tenant_id_fkey REFERENCES tenants (id),
    endpoint_id      uuid NOT NULL
        CONSTRAINT webhook_deliveries_endpoint_id_fkey REFERENCES webhook_endpoints (id) ON DELETE CASCADE,
    -- By which a receiver knows what it was told before: the same in every attempt and every replay.
    event_id         uuid NOT NULL,
    type             text NOT NULL,
    -- What the event is about.
    subject_id       uuid NOT NULL,
    -- The body, byte for byte. It holds ids and figures, nothing of the customers in a file.
    payload          text NOT NULL,
    -- The delivery that this one repeats, which may be forgotten before it.
    replay_of        uuid,
    status           text NOT NULL DEFAULT 'pending',
    -- Every attempt so far: when, how long, and what came of it.
    attempts         jsonb NOT NULL DEFAULT '[]',
    next_attempt_at  timestamptz,
    response_status  integer,
    -- The first bytes of the last reply, as text.
    response_body    text,
    error            text,
    created_at       timestamptz NOT NULL DEFAULT now(),
    first_attempt_at timestamptz,
    finished_at      timestamptz,
    CONSTRAINT webhook_deliveries_status_known CHECK (status IN ('pending', 'succeeded', 'failed')),
    CONSTRAINT webhook_deliveries_finished_iff_terminal CHECK (
        (status IN ('succeeded', 'failed')) = (finished_at IS NOT NULL)),
    CONSTRAINT webhook_deliveries_next_iff_pending CHECK (
        (status = 'pending') = (next_attempt_at IS NOT NULL))
);
CREATE INDEX webhook_deliveries_endpoint_id_idx ON webhook_deliveries (endpoint_id, id);
-- An endpoint is told of something once, however often it is sent.
CREATE UNIQUE INDEX webhook_deliveries_event_key ON webhook_deliveries (endpoint_id, event_id)
    WHERE replay_of IS NULL;
-- The sweeper finds a result about to expire many times, and tells of it once.
CREATE UNIQUE INDEX webhook_deliveries_expiring_key ON webhook_deliveries (endpoint_id, subject_id)
    WHERE type = 'result.expiring' AND replay_of IS NULL;
CREATE INDEX webhook_deliveries_tenant_pending_idx ON webhook_deliveries (tenant_id)
    WHERE status = 'pending';

GRANT SELECT, INSERT ON webhook_deliveries TO augur_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON webhook_deliveries TO augur_system;

ALTER TABLE webhook_deliveries ENABLE ROW LEVEL SECURITY;
ALTER TABLE webhook_deliveries FORCE ROW LEVEL SECURITY;
CREATE POLICY webhook_deliveries_system ON webhook_deliveries TO augur_system USING (true) WITH CHECK (true);
CREATE POLICY webhook_deliveries_tenant ON webhook_deliveries TO augur_app
    USING (tenant_id = (SELECT nullif(current_setting('app.tenant', true), '')::uuid));
