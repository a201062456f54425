-- A year of one tenant's orders, as they would be had each been placed: every debit, refund and deposit with its
-- number and the balance after it, so that `augur audit` finds nothing wrong. Of ten orders three were scored in one
-- call, six by a file that was erased since, and one failed and was refunded. The tenant has made a prediction
-- before, from which the year's take their summary and their model. psql gets email, orders, and users.
\set ON_ERROR_STOP on
BEGIN;

-- An id of a moment (UUID version 7): ids grow with time, which the lists rely on.
CREATE FUNCTION pg_temp.id_at(moment timestamptz, salt text) RETURNS uuid LANGUAGE sql AS $$
    SELECT (lpad(to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0') || '7' || substr(md5(salt), 1, 3)
            || '8' || substr(md5(salt), 4, 15))::uuid
$$;

CREATE TEMPORARY TABLE owner AS
SELECT u.id AS user_id, m.tenant_id, a.balance, a.sequence,
       (SELECT p.id FROM predictions p WHERE p.tenant_id = m.tenant_id AND p.status = 'succeeded' LIMIT 1) AS sample
FROM users u JOIN memberships m ON m.user_id = u.id JOIN accounts a ON a.tenant_id = m.tenant_id
WHERE u.email = :'email';

CREATE TEMPORARY TABLE placed AS
SELECT n, moment, pg_temp.id_at(moment, 'order' || n) AS order_id, pg_temp.id_at(moment, 'debit' || n) AS debit_id,
       pg_temp.id_at(moment, 'prediction' || n) AS prediction_id, s.id AS service_id, s.price,
       CASE n % 10 WHEN 0 THEN 'failed' WHEN 1 THEN 'immediate' WHEN 2 THEN 'immediate' WHEN 3 THEN 'immediate'
           ELSE 'erased' END AS fate,
       -- What has failed has no result that could be missed.
       n % 10 = 0 AND moment > now() - interval '29 days' AS is_kept
FROM (SELECT n, now() - interval '2 hours' - (:orders - n) * (interval '360 days' / :orders) AS moment
      FROM generate_series(1, :orders) AS n) AS times
JOIN (SELECT id, price, row_number() OVER (ORDER BY price, id) AS line, count(*) OVER () AS lines FROM services) AS s
    ON s.line = 1 + times.n % s.lines;

INSERT INTO orders (id, tenant_id, user_id, service_id, price, status, transaction_id, created_at)
SELECT order_id, tenant_id, user_id, service_id, price, CASE fate WHEN 'failed' THEN 'refunded' ELSE 'provided' END,
       debit_id, moment
FROM placed, owner;

INSERT INTO predictions (id, tenant_id, order_id, model_version_id, file_name, on_error, dialect, input_bytes,
    input_sha256, rows_total, rows_max, rows_done, status, summary, error, result_attempt, result_bytes,
    result_sha256, created_at, started_at, finished_at, expires_at, erased_at, objects_gone_at)
SELECT placed.prediction_id, p.tenant_id, placed.order_id, p.model_version_id,
       CASE WHEN is_kept THEN 'customers_' || n || '.csv' ELSE '' END, p.on_error, p.dialect,
       p.input_bytes, p.input_sha256, p.rows_total, p.rows_max,
       CASE fate WHEN 'failed' THEN 0 ELSE p.rows_total END,
       CASE fate WHEN 'failed' THEN 'failed' ELSE 'succeeded' END,
       CASE fate WHEN 'failed' THEN NULL ELSE p.summary END,
       CASE fate WHEN 'failed' THEN jsonb_build_object('code', 'not_a_number', 'message', 'line 3 is wrong',
           'errors', jsonb_build_array(jsonb_build_object('line', 3, 'column', 'tenure', 'message', '"long" is not a number'))) END,
       CASE fate WHEN 'failed' THEN NULL ELSE p.result_attempt END,
       CASE fate WHEN 'failed' THEN NULL ELSE p.result_bytes END,
       CASE fate WHEN 'failed' THEN NULL ELSE p.result_sha256 END,
       moment, moment, moment + interval '1 second', moment + interval '30 days',
       CASE WHEN is_kept THEN NULL ELSE moment + interval '30 minutes' END,
       CASE WHEN is_kept THEN NULL ELSE moment + interval '31 minutes' END
FROM placed, owner JOIN predictions p ON p.id = owner.sample
WHERE fate <> 'immediate';

INSERT INTO erasures (prediction_id, tenant_id, reason, input_bytes, input_sha256, result_bytes, result_sha256,
    requested_at, completed_at)
SELECT p.id, p.tenant_id, 'deleted', p.input_bytes, p.input_sha256, p.result_bytes, p.result_sha256, p.erased_at,
       p.objects_gone_at
FROM predictions p JOIN placed ON placed.prediction_id = p.id WHERE p.erased_at IS NOT NULL;

INSERT INTO jobs (id, tenant_id, kind, subject_id, state, attempt, deadline_at, created_at, finished_at)
SELECT pg_temp.id_at(p.created_at, 'job' || p.id), p.tenant_id, 'prediction', p.id, p.status, 1,
       p.created_at + interval '1 hour', p.created_at, p.finished_at
FROM predictions p JOIN placed ON placed.prediction_id = p.id;

-- A deposit before every hundredth order pays for the next hundred.
CREATE TEMPORARY TABLE moved AS
SELECT pg_temp.id_at(moment, 'deposit' || n) AS id, moment - interval '1 second' AS moment, 'deposit' AS kind,
       (SELECT 100 * max(price) FROM services) AS amount, NULL::uuid AS order_id
FROM placed WHERE n % 100 = 1
UNION ALL SELECT debit_id, moment, 'debit', price, order_id FROM placed
UNION ALL SELECT pg_temp.id_at(moment, 'refund' || n), moment + interval '1 second', 'refund', price, order_id
FROM placed WHERE fate = 'failed';

INSERT INTO transactions (id, tenant_id, sequence, kind, amount, balance_after, order_id, created_at)
SELECT id, tenant_id, sequence + row_number() OVER in_time, kind, amount,
       balance + sum(CASE kind WHEN 'debit' THEN -amount ELSE amount END) OVER in_time, order_id, moment
FROM moved, owner
WINDOW in_time AS (ORDER BY moment, id);

INSERT INTO transaction_notes (transaction_id, tenant_id, note)
SELECT id, tenant_id, 'invoice ' || 1800 + row_number() OVER (ORDER BY moment) FROM moved, owner
WHERE kind = 'deposit';

UPDATE accounts a SET sequence = last.sequence, balance = last.balance_after
FROM (SELECT t.* FROM transactions t JOIN owner ON owner.tenant_id = t.tenant_id ORDER BY t.sequence DESC LIMIT 1) AS last
WHERE a.tenant_id = last.tenant_id;

INSERT INTO audit_log (id, created_at, action, actor_user_id, tenant_id, subject_id, detail)
SELECT pg_temp.id_at(moment, 'login' || n), moment, 'login.succeeded', user_id, tenant_id, user_id, '{}'
FROM placed, owner;

-- Other people, who have never done anything.
CREATE TEMPORARY TABLE people AS
SELECT n, pg_temp.id_at(now() - n * interval '1 minute', 'user' || n) AS user_id,
       pg_temp.id_at(now() - n * interval '1 minute', 'tenant' || n) AS tenant_id, now() - n * interval '1 minute' AS moment
FROM generate_series(1, :users) AS n;
INSERT INTO tenants (id, name, created_at) SELECT tenant_id, 'Company ' || n, moment FROM people;
INSERT INTO users (id, email, name, password_hash, created_at)
SELECT user_id, 'person-' || n || '@customer.example', 'Person ' || n, 'none', moment FROM people;
INSERT INTO memberships (tenant_id, user_id, role, created_at) SELECT tenant_id, user_id, 'owner', moment FROM people;
INSERT INTO accounts (tenant_id) SELECT tenant_id FROM people;
COMMIT;
ANALYZE orders, predictions, erasures, jobs, transactions, transaction_notes, accounts, audit_log, users, tenants, memberships;
