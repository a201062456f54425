-- When a tenant's model is to be trained again, for how much, and what becomes of the version.
CREATE TABLE retraining_policies (
    tenant_id        uuid NOT NULL CONSTRAINT retraining_policies_tenant_id_fkey REFERENCES tenants (id),
    model_id         uuid NOT NULL CONSTRAINT retraining_policies_model_id_fkey REFERENCES models (id),
    -- In whose name it is paid: whoever wrote the policy last.
    user_id          uuid NOT NULL CONSTRAINT retraining_policies_user_id_fkey REFERENCES users (id),
    service_id       uuid NOT NULL CONSTRAINT retraining_policies_service_id_fkey REFERENCES services (id),
    is_active        boolean NOT NULL,
    on_drift         boolean NOT NULL,
    auc_min          double precision,
    auc_loss_max     double precision,
    outcomes_min     bigint,
    every_hours      integer,
    quiet_hours      integer NOT NULL,
    hold_out         double precision NOT NULL,
    price_max        bigint NOT NULL,
    month_price_max  bigint NOT NULL,
    auto_promote     boolean NOT NULL,
    -- The schedule's next turn.
    due_at           timestamptz,
    -- What was looked at last, and when it is looked at again though nothing is new.
    seen_upload_id   uuid,
    seen_event_id    uuid,
    look_at          timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT retraining_policies_pkey PRIMARY KEY (tenant_id, model_id),
    CONSTRAINT retraining_policies_auc_min_share CHECK (auc_min BETWEEN 0 AND 1),
    CONSTRAINT retraining_policies_auc_loss_max_share CHECK (auc_loss_max BETWEEN 0 AND 1),
    CONSTRAINT retraining_policies_outcomes_min_positive CHECK (outcomes_min > 0),
    CONSTRAINT retraining_policies_every_hours_positive CHECK (every_hours > 0),
    CONSTRAINT retraining_policies_due_iff_scheduled CHECK ((due_at IS NULL) = (every_hours IS NULL)),
    CONSTRAINT retraining_policies_quiet_hours_not_negative CHECK (quiet_hours >= 0),
    CONSTRAINT retraining_policies_hold_out_share CHECK (hold_out BETWEEN 0.1 AND 0.5),
    CONSTRAINT retraining_policies_prices_positive CHECK (price_max > 0 AND month_price_max >= price_max)
);
CREATE INDEX retraining_policies_look_at_idx ON retraining_policies (look_at) WHERE is_active;

GRANT SELECT, INSERT, UPDATE ON retraining_policies TO augur_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON retraining_policies TO augur_system;
ALTER TABLE retraining_policies ENABLE ROW LEVEL SECURITY;
ALTER TABLE retraining_policies FORCE ROW LEVEL SECURITY;
CREATE POLICY retraining_policies_system ON retraining_policies TO augur_system USING (true) WITH CHECK (true);
CREATE POLICY retraining_policies_tenant ON retraining_policies TO augur_app
    USING (tenant_id = (SELECT nullif(current_setting('app.tenant', true), '')::uuid));
