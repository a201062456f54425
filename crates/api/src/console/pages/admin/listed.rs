//! What the lists' addresses ask for: which entries, and which part of them.

use chrono::{DateTime, Days, NaiveDate, Utc};
use platform::Page;
use serde::Deserialize;

const ENTRIES: u32 = 50;

/// The query of a list. What is empty or makes no sense filters nothing.
#[derive(Default, Deserialize)]
pub struct ListQuery {
    /// Words to look for.
    #[serde(default)]
    pub q: String,
    /// A state, or an action.
    #[serde(default)]
    pub status: String,
    /// A day, UTC.
    #[serde(default)]
    pub day: String,
    /// Where the last page ended.
    #[serde(default)]
    cursor: String,
}

impl ListQuery {
    /// The page of the list.
    pub fn page(&self) -> Page {
        Page { limit: ENTRIES, cursor: Some(self.cursor.clone()).filter(|cursor| !cursor.is_empty()) }
    }

    /// What is looked for.
    pub fn words(&self) -> Option<String> {
        Some(self.q.trim().to_owned()).filter(|words| !words.is_empty())
    }

    /// The day's beginning and end.
    pub fn span(&self) -> (Option<DateTime<Utc>>, Option<DateTime<Utc>>) {
        let day = NaiveDate::parse_from_str(&self.day, "%Y-%m-%d").ok();
        let start = |day: NaiveDate| day.and_hms_opt(0, 0, 0).map(|start| start.and_utc());
        (day.and_then(start), day.and_then(|day| day.checked_add_days(Days::new(1))).and_then(start))
    }

    /// Whether this is the list's first page.
    pub fn is_first(&self) -> bool {
        self.cursor.is_empty()
    }

    /// Whether entries are left out.
    pub fn is_filtered(&self) -> bool {
        !(self.q.trim().is_empty() && self.status.is_empty() && self.day.is_empty())
    }

    /// The address of this list with the same filters, to which a cursor can be added.
    pub fn base(&self, path: &str) -> String {
        let pairs = [("q", self.q.trim()), ("status", &self.status), ("day", &self.day)];
        let pairs: Vec<_> = pairs.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        let query = serde_urlencoded::to_string(&pairs).unwrap_or_default();
        if query.is_empty() { format!("{path}?") } else { format!("{path}?{query}&") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> ListQuery {
        serde_urlencoded::from_str(text).unwrap()
    }

    #[test]
    fn a_day_is_24_hours_and_nonsense_is_no_day() {
        let (from, to) = query("day=2026-11-21").span();
        assert_eq!((to.unwrap() - from.unwrap()).num_hours(), 24);
        for nonsense in ["", "day=", "day=2026-13-01", "day=yesterday", "day=%00"] {
            assert_eq!(query(nonsense).span(), (None, None), "{nonsense}");
        }
    }

    #[test]
    fn older_entries_are_asked_for_with_the_same_filters() {
        let asked = query("q=a%26b+c&status=paid&cursor=ff");
        assert_eq!(asked.base("/admin/orders"), "/admin/orders?q=a%26b+c&status=paid&");
        assert!(asked.is_filtered() && !asked.is_first());
        assert_eq!(query("").base("/admin/orders"), "/admin/orders?");
    }
}
