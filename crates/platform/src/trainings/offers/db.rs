//! SQL of the lines of the price list that sell trainings.

use super::TrainingService;
use crate::{Error, ServiceId, error::violated_constraint};
use ledger::Money;
use sqlx::PgConnection;
use uuid::Uuid;

struct ServiceRow {
    id: Uuid,
    name: String,
    description: String,
    algorithms: Vec<String>,
    price: i64,
    prediction_price: i64,
    max_rows: i64,
    active: bool,
}

impl TryFrom<ServiceRow> for TrainingService {
    type Error = Error;

    fn try_from(row: ServiceRow) -> Result<Self, Error> {
        Ok(TrainingService {
            id: ServiceId(row.id),
            name: row.name,
            description: row.description,
            algorithms: row.algorithms,
            price: Money::from_minor_units(row.price)?,
            prediction_price: Money::from_minor_units(row.prediction_price)?,
            rows_max: row.max_rows.unsigned_abs(),
            active: row.active,
        })
    }
}

pub(super) async fn select_services(connection: &mut PgConnection) -> Result<Vec<TrainingService>, Error> {
    sqlx::query_as!(
        ServiceRow,
        r#"SELECT id, name, description, algorithms AS "algorithms!", price,
                  prediction_price AS "prediction_price!", max_rows, active
           FROM services WHERE kind = 'training' ORDER BY active DESC, price, id"#
    )
    .fetch_all(connection)
    .await?
    .into_iter()
    .map(TrainingService::try_from)
    .collect()
}

pub(crate) async fn select_service(
    connection: &mut PgConnection,
    id: ServiceId,
) -> Result<Option<TrainingService>, Error> {
    sqlx::query_as!(
        ServiceRow,
        r#"SELECT id, name, description, algorithms AS "algorithms!", price,
                  prediction_price AS "prediction_price!", max_rows, active
           FROM services WHERE kind = 'training' AND id = $1"#,
        id.0
    )
    .fetch_optional(connection)
    .await?
    .map(TrainingService::try_from)
    .transpose()
}

pub(super) async fn lock_service(connection: &mut PgConnection, id: ServiceId) -> Result<(), Error> {
    sqlx::query_scalar!("SELECT id FROM services WHERE id = $1 FOR UPDATE", id.0)
        .fetch_optional(connection)
        .await?;
    Ok(())
}

pub(super) async fn insert_service(
    connection: &mut PgConnection,
    service: &TrainingService,
) -> Result<(), Error> {
    sqlx::query!(
        r#"INSERT INTO services (id, kind, name, description, algorithms, price, prediction_price, max_rows, active)
           VALUES ($1, 'training', $2, $3, $4, $5, $6, $7, $8)"#,
        service.id.0,
        service.name,
        service.description,
        &service.algorithms,
        service.price.minor_units(),
        service.prediction_price.minor_units(),
        i64::try_from(service.rows_max).unwrap_or(i64::MAX),
        service.active
    )
    .execute(connection)
    .await
    .map_err(on_name_taken)?;
    Ok(())
}

pub(super) async fn update_service(
    connection: &mut PgConnection,
    service: &TrainingService,
) -> Result<(), Error> {
    sqlx::query!(
        r#"UPDATE services SET name = $2, description = $3, algorithms = $4, price = $5, prediction_price = $6,
                  max_rows = $7, active = $8 WHERE id = $1 AND kind = 'training'"#,
        service.id.0,
        service.name,
        service.description,
        &service.algorithms,
        service.price.minor_units(),
        service.prediction_price.minor_units(),
        i64::try_from(service.rows_max).unwrap_or(i64::MAX),
        service.active
    )
    .execute(connection)
    .await
    .map_err(on_name_taken)?;
    Ok(())
}

fn on_name_taken(error: sqlx::Error) -> Error {
    match violated_constraint(&error) {
        Some(name) if name.starts_with("services_name") => {
            Error::conflict("name_taken", "there is a service of this name")
        }
        _ => error.into(),
    }
}
