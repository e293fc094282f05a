//! The cluster as its nodes tell it: who answers, who leads, what they measured, how old the last good backup is.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use boxoffice_api::client::Client;
use futures::future::join_all;
use serde_json::Value;
use tokio::time::timeout;

use super::{Finding, Verdict};
use crate::cli::connection::Connection;
use crate::cli::top::sample::Sample;

/// A node that does not answer within this time is taken for silent.
const PATIENCE: Duration = Duration::from_secs(5);
/// The 99th of a hundred syncs of the log, in seconds.
const SYNC_WARN_S: f64 = 0.02;
const SYNC_FAIL_S: f64 = 0.2;
/// How far the clocks of two nodes may be apart, in seconds, beyond the time that asking took.
const SKEW_WARN_S: f64 = 0.5;
const SKEW_FAIL_S: f64 = 10.0;
/// How long certificates should still be good, in days.
const CERTIFICATE_WARN_DAYS: f64 = 30.0;
const CERTIFICATE_FAIL_DAYS: f64 = 3.0;
/// How old the last good backup may be, in hours.
const BACKUP_WARN_H: f64 = 26.0;
const BACKUP_FAIL_H: f64 = 24.0 * 7.0;
/// How long searches may be behind the catalog, in seconds.
const SEARCH_WARN_S: f64 = 5.0;
const SEARCH_FAIL_S: f64 = 30.0;

/// Asks all nodes.
///
/// # Errors
/// When there is no such context, or no client can be made of the addresses.
pub async fn look(connection: &Connection) -> anyhow::Result<Vec<Finding>> {
    let target = connection.target()?;
    let first = connection.client()?;
    let members = match timeout(PATIENCE, first.members()).await {
        Ok(Ok(members)) => members,
        Ok(Err(error)) => return Ok(vec![unreachable("the cluster", &error.to_string())]),
        Err(_) => return Ok(vec![unreachable("the cluster", "no answer in time")]),
    };
    let members = members.into_iter().filter(|member| member.state == "active");
    let asked = members.map(async |member| {
        let name = format!("n{}", member.node);
        match Client::new(vec![member.http.clone()], target.token.clone()) {
            Ok(client) => (name, timeout(PATIENCE, ask(&client)).await.unwrap_or_else(|_| Err("no answer in time".to_owned()))),
            Err(error) => (name, Err(error.to_string())),
        }
    });
    let answers = join_all(asked).await;
    let mut findings = Vec::new();
    for (name, answer) in &answers {
        match answer {
            Ok(answer) => findings.extend(of_node(name, answer)),
            Err(why) => findings.push(unreachable(name, why)),
        }
    }
    let answered: Vec<&Answer> = answers.iter().filter_map(|(_, answer)| answer.as_ref().ok()).collect();
    findings.extend(of_all(&answered));
    findings.push(backup(timeout(PATIENCE, first.get("/backup")).await.ok().and_then(Result::ok).as_ref()));
    Ok(findings)
}

/// What a node said.
struct Answer {
    ready: bool,
    status: Value,
    sample: Sample,
}

async fn ask(client: &Client) -> Result<Answer, String> {
    let ready = client.is_ready().await;
    let status = client.get("/status").await.map_err(|error| error.to_string())?;
    let sample = Sample::of(client).await.map_err(|error| error.to_string())?;
    Ok(Answer { ready, status, sample })
}

fn unreachable(place: &str, why: &str) -> Finding {
    Finding::new(Verdict::Fail, "reachable", place, why, "is it running, and is this the right address and token?")
}

fn of_node(name: &str, answer: &Answer) -> Vec<Finding> {
    let (sample, mut findings) = (&answer.sample, Vec::new());
    let verdict = if answer.ready { Verdict::Ok } else { Verdict::Fail };
    findings.push(Finding::new(verdict, "ready", name, if answer.ready { "yes" } else { "no" }, "GET /readyz says why"));
    if let Some(why) = answer.status["expelled"].as_str() {
        findings.push(Finding::new(Verdict::Fail, "member", name, why, "see \"Replacing a node\" in docs/operations.md"));
    }
    if answer.status["writable"] == false {
        findings.push(Finding::new(Verdict::Fail, "disk", name, "too full for new entries", "make room: it heals by itself"));
    }
    if let Some(slow) = percentile(&sample.steps("log_fsync_seconds"), 0.99) {
        let detail = match slow.is_finite() {
            true => format!("99 in 100 within {:.0} ms", slow * 1000.0),
            false => "one in 100 takes longer than is measured".to_owned(),
        };
        let verdict = Verdict::above(slow, SYNC_WARN_S, SYNC_FAIL_S);
        findings.push(Finding::new(verdict, "log sync", name, detail, "every booking waits for it: a faster disk"));
    }
    let lag = sample.value("search_lag_seconds").unwrap_or(0.0);
    let verdict = Verdict::above(lag, SEARCH_WARN_S, SEARCH_FAIL_S);
    findings.push(Finding::new(verdict, "search", name, format!("{lag:.0} s behind the catalog"), "see the node's log"));
    for of in ["peers", "ca", "clients"] {
        let Some(left) = sample.value(&format!("certificate_seconds_left{{of=\"{of}\"}}")) else { continue };
        let days = left / 86_400.0;
        let verdict = Verdict::above(-days, -CERTIFICATE_WARN_DAYS, -CERTIFICATE_FAIL_DAYS);
        findings.push(Finding::new(verdict, "certificate", name, format!("{of}: {days:.0} days left"), "`boxoffice cluster cert renew`"));
    }
    findings
}

/// The upper bound of the step that a share of all counts lies in; infinite in the last one.
fn percentile(steps: &[(f64, f64)], share: f64) -> Option<f64> {
    let all = steps.last()?.1;
    let found = steps.iter().find(|(_, count)| *count >= all * share)?.0;
    (all > 0.0).then_some(found)
}

fn of_all(answers: &[&Answer]) -> Vec<Finding> {
    const ALL: &str = "the cluster";
    let mut findings = Vec::new();
    let mut leaders: BTreeMap<u64, BTreeSet<u64>> = BTreeMap::new();
    for group in answers.iter().flat_map(|answer| answer.status["groups"].as_array().into_iter().flatten()) {
        leaders.entry(group["group"].as_u64().unwrap_or(0)).or_default().extend(group["leader"].as_u64());
    }
    let without: Vec<String> = leaders.iter().filter(|(_, leaders)| leaders.is_empty()).map(|(group, _)| format!("g{group}")).collect();
    let (verdict, detail) = match without.is_empty() {
        true => (Verdict::Ok, format!("all {} groups have one", leaders.len())),
        false => (Verdict::Fail, format!("none for {}", without.join(" "))),
    };
    findings.push(Finding::new(verdict, "leaders", ALL, detail, "a majority of each group's nodes has to run and reach each other"));
    let versions: BTreeSet<&str> = answers.iter().filter_map(|answer| answer.status["version"].as_str()).collect();
    let verdict = if versions.len() > 1 { Verdict::Warn } else { Verdict::Ok };
    let detail = versions.iter().copied().collect::<Vec<_>>().join(" ");
    findings.push(Finding::new(verdict, "version", ALL, detail, "finish the upgrade"));
    let clocks = answers.iter().filter_map(|answer| answer.sample.value("clock_offset_seconds")).map(f64::abs).fold(0.0, f64::max);
    let verdict = Verdict::above(clocks, SKEW_WARN_S, SKEW_FAIL_S);
    findings.push(Finding::new(
        verdict,
        "clocks",
        ALL,
        format!("{clocks:.1} s from the cluster's time at most"),
        "run a time service (chrony)",
    ));
    findings
}

fn backup(status: Option<&Value>) -> Finding {
    const ALL: &str = "the cluster";
    let advice = "see docs/backup.md";
    let Some(status) = status else { return Finding::new(Verdict::Warn, "backup", ALL, "nobody told", advice) };
    let Some(until) = status["last"]["until"].as_str().and_then(|until| until.parse::<jiff::Timestamp>().ok()) else {
        return Finding::new(Verdict::Fail, "backup", ALL, "there is no good one", advice);
    };
    let hours = jiff::Timestamp::now().duration_since(until).as_secs() as f64 / 3600.0;
    if status["on_own_disk"] == true {
        let detail = format!("{hours:.0} h old, on a node's own disk");
        return Finding::new(
            Verdict::above(hours, -1.0, BACKUP_FAIL_H),
            "backup",
            ALL,
            detail,
            "it is lost with the node: see docs/backup.md",
        );
    }
    Finding::new(Verdict::above(hours, BACKUP_WARN_H, BACKUP_FAIL_H), "backup", ALL, format!("{hours:.0} h old"), advice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::top::sample::tests::sample;
    use serde_json::json;

    fn answer(ready: bool, status: Value, metrics: &str) -> Answer {
        Answer { ready, status, sample: sample(1, json!([]), metrics) }
    }

    fn words(findings: &[Finding]) -> Vec<String> {
        findings.iter().map(|found| format!("{} {} {}", found.verdict.word(), found.check, found.detail)).collect()
    }

    #[test]
    fn what_a_node_measured_is_judged() {
        let metrics = "boxoffice_log_fsync_seconds_bucket{le=\"0.01\"} 10\nboxoffice_log_fsync_seconds_bucket{le=\"0.05\"} 100\n\
                       boxoffice_log_fsync_seconds_bucket{le=\"+Inf\"} 100\nboxoffice_search_lag_seconds 45\n\
                       boxoffice_certificate_seconds_left{of=\"peers\"} 864000\n";
        let found = of_node("n1", &answer(true, json!({"writable": false}), metrics));
        assert_eq!(
            words(&found),
            [
                "ok ready yes",
                "fail disk too full for new entries",
                "warn log sync 99 in 100 within 50 ms",
                "fail search 45 s behind the catalog",
                "warn certificate peers: 10 days left"
            ]
        );
        assert!(found.iter().all(|found| (found.verdict == Verdict::Ok) == found.advice.is_empty()));
    }

    #[test]
    fn groups_without_a_leader_and_clocks_apart_are_told() {
        let groups = |leader: Value| json!({"groups": [{"group": 0, "leader": 1}, {"group": 3, "leader": leader}], "version": "0.1.0"});
        let late = answer(true, groups(Value::Null), "boxoffice_clock_offset_seconds -12\n");
        assert_eq!(
            words(&of_all(&[&late])),
            ["fail leaders none for g3", "ok version 0.1.0", "fail clocks 12.0 s from the cluster's time at most"]
        );
        let good = answer(true, groups(2.into()), "");
        assert_eq!(words(&of_all(&[&late, &good]))[0], "ok leaders all 2 groups have one");
    }

    #[test]
    fn a_backup_is_there_and_young_and_elsewhere() {
        assert_eq!(backup(Some(&json!({"last": null}))).verdict, Verdict::Fail);
        let now = jiff::Timestamp::now().to_string();
        assert_eq!(backup(Some(&json!({"last": {"until": now}}))).verdict, Verdict::Ok);
        assert_eq!(backup(Some(&json!({"last": {"until": now}, "on_own_disk": true}))).verdict, Verdict::Warn);
        assert_eq!(backup(Some(&json!({"last": {"until": "2020-01-01T00:00:00Z"}}))).verdict, Verdict::Fail);
    }
}
