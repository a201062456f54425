-- How many jobs of each further kind a worker takes at a time; `concurrency` counts predictions. Workers of
-- an older version take no others.
ALTER TABLE workers
    ADD COLUMN training_places integer NOT NULL DEFAULT 0,
    ADD COLUMN webhook_places integer NOT NULL DEFAULT 0,
    DROP CONSTRAINT workers_concurrency_positive,
    ADD CONSTRAINT workers_concurrency_positive CHECK (concurrency >= 0),
    ADD CONSTRAINT workers_places_not_negative CHECK (training_places >= 0 AND webhook_places >= 0);
