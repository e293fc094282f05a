//! Tickets: every one linearizable by itself (a search, as for seats), admitted once, and in the end there is one ticket of one person for
//! each seat that was sold.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Anomaly, Verdict};
use crate::history::{Kind, Op};
use crate::ticket::{Act, No, TicketModel, Why};
use crate::wgl::{Call, check as search};

/// Judges operations on tickets.
#[must_use]
pub fn check(ops: &[Op]) -> Verdict {
    let mut verdict = Verdict::default();
    let mut rows: BTreeMap<&str, Vec<(&Op, Act)>> = BTreeMap::new();
    let mut issued: BTreeMap<&str, TicketModel> = BTreeMap::new();
    for op in ops {
        let Some(ticket) = op.asked["ticket"].as_str() else { continue };
        if op.f == "issued" {
            let number = |name: &str| op.asked[name].as_u64().unwrap_or(0);
            issued.insert(ticket, TicketModel { buyer: number("buyer"), epoch: number("epoch") });
        } else if let Some(act) = act(op) {
            rows.entry(ticket).or_default().push((op, act));
        }
    }
    for (ticket, row) in &rows {
        let Some(model) = issued.get(ticket) else { continue };
        verdict.count("operations on tickets searched", row.len());
        let calls: Vec<Call<Act>> =
            row.iter().map(|(op, act)| Call { act: *act, from: op.from, to: (op.end != Kind::Info).then_some(op.to) }).collect();
        if let Err(stuck) = search(model, &calls) {
            let (op, act) = row[stuck.at];
            let last = stuck.order.iter().rev().take(3).rev().map(|place| row[*place].0.index);
            let detail = format!("ticket {ticket}: {act:?} fits nowhere");
            verdict.anomalies.push(Anomaly::new("ticket_not_linearizable", detail, last.chain([op.index]).collect()));
        }
        let admitted: Vec<u64> = row.iter().filter(|(op, _)| op.f == "scan" && op.end == Kind::Ok).map(|(op, _)| op.index).collect();
        verdict.count("admissions", admitted.len());
        if admitted.len() > 1 {
            verdict.anomalies.push(Anomaly::new("admitted_twice", format!("ticket {ticket}"), admitted));
        }
    }
    verdict.add(super::realtime::check(ops));
    verdict.add(owned(ops, issued.keys().copied().collect()));
    verdict
}

/// What an operation says; `None` when it says nothing about the ticket.
fn act(op: &Op) -> Option<Act> {
    let number = |of: &Value, name: &str| of[name].as_u64();
    let by = number(&op.asked, "by");
    let error = op.error.as_deref().unwrap_or_default();
    let why = match error {
        "not_found" => Some(Why::NotTheirs),
        "wrong_state" => Some(Why::State),
        _ => None,
    };
    // What may have happened is searched as if it had: it may also never have.
    match (op.f.as_str(), op.end) {
        ("offer", Kind::Ok | Kind::Info) => Some(Act::Offer(by?, number(&op.asked, "to")?)),
        ("offer", Kind::Fail) => Some(Act::OfferRefused(by?, why?)),
        ("withdraw", Kind::Ok | Kind::Info) => Some(Act::Withdraw(by?)),
        ("withdraw", Kind::Fail) => Some(Act::WithdrawRefused(by?, why?)),
        ("accept", Kind::Ok | Kind::Info) => Some(Act::Accept(by?)),
        ("accept", Kind::Fail) => why.map(|_| Act::AcceptRefused(by.unwrap_or(0))),
        ("scan", Kind::Ok | Kind::Info) => Some(Act::Admitted(number(&op.asked, "epoch")?)),
        ("scan", Kind::Fail) => {
            let epoch = number(&op.asked, "epoch")?;
            match error {
                "transferred" => Some(Act::NotAdmitted(epoch, No::Transferred)),
                "already_used" | "no_reentry" => Some(Act::NotAdmitted(epoch, No::Used)),
                _ => None,
            }
        }
        ("read", Kind::Ok) if op.got["mine"] == true => {
            let is = |name: &str| op.got[name].as_bool();
            Some(Act::Seen(by?, number(&op.got, "epoch")?, is("offered")?, is("used")?))
        }
        ("read", Kind::Ok) => Some(Act::NotSeen(by?)),
        _ => None,
    }
}

/// What everybody has in the end, against the seats that are sold.
fn owned(ops: &[Op], issued: BTreeSet<&str>) -> Verdict {
    let mut verdict = Verdict::default();
    let Some(op) = ops.iter().rev().find(|op| op.f == "owned" && op.end == Kind::Ok) else {
        verdict.unknown.push("nobody asked for the tickets in the end".into());
        return verdict;
    };
    let wrong = wrong(&op.got, &issued);
    verdict.count("tickets in the end", op.got["tickets"].as_array().map_or(0, Vec::len));
    verdict.anomalies.extend(wrong.into_iter().map(|(name, detail)| Anomaly::new(name, detail, vec![op.index])));
    verdict
}

/// What is wrong with what people have in the end: `tickets` is a list of (person, ticket, seat), `sold` one of seats.
#[must_use]
pub fn wrong(seen: &Value, issued: &BTreeSet<&str>) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    let list = |name: &str| seen[name].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut owners: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    let mut seats: BTreeMap<u64, Vec<&str>> = BTreeMap::new();
    for line in list("tickets") {
        let ticket = line[1].as_str().unwrap_or_default();
        owners.entry(ticket).or_default().push(&line[0]);
        let of_seat = seats.entry(line[2].as_u64().unwrap_or(u64::MAX)).or_default();
        if !of_seat.contains(&ticket) {
            of_seat.push(ticket);
        }
    }
    found.extend(owners.iter().filter(|(_, by)| by.len() > 1).map(|(ticket, by)| ("ticket_doubled", format!("{ticket} is of {by:?}"))));
    found.extend(issued.iter().filter(|ticket| !owners.contains_key(**ticket)).map(|ticket| ("ticket_lost", (*ticket).to_owned())));
    found.extend(seats.iter().filter(|(_, of)| of.len() > 1).map(|(seat, of)| ("double_sale", format!("seat {seat} has tickets {of:?}"))));
    let sold: BTreeSet<u64> = list("sold").iter().filter_map(Value::as_u64).collect();
    let with: BTreeSet<u64> = seats.keys().copied().collect();
    for seat in sold.symmetric_difference(&with) {
        found.push(("tickets_are_not_the_seats", format!("seat {seat}: sold {}, a ticket {}", sold.contains(seat), with.contains(seat))));
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Operations one after the other; each takes 5 of 10 units of time.
    #[derive(Default)]
    struct Tale(Vec<Op>);

    impl Tale {
        fn begun() -> Self {
            Self::default().op("issued", json!({"ticket": "t", "buyer": 1, "epoch": 1}), Kind::Ok, json!({}))
        }

        fn op(mut self, f: &str, asked: Value, end: Kind, got: Value) -> Self {
            let index = self.0.len() as u64;
            let error = got.as_str().map(str::to_owned);
            let to = if end == Kind::Info { u64::MAX } else { index * 10 + 5 };
            let (f, position) = (f.to_owned(), None);
            self.0.push(Op { index, process: 0, f, asked, from: index * 10, to, end, got, position, error });
            self
        }

        fn ok(self, f: &str, asked: Value) -> Self {
            self.op(f, of_ticket(asked), Kind::Ok, json!({}))
        }

        fn no(self, f: &str, asked: Value, why: &str) -> Self {
            self.op(f, of_ticket(asked), Kind::Fail, json!(why))
        }

        fn seen(self, by: u64, epoch: u64, offered: bool, used: bool) -> Self {
            let got = json!({"mine": true, "epoch": epoch, "offered": offered, "used": used});
            self.op("read", of_ticket(json!({"by": by})), Kind::Ok, got)
        }

        fn owned(self, tickets: Value, sold: Value) -> Self {
            self.op("owned", json!({}), Kind::Ok, json!({"tickets": tickets, "sold": sold}))
        }

        fn names(self) -> Vec<String> {
            let mut names: Vec<String> = check(&self.0).anomalies.into_iter().map(|anomaly| anomaly.name).collect();
            names.dedup();
            names
        }

        /// Ends well.
        fn well(self) -> Vec<String> {
            self.owned(json!([[1, "t", 0]]), json!([0])).names()
        }
    }

    fn of_ticket(mut asked: Value) -> Value {
        asked["ticket"] = "t".into();
        asked
    }

    fn given() -> Tale {
        Tale::begun().seen(1, 1, false, false).ok("offer", json!({"by": 1, "to": 2})).ok("accept", json!({"by": 2}))
    }

    #[test]
    fn a_ticket_that_is_given_and_used_is_good() {
        let tale = given()
            .no("offer", json!({"by": 1, "to": 3}), "not_found")
            .no("scan", json!({"epoch": 1}), "transferred")
            .seen(2, 3, false, false)
            .ok("scan", json!({"epoch": 3}))
            .no("scan", json!({"epoch": 3}), "already_used")
            .no("offer", json!({"by": 2, "to": 1}), "wrong_state");
        assert_eq!(tale.well(), Vec::<String>::new());
    }

    #[test]
    fn two_admissions_are_found() {
        let tale = Tale::begun().ok("scan", json!({"epoch": 1})).ok("scan", json!({"epoch": 1}));
        assert_eq!(tale.well(), ["ticket_not_linearizable", "admitted_twice"]);
    }

    #[test]
    fn an_old_code_that_admits_is_found() {
        assert_eq!(given().ok("scan", json!({"epoch": 1})).well(), ["ticket_not_linearizable"]);
        let offered = Tale::begun().ok("offer", json!({"by": 1, "to": 2})).ok("scan", json!({"epoch": 1}));
        assert_eq!(offered.well(), ["ticket_not_linearizable"]);
    }

    #[test]
    fn a_good_code_that_is_refused_is_found() {
        assert_eq!(Tale::begun().no("scan", json!({"epoch": 1}), "transferred").well(), ["ticket_not_linearizable"]);
        assert_eq!(Tale::begun().no("scan", json!({"epoch": 1}), "already_used").well(), ["ticket_not_linearizable"]);
    }

    #[test]
    fn a_ticket_of_two_people_is_found() {
        let two = Tale::begun().ok("offer", json!({"by": 1, "to": 2})).ok("accept", json!({"by": 2})).ok("accept", json!({"by": 2}));
        assert_eq!(two.well(), ["ticket_not_linearizable"]);
        assert_eq!(given().seen(1, 1, false, false).well(), ["ticket_not_linearizable"]);
        assert_eq!(given().owned(json!([[1, "t", 0], [2, "t", 0]]), json!([0])).names(), ["ticket_doubled"]);
    }

    #[test]
    fn a_stale_look_at_a_ticket_is_found() {
        assert_eq!(Tale::begun().ok("scan", json!({"epoch": 1})).seen(1, 1, false, false).well(), ["ticket_not_linearizable"]);
    }

    #[test]
    fn what_may_have_happened_explains_what_follows() {
        let open = Tale::begun().op("offer", of_ticket(json!({"by": 1, "to": 2})), Kind::Info, json!({}));
        assert_eq!(open.seen(1, 2, true, false).well(), Vec::<String>::new());
        let not_both = Tale::begun().op("offer", of_ticket(json!({"by": 1, "to": 2})), Kind::Info, json!({}));
        assert_eq!(not_both.seen(1, 2, true, false).seen(1, 1, false, false).well(), ["ticket_not_linearizable"]);
    }

    #[test]
    fn a_lost_ticket_and_a_seat_without_one_are_found() {
        assert_eq!(Tale::begun().owned(json!([]), json!([0])).names(), ["ticket_lost", "tickets_are_not_the_seats"]);
        assert_eq!(Tale::begun().owned(json!([[1, "t", 0], [1, "u", 0]]), json!([0])).names(), ["double_sale"]);
        assert_eq!(Tale::begun().owned(json!([[1, "t", 0]]), json!([])).names(), ["tickets_are_not_the_seats"]);
        assert_ne!(check(&Tale::begun().0).unknown, Vec::<String>::new());
    }
}
