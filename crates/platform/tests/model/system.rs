//! The real thing: a platform on a database of its own, and the model's operations run on it through
//! the platform's public functions.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use bytes::Bytes;
use ledger::Money;
use platform::accounts::{Email, Password, Registration, create_on_command_line};
use platform::config::{DatabaseConfig, LimitsConfig, SourcesConfig, WebhooksConfig};
use platform::models::{ShippedModel, register_shipped};
use platform::money::{Deposit, Recipient};
use platform::services::NewService;
use platform::{Access, Config, Credential, Error, Platform, ServiceId, TenantId};
use scoring::{FeatureKind, Manifest};
use secrecy::SecretString;
use serde_json::{Map, Value};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection, PgPool};
use uuid::Uuid;

use crate::operations::PRICES;

/// The model that the services sell; the quickest one.
const SHIPPED: ShippedModel = ShippedModel {
    manifest_json: include_bytes!("../../../../models/logistic/manifest.json"),
    model_file: include_bytes!("../../../../models/logistic/model.json"),
    service_id: ServiceId(Uuid::from_u128(1)),
    price: 1_000,
    explain_price: 500,
    service_name: "Logistic regression",
    service_description: "",
};

const PASSWORD: &str = "a long enough password";
const CONNECTIONS_MAX: u32 = 24;

/// A platform on a database of its own, with an administrator and services.
pub struct System {
    /// The platform itself.
    pub platform: Platform,
    /// The administrator.
    pub admin: Access,
    /// What is on sale, at [`PRICES`].
    pub services: Vec<ServiceId>,
    /// Two files that can be scored.
    pub files: [Bytes; 2],
    /// The customer in them, as JSON.
    pub customer: Map<String, Value>,
    /// For looking jobs up and for making time pass, as the system's role.
    pub clock: PgPool,
    url: String,
    server: String,
    database: String,
    directory: PathBuf,
}

/// A customer with an account.
#[derive(Clone)]
pub struct Owner {
    /// Their login.
    pub access: Access,
    /// Their tenant.
    pub tenant: TenantId,
}

impl System {
    /// Makes a database on the server of TEST_DATABASE_URL and migrates it. None where there is no server.
    pub async fn make(name: &str) -> Option<System> {
        let Ok(server) = std::env::var("TEST_DATABASE_URL") else {
            eprintln!("skipped: TEST_DATABASE_URL names no server; `make test` gives one");
            return None;
        };
        let database = format!("augur_{name}_{}", std::process::id());
        execute(&server, &format!("CREATE DATABASE {database}")).await;
        let options = PgConnectOptions::from_str(&server).unwrap().database(&database);
        let owners_url = options.to_url_lossy().to_string();
        let url = SecretString::from(owners_url.clone());
        platform::migrate(&url).await.expect("the schema");
        if let Ok(mutation) = std::env::var("TEST_MUTATION_SQL") {
            execute_on(options.clone(), &mutation).await;
        }
        let directory = memory_backed().join(&database);
        let config = Config {
            database: DatabaseConfig {
                url,
                app_url: None,
                system_url: None,
                app_connections_max: CONNECTIONS_MAX,
                system_connections_max: CONNECTIONS_MAX,
            },
            storage_url: format!("file://{}", directory.display()),
            redis_url: None,
            currency: None,
            // How many jobs may wait is no matter of the model's.
            limits: LimitsConfig {
                jobs_queued_max: u32::MAX,
                jobs_queued_per_tenant_max: u32::MAX,
                ..LimitsConfig::default()
            },
            webhooks: WebhooksConfig::default(),
            sources: SourcesConfig::default(),
            tracking: None,
            encryption_secret: None,
        };
        let platform = Platform::connect(config).await.expect("the platform");
        register_shipped(&platform, &[SHIPPED]).await.expect("the model");
        let admin = register(&platform, true).await.access;
        let services = put_on_sale(&platform, &admin).await;
        let clock = PgPoolOptions::new()
            .max_connections(8)
            .after_connect(|connection, _| {
                Box::pin(async move { connection.execute("SET ROLE augur_system").await.map(|_| ()) })
            })
            .connect_with(options)
            .await
            .expect("the database");
        let (files, customer) = customers();
        Some(System {
            platform,
            admin,
            services,
            files,
            customer,
            clock,
            url: owners_url,
            server,
            database,
            directory,
        })
    }

    /// A new customer, who has nothing.
    pub async fn owner(&self) -> Owner {
        register(&self.platform, false).await
    }

    /// Pays money into a customer's account.
    pub async fn deposit(&self, owner: &Owner, amount: i64) -> Result<(), Error> {
        let amount = Money::from_minor_units(amount).unwrap();
        let deposit = Deposit { recipient: Recipient::Tenant(owner.tenant), amount, note: None };
        platform::money::deposit(&self.platform, &self.admin, deposit, None).await.map(|_| ())
    }

    /// A service at a price of its own.
    pub async fn service(&self, price: i64) -> ServiceId {
        sell(&self.platform, &self.admin, price).await
    }

    /// The database, for the owner of the schema.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Checks every invariant, files and all.
    pub async fn check(&self) {
        let found = platform::invariants::check(&self.platform, platform::invariants::Depth::Files).await;
        let found = found.expect("the check");
        assert!(found.violations.is_empty(), "invariants are broken: {:#?}", found.violations);
    }

    /// Drops the database and deletes the files.
    pub async fn remove(self) {
        self.platform.close().await;
        self.clock.close().await;
        execute(&self.server, &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.database)).await;
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

async fn register(platform: &Platform, is_admin: bool) -> Owner {
    let email = format!("{}@example.org", Uuid::new_v4().simple());
    let registration = Registration {
        email: Email::parse(&email).unwrap(),
        password: Password::parse("password", PASSWORD.into()).ok().unwrap(),
        name: None,
    };
    let user = create_on_command_line(platform, registration, is_admin).await.expect("a user");
    let login = platform::sessions::log_in(platform, &email, PASSWORD.into(), "model").await;
    let session = login.expect("a login").session;
    let access = Access { credential: Credential::Session(session), request_id: "model".to_owned() };
    Owner { access, tenant: user.tenant }
}

async fn put_on_sale(platform: &Platform, admin: &Access) -> Vec<ServiceId> {
    let mut services = Vec::new();
    for price in PRICES {
        services.push(sell(platform, admin, price).await);
    }
    services
}

async fn sell(platform: &Platform, admin: &Access, price: i64) -> ServiceId {
    let new = NewService {
        name: format!("for {price}"),
        model: "logistic".to_owned(),
        description: None,
        price: Money::from_minor_units(price).unwrap(),
        explain_price: None,
        rows_max: None,
        active: None,
    };
    platform::services::create(platform, admin, new).await.expect("a service").id
}

/// A customer who can be scored, in two files that differ by a column that the model does not read.
fn customers() -> ([Bytes; 2], Map<String, Value>) {
    let manifest: Manifest = serde_json::from_slice(SHIPPED.manifest_json).expect("a manifest");
    let mut customer = Map::new();
    for feature in &manifest.schema.features {
        let value = match &feature.kind {
            FeatureKind::Category { values } => values[0].value.clone(),
            FeatureKind::Number => "1".to_owned(),
        };
        customer.insert(feature.name.clone(), Value::String(value));
    }
    let header: Vec<&str> = customer.keys().map(String::as_str).collect();
    let cells: Vec<&str> = customer.values().filter_map(Value::as_str).collect();
    let file = |mark: &str| Bytes::from(format!("{},mark\n{},{mark}\n", header.join(","), cells.join(",")));
    ([file("a"), file("b")], customer)
}

/// Files of the tests need no disk.
fn memory_backed() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    if memory.is_dir() { memory } else { std::env::temp_dir() }
}

async fn execute(server: &str, statement: &str) {
    execute_on(PgConnectOptions::from_str(server).expect("a URL"), statement).await;
}

async fn execute_on(options: PgConnectOptions, statements: &str) {
    let mut connection = PgConnection::connect_with(&options).await.expect("the test's PostgreSQL");
    let done = sqlx::raw_sql(AssertSqlSafe(statements)).execute(&mut connection).await;
    done.unwrap_or_else(|error| panic!("{statements}: {error}"));
    // A server that goes away while it says goodbye is no failure.
    let _ = tokio::time::timeout(Duration::from_secs(1), connection.close()).await;
}
