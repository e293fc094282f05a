//! One line of a table: a command or a question, in words.
//!
//! Commands: `hold A1 A2 Floor*3 user=1 id=h1 [expect=N]`, `hold best=4 [section=S] [max=N] [split] [accessible] ...`,
//! `extend|release h1 user=1`, `pay h1 user=1 [order=o1] [attempt=p1]`, `confirm o1 p1 N`, `fail|unknown|captured o1 p1`,
//! `void o1/0 ... [user=1] [block]`, those of `money.rs`, `block|unblock|kill A1 ...`, `open|pause|resume|close|cancel`,
//! `ack 1=3`, `pulse`.
//! `scan in|out o1/0 epoch=1 gate=North [nonce=n1] [doors=0s-100s] [offline=5s]` (`bad` instead of a ticket: no good code;
//! `elsewhere`: a code of another event), those of `promo.rs` and `price.rs`,
//! `offer o1/0 user=1 to=b@x`, `withdraw o1/0 user=1`, `claim o1/0 user=2 email=b@x`, `handover o1/0 user=1 to=2`.
//! Every line takes `at=10s` (else a second after the line before), `key=k1` (else a new one), `body=2`; an actor is
//! `user=1`, `staff=1` or else the system.
//! Questions: `ticket o1/0`, `gates`, `conflicts`, `dead`, `row A`, `counts`, `section S`, `area Floor`, `has user=1`, `see h1`,
//! `promos`, `allocations`, `price 0`, `history 0`, `due`, `order o1`, `outbox 1`, `changes`, `attempts`, `refunds o1`, `asking`,
//! `progress`, `deadline`, `from`, `packed`.

use boxoffice_ledger::change::Change;
use boxoffice_ledger::command::{Actor, BlockAction, Choice, SaleAction, SeatCommand};
use boxoffice_ledger::ids::{AttemptId, EventId, HoldId, OrderId, Request, RequestId, Slot, TicketId, UserId};
use boxoffice_ledger::machine::Machine;
use boxoffice_ledger::plan::{AreaIndex, SeatIndex, SectionIndex};
use boxoffice_ledger::promos::PromoAction;
use boxoffice_ledger::seats::{EventSale, SeatLedger};
use boxoffice_ledger::tickets::{Claim, Direction, Scan, TicketAction};
use boxoffice_ledger::time::{Millis, Timestamp};

use crate::house::{SLOT, START, event};
use crate::{money, price, promo, render};

pub struct Script {
    pub ledger: SeatLedger,
    at: Timestamp,
    next_key: u128,
    changes: Vec<Change>,
}

/// The words of a line: `name=value` pairs, and the rest in order.
pub struct Words<'a> {
    pub plain: Vec<&'a str>,
    named: Vec<(&'a str, &'a str)>,
}

impl<'a> Words<'a> {
    fn of(line: &'a str) -> Self {
        let (named, plain) = line.split_whitespace().partition::<Vec<_>, _>(|word| word.contains('='));
        Self { plain, named: named.iter().map(|word| word.split_once('=').unwrap()).collect() }
    }

    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.named.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }

    pub fn number(&self, name: &str) -> Option<u64> {
        self.get(name).map(|value| value.parse().unwrap_or_else(|_| panic!("{name}={value} is no number")))
    }

    pub fn has(&self, word: &str) -> bool {
        self.plain.contains(&word)
    }
}

pub fn number(name: &str) -> u128 {
    name.trim_start_matches(|letter: char| letter.is_alphabetic()).parse().unwrap_or_else(|_| panic!("{name} is no name"))
}

pub fn hold_id(name: &str) -> HoldId {
    HoldId::new(1, if name.starts_with('x') { Slot::new(8) } else { SLOT }, number(name))
}

pub fn order_id(name: &str) -> OrderId {
    OrderId::for_tickets(1, if name.starts_with('x') { Slot::new(8) } else { SLOT }, number(name) << 16)
}

pub fn attempt_id(name: &str) -> AttemptId {
    AttemptId::new(1, SLOT, number(name))
}

pub fn user_id(number: u64) -> UserId {
    UserId::new(1, Slot::new(number as u16), number.into())
}

pub fn ticket_id(name: &str) -> TicketId {
    let (order, ordinal) = name.split_once('/').unwrap();
    TicketId::of_order(order_id(order), ordinal.parse().unwrap())
}

fn seat(sale: &EventSale, name: &str) -> SeatIndex {
    if let Some(number) = name.strip_prefix('#') {
        return SeatIndex(number.parse().unwrap());
    }
    let (section, place) = name.split_once(':').unwrap_or((&sale.plan().sections[0].name, name));
    let row = place.trim_end_matches(|letter: char| letter.is_ascii_digit());
    let label = format!("{section}-{row}-{}", &place[row.len()..]);
    sale.plan_index().find(&label).unwrap_or_else(|| panic!("no seat {label}"))
}

fn area(sale: &EventSale, name: &str) -> AreaIndex {
    let place = sale.plan().areas.iter().position(|area| area.name == name);
    AreaIndex(place.map_or_else(|| name.trim_start_matches("area#").parse().unwrap(), |place| place as u16))
}

fn section(sale: &EventSale, name: &str) -> SectionIndex {
    let place = sale.plan().sections.iter().position(|section| section.name == name);
    SectionIndex(place.map_or_else(|| name.trim_start_matches('#').parse().unwrap(), |place| place as u16))
}

impl Script {
    pub fn new(ledger: SeatLedger) -> Self {
        Self { ledger, at: START, next_key: 1000, changes: Vec::new() }
    }

    fn sale(&self) -> &EventSale {
        self.ledger.event(event()).unwrap()
    }

    /// Runs a line and answers what it says.
    pub fn run(&mut self, line: &str) -> String {
        let words = Words::of(line);
        if let Some(answer) = self.ask(&words) {
            return answer;
        }
        let at = words.get("at").map(|at| {
            let seconds: f64 = at.strip_suffix('s').unwrap().parse().unwrap();
            START.plus(Millis((seconds * 1000.0) as u64))
        });
        self.at = at.unwrap_or_else(|| self.at.plus(Millis::from_secs(1)));
        let command = self.command(&words);
        self.changes.clear();
        let bytes = SeatLedger::encode_command(&command);
        assert_eq!(SeatLedger::decode_command(&bytes), Ok(command.clone()));
        let answer = self.ledger.apply(self.at, &command, &mut self.changes);
        assert_eq!(SeatLedger::decode_answer(&SeatLedger::encode_answer(&answer)), Ok(answer.clone()));
        self.ledger.check_invariants().unwrap_or_else(|what| panic!("after {line:?}: {what}"));
        render::answer(self.sale(), &answer)
    }

    fn ask(&self, words: &Words<'_>) -> Option<String> {
        let sale = self.sale();
        let name = words.plain.get(1).copied().unwrap_or_default();
        Some(match words.plain[0] {
            "row" => {
                let (part, row) = name.split_once(':').unwrap_or((&sale.plan().sections[0].name, name));
                let place = sale.plan_index().place(sale.plan_index().find(&format!("{part}-{row}-1")).unwrap()).unwrap();
                render::row(sale, sale.plan_index().row_seats(place.row).unwrap())
            }
            "counts" => render::counts(sale.totals()),
            "section" => render::counts(sale.section_counts()[usize::from(section(sale, name).0)]),
            "area" => render::counts(sale.area_counts()[usize::from(area(sale, name).0)]),
            "has" => {
                let count = sale.user_count(user_id(words.number("user").unwrap()));
                format!("held={} owned={}", count.held, count.owned)
            }
            "see" => sale.hold(hold_id(name)).map_or_else(|| "nothing".into(), |hold| render::info(sale, &hold)),
            "order" => sale.order(order_id(name)).map_or_else(
                || "nothing".into(),
                |view| {
                    let order = &view.order;
                    let attempts: Vec<String> =
                        order.attempts.iter().map(|one| format!("{}={:?}", render::attempt_name(one.id), one.state)).collect();
                    format!(
                        "{:?} total={} refunded={} receipt={} tickets={} [{}]",
                        order.state,
                        order.total,
                        order.refunded,
                        order.receipt,
                        view.tickets.len(),
                        attempts.join(" ")
                    )
                },
            ),
            "outbox" => {
                let records = self.ledger.outbox_records(name.parse().unwrap(), 100);
                let texts: Vec<String> = records.iter().map(|(number, record)| format!("{number} {}", render::delivery(record))).collect();
                texts.join("; ")
            }
            "changes" => self.changes.iter().map(|change| render::change(sale, change)).collect::<Vec<_>>().join(", "),
            "attempts" => {
                let open = self.ledger.open_attempts(100, 100);
                open.iter().map(render::open_attempt).collect::<Vec<_>>().join(" ")
            }
            "ticket" => sale.ticket_state(ticket_id(name), self.ledger.at()).map_or_else(
                || "nothing".into(),
                |state| {
                    let record = sale.ticket(ticket_id(name)).unwrap();
                    format!("{state:?} epoch={} {}", record.epoch, render::user_name(record.user))
                },
            ),
            "gates" => render::gates(sale),
            "conflicts" => render::conflicts(sale),
            "dead" => render::dead(sale),
            "deadline" => self.ledger.next_deadline().map_or_else(|| "none".into(), render::time),
            "from" => format!("{:?}", sale.from_price()),
            "refunds" => sale.order(order_id(name)).map_or_else(|| "nothing".into(), |view| render::refunds(&view.order)),
            "asking" => self.ledger.open_refunds(100).iter().map(render::open_refund).collect::<Vec<_>>().join(" "),
            "progress" => format!("{:?}", sale.refund_progress()),
            "promos" => render::promos(sale),
            "allocations" => render::allocations(sale),
            "price" => price::view(&sale.price_view(price::level(name)).unwrap()),
            "history" => price::history(sale, price::level(name)),
            "due" => sale.due_steps().map(|due| format!("{} {}", due.level.0, render::time(due.at))).collect::<Vec<_>>().join("; "),
            "packed" => sale.packed_states().iter().map(|byte| format!("{byte:02x}")).collect(),
            _ => return None,
        })
    }

    fn command(&mut self, words: &Words<'_>) -> SeatCommand {
        let names = &words.plain[1..];
        let event = event();
        let request = self.request(words);
        let attempt = |place: usize| attempt_id(names[place]);
        let block = |action| SeatCommand::Block {
            request,
            event,
            seats: names.iter().map(|name| seat(self.sale(), name)).collect(),
            action,
            reason: words.get("reason").unwrap_or("because").into(),
        };
        match words.plain[0] {
            "hold" => SeatCommand::Hold {
                request,
                event,
                hold: hold_id(words.get("id").unwrap()),
                user: user_id(words.number("user").unwrap()),
                choice: self.choice(words),
                expect_total: words.number("expect"),
                promo: words.get("promo").map(repeated),
            },
            "extend" => SeatCommand::Extend { request, event, hold: hold_id(names[0]), actor: actor(words) },
            "release" => SeatCommand::Release { request, event, hold: hold_id(names[0]), actor: actor(words) },
            "pay" => SeatCommand::PayBegin {
                request,
                event,
                hold: hold_id(names[0]),
                user: user_id(words.number("user").unwrap()),
                order: words.get("order").map_or(OrderId::for_tickets(1, SLOT, number(names[0]) << 16), raw_order),
                attempt: attempt_id(words.get("attempt").unwrap_or("p1")),
                method: words.get("method").map_or_else(|| "tok".into(), repeated),
            },
            "confirm" => {
                let authorized = names[2].parse().unwrap();
                let reference = words.get("ref").map_or_else(String::new, repeated);
                SeatCommand::Confirm { event, order: order_id(names[0]), attempt: attempt(1), authorized, reference }
            }
            "fail" => {
                let code = words.get("code").map_or_else(|| "declined".into(), repeated);
                SeatCommand::PayFail { event, order: order_id(names[0]), attempt: attempt(1), code }
            }
            "unknown" => SeatCommand::PayUnknown { event, order: order_id(names[0]), attempt: attempt(1) },
            "captured" => SeatCommand::Captured { event, order: order_id(names[0]), attempt: attempt(1) },
            "void" => SeatCommand::Void {
                request,
                event,
                tickets: names.iter().filter(|name| name.contains('/')).map(|name| ticket_id(name)).collect(),
                actor: actor(words),
                reason: words.get("reason").map_or_else(|| "because".into(), repeated),
                block: words.has("block"),
            },
            "block" => block(BlockAction::Block),
            "unblock" => block(BlockAction::Unblock),
            "kill" => block(BlockAction::Kill),
            "open" | "pause" | "resume" | "close" | "cancel" => SeatCommand::SetSale { request, event, action: sale_move(words.plain[0]) },
            "ack" => {
                let acks = words.named.iter().filter(|(target, _)| target.parse::<u32>().is_ok());
                SeatCommand::OutboxAck { acks: acks.map(|(target, upto)| (target.parse().unwrap(), upto.parse().unwrap())).collect() }
            }
            "scan" => SeatCommand::Ticket { request, event, action: TicketAction::Scan(scan(words)) },
            "offer" | "withdraw" | "claim" | "handover" => SeatCommand::Ticket { request, event, action: give(words) },
            "pulse" => SeatCommand::Pulse,
            "reprice" | "policy" => self.price(words, request),
            "code" | "codeoff" | "codeon" | "aside" | "putback" => SeatCommand::Promo { request, event, action: self.promo(words) },
            other => SeatCommand::Money(money::command(other, names, words, request)),
        }
    }

    fn price(&self, words: &Words<'_>, request: Request) -> SeatCommand {
        let (event, level) = (event(), price::level(words.plain[1]));
        if words.plain[0] == "policy" {
            let text = words.plain.get(2).map_or_else(|| words.get("is").unwrap(), |text| *text);
            let (policy, reason) = (price::policy(text), words.get("reason").map_or_else(|| "because".into(), repeated));
            return SeatCommand::SetPolicy { request, event, level, policy, reason };
        }
        let now = self.sale().price_view(level).map_or((0, 0), |view| (view.version, view.price));
        let version = words.number("version").map_or(now.0, |version| version as u32);
        SeatCommand::Reprice { event, level, version, from: words.number("from").unwrap_or(now.1) }
    }

    fn promo(&self, words: &Words<'_>) -> PromoAction {
        if words.plain[0].starts_with("code") {
            return promo::action(words);
        }
        let Choice::Chosen { seats, areas } = self.choice_of(&words.plain[2..], words) else { unreachable!("seats and places") };
        promo::allocate(words, seats, areas)
    }

    fn request(&mut self, words: &Words<'_>) -> Request {
        self.next_key += 1;
        let id = RequestId(words.get("key").map_or(self.next_key, number));
        Request { id, fingerprint: words.number("body").unwrap_or(1) }
    }

    fn choice(&self, words: &Words<'_>) -> Choice {
        let sale = self.sale();
        if let Some(quantity) = words.number("best") {
            return Choice::Best {
                quantity: quantity as u32,
                section: words.get("section").map(|name| section(sale, name)),
                max_price: words.number("max"),
                split: words.has("split"),
                accessible: words.has("accessible"),
            };
        }
        self.choice_of(&words.plain[1..], words)
    }

    fn choice_of(&self, names: &[&str], words: &Words<'_>) -> Choice {
        let sale = self.sale();
        let (areas, seats) = names.iter().partition::<Vec<&str>, _>(|name| name.contains('*'));
        let areas = areas.iter().map(|text| {
            let (name, count) = text.split_once('*').unwrap();
            (area(sale, name), count.parse().unwrap())
        });
        let many = words.number("from").zip(words.number("many")).unwrap_or_default();
        let run = (many.0..many.0 + many.1).map(|number| SeatIndex(number as u32));
        Choice::Chosen { areas: areas.collect(), seats: seats.iter().map(|name| seat(sale, name)).chain(run).collect() }
    }
}

fn sale_move(word: &str) -> SaleAction {
    match word {
        "open" => SaleAction::Open,
        "pause" => SaleAction::Pause,
        "resume" => SaleAction::Resume,
        "close" => SaleAction::Close,
        _ => SaleAction::Cancel,
    }
}

pub fn moment(text: &str) -> Timestamp {
    START.plus(Millis::from_secs(text.strip_suffix('s').unwrap().parse().unwrap()))
}

fn scan(words: &Words<'_>) -> Scan {
    let (open, close) = words.get("doors").unwrap_or("0s-100000s").split_once('-').unwrap();
    Scan {
        gate: words.get("gate").map_or_else(|| "North".into(), repeated),
        nonce: words.get("nonce").map_or(0, |nonce| number(nonce) as u64),
        direction: if words.plain[1] == "out" { Direction::Out } else { Direction::In },
        claim: (words.plain[2] != "bad").then(|| Claim {
            event: if words.has("elsewhere") { EventId(1) } else { event() },
            ticket: ticket_id(words.plain[2]),
            epoch: words.number("epoch").unwrap_or(1) as u32,
        }),
        doors: (moment(open), moment(close)),
        offline_at: words.get("offline").map(moment),
    }
}

fn give(words: &Words<'_>) -> TicketAction {
    let (ticket, user) = (ticket_id(words.plain[1]), user_id(words.number("user").unwrap()));
    let email = |name| words.get(name).map_or_else(String::new, repeated);
    match words.plain[0] {
        "offer" => TicketAction::Offer { ticket, user, to: email("to") },
        "withdraw" => TicketAction::Withdraw { ticket, user },
        "handover" => TicketAction::HandOver { ticket, user, to: user_id(words.number("to").unwrap()) },
        _ => TicketAction::Claim { ticket, user, email: email("email") },
    }
}

pub fn actor(words: &Words<'_>) -> Actor {
    match (words.number("user"), words.number("staff")) {
        (Some(user), _) => Actor::User(user_id(user)),
        (_, Some(user)) => Actor::Staff(user_id(user)),
        _ => Actor::System,
    }
}

/// `o1`, or `raw5` for an id whose ticket bits are 5.
pub fn raw_order(name: &str) -> OrderId {
    if name.starts_with("raw") { OrderId(order_id("o1").0 | number(name)) } else { order_id(name) }
}

/// `long300` is 300 letters; anything else is itself.
pub fn repeated(text: &str) -> String {
    text.strip_prefix("long").map_or_else(|| text.to_string(), |count| "x".repeat(count.parse().unwrap()))
}
