"""The official libraries' side of the benchmarks. Each call is a process of its own and prints JSON.

    peers.py fit KIND TRAIN.csv MODEL             makes a peer's model
    peers.py path KIND MODEL IN.csv OUT.csv       read_csv, prepare, predict, to_csv; imports are not timed
    peers.py forest TRAIN.csv DIRECTORY           a scikit-learn forest, in our format too, and its matrix
    peers.py forest-kernel DIRECTORY THREADS      predict_proba on that matrix
    peers.py catboost-kernel MODEL MATRIX WIDTH THREADS
    peers.py matrix DATA.csv MANIFEST MATRIX LABELS
    peers.py reasons KIND MODEL MATRIX WIDTH ROWS  contributions of the official library, one thread
    peers.py catboost-train MATRIX LABELS WIDTH THREADS PARAMETERS

The number of threads of a path is that of OMP_NUM_THREADS.
"""

import json
import os
import pickle
import sys
import time

import numpy
import pandas

NUMBERS = ["tenure", "MonthlyCharges", "TotalCharges"]
REPEATS = 3


def read(path):
    frame = pandas.read_csv(path)
    frame["TotalCharges"] = pandas.to_numeric(frame["TotalCharges"], errors="coerce")
    return frame


def features(frame):
    return frame.drop(columns=["customerID", "Churn"], errors="ignore")


def write(frame, probabilities, path):
    frame["stays"] = (probabilities < 0.5).astype(int)
    frame["churn_probability"] = probabilities.round(6)
    frame.to_csv(path, index=False)


def pipeline(kind, frame):
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, SplineTransformer, StandardScaler
    from sklearn.svm import LinearSVC

    numbers = [SimpleImputer()]
    if kind.endswith("-spline"):
        numbers.append(SplineTransformer(n_knots=5, degree=3, knots="quantile", extrapolation="linear"))
    numbers.append(StandardScaler())
    categories = [name for name in frame.columns if name not in NUMBERS]
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    prepare = ColumnTransformer([("n", make_pipeline(*numbers), NUMBERS), ("c", encoder, categories)])
    model = LinearSVC(C=0.05) if kind.startswith("svm") else LogisticRegression(max_iter=5000)
    return make_pipeline(prepare, model)


def fit(kind, data, path):
    frame = read(data)
    labels = (frame["Churn"] == "Yes").astype(int)
    frame = features(frame)
    with open(path, "wb") as file:
        pickle.dump(pipeline(kind, frame).fit(frame, labels), file)


def inputs_of(manifest, frame):
    """The inputs of one of our models as float32, by pandas and NumPy. One comparison for each column of a
    category, and one cast for each number, is the quickest way that we know."""
    matrix = numpy.empty((len(frame), len(manifest["inputs"])), dtype=numpy.float32)
    values = {feature["name"]: feature.get("values") for feature in manifest["schema"]["features"]}
    codes = {}
    for column, item in enumerate(manifest["inputs"]):
        name = item["feature"]
        if item["encoding"] == "number":
            numbers = frame[name].to_numpy(dtype=numpy.float64)
            if item.get("missing") is not None:
                numbers = numpy.nan_to_num(numbers, nan=item["missing"])
            matrix[:, column] = numbers
            continue
        if name not in codes:
            spellings = {}
            for code, value in enumerate(values[name]):
                for spelling in [value["value"], *value["aliases"]]:
                    spellings.setdefault(spelling, code)
                    if spelling.isdigit():
                        spellings.setdefault(int(spelling), code)
            codes[name] = frame[name].map(spellings).to_numpy()
        table = numpy.array(item["values"], dtype=numpy.float32)
        matrix[:, column] = table[codes[name]]
    return matrix


def network(file):
    """The layers of one of our networks in PyTorch."""
    import torch

    layers = []
    for layer in file["layers"]:
        if layer["kind"] == "batch_norm":
            norm = torch.nn.BatchNorm1d(len(layer["mean"]), eps=layer["epsilon"])
            with torch.no_grad():
                norm.running_mean[:] = torch.tensor(layer["mean"])
                norm.running_var[:] = torch.tensor(layer["variance"])
                norm.weight[:] = torch.tensor(layer["gamma"])
                norm.bias[:] = torch.tensor(layer["beta"])
            layers.append(norm)
        elif layer["kind"] == "dense":
            weights = torch.tensor(layer["weights"]).reshape(len(layer["biases"]), -1)
            dense = torch.nn.Linear(weights.shape[1], weights.shape[0])
            with torch.no_grad():
                dense.weight[:] = weights
                dense.bias[:] = torch.tensor(layer["biases"])
            layers.append(dense)
        else:
            layers.append(torch.nn.ReLU())
    return torch.nn.Sequential(*layers).eval()


def scorer(kind, model):
    """From a frame to raw probabilities before calibration, with everything loaded that can be."""
    if kind in ("logistic", "svm", "logistic-spline", "svm-spline"):
        with open(model, "rb") as file:
            fitted = pickle.load(file)
        if kind.startswith("svm"):
            return lambda frame: 1.0 / (1.0 + numpy.exp(-fitted.decision_function(features(frame))))
        return lambda frame: fitted.predict_proba(features(frame))[:, 1]
    with open(os.path.join(model, "manifest.json")) as file:
        manifest = json.load(file)
    if kind == "catboost":
        import catboost

        loaded = catboost.CatBoost()
        loaded.load_model(os.path.join(model, "model.json"), format="json")
        threads = int(os.environ["OMP_NUM_THREADS"])
        raw = lambda frame: loaded.predict(inputs_of(manifest, frame), thread_count=threads)
        return lambda frame: 1.0 / (1.0 + numpy.exp(-raw(frame)))
    import torch

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    with open(os.path.join(model, "model.json")) as file:
        nets = [network(one) for one in json.load(file)["networks"]]

    def score(frame):
        inputs = torch.from_numpy(inputs_of(manifest, frame))
        with torch.no_grad():
            outputs = [sum(net(batch)[:, 0] for net in nets) / len(nets) for batch in inputs.split(65_536)]
        return torch.sigmoid(torch.cat(outputs)).numpy().astype(numpy.float64)

    return score


def path(kind, model, data, out):
    score = scorer(kind, model)
    start = time.perf_counter()
    frame = read(data)
    after_read = time.perf_counter()
    probabilities = score(frame)
    after_score = time.perf_counter()
    write(frame, probabilities, out)
    end = time.perf_counter()
    parts = {"read": after_read - start, "score": after_score - after_read, "write": end - after_score}
    return {"rows": len(frame), "seconds": end - start, **parts}


def best(call):
    """The least of a few wall times, and what the last call answered."""
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        answer = call()
        seconds.append(time.perf_counter() - start)
    return min(seconds), answer


def forest(data, directory):
    from sklearn.ensemble import RandomForestClassifier

    frame = read(data)
    labels = (frame["Churn"] == "Yes").astype(int)
    with open(os.path.join(directory, "template.json")) as file:
        manifest = json.load(file)
    matrix = numpy.nan_to_num(inputs_of(manifest, frame), nan=0.0)
    model = RandomForestClassifier(500, max_depth=10, n_jobs=-1, random_state=1).fit(matrix, labels)
    with open(os.path.join(directory, "forest.pickle"), "wb") as file:
        pickle.dump(model, file)
    matrix.tofile(os.path.join(directory, "matrix.f32"))
    with open(os.path.join(directory, "model.json"), "w") as file:
        json.dump(flat(model), file)
    return {"rows": len(matrix), "width": matrix.shape[1]}


def flat(model):
    """A forest of scikit-learn as augur-forest-1."""
    file = {"format": "augur-forest-1", "roots": [], "inputs": [], "thresholds": [], "left": [], "right": []}
    file["leaves"] = []
    for estimator in model.estimators_:
        tree = estimator.tree_
        inner = [node for node in range(tree.node_count) if tree.children_left[node] >= 0]
        first = len(file["inputs"])
        place = {node: first + count for count, node in enumerate(inner)}
        for node in range(tree.node_count):
            if tree.children_left[node] < 0:
                share = tree.value[node][0]
                place[node] = -1 - len(file["leaves"])
                file["leaves"].append(float(share[1] / share.sum()))
        for node in inner:
            file["inputs"].append(int(tree.feature[node]))
            file["thresholds"].append(float(tree.threshold[node]))
            file["left"].append(place[tree.children_left[node]])
            file["right"].append(place[tree.children_right[node]])
        file["roots"].append(place[0])
    return file


def forest_kernel(directory, threads):
    with open(os.path.join(directory, "forest.pickle"), "rb") as file:
        model = pickle.load(file)
    model.n_jobs = int(threads)
    matrix = numpy.fromfile(os.path.join(directory, "matrix.f32"), dtype=numpy.float32)
    matrix = matrix.reshape(-1, model.n_features_in_)
    seconds, answer = best(lambda: model.predict_proba(matrix))
    return {"rows": len(matrix), "seconds": seconds, "checksum": float(answer[:, 1].sum())}


def catboost_kernel(model, matrix, width, threads):
    import catboost

    loaded = catboost.CatBoost()
    loaded.load_model(model, format="json")
    rows = numpy.fromfile(matrix, dtype=numpy.float32).reshape(-1, int(width))
    forms = {"rows": rows, "columns": numpy.asfortranarray(rows), "pool": catboost.Pool(rows)}
    found = {}
    for name, form in forms.items():
        predict = lambda form=form: loaded.predict(form, prediction_type="RawFormulaVal", thread_count=int(threads))
        found[name], answer = best(predict)
    quickest = min(found, key=found.get)
    checksum = float(answer.sum())
    return {"rows": len(rows), "seconds": found[quickest], "form": quickest, "checksum": checksum}


def reasons(kind, model, matrix, width, rows):
    """Contributions of each input and the base, by the library that the model's format is of, or by `shap`."""
    import catboost

    values = numpy.fromfile(matrix, dtype=numpy.float32).reshape(-1, int(width))[: int(rows)]
    loaded = catboost.CatBoost()
    loaded.load_model(model, format="json")
    if kind == "catboost":
        pool = catboost.Pool(values)
        seconds, answer = best(lambda: loaded.get_feature_importance(pool, type="ShapValues", thread_count=1))
    else:
        import shap

        explainer = shap.TreeExplainer(loaded, feature_perturbation="tree_path_dependent")
        seconds, answer = best(lambda: explainer.shap_values(values))
    return {"rows": len(values), "seconds": seconds, "checksum": float(numpy.asarray(answer).sum())}


def matrix(data, manifest, path, labels):
    frame = read(data)
    with open(manifest) as file:
        values = inputs_of(json.load(file), frame)
    values.tofile(path)
    (frame["Churn"] == "Yes").to_numpy().astype(numpy.uint8).tofile(labels)
    return {"rows": len(values), "width": values.shape[1]}


def catboost_train(matrix, labels, width, threads, parameters):
    import catboost

    rows = numpy.fromfile(matrix, dtype=numpy.float32).reshape(-1, int(width))
    labels = numpy.fromfile(labels, dtype=numpy.uint8)
    settings = {**json.loads(parameters), "thread_count": int(threads), "verbose": False, "random_seed": 1}
    settings |= {"metric_period": 1_000_000, "allow_writing_files": False, "boosting_type": "Plain", "loss_function": "Logloss"}
    start = time.perf_counter()
    catboost.CatBoost(settings).fit(catboost.Pool(rows, labels))
    return {"rows": len(rows), "seconds": time.perf_counter() - start}


CALLS = {
    "fit": fit,
    "path": path,
    "forest": forest,
    "forest-kernel": forest_kernel,
    "catboost-kernel": catboost_kernel,
    "reasons": reasons,
    "matrix": matrix,
    "catboost-train": catboost_train,
}

if __name__ == "__main__":
    print(json.dumps(CALLS[sys.argv[1]](*sys.argv[2:])))
