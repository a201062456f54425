"""Reads by MLflow's own client what the tests of the worker have taken to the server: once, and all of it."""

import tempfile
from pathlib import Path

from mlflow import MlflowClient

MODEL = "churn-01980000-0000-7000-8000-000000000002"


def main():
    client = MlflowClient()
    experiment = client.get_experiment_by_name(MODEL)
    runs = client.search_runs([experiment.experiment_id])
    assert len(runs) == 1, f"{len(runs)} runs of one training"
    run = runs[0]
    assert run.info.status == "FINISHED" and run.info.run_name == "churn 1", run.info
    assert (run.info.start_time, run.info.end_time) == (1785000000000, 1785000060000), run.info
    assert len(run.data.params) == 150 and run.data.params["parameter_149"] == "149", run.data.params
    assert run.data.metrics["auc"] == 0.84, run.data.metrics
    folds = client.get_metric_history(run.info.run_id, "fold.auc")
    assert sorted((one.step, one.value) for one in folds) == [(1, 0.83), (2, 0.85)], folds
    assert run.data.tags["augur.seed"] == "1", run.data.tags
    with tempfile.TemporaryDirectory() as directory:
        kept = Path(client.download_artifacts(run.info.run_id, "", directory))
        files = sorted(str(path.relative_to(kept)) for path in kept.rglob("*") if path.is_file())
        assert files == ["model/manifest.json", "model/model.json", "quality.json", "report.html"], files
        assert (kept / "model/model.json").read_text(encoding="utf-8") == '{"trees": []}'
    versions = client.search_model_versions(f"name = '{MODEL}'")
    assert len(versions) == 1, f"{len(versions)} versions of one training"
    version = client.get_model_version_by_alias(MODEL, "production")
    assert version.run_id == run.info.run_id and version.tags["augur.stage"] == "production", version
    assert list(version.aliases) == ["production"], version.aliases
    print("MLflow's own client finds one run, its figures, its files and its version.")


if __name__ == "__main__":
    main()
