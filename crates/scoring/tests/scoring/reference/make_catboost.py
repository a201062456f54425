"""Writes catboost.json: small models of the official CatBoost with its own answers to generated rows.

Run: pip install catboost numpy && python make_catboost.py
"""

import json
import os
import tempfile

import numpy
from catboost import CatBoostClassifier

ROWS = 40
NAMES = ["tenure", "charges", "calls", "visits"]


def customers(seed):
    random = numpy.random.default_rng(seed)
    rows = numpy.column_stack(
        [
            random.integers(0, 73, 600),
            random.uniform(18, 120, 600).round(2),
            random.normal(0, 5, 600),
            random.exponential(2, 600),
        ]
    )
    odds = 1.5 - 0.06 * rows[:, 0] + 0.02 * rows[:, 1] + 0.1 * rows[:, 2] * (rows[:, 3] > 1)
    labels = (random.uniform(size=600) < 1 / (1 + numpy.exp(-odds))).astype(int)
    return rows, labels


def case(name, depth, nan_mode, missing, iterations=12, **parameters):
    rows, labels = customers(len(name))
    if missing:
        rows[numpy.random.default_rng(1).uniform(size=rows.shape) < 0.15] = numpy.nan
    model = CatBoostClassifier(
        iterations=iterations, depth=depth, nan_mode=nan_mode, learning_rate=0.2, verbose=0, thread_count=1, random_seed=7,
        allow_writing_files=False, **parameters
    )
    model.fit(rows, labels)
    model.set_feature_names(NAMES)
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "model.json")
        model.save_model(path, format="json")
        with open(path) as file:
            exported = json.load(file)
    exported["model_info"] = {"params": {"loss_function": {"type": "Logloss"}}}
    asked = rows[:ROWS]
    return {
        "name": name,
        "model": exported,
        "rows": [[None if numpy.isnan(value) else value for value in row] for row in asked.tolist()],
        "probabilities": model.predict_proba(asked)[:, 1].tolist(),
    }


cases = [
    case("plain", 4, "Min", False),
    case("missing below all", 3, "Min", True),
    case("missing above all", 3, "Max", True),
    case("deep", 8, "Min", True, iterations=3),
    case("few borders", 6, "Min", False, border_count=3),
]
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "catboost.json"), "w") as file:
    file.write(json.dumps(cases, separators=(",", ":")))
    file.write("\n")
