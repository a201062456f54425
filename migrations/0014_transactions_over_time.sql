-- The balance at a moment, and where a month of a statement begins: history is numbered, and asked for by
-- time. Building these keeps movements of money waiting, for about a second per million of them.
CREATE INDEX transactions_created_at_idx ON transactions (tenant_id, created_at);
-- What was paid in and given back over a time. Debits, which are most, are left out and not slowed by it:
-- what was spent follows from the balances at both ends.
CREATE INDEX transactions_credits_idx ON transactions (tenant_id, created_at) INCLUDE (kind, amount)
    WHERE kind <> 'debit';
