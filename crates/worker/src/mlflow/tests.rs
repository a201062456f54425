//! Against a real MLflow server at TEST_MLFLOW_URI, as `make mlflow` gives it; without one this says so and passes.
//! What lies there afterwards is read by MLflow's own client, in tests/mlflow/check.py.

use super::*;

fn finished(stage: &str) -> FinishedTraining {
    let metric =
        |key: &str, value, step| Metric { key: key.to_owned(), value, timestamp: 1_785_000_060_000, step };
    let parameters = (0..150).map(|number| Pair::new(format!("parameter_{number}"), number.to_string()));
    FinishedTraining {
        training: "01980000-0000-7000-8000-000000000001".to_owned(),
        model: "churn-01980000-0000-7000-8000-000000000002".to_owned(),
        run_name: "churn 1".to_owned(),
        started_ms: 1_785_000_000_000,
        ended_ms: 1_785_000_060_000,
        parameters: parameters.collect(),
        metrics: vec![metric("auc", 0.84, 0), metric("fold.auc", 0.83, 1), metric("fold.auc", 0.85, 2)],
        tags: vec![Pair::new("augur.seed", "1"), Pair::new("augur.code_version", "0.1.0")],
        artifacts: vec![
            ("quality.json".to_owned(), Bytes::from_static(b"{}")),
            ("report.html".to_owned(), Bytes::from_static(b"<!doctype html>")),
            ("model/model.json".to_owned(), Bytes::from_static(b"{\"trees\": []}")),
            ("model/manifest.json".to_owned(), Bytes::from_static(b"{}")),
        ],
        stage: stage.to_owned(),
    }
}

#[tokio::test]
async fn a_training_is_taken_to_mlflow_once_however_often_it_is_tried() {
    let Ok(uri) = std::env::var("TEST_MLFLOW_URI") else {
        eprintln!("skipped: TEST_MLFLOW_URI is not set");
        return;
    };
    let _ = rustls::crypto::ring::default_provider().install_default();
    let config = TrackingConfig { uri: uri.parse().expect("a URL"), token: None, login: None };
    let exporter = Exporter::new(&config).expect("a client");
    for stage in ["development", "production", "production"] {
        exporter.export(&finished(stage)).await.expect("an export");
    }
}

#[tokio::test]
async fn a_server_that_is_away_is_an_error_and_nothing_else() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let uri = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let config = TrackingConfig { uri: uri.parse().expect("a URL"), token: None, login: None };
    let error = Exporter::new(&config)
        .expect("a client")
        .export(&finished("development"))
        .await
        .expect_err("nobody is there");
    assert!(matches!(error, Error::Unanswered(_)), "{error}");
}
