//! A log of events beside the customers: fetched from a source of its own, made features of before anything else looks
//! at the customers.

use super::db;
use super::fetch::Failure;
use crate::{Error, SourceId, TenantTx};
use chrono::{DateTime, Utc};
use scoring::events::{AsOf, EventColumns, EventsReport, add_features};
use scoring::moment::{offset_of, seconds_of};
use scoring::{Dialect, Inspection, Inspector, ScoreError};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, Write};

const STEP_BYTES: usize = 256 << 10;

/// Where the events are, and which columns say what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventLog {
    /// The source that has the events.
    pub source: SourceId,
    /// The customers' column that tells them apart.
    pub key: String,
    /// The events' column that names the customer; the key's name where nothing is said.
    pub event_key: Option<String>,
    /// The events' column of times.
    pub time: String,
    /// The events' column of amounts.
    pub amount: Option<String>,
    /// The moment before which events count; that of the intake where neither is said.
    pub as_of: Option<String>,
    /// The customers' column of such moments.
    pub as_of_column: Option<String>,
    /// The offset of times that name none; UTC where nothing is said.
    pub utc_offset: Option<String>,
}

impl EventLog {
    /// # Errors
    /// [`Error::Invalid`] for a moment or an offset that cannot be read; [`Error::NotFound`] for the source.
    pub(super) async fn check(&self, tx: &mut TenantTx) -> Result<(), Error> {
        let tenant = tx.caller().tenant;
        if db::select(tx.connection(), tenant, self.source).await?.is_none() {
            return Err(Error::NotFound("source"));
        }
        let offset = self.offset()?;
        match (&self.as_of, &self.as_of_column) {
            (Some(_), Some(_)) => Err(Error::invalid("as_of", "give as_of or as_of_column")),
            (Some(text), None) if seconds_of(text, offset).is_none() => {
                Err(Error::invalid("as_of", "this is no moment such as 2026-03-31"))
            }
            _ => Ok(()),
        }
    }

    fn offset(&self) -> Result<i64, Error> {
        let Some(text) = &self.utc_offset else { return Ok(0) };
        offset_of(text).ok_or_else(|| Error::invalid("utc_offset", "an offset is Z or such as +03:00"))
    }

    /// The customers with the features of their events, read again for how they are written.
    pub(super) fn add(
        &self,
        customers: (File, &Dialect),
        events: (File, &Dialect),
        asked_at: DateTime<Utc>,
        inspector: Inspector,
    ) -> Result<(File, Inspection, EventsReport), Unadded> {
        let utc_offset = self.offset().map_err(Unadded::Ours)?;
        let moment = self.as_of.as_deref().and_then(|text| seconds_of(text, utc_offset));
        let columns = EventColumns {
            key: &self.key,
            event_key: self.event_key.as_ref().unwrap_or(&self.key),
            time: &self.time,
            amount: self.amount.as_deref(),
            as_of: match &self.as_of_column {
                Some(column) => AsOf::Column(column),
                None => AsOf::Moment(moment.unwrap_or(asked_at.timestamp())),
            },
            utc_offset,
        };
        let (customers, dialect) = customers;
        let mut again = || -> std::io::Result<BufReader<File>> {
            let mut file = customers.try_clone()?;
            file.rewind()?;
            Ok(BufReader::new(file))
        };
        let (mut log, of_log) = events;
        log.rewind()?;
        let mut output = BufWriter::new(tempfile::tempfile()?);
        let report =
            add_features(&columns, (dialect, &mut again), (of_log, BufReader::new(log)), &mut output)?;
        output.flush()?;
        let file = output.into_inner().map_err(std::io::IntoInnerError::into_error)?;
        if let Some(first) = report.problems.first() {
            let message = format!("Line {}, column {}: {}.", first.line, first.column, first.message);
            let failure =
                Failure { problems: report.problems.clone(), ..Failure::new("unreadable_events", message) };
            return Err(Unadded::Told(failure));
        }
        let (file, inspection) = inspect(file, inspector)?;
        Ok((file, inspection, report))
    }
}

/// Why there are no features.
pub(super) enum Unadded {
    Told(Failure),
    Ours(Error),
}

impl From<std::io::Error> for Unadded {
    fn from(error: std::io::Error) -> Unadded {
        Unadded::Ours(Error::Unavailable { dependency: "temporary files", detail: error.to_string() })
    }
}

impl From<ScoreError> for Unadded {
    fn from(error: ScoreError) -> Unadded {
        match error {
            ScoreError::Input(input) => Unadded::Told(Failure::of_input(&input)),
            ScoreError::Io(error) => error.into(),
            ScoreError::Stopped => Unadded::Ours(Error::internal(error)),
        }
    }
}

fn inspect(mut file: File, mut inspector: Inspector) -> Result<(File, Inspection), Unadded> {
    file.rewind()?;
    let mut bytes = vec![0; STEP_BYTES];
    loop {
        let count = file.read(&mut bytes)?;
        if count == 0 {
            let inspection = inspector.finish().map_err(ScoreError::Input)?;
            return Ok((file, inspection));
        }
        inspector.push(&bytes[..count]).map_err(ScoreError::Input)?;
    }
}
