//! `boxoffice bench book` sells a whole house on a running cluster, checks the rows, and prints figures a program can read;
//! `boxoffice bench login` reads while many log in, `boxoffice bench scan` lets a house in, `boxoffice bench live` and `bench mix` look.

use std::process::Command;

use boxoffice_tests::binary;
use serde_json::Value;

use crate::shared::cluster;

#[test]
fn a_house_is_sold_and_checked() {
    let record = binary::scratch().join(format!("sale-{}.jsonl", std::process::id()));
    for (mode, payment, pricing) in [("closed", "free", "fixed"), ("open", "test", "demand")] {
        let output = Command::new(binary::boxoffice())
            .args(["bench", "book", "--seats", "300", "--clients", "8", "--rate", "300", "--output", "json"])
            .args(["--mode", mode, "--payment", payment, "--pricing", pricing, "--config"])
            .arg(cluster().config(1))
            .arg("--record")
            .arg(&record)
            .output()
            .expect("the command runs");
        assert!(output.status.success(), "{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let run: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
        assert_eq!((&run["sold"], &run["violations"], &run["wrong"]), (&300.into(), &serde_json::json!([]), &serde_json::json!({})));
        assert!(run["refused"].as_u64() > Some(10), "{run}");
        assert!(run["server_cpu_seconds_per_10000_sold"].as_f64() > Some(0.0), "{run}");
        assert!(run["log_bytes_per_sold"].as_f64() > Some(100.0), "{run}");
    }
    // Another policy on the sale that was recorded: all at one price.
    let policy = record.with_extension("policy");
    std::fs::write(&policy, "{\"type\":\"fixed\"}").expect("the policy is written");
    let output = Command::new(binary::boxoffice())
        .args(["price", "simulate", "--price", "1000", "-o", "json", "--policy"])
        .args([&policy, &record])
        .output()
        .expect("the command runs");
    let simulated: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert_eq!((&simulated["sold"], &simulated["revenue"]), (&300.into(), &300_000.into()), "{simulated}");
    for file in [policy, record] {
        std::fs::remove_file(file).expect("it was there");
    }
}

#[test]
fn people_read_while_many_log_in() {
    let output = Command::new(binary::boxoffice())
        .args(["bench", "login", "--clients", "4", "--seconds", "1", "--config"])
        .arg(cluster().config(1))
        .output()
        .expect("the command runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("log-ins checked") && text.contains("reads in the storm"), "{text}");
}

#[test]
fn refusals_are_compared_and_a_house_is_let_in() {
    let run = |args: &[&str]| {
        let mut command = Command::new(binary::boxoffice());
        let output = command.arg("bench").args(args).arg("--config").arg(cluster().config(1)).output().expect("the command runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
        text
    };
    let text = run(&["login", "--compare", "2"]);
    assert!(text.contains("2 refusals each: median"), "{text}");
    let text = run(&["scan", "--tickets", "16", "--gates", "3"]);
    assert!(text.contains("16 scans by 3 gates at 3 nodes"), "{text}");
}

#[test]
fn pages_are_read_beside_a_bare_handler() {
    let output = Command::new(binary::boxoffice())
        .args(["bench", "read", "--seats", "500", "--clients", "4", "--rounds", "3", "--millis", "200", "--output", "json", "--config"])
        .arg(cluster().config(1))
        .output()
        .expect("the command runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    println!("{text}");
    let pages: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("a JSON object a line")).collect();
    assert_eq!(pages.iter().map(|page| page["page"].as_str().unwrap_or_default()).collect::<Vec<_>>(), ["event", "seat map"]);
    for page in pages {
        assert_eq!(page["node"]["rounds"].as_array().map(Vec::len), Some(3), "{page}");
        assert!(page["ratio"].as_f64() > Some(0.0) && page["node"]["done"].as_u64() > Some(0), "{page}");
    }
}

#[test]
fn many_watch_and_many_look_while_a_house_is_sold() {
    let run = |args: &[&str]| {
        let mut command = Command::new(binary::boxoffice());
        command.arg("bench").args(args).args(["--output", "json", "--config"]).arg(cluster().config(1));
        let output = command.output().expect("the command runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_str::<Value>(&text).expect("one JSON object")
    };
    let live = run(&["live", "--sockets", "50", "--seats", "60", "--seconds", "1"]);
    assert_eq!((&live["sold"], &live["violations"], &live["lost"]), (&60.into(), &serde_json::json!([]), &0.into()), "{live}");
    // Every reader's last picture was compared with the map; those that a stalled machine lets start over hear of less.
    assert!(live["deltas_received"].as_u64() > Some(0) && live["delay_ms"]["p99"].is_u64(), "{live}");
    // A machine that stalls for the whole second has another try.
    let is_measured = (0..5).any(|_| {
        let mix = run(&["mix", "--seconds", "1", "--rate", "3", "--seats", "500", "--clients", "2", "--readers", "8"]);
        assert_eq!(mix["wrong"], serde_json::json!([]), "{mix}");
        mix["mix"]["latency_us"]["search"]["count"].as_u64() > Some(5) && mix["ratio"].as_f64() > Some(0.0)
    });
    assert!(is_measured, "looks are counted");
}
