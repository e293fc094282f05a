//! Commands about money, in words: `note o1 p1 [ref=x] [url=x]`, `giveup|voided o1 p1`, `nocapture o1 p1`,
//! `refund o1 [o1/0 ...] [amount=N] [block] id=r1`, `refunded|norefund o1 r1`, `refundnext [limit=N]`, `dispute o1 d1 Open amount=N`,
//! `pin h1 user=1 cart=c1`, `cartconfirm o1 c1 p1`, `cartrelease o1 c1`.

use boxoffice_ledger::command::MoneyCommand;
use boxoffice_ledger::ids::{CartId, OrderId, RefundId, Request, Slot};
use boxoffice_ledger::orders::DisputeState;

use crate::house::{SLOT, event};
use crate::script::{Words, actor, attempt_id, hold_id, number, order_id, raw_order, repeated, ticket_id, user_id};

pub fn refund_id(name: &str) -> RefundId {
    RefundId::new(1, SLOT, number(name))
}

pub fn cart_id(name: &str) -> CartId {
    CartId::new(1, Slot::new(1), number(name))
}

pub fn command(kind: &str, names: &[&str], words: &Words<'_>, request: Request) -> Option<MoneyCommand> {
    let event = event();
    let order = || order_id(names[0]);
    let attempt = || attempt_id(names[1]);
    let code = || words.get("code").map_or_else(|| "no".into(), repeated);
    Some(match kind {
        "note" => MoneyCommand::Note {
            event,
            order: order(),
            attempt: attempt(),
            reference: words.get("ref").map_or_else(String::new, repeated),
            action: words.get("url").map(repeated),
        },
        "giveup" => MoneyCommand::GiveUp { event, order: order(), attempt: attempt() },
        "voided" => MoneyCommand::Voided { event, order: order(), attempt: attempt() },
        "nocapture" => MoneyCommand::CaptureFailed { event, order: order(), attempt: attempt(), code: code() },
        "refund" => MoneyCommand::Refund {
            request,
            event,
            order: order(),
            refund: refund_id(words.get("id").unwrap_or("r1")),
            tickets: names[1..].iter().filter(|name| name.contains('/')).map(|name| ticket_id(name)).collect(),
            amount: words.number("amount"),
            actor: actor(words),
            reason: words.get("reason").map_or_else(|| "because".into(), repeated),
            block: words.has("block"),
        },
        "refunded" => MoneyCommand::RefundDone { event, order: order(), refund: refund_of(names) },
        "norefund" => MoneyCommand::RefundFailed { event, order: order(), refund: refund_of(names), code: code() },
        "refundnext" => MoneyCommand::RefundNext { event, limit: words.number("limit").unwrap_or(100) as u32 },
        "dispute" => MoneyCommand::Dispute {
            event,
            order: order(),
            dispute: repeated(names[1]),
            state: [DisputeState::Open, DisputeState::Won, DisputeState::Lost]
                .into_iter()
                .find(|state| format!("{state:?}") == names[2])
                .unwrap(),
            amount: words.number("amount").unwrap(),
        },
        "pin" => MoneyCommand::Pin {
            request,
            event,
            hold: hold_id(names[0]),
            user: user_id(words.number("user").unwrap()),
            order: words.get("order").map_or(OrderId::for_tickets(1, SLOT, number(names[0]) << 16), raw_order),
            cart: cart_id(words.get("cart").unwrap()),
        },
        "cartconfirm" => {
            let (cart, attempt) = (cart_id(names[1]), attempt_id(names[2]));
            MoneyCommand::CartConfirm { event, order: order(), cart, attempt, reference: "ref".into() }
        }
        "cartrelease" => MoneyCommand::CartRelease { event, order: order(), cart: cart_id(names[1]) },
        _ => return None,
    })
}

/// `r1`, or `event` for the refund that a cancellation gives the order.
fn refund_of(names: &[&str]) -> RefundId {
    if names[1] == "event" { RefundId(order_id(names[0]).0 | 0xffff) } else { refund_id(names[1]) }
}
