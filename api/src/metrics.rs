//! Metrics in the OpenMetrics text format, which Prometheus reads: what the edge counts itself, and what the node measures.

use std::fmt;
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::backend::{Measure, Sample, Values};
use crate::error::Code;

/// The type of the answer.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Upper bounds of the steps of request durations, in seconds.
const STEPS_S: [f64; 12] = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

type Labels = [(&'static str, &'static str); 1];

/// What the edge counts.
pub struct Metrics {
    reads: Histogram,
    writes: Histogram,
    answers: Family<Labels, Counter>,
    refusals: Family<Labels, Counter>,
    bad_handshakes: Counter,
}

impl Default for Metrics {
    fn default() -> Self {
        let histogram = || Histogram::new(STEPS_S);
        Self {
            reads: histogram(),
            writes: histogram(),
            answers: Family::default(),
            refusals: Family::default(),
            bad_handshakes: Counter::default(),
        }
    }
}

impl Metrics {
    /// Counts an answer.
    pub fn answered(&self, is_read: bool, status: u16, took: Duration) {
        let histogram = if is_read { &self.reads } else { &self.writes };
        histogram.observe(took.as_secs_f64());
        self.answers.get_or_create(&[("class", class(status))]).inc();
    }

    /// Counts a problem.
    pub fn refused(&self, code: Code) {
        self.refusals.get_or_create(&[("code", code.entry().name)]).inc();
    }

    /// Counts a connection that came to nothing before any request.
    pub fn handshake_failed(&self) {
        self.bad_handshakes.inc();
    }

    /// All metrics as text.
    ///
    /// # Errors
    /// None in practice: writing to a string cannot fail.
    pub fn text(&self, measures: Vec<Measure>) -> Result<String, fmt::Error> {
        let mut registry = Registry::with_prefix("boxoffice");
        registry.register(
            "http_read_seconds",
            "How long GET and HEAD took, from the head of the request to the answer's",
            self.reads.clone(),
        );
        registry.register("http_write_seconds", "The same of all other methods", self.writes.clone());
        registry.register("http_answers", "Answers by class of status", self.answers.clone());
        registry.register("http_problems", "Problems by code: refusals, bad input, faults", self.refusals.clone());
        registry.register("http_bad_handshakes", "Clients whose TLS handshake failed", self.bad_handshakes.clone());
        registry.register_collector(Box::new(Node(measures)));
        let mut text = String::new();
        encode(&mut text, &registry)?;
        Ok(text)
    }
}

fn class(status: u16) -> &'static str {
    match status / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        _ => "5xx",
    }
}

/// What the node measured for this answer.
#[derive(Debug)]
struct Node(Vec<Measure>);

impl Collector for Node {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        for Measure { name, help, values } in &self.0 {
            match values {
                Values::Counter(samples) => {
                    each(encoder.encode_descriptor(name, help, None, MetricType::Counter)?, samples, ConstCounter::new)?;
                }
                Values::Gauge(samples) => {
                    each(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?, samples, ConstGauge::new)?;
                }
                Values::Histogram { steps, sum_s } => {
                    let mut encoder = encoder.encode_descriptor(name, help, None, MetricType::Histogram)?;
                    let mut steps = steps.clone();
                    steps.push((f64::INFINITY, 0));
                    let count = steps.iter().map(|step| step.1).sum();
                    encoder.encode_histogram::<NoLabelSet>(*sum_s, count, &steps, None)?;
                }
            }
        }
        Ok(())
    }
}

fn each<T: Copy, M: EncodeMetric>(mut family: MetricEncoder<'_>, samples: &[Sample<T>], metric: impl Fn(T) -> M) -> Result<(), fmt::Error> {
    if let [Sample { labels, value }] = samples
        && labels.is_empty()
    {
        return metric(*value).encode(family);
    }
    for Sample { labels, value } in samples {
        metric(*value).encode(family.encode_family(labels)?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_and_measured_is_told() {
        let metrics = Metrics::default();
        metrics.answered(true, 200, Duration::from_millis(3));
        metrics.answered(false, 409, Duration::from_millis(30));
        metrics.refused(Code::SeatUnavailable);
        let lag = |node: &str, value| Sample { labels: vec![("group", "1".to_owned()), ("node", node.to_owned())], value };
        let text = metrics
            .text(vec![
                Measure::counter("log_fsyncs", "Syncs", 7),
                Measure::gauges("group_follower_lag_entries", "Lag", vec![lag("2", 5.0), lag("3", 0.0)]),
                Measure {
                    name: "log_fsync_seconds",
                    help: "S",
                    values: Values::Histogram { steps: vec![(0.001, 2), (0.002, 1)], sum_s: 0.003 },
                },
            ])
            .unwrap();
        for line in [
            "boxoffice_http_answers_total{class=\"2xx\"} 1",
            "boxoffice_http_problems_total{code=\"seat_unavailable\"} 1",
            "boxoffice_http_read_seconds_bucket{le=\"0.005\"} 1",
            "boxoffice_http_write_seconds_count 1",
            "boxoffice_log_fsyncs_total 7",
            "boxoffice_group_follower_lag_entries{group=\"1\",node=\"2\"} 5.0",
            "boxoffice_log_fsync_seconds_bucket{le=\"0.002\"} 3",
            "boxoffice_log_fsync_seconds_bucket{le=\"+Inf\"} 3",
            "boxoffice_log_fsync_seconds_sum 0.003",
        ] {
            assert!(text.lines().any(|known| known == line), "{line} is not in:\n{text}");
        }
        assert!(text.ends_with("# EOF\n"));
    }
}
