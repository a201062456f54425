//! Two areas under the curve with their intervals on one axis.

/// A figure with its interval, on an axis that is shared.
pub struct IntervalBar {
    /// Where the interval begins, from 0 to 100.
    pub low: f64,
    /// How long it is.
    pub width: f64,
    /// Where the figure is.
    pub point: f64,
}

/// The axis under both.
pub struct Intervals {
    /// The bars, in the order in which they were given.
    pub bars: Vec<IntervalBar>,
    /// The figure at the left end.
    pub from: f64,
    /// The figure at the right end.
    pub to: f64,
}

/// Room beside the outermost ends, in the axis's own figures.
const MARGIN: f64 = 0.01;

impl Intervals {
    /// Bars for figures as `[figure, low, high]`.
    pub fn new(figures: &[[f64; 3]]) -> Intervals {
        let from = figures.iter().map(|[_, low, _]| *low).fold(1.0, f64::min) - MARGIN;
        let to = figures.iter().map(|[_, _, high]| *high).fold(0.0, f64::max) + MARGIN;
        let (from, to) = (from.max(0.0), to.min(1.0));
        let place = |figure: f64| ((figure - from) / (to - from).max(1e-9) * 100.0).clamp(0.0, 100.0);
        let bar = |&[figure, low, high]: &[f64; 3]| IntervalBar {
            low: place(low),
            width: (place(high) - place(low)).max(0.5),
            point: place(figure),
        };
        Intervals { bars: figures.iter().map(bar).collect(), from, to }
    }
}

#[cfg(test)]
mod tests {
    use super::Intervals;

    #[test]
    fn every_interval_lies_on_the_axis_around_its_figure() {
        let drawn = Intervals::new(&[[0.8, 0.75, 0.85], [0.9, 0.88, 0.99]]);
        assert!(drawn.from < 0.75 && drawn.to <= 1.0);
        for bar in &drawn.bars {
            assert!(bar.low >= 0.0 && bar.low < bar.point && bar.point < bar.low + bar.width);
            assert!(bar.low + bar.width <= 100.0);
        }
        assert!(drawn.bars[0].point < drawn.bars[1].point);
    }
}
