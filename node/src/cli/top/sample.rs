//! What one node says of itself at one moment.

use std::collections::BTreeMap;
use std::time::Instant;

use boxoffice_api::client::{Client, ClientError, Node};

/// A node's status and metrics.
pub struct Sample {
    /// When it was asked.
    pub at: Instant,
    /// Its status.
    pub node: Node,
    /// Its metrics by name and labels, without the product's prefix.
    metrics: BTreeMap<String, f64>,
}

impl Sample {
    /// Asks a node.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn of(client: &Client) -> Result<Self, ClientError> {
        let node = client.status().await?;
        let metrics = read(&client.metrics().await?);
        Ok(Self { at: Instant::now(), node, metrics })
    }

    /// The value of a metric with these labels, as they are written.
    pub fn value(&self, name: &str) -> Option<f64> {
        self.metrics.get(name).copied()
    }

    /// The sum over all labels.
    pub fn sum(&self, name: &str) -> f64 {
        self.with_labels(name).map(|(_, value)| value).sum()
    }

    /// Upper bounds in seconds and counts up to there, of a histogram.
    pub fn steps(&self, name: &str) -> Vec<(f64, f64)> {
        let bucket = format!("{name}_bucket");
        let steps = self.with_labels(&bucket).filter_map(|(labels, count)| {
            let bound = labels.strip_prefix("{le=\"")?.strip_suffix("\"}")?;
            Some((if bound == "+Inf" { f64::INFINITY } else { bound.parse().ok()? }, count))
        });
        let mut steps: Vec<(f64, f64)> = steps.collect();
        steps.sort_by(|left, right| left.0.total_cmp(&right.0));
        steps
    }

    fn with_labels<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (&'a str, f64)> {
        let known = self.metrics.range(name.to_owned()..).take_while(move |(key, _)| key.starts_with(name));
        known.filter_map(move |(key, value)| {
            let labels = key.strip_prefix(name)?;
            (labels.is_empty() || labels.starts_with('{')).then_some((labels, *value))
        })
    }
}

fn read(text: &str) -> BTreeMap<String, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let read = |line: &str| {
        let (name, value) = line.rsplit_once(' ')?;
        Some((name.strip_prefix("boxoffice_")?.to_owned(), value.parse().ok()?))
    };
    lines.filter_map(read).collect()
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use serde_json::json;

    /// A node with these metrics.
    pub fn sample(node: u64, groups: serde_json::Value, metrics: &str) -> Sample {
        let status = json!({
            "node": node, "cluster": "test", "groups": groups, "log_fsyncs": 0, "log_bytes": 0, "cpu_us": 0,
            "memory_bytes": 52_428_800, "search_index": 7,
        });
        Sample { at: Instant::now(), node: serde_json::from_value(status).unwrap(), metrics: read(metrics) }
    }

    #[test]
    fn metrics_are_found_by_name_and_summed_over_labels() {
        let text = "# HELP x\nboxoffice_a_total{g=\"1\"} 2\nboxoffice_a_total{g=\"2\"} 5\nboxoffice_a_total_b 9\nboxoffice_c 1.5\n\
                    boxoffice_t_bucket{le=\"0.5\"} 3\nboxoffice_t_bucket{le=\"+Inf\"} 4\n# EOF\n";
        let sample = sample(1, json!([]), text);
        assert_eq!((sample.sum("a_total"), sample.value("c")), (7.0, Some(1.5)));
        assert_eq!(sample.value("a_total{g=\"2\"}"), Some(5.0));
        assert_eq!(sample.steps("t"), [(0.5, 3.0), (f64::INFINITY, 4.0)]);
    }
}
