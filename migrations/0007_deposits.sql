-- What was ever paid in must fit 64 bits, so that no refund can overflow: a deposit adds it up, over
-- this index. Building it keeps movements of money waiting, for about a second per million of them.
CREATE INDEX transactions_deposits_idx ON transactions (tenant_id) INCLUDE (amount) WHERE kind = 'deposit';
