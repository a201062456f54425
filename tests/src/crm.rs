//! A PostgreSQL of a customer's own: on the tests' server, under another name.

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// A database of a customer's own, with their customers in the table `customers` and a user who may read them.
pub struct Crm {
    name: String,
    /// As a source names it.
    pub place: Value,
    owner: String,
}

impl Crm {
    /// One with these customers, whose reader has this password.
    pub async fn with(csv: &str, password: &str) -> Crm {
        let server = std::env::var("TEST_DATABASE_URL").expect("the tests' PostgreSQL");
        let name = format!("crm_{}", uuid::Uuid::new_v4().simple());
        let role = format!("reader_{}", uuid::Uuid::new_v4().simple());
        let (base, query) = server.split_once('?').unwrap_or((&server, ""));
        let (before, _) = base.rsplit_once('/').unwrap();
        let owner = format!("{before}/{name}?{query}");
        execute(&server, &format!("CREATE DATABASE {name}")).await;
        let columns: Vec<&str> = csv.lines().next().unwrap().split(',').collect();
        let table = columns.iter().map(|name| format!("\"{name}\" text")).collect::<Vec<_>>().join(", ");
        let rows: Vec<String> = csv
            .lines()
            .skip(1)
            .map(|line| line.split(',').map(|cell| format!("'{cell}'")).collect::<Vec<_>>().join(", "))
            .map(|row| format!("({row})"))
            .collect();
        let made = format!(
            "CREATE TABLE customers ({table}); INSERT INTO customers VALUES {}; \
             CREATE ROLE {role} LOGIN PASSWORD '{password}'; GRANT ALL ON customers TO {role}",
            rows.join(", ")
        );
        execute(&owner, &made).await;
        let host = before.rsplit_once('@').map_or(before, |(_, host)| host);
        let (host, port) = host.trim_start_matches("postgres://").rsplit_once(':').unwrap();
        let port: u16 = port.parse().unwrap();
        let place = json!({ "kind": "postgresql", "host": host.rsplit('/').next().unwrap(), "port": port,
            "database": name, "user": role, "tls": "disable", "query": "SELECT * FROM customers;" });
        Crm { name, place, owner }
    }

    /// The same place with another query.
    pub fn asking(&self, query: &str) -> Value {
        let mut place = self.place.clone();
        place["query"] = json!(query);
        place
    }

    /// How many customers there are.
    pub async fn rows(&self) -> i64 {
        let mut connection = PgConnection::connect(&self.owner).await.unwrap();
        sqlx::query_scalar("SELECT count(*) FROM customers").fetch_one(&mut connection).await.unwrap()
    }

    /// Drops it.
    pub async fn remove(self) {
        let server = std::env::var("TEST_DATABASE_URL").unwrap();
        let role = self.place["user"].as_str().unwrap();
        execute(&server, &format!("DROP DATABASE {} WITH (FORCE); DROP ROLE {role}", self.name)).await;
    }
}

async fn execute(url: &str, statements: &str) {
    let mut connection = PgConnection::connect(url).await.expect("the tests' PostgreSQL");
    for statement in statements.split("; ") {
        let done = sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await;
        done.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
}
