"""Measures Augur and the official libraries on the same rows, in turn, and writes the table.

    python benches/bench.py AUGUR KERNELS TRAINING WORK OUTPUT.md [--rows N] [--only PART]

AUGUR is the program, KERNELS and TRAINING are the benchmarks of crates/scoring and crates/learning, WORK is a
directory for data and models.
All customers are generated. Each pair runs on one core, and on all where that is told; the better of a few
runs counts on both sides. Peers are timed without their imports, ours with the start of the process.
"""

import argparse
import json
import os
import pathlib
import platform
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).parent
CORES = len(os.sched_getaffinity(0))
RUNS = 3
TRAIN_ROWS = 20_000
FOREST_ROWS = 50_000
TRAINING_ROWS = (5_634, 100_000)
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


class Bench:
    def __init__(self, arguments):
        self.augur = pathlib.Path(arguments.augur).resolve()
        self.kernels = pathlib.Path(arguments.kernels).resolve()
        self.training_bench = pathlib.Path(arguments.training).resolve()
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
        return {**json.loads(output), "memory": memory}

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
        ours, theirs = [], []
        for _ in range(RUNS):
            theirs.append(self.peer("path", kind, peer_model, data, out, threads=threads))
            ours.append(run(predict, threads)[1:])
        seconds, memory = min(seconds for seconds, _ in ours), max(memory for _, memory in ours)
        theirs = min(theirs, key=lambda one: one["seconds"])
        rows = theirs["rows"]
        parts = ", ".join(f"{part} {theirs[part]:.2f} s" for part in ("read", "score", "write"))
        self.write(
            f"| {name} | {threads} | {rows / seconds / 1e6:.2f} M/s | {rows / theirs['seconds'] / 1e6:.3f} M/s ({parts}) "
            f"| **{theirs['seconds'] / seconds:.1f}** | {goal} | {memory / 1e6:.0f} MB | {theirs['memory'] / 1e6:.0f} MB |"
        )
        out.unlink(missing_ok=True)

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
        self.write("`augur predict` against pandas `read_csv`, the peer's prediction, and `to_csv`.\n")
        self.write("| What | Cores | Augur | Peer | Ratio | Goal | Memory | Peer's |")
        self.write("|---|---|---|---|---|---|---|---|")
        for threads in sorted({1, CORES}):
            for kind in ("logistic", "svm"):
                plain = self.trained(f"plain-{kind}", kind, knots=0)
                spline = HERE.parent / "models" / kind
                rest = (threads,)
                one = threads == 1
                self.path_row(f"{kind}, linear features", kind, plain, peers[kind], data, "25" if one else "", *rest)
                self.path_row(f"{kind}, linear, every cell quoted", kind, plain, peers[kind], quoted, "15" if one else "", *rest)
                self.path_row(f"{kind}, shipped spline model", f"{kind}-spline", spline, peers[f"{kind}-spline"], data, "15" if one else "", *rest)
                self.path_row(f"{kind}, spline, quoted", f"{kind}-spline", spline, peers[f"{kind}-spline"], quoted, "15" if one else "", *rest)
            boosted = self.trained("catboost-500", "catboost", **BOOSTING)
            self.path_row("CatBoost, 500 trees of depth 6", "catboost", boosted, boosted, data, "15" if threads == 1 else "", threads)
            network = self.trained("mlp", "mlp")
            self.path_row("MLP", "mlp", network, network, data, "10" if threads == 1 else "", threads)
        self.write()

    def kernels_table(self):
        self.write("## Kernels: from a matrix in memory to scores\n")
        self.write("| What | Level | Cores | Augur | Peer | Ratio | Goal |")
        self.write("|---|---|---|---|---|---|---|")
        boosted = self.trained("catboost-500", "catboost", **BOOSTING)
        forest = self.work / "forest"
        forest.mkdir(exist_ok=True)
        if not (forest / "matrix.f32").exists():
            (forest / "template.json").write_text((boosted / "manifest.json").read_text())
            self.peer("forest", self.customers(FOREST_ROWS, labels=True), forest, threads=CORES)
            self.manifest_of_forest(forest)
        width = len(json.loads((boosted / "manifest.json").read_text())["inputs"])
        pairs = [
            ("CatBoost, 500 trees of depth 6", boosted, ["catboost-kernel", boosted / "model.json", forest / "matrix.f32", width, 1],
             {"avx512": "2.5", "avx2": "1.5", "portable": "1"}),
            ("Random forest, 500 trees of depth 10", forest, ["forest-kernel", forest, 1], {"avx512": "15", "avx2": "", "portable": ""}),
        ]  # fmt: skip
        for name, model, call, goals in pairs:
            for level, goal in goals.items():
                theirs = min((self.peer(*call) for _ in range(RUNS)), key=lambda one: one["seconds"])
                ours = max((self.kernel(model, forest / "matrix.f32", level=level) for _ in range(RUNS)), key=lambda one: one["rows_per_second"])
                rate = theirs["rows"] / theirs["seconds"]
                self.write(
                    f"| {name} | {ours['level']} | 1 | {ours['rows_per_second'] / 1e6:.3f} M/s | {rate / 1e6:.3f} M/s "
                    f"| **{ours['rows_per_second'] / rate:.1f}** | {goal} |"
                )
        self.write()

    def manifest_of_forest(self, forest):
        import hashlib

        manifest = json.loads((forest / "template.json").read_text())
        file = (forest / "model.json").read_bytes()
        manifest |= {"algorithm": "random_forest", "file": "model.json", "sha256": hashlib.sha256(file).hexdigest()}
        for item in manifest["inputs"]:
            if item["encoding"] == "number" and item.get("missing") is None:
                item["missing"] = 0.0
        (forest / "manifest.json").write_text(json.dumps(manifest))

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
    import catboost, numpy, pandas, sklearn, torch  # noqa: E401

    names = {"pandas": pandas, "scikit-learn": sklearn, "CatBoost": catboost, "PyTorch": torch, "NumPy": numpy}
    return f"Python {platform.python_version()}, " + ", ".join(f"{name} {module.__version__}" for name, module in names.items())


def main():
    parser = argparse.ArgumentParser()
    for name in ("augur", "kernels", "training", "work", "output"):
        parser.add_argument(name)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--only", choices=["paths", "kernels", "training", "memory"])
    arguments = parser.parse_args()
    bench = Bench(arguments)
    bench.write(f"Machine: {machine()}. Peers: {versions()}. {arguments.rows:,} generated customers, `make bench`.\n")
    parts = {"paths": bench.paths, "kernels": bench.kernels_table, "training": bench.training, "memory": bench.memory}
    for name, part in parts.items():
        if arguments.only in (None, name):
            part()
    path, mark = pathlib.Path(arguments.output), "<!-- written by benches/bench.py from here on -->\n"
    before = path.read_text().split(mark)[0] if path.exists() else ""
    path.write_text(before + mark + "\n".join(bench.lines) + "\n")


if __name__ == "__main__":
    main()
