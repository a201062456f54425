-- Lines of the price list that sell a training instead of a prediction. They have no model: they make one.
ALTER TABLE services
    ALTER COLUMN model_id DROP NOT NULL,
    -- The algorithms that can be chosen for the price.
    ADD COLUMN algorithms text[],
    -- What a prediction costs with a model that was trained so.
    ADD COLUMN prediction_price bigint,
    ADD CONSTRAINT services_model_iff_prediction CHECK ((kind = 'prediction') = (model_id IS NOT NULL)),
    ADD CONSTRAINT services_algorithms_iff_training CHECK ((kind = 'training') = (algorithms IS NOT NULL)),
    ADD CONSTRAINT services_prediction_price_iff_training CHECK (
        (kind = 'training') = (prediction_price IS NOT NULL)),
    ADD CONSTRAINT services_prediction_price_positive CHECK (prediction_price > 0),
    ADD CONSTRAINT services_algorithms_known CHECK (
        cardinality(algorithms) > 0 AND algorithms <@ ARRAY['logistic', 'svm', 'random_forest',
            'decision_tree', 'catboost', 'xgboost', 'mlp']);

-- As the role that sees every line. The ids are the same in every installation, as those of the shipped models' services are.
SET LOCAL ROLE augur_system;
INSERT INTO services (id, kind, name, description, price, max_rows, algorithms, prediction_price)
VALUES
    ('01980000-0000-7000-8000-000000000101', 'training', 'Training: linear models and trees',
     'Logistic regression, a support vector machine or one decision tree, trained on your own customers. Quick, and easy to explain.',
     10000, 500000, ARRAY['logistic', 'svm', 'decision_tree'], 1000),
    ('01980000-0000-7000-8000-000000000102', 'training', 'Training: random forest',
     'Hundreds of trees, each with its own view of your customers.',
     30000, 500000, ARRAY['random_forest'], 10000),
    ('01980000-0000-7000-8000-000000000103', 'training', 'Training: boosting and networks',
     'CatBoost, XGBoost or a neural network, trained on your own customers. The most exact.',
     60000, 500000, ARRAY['catboost', 'xgboost', 'mlp'], 20000)
ON CONFLICT DO NOTHING;
RESET ROLE;

-- A tenant puts its own models on its own price list, and touches nobody else's lines: the policy that lets it
-- read the shared ones must not let it write them.
GRANT INSERT, UPDATE (price, description, active) ON services TO augur_app;
CREATE POLICY services_inserts_own ON services AS RESTRICTIVE FOR INSERT TO augur_app
    WITH CHECK (tenant_id = (SELECT nullif(current_setting('app.tenant', true), '')::uuid));
CREATE POLICY services_updates_own ON services AS RESTRICTIVE FOR UPDATE TO augur_app
    USING (tenant_id = (SELECT nullif(current_setting('app.tenant', true), '')::uuid));
