-- How many of them a worker takes at a time; workers of an older version, and those that know no server, take none.
ALTER TABLE workers
    ADD COLUMN export_places integer NOT NULL DEFAULT 0,
    ADD CONSTRAINT workers_export_places_not_negative CHECK (export_places >= 0);
