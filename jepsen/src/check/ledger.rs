//! The cluster's verdict on itself: `boxoffice check ledger`, which holds the invariants of the ledger against every replica.

use serde_json::Value;

use super::{Anomaly, Verdict};
use crate::cluster::Cluster;

/// Exit code of a check that found a violation.
const VIOLATION: i32 = 8;

/// Runs the check on these nodes.
pub async fn check(cluster: &Cluster, nodes: &[u64]) -> Verdict {
    let urls: Vec<String> = nodes.iter().map(|node| cluster.url(*node)).collect();
    match cluster.command(&["check", "ledger", "--endpoint", &urls.join(","), "-o", "json"]).await {
        Ok(output) => {
            let report = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
            judge(output.status.code(), &report, &String::from_utf8_lossy(&output.stderr))
        }
        Err(error) => Verdict { unknown: vec![format!("check ledger: {error:#}")], ..Verdict::default() },
    }
}

fn judge(code: Option<i32>, report: &Value, said: &str) -> Verdict {
    let mut verdict = Verdict::default();
    let lines = report["findings"].as_array().map(Vec::as_slice).unwrap_or_default();
    let checked: u64 = lines.iter().filter_map(|line| line["checked"].as_u64()).sum();
    verdict.counts.insert("things that check ledger looked at".into(), checked);
    for line in lines.iter().filter(|line| line["violated"].as_u64() != Some(0)) {
        let detail = format!("{}: {} of {}: {}", line["invariant"], line["violated"], line["checked"], line["violations"]);
        verdict.anomalies.push(Anomaly::new("ledger_invariant", detail, Vec::new()));
    }
    match code {
        Some(0) if checked > 0 => {}
        Some(VIOLATION) if !verdict.anomalies.is_empty() => {}
        Some(VIOLATION) => verdict.anomalies.push(Anomaly::new("ledger_invariant", said.to_owned(), Vec::new())),
        _ => verdict.unknown.push(format!("check ledger came to no verdict: {code:?}: {}", crate::cluster::tail(said))),
    }
    verdict
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_a_check_that_looked_and_found_nothing_is_good() {
        let report = |violated: u64| json!({"findings": [{"invariant": "seats", "checked": 9, "violated": violated, "violations": []}]});
        assert!(judge(Some(0), &report(0), "").is_good());
        assert!(!judge(Some(0), &json!({}), "").is_good(), "nothing was looked at");
        assert_eq!(judge(Some(8), &report(1), "").anomalies.len(), 1);
        assert_eq!(judge(Some(8), &json!({}), "a violation").anomalies.len(), 1);
        assert_eq!(judge(Some(6), &Value::Null, "no quorum").unknown.len(), 1);
        assert_eq!(judge(None, &Value::Null, "").unknown.len(), 1);
    }
}
