//! The lists of an export, each in a temporary file without a name: an archive tells a file's size
//! before its bytes, and memory holds one page at a time.

use std::io::SeekFrom;

use chrono::{DateTime, Utc};
use platform::export::{ExportedSession, Snapshot};
use platform::{Access, Error, export};
use serde::Serialize;
use tokio::io::{AsyncSeekExt, AsyncWriteExt, BufWriter};
use uuid::Uuid;

use super::spreadsheet;
use crate::routes::{
    ApiKeyShape, AuditEntryShape, DriftShape, HistoryEntryShape, IntakeShape, ModelMonitoringShape,
    ModelVersionShape, OrderShape, OutcomesShape, PerformanceShape, PlanShape, PredictionShape,
    RetrainingRunShape, RetrainingShape, RiskTiersShape, SourceShape, TrainingShape, TransactionShape,
    UserShape, WebhookDeliveryShape, WebhookShape,
};
use crate::state::Api;

const BUFFER_BYTES: usize = 64 * 1024;

/// A list, ready to be sent.
pub struct List {
    /// Its name in the archive.
    pub name: &'static str,
    /// Its size.
    pub bytes: u64,
    /// Its content, from the beginning.
    pub file: tokio::fs::File,
}

/// `account.json`.
#[derive(Serialize)]
struct Account {
    user: UserShape,
    tenant: Tenant,
    balance: i64,
    currency: String,
    exported_at: DateTime<Utc>,
}

#[derive(Serialize)]
struct Tenant {
    id: Uuid,
    name: String,
    created_at: DateTime<Utc>,
}

/// A line of `sessions.jsonl`.
#[derive(Serialize)]
struct Session {
    id: Uuid,
    user_id: Uuid,
    created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
}

/// A line of `monitoring.jsonl`.
#[derive(Serialize)]
struct Monitored {
    settings: ModelMonitoringShape,
    performance: PerformanceShape,
}

/// Reads every list as it is at one moment.
pub async fn collect(api: &Api, access: &Access) -> Result<Vec<List>, Error> {
    let mut snapshot = export::begin(&api.platform, access).await?;
    let currency = api.platform.currency.as_str();
    let account = account(&mut snapshot, currency).await?;
    let [transactions, statement] = transactions(&mut snapshot, currency).await?;
    Ok(vec![
        account,
        api_keys(&mut snapshot).await?,
        sessions(&mut snapshot).await?,
        orders(&mut snapshot, currency).await?,
        transactions,
        statement,
        predictions(&mut snapshot).await?,
        trainings(&mut snapshot).await?,
        model_versions(&mut snapshot).await?,
        model_history(&mut snapshot).await?,
        retraining(&mut snapshot).await?,
        retraining_runs(&mut snapshot).await?,
        plans(&mut snapshot, currency).await?,
        risk_tiers(&mut snapshot).await?,
        drift(&mut snapshot).await?,
        outcomes(&mut snapshot).await?,
        monitoring(&mut snapshot).await?,
        sources(&mut snapshot).await?,
        intakes(&mut snapshot).await?,
        webhooks(&mut snapshot).await?,
        webhook_deliveries(&mut snapshot).await?,
        events(&mut snapshot).await?,
    ])
}

async fn account(snapshot: &mut Snapshot, currency: &str) -> Result<List, Error> {
    let tenant = snapshot.tenant();
    let account = snapshot.account().await?;
    let account = Account {
        user: account.user.into(),
        tenant: Tenant { id: tenant.0, name: account.tenant_name, created_at: account.tenant_created_at },
        balance: account.balance.minor_units(),
        currency: currency.to_owned(),
        exported_at: Utc::now(),
    };
    let mut spool = Spool::open("account.json").await?;
    spool.line(&account).await?;
    spool.close().await
}

async fn api_keys(snapshot: &mut Snapshot) -> Result<List, Error> {
    let mut spool = Spool::open("api_keys.jsonl").await?;
    let mut page = snapshot.api_keys(None).await?;
    while let Some(last) = page.last() {
        let next = snapshot.api_keys(Some(last)).await?;
        for key in page {
            spool.line(&ApiKeyShape::from(key)).await?;
        }
        page = next;
    }
    spool.close().await
}

async fn sessions(snapshot: &mut Snapshot) -> Result<List, Error> {
    let mut spool = Spool::open("sessions.jsonl").await?;
    let mut page = snapshot.sessions(None).await?;
    while let Some(last) = page.last() {
        let next = snapshot.sessions(Some(last)).await?;
        for session in page {
            spool.line(&Session::from(session)).await?;
        }
        page = next;
    }
    spool.close().await
}

async fn orders(snapshot: &mut Snapshot, currency: &str) -> Result<List, Error> {
    let mut spool = Spool::open("orders.jsonl").await?;
    let mut page = snapshot.orders(None).await?;
    while let Some(last) = page.last() {
        let next = snapshot.orders(Some(last)).await?;
        for order in page {
            spool.line(&OrderShape::new(order, currency)).await?;
        }
        page = next;
    }
    spool.close().await
}

/// The transactions twice: for programs, and as a statement for people.
async fn transactions(snapshot: &mut Snapshot, currency: &str) -> Result<[List; 2], Error> {
    let mut lines = Spool::open("transactions.jsonl").await?;
    let mut statement = Spool::open("transactions.csv").await?;
    statement.text(spreadsheet::STATEMENT_HEADER).await?;
    let mut page = snapshot.transactions(None).await?;
    while let Some(last) = page.last() {
        let next = snapshot.transactions(Some(last)).await?;
        for transaction in page {
            statement.text(&spreadsheet::statement_line(&transaction, currency)).await?;
            lines.line(&TransactionShape::new(transaction, currency)).await?;
        }
        page = next;
    }
    Ok([lines.close().await?, statement.close().await?])
}

async fn predictions(snapshot: &mut Snapshot) -> Result<List, Error> {
    let mut spool = Spool::open("predictions.jsonl").await?;
    let mut page = snapshot.predictions(None).await?;
    while let Some(last) = page.last() {
        let next = snapshot.predictions(Some(last)).await?;
        for prediction in page {
            spool.line(&PredictionShape::from(prediction)).await?;
        }
        page = next;
    }
    spool.close().await
}

async fn trainings(snapshot: &mut Snapshot) -> Result<List, Error> {
    let mut spool = Spool::open("trainings.jsonl").await?;
    let mut page = snapshot.trainings(None).await?;
    while let Some(last) = page.last() {
        let next = snapshot.trainings(Some(last)).await?;
        for training in page {
            spool.line(&TrainingShape::from(training)).await?;
        }
        page = next;
    }
    spool.close().await
}

async fn drift(snapshot: &mut Snapshot) -> Result<List, Error> {
    let mut spool = Spool::open("drift.jsonl").await?;
    let mut page = snapshot.drift(None).await?;
    while let Some(last) = page.last() {
        let next = snapshot.drift(Some(last)).await?;
        for drift in page {
            spool.line(&DriftShape::from(drift)).await?;
        }
        page = next;
    }
    spool.close().await
}

async fn outcomes(snapshot: &mut Snapshot) -> Result<List, Error> {
    let mut spool = Spool::open("outcomes.jsonl").await?;
    let mut page = snapshot.outcomes(None).await?;
    while let Some(last) = page.last() {
        let next = snapshot.outcomes(Some(last)).await?;
        for upload in page {
            spool.line(&OutcomesShape::from(upload)).await?;
        }
        page = next;
    }
    spool.close().await
}

async fn monitoring(snapshot: &mut Snapshot) -> Result<List, Error> {
    let mut spool = Spool::open("monitoring.jsonl").await?;
    for (settings, performance) in snapshot.monitoring().await? {
        let (settings, performance) = (settings.into(), performance.into());
        spool.line(&Monitored { settings, performance }).await?;
    }
    spool.close().await
}

async fn sources(snapshot: &mut Snapshot) -> Result<List, Error> {
    let mut spool = Spool::open("sources.jsonl").await?;
    let mut page = snapshot.sources(None).await?;
    while let Some(last) = page.last() {
        let next = snapshot.sources(Some(last)).await?;
        for source in page {
            spool.line(&SourceShape::from(source)).await?;
        }
        page = next;
    }
    spool.close().await
}

async fn intakes(snapshot: &mut Snapshot) -> Result<List, Error> {
    let mut spool = Spool::open("intakes.jsonl").await?;
    let mut page = snapshot.intakes(None).await?;
    while let Some(last) = page.last() {
        let next = snapshot.intakes(Some(last)).await?;
        for intake in page {
            spool.line(&IntakeShape::from(intake)).await?;
        }
        page = next;
    }
    spool.close().await
}

async fn webhooks(snapshot: &mut Snapshot) -> Result<List, Error> {
    let mut spool = Spool::open("webhooks.jsonl").await?;
    let mut page = snapshot.webhooks(None).await?;
    while let Some(last) = page.last() {
        let next = snapshot.webhooks(Some(last)).await?;
        for endpoint in page {
            spool.line(&WebhookShape::from(endpoint)).await?;
        }
        page = next;
    }
    spool.close().await
}

async fn model_versions(snapshot: &mut Snapshot) -> Result<List, Error> {
    let mut spool = Spool::open("model_versions.jsonl").await?;
    let mut page = snapshot.model_versions(None).await?;
    while let Some(last) = page.last() {
        let next = snapshot.model_versions(Some(last)).await?;
        for version in page {
            spool.line(&ModelVersionShape::from(version)).await?;
        }
        page = next;
    }
    spool.close().await
}

async fn model_history(snapshot: &mut Snapshot) -> Result<List, Error> {
    let mut spool = Spool::open("model_history.jsonl").await?;
    let mut page = snapshot.model_history(None).await?;
    while let Some(last) = page.last() {
        let next = snapshot.model_history(Some(last)).await?;
        for entry in page {
            spool.line(&HistoryEntryShape::from(entry)).await?;
        }
        page = next;
    }
    spool.close().await
}

async fn retraining(snapshot: &mut Snapshot) -> Result<List, Error> {
    let mut spool = Spool::open("retraining.jsonl").await?;
    for policy in snapshot.retraining().await? {
        spool.line(&RetrainingShape::new(policy.model, Some(policy))).await?;
    }
    spool.close().await
}

async fn retraining_runs(snapshot: &mut Snapshot) -> Result<List, Error> {
    let mut spool = Spool::open("retraining_runs.jsonl").await?;
    let mut page = snapshot.retraining_runs(None).await?;
    while let Some(last) = page.last() {
        let next = snapshot.retraining_runs(Some(last)).await?;
        for run in page {
            spool.line(&RetrainingRunShape::from(run)).await?;
        }
        page = next;
    }
    spool.close().await
}

async fn webhook_deliveries(snapshot: &mut Snapshot) -> Result<List, Error> {
    let mut spool = Spool::open("webhook_deliveries.jsonl").await?;
    let mut page = snapshot.webhook_deliveries(None).await?;
    while let Some(last) = page.last() {
        let next = snapshot.webhook_deliveries(Some(last)).await?;
        for delivery in page {
            spool.line(&WebhookDeliveryShape::from(delivery)).await?;
        }
        page = next;
    }
    spool.close().await
}

async fn plans(snapshot: &mut Snapshot, currency: &str) -> Result<List, Error> {
    let mut spool = Spool::open("plans.jsonl").await?;
    let mut page = snapshot.plans(None).await?;
    while let Some(last) = page.last() {
        let next = snapshot.plans(Some(last)).await?;
        for plan in page {
            spool.line(&PlanShape::new(plan, currency)).await?;
        }
        page = next;
    }
    spool.close().await
}

async fn risk_tiers(snapshot: &mut Snapshot) -> Result<List, Error> {
    let mut spool = Spool::open("risk_tiers.jsonl").await?;
    if let Some(tiers) = snapshot.risk_tiers().await? {
        spool.line(&RiskTiersShape::from(tiers)).await?;
    }
    spool.close().await
}

async fn events(snapshot: &mut Snapshot) -> Result<List, Error> {
    let mut spool = Spool::open("audit_log.jsonl").await?;
    let mut page = snapshot.events(None).await?;
    while let Some(last) = page.last() {
        let next = snapshot.events(Some(last)).await?;
        for event in page {
            spool.line(&AuditEntryShape::from(event)).await?;
        }
        page = next;
    }
    spool.close().await
}

impl From<ExportedSession> for Session {
    fn from(session: ExportedSession) -> Session {
        Session {
            id: session.id.0,
            user_id: session.user.0,
            created_at: session.created_at,
            expires_at: session.expires_at,
            ended_at: session.ended_at,
        }
    }
}

/// A list while it is written.
struct Spool {
    name: &'static str,
    bytes: u64,
    writer: BufWriter<tokio::fs::File>,
}

impl Spool {
    async fn open(name: &'static str) -> Result<Spool, Error> {
        let file = tokio::task::spawn_blocking(tempfile::tempfile)
            .await
            .map_err(|error| Error::Internal(error.to_string()))?
            .map_err(out_of_space)?;
        let writer = BufWriter::with_capacity(BUFFER_BYTES, tokio::fs::File::from_std(file));
        Ok(Spool { name, bytes: 0, writer })
    }

    async fn line<T: Serialize>(&mut self, value: &T) -> Result<(), Error> {
        let mut line = serde_json::to_string(value).map_err(|error| Error::Internal(error.to_string()))?;
        line.push('\n');
        self.text(&line).await
    }

    async fn text(&mut self, text: &str) -> Result<(), Error> {
        self.bytes += text.len() as u64;
        self.writer.write_all(text.as_bytes()).await.map_err(out_of_space)
    }

    async fn close(mut self) -> Result<List, Error> {
        self.writer.flush().await.map_err(out_of_space)?;
        let mut file = self.writer.into_inner();
        file.seek(SeekFrom::Start(0)).await.map_err(out_of_space)?;
        Ok(List { name: self.name, bytes: self.bytes, file })
    }
}

fn out_of_space(error: std::io::Error) -> Error {
    Error::Unavailable { dependency: "temporary files", detail: error.to_string() }
}
