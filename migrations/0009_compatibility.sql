-- The oldest program that can serve on this schema, as the number of the newest migration that it
-- knows. Programs that know nothing of this rule, up to 6, refuse any newer schema. A migration that only expands leaves it; one that contracts raises it, in its own
-- transaction, once no older program runs any more.
INSERT INTO settings (name, value) VALUES ('oldest_program_migration', '9')
ON CONFLICT ON CONSTRAINT settings_pkey DO NOTHING;
