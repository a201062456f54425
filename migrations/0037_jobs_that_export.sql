-- A version that a training made, or that moved, is taken to an MLflow server; its subject is the line of the history.
ALTER TABLE jobs
    DROP CONSTRAINT jobs_kind_known,
    ADD CONSTRAINT jobs_kind_known CHECK (kind IN ('prediction', 'training', 'webhook', 'intake', 'export'));
