//! The SQL that a new private database needs before anything of ours is in it.

use anyhow::{Context, Result};
use sqlx::{Connection, PgConnection};

use super::cluster::{Cluster, NAME};

/// Whether the database of ours is there and answers.
pub async fn is_ready(cluster: &Cluster) -> bool {
    let Ok(mut connection) = PgConnection::connect_with(&cluster.superuser_options()).await else {
        return false;
    };
    let found = sqlx::query("SELECT 1 FROM pg_database WHERE datname = $1").bind(NAME);
    matches!(found.fetch_optional(&mut connection).await, Ok(Some(_)))
}

/// Whether the server accepts connections.
pub async fn accepts_connections(cluster: &Cluster) -> bool {
    match PgConnection::connect_with(&cluster.superuser_options()).await {
        Ok(connection) => connection.close().await.is_ok(),
        Err(_) => false,
    }
}

/// Makes the role and the database where they are missing. The role may make roles and databases,
/// as the migrations need, but is bound by everything else.
pub async fn prepare(cluster: &Cluster) -> Result<()> {
    let prepare = async {
        let mut connection = PgConnection::connect_with(&cluster.superuser_options()).await?;
        let role = sqlx::query("SELECT 1 FROM pg_roles WHERE rolname = $1").bind(NAME);
        if role.fetch_optional(&mut connection).await?.is_none() {
            sqlx::raw_sql("CREATE ROLE augur LOGIN CREATEROLE CREATEDB").execute(&mut connection).await?;
        }
        let database = sqlx::query("SELECT 1 FROM pg_database WHERE datname = $1").bind(NAME);
        if database.fetch_optional(&mut connection).await?.is_none() {
            sqlx::raw_sql("CREATE DATABASE augur OWNER augur").execute(&mut connection).await?;
        }
        connection.close().await
    };
    prepare.await.context("cannot prepare the embedded database")
}
