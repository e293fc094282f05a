//! Clusters by name: which one a command reaches, and with whose token.

use boxoffice_ledger::command::Role;
use serde_json::json;

use super::run::Caller;
use crate::shared::cluster;

#[test]
fn a_command_reaches_the_cluster_that_is_named() {
    let scratch = tempfile::tempdir().expect("a folder");
    let place = |name: &str| scratch.path().join(name).display().to_string();
    let caller = Caller { contexts: place("contexts.toml"), ..Caller::default() };
    assert_eq!(caller.json(&["context", "list"])["data"], json!([]));
    std::fs::write(place("token"), cluster().someone(Role::Operator).token).expect("written");

    // The first is in use at once; nothing listens there.
    caller.ok(&["context", "set", "gone", "--endpoint", "http://127.0.0.1:1"]);
    caller.refused(6, &["cluster", "members"]);
    let urls = format!("{},{}", cluster().url(1), cluster().url(2));
    caller.ok(&["context", "set", "arena", "--endpoint", &urls, "--token-file", &place("token")]);
    let listed = caller.json(&["context", "list"]);
    let used =
        |name: &str| listed["data"].as_array().expect("a list").iter().find(|line| line["name"] == name).expect("a line")["used"].clone();
    assert_eq!((used("gone"), used("arena")), (json!(true), json!(false)));

    // By flag, by variable, and as the one in use; `log show` needs the token.
    let looked = ["log", "show", "--group", "0", "-o", "jsonl"];
    assert!(!caller.ok(&[&looked[..], &["--context", "arena"]].concat()).is_empty());
    caller.ok(&["context", "use", "arena"]);
    assert!(!caller.ok(&looked).is_empty());
    let other = Caller { token: cluster().someone(Role::Customer).token, ..caller.clone() };
    other.refused(5, &looked);
    // An endpoint that is given comes before the one in use, and does not get its token.
    let direct = Caller { endpoint: cluster().url(3), ..caller.clone() };
    direct.refused(5, &looked);
    let both = direct.refused(2, &[&looked[..], &["--context", "arena"]].concat());
    assert!(both.contains("--context") && both.contains("--endpoint"), "{both}");

    let unknown = caller.refused(1, &["cluster", "members", "--context", "hall"]);
    assert!(unknown.contains("arena, gone") && unknown.contains("boxoffice context set hall"), "{unknown}");
    caller.refused(1, &["context", "set", "a b", "--endpoint", "http://127.0.0.1:1"]);
    caller.refused(1, &["context", "set", "hall", "--endpoint", "127.0.0.1:1"]);
    caller.refused(1, &["context", "set", "hall", "--endpoint", "http://127.0.0.1:1", "--token-file", &place("none")]);
    caller.ok(&["context", "remove", "arena"]);
    let left = caller.json(&["context", "list"]);
    assert_eq!((left["data"].as_array().map(Vec::len), &left["data"][0]["used"]), (Some(1), &json!(false)));
}
