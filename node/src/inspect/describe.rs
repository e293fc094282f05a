//! Commands in words: a name, and the ids of what they are about. Hashes, passwords, tokens, e-mails, addresses and names of people are
//! left out, so that a log can be shown to whoever may operate the cluster.

use std::fmt::{self, Write as _};

use boxoffice_api::backend::{CommandView, EntryContent, EntryView};
use boxoffice_cluster_config::groups::GroupKind;
use boxoffice_ledger::accounts::AccountLedger;
use boxoffice_ledger::catalog::CatalogLedger;
use boxoffice_ledger::command::{AccountCommand, Audited, CatalogCommand, Choice, Delivery, MoneyCommand, SeatCommand};
use boxoffice_ledger::machine::Machine;
use boxoffice_ledger::seats::SeatLedger;
use boxoffice_ledger::tickets::TicketAction;
use boxoffice_ledger::time::Timestamp;
use boxoffice_ledger::webhooks::WebhookCommand;
use boxoffice_raft::entries::{Content, LogEntry};
use bytes::Bytes;

/// Names and values.
type About = Vec<(&'static str, String)>;

/// An entry of a group of this kind, in words.
#[must_use]
pub fn entry(kind: GroupKind, entry: LogEntry) -> EntryView {
    let LogEntry { index, term, node, content } = entry;
    let content = match content {
        Content::Blank => EntryContent::Blank,
        Content::Membership { voters, nodes } => EntryContent::Membership(voters, nodes),
        Content::Batch { at_us, commands } => {
            EntryContent::Batch(Timestamp(at_us), commands.iter().map(|bytes| command(kind, bytes)).collect())
        }
    };
    EntryView { index, term, leader: node, content }
}

fn command(kind: GroupKind, bytes: &Bytes) -> CommandView {
    let decoded = match kind {
        GroupKind::Catalog => CatalogLedger::decode_command(bytes).map(|command| of_catalog(&command)),
        GroupKind::Events => SeatLedger::decode_command(bytes).map(|command| of_seats(&command)),
        GroupKind::Users => AccountLedger::decode_command(bytes).map(|command| of_accounts(&command)),
    };
    decoded.unwrap_or_else(|error| CommandView { name: "unreadable".into(), about: vec![("reason", error.to_string())] })
}

fn of_catalog(command: &CatalogCommand) -> CommandView {
    let about = match command {
        CatalogCommand::Audited(audited) => return asked(audited, of_catalog),
        CatalogCommand::PlanChunk(chunk) => vec![("plan", chunk.hash.to_string()), ("offset", chunk.offset.to_string())],
        CatalogCommand::PutVenue { venue, .. } => vec![("venue", venue.id.to_string()), ("version", venue.version.to_string())],
        CatalogCommand::PutPerformer { performer, .. } => {
            vec![("performer", performer.id.to_string()), ("version", performer.version.to_string())]
        }
        CatalogCommand::PutEvent { event, .. } => vec![("event", event.id.to_string()), ("version", event.version.to_string())],
        CatalogCommand::Provisioned { event } => vec![("event", event.to_string())],
        CatalogCommand::Summaries(lines) => vec![("events", lines.len().to_string())],
        CatalogCommand::Views(lines) => vec![("events", lines.len().to_string())],
        CatalogCommand::Webhook(command) => return nested("webhook", command, of_webhook(command)),
        _ => Vec::new(),
    };
    named(command, about)
}

fn of_webhook(command: &WebhookCommand) -> About {
    let webhook = match command {
        WebhookCommand::Put { webhook, .. } => webhook.id,
        WebhookCommand::Rotate { webhook, .. } | WebhookCommand::Delete { webhook, .. } | WebhookCommand::Seek { webhook, .. } => *webhook,
        WebhookCommand::Report(report) => report.webhook,
    };
    vec![("webhook", webhook.to_string())]
}

fn of_seats(command: &SeatCommand) -> CommandView {
    let about = match command {
        SeatCommand::Audited(audited) => return asked(audited, of_seats),
        SeatCommand::PlanChunk(chunk) => vec![("plan", chunk.hash.to_string()), ("offset", chunk.offset.to_string())],
        SeatCommand::CreateEvent { event, plan, .. } => vec![("event", event.to_string()), ("plan", plan.to_string())],
        SeatCommand::SetSale { event, action, .. } => vec![("event", event.to_string()), ("action", variant(action))],
        SeatCommand::Hold { event, hold, user, choice, .. } => {
            vec![("event", event.to_string()), ("hold", hold.to_string()), ("user", user.to_string()), ("choice", choice_text(choice))]
        }
        SeatCommand::Extend { event, hold, .. } | SeatCommand::Release { event, hold, .. } => {
            vec![("event", event.to_string()), ("hold", hold.to_string())]
        }
        SeatCommand::PayBegin { event, hold, user, order, attempt, .. } => vec![
            ("event", event.to_string()),
            ("hold", hold.to_string()),
            ("user", user.to_string()),
            ("order", order.to_string()),
            ("attempt", attempt.to_string()),
        ],
        SeatCommand::Confirm { event, order, attempt, .. }
        | SeatCommand::PayFail { event, order, attempt, .. }
        | SeatCommand::PayUnknown { event, order, attempt }
        | SeatCommand::Captured { event, order, attempt } => {
            vec![("event", event.to_string()), ("order", order.to_string()), ("attempt", attempt.to_string())]
        }
        SeatCommand::Money(money) => return named(money, of_money(money)),
        SeatCommand::Void { event, tickets, .. } => vec![("event", event.to_string()), ("tickets", joined(tickets))],
        SeatCommand::Block { event, seats, action, .. } => {
            vec![("event", event.to_string()), ("action", variant(action)), ("seats", seats.len().to_string())]
        }
        SeatCommand::Ticket { event, action, .. } => return nested("ticket", action, of_ticket(*event, action)),
        SeatCommand::Promo { event, action, .. } => return nested("promo", action, vec![("event", event.to_string())]),
        SeatCommand::Reprice { event, level, version, .. } => {
            vec![("event", event.to_string()), ("level", level.0.to_string()), ("version", version.to_string())]
        }
        SeatCommand::SetPolicy { event, level, policy, .. } => {
            vec![("event", event.to_string()), ("level", level.0.to_string()), ("policy", variant(policy))]
        }
        SeatCommand::OutboxAck { acks } => vec![("targets", acks.len().to_string())],
        _ => Vec::new(),
    };
    named(command, about)
}

fn of_money(command: &MoneyCommand) -> About {
    let (event, mut about) = match command {
        MoneyCommand::Note { event, order, attempt, .. }
        | MoneyCommand::GiveUp { event, order, attempt }
        | MoneyCommand::Voided { event, order, attempt }
        | MoneyCommand::CaptureFailed { event, order, attempt, .. } => {
            (event, vec![("order", order.to_string()), ("attempt", attempt.to_string())])
        }
        MoneyCommand::Refund { event, order, refund, tickets, .. } => {
            (event, vec![("order", order.to_string()), ("refund", refund.to_string()), ("tickets", joined(tickets))])
        }
        MoneyCommand::RefundDone { event, order, refund } | MoneyCommand::RefundFailed { event, order, refund, .. } => {
            (event, vec![("order", order.to_string()), ("refund", refund.to_string())])
        }
        MoneyCommand::RefundNext { event, limit } => (event, vec![("limit", limit.to_string())]),
        MoneyCommand::Dispute { event, order, .. } => (event, vec![("order", order.to_string())]),
        MoneyCommand::Pin { event, hold, user, order, cart, .. } => {
            (event, vec![("hold", hold.to_string()), ("user", user.to_string()), ("order", order.to_string()), ("cart", cart.to_string())])
        }
        MoneyCommand::CartConfirm { event, order, cart, .. } | MoneyCommand::CartRelease { event, order, cart, .. } => {
            (event, vec![("order", order.to_string()), ("cart", cart.to_string())])
        }
    };
    about.insert(0, ("event", event.to_string()));
    about
}

fn of_ticket(event: boxoffice_ledger::ids::EventId, action: &TicketAction) -> About {
    let mut about = vec![("event", event.to_string())];
    match action {
        TicketAction::Scan(scan) => about.extend(scan.claim.map(|claim| ("ticket", claim.ticket.to_string()))),
        TicketAction::Offer { ticket, user, .. } | TicketAction::Withdraw { ticket, user } | TicketAction::Claim { ticket, user, .. } => {
            about.extend([("ticket", ticket.to_string()), ("user", user.to_string())]);
        }
        TicketAction::HandOver { ticket, user, to } => {
            about.extend([("ticket", ticket.to_string()), ("user", user.to_string()), ("to", to.to_string())]);
        }
    }
    about
}

fn of_accounts(command: &AccountCommand) -> CommandView {
    match command {
        AccountCommand::Audited(audited) => asked(audited, of_accounts),
        AccountCommand::Register { user, role, .. } | AccountCommand::SetRole { user, role, .. } => {
            named(command, vec![("user", user.to_string()), ("role", variant(role))])
        }
        AccountCommand::Deliver { records } => {
            let orders = records.iter().filter(|record| matches!(record, Delivery::Order(_))).count();
            named(command, vec![("tickets", (records.len() - orders).to_string()), ("orders", orders.to_string())])
        }
        AccountCommand::Session { user, command } => nested("session", command, vec![("user", user.to_string())]),
        AccountCommand::Password { user, command } => nested("password", command, vec![("user", user.to_string())]),
        AccountCommand::Email { user, command } => nested("email", command, vec![("user", user.to_string())]),
        AccountCommand::Guest { user, command } => nested("guest", command, vec![("user", user.to_string())]),
        AccountCommand::Key { user, command } => nested("key", command, vec![("user", user.to_string())]),
        AccountCommand::Cluster(command) => nested("cluster", command, Vec::new()),
        AccountCommand::Denied { actor, what, times, .. } => {
            named(command, vec![("user", actor.to_string()), ("what", what.clone()), ("times", times.to_string())])
        }
        AccountCommand::Cart { user, cart, command } => {
            nested("cart", command, vec![("user", user.to_string()), ("cart", cart.to_string())])
        }
        _ => named(command, Vec::new()),
    }
}

fn choice_text(choice: &Choice) -> String {
    match choice {
        Choice::Chosen { seats, areas } => {
            let places: u64 = areas.iter().map(|(_, count)| u64::from(*count)).sum();
            format!("{} seats, {places} places", seats.len())
        }
        Choice::Best { quantity, .. } => format!("best {quantity}"),
    }
}

fn joined(ids: &[impl fmt::Display]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

/// What somebody asked for, with who it was.
fn asked<C>(audited: &Audited<C>, of: impl Fn(&C) -> CommandView) -> CommandView {
    let mut view = of(&audited.command);
    view.about.push(("asked_by", audited.actor.to_string()));
    view
}

fn named(command: &impl fmt::Debug, about: About) -> CommandView {
    CommandView { name: variant(command), about }
}

fn nested(kind: &str, command: &impl fmt::Debug, about: About) -> CommandView {
    CommandView { name: format!("{kind}_{}", variant(command)), about }
}

/// The name of an enum's variant in snake case: the first word of what `Debug` would write, and nothing of its content.
fn variant(value: &impl fmt::Debug) -> String {
    struct Word(String);
    impl fmt::Write for Word {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            for letter in text.chars() {
                if !letter.is_ascii_alphanumeric() {
                    return Err(fmt::Error);
                }
                if letter.is_ascii_uppercase() && !self.0.is_empty() {
                    self.0.push('_');
                }
                self.0.push(letter.to_ascii_lowercase());
            }
            Ok(())
        }
    }
    let mut word = Word(String::new());
    // The error only says that the word has ended.
    let _ = write!(word, "{value:?}");
    word.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use boxoffice_ledger::command::{PasswordCommand, Role, SecretHash, SessionCommand};
    use boxoffice_ledger::ids::{EventId, HoldId, Request, RequestId, SessionId, UserId};

    const REQUEST: Request = Request { id: RequestId(1), fingerprint: 2 };

    fn text(view: &CommandView) -> String {
        let about: Vec<String> = view.about.iter().map(|(name, value)| format!("{name}={value}")).collect();
        format!("{} {}", view.name, about.join(" ")).trim_end().to_owned()
    }

    fn view<M: Machine>(kind: GroupKind, command: &M::Command) -> String {
        text(&super::command(kind, &M::encode_command(command).into()))
    }

    #[test]
    fn commands_are_named_with_their_ids() {
        let (event, hold, user) = (EventId(1), HoldId(2), UserId(3));
        let choice = Choice::Best { quantity: 2, section: None, max_price: None, split: false, accessible: false };
        let held = SeatCommand::Hold { request: REQUEST, event, hold, user, choice, expect_total: None, promo: Some("SECRET".into()) };
        assert_eq!(view::<SeatLedger>(GroupKind::Events, &held), format!("hold event={event} hold={hold} user={user} choice=best 2"));
        let asked = Audited {
            actor: user,
            address: "192.0.2.7".into(),
            command: Box::new(SeatCommand::Money(MoneyCommand::RefundNext { event, limit: 9 })),
        };
        let asked = SeatCommand::Audited(asked);
        assert_eq!(of_seats(&asked).name, "refund_next");
        assert_eq!(of_seats(&asked).about.last(), Some(&("asked_by", user.to_string())));
        assert_eq!(view::<SeatLedger>(GroupKind::Events, &SeatCommand::Pulse), "pulse");
        assert_eq!(view::<CatalogLedger>(GroupKind::Catalog, &CatalogCommand::Provisioned { event }), format!("provisioned event={event}"));
        assert!(text(&super::command(GroupKind::Users, &Bytes::from_static(b"?"))).starts_with("unreadable reason="));
    }

    #[test]
    fn what_is_secret_or_personal_is_left_out() {
        let user = UserId(3);
        let register = AccountCommand::Register {
            request: REQUEST,
            user,
            email: "ada@example.org".into(),
            name: "Ada".into(),
            password_hash: "$argon2id$secret".into(),
            role: Role::Customer,
        };
        assert_eq!(view::<AccountLedger>(GroupKind::Users, &register), format!("register user={user} role=customer"));
        let command = SessionCommand::Open {
            session: SessionId(4),
            version: 0,
            token: SecretHash([7; 32]),
            address: "192.0.2.7".into(),
            agent: "curl".into(),
        };
        let open = AccountCommand::Session { user, command };
        assert_eq!(view::<AccountLedger>(GroupKind::Users, &open), format!("session_open user={user}"));
        let command = PasswordCommand::Rehash { version: 1, hash: "$argon2id$secret".into() };
        assert_eq!(of_accounts(&AccountCommand::Password { user, command }).name, "password_rehash");
    }
}
