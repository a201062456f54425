//! What is remembered of one customer, and the features that are made of it.

use crate::moment::DAY;

/// The windows, in days before the moment.
const WINDOWS: [i64; 3] = [30, 90, 365];
/// A customer is silent who was for so many times the usual time between two events.
const SILENT_FROM: f64 = 2.0;
/// And falls off whose amounts of a window are below this share of those of the window before.
const FALLING_BELOW: f64 = 0.5;
/// Fewer events have no usual time between them.
const EVENTS_MIN: u64 = 3;
/// Ten-thousandths.
const AMOUNT_STEP: f64 = 1e4;

/// The columns, in their order.
pub const FEATURES: [&str; 15] = [
    "events_30d",
    "events_90d",
    "events_365d",
    "amount_30d",
    "amount_90d",
    "amount_365d",
    "amount_per_event_365d",
    "days_since_first_event",
    "days_since_last_event",
    "days_between_events",
    "silence_ratio",
    "events_trend_30d",
    "amount_trend_90d",
    "is_silent",
    "is_falling",
];

/// One window and the one of the same length before it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Window {
    events: [u64; 2],
    /// In ten-thousandths.
    amounts: [i128; 2],
}

/// What a customer did before a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    as_of: i64,
    windows: [Window; WINDOWS.len()],
    events: u64,
    first: i64,
    last: i64,
}

impl History {
    /// Of a customer of whom nothing is known yet, before a moment in seconds since 1970.
    #[must_use]
    pub fn before(as_of: i64) -> History {
        History { as_of, windows: Default::default(), events: 0, first: i64::MAX, last: i64::MIN }
    }

    /// Takes an event, in whatever order they come. False where it is not before the moment, and nothing has changed.
    pub fn take(&mut self, time: i64, amount: f64) -> bool {
        if time >= self.as_of {
            return false;
        }
        self.events += 1;
        self.first = self.first.min(time);
        self.last = self.last.max(time);
        // An amount beyond 64 bits of ten-thousandths is as large as there is.
        let amount = (amount * AMOUNT_STEP).round() as i64;
        for (window, days) in self.windows.iter_mut().zip(WINDOWS) {
            // An event exactly so many days ago is the oldest of the window.
            let place = (self.as_of - time - 1) / (days * DAY);
            if let Some(place) = usize::try_from(place).ok().filter(|place| *place < 2) {
                window.events[place] += 1;
                window.amounts[place] += i128::from(amount);
            }
        }
        true
    }

    /// The features, in the order of [`FEATURES`]; nothing where a feature makes no sense of so few events.
    #[must_use]
    pub fn features(&self) -> [Option<f64>; FEATURES.len()] {
        let [month, quarter, year] = &self.windows;
        let amount = |amount: i128| amount as f64 / AMOUNT_STEP;
        let some = |wanted: bool| move |value: f64| wanted.then_some(value);
        let days = |seconds: i64| seconds as f64 / DAY as f64;
        let is_known = some(self.events > 0);
        // Where there are none, these stand for nothing and are not told.
        let (first, last) = if self.events > 0 { (self.first, self.last) } else { (self.as_of, self.as_of) };
        let since_last = days(self.as_of - last);
        let has_pace = self.events >= EVENTS_MIN && last > first;
        let between = days(last - first) / (self.events.max(2) - 1) as f64;
        let silence = if has_pace { since_last / between } else { 0.0 };
        let is_falling = amount(quarter.amounts[0]) < FALLING_BELOW * amount(quarter.amounts[1]);
        [
            Some(month.events[0] as f64),
            Some(quarter.events[0] as f64),
            Some(year.events[0] as f64),
            Some(amount(month.amounts[0])),
            Some(amount(quarter.amounts[0])),
            Some(amount(year.amounts[0])),
            some(year.events[0] > 0)(amount(year.amounts[0]) / year.events[0].max(1) as f64),
            is_known(days(self.as_of - first)),
            is_known(since_last),
            some(has_pace)(between),
            some(has_pace)(silence),
            trend(month.events.map(|events| events as f64)),
            trend(quarter.amounts.map(amount)),
            Some(f64::from(u8::from(has_pace && silence > SILENT_FROM))),
            Some(f64::from(u8::from(is_falling))),
        ]
    }
}

/// From -1, where there was nothing lately, to 1, where there was nothing before; nothing where there was neither.
fn trend([lately, before]: [f64; 2]) -> Option<f64> {
    let sum = lately.abs() + before.abs();
    (sum > 0.0).then(|| (lately - before) / sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(history: &History, name: &str) -> Option<f64> {
        history.features()[FEATURES.iter().position(|feature| *feature == name).unwrap()]
    }

    fn close(found: Option<f64>, wanted: f64) {
        assert!(found.is_some_and(|found| (found - wanted).abs() < 1e-9), "{found:?} is not {wanted}");
    }

    #[test]
    fn an_event_at_the_moment_or_after_it_changes_nothing() {
        let as_of = 20_000 * DAY;
        let mut history = History::before(as_of);
        for days in [10, 40, 70, 100] {
            assert!(history.take(as_of - days * DAY, 25.0));
        }
        let before = history.clone();
        for after in [0, 1, 3_600, DAY, 400 * DAY] {
            assert!(!history.take(as_of + after, 1e6));
        }
        assert_eq!(history, before);
        assert!(history.take(as_of - 1, 1.0), "the last second before it counts");
    }

    #[test]
    fn windows_begin_exactly_so_many_days_before() {
        let as_of = 20_000 * DAY;
        let mut history = History::before(as_of);
        history.take(as_of - 30 * DAY, 1.0);
        assert_eq!(value(&history, "events_30d"), Some(1.0));
        history.take(as_of - 30 * DAY - 1, 2.0);
        assert_eq!((value(&history, "events_30d"), value(&history, "events_90d")), (Some(1.0), Some(2.0)));
        close(value(&history, "events_trend_30d"), 0.0);
        history.take(as_of - 365 * DAY - 1, 4.0);
        assert_eq!(value(&history, "amount_365d"), Some(3.0));
        close(value(&history, "amount_per_event_365d"), 1.5);
    }

    #[test]
    fn recency_frequency_amounts_and_signals_are_what_they_say() {
        let as_of = 20_000 * DAY;
        // Every ten days from 180 days ago on, until 80 days ago: then nothing.
        let mut history = History::before(as_of);
        for days in (80_i64..=180).rev().step_by(10) {
            history.take(as_of - days * DAY, 0.1);
        }
        close(value(&history, "days_since_last_event"), 80.0);
        close(value(&history, "days_since_first_event"), 180.0);
        close(value(&history, "days_between_events"), 10.0);
        close(value(&history, "silence_ratio"), 8.0);
        close(value(&history, "amount_90d"), 0.2);
        close(value(&history, "amount_trend_90d"), (0.2 - 0.9) / 1.1);
        assert_eq!((value(&history, "is_silent"), value(&history, "is_falling")), (Some(1.0), Some(1.0)));
        let never = History::before(as_of);
        assert_eq!((value(&never, "events_365d"), value(&never, "days_since_last_event")), (Some(0.0), None));
        assert_eq!((value(&never, "events_trend_30d"), value(&never, "is_silent")), (None, Some(0.0)));
    }

    #[test]
    fn the_order_of_events_changes_nothing() {
        let as_of = 20_000 * DAY;
        let events: Vec<(i64, f64)> =
            (1..500_i64).map(|number| (as_of - number * 7_777, 0.1 * (number % 17) as f64)).collect();
        let (mut forwards, mut backwards) = (History::before(as_of), History::before(as_of));
        events.iter().for_each(|&(time, amount)| assert!(forwards.take(time, amount)));
        events.iter().rev().for_each(|&(time, amount)| assert!(backwards.take(time, amount)));
        assert_eq!(forwards.features(), backwards.features());
    }
}
