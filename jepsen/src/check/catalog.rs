//! The catalog and the full-text index: what is a draft is never shown, what was acknowledged is in the catalog, and every node finds what
//! the catalog says in the end.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Anomaly, Verdict};
use crate::history::{Kind, Op};

/// What was done to one event.
#[derive(Default)]
struct Story<'a> {
    /// From when on it may have been public.
    public_from: Option<u64>,
    /// Words that it may have in the end: the last that was acknowledged, and all whose outcome is open since.
    words: Vec<&'a str>,
    /// Whether it was acknowledged that it is public, or over.
    published: bool,
    cancelled: bool,
}

/// Judges operations on events.
#[must_use]
pub fn check(ops: &[Op]) -> Verdict {
    let mut verdict = Verdict::default();
    let stories = stories(ops);
    for op in ops.iter().filter(|op| ["search", "show"].contains(&op.f.as_str()) && op.end == Kind::Ok && op.got["name"].is_string()) {
        let event = op.asked["event"].as_str().unwrap_or_default();
        let early = stories.get(event).is_none_or(|story| story.public_from.is_none_or(|from| op.to < from));
        if early || op.got["status"] == "draft" {
            let detail = format!("{} shows {event}, which nobody had asked to publish by then", op.f);
            verdict.anomalies.push(Anomaly::new("draft_shown", detail, vec![op.index]));
        }
    }
    let mut looked = BTreeSet::new();
    for op in ops.iter().filter(|op| op.f == "final" && op.end == Kind::Ok) {
        let event = op.got["event"].as_str().unwrap_or_default();
        looked.insert(event);
        verdict.count("events compared on all nodes", 1);
        if let Some(detail) = disagreement(&op.got) {
            verdict.anomalies.push(Anomaly::new("search_did_not_converge", format!("{event}: {detail}"), vec![op.index]));
        }
        if let Some(detail) = stories.get(event).and_then(|story| lost(story, &op.got["catalog"])) {
            verdict.anomalies.push(Anomaly::new("lost_change", format!("{event}: {detail}"), vec![op.index]));
        }
    }
    let missed = stories.keys().filter(|event| !looked.contains(**event)).count();
    if missed > 0 || stories.is_empty() {
        verdict.unknown.push(format!("{missed} of {} events were not looked at in the end", stories.len()));
    }
    verdict.add(super::realtime::check(ops));
    verdict.anomalies.truncate(20);
    verdict
}

fn stories(ops: &[Op]) -> BTreeMap<&str, Story<'_>> {
    let mut stories: BTreeMap<&str, Story> = BTreeMap::new();
    for op in ops {
        let is_made = op.f == "make" && op.end == Kind::Ok;
        let event = if is_made { &op.got["event"] } else { &op.asked["event"] };
        let Some(event) = event.as_str().filter(|_| is_made || ["publish", "rename", "cancel"].contains(&op.f.as_str())) else { continue };
        let story = stories.entry(event).or_default();
        let (word, happened) = (op.asked["word"].as_str(), op.end == Kind::Ok);
        match op.f.as_str() {
            "make" => {
                story.words.extend(word);
                story.published = op.asked["draft"] != true;
                story.public_from = story.published.then_some(op.from);
            }
            "rename" if op.end != Kind::Fail => {
                if happened {
                    story.words.clear();
                }
                story.words.extend(word);
            }
            "publish" if op.end != Kind::Fail => {
                story.public_from = Some(story.public_from.map_or(op.from, |from| from.min(op.from)));
                story.published |= happened;
            }
            "cancel" => story.cancelled |= happened,
            _ => {}
        }
    }
    stories
}

/// What was acknowledged and is not in the catalog.
fn lost(story: &Story, catalog: &Value) -> Option<String> {
    let (name, status) = (catalog["name"].as_str().unwrap_or_default(), catalog["status"].as_str().unwrap_or_default());
    if !story.words.contains(&name) {
        return Some(format!("it is called {name}, and should be called {:?}", story.words));
    }
    if story.published && status == "draft" {
        return Some("it was published, and is a draft".into());
    }
    (story.cancelled && status != "cancelled").then(|| format!("it was cancelled, and is {status}"))
}

/// Whether what was seen of an event in the end is what it should be.
#[must_use]
pub fn is_as_it_should(ops: &[Op], seen: &Value) -> bool {
    let story = seen["event"].as_str().and_then(|event| stories(ops).remove(event));
    disagreement(seen).is_none() && story.is_none_or(|story| lost(&story, &seen["catalog"]).is_none())
}

/// How what nodes find differs from what the catalog says; `None` when it does not.
fn disagreement(seen: &Value) -> Option<String> {
    let (name, status) = (&seen["catalog"]["name"], seen["catalog"]["status"].as_str().unwrap_or_default());
    let told = seen["told"].as_array().map(Vec::as_slice).unwrap_or_default();
    if told.is_empty() || !name.is_string() {
        return Some("nobody was asked".into());
    }
    for line in told {
        let (node, word, found) = (&line["node"], &line["word"], &line["found"]);
        if !found.is_object() {
            return Some(format!("node {node} does not answer a search"));
        }
        let hit = &found["name"];
        // What is over may be left out of searches, and may be shown as what it is.
        let is_right = match status {
            "draft" => hit.is_null(),
            "cancelled" => hit.is_null() || found["status"] == "cancelled",
            _ if word == name => hit == name && found["status"] == status,
            _ => hit.is_null() || hit == name,
        };
        if !is_right {
            return Some(format!("node {node} finds {found} by {word}, the catalog says {name}, {status}"));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Default)]
    struct Tale(Vec<Op>);

    impl Tale {
        fn op(mut self, f: &str, asked: Value, end: Kind, got: Value) -> Self {
            let index = self.0.len() as u64;
            let to = if end == Kind::Info { u64::MAX } else { index * 10 + 5 };
            self.0.push(Op { index, process: 0, f: f.into(), asked, from: index * 10, to, end, got, position: None, error: None });
            self
        }

        fn made(draft: bool) -> Self {
            Self::default().op("make", json!({"word": "one", "draft": draft}), Kind::Ok, json!({"event": "e"}))
        }

        fn wrote(self, f: &str, end: Kind) -> Self {
            self.op(f, json!({"event": "e", "word": "two"}), end, json!({}))
        }

        fn shown(self, f: &str, name: Value, status: &str) -> Self {
            self.op(f, json!({"event": "e", "word": name}), Kind::Ok, json!({"name": name, "status": status}))
        }

        fn ends(self, name: &str, status: &str, found: Value) -> Vec<String> {
            let told = json!([{"node": 1, "word": name, "found": found}]);
            let got = json!({"event": "e", "catalog": {"name": name, "status": status}, "told": told});
            let ops = self.op("final", json!({"event": "e"}), Kind::Ok, got).0;
            check(&ops).anomalies.into_iter().map(|anomaly| anomaly.name).collect()
        }
    }

    fn hit(name: &str, status: &str) -> Value {
        json!({"name": name, "status": status})
    }

    #[test]
    fn an_event_that_is_published_and_renamed_is_good() {
        let tale = Tale::made(true)
            .shown("search", Value::Null, "")
            .wrote("publish", Kind::Ok)
            .shown("show", json!("one"), "published")
            .wrote("rename", Kind::Ok);
        assert_eq!(tale.ends("two", "published", hit("two", "published")), Vec::<String>::new());
    }

    #[test]
    fn a_draft_that_is_shown_is_found() {
        let tale = || Tale::made(true).shown("search", json!("one"), "draft");
        assert_eq!(tale().ends("one", "draft", json!({"name": null})), ["draft_shown"]);
        let early = Tale::made(true).shown("show", json!("one"), "published").wrote("publish", Kind::Ok);
        assert_eq!(early.ends("one", "published", hit("one", "published")), ["draft_shown"]);
        assert_eq!(Tale::made(true).ends("one", "draft", hit("one", "draft")), ["search_did_not_converge"]);
    }

    #[test]
    fn what_may_be_published_may_be_shown() {
        let tale = Tale::made(true).wrote("publish", Kind::Info).shown("show", json!("one"), "published");
        assert_eq!(tale.ends("one", "published", hit("one", "published")), Vec::<String>::new());
    }

    #[test]
    fn an_index_that_stays_behind_is_found() {
        assert_eq!(Tale::made(false).ends("one", "published", json!({"name": null})), ["search_did_not_converge"]);
        let renamed = || Tale::made(false).wrote("rename", Kind::Ok);
        assert_eq!(renamed().ends("two", "published", hit("one", "published")), ["search_did_not_converge"]);
        assert_eq!(Tale::made(false).ends("one", "published", Value::Null), ["search_did_not_converge"]);
    }

    #[test]
    fn acknowledged_changes_that_are_gone_are_found() {
        let renamed = || Tale::made(false).wrote("rename", Kind::Ok);
        assert_eq!(renamed().ends("one", "published", hit("one", "published")), ["lost_change"]);
        let published = Tale::made(true).wrote("publish", Kind::Ok);
        assert_eq!(published.ends("one", "draft", json!({"name": null})), ["lost_change"]);
        let over = Tale::made(false).wrote("cancel", Kind::Ok);
        assert_eq!(over.ends("one", "published", hit("one", "published")), ["lost_change"]);
    }

    #[test]
    fn an_event_that_nobody_looked_at_is_not_judged() {
        assert_eq!(check(&Tale::made(false).0).unknown.len(), 1);
        assert_eq!(check(&[]).unknown.len(), 1);
    }
}
