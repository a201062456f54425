//! Bars for the hours of a day.

/// A chart of one bar for each hour.
pub struct HoursChart {
    /// What is counted.
    pub title: &'static str,
    /// All of it, in words.
    pub total: String,
    /// The most in an hour, in words.
    pub most: String,
    /// The bars, the latest last.
    pub bars: Vec<Bar>,
}

/// A bar of the chart, in units of its view box.
pub struct Bar {
    /// Where it begins.
    pub x: usize,
    /// Where its top is.
    pub y: usize,
    /// How high it is.
    pub height: usize,
    /// What it stands for, in words.
    pub label: String,
}

/// The height of the view box; each bar takes [`STEP`] of its width.
const HEIGHT: usize = 96;
/// How far one bar is from the next.
const STEP: usize = 20;

/// The bars of values, each with what says which hour it is and how much. What is more than nothing is seen.
pub fn bars(values: impl ExactSizeIterator<Item = (u64, String)> + Clone) -> Vec<Bar> {
    let most = values.clone().map(|(value, _)| value).max().unwrap_or(0).max(1);
    let bar = |(index, (value, label)): (usize, (u64, String))| {
        let share = value as f64 / most as f64;
        let height = if value == 0 { 0 } else { ((share * HEIGHT as f64).round() as usize).max(2) };
        Bar { x: index * STEP, y: HEIGHT - height, height, label }
    };
    values.enumerate().map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_fills_the_height_and_little_is_still_seen() {
        let drawn = bars([0, 1, 1000].into_iter().map(|value| (value, String::new())));
        assert_eq!(drawn.iter().map(|bar| bar.height).collect::<Vec<_>>(), [0, 2, HEIGHT]);
        assert_eq!(drawn[2].y, 0);
        assert!(
            bars([0, 0].into_iter().map(|value| (value, String::new()))).iter().all(|bar| bar.height == 0)
        );
    }
}
