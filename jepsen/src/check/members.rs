//! The registry in the end: everybody who should be there is, votes in every group, and nobody else does.

use serde_json::Value;

use super::{Anomaly, Verdict};
use crate::history::{Kind, Op};

/// Judges what was told in the end.
#[must_use]
pub fn check(ops: &[Op]) -> Verdict {
    let mut verdict = Verdict::default();
    let told: Vec<&Op> = ops.iter().filter(|op| op.f == "members" && op.end == Kind::Ok).collect();
    if told.is_empty() {
        verdict.unknown.push("nobody asked for the members in the end".into());
    }
    for op in told {
        verdict.count("nodes in the registry", op.got["expected"].as_array().map_or(0, Vec::len));
        let wrong = wrong(&op.got).into_iter().map(|detail| Anomaly::new("wrong_members", detail, vec![op.index]));
        verdict.anomalies.extend(wrong);
    }
    verdict
}

/// What is wrong with what all nodes tell, for people.
#[must_use]
pub fn wrong(seen: &Value) -> Vec<String> {
    let expected: Vec<u64> = seen["expected"].as_array().into_iter().flatten().filter_map(Value::as_u64).collect();
    let mut found = Vec::new();
    let told = seen["told"].as_array().map(Vec::as_slice).unwrap_or_default();
    if told.len() < expected.len() || expected.is_empty() {
        found.push(format!("{} of {} nodes tell who the members are", told.len(), expected.len()));
    }
    for view in told {
        let (by, groups) = (&view["by"], view["groups"].as_u64().unwrap_or(0));
        let members = view["members"].as_array().map(Vec::as_slice).unwrap_or_default();
        if groups == 0 || members.is_empty() {
            found.push(format!("node {by} tells nothing"));
        }
        for member in members {
            let (node, votes) = (member["node"].as_u64().unwrap_or(0), member["votes"].as_u64().unwrap_or(0));
            let belongs = expected.contains(&node);
            if belongs && (member["state"] != "active" || votes != groups) {
                found.push(format!("node {by} says that node {node} is {} and votes in {votes} of {groups} groups", member["state"]));
            }
            if !belongs && (member["state"] != "removed" || votes != 0) {
                found.push(format!("node {by} says that node {node}, which is gone, is {} and votes in {votes} groups", member["state"]));
            }
        }
        for node in expected.iter().filter(|node| members.iter().all(|member| member["node"] != **node)) {
            found.push(format!("node {by} does not know node {node}"));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn seen(members: &[(u64, &str, u64)]) -> Value {
        let line = |(node, state, votes): &(u64, &str, u64)| json!({"node": node, "state": state, "votes": votes});
        let told = json!({"by": 1, "groups": 5, "members": members.iter().map(line).collect::<Vec<_>>()});
        json!({"expected": [1, 4], "told": [told.clone(), told]})
    }

    #[test]
    fn a_registry_that_is_right_is_good() {
        assert_eq!(wrong(&seen(&[(1, "active", 5), (2, "removed", 0), (4, "active", 5)])), Vec::<String>::new());
    }

    #[test]
    fn a_registry_that_is_not_right_is_found() {
        let bad: [&[(u64, &str, u64)]; 5] = [
            &[(1, "active", 5), (2, "removed", 1), (4, "active", 5)],
            &[(1, "active", 5), (2, "active", 0), (4, "active", 5)],
            &[(1, "active", 5), (4, "joining", 5)],
            &[(1, "active", 4), (4, "active", 5)],
            &[(1, "active", 5)],
        ];
        bad.iter().for_each(|members| assert_eq!(wrong(&seen(members)).len(), 2, "both nodes say it: {members:?}"));
        assert_ne!(wrong(&json!({})), Vec::<String>::new());
        assert_ne!(check(&[]).unknown, Vec::<String>::new());
    }
}
