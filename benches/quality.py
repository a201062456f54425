"""Cross-validates our algorithms and the official libraries on the same folds, and writes the table.

    python benches/quality.py AUGUR CUSTOMERS.csv OUTPUT.md

AUGUR is the program; CUSTOMERS.csv has a column Churn. Peers get the parameters that grid searches on the
same kind of data found good for them; they are written below, beside their names.
"""

import json
import pathlib
import platform
import subprocess
import sys
import tempfile
import warnings

import catboost
import numpy
import pandas
import sklearn
import torch
import xgboost
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, SplineTransformer, StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from folds import stratified

FOLDS = 5
SEEDS = (1, 2, 3)
NUMBERS = ["tenure", "MonthlyCharges", "TotalCharges"]
OURS = ["logistic", "svm", "decision_tree", "random_forest", "catboost", "xgboost", "mlp"]


def read(path):
    frame = pandas.read_csv(path, dtype=str, keep_default_na=False)
    labels = (frame["Churn"].str.strip().str.lower() == "yes").to_numpy().astype(int)
    frame = frame.drop(columns=["Churn", "customerID"])
    for name in NUMBERS:
        frame[name] = pandas.to_numeric(frame[name].str.strip(), errors="coerce")
    # A customer in the first month has no total yet.
    frame["TotalCharges"] = frame["TotalCharges"].fillna(0.0)
    return frame, labels


def tabular(frame, numbers):
    """One-hot categories beside numbers that go through `numbers`."""
    categories = [name for name in frame.columns if name not in NUMBERS]
    parts = [("c", OneHotEncoder(handle_unknown="ignore", sparse_output=False), categories)]
    return ColumnTransformer([("n", numbers, NUMBERS), *parts])


class Network:
    """The network of our own recipe in PyTorch: batch normalisation, dense, ReLU, dropout, one output; three
    of them averaged, each stopped early on a tenth of the customers that it only watches."""

    HIDDEN, NETWORKS, DROPOUT = (32,), 3, 0.5
    EPOCHS, BATCH, RATE, DECAY, PATIENCE = 100, 256, 0.01, 0.5, 10

    def fit(self, inputs, labels):
        part = numpy.array(stratified(labels, 10, 7)) == 0
        x, y = (torch.tensor(values, dtype=torch.float32) for values in (inputs, labels))
        self.nets = [self.fit_one(x[~part], y[~part], x[part], y[part], seed) for seed in range(self.NETWORKS)]
        return self

    def fit_one(self, x, y, x_stop, y_stop, seed):
        torch.manual_seed(seed)
        layers, width = [torch.nn.BatchNorm1d(x.shape[1])], x.shape[1]
        for units in self.HIDDEN:
            dense = torch.nn.Linear(width, units)
            torch.nn.init.kaiming_normal_(dense.weight, nonlinearity="relu")
            torch.nn.init.zeros_(dense.bias)
            layers += [dense, torch.nn.ReLU(), torch.nn.Dropout(self.DROPOUT)]
            width = units
        net = torch.nn.Sequential(*layers, torch.nn.Linear(width, 1))
        weights = [layer.weight for layer in net if isinstance(layer, torch.nn.Linear)]
        others = [one for one in net.parameters() if all(one is not weight for weight in weights)]
        groups = [{"params": weights, "weight_decay": self.DECAY}, {"params": others, "weight_decay": 0.0}]
        optimizer = torch.optim.AdamW(groups, lr=self.RATE)
        loss_of = torch.nn.BCEWithLogitsLoss()
        best, best_state, waited = float("inf"), None, 0
        for _ in range(self.EPOCHS):
            net.train()
            for rows in torch.tensor_split(torch.randperm(len(x)), max(len(x) // self.BATCH, 1)):
                optimizer.zero_grad()
                loss_of(net(x[rows])[:, 0], y[rows]).backward()
                optimizer.step()
            net.eval()
            with torch.no_grad():
                loss = loss_of(net(x_stop)[:, 0], y_stop).item()
            if loss < best:
                best, waited = loss, 0
                best_state = {name: value.clone() for name, value in net.state_dict().items()}
                continue
            waited += 1
            if waited >= self.PATIENCE:
                break
        net.load_state_dict(best_state)
        return net.eval()

    def scores(self, inputs):
        with torch.no_grad():
            x = torch.tensor(inputs, dtype=torch.float32)
            return numpy.mean([net(x)[:, 0].numpy() for net in self.nets], axis=0)


def linear(make, numbers):
    def score(train, labels, test):
        model = make_pipeline(tabular(train, numbers), make)
        return model.fit(train, labels).decision_function(test)

    return score


def trees(make):
    def score(train, labels, test):
        prepare = tabular(train, "passthrough").fit(train)
        return make.fit(prepare.transform(train), labels).predict_proba(prepare.transform(test))[:, 1]

    return score


def network(train, labels, test):
    torch.set_num_threads(1)
    prepare = tabular(train, StandardScaler()).fit(train)
    inputs, others = prepare.transform(train), prepare.transform(test)
    return Network().fit(inputs, labels).scores(others)


def splines(knots):
    return make_pipeline(SplineTransformer(n_knots=knots, degree=3, knots="quantile", extrapolation="linear"))


def peers():
    """Each peer: which of ours it stands beside, what it is, and how it scores unseen customers."""
    forest = RandomForestClassifier(300, min_samples_leaf=25, max_features=10, n_jobs=-1, random_state=1)
    cat = catboost.CatBoostClassifier(
        iterations=600, depth=3, learning_rate=0.02, l2_leaf_reg=5, rsm=0.25, bootstrap_type="Bernoulli",
        subsample=0.6, random_seed=1, verbose=False, allow_writing_files=False,
    )  # fmt: skip
    xgb = xgboost.XGBClassifier(
        n_estimators=300, max_depth=2, learning_rate=0.03, subsample=0.6, colsample_bytree=0.4, random_state=1
    )
    logistic = LogisticRegression(C=1.0, max_iter=5000)
    bent_logistic = LogisticRegression(C=0.1, max_iter=5000)
    svm = LinearSVC(C=0.05, max_iter=50_000)
    bent_svm = LinearSVC(C=0.01, class_weight="balanced", max_iter=50_000)
    tree = DecisionTreeClassifier(max_depth=7, min_samples_leaf=120, random_state=1)
    return [
        ("logistic", "scikit-learn LogisticRegression, C 1", linear(logistic, StandardScaler())),
        ("logistic", "the same on SplineTransformer, 12 knots, C 0.1", linear(bent_logistic, splines(12))),
        ("svm", "scikit-learn LinearSVC, C 0.05", linear(svm, StandardScaler())),
        ("svm", "the same on SplineTransformer, 12 knots, balanced, C 0.01", linear(bent_svm, splines(12))),
        ("decision_tree", "scikit-learn DecisionTreeClassifier, depth 7, leaf 120", trees(tree)),
        ("random_forest", "scikit-learn RandomForestClassifier, 300 trees, leaf 25, 10 features", trees(forest)),
        ("catboost", "CatBoostClassifier, 600 trees, depth 3, rate 0.02, l2 5, rsm 0.25, subsample 0.6", trees(cat)),
        ("xgboost", "XGBClassifier, 300 trees, depth 2, eta 0.03, subsample 0.6, colsample 0.4", trees(xgb)),
        ("mlp", "PyTorch, the same architecture and recipe", network),
    ]


def judge_peer(score, frame, labels, seed):
    fold_of = numpy.array(stratified(labels, FOLDS, seed))
    areas, precisions = [], []
    for fold in range(FOLDS):
        inside = fold_of == fold
        scores = score(frame[~inside], labels[~inside], frame[inside])
        areas.append(roc_auc_score(labels[inside], scores))
        precisions.append(average_precision_score(labels[inside], scores))
    return numpy.mean(areas), numpy.mean(precisions)


def judge_ours(augur, algorithm, data, seed, directory):
    out = directory / f"{algorithm}-{seed}"
    command = [augur, "train", "--algorithm", algorithm, "--data", data, "--out", out, "--json"]
    command += ["--hold-out", "0", "--folds", str(FOLDS), "--seed", str(seed)]
    answer = subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True)
    return json.loads(answer.stdout)["manifest"]["metrics"]


def spread(values):
    return f"{numpy.mean(values):.4f} ({min(values):.4f} to {max(values):.4f})"


def lines(augur, data):
    frame, labels = read(data)
    seeds = ", ".join(map(str, SEEDS))
    yield "| Algorithm | Who | ROC AUC: mean over seeds (least to most) | Average precision | Calibration error |"
    yield "|---|---|---|---|---|"
    with tempfile.TemporaryDirectory() as directory:
        for algorithm in OURS:
            ours = [judge_ours(augur, algorithm, data, seed, pathlib.Path(directory)) for seed in SEEDS]
            column = {name: [metrics[name] for metrics in ours] for name in ours[0]}
            error = max(column["calibration_error"])
            precision = numpy.mean(column["average_precision"])
            yield f"| {algorithm} | **Augur** | {spread(column['auc'])} | {precision:.4f} | {error:.4f} at most |"
            for of, name, score in peers():
                if of == algorithm:
                    found = [judge_peer(score, frame, labels, seed) for seed in SEEDS]
                    areas, precisions = zip(*found)
                    yield f"| {algorithm} | {name} | {spread(areas)} | {numpy.mean(precisions):.4f} | |"
    yield ""
    yield (
        f"{len(labels):,} customers, {labels.sum():,} of whom left; {FOLDS} stratified folds, seeds {seeds}, the same "
        "customers in the same folds on both sides. AUC is the mean of the folds'. Average precision: ours on the "
        "pooled calibrated predictions, the peers' the mean of the folds'. Calibration error: pooled out-of-fold "
        "predictions, calibrated without the customer's own fold, in 10 bins of equal count."
    )
    yield ""
    yield (
        f"Python {platform.python_version()}, scikit-learn {sklearn.__version__}, CatBoost {catboost.__version__}, "
        f"XGBoost {xgboost.__version__}, PyTorch {torch.__version__}, NumPy {numpy.__version__}."
    )


def main():
    augur, data, output = sys.argv[1:]
    warnings.filterwarnings("ignore")
    table = []
    for line in lines(augur, data):
        print(line, flush=True)
        table.append(line)
    path = pathlib.Path(output)
    before, mark = "", "<!-- written by benches/quality.py from here on -->\n"
    if path.exists() and mark in path.read_text():
        before = path.read_text().split(mark)[0]
    path.write_text(before + mark + "\n".join(table) + "\n")


if __name__ == "__main__":
    main()
