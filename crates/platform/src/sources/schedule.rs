//! What is done with a source by itself.

use super::fetch::Failure;
use super::intakes::{NewIntake, insert};
use super::{IntakeRequest, db};
use crate::jobs::db::notify;
use crate::notifications::JOBS_CHANNEL;
use crate::{Error, Platform};
use chrono::{DateTime, Days, NaiveTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// How many sources are looked after in one look.
const SOME: usize = 50;
/// A schedule's longest pace, in hours: a year.
const HOURS_MAX: u32 = 8_784;

/// When.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// Every so many hours.
    EveryHours(u32),
    /// Every day at this time, in UTC.
    DailyAt(NaiveTime),
}

/// When, and what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    /// When.
    pub when: When,
    /// What is ordered each time.
    pub request: IntakeRequest,
}

impl When {
    pub(super) fn check(self) -> Result<(), Error> {
        match self {
            When::EveryHours(hours) if !(1..=HOURS_MAX).contains(&hours) => {
                Err(Error::invalid("every_hours", format!("this is 1 to {HOURS_MAX}")))
            }
            _ => Ok(()),
        }
    }

    /// The first moment after `now`, counted on from the moment before where there was one: what was missed is not
    /// made up for.
    pub(super) fn after(self, before: Option<DateTime<Utc>>, now: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            When::EveryHours(hours) => {
                let step = TimeDelta::hours(hours.max(1).into());
                let start = before.filter(|before| *before <= now).unwrap_or(now);
                let missed = (now - start).num_seconds() / step.num_seconds();
                start + step * i32::try_from(missed + 1).unwrap_or(i32::MAX)
            }
            When::DailyAt(time) => {
                let today = now.date_naive().and_time(time).and_utc();
                if today > now { today } else { today + Days::new(1) }
            }
        }
    }
}

/// Starts what is due, each once: the source's row is locked, and its next moment is set in the same transaction.
pub(crate) async fn start_due(platform: &Platform) -> Result<(), Error> {
    for _ in 0..SOME {
        let mut transaction = platform.system.begin().await?;
        let Some(due) = db::lock_due(&mut transaction).await? else { return Ok(()) };
        let (Some(schedule), Some(user), Some(at)) = (&due.schedule, due.user, due.next_at) else {
            return Err(Error::Internal("a source is due without a schedule".to_owned()));
        };
        let is_open = db::has_open_intake(&mut transaction, due.id).await?;
        let skipped = is_open
            .then(|| Failure::new("still_running", "the intake before has not ended; this one was left out"));
        let new = NewIntake {
            tenant: due.tenant,
            source: due.id,
            user,
            request: &schedule.request,
            due_at: Some(at),
            skipped: skipped.as_ref(),
        };
        insert(&mut transaction, platform, new, "").await?;
        db::set_next(&mut transaction, due.id, schedule.when.after(Some(at), Utc::now())).await?;
        notify(&mut transaction, JOBS_CHANNEL, "").await?;
        transaction.commit().await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn what_was_missed_is_not_made_up_for() {
        let daily = When::DailyAt(NaiveTime::from_hms_opt(6, 30, 0).unwrap());
        assert_eq!(daily.after(None, at("2026-11-21T06:29:59Z")), at("2026-11-21T06:30:00Z"));
        assert_eq!(daily.after(None, at("2026-11-21T06:30:00Z")), at("2026-11-22T06:30:00Z"));
        let hours = When::EveryHours(6);
        assert_eq!(hours.after(None, at("2026-11-21T01:00:00Z")), at("2026-11-21T07:00:00Z"));
        let before = Some(at("2026-11-21T01:00:00Z"));
        assert_eq!(hours.after(before, at("2026-11-21T01:00:02Z")), at("2026-11-21T07:00:00Z"));
        assert_eq!(hours.after(before, at("2026-11-23T01:30:00Z")), at("2026-11-23T07:00:00Z"));
        assert!(When::EveryHours(0).check().is_err() && When::EveryHours(24).check().is_ok());
    }
}
