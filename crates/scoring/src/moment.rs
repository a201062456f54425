//! Moments as files write them, as seconds since 1970 in UTC.

use crate::outcome_file::day_of;

/// Seconds of a day.
pub const DAY: i64 = 86_400;

/// `2026-03-31`, `2026-03-31 14:05`, `2026-03-31T14:05:09.5+03:00`, `31.03.2026 14:05`; `Z` is UTC. What names no
/// offset of its own is at `offset`, in seconds east of UTC; a date without a time is its first moment.
///
/// Parts of a second are cut off. Nothing where the text is no moment.
#[must_use]
pub fn seconds_of(text: &str, offset: i64) -> Option<i64> {
    let text = text.trim();
    let day = i64::from(day_of(text)?);
    let (time, offset) = match text.split_once(['T', ' ']) {
        None => (0, offset),
        Some((_, rest)) => {
            let (time, zone) = split_zone(rest.trim());
            (time_of(time)?, zone.map_or(Some(offset), offset_of)?)
        }
    };
    Some(day * DAY + time - offset)
}

/// An offset from UTC such as `Z`, `+03:00`, `-0530` or `+3`, in seconds east.
#[must_use]
pub fn offset_of(text: &str) -> Option<i64> {
    if text.eq_ignore_ascii_case("z") || text.eq_ignore_ascii_case("utc") {
        return Some(0);
    }
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = match (rest.split_once(':'), rest.len()) {
        (Some((hours, minutes)), _) => (digits(hours, 2)?, digits(minutes, 2)?),
        (None, 4) => (digits(&rest[..2], 2)?, digits(&rest[2..], 2)?),
        (None, 1 | 2) => (digits(rest, rest.len())?, 0),
        _ => return None,
    };
    (hours <= 14 && minutes < 60).then_some(sign * (hours * 3_600 + minutes * 60))
}

fn split_zone(text: &str) -> (&str, Option<&str>) {
    match text.find(['Z', 'z', '+', '-', 'U', 'u']) {
        Some(place) => (text[..place].trim_end(), Some(&text[place..])),
        None => (text, None),
    }
}

fn time_of(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once(['.', ',']).unwrap_or((text, ""));
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut parts = whole.split(':');
    let (hour, minute) = (digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    let second = parts.next().map_or(Some(0), |second| digits(second, 2))?;
    let is_good = hour < 24 && minute < 60 && second <= 60 && parts.next().is_none();
    is_good.then_some(hour * 3_600 + minute * 60 + second)
}

fn digits(text: &str, count: usize) -> Option<i64> {
    (text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::{DAY, offset_of, seconds_of};

    #[test]
    fn a_moment_is_the_same_in_whatever_zone_it_is_written() {
        let noon = 20_778 * DAY + 12 * 3_600;
        for text in [
            "2026-11-21T12:00:00Z",
            "2026-11-21 12:00",
            "21.11.2026 12:00:00.999",
            "2026-11-21T15:00+03:00",
            "2026-11-21T06:30:00-0530",
            "2026-11-22T00:00:00+12",
            " 2026-11-21 12:00:00 UTC ",
        ] {
            assert_eq!(seconds_of(text, 0), Some(noon), "{text}");
        }
        assert_eq!(seconds_of("2026-11-21", 0), Some(20_778 * DAY));
        assert_eq!(seconds_of("2026-11-21 15:00", 3 * 3_600), Some(noon));
        assert_eq!(seconds_of("2026-11-21 12:00Z", 3 * 3_600), Some(noon), "its own zone counts");
    }

    #[test]
    fn what_is_no_moment_is_none() {
        let wrong = ["", "noon", "2026-02-30", "2026-11-21 24:00", "2026-11-21 12", "2026-11-21T12:00+15:00"];
        for text in wrong.into_iter().chain(["2026-11-21T12:00 tomorrow", "2026-11-21 12:00:00:00"]) {
            assert_eq!(seconds_of(text, 0), None, "{text}");
        }
        assert_eq!((offset_of("+03:30"), offset_of("3"), offset_of("+1:30")), (Some(12_600), None, None));
    }
}
