-- What closing an account needs. This and the migrations after it only expand, and each locks one table
-- that requests use: two in one transaction would meet requests that hold the one and want the other.

-- From closed_at on nobody acts for it. scrubbed_at tells that what transactions under way at that moment may
-- have written is erased, too.
ALTER TABLE tenants ADD COLUMN closed_at timestamptz, ADD COLUMN scrubbed_at timestamptz;
CREATE INDEX tenants_closing_idx ON tenants (closed_at) WHERE closed_at IS NOT NULL AND scrubbed_at IS NULL;
