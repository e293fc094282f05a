//! Runs the tables in `tests/cases/seats`. A case is a block of lines: `case: what it shows`, then `house: ...` (see `house.rs`)
//! and perhaps `terms: limit=4 ttl=8m orphan prices=1,2 opens=10s refunds=buyer
//! until=10s keep=1000+50 unopened times=2 out-then-in stay stay-from=10s pricing=fixed|tiers:...` (see `price.rs`), then
//! lines `command -> answer`.
//! With UPDATE_CASES set, the answers in the files are replaced by what came out: read the difference before you keep it.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use boxoffice_ledger::command::{RefundWho, SaleTerms};
use boxoffice_ledger::machine::Machine;
use boxoffice_ledger::seats::SeatLedger;
use boxoffice_ledger::tickets::Reentry;
use boxoffice_ledger::time::Millis;

use crate::house::{self, START};
use crate::price;
use crate::script::Script;

fn terms(text: &str) -> (SaleTerms, bool) {
    let mut terms = house::terms();
    let mut open = true;
    for word in text.split_whitespace() {
        match word.split_once('=').unwrap_or((word, "")) {
            ("limit", value) => terms.per_user_limit = value.parse().unwrap(),
            ("lapses", value) => terms.lapses_max = value.parse().unwrap(),
            ("ttl", value) => terms.hold_ttl = Millis::from_mins(value.strip_suffix('m').unwrap().parse().unwrap()),
            ("prices", value) => terms.prices = value.split(',').map(|price| price.parse().unwrap()).collect(),
            ("opens", value) => {
                terms.opens_at = Some(START.plus(Millis::from_secs(value.strip_suffix('s').unwrap().parse().unwrap())));
            }
            ("refunds", value) => terms.refunds.who = refund_who(value),
            ("until", value) => {
                terms.refunds.until = Some(START.plus(Millis::from_secs(value.strip_suffix('s').unwrap().parse().unwrap())));
            }
            ("keep", value) => {
                let (bps, fixed) = value.split_once('+').unwrap();
                (terms.refunds.keep_bps, terms.refunds.keep_fixed) = (bps.parse().unwrap(), fixed.parse().unwrap());
            }
            ("orphan", _) => terms.orphan_rule = true,
            ("times", value) => terms.entry.reentry = Reentry::Times(value.parse().unwrap()),
            ("out-then-in", _) => terms.entry.reentry = Reentry::OutThenIn,
            ("stay", _) => terms.entry.transfer = false,
            ("stay-from", value) => {
                terms.entry.transfer_until = Some(START.plus(Millis::from_secs(value.strip_suffix('s').unwrap().parse().unwrap())));
            }
            ("pricing", value) => terms.pricing = value.split('|').map(price::policy).collect(),
            ("unopened", _) => open = false,
            other => panic!("no such term: {other:?}"),
        }
    }
    (terms, open)
}

fn refund_who(name: &str) -> RefundWho {
    match name {
        "staff" => RefundWho::Staff,
        "buyer" => RefundWho::Buyer,
        "nobody" => RefundWho::Nobody,
        other => panic!("nobody is called {other}"),
    }
}

fn begin(plan: &str, words: &str) -> Script {
    let (terms, open) = terms(words);
    let plan = house::plan(plan);
    Script::new(if open { house::on_sale(&plan, &terms) } else { house::published(&plan, &terms) })
}

/// The snapshot of a machine, as frames.
fn frames(ledger: &SeatLedger) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    ledger.write_snapshot(&mut |frame| frames.push(frame.to_vec()));
    frames
}

fn end(script: Option<Script>, title: &str) {
    let Some(script) = script else { return };
    let copy = SeatLedger::read_snapshot(&mut frames(&script.ledger).into_iter()).unwrap_or_else(|error| panic!("{title}: {error}"));
    assert_eq!(copy.digest(), script.ledger.digest(), "{title}: the snapshot has another digest");
    copy.check_invariants().unwrap_or_else(|what| panic!("{title}, from its snapshot: {what}"));
    assert_eq!(frames(&copy), frames(&script.ledger), "{title}: the snapshot of the snapshot is another");
}

/// Runs a file; answers it with the answers that came out, and how many lines differ.
fn run(text: &str, name: &str) -> (String, Vec<String>) {
    let (mut out, mut wrong) = (String::new(), Vec::new());
    let (mut script, mut title, mut plan) = (None, "", "");
    for (number, line) in text.lines().enumerate() {
        if let Some(rest) = line.strip_prefix("case: ") {
            end(script.take(), title);
            title = rest;
        } else if let Some(rest) = line.strip_prefix("house: ") {
            plan = rest;
            script = Some(begin(plan, ""));
        } else if let Some(rest) = line.strip_prefix("terms: ") {
            script = Some(begin(plan, rest));
        } else if !line.trim().is_empty() && !line.starts_with('#') {
            let (command, expected) = line.split_once("->").unwrap_or((line, ""));
            let script = script.as_mut().unwrap_or_else(|| panic!("{name}:{}: no house", number + 1));
            let answer = script.run(command.trim());
            if answer != expected.trim() {
                wrong.push(format!("{name}:{} ({title})\n  {command}\n  expected {}\n  came     {answer}", number + 1, expected.trim()));
            }
            writeln!(out, "{} -> {answer}", command.trim()).unwrap();
            continue;
        }
        writeln!(out, "{line}").unwrap();
    }
    end(script, title);
    (out, wrong)
}

#[test]
fn every_table_gives_the_answers_that_it_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/seats");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "txt"));
    files.sort();
    let mut wrong = Vec::new();
    for path in &files {
        let (out, differ) = run(&fs::read_to_string(path).unwrap(), &path.file_name().unwrap().to_string_lossy());
        if std::env::var_os("UPDATE_CASES").is_some() {
            fs::write(path, out).unwrap();
        }
        wrong.extend(differ);
    }
    assert!(files.len() > 5, "only {} tables", files.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
