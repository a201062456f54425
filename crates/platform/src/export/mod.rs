//! Everything that is kept of a tenant, for the tenant: lists as they are at one moment, and files.
//!
//! Lists are read in pages of one transaction that sees a single moment, so that the transactions add
//! up to the balance whatever happens meanwhile. Files are read one after the other, each as a whole;
//! one that is erased before its turn is left out.

mod db;

use crate::accounts::{self, User};
use crate::api_keys::{self, ApiKey};
use crate::audit_log::{self, Entry, Event};
use crate::monitoring::outcomes::{self, OutcomeUpload, Performance};
use crate::monitoring::{self, Monitoring, PredictionDrift};
use crate::objects::{
    MODEL_NAME, REPORT_NAME, input_path, result_path, training_input_path, training_result_path,
};
use crate::orders::{self, Order, OrderFilter};
use crate::plans::{self, Plan};
use crate::predictions::{self, Prediction};
use crate::registry::{self, HistoryEntry, Version};
use crate::retraining::{self, Policy, Run};
use crate::risk_tiers::{self, RiskTiers};
use crate::sources::{self, Intake, Source};
use crate::trainings::{self, Training};
use crate::webhooks::{self, Delivery, Endpoint};
use crate::{Access, Error, Platform, PredictionId, SessionId, TenantId, TenantTx, TrainingId, UserId};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::{StreamExt, stream::BoxStream};
use ledger::{Money, Transaction};
use object_store::path::Path;
use uuid::Uuid;

/// How many rows are read at a time.
const ROWS: i64 = 1000;
/// Reports are long.
const REPORTS: i64 = 50;

/// A tenant at one moment.
pub struct Snapshot {
    tx: TenantTx,
}

/// Who the tenant is and what it has.
pub struct ExportedAccount {
    /// The user.
    pub user: User,
    /// The tenant's name.
    pub tenant_name: String,
    /// When the tenant was made.
    pub tenant_created_at: DateTime<Utc>,
    /// The balance.
    pub balance: Money,
}

/// A login, without what continues it.
pub struct ExportedSession {
    /// Its id.
    pub id: SessionId,
    /// Whose it is.
    pub user: UserId,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// When it ends unless it is used.
    pub expires_at: DateTime<Utc>,
    /// When it was ended.
    pub ended_at: Option<DateTime<Utc>>,
}

/// Which files a prediction has.
pub struct StoredFiles {
    /// The prediction.
    pub prediction: PredictionId,
    result_attempt: Option<i32>,
}

/// A file to be sent.
pub struct ExportedFile {
    /// Its size.
    pub bytes: u64,
    /// When it was written.
    pub modified_at: DateTime<Utc>,
    /// The file, piece by piece.
    pub content: BoxStream<'static, Result<Bytes, Error>>,
}

/// Begins an export, and says so in the audit log.
///
/// # Errors
/// [`Error::Forbidden`] for an API key that may only read.
pub async fn begin(platform: &Platform, access: &Access) -> Result<Snapshot, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let writer = tx.writer()?;
    let event = Event {
        action: "data.exported",
        actor: Some(writer.user()),
        tenant: Some(writer.tenant()),
        subject: Some(writer.tenant().0),
        request_id: Some(&access.request_id),
        ..Event::default()
    };
    audit_log::write(tx.connection(), event).await?;
    tx.commit().await?;
    Ok(Snapshot { tx: TenantTx::begin_snapshot(platform, access).await? })
}

impl Snapshot {
    /// Whose data it is.
    pub fn tenant(&self) -> TenantId {
        self.tx.caller().tenant
    }

    /// The user, the tenant and its balance.
    pub async fn account(&mut self) -> Result<ExportedAccount, Error> {
        let (caller, connection) = (self.tx.caller(), self.tx.connection());
        let user = accounts::db::select_user(connection, caller.user).await?.ok_or(Error::Unauthenticated)?;
        let (tenant_name, tenant_created_at) = db::select_tenant(connection, caller.tenant).await?;
        let balance = ledger::balance(connection, caller.tenant.account()).await?;
        Ok(ExportedAccount { user, tenant_name, tenant_created_at, balance })
    }

    /// The next orders, from the newest on; none are left where there are none.
    pub async fn orders(&mut self, after: Option<&Order>) -> Result<Vec<Order>, Error> {
        let before = after.map_or(Uuid::max(), |order| order.id.0);
        let tenant = Some(self.tenant());
        let (ids, filter) = (Uuid::nil()..before, OrderFilter::default());
        orders::db::select_page(self.tx.connection(), tenant, ids, filter, ROWS).await
    }

    /// The next transactions, from the newest on.
    pub async fn transactions(&mut self, after: Option<&Transaction>) -> Result<Vec<Transaction>, Error> {
        let before = after.map(|transaction| transaction.sequence);
        let account = self.tenant().account();
        Ok(ledger::transactions(self.tx.connection(), account, before, ROWS).await?)
    }

    /// The next predictions, from the newest on.
    pub async fn predictions(&mut self, after: Option<&Prediction>) -> Result<Vec<Prediction>, Error> {
        let before = after.map_or(Uuid::max(), |prediction| prediction.id.0);
        let tenant = Some(self.tenant());
        predictions::db::select_page(self.tx.connection(), tenant, before, None, ROWS).await
    }

    /// The next trainings, from the newest on.
    pub async fn trainings(&mut self, after: Option<&Training>) -> Result<Vec<Training>, Error> {
        let before = after.map_or(Uuid::max(), |training| training.id.0);
        let tenant = self.tenant();
        trainings::db::select_page(self.tx.connection(), tenant, before, ROWS).await
    }

    /// The next versions of the tenant's own models, from the newest on.
    pub async fn model_versions(&mut self, after: Option<&Version>) -> Result<Vec<Version>, Error> {
        let before = after.map_or(Uuid::max(), |version| version.id.0);
        registry::db::select_versions(self.tx.connection(), None, None, before, ROWS).await
    }

    /// The next lines of its models' history, from the newest on.
    pub async fn model_history(&mut self, after: Option<&HistoryEntry>) -> Result<Vec<HistoryEntry>, Error> {
        let before = after.map_or(Uuid::max(), |entry| entry.id);
        registry::db::select_history(self.tx.connection(), None, before, ROWS).await
    }

    /// The next plans of whom to contact, from the newest on.
    pub async fn plans(&mut self, after: Option<&Plan>) -> Result<Vec<Plan>, Error> {
        let before = after.map_or(Uuid::max(), |plan| plan.id.0);
        let tenant = self.tenant();
        plans::db::select_page(self.tx.connection(), tenant, None, before, ROWS).await
    }

    /// When the tenant's models are trained again.
    pub async fn retraining(&mut self) -> Result<Vec<Policy>, Error> {
        let tenant = self.tenant();
        retraining::select_policies(self.tx.connection(), tenant, None, false).await
    }

    /// The next times that they were to be, from the newest on.
    pub async fn retraining_runs(&mut self, after: Option<&Run>) -> Result<Vec<Run>, Error> {
        let before = after.map_or(Uuid::max(), |run| run.id.0);
        let tenant = self.tenant();
        retraining::db::select_runs(self.tx.connection(), tenant, None, None, before, ROWS).await
    }

    /// The next sources, from the newest on, without what opens them.
    pub async fn sources(&mut self, after: Option<&Source>) -> Result<Vec<Source>, Error> {
        let before = after.map_or(Uuid::max(), |source| source.id.0);
        let tenant = self.tenant();
        sources::db::select_page(self.tx.connection(), tenant, before, ROWS).await
    }

    /// The next intakes, from the newest on.
    pub async fn intakes(&mut self, after: Option<&Intake>) -> Result<Vec<Intake>, Error> {
        let before = after.map_or(Uuid::max(), |intake| intake.id.0);
        let tenant = self.tenant();
        sources::db::select_intakes(self.tx.connection(), tenant, None, before, REPORTS).await
    }

    /// The risk tiers, where the tenant has changed them.
    pub async fn risk_tiers(&mut self) -> Result<Option<RiskTiers>, Error> {
        let tenant = self.tenant();
        risk_tiers::db::select(self.tx.connection(), tenant).await
    }

    /// The next API keys that work, from the newest on.
    pub async fn api_keys(&mut self, after: Option<&ApiKey>) -> Result<Vec<ApiKey>, Error> {
        let before = after.map_or(Uuid::max(), |key| key.id.0);
        let tenant = self.tenant();
        api_keys::db::select(self.tx.connection(), tenant, before, ROWS).await
    }

    /// The next logins, from the newest on.
    pub async fn sessions(&mut self, after: Option<&ExportedSession>) -> Result<Vec<ExportedSession>, Error> {
        let before = after.map_or(Uuid::max(), |session| session.id.0);
        let tenant = self.tenant();
        db::select_sessions(self.tx.connection(), tenant, before, ROWS).await
    }

    /// The next webhooks, from the newest on.
    pub async fn webhooks(&mut self, after: Option<&Endpoint>) -> Result<Vec<Endpoint>, Error> {
        let before = after.map_or(Uuid::max(), |endpoint| endpoint.id.0);
        let tenant = self.tenant();
        webhooks::db::select_page(self.tx.connection(), tenant, before, ROWS).await
    }

    /// The next deliveries to webhooks, from the newest on.
    pub async fn webhook_deliveries(&mut self, after: Option<&Delivery>) -> Result<Vec<Delivery>, Error> {
        let before = after.map_or(Uuid::max(), |delivery| delivery.id.0);
        let tenant = self.tenant();
        webhooks::deliveries::db::select_page(self.tx.connection(), tenant, None, before, ROWS).await
    }

    /// What was seen of the next predictions' customers, from the newest on.
    pub async fn drift(&mut self, after: Option<&PredictionDrift>) -> Result<Vec<PredictionDrift>, Error> {
        let before = after.map_or(Uuid::max(), |drift| drift.prediction.0);
        let tenant = self.tenant();
        monitoring::db::select_drift_page(self.tx.connection(), tenant, before, REPORTS).await
    }

    /// The next files of outcomes, from the newest on.
    pub async fn outcomes(&mut self, after: Option<&OutcomeUpload>) -> Result<Vec<OutcomeUpload>, Error> {
        let before = after.map_or(Uuid::max(), |upload| upload.id.0);
        let tenant = self.tenant();
        outcomes::db::select_uploads(self.tx.connection(), tenant, before, ROWS).await
    }

    /// The settings and raised drift of each model, and what outcomes say of it.
    pub async fn monitoring(&mut self) -> Result<Vec<(Monitoring, Performance)>, Error> {
        let tenant = self.tenant();
        let models = monitoring::db::select_models(self.tx.connection(), tenant).await?;
        let mut kept = Vec::with_capacity(models.len());
        for model in models {
            let settings = monitoring::settings::read(self.tx.connection(), tenant, model).await?;
            let performance = outcomes::performance::read(self.tx.connection(), tenant, model).await?;
            kept.push((settings, performance));
        }
        Ok(kept)
    }

    /// The next events of the audit log that concern the tenant, from the newest on.
    pub async fn events(&mut self, after: Option<&Entry>) -> Result<Vec<Entry>, Error> {
        let before = after.map_or(Uuid::max(), |entry| entry.id);
        let tenant = self.tenant();
        audit_log::db::select_of_tenant(self.tx.connection(), tenant, before, ROWS).await
    }
}

/// The next predictions with files that are not erased, from the newest on.
pub async fn files(
    platform: &Platform,
    access: &Access,
    after: Option<&StoredFiles>,
) -> Result<Vec<StoredFiles>, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let tenant = tx.writer()?.tenant();
    let before = after.map_or(Uuid::max(), |files| files.prediction.0);
    db::select_files(tx.connection(), tenant, before, ROWS).await
}

/// Which files a training has.
pub struct TrainingFiles {
    /// The training.
    pub training: TrainingId,
    has_customers: bool,
    result_attempt: Option<i32>,
}

/// The next trainings, from the newest on.
pub async fn training_files(
    platform: &Platform,
    access: &Access,
    after: Option<&TrainingFiles>,
) -> Result<Vec<TrainingFiles>, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let tenant = tx.writer()?.tenant();
    let before = after.map_or(Uuid::max(), |files| files.training.0);
    db::select_training_files(tx.connection(), tenant, before, ROWS).await
}

impl TrainingFiles {
    /// The labelled customers, while they are kept.
    pub async fn input(&self, platform: &Platform) -> Result<Option<ExportedFile>, Error> {
        if !self.has_customers {
            return Ok(None);
        }
        open(platform, &training_input_path(self.training)).await
    }

    /// The model's file, where there is one.
    pub async fn model(&self, platform: &Platform) -> Result<Option<ExportedFile>, Error> {
        let Some(attempt) = self.result_attempt else { return Ok(None) };
        open(platform, &training_result_path(self.training, attempt, MODEL_NAME)).await
    }

    /// Its report, where there is one.
    pub async fn report(&self, platform: &Platform) -> Result<Option<ExportedFile>, Error> {
        let Some(attempt) = self.result_attempt else { return Ok(None) };
        open(platform, &training_result_path(self.training, attempt, REPORT_NAME)).await
    }
}

impl StoredFiles {
    /// What was uploaded, while it is kept.
    pub async fn input(&self, platform: &Platform) -> Result<Option<ExportedFile>, Error> {
        open(platform, &input_path(self.prediction)).await
    }

    /// What came out, where something did and while it is kept.
    pub async fn result(&self, platform: &Platform) -> Result<Option<ExportedFile>, Error> {
        let Some(attempt) = self.result_attempt else { return Ok(None) };
        open(platform, &result_path(self.prediction, attempt)).await
    }
}

async fn open(platform: &Platform, path: &Path) -> Result<Option<ExportedFile>, Error> {
    let found = match platform.objects.reader(path).await {
        Err(Error::NotFound(_)) => return Ok(None),
        found => found?,
    };
    Ok(Some(ExportedFile {
        bytes: found.meta.size,
        modified_at: found.meta.last_modified,
        content: found.into_stream().map(|piece| piece.map_err(Error::from)).boxed(),
    }))
}
