-- What was asked for beside the plain result, as it stood when the file was accepted.
ALTER TABLE predictions ADD COLUMN options jsonb NOT NULL DEFAULT '{}';
