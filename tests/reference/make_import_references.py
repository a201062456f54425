"""Writes models of the official CatBoost and XGBoost, and what they answer, into imports/ beside this script.

    python3 -m venv /tmp/references && /tmp/references/bin/pip install catboost xgboost pandas
    /tmp/references/bin/python tests/reference/make_import_references.py

All rows are invented here. CI does not run this script; the answers in the repository are those of the
versions named in each file.
"""

import hashlib
import json
import pathlib
import tempfile

import catboost
import numpy
import pandas
import xgboost

HERE = pathlib.Path(__file__).parent / "imports"
COLORS = ["red", "Grün", "", "日本", "blue sky", "a rather long value of more than thirty-two bytes", "0", "-1"]
UNMET = ["violet", "nan", "x" * 100]


def rows(count, seed):
    """Two numbers, partly missing, two categories, and whether the row is of class 1."""
    random = numpy.random.default_rng(seed)
    numbers = random.normal(size=(count, 2)).astype(numpy.float32).astype(float).round(3)
    color = random.choice(COLORS, size=count)
    size = random.choice(["1", "2", "3", "10"], size=count)
    logit = numbers[:, 0] - (color == "red") + (color == "日本") * (size == "2") * 2
    logit += numpy.where(numbers[:, 1] > 0, size == "1", size == "10")
    label = (logit + random.normal(size=count) > 0.2).astype(int)
    frame = pandas.DataFrame({"first": numbers[:, 0], "second": numbers[:, 1], "color": color, "size": size})
    return frame, label


def with_gaps(frame, seed):
    frame, random = frame.copy(), numpy.random.default_rng(seed)
    for name in ["first", "second"]:
        frame.loc[random.random(len(frame)) < 0.25, name] = numpy.nan
    return frame


def questions(columns):
    """Rows that nobody trained on: missing and extreme numbers, values that were never met."""
    frame = with_gaps(rows(150, 99)[0], 98)
    frame.loc[:6, "first"] = [1e300, -1e300, 0.0, -0.0, 3.5e38, 1e-46, 0.1]
    frame.loc[7:9, "color"] = UNMET
    frame.loc[10:11, "size"] = ["4", ""]
    return frame[columns]


def trim(path):
    """What a model was trained with says nothing about its answers, and is long."""
    file = json.loads(path.read_text())
    info = file.get("model_info", {})
    params = info.get("params", {})
    file["model_info"] = {
        "class_params": info.get("class_params"),
        "params": {"loss_function": params.get("loss_function", {"type": "Logloss"})},
    }
    if "binclass_probability_threshold" in info:
        file["model_info"]["binclass_probability_threshold"] = info["binclass_probability_threshold"]
    return file


def plain(frame):
    return [[None if value != value else value for value in row] for row in frame.values.tolist()]


def write(name, content):
    content = {"versions": {"catboost": catboost.__version__, "xgboost": xgboost.__version__}} | content
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n"
    assert len(text) < 60_000, (name, len(text))
    (HERE / f"{name}.json").write_text(text)
    print(name, len(text))


def catboost_case(name, columns, gaps=True, scale=None, **parameters):
    frame, label = rows(600, 7)
    frame = with_gaps(frame, 8) if gaps else frame
    categories = [column for column in columns if column in ["color", "size"]]
    parameters = {"iterations": 6, "depth": 3, "learning_rate": 0.3, "border_count": 16} | parameters
    model = catboost.CatBoostClassifier(
        random_seed=1, thread_count=1, verbose=0, allow_writing_files=False, **parameters
    )
    pool = catboost.Pool(frame[columns], label, cat_features=categories)
    model.fit(pool)
    if scale:
        model.set_scale_and_bias(*scale)
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory) / "model.json"
        model.save_model(str(path), format="json", pool=pool)
        file = trim(path)
    ctrs = file["features_info"].get("ctrs") or []
    elements = {element["combination_element"] for ctr in ctrs for element in ctr["elements"]}
    print(name, sorted(elements), max([len(ctr["elements"]) for ctr in ctrs], default=0))
    asked = questions(columns)
    raw = model.predict(catboost.Pool(asked, cat_features=categories), prediction_type="RawFormulaVal")
    write(name, {"model": file, "rows": plain(asked), "raw": raw.tolist()})


def leaf(place):
    return ((place * 2654435761) % 1048576) / 1048576 - 0.5


def catboost_by_hand(name, features, trees, asked, fill):
    """A model that is too large for a file: `fill` says what the test puts in, as is done here."""
    full_features = [dict(feature) for feature in features]
    full_trees = [dict(tree) for tree in trees]
    if fill == "borders":
        full_features[0]["borders"] = [step / 64 - 500 for step in range(65_535)]
    if fill == "leaves":
        full_trees[0]["leaf_values"] = [leaf(place) for place in range(1 << 16)]
    for tree in full_trees:
        tree["leaf_weights"] = [1] * len(tree["leaf_values"])
    file = {"features_info": {"float_features": full_features}, "model_info": {}}
    file |= {"oblivious_trees": full_trees, "scale_and_bias": [1, [0]]}
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory) / "model.json"
        path.write_text(json.dumps(file))
        model = catboost.CatBoost().load_model(str(path), format="json")
    raw = model.predict(numpy.array(asked, dtype=float), prediction_type="RawFormulaVal")
    file["features_info"]["float_features"], file["oblivious_trees"] = features, trees
    asked = [[None if value != value else value for value in row] for row in asked]
    write(name, {"model": file, "fill": fill, "rows": asked, "raw": raw.tolist()})


def split(feature, border, index):
    return {
        "border": border,
        "float_feature_index": feature,
        "split_index": index,
        "split_type": "FloatFeature",
    }


def feature(place, borders, treatment="AsIs", has_nans=False):
    return {
        "borders": borders,
        "feature_id": f"n{place}",
        "feature_index": place,
        "flat_feature_index": place,
        "has_nans": has_nans,
        "nan_value_treatment": treatment,
    }


def by_hand():
    random = numpy.random.default_rng(3)
    asked = random.normal(size=(100, 16)).round(3)
    asked[5:15, 3] = numpy.nan
    features = [feature(place, [0.0]) for place in range(16)]
    tree = {"leaf_values": [], "splits": [split(place, 0.0, place) for place in range(16)]}
    catboost_by_hand("catboost_depth_16", features, [tree], asked.tolist(), "leaves")

    borders = [step / 64 - 500 for step in [0, 1, 255, 256, 32_767, 32_768, 65_533, 65_534]]
    indexes = [0, 1, 255, 256, 32_767, 32_768, 65_533, 65_534]
    trees = [
        {"leaf_values": [0, 2**-place], "splits": [split(0, border, index)]}
        for place, (border, index) in enumerate(zip(borders, indexes))
    ]
    asked = [[border + step] for border in borders for step in [-0.01, 0, 0.01]] + [[numpy.nan]]
    catboost_by_hand("catboost_many_borders", [feature(0, None)], trees, asked, "borders")

    limits = [-3.4028234663852886e38, 0.0, 3.4028234663852886e38]
    kinds = [(treatment, has) for treatment in ["AsIs", "AsFalse", "AsTrue"] for has in [False, True]]
    features = [feature(place, limits, *kind) for place, kind in enumerate(kinds)]
    trees = [
        {"leaf_values": [0, 2**-(3 * place + index)], "splits": [split(place, border, 3 * place + index)]}
        for place in range(6)
        for index, border in enumerate(limits)
    ]
    trees.append({"leaf_values": [0.125], "splits": None})
    asked = [[value] * 6 for value in [numpy.nan, 0.0, 1.0, -1.0, 1e300, -1e300, 3.4028234663852886e38]]
    catboost_by_hand("catboost_missing_kinds", features, trees, asked, None)


def hashes():
    random = numpy.random.default_rng(4)
    letters = list("abc XYZ_-\"\\/\tüß日本語€😀0123456789")
    lengths = sorted([*range(70), *range(70, 200, 5), 64, 128, 129, 256] * 2)
    values = sorted({"".join(random.choice(letters, size=length)) for length in lengths} | {"nan", "1.0", "-1"})
    frame = pandas.DataFrame({"value": values})
    pool = catboost.Pool(frame, [place % 2 for place in range(len(values))], cat_features=["value"])
    model = catboost.CatBoostClassifier(
        iterations=1, depth=1, one_hot_max_size=255, thread_count=1, verbose=0, allow_writing_files=False
    )
    model.fit(pool)
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory) / "model.json"
        model.save_model(str(path), format="json", pool=pool)
        found = json.loads(path.read_text())["features_info"]["cat_features_hash"]
    assert len(found) == len(values)
    write("catboost_hashes", {"hashes": sorted([entry["value"], entry["hash"]] for entry in found)})


def xgboost_case(name, booster, frame):
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory) / "model.json"
        booster.save_model(str(path))
        file = json.loads(path.read_text())
    for tree in file["learner"]["gradient_booster"]["model"]["trees"][2:]:
        for unused in ["base_weights", "loss_changes", "parents", "sum_hessian", "split_type"]:
            del tree[unused]
    if isinstance(booster, xgboost.XGBClassifier):
        # An estimator stops at its best iteration, a booster does not.
        raw = booster.predict(frame, output_margin=True)
    else:
        names = booster.feature_names
        matrix = xgboost.DMatrix(frame if names else frame.to_numpy(), nthread=1)
        raw = booster.predict(matrix, output_margin=True)
    write(name, {"model": file, "rows": plain(frame), "raw": [float(value) for value in raw]})


def xgboost_models():
    frame, label = rows(600, 7)
    frame = with_gaps(frame, 8)[["first", "second"]]
    asked = questions(["first", "second"])
    asked.loc[:6, "first"] = [3.4e38, -3.4e38, 0.0, -0.0, 1e-30, 1e-46, 0.1]
    base = {"objective": "binary:logistic", "nthread": 1, "seed": 1}
    cases = {
        "plain": ({"max_depth": 3}, 8),
        "base_score": ({"max_depth": 2, "base_score": 0.3, "scale_pos_weight": 2}, 4),
        "lossguide": ({"grow_policy": "lossguide", "max_leaves": 12, "max_depth": 0, "tree_method": "hist"}, 6),
        "pruned": ({"max_depth": 5, "gamma": 3, "tree_method": "exact"}, 6),
        "parallel": ({"max_depth": 3, "num_parallel_tree": 3, "subsample": 0.7}, 3),
        "stumps": ({"max_depth": 1, "eta": 0.05}, 100),
    }
    for name, (parameters, rounds) in cases.items():
        trained = xgboost.train(base | parameters, xgboost.DMatrix(frame, label, nthread=1), rounds)
        xgboost_case(f"xgboost_{name}", trained, asked)
    # Nothing but the names and positions of the columns tells them apart.
    matrix, unnamed = frame.to_numpy(), asked.to_numpy()
    trained = xgboost.train(base | {"max_depth": 2}, xgboost.DMatrix(matrix, label, nthread=1), 3)
    xgboost_case("xgboost_unnamed", trained, pandas.DataFrame(unnamed, columns=["f0", "f1"]))
    other, other_label = rows(200, 17)
    estimator = xgboost.XGBClassifier(
        n_estimators=30, max_depth=3, learning_rate=0.9, early_stopping_rounds=5, n_jobs=1, random_state=1
    )
    estimator.fit(frame, label, eval_set=[(other[["first", "second"]], other_label)], verbose=False)
    assert estimator.best_iteration + 1 < len(estimator.get_booster().get_dump())
    xgboost_case("xgboost_stopped", estimator, asked)


def catboost_models():
    numbers, everything = ["first", "second"], ["first", "color", "second", "size"]
    for mode in ["Min", "Max"]:
        catboost_case(f"catboost_nan_{mode.lower()}", numbers, nan_mode=mode)
    catboost_case("catboost_nan_forbidden", numbers, gaps=False, nan_mode="Forbidden")
    catboost_case("catboost_depth_1", numbers, depth=1, iterations=20, scale=(0.7, -0.2))
    one_hot = {"one_hot_max_size": 255}
    catboost_case("catboost_one_hot", everything, iterations=12, depth=4, **one_hot)
    for policy in ["Lossguide", "Depthwise"]:
        catboost_case(f"catboost_{policy.lower()}", everything, grow_policy=policy, depth=5, **one_hot)
    catboost_case("catboost_constant", numbers, grow_policy="Depthwise", min_data_in_leaf=600, iterations=2)
    deep = {"grow_policy": "Lossguide", "depth": 16, "max_leaves": 40, "iterations": 2}
    catboost_case("catboost_lossguide_deep", numbers, **deep)
    small = {"depth": 4, "iterations": 8, "model_size_reg": 0, "max_ctr_complexity": 4}
    for kind in ["Borders", "Buckets", "BinarizedTargetMeanValue", "Counter"]:
        ctr = {"simple_ctr": [kind], "combinations_ctr": [kind], "one_hot_max_size": 1}
        catboost_case(f"catboost_ctr_{kind.lower()}", everything, **small, **ctr)
    catboost_case("catboost_ctr_combinations", everything, one_hot_max_size=4, **small)
    policy = {"grow_policy": "Lossguide", "max_leaves": 12}
    catboost_case("catboost_ctr_lossguide", everything, one_hot_max_size=4, **small, **policy)


if __name__ == "__main__":
    HERE.mkdir(exist_ok=True)
    hashes()
    by_hand()
    catboost_models()
    xgboost_models()
