-- Money in integer minor units. Only crates/ledger touches accounts and transactions.
CREATE TABLE accounts (
    tenant_id uuid NOT NULL CONSTRAINT accounts_pkey PRIMARY KEY
        CONSTRAINT accounts_tenant_id_fkey REFERENCES tenants (id),
    balance   bigint NOT NULL DEFAULT 0,
    -- The number of the last transaction; the next one takes sequence + 1 under the row's lock.
    sequence  bigint NOT NULL DEFAULT 0,
    CONSTRAINT accounts_balance_not_negative CHECK (balance >= 0),
    CONSTRAINT accounts_sequence_not_negative CHECK (sequence >= 0)
) WITH (fillfactor = 70); -- room for in-page updates of the hottest rows

CREATE TABLE transactions (
    id            uuid NOT NULL CONSTRAINT transactions_pkey PRIMARY KEY,
    tenant_id     uuid NOT NULL CONSTRAINT transactions_tenant_id_fkey REFERENCES accounts (tenant_id),
    sequence      bigint NOT NULL,
    kind          text NOT NULL,
    amount        bigint NOT NULL,
    balance_after bigint NOT NULL,
    order_id      uuid,
    created_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT transactions_sequence_key UNIQUE (tenant_id, sequence),
    CONSTRAINT transactions_order_kind_key UNIQUE (order_id, kind),
    CONSTRAINT transactions_sequence_positive CHECK (sequence > 0),
    CONSTRAINT transactions_amount_positive CHECK (amount > 0),
    CONSTRAINT transactions_balance_not_negative CHECK (balance_after >= 0),
    CONSTRAINT transactions_kind_known CHECK (kind IN ('deposit', 'debit', 'refund')),
    CONSTRAINT transactions_order_iff_no_deposit CHECK ((kind = 'deposit') = (order_id IS NULL))
);
CREATE TRIGGER transactions_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON transactions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Free text about a transaction, apart from it because text can be personal and must be erasable.
CREATE TABLE transaction_notes (
    transaction_id uuid NOT NULL CONSTRAINT transaction_notes_pkey PRIMARY KEY
        CONSTRAINT transaction_notes_transaction_id_fkey REFERENCES transactions (id),
    tenant_id      uuid NOT NULL,
    note           text NOT NULL,
    CONSTRAINT transaction_notes_note_length CHECK (char_length(note) BETWEEN 1 AND 500)
);
