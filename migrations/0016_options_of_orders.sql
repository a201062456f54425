-- What was bought beside the plain result, by name; its price is part of the order's.
ALTER TABLE orders ADD COLUMN options jsonb NOT NULL DEFAULT '{}';
