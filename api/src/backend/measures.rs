//! What a node measures, as plain numbers: the edge turns them into metrics.

/// One metric of a node.
#[derive(Clone, Debug)]
pub struct Measure {
    /// Its name, without the product's prefix, in base units (`_seconds`, `_bytes`).
    pub name: &'static str,
    /// What it says, for people.
    pub help: &'static str,
    /// Its values.
    pub values: Values,
}

/// The values of a metric.
#[derive(Clone, Debug)]
pub enum Values {
    /// Only goes up, from the start of the process. Its name gets `_total`.
    Counter(Vec<Sample<u64>>),
    /// Goes up and down.
    Gauge(Vec<Sample<f64>>),
    /// Durations: the upper bounds of the steps in seconds with how many fell into each, and their sum in seconds.
    Histogram {
        /// Ascending; only steps that have any.
        steps: Vec<(f64, u64)>,
        /// Of all.
        sum_s: f64,
    },
}

/// One value and what it is about.
#[derive(Clone, Debug)]
pub struct Sample<T> {
    /// Names and values of labels.
    pub labels: Vec<(&'static str, String)>,
    /// The value.
    pub value: T,
}

impl Measure {
    /// A counter without labels.
    #[must_use]
    pub fn counter(name: &'static str, help: &'static str, value: u64) -> Self {
        Self::counters(name, help, vec![Sample { labels: Vec::new(), value }])
    }

    /// A counter with labels.
    #[must_use]
    pub fn counters(name: &'static str, help: &'static str, samples: Vec<Sample<u64>>) -> Self {
        Self { name, help, values: Values::Counter(samples) }
    }

    /// A gauge without labels.
    #[must_use]
    pub fn gauge(name: &'static str, help: &'static str, value: f64) -> Self {
        Self::gauges(name, help, vec![Sample { labels: Vec::new(), value }])
    }

    /// A gauge with labels.
    #[must_use]
    pub fn gauges(name: &'static str, help: &'static str, samples: Vec<Sample<f64>>) -> Self {
        Self { name, help, values: Values::Gauge(samples) }
    }
}
