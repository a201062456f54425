//! Direct access to an installation's database, for what no public door shows: that the database itself
//! refuses what must not be.

use std::path::Path;

use sqlx::postgres::{PgConnectOptions, PgRow};
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};

/// A connection as the owner of the schema.
pub struct Database {
    connection: PgConnection,
}

impl Database {
    /// Connects to the database of a distributed installation.
    pub async fn at(url: &str) -> Database {
        let connection = PgConnection::connect(url).await.expect("the installation's database");
        Database { connection }
    }

    /// Connects to the private database of a data directory, where its server says that it listens.
    pub async fn of_data_directory(directory: &Path) -> Database {
        let file = directory.join("postgres/postmaster.pid");
        let text =
            std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let lines: Vec<&str> = text.lines().collect();
        let (port, socket) = (lines[3].trim().parse().expect("a port"), lines[4].trim());
        let options = PgConnectOptions::new_without_pgpass();
        let options = options.socket(socket).port(port).username("augur").database("augur");
        let connection = PgConnection::connect_with(&options).await.expect("the private database");
        Database { connection }
    }

    /// Runs statements that must work.
    #[track_caller]
    pub fn execute(&mut self, statements: &str) -> impl Future<Output = ()> {
        let caller = std::panic::Location::caller();
        let running = self.attempt(statements.to_owned());
        async move {
            running.await.unwrap_or_else(|error| panic!("{error} (at {caller})"));
        }
    }

    /// Runs statements that the database must refuse, and returns what it says.
    pub async fn refuses(&mut self, statements: &str) -> String {
        match self.attempt(statements.to_owned()).await {
            Ok(()) => panic!("the database did not refuse: {statements}"),
            Err(error) => {
                let _ = self.attempt("ROLLBACK".to_owned()).await;
                error.to_string()
            }
        }
    }

    /// The one number that a query finds.
    pub async fn number(&mut self, query: &str) -> i64 {
        self.row(query).await.try_get(0).unwrap_or_else(|error| panic!("{query}: {error}"))
    }

    /// The one text that a query finds.
    pub async fn text(&mut self, query: &str) -> String {
        self.row(query).await.try_get(0).unwrap_or_else(|error| panic!("{query}: {error}"))
    }

    async fn row(&mut self, query: &str) -> PgRow {
        let found = sqlx::raw_sql(AssertSqlSafe(query)).fetch_one(&mut self.connection).await;
        found.unwrap_or_else(|error| panic!("{query}: {error}"))
    }

    async fn attempt(&mut self, statements: String) -> Result<(), sqlx::Error> {
        sqlx::raw_sql(AssertSqlSafe(statements)).execute(&mut self.connection).await.map(|_| ())
    }
}
