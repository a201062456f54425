-- When the account of a user was closed.
ALTER TABLE users ADD COLUMN closed_at timestamptz;
