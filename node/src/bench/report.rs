//! What a run cost and what came of it: measured from the nodes' own counters, printed as a table or as JSON.

use std::fmt::Write;

use anyhow::Context;
use hdrhistogram::Histogram;
use serde_json::{Value, json};

use super::backups::Made;
use super::client::Client;
use super::load::Tally;

/// Counters of all nodes together.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// CPU time of the nodes, in microseconds.
    pub cpu_us: u64,
    /// Calls of fdatasync by the logs.
    pub fsyncs: u64,
    /// Bytes written to the logs.
    pub log_bytes: u64,
}

impl Cost {
    /// Reads the nodes' counters; the clients call with an operator's token.
    ///
    /// # Errors
    /// When a node does not answer.
    pub async fn read(nodes: &mut [Client]) -> anyhow::Result<Self> {
        let mut cost = Self::default();
        for node in nodes {
            let status = node.get("/status").await?;
            let number = |name: &str| status[name].as_u64().with_context(|| format!("/status has no {name}"));
            cost.cpu_us += number("cpu_us")?;
            cost.fsyncs += number("log_fsyncs")?;
            cost.log_bytes += number("log_bytes")?;
        }
        Ok(cost)
    }

    /// What was added since an earlier reading.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self {
            cpu_us: self.cpu_us.saturating_sub(earlier.cpu_us),
            fsyncs: self.fsyncs.saturating_sub(earlier.fsyncs),
            log_bytes: self.log_bytes.saturating_sub(earlier.log_bytes),
        }
    }
}

/// CPU time of this process since its start, in microseconds, in steps of a clock tick.
///
/// # Errors
/// When the operating system does not tell.
pub fn own_cpu_us() -> anyhow::Result<u64> {
    let text = std::fs::read_to_string("/proc/self/stat").context("read /proc/self/stat")?;
    // Fields follow the command's closing parenthesis: user time is the 12th, system time the 13th, in ticks of 10 ms.
    let fields: Vec<&str> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |place: usize| fields.get(place).and_then(|field| field.parse::<u64>().ok()).context("read /proc/self/stat");
    Ok((ticks(11)? + ticks(12)?) * 10_000)
}

/// One finished run.
pub struct Run {
    /// The event that was sold.
    pub event: String,
    /// How many clients.
    pub clients: usize,
    /// Attempts a second if it was an open loop.
    pub rate: Option<f64>,
    /// "free" or "test".
    pub payment: &'static str,
    /// What the clients saw.
    pub tally: Tally,
    /// What the nodes spent.
    pub cost: Cost,
    /// What this process spent while it generated load, in microseconds.
    pub own_cpu_us: u64,
    /// Backups that were made meanwhile.
    pub backups: Option<Made>,
    /// What the check of the rows found; empty = all is as acknowledged.
    pub violations: Vec<String>,
}

impl Run {
    fn per_sold(&self, amount: u64) -> f64 {
        amount as f64 / self.tally.sales.len().max(1) as f64
    }

    fn per_second(&self, count: u64) -> f64 {
        count as f64 / self.tally.took.as_secs_f64().max(1e-9)
    }

    fn mode(&self) -> String {
        self.rate.map_or_else(|| "closed".to_owned(), |rate| format!("open {rate}/s"))
    }

    /// As JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        let sold = self.tally.sales.len() as u64;
        json!({
            "object": "bench_run",
            "event": self.event,
            "clients": self.clients,
            "mode": if self.rate.is_some() { "open" } else { "closed" },
            "rate": self.rate,
            "payment": self.payment,
            "seconds": self.tally.took.as_secs_f64(),
            "sold": sold,
            "sold_per_second": self.per_second(sold),
            "refused": self.tally.refused,
            "refused_per_second": self.per_second(self.tally.refused),
            "retries": self.tally.retries,
            "unknown": self.tally.unknown.len(),
            "wrong": self.tally.wrong,
            "latency_us": {
                "hold": percentiles(&self.tally.hold),
                "pay": percentiles(&self.tally.pay),
                "refuse": percentiles(&self.tally.refuse),
                "sale": percentiles(&self.tally.sale),
            },
            "server_cpu_seconds_per_10000_sold": self.per_sold(self.cost.cpu_us) / 100.0,
            "generator_cpu_seconds_per_10000_sold": self.per_sold(self.own_cpu_us) / 100.0,
            "log_bytes_per_sold": self.per_sold(self.cost.log_bytes),
            "fsyncs_per_sold": self.per_sold(self.cost.fsyncs),
            "backups": self.backups.map(|made| json!({"count": made.count, "bytes": made.bytes, "seconds": made.took.as_secs_f64()})),
            "violations": self.violations,
        })
    }

    /// As a table for people.
    #[must_use]
    pub fn table(&self) -> String {
        let sold = self.tally.sales.len() as u64;
        let mut text = String::new();
        let mut line = |name: &str, value: String| {
            let _ = writeln!(text, "  {name:<34}{value}");
        };
        line("clients, loop, payment", format!("{}, {}, {}", self.clients, self.mode(), self.payment));
        line("sold", format!("{sold} seats in {:.2} s = {:.0}/s", self.tally.took.as_secs_f64(), self.per_second(sold)));
        line("refused (seat taken)", format!("{} = {:.0}/s", self.tally.refused, self.per_second(self.tally.refused)));
        for (name, histogram) in
            [("hold", &self.tally.hold), ("pay", &self.tally.pay), ("refusal", &self.tally.refuse), ("hold + pay", &self.tally.sale)]
        {
            let at = |quantile: f64| histogram.value_at_quantile(quantile) as f64 / 1000.0;
            line(&format!("{name} p50 / p99 / p99.9"), format!("{:.2} / {:.2} / {:.2} ms", at(0.5), at(0.99), at(0.999)));
        }
        line("server CPU per 10,000 sold", format!("{:.2} s over all nodes", self.per_sold(self.cost.cpu_us) / 100.0));
        line("generator CPU per 10,000 sold", format!("{:.2} s", self.per_sold(self.own_cpu_us) / 100.0));
        line("log bytes per sold seat", format!("{:.0} over all nodes", self.per_sold(self.cost.log_bytes)));
        line("fdatasync per sold seat", format!("{:.3} over all nodes", self.per_sold(self.cost.fsyncs)));
        line("sent again, outcome unknown", format!("{}, {}", self.tally.retries, self.tally.unknown.len()));
        if let Some(made) = self.backups {
            line("backups meanwhile", format!("{}, {} bytes in {:.1} s", made.count, made.bytes, made.took.as_secs_f64()));
        }
        for (what, count) in &self.tally.wrong {
            line("UNEXPECTED", format!("{what}: {count} times"));
        }
        line("rows checked", if self.violations.is_empty() { "every node agrees with what was acknowledged".into() } else { "NO".into() });
        for violation in &self.violations {
            line("VIOLATION", violation.clone());
        }
        text
    }
}

fn percentiles(histogram: &Histogram<u64>) -> Value {
    let at = |quantile: f64| histogram.value_at_quantile(quantile);
    json!({"p50": at(0.5), "p99": at(0.99), "p999": at(0.999), "max": histogram.max()})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_cpu_time_is_read() {
        let before = own_cpu_us().unwrap();
        let start = std::time::Instant::now();
        let mut sum = 0_u64;
        while start.elapsed().as_millis() < 60 {
            sum = sum.wrapping_mul(31).wrapping_add(1);
        }
        assert!(own_cpu_us().unwrap() >= before, "{sum}");
    }
}
