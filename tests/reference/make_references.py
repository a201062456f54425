"""Writes what scikit-learn and CatBoost answer for generated customers, beside this script.

Needs Python 3.11 and packages from PyPI, in an environment of their own; the answers in the repository are
those of the versions named in each file:

    python3 -m venv /tmp/references && /tmp/references/bin/pip install scikit-learn catboost numpy
    augur demo-data --rows 600 --seed 11 --labels -o /tmp/references/customers.csv
    /tmp/references/bin/python tests/reference/make_references.py /tmp/references/customers.csv

Run it again after the shipped CatBoost model has changed. The customers are generated: their SHA-256 is in
each file, and the tests generate the same ones. CI does not run this script.
"""

import csv
import hashlib
import json
import math
import pathlib
import sys
import tempfile

import catboost
import numpy
import sklearn
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

HERE = pathlib.Path(__file__).parent
MODELS = HERE.parent.parent / "models"
IDENTITY = {"slope": 1.0, "offset": 0.0}
# What crates/learning/tests/learning/references.rs sets.
LOGISTIC_PENALTY = 1.0
SVM_COST = 0.05


def key(name):
    return "".join(name.split()).replace("_", "").lower()


class Customers:
    """The generated file, and its inputs as a manifest encodes them."""

    def __init__(self, path):
        content = pathlib.Path(path).read_bytes()
        self.sha256 = hashlib.sha256(content).hexdigest()
        self.rows = list(csv.DictReader(content.decode().splitlines()))
        self.labels = numpy.array([row["Churn"] == "Yes" for row in self.rows], dtype=int)

    def numbers(self, feature):
        return numpy.array([float(row[feature] or "nan") for row in self.rows])

    def codes(self, feature):
        spellings = {
            key(spelling): code
            for code, value in enumerate(feature["values"])
            for spelling in [value["value"], *value["aliases"]]
        }
        return [spellings[key(row[feature["name"]])] for row in self.rows]

    def encode(self, manifest):
        """The manifest's inputs, each number imputed as the manifest says."""
        features = {feature["name"]: feature for feature in manifest["schema"]["features"]}
        columns = []
        for item in manifest["inputs"]:
            feature = features[item["feature"]]
            if item["encoding"] == "number":
                numbers = self.numbers(feature["name"])
                missing = item["missing"]
                columns.append(numbers if missing is None else numpy.nan_to_num(numbers, nan=missing))
            else:
                columns.append(numpy.array([item["values"][code] for code in self.codes(feature)]))
        return numpy.column_stack(columns)


def fitted_manifest(customers, algorithm):
    """The shipped manifest's schema and inputs, with the means of these customers for missing numbers."""
    # The forest's inputs are the plain ones: numbers as they are, and a column for each value.
    manifest = json.loads((MODELS / "random_forest" / "manifest.json").read_text())
    for item in manifest["inputs"]:
        if item["encoding"] == "number":
            item["missing"] = float(numpy.nanmean(customers.numbers(item["feature"])))
    return manifest | {
        "name": "reference",
        "algorithm": algorithm,
        "description": "Made by scikit-learn.",
        "calibration": IDENTITY,
        "metrics": {},
        "training": None,
    }


def scale(matrix):
    """Numbers standardised, flags as they are: the scaled matrix, means and scales."""
    scaler = StandardScaler().fit(matrix)
    is_flag = ((matrix == 0) | (matrix == 1)).all(axis=0)
    means, scales = numpy.where(is_flag, 0, scaler.mean_), numpy.where(is_flag, 1, scaler.scale_)
    return (matrix - means) / scales, means, scales


def linear_file(weights, intercept, means, scales):
    terms = [
        {"mean": float(mean), "scale": float(scale), "weight": float(weight)}
        for mean, scale, weight in zip(means, scales, weights)
    ]
    return {"format": "augur-linear-1", "intercept": float(intercept), "terms": terms}


def logistic(customers):
    manifest = fitted_manifest(customers, "logistic")
    scaled, means, scales = scale(customers.encode(manifest))
    model = LogisticRegression(C=1 / LOGISTIC_PENALTY, solver="newton-cholesky", tol=1e-12)
    model.fit(scaled, customers.labels)
    file = linear_file(model.coef_[0], model.intercept_[0], means, scales)
    return manifest, file, model.predict_proba(scaled)[:, 1]


def svm(customers):
    manifest = fitted_manifest(customers, "svm")
    scaled, means, scales = scale(customers.encode(manifest))
    # liblinear penalises the intercept unless its input is large.
    model = LinearSVC(
        C=SVM_COST, loss="squared_hinge", dual=False, intercept_scaling=1000, tol=1e-12, max_iter=100_000
    )
    model.fit(scaled, customers.labels)
    file = linear_file(model.coef_[0], model.intercept_[0], means, scales)
    return calibrated(manifest, file, model, scaled, customers.labels)


def hinge(customers):
    manifest = fitted_manifest(customers, "svm")
    scaled, means, scales = scale(customers.encode(manifest))
    model = SGDClassifier(loss="hinge", alpha=1e-3, random_state=1, max_iter=10_000, tol=1e-6)
    model.fit(scaled, customers.labels)
    file = linear_file(model.coef_[0], model.intercept_[0], means, scales)
    return calibrated(manifest, file, model, scaled, customers.labels)


def calibrated(manifest, file, model, scaled, labels):
    wrapped = CalibratedClassifierCV(FrozenEstimator(model), method="sigmoid").fit(scaled, labels)
    sigmoid = wrapped.calibrated_classifiers_[0].calibrators[0]
    # scikit-learn's sigmoid is 1 / (1 + exp(a * score + b)).
    manifest["calibration"] = {"slope": -float(sigmoid.a_), "offset": -float(sigmoid.b_)}
    return manifest, file, wrapped.predict_proba(scaled)[:, 1]


def random_forest(customers):
    manifest = fitted_manifest(customers, "random_forest")
    matrix = customers.encode(manifest)
    model = RandomForestClassifier(15, max_depth=6, min_samples_leaf=5, random_state=1).fit(
        matrix, customers.labels
    )
    file = {"format": "augur-forest-1", "roots": [], "inputs": [], "thresholds": [], "left": [], "right": []}
    file["leaves"] = []
    for estimator in model.estimators_:
        file["roots"].append(add_node(file, estimator.tree_, 0))
    return manifest, file, model.predict_proba(matrix)[:, 1]


def add_node(file, tree, node):
    if tree.children_left[node] < 0:
        counts = tree.value[node][0]
        file["leaves"].append(float(counts[1] / counts.sum()))
        return -len(file["leaves"])
    place = len(file["inputs"])
    file["inputs"].append(int(tree.feature[node]))
    file["thresholds"].append(float(tree.threshold[node]))
    file["left"].append(0)
    file["right"].append(0)
    file["left"][place] = add_node(file, tree, tree.children_left[node])
    file["right"][place] = add_node(file, tree, tree.children_right[node])
    return place


def shipped_catboost(customers):
    """The official library's answers for the model that we trained, wrote and ship."""
    manifest = json.loads((MODELS / "catboost" / "manifest.json").read_text())
    model = catboost.CatBoostClassifier().load_model(str(MODELS / "catboost" / "model.json"), format="json")
    assert model.feature_names_ == [item["name"] for item in manifest["inputs"]]
    matrix = customers.encode(manifest)
    raw = model.predict(matrix, prediction_type="RawFormulaVal")
    probabilities = model.predict_proba(matrix)[:, 1]
    assert max(abs(p - 1 / (1 + math.exp(-z))) for p, z in zip(probabilities, raw)) < 1e-12
    return {"model_sha256": manifest["sha256"], "raw": raw.tolist()}


def same_parameters(customers):
    """Official CatBoost trained with a missing mode on numbers that are partly missing."""
    names = ["tenure", "MonthlyCharges", "TotalCharges"]
    matrix = numpy.column_stack([customers.numbers(name) for name in names])
    # The test blanks the same cells.
    matrix[3::7, 1] = numpy.nan
    matrix[1::5, 0] = numpy.nan
    cases = []
    for nan_mode in ["Min", "Max"]:
        model = catboost.CatBoostClassifier(
            iterations=15, depth=4, learning_rate=0.2, nan_mode=nan_mode, random_seed=1, thread_count=1,
            verbose=0, allow_writing_files=False,
        )
        model.fit(catboost.Pool(matrix, customers.labels, feature_names=names))
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory) / "model.json"
            model.save_model(str(path), format="json")
            # What the model was trained with says nothing about its answers, and is long.
            file = json.loads(path.read_text())
        info = {"class_params": file["model_info"]["class_params"]}
        info["params"] = {"loss_function": file["model_info"]["params"]["loss_function"]}
        file["model_info"] = info
        raw = model.predict(matrix, prediction_type="RawFormulaVal")
        cases.append({"nan_mode": nan_mode, "model": json.dumps(file), "raw": raw.tolist()})
    return {"cases": cases}


def write(name, customers, content):
    versions = {"scikit-learn": sklearn.__version__, "catboost": catboost.__version__}
    content = {"versions": versions, "customers_sha256": customers.sha256} | content
    (HERE / name).write_text(json.dumps(content, separators=(",", ":")) + "\n")


def main():
    customers = Customers(sys.argv[1])
    for make in [logistic, svm, hinge, random_forest]:
        manifest, file, probabilities = make(customers)
        model = json.dumps(file)
        manifest["sha256"] = hashlib.sha256(model.encode()).hexdigest()
        content = {"manifest": manifest, "model": model, "probabilities": probabilities.tolist()}
        write(f"{make.__name__}.json", customers, content)
    write("shipped_catboost.json", customers, shipped_catboost(customers))
    write("catboost_missing.json", customers, same_parameters(customers))


if __name__ == "__main__":
    main()
