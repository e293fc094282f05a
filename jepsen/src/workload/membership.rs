//! Hot seats while nodes join and go; in the end the registry and the voters are looked at.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use serde_json::{Value, json};

use super::Work;
use super::buyer::Shared;
use super::seat::{Habits, Hall};
use crate::check::{Verdict, members};
use crate::history::Kind;
use crate::recorder::Details;

/// How long groups may take to follow the registry.
const SETTLE: Duration = Duration::from_secs(120);

/// The hall, in a cluster whose nodes change.
pub struct Members {
    /// What is sold.
    pub hall: Arc<Hall>,
}

impl Work for Members {
    fn event(&self) -> &str {
        self.hall.event()
    }

    fn client(self: Arc<Self>, shared: Arc<Shared>, number: u64, habits: Habits) -> BoxFuture<'static, ()> {
        Work::client(self.hall.clone(), shared, number, habits)
    }

    fn end<'a>(&'a self, shared: &'a Arc<Shared>) -> BoxFuture<'a, anyhow::Result<Verdict>> {
        Box::pin(async move {
            let process = shared.next_process();
            let since = Instant::now();
            let mut seen = Value::Null;
            while since.elapsed() < SETTLE {
                seen = registry(shared).await;
                if members::wrong(&seen).is_empty() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            shared.recorder.note(process, Kind::Invoke, "members", json!({}), Details::default());
            shared.recorder.note(process, Kind::Ok, "members", seen, Details::default());
            self.hall.end(shared).await
        })
    }
}

/// Who should be there, and what every node that is there says of all of them.
async fn registry(shared: &Shared) -> Value {
    let nodes = shared.cluster.nodes();
    let mut told = Vec::new();
    for node in &nodes {
        let groups = shared.cluster.operators_view(*node, "/status").await.map(|status| status["groups"].as_array().map_or(0, Vec::len));
        let list = shared.cluster.operators_view(*node, "/cluster/member").await.unwrap_or_default();
        let line = |member: &Value| json!({"node": member["node"], "state": member["state"], "votes": member["votes"]});
        let lines: Vec<Value> = list["data"].as_array().into_iter().flatten().map(line).collect();
        told.push(json!({"by": node, "groups": groups, "members": lines}));
    }
    json!({"expected": nodes, "told": told})
}
