-- How many intakes a worker takes at a time; workers of an older version take none.
ALTER TABLE workers
    ADD COLUMN intake_places integer NOT NULL DEFAULT 0,
    ADD CONSTRAINT workers_intake_places_not_negative CHECK (intake_places >= 0);
