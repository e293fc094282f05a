//! `boxoffice cluster status`: every node is asked how it stands.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use boxoffice_api::client::{Client, Member};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::NodesArgs;
use crate::cli::output::{Output, table};

/// A node that does not answer within this time is taken for silent.
const PATIENCE: Duration = Duration::from_secs(3);

/// Asks all nodes, and prints.
///
/// # Errors
/// When no node of the cluster answers.
pub async fn run(args: &NodesArgs) -> anyhow::Result<ExitCode> {
    let token = args.connection.target()?.token;
    let members = args.connection.client()?.members().await?;
    let members: Vec<Member> = members.into_iter().filter(|member| !["removed", "invited"].contains(&member.state.as_str())).collect();
    let asked = members.iter().map(|member| ask(&member.http, token.clone()));
    let answers: Vec<Option<Value>> = futures::future::join_all(asked).await;
    // Replicated, so that any node tells it; a status without it is still one.
    let backup = args.connection.client()?.get("/backup").await.unwrap_or_default();
    let newest = newest(&answers);
    let lines: Vec<Value> = members.iter().zip(&answers).map(|(member, answer)| line(member, answer.as_ref(), &newest)).collect();
    let cluster = answers.iter().flatten().find_map(|answer| answer["cluster"].as_str()).unwrap_or_default();
    match args.output {
        Output::Table => {
            println!("cluster {cluster}, {} nodes, {} answer", lines.len(), answers.iter().flatten().count());
            println!("{}", backup_line(&backup));
            let rows: Vec<Vec<String>> = lines.iter().map(row).collect();
            print!("{}", table(&COLUMNS, &rows));
            for line in lines.iter().filter(|line| line["expelled"].is_string()) {
                eprintln!("n{}: {}", line["node"], line["expelled"].as_str().unwrap_or_default());
            }
        }
        Output::Json => args.output.print_json(&json!({"object": "cluster", "cluster": cluster, "backup": backup, "nodes": lines})),
        Output::Jsonl => args.output.print_json(&Value::from(lines)),
    }
    Ok(ExitCode::SUCCESS)
}

/// How old the last good backup is, for people.
fn backup_line(backup: &Value) -> String {
    let Some(until) = backup["last"]["until"].as_str() else {
        return "backup: there is no good one yet".to_owned();
    };
    let age = until.parse::<jiff::Timestamp>().map(|at| jiff::Timestamp::now().duration_since(at).as_secs().max(0));
    let age = age.map_or_else(|_| "?".to_owned(), |seconds| format!("{} min", seconds / 60));
    let place = if backup["on_own_disk"] == true { ", on a node's own disk: lost together with it" } else { "" };
    format!("backup: the last good one is {age} old ({until}){place}")
}

const COLUMNS: [&str; 10] = ["node", "state", "answers", "leads", "votes", "follows", "lag", "disk", "version", "http"];

async fn ask(url: &str, token: Option<String>) -> Option<Value> {
    let client = Client::new(vec![url.to_owned()], token).ok()?;
    timeout(PATIENCE, client.get("/status")).await.ok()?.ok()
}

/// The last entry of each group that any node has.
fn newest(answers: &[Option<Value>]) -> BTreeMap<u64, u64> {
    let mut newest = BTreeMap::new();
    for (group, last) in answers.iter().flatten().flat_map(|answer| groups(answer, "last")) {
        let known = newest.entry(group).or_insert(0);
        *known = last.max(*known);
    }
    newest
}

/// A number of each group of a node's answer.
fn groups<'a>(answer: &'a Value, field: &'a str) -> impl Iterator<Item = (u64, u64)> + 'a {
    let groups = answer["groups"].as_array().into_iter().flatten();
    groups.filter_map(move |group| Some((group["group"].as_u64()?, group[field].as_u64()?)))
}

fn line(member: &Member, answer: Option<&Value>, newest: &BTreeMap<u64, u64>) -> Value {
    let mut line =
        json!({"node": member.node, "state": member.state, "http": member.http, "peer": member.peer, "answers": answer.is_some()});
    let Some(answer) = answer else { return line };
    let behind = groups(answer, "applied").map(|(group, applied)| newest.get(&group).map_or(0, |last| last.saturating_sub(applied)));
    let roles = |role: &str| answer["groups"].as_array().map_or(0, |groups| groups.iter().filter(|group| group["role"] == role).count());
    line["leads"] = roles("leader").into();
    line["votes"] = (roles("leader") + roles("follower") + roles("candidate")).into();
    line["follows"] = roles("learner").into();
    line["lag"] = behind.max().into();
    line["writable"] = answer["writable"].clone();
    line["version"] = answer["version"].clone();
    line["expelled"] = answer["expelled"].clone();
    line
}

fn row(line: &Value) -> Vec<String> {
    let text = |field: &str| match &line[field] {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let disk = match line["writable"].as_bool() {
        Some(true) => "ok",
        Some(false) => "full",
        None => "-",
    };
    let answers = if line["answers"] == true { "yes" } else { "no" };
    let numbers = ["leads", "votes", "follows", "lag"].map(text);
    [text("node"), text("state"), answers.to_owned()]
        .into_iter()
        .chain(numbers)
        .chain([disk.to_owned(), text("version"), text("http")])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(node: u64) -> Member {
        let (peer, http) = (format!("box{node}:7580"), format!("http://box{node}:7480"));
        let (state, since) = ("active".to_owned(), "2031-01-01T00:00:00Z".to_owned());
        Member { node, peer, http, state, since, expires_at: None, reachable: true, leads: 0, votes: 0, learns: 0, note: None }
    }

    #[test]
    fn the_table_says_who_is_silent_and_who_is_behind() {
        let group = |group: u64, role: &str, applied: u64| json!({"group": group, "role": role, "applied": applied, "last": applied});
        let good = json!({"groups": [group(0, "leader", 40), group(1, "follower", 7)], "writable": true, "version": "0.1.0"});
        let slow = json!({"groups": [group(0, "follower", 10), group(1, "learner", 7)], "writable": false, "version": "0.1.0"});
        let answers = [Some(good), None, Some(slow)];
        let newest = newest(&answers);
        let lines: Vec<Value> = (1..=3).zip(&answers).map(|(number, answer)| line(&node(number), answer.as_ref(), &newest)).collect();
        let rows: Vec<Vec<String>> = lines.iter().map(row).collect();
        let expected = "\
node  state   answers  leads  votes  follows  lag  disk  version  http
   1  active  yes          1      2        0    0  ok      0.1.0  http://box1:7480
   2  active  no           -      -        -    -  -           -  http://box2:7480
   3  active  yes          0      1        1   30  full    0.1.0  http://box3:7480
";
        assert_eq!(table(&COLUMNS, &rows), expected);
    }
}
