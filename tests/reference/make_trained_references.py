"""Writes what the official CatBoost and XGBoost answer for models that Augur trained, into imports/.

    python tests/reference/make_trained_references.py catboost model.json imports/catboost_ours.json
    python tests/reference/make_trained_references.py xgboost model.json imports/xgboost_ours.json

The models in the repository were trained on 600 generated customers (`augur demo-data`), ten inputs of which
every seventh cell was blanked. The rows asked for are invented: numbers around the model's own borders, and
gaps. CI does not run this script; the answers are those of the versions named in each file.
"""

import json
import pathlib
import sys

import catboost
import numpy
import xgboost

ROWS = 150


def borders(model):
    """Of each feature, all numbers that the model compares it with."""
    if "oblivious_trees" in model:
        return [feature["borders"] or [0] for feature in model["features_info"]["float_features"]]
    learner = model["learner"]
    found = [[0] for _ in learner["feature_names"]]
    for tree in learner["gradient_booster"]["model"]["trees"]:
        for child, feature, border in zip(
            tree["left_children"], tree["split_indices"], tree["split_conditions"]
        ):
            if child >= 0:
                found[feature].append(border)
    return found


def invented_rows(model):
    generator = numpy.random.default_rng(5)
    columns = [
        generator.choice(numpy.array(values, dtype=numpy.float32), ROWS).astype(float)
        + generator.choice([0.0, 0.0, -0.01, 0.01, 3.0], ROWS)
        for values in borders(model)
    ]
    rows = numpy.column_stack(columns)
    rows[generator.random(rows.shape) < 0.15] = numpy.nan
    return rows


def main(kind, path, target):
    model = json.loads(pathlib.Path(path).read_text())
    rows = invented_rows(model)
    if kind == "catboost":
        official = catboost.CatBoostClassifier().load_model(path, format="json")
        raw = official.predict(rows, prediction_type="RawFormulaVal")
    else:
        official = xgboost.Booster(model_file=path)
        columns = xgboost.DMatrix(rows, feature_names=official.feature_names)
        raw = official.predict(columns, output_margin=True)
    cells = [[None if numpy.isnan(cell) else float(cell) for cell in row] for row in rows]
    content = {
        "versions": {"catboost": catboost.__version__, "xgboost": xgboost.__version__},
        "model": model,
        "rows": cells,
        "raw": [float(value) for value in raw],
    }
    pathlib.Path(target).write_text(json.dumps(content, separators=(",", ":")))


main(*sys.argv[1:])
