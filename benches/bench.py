"""Measures Augur and the official libraries on the same rows, in turn, and writes the table.

    python benches/bench.py AUGUR PATH KERNELS TRAINING WORK OUTPUT.md [--rows N] [--only PART]

AUGUR is the program; PATH, KERNELS and TRAINING are the benchmarks of crates/scoring and crates/learning; WORK is
a directory for data and models.
All customers are generated. Each pair runs on one core, and on all where that is told; the better of a few
runs counts on both sides. Peers are timed without their imports, ours with the start of the process.
"""

import argparse
import json
import math
import os
import pathlib
import platform
import subprocess
import sys
import time
from importlib.metadata import version

HERE = pathlib.Path(__file__).parent
CORES = len(os.sched_getaffinity(0))
RUNS = 2
TRAIN_ROWS = 20_000
FOREST_ROWS = (5_205, 50_000)
TRAINING_ROWS = (5_205, 100_000)
# The official libraries explain a few thousand rows a second.
REASON_ROWS = 5_000
# What the boosted models have in common with the official package's.
BOOSTING = {"trees": 500, "depth": 6, "learning_rate": 0.03, "borders_max": 254, "leaf_penalty": 3.0}
BOOSTING |= {"row_share": 1.0, "column_share": 1.0, "patience": 0}


def run(command, threads):
    """Runs a command on so many cores; its output, wall time and peak memory in bytes."""
    environment = {**os.environ}
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS"):
        environment[name] = str(threads)
    cores = ",".join(map(str, sorted(os.sched_getaffinity(0))[-threads:]))
    start = time.perf_counter()
    process = subprocess.Popen(
        ["taskset", "-c", cores, *map(str, command)], env=environment, stdout=subprocess.PIPE, text=True
    )
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"failed: {' '.join(map(str, command))}")
    return output, time.perf_counter() - start, usage.ru_maxrss * 1024


def timings(output):
    """A line of JSON for each repeat; a rate by a processor time too short to be seen is none."""
    return [json.loads(line.replace(":inf", ":null")) for line in output.splitlines()]


class Bench:
    def __init__(self, arguments):
        self.augur = pathlib.Path(arguments.augur).resolve()
        self.kernels = pathlib.Path(arguments.kernels).resolve()
        self.training_bench = pathlib.Path(arguments.training).resolve()
        self.path_bench = pathlib.Path(arguments.path).resolve()
        self.work = pathlib.Path(arguments.work).resolve()
        self.rows = arguments.rows
        self.lines = []
        self.work.mkdir(parents=True, exist_ok=True)

    # Data and models -------------------------------------------------------------------------------

    def customers(self, rows, labels=False):
        path = self.work / f"customers-{rows}{'-labels' if labels else ''}.csv"
        if not path.exists():
            run([self.augur, "demo-data", "--rows", rows, *(["--labels"] if labels else []), "-o", path], 1)
        return path

    def quoted(self, path):
        """The same customers with every cell in quotes."""
        quoted = path.with_suffix(".quoted.csv")
        if not quoted.exists():
            with path.open() as source, quoted.open("w") as target:
                for line in source:
                    target.write('"' + line.rstrip("\n").replace(",", '","') + '"\n')
        return quoted

    def trained(self, name, algorithm, **settings):
        directory = self.work / name
        if not (directory / "manifest.json").exists():
            command = [self.augur, "train", "--algorithm", algorithm, "--out", directory, "--folds", 2]
            command += ["--data", self.customers(TRAIN_ROWS, labels=True), "--hold-out", 0]
            run(command + [part for item in settings.items() for part in ("--set", "=".join(map(str, item)))], CORES)
        return directory

    def peer(self, *call, threads=1):
        output, _, memory = run([sys.executable, HERE / "peers.py", *call], threads)
        return {**(json.loads(output) or {}), "memory": memory}

    def kernel(self, *call, level=None, threads=1):
        if level:
            os.environ["AUGUR_SIMD"] = level
        output, _, _ = run([self.kernels, *call], threads)
        os.environ.pop("AUGUR_SIMD", None)
        return json.loads(output)

    # Tables ----------------------------------------------------------------------------------------

    def write(self, line=""):
        print(line, flush=True)
        self.lines.append(line)

    def path_row(self, name, kind, model, peer_model, data, goal, threads):
        out = self.work / "out.csv"
        predict = [self.augur, "predict", "--model", model, "--threads", threads, data, "-o", out]
        alone = [self.path_bench, model, data, "--threads", threads, "--repeats", RUNS, "--output", out]
        commands, theirs = [], []
        for _ in range(RUNS):
            theirs.append(self.peer("path", kind, peer_model, data, out, threads=threads))
            expected = self.probabilities(out)
            commands.append(run(predict, threads)[1:])
            if kind in ("catboost", "mlp"):
                self.compare(name, model, expected, self.probabilities(out))
        scored = timings(run(alone, threads)[0])
        parsed = timings(run([*alone[:-2], "--mode", "parse"], threads)[0])
        rows, seconds = theirs[0]["rows"], min(one["seconds"] for one in scored)
        share = min(one["seconds"] for one in parsed) / seconds
        command, memory = min(seconds for seconds, _ in commands), max(memory for _, memory in commands)
        theirs = min(theirs, key=lambda one: one["seconds"])
        parts = ", ".join(f"{part} {theirs[part]:.1f}" for part in ("read", "score", "write"))
        self.write(
            f"| {name} | {threads} | {rows / seconds / 1e6:.2f} M/s | {rows / theirs['seconds'] / 1e6:.3f} M/s ({parts} s) "
            f"| **{theirs['seconds'] / seconds:.1f}** | {goal} | {theirs['seconds'] / command:.1f} | {share:.0%} "
            f"| {memory / 1e6:.0f} MB | {theirs['memory'] / 1e6:.0f} MB |"
        )
        out.unlink(missing_ok=True)

    def probabilities(self, path):
        with path.open() as file:
            return [float(line.rsplit(",", 1)[1].strip('"\n')) for line in list(file)[1:10_001]]

    def compare(self, name, model, theirs, ours):
        """The same model must give the same answers: theirs come without our calibration."""
        calibration = json.loads((model / "manifest.json").read_text())["calibration"]
        if "slope" not in calibration:
            return
        for peer, own in zip(theirs, ours):
            log_odds = math.log(min(max(peer, 1e-6), 1 - 1e-6) / (1 - min(max(peer, 1e-6), 1 - 1e-6)))
            calibrated = 1 / (1 + math.exp(-(calibration["slope"] * log_odds + calibration["offset"])))
            if abs(calibrated - own) > 2e-5:
                sys.exit(f"{name}: the peer says {calibrated}, Augur {own}")

    def paths(self):
        data = self.customers(self.rows)
        quoted = self.quoted(data)
        train = self.customers(TRAIN_ROWS, labels=True)
        peers = {}
        for kind in ("logistic", "svm", "logistic-spline", "svm-spline"):
            peers[kind] = self.work / f"{kind}.pickle"
            if not peers[kind].exists():
                self.peer("fit", kind, train, peers[kind])
        self.write("## From CSV bytes to CSV bytes\n")
        self.write("Against pandas `read_csv`, the peer's prediction, and `to_csv`. *Whole command*: the ratio of the peer's time")
        self.write("to that of the process `augur predict`, its start and its first pass over the file included. *Parsing*: the")
        self.write("share of our time that reading, splitting and checking alone take. Memory is that of the whole processes.\n")
        self.write("| What | Cores | Augur | Peer | Ratio | Goal | Whole command | Parsing | Memory | Peer's |")
        self.write("|---|---|---|---|---|---|---|---|---|---|")
        plain = {kind: self.trained(f"plain-{kind}", kind, knots=0) for kind in ("logistic", "svm")}
        boosted = self.trained("catboost-500", "catboost", **BOOSTING)
        network = self.trained("mlp", "mlp")
        for kind, model in plain.items():
            shipped = HERE.parent / "models" / kind
            spline = f"{kind}-spline"
            self.path_row(f"{kind}, linear features", kind, model, peers[kind], data, 25, 1)
            self.path_row(f"{kind}, linear, every cell quoted", kind, model, peers[kind], quoted, 15, 1)
            self.path_row(f"{kind}, shipped spline model", spline, shipped, peers[spline], data, 15, 1)
            self.path_row(f"{kind}, spline, every cell quoted", spline, shipped, peers[spline], quoted, 15, 1)
        self.path_row("CatBoost, 500 trees of depth 6", "catboost", boosted, boosted, data, 15, 1)
        self.path_row("MLP", "mlp", network, network, data, 10, 1)
        if CORES > 1:
            self.path_row("logistic, linear features", "logistic", plain["logistic"], peers["logistic"], data, "", CORES)
            self.path_row("CatBoost, 500 trees of depth 6", "catboost", boosted, boosted, data, "", CORES)
            self.path_row("MLP", "mlp", network, network, data, "", CORES)
        self.write()

    def kernels_table(self):
        self.write("## Kernels: from a matrix in memory to scores\n")
        self.write("| What | Level | Cores | Augur | Peer | Ratio | Goal |")
        self.write("|---|---|---|---|---|---|---|")
        boosted = self.trained("catboost-500", "catboost", **BOOSTING)
        forests = {rows: self.forest(rows, boosted) for rows in FOREST_ROWS}
        forest = forests[FOREST_ROWS[-1]]
        width = len(json.loads((boosted / "manifest.json").read_text())["inputs"])
        pairs = [
            ("CatBoost, 500 trees of depth 6", boosted, ["catboost-kernel", boosted / "model.json", forest / "matrix.f32", width, 1],
             {"avx512": "2.5", "avx2": "1.5", "portable": "1"}),
        ]  # fmt: skip
        for rows, one in forests.items():
            name = f"Random forest, 500 trees of depth 10, of {rows:,} customers"
            pairs.append((name, one, ["forest-kernel", one, 1], {"avx512": "15", "avx2": "", "portable": ""}))
        for name, model, call, goals in pairs:
            for level, goal in goals.items():
                theirs = min((self.peer(*call) for _ in range(RUNS)), key=lambda one: one["seconds"])
                matrix = (forest if model == boosted else model) / "matrix.f32"
                ours = max((self.kernel(model, matrix, level=level) for _ in range(RUNS)), key=lambda one: one["rows_per_second"])
                rate = theirs["rows"] / theirs["seconds"]
                self.write(
                    f"| {name} | {ours['level']} | 1 | {ours['rows_per_second'] / 1e6:.3f} M/s | {rate / 1e6:.3f} M/s "
                    f"| **{ours['rows_per_second'] / rate:.1f}** | {goal} |"
                )
        self.write()

    def forest(self, rows, template):
        """scikit-learn's forest on so many customers, in both formats, and their matrix."""
        forest = self.work / f"forest-{rows}"
        forest.mkdir(exist_ok=True)
        if not (forest / "manifest.json").exists():
            (forest / "template.json").write_text((template / "manifest.json").read_text())
            self.peer("forest", self.customers(rows, labels=True), forest, threads=CORES)
            self.manifest_of_forest(forest)
        return forest

    def manifest_of_forest(self, forest):
        import hashlib

        manifest = json.loads((forest / "template.json").read_text())
        file = (forest / "model.json").read_bytes()
        manifest |= {"algorithm": "random_forest", "file": "model.json", "sha256": hashlib.sha256(file).hexdigest()}
        for item in manifest["inputs"]:
            if item["encoding"] == "number" and item.get("missing") is None:
                item["missing"] = 0.0
        (forest / "manifest.json").write_text(json.dumps(manifest))

    def reasons(self):
        """Whole files with reasons, beside contributions alone of a matrix that lies in memory."""
        self.write("## Reasons: SHAP values\n")
        self.write("Ours is the whole command `augur predict --explain 3`, from CSV to CSV; what reasons alone take is its")
        self.write("time less that of the same command without them. Theirs is the contributions alone, of rows in memory.\n")
        self.write("| What | Cores | Augur, whole command | Reasons alone | Peer | Ratio of the whole | Ratio of reasons | Goal |")
        self.write("|---|---|---|---|---|---|---|---|")
        boosted = self.trained("catboost-500", "catboost", **BOOSTING)
        data, matrix = self.customers(self.rows), self.work / "reasons.f32"
        labelled = self.customers(TRAIN_ROWS, labels=True)
        width = self.peer("matrix", labelled, boosted / "manifest.json", matrix, self.work / "reasons.u8")["width"]
        out = self.work / "out.csv"
        command = [self.augur, "predict", "--model", boosted, "--threads", 1, data, "-o", out]
        best = lambda command: min(run(command, 1)[1] for _ in range(RUNS))
        plain, explained = best(command), best([*command, "--explain", 3])
        whole, alone = self.rows / explained, self.rows / max(explained - plain, 1e-9)
        for kind, name in (("catboost", "CatBoost's ShapValues"), ("shap", "shap's TreeExplainer")):
            theirs = self.peer("reasons", kind, boosted / "model.json", matrix, width, REASON_ROWS)
            rate = theirs["rows"] / theirs["seconds"]
            self.write(
                f"| CatBoost, 500 trees of depth 6, beside {name} | 1 | {whole:,.0f}/s | {alone:,.0f}/s | {rate:,.0f}/s "
                f"| **{whole / rate:.0f}** | {alone / rate:.0f} | 100,000/s |"
            )
        out.unlink(missing_ok=True)
        self.write()

    def training(self):
        self.write("## Training: one fit of boosted oblivious trees\n")
        self.write("| Customers | Cores | Augur | CatBoost | Ratio | Goal |")
        self.write("|---|---|---|---|---|---|")
        theirs_too = {"iterations": 500, "depth": 6, "learning_rate": 0.03, "border_count": 254, "l2_leaf_reg": 3.0}
        theirs_too |= {"bootstrap_type": "No", "random_strength": 0, "leaf_estimation_iterations": 1}
        for rows in TRAINING_ROWS:
            data = self.customers(rows, labels=True)
            matrix, labels = self.work / "training.f32", self.work / "training.u8"
            manifest = self.trained("catboost-500", "catboost", **BOOSTING) / "manifest.json"
            width = self.peer("matrix", data, manifest, matrix, labels)["width"]
            for threads in sorted({1, CORES}):
                call = ("catboost-train", matrix, labels, width, threads, json.dumps(theirs_too))
                ours, theirs = [], []
                for _ in range(RUNS):
                    theirs.append(self.peer(*call, threads=threads)["seconds"])
                    output, _, _ = run([self.training_bench, data, "catboost", json.dumps(BOOSTING)], threads)
                    ours.append(json.loads(output)["seconds"])
                self.write(
                    f"| {rows:,} | {threads} | {min(ours):.2f} s | {min(theirs):.2f} s "
                    f"| **{min(theirs) / min(ours):.2f}** | {'1' if threads == 1 else ''} |"
                )
        self.write()

    def memory(self):
        self.write("## Memory\n")
        self.write("| Customers | File | Threads | Time | Peak |")
        self.write("|---|---|---|---|---|")
        for rows in (1_000_000, 10_000_000):
            data = self.customers(rows)
            for threads in sorted({1, CORES}):
                model = HERE.parent / "models" / "catboost"
                command = [self.augur, "predict", "--model", model, "--threads", threads, data, "-o", self.work / "out.csv"]
                _, seconds, memory = run(command, threads)
                size = data.stat().st_size / 1e6
                self.write(f"| {rows:,} | {size:,.0f} MB | {threads} | {seconds:.1f} s | {memory / 1e6:.0f} MB |")
                (self.work / "out.csv").unlink()
            if rows > self.rows:
                data.unlink()
        self.write()


def machine():
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    flags = next((line for line in open("/proc/cpuinfo") if line.startswith("flags")), "")
    simd = "AVX-512" if "avx512bw" in flags else "AVX2" if "avx2" in flags else "no AVX2"
    return f"{model}, {CORES} cores, {simd}, {memory:.0f} GiB, {platform.system()} {platform.release()}"


def versions():
    # Asked of the installation, not imported: what this process holds would count as its children's peak.
    names = ("pandas", "scikit-learn", "catboost", "shap", "torch", "numpy")
    return f"Python {platform.python_version()}, " + ", ".join(f"{name} {version(name)}" for name in names)


def main():
    parser = argparse.ArgumentParser()
    for name in ("augur", "path", "kernels", "training", "work", "output"):
        parser.add_argument(name)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--only", choices=["paths", "kernels", "reasons", "training", "memory"])
    arguments = parser.parse_args()
    bench = Bench(arguments)
    bench.write(f"Machine: {machine()}. Peers: {versions()}. {arguments.rows:,} generated customers, `make bench`.\n")
    parts = {"paths": bench.paths, "kernels": bench.kernels_table, "reasons": bench.reasons, "training": bench.training, "memory": bench.memory}
    for name, part in parts.items():
        if arguments.only in (None, name):
            part()
    path, mark = pathlib.Path(arguments.output), "<!-- written by benches/bench.py from here on -->\n"
    before = path.read_text().split(mark)[0] if path.exists() else ""
    path.write_text(before + mark + "\n".join(bench.lines) + "\n")


if __name__ == "__main__":
    main()
