//! The page in a real browser, and its pure modules under Node.js. Skipped loudly where these are missing.

use std::path::PathBuf;
use std::process::Command;

use boxoffice_ledger::command::Role;
use boxoffice_tests::binary::source_tree;
use boxoffice_tests::cluster::{has_program, skip};
use boxoffice_tests::http::{Client, PATIENCE};
use boxoffice_tests::shop::{self, Terms};

use crate::shared::{cluster, coordinator};

#[test]
fn the_pages_modules_pass_their_tests() {
    if !has_program("node") {
        return skip("node", "node is not installed");
    }
    let output = Command::new("node").args(["--test", "api/page/test/"]).current_dir(source_tree()).output().expect("node runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(!text.contains("# tests 0") && !text.contains("tests 0\n"), "no test was found: {text}");
}

/// The folder of the browser's tests, if they can run here.
fn flows() -> Option<PathBuf> {
    let folder = source_tree().join("tests/browser");
    if !has_program("chromium") || !has_program("node") {
        skip("chromium", "node or chromium is not installed");
    } else if !folder.join("node_modules").exists() {
        skip("chromium", "tests/browser has no node_modules: run npm ci there");
    } else {
        return Some(folder);
    }
    None
}

#[tokio::test]
async fn the_documentation_can_be_read_offline() {
    let Some(flows) = flows() else { return };
    let output = Command::new("node")
        .arg("docs.mjs")
        .current_dir(&flows)
        .env("BASE_URL", cluster().url(1))
        .env("PATIENCE_MS", "120000")
        .output()
        .expect("node runs");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
}

#[tokio::test]
async fn a_person_books_a_seat_in_the_browser() {
    let Some(flow) = flows() else { return };
    let terms = Terms { name: "Browser Night".into(), ..Terms::free(120).priced(1500) };
    let event = shop::put_on_sale(&coordinator(), &terms).await;
    // The page looks once.
    let visitor = Client::at(&cluster().url(2));
    shop::eventually("the node finds the event", PATIENCE, async || {
        let page = visitor.get("/event/search/browser%20night").await.expect(200);
        page["data"].as_array().expect("a list").iter().any(|found| found["id"] == event.as_str()).then_some(())
    })
    .await;
    let output = Command::new("node")
        .arg("flow.mjs")
        .current_dir(&flow)
        .env("BASE_URL", cluster().url(2))
        .env("EVENT", &terms.name)
        .env("PATIENCE_MS", "120000")
        .env("COORDINATOR_TOKEN", cluster().someone(Role::Coordinator).token)
        .output()
        .expect("node runs");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
    println!("{out}");
}
