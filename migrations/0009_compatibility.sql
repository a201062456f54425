-- The oldest program that can serve on this schema, as the number of the newest migration that it
-- knows. A migration that only expands leaves it; one that contracts raises it, in its own
-- transaction, once no older program runs any more.
INSERT INTO settings (name, value) VALUES ('oldest_program_migration', '6')
ON CONFLICT ON CONSTRAINT settings_pkey DO NOTHING;
