"""Writes what the official packages say of why models score as they do, into shap/.

    python tests/reference/make_shap_references.py

CatBoost: its own ShapValues of the models and invented rows in imports/. XGBoost, forests and a decision
tree: the package shap's TreeExplainer (tree_path_dependent) of models trained here on invented rows. Needs catboost, xgboost, scikit-learn and shap; CI does not run
this script, the answers are those of the versions named in each file.
"""

import json
import math
import pathlib
import tempfile

import catboost
import numpy
import shap
import sklearn
import xgboost
from sklearn.ensemble import RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier

HERE = pathlib.Path(__file__).parent
ROWS = 40
CATBOOST = [
    "nan_min", "nan_max", "one_hot", "lossguide", "depthwise", "ours",
    "ctr_borders", "ctr_buckets", "ctr_binarizedtargetmeanvalue", "ctr_counter", "ctr_combinations",
    "ctr_lossguide",
]
XGBOOST = {"plain": {}, "lossguide": {"grow_policy": "lossguide", "max_leaves": 9, "max_depth": 0}}
VERSIONS = {
    "catboost": catboost.__version__,
    "xgboost": xgboost.__version__,
    "shap": shap.__version__,
    "scikit-learn": sklearn.__version__,
}


def write(name, **content):
    target = HERE / "shap" / f"{name}.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps({"versions": VERSIONS, **content}, separators=(",", ":")))
    print(name, target.stat().st_size)


def answers(values):
    """Contributions of each row and the base."""
    return {"values": numpy.asarray(values)[:, :-1].tolist(), "base": float(values[0][-1])}


def catboost_reference(name, directory):
    reference = json.loads((HERE / "imports" / f"catboost_{name}.json").read_text())
    path = pathlib.Path(directory) / "model.json"
    path.write_text(json.dumps(reference["model"]))
    model = catboost.CatBoostClassifier().load_model(str(path), format="json")
    categories = model.get_cat_feature_indices()
    rows = [
        [
            (cell if place in categories else (math.nan if cell is None else float(cell)))
            for place, cell in enumerate(row)
        ]
        for row in reference["rows"][:ROWS]
    ]
    pool = catboost.Pool(rows, cat_features=categories)
    write(f"catboost_{name}", **answers(model.get_feature_importance(pool, type="ShapValues")))


def xgboost_reference(name, directory, **parameters):
    generator = numpy.random.default_rng(7)
    rows = generator.normal(size=(400, 4)).astype(numpy.float32).astype(float).round(3)
    label = rows[:, 0] + rows[:, 1] * rows[:, 2] + generator.normal(size=400) > 0.2
    rows[generator.random(rows.shape) < 0.15] = math.nan
    columns = xgboost.DMatrix(rows, label=label, feature_names=["a", "b", "c", "d"])
    parameters = {"objective": "binary:logistic", "max_depth": 4, "seed": 1, **parameters}
    model = xgboost.train(parameters, columns, 12)
    path = pathlib.Path(directory) / "model.json"
    model.save_model(str(path))
    asked = generator.normal(size=(ROWS, 4)).astype(numpy.float32).astype(float).round(3)
    asked[generator.random(asked.shape) < 0.2] = math.nan
    explainer = shap.TreeExplainer(model, feature_perturbation="tree_path_dependent")
    values = explainer.shap_values(asked)
    base = numpy.full((len(asked), 1), explainer.expected_value)
    cells = [[None if math.isnan(cell) else cell for cell in row] for row in asked.tolist()]
    file = json.loads(path.read_text())
    write(f"xgboost_{name}", model=file, rows=cells, **answers(numpy.hstack([values, base])))


def forest_file(trees):
    """Trees of scikit-learn as Augur's format has them, and the customers in each leaf."""
    file = {"format": "augur-forest-1", "roots": [], "inputs": [], "thresholds": [], "left": [], "right": []}
    file["leaves"], customers = [], []
    for estimator in trees:
        tree = estimator.tree_
        references, nodes, leaves = {}, len(file["inputs"]), len(file["leaves"])
        for node in range(tree.node_count):
            if tree.children_left[node] < 0:
                references[node] = -1 - leaves
                leaves += 1
            else:
                references[node] = nodes
                nodes += 1
        file["roots"].append(references[0])
        for node in range(tree.node_count):
            if tree.children_left[node] < 0:
                counts = tree.value[node][0]
                file["leaves"].append(float(counts[1] / counts.sum()))
                customers.append(int(round(tree.weighted_n_node_samples[node])))
            else:
                file["inputs"].append(int(tree.feature[node]))
                file["thresholds"].append(float(tree.threshold[node]))
                file["left"].append(references[int(tree.children_left[node])])
                file["right"].append(references[int(tree.children_right[node])])
    return file, customers


def forest_reference(name, model):
    generator = numpy.random.default_rng(11)
    # Numbers that f32 holds, in which scikit-learn compares.
    rows = (generator.integers(-64, 64, (500, 5)) / 16).astype(float)
    labels = rows[:, 0] + rows[:, 1] * rows[:, 2] / 4 + generator.normal(0, 1, 500) > 0.5
    model.fit(rows, labels)
    file, customers = forest_file(getattr(model, "estimators_", [model]))
    asked = (generator.integers(-80, 80, (ROWS, 5)) / 16).astype(float)
    explainer = shap.TreeExplainer(model, feature_perturbation="tree_path_dependent")
    values = explainer.shap_values(asked)[:, :, 1]
    base = numpy.full((ROWS, 1), explainer.expected_value[1])
    write(
        name,
        model=file,
        customers=customers,
        rows=asked.tolist(),
        shares=model.predict_proba(asked)[:, 1].tolist(),
        **answers(numpy.hstack([values, base])),
    )


def main():
    with tempfile.TemporaryDirectory() as directory:
        for name in CATBOOST:
            catboost_reference(name, directory)
        for name, parameters in XGBOOST.items():
            xgboost_reference(name, directory, **parameters)
    forest_reference("forest", RandomForestClassifier(20, max_depth=7, random_state=3))
    forest_reference("decision_tree", DecisionTreeClassifier(max_depth=9, random_state=3))


main()
