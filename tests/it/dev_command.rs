//! `boxoffice dev`: three nodes with events on sale from one command; scripts get one line of JSON when it is ready. The
//! README's walk through the booking flow is run against it, word for word.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use boxoffice_tests::http::{self, Client};
use boxoffice_tests::process::{self, Signal};
use boxoffice_tests::{binary, shop};
use serde_json::Value;

use crate::shared::turn;

/// How long `dev` may take: it loads and puts on sale a stadium of 80,000 seats, here without optimisation.
const PATIENCE: Duration = Duration::from_secs(360);

/// How often a reader of the README would try.
const WALKS: usize = 5;

struct Dev {
    child: Child,
    ready: Value,
    took: Duration,
}

impl Dev {
    fn start(folder: &Path) -> Self {
        let mut command = Command::new(binary::boxoffice());
        command.arg("dev").current_dir(folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let since = Instant::now();
        let mut child = process::spawn(command).expect("dev starts");
        let (sender, lines) = mpsc::channel();
        let stdout = BufReader::new(child.stdout.take().expect("its output is piped"));
        std::thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let mut stderr = child.stderr.take().expect("its errors are piped");
        let errors = std::thread::spawn(move || {
            let mut text = String::new();
            let _ = stderr.read_to_string(&mut text);
            text
        });
        let Ok(line) = lines.recv_timeout(PATIENCE) else {
            process::signal(&child, Signal::Kill);
            panic!("dev is not ready: {}", errors.join().unwrap_or_default());
        };
        let ready: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        Self { child, ready, took: since.elapsed() }
    }

    fn web(&self) -> &str {
        self.ready["web"].as_str().expect("an address").trim_end_matches('/')
    }

    fn event_ids(&self) -> Vec<String> {
        self.ready["events"].as_array().expect("a list").iter().map(shop::id).collect()
    }

    /// Stops it as Ctrl-C does; its nodes must go with it.
    async fn stop(mut self) {
        let nodes = self.ready["nodes"].as_array().expect("a list").iter();
        let pids: Vec<u64> = nodes.chain([&self.ready["provider"]]).filter_map(|process| process["pid"].as_u64()).collect();
        assert_eq!(pids.len(), 4, "three nodes and the sandbox provider");
        process::signal(&self.child, Signal::Terminate);
        let status = self.child.wait().expect("dev ends");
        assert!(status.success(), "{status}");
        for pid in pids {
            let is_gone = async || (!Path::new(&format!("/proc/{pid}")).exists()).then_some(());
            shop::eventually("the end of a process", http::PATIENCE, is_gone).await;
        }
    }
}

#[tokio::test]
async fn dev_puts_events_on_sale_and_finds_its_data_again() {
    let _turn = turn();
    let folder = tempfile::Builder::new().prefix("dev-").tempdir_in(binary::scratch()).expect("a folder");
    let dev = Dev::start(folder.path());
    assert_eq!(dev.ready["ready"], true);
    let nodes = dev.ready["nodes"].as_array().expect("a list").clone();
    assert_eq!(nodes.len(), 3);
    let events = dev.event_ids();
    let largest = dev.ready["events"].as_array().expect("a list").iter().filter_map(|event| event["seats"].as_u64()).max();
    assert!(events.len() >= 2 && largest > Some(60_000), "{}", dev.ready["events"]);
    for node in &nodes {
        assert!(
            Path::new(node["data_dir"].as_str().expect("a folder")).join(".").exists() || folder.path().join("boxoffice-data").exists()
        );
        let client = Client::at(node["url"].as_str().expect("an address"));
        for event in &events {
            shop::eventually("the event on sale", http::PATIENCE, async || {
                let shown = client.get(&format!("/event/{event}")).await.expect(200);
                (shown["sale"]["state"] == "on_sale").then_some(())
            })
            .await;
        }
        let coordinator = client.with_token(dev.ready["tokens"]["coordinator"].as_str().expect("a token"));
        assert_eq!(coordinator.post("/event", &serde_json::json!({})).await.status, 422);
        let operator = client.with_token(dev.ready["tokens"]["operator"].as_str().expect("a token"));
        assert_eq!(operator.get("/status").await.status, 200);
    }
    assert!(Client::at(dev.web()).get("/").await.text.contains("<html"), "the page is served");
    walk_through(dev.web());
    let key = std::fs::read_to_string(dev.ready["provider"]["key_file"].as_str().expect("a file")).expect("the provider's key");
    let provider = Client::at(dev.ready["provider"]["url"].as_str().expect("an address")).with_token(key.trim());
    let books = provider.get("/sandbox/ledger").await;
    assert!(books.text.contains("\"order\":\"ord_"), "what the walk-through paid stands in the provider's books: {}", books.text);
    println!("first start: ready after {:?}", dev.took);
    dev.stop().await;

    let again = Dev::start(folder.path());
    assert_eq!(again.event_ids(), events, "the second start finds its data again");
    println!("second start: ready after {:?}", again.took);
    let mut sold = Vec::new();
    for event in &events {
        let shown = Client::at(again.web()).get(&format!("/event/{event}?consistency=linearizable")).await.expect(200);
        sold.push(shown["sale"]["sold"].as_u64());
    }
    assert!(sold.iter().max() >= Some(&Some(2)), "what the walk-through bought is there: {sold:?}");
    again.stop().await;
}

/// Runs the README's block of curl commands as it stands, but for the address.
fn walk_through(base: &str) {
    let readme = std::fs::read_to_string(binary::source_tree().join("README.md")).expect("the README is there");
    let block = readme.split("```sh\n").nth(1).and_then(|rest| rest.split("```").next()).expect("the README has a block of sh");
    let script = block.replace("http://127.0.0.1:7480", base);
    assert!(script.contains(base), "the block names the address that dev prints");
    // Without pipefail: `head` closes its pipe while curl may still write. What a line needs of the one before, it misses loudly.
    for walk in 1..=WALKS {
        let output = Command::new("bash").args(["-e", "-u", "-c", &script]).output().expect("bash runs");
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let last = out.lines().last().unwrap_or_default();
        if output.status.success() && last.matches("\"tkt_").count() == 2 {
            return;
        }
        let told = format!("{script}\n--- printed\n{out}\n--- errors\n{err}\n--- it ends with two tickets: {last}");
        // These are honest answers of a machine that does too much at once, and so is a payment that is under way: a reader would run
        // the block again.
        let is_busy = ["error: 503", "error: 504"].iter().any(|word| err.contains(word)) || out.contains("\"paying\"");
        assert!(is_busy && walk < WALKS, "{told}");
        eprintln!("walks again after: {told}");
    }
}
