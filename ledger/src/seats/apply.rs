//! Applying a command: time first, then shape, then the request's id, then the rules.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::agenda::Agenda;
use super::event::EventSale;
use super::house::House;
use super::lifecycle::{forget_before, not_found};
use super::pay::Told;
use super::refund::Wish;
use super::shape::{self, malformed};
use super::work::Work;
use super::{SeatLedger, hashes};
use crate::change::Change;
use crate::codec::{CodecError, seats as codec};
use crate::command::{MoneyCommand, SaleTerms, SeatCommand};
use crate::ids::{EventId, OrderId, PlanHash, RefundId, Request};
use crate::machine::{Digest, Machine};
use crate::orders::order_of;
use crate::outcome::{Answer, Rejection, SaleState, SeatOutcome};
use crate::time::Timestamp;

/// The first stamp that is taken as it is: in a hold's record, zero says "never".
const FIRST: Timestamp = Timestamp(1);

/// The last stamp that is taken as it is: a week before no time is left, so that every deadline is later than its hold.
const LAST: Timestamp = Timestamp(u64::MAX - 7 * 24 * 60 * 60 * 1_000_000);

impl Machine for SeatLedger {
    type Command = SeatCommand;
    type Outcome = SeatOutcome;

    fn apply(&mut self, at: Timestamp, command: &SeatCommand, changes: &mut Vec<Change>) -> Answer<SeatOutcome> {
        self.at = self.at.max(at.clamp(FIRST, LAST));
        if self.agenda.is_none() {
            self.agenda = Some(Agenda::of(&self.events));
        }
        self.requests.prune(self.at);
        self.expire(changes);
        self.give_up(changes);
        self.forget();
        let answer = match command {
            SeatCommand::Audited(asked) => self.answer_audited(asked, changes),
            plain => self.answer(plain, changes),
        };
        self.settle();
        answer
    }

    fn next_deadline(&self) -> Option<Timestamp> {
        match &self.agenda {
            Some(agenda) => agenda.first(),
            None => Agenda::of(&self.events).first(),
        }
    }

    fn digest(&self) -> Digest {
        let mut all = self.digest;
        all.add(hashes::clock(self.at));
        all.merge(self.requests.accumulator());
        all.merge(self.blobs.accumulator());
        all.merge(self.audit.accumulator());
        all.digest()
    }

    fn check_invariants(&self) -> Result<(), alloc::string::String> {
        self.check()
    }

    fn write_snapshot(&self, sink: &mut dyn FnMut(&[u8])) {
        self.write(sink);
    }

    fn read_snapshot(frames: &mut dyn Iterator<Item = Vec<u8>>) -> Result<Self, CodecError> {
        Self::read(frames)
    }

    fn encode_command(command: &SeatCommand) -> Vec<u8> {
        codec::encode_command(command)
    }

    fn decode_command(bytes: &[u8]) -> Result<SeatCommand, CodecError> {
        codec::decode_command(bytes)
    }

    fn encode_answer(answer: &Answer<SeatOutcome>) -> Vec<u8> {
        codec::encode_answer(&answer.outcome, answer.replayed)
    }

    fn decode_answer(bytes: &[u8]) -> Result<Answer<SeatOutcome>, CodecError> {
        codec::decode_answer(bytes)
    }

    fn malformed(detail: &str) -> Answer<SeatOutcome> {
        first(SeatOutcome::Rejected(malformed("", detail)))
    }

    fn pulse() -> SeatCommand {
        SeatCommand::Pulse
    }
}

fn first(outcome: SeatOutcome) -> Answer<SeatOutcome> {
    Answer { outcome, replayed: false }
}

fn refused(rejection: Rejection) -> Answer<SeatOutcome> {
    first(SeatOutcome::Rejected(rejection))
}

fn request_of(command: &SeatCommand) -> Option<Request> {
    match command {
        SeatCommand::SetSale { request, .. }
        | SeatCommand::Hold { request, .. }
        | SeatCommand::Extend { request, .. }
        | SeatCommand::Release { request, .. }
        | SeatCommand::PayBegin { request, .. }
        | SeatCommand::Void { request, .. }
        | SeatCommand::Block { request, .. }
        | SeatCommand::Ticket { request, .. }
        | SeatCommand::Promo { request, .. }
        | SeatCommand::SetPolicy { request, .. } => Some(*request),
        SeatCommand::Money(command) => command.request(),
        _ => None,
    }
}

impl SeatLedger {
    /// Changes how many requests may be remembered; the same on every replica, before anything is applied.
    pub fn set_request_limit(&mut self, limit: u64) {
        self.requests.set_limit(limit);
    }

    pub(super) fn answer(&mut self, command: &SeatCommand, changes: &mut Vec<Change>) -> Answer<SeatOutcome> {
        let Some(event) = shape::event_of(command) else {
            return match shape::check(command, None) {
                Ok(()) => self.run_group(command, changes),
                Err(rejection) => refused(rejection),
            };
        };
        let mut sale = self.events.get_mut(&event);
        if let Err(rejection) = shape::check(command, sale.as_deref().map(|sale| &**sale)) {
            return refused(rejection);
        }
        let request = request_of(command);
        if let Some(request) = request {
            match self.requests.admit(request, codec::decode_answer) {
                Ok(None) => (),
                Ok(Some(first)) => return first,
                Err(rejection) => return refused(rejection),
            }
        }
        let agenda = self.agenda.get_or_insert_with(Agenda::default);
        let answer = match sale.take() {
            None => refused(not_found("event")),
            Some(sale) => {
                // The first time after a freeze this copies the event's lists of chunks.
                let sale = Arc::make_mut(sale);
                let mut work = Work { at: self.at, sale, digest: &mut self.digest, outbox: &mut self.outbox, agenda, changes };
                match run(&mut work, command) {
                    Ok((outcome, replayed)) => Answer { outcome, replayed },
                    Err(rejection) => refused(rejection),
                }
            }
        };
        if let Some(request) = request {
            self.requests.remember(request, self.at, |bytes| codec::write_answer(&answer.outcome, false, bytes));
        }
        answer
    }

    /// Commands that are not about one event's sale.
    fn run_group(&mut self, command: &SeatCommand, changes: &mut Vec<Change>) -> Answer<SeatOutcome> {
        let done = match command {
            SeatCommand::PlanChunk(chunk) => self.blobs.put(chunk).map(|_| ()),
            SeatCommand::CreateEvent { event, plan, terms } => self.create_event(*event, *plan, terms, changes),
            SeatCommand::OutboxAck { acks } => {
                self.acknowledge(acks);
                Ok(())
            }
            _ => Ok(()),
        };
        match done {
            Ok(()) => first(SeatOutcome::Done),
            Err(rejection) => refused(rejection),
        }
    }

    fn create_event(&mut self, event: EventId, plan_hash: PlanHash, terms: &SaleTerms, changes: &mut Vec<Change>) -> Result<(), Rejection> {
        if self.events.contains_key(&event) {
            return Ok(());
        }
        let sale = self.new_sale(event, plan_hash, terms)?;
        self.digest.add(sale.head_hash());
        sale.prices.add_hashes(event, &mut self.digest);
        self.events.insert(event, Arc::new(sale));
        changes.push(Change::Sale { event, from: SaleState::Published, state: SaleState::Published });
        Ok(())
    }

    /// A sale on a plan that is here; events on the same plan share it and its index.
    pub(super) fn new_sale(&self, event: EventId, plan_hash: PlanHash, terms: &SaleTerms) -> Result<EventSale, Rejection> {
        let shared = self.events.values().find(|sale| sale.plan_hash == plan_hash).map(|sale| (sale.plan.clone(), sale.house.clone()));
        let (plan, house) = match shared {
            Some(both) => both,
            None => {
                let plan = self.blobs.plan(plan_hash).ok_or_else(|| not_found("plan"))?.clone();
                let house = House::new(plan.plan()).map_err(|detail| malformed("/plan", detail))?;
                (plan, Arc::new(house))
            }
        };
        if terms.prices.len() != house.level_count() {
            let detail = alloc::format!("{} prices for {} price levels", terms.prices.len(), house.level_count());
            return Err(malformed("/terms/prices", detail));
        }
        Ok(EventSale::new(event, plan_hash, plan, house, terms.clone()))
    }

    fn acknowledge(&mut self, acks: &[(u32, u64)]) {
        let digest = &mut self.digest;
        for &(target, upto) in acks {
            digest.remove(hashes::cursor(target, self.outbox.acknowledged(target)));
            self.outbox.acknowledge(target, upto, |sequence, record| {
                digest.remove(hashes::outbox(target, sequence, hashes::delivery(record)));
            });
            digest.add(hashes::cursor(target, self.outbox.acknowledged(target)));
        }
    }

    /// Opens an event's records, for what time does to them.
    fn work<'a>(&'a mut self, event: EventId, changes: &'a mut Vec<Change>) -> Option<Work<'a>> {
        let agenda = self.agenda.as_mut()?;
        let sale = Arc::make_mut(self.events.get_mut(&event)?);
        Some(Work { at: self.at, sale, digest: &mut self.digest, outbox: &mut self.outbox, agenda, changes })
    }

    /// Ends every hold that is due, in order of deadline and id.
    fn expire(&mut self, changes: &mut Vec<Change>) {
        let Some(agenda) = &mut self.agenda else { return };
        if agenda.deadlines.first().is_none_or(|first| first > self.at) {
            return;
        }
        let events = &self.events;
        let due = agenda.deadlines.take(self.at, |due| super::agenda::is_live(events, due));
        for due in due {
            if let Some(mut work) = self.work(due.event, changes) {
                work.expire(due.hold);
            }
        }
        // Those deadlines are off the agenda already.
        if let Some(agenda) = &mut self.agenda {
            agenda.cancelled.clear();
        }
    }

    /// Gives up every attempt whose time is over, in order of deadline and order: it is to be cancelled at the provider.
    fn give_up(&mut self, changes: &mut Vec<Change>) {
        let now = self.at;
        while let Some((_, event, order)) = self.agenda.as_mut().and_then(|agenda| {
            let due = agenda.give_ups.first().is_some_and(|due| due.0 <= now);
            if due { agenda.give_ups.pop_first() } else { None }
        }) {
            if let Some(mut work) = self.work(event, changes) {
                work.overdue(order);
            }
        }
    }

    /// Forgets holds that ended long ago.
    fn forget(&mut self) {
        let Some(before) = forget_before(self.at) else { return };
        let mut unused = Vec::new();
        while let Some((_, event, hold)) = self.agenda.as_mut().and_then(|agenda| agenda.ended.pop_front_if(|ended| ended.0 <= before)) {
            if let Some(mut work) = self.work(event, &mut unused) {
                work.forget(hold);
            }
        }
    }

    /// Takes deadlines off the agenda that the command did away with.
    fn settle(&mut self) {
        let Some(agenda) = &mut self.agenda else { return };
        while let Some(due) = agenda.cancelled.pop() {
            agenda.deadlines.cancel(due, |due| super::agenda::is_live(&self.events, due));
        }
    }
}

/// A command about one event's sale.
fn run(work: &mut Work<'_>, command: &SeatCommand) -> Told {
    match command {
        SeatCommand::SetSale { action, .. } => new(work.move_sale(*action)),
        SeatCommand::Hold { hold, user, choice, expect_total, promo, .. } => {
            new(work.hold(*hold, *user, choice, *expect_total, promo.as_deref()))
        }
        SeatCommand::Extend { hold, actor, .. } => new(work.extend(*hold, *actor)),
        SeatCommand::Release { hold, actor, .. } => new(work.release(*hold, *actor)),
        SeatCommand::PayBegin { hold, user, order, attempt, method, .. } => new(work.pay_begin(*hold, *user, *order, *attempt, method)),
        SeatCommand::Confirm { order, attempt, authorized, reference, .. } => work.confirm(*order, *attempt, *authorized, reference),
        SeatCommand::PayFail { order, attempt, code, .. } => work.pay_fail(*order, *attempt, code),
        SeatCommand::PayUnknown { order, attempt, .. } => work.pay_unknown(*order, *attempt),
        SeatCommand::Captured { order, attempt, .. } => work.captured(*order, *attempt),
        SeatCommand::Void { request, tickets, actor, reason, block, .. } => new(work.refund(&Wish {
            order: tickets.first().map_or(OrderId(0), |&ticket| order_of(ticket).0),
            refund: RefundId(request.id.0),
            tickets,
            amount: None,
            actor: *actor,
            reason,
            block: *block,
        })),
        SeatCommand::Money(command) => run_money(work, command),
        SeatCommand::Block { seats, action, .. } => new(work.block(seats, *action)),
        SeatCommand::Ticket { action, .. } => new(work.ticket_action(action)),
        SeatCommand::Promo { action, .. } => new(work.promo_action(action)),
        SeatCommand::Reprice { level, version, from, .. } => new(work.reprice(*level, *version, *from)),
        SeatCommand::SetPolicy { level, policy, reason, .. } => new(work.set_policy(*level, policy, reason)),
        SeatCommand::PlanChunk(_)
        | SeatCommand::CreateEvent { .. }
        | SeatCommand::OutboxAck { .. }
        | SeatCommand::Pulse
        | SeatCommand::Audited(_) => Ok((SeatOutcome::Done, false)),
    }
}

/// A command about money.
fn run_money(work: &mut Work<'_>, command: &MoneyCommand) -> Told {
    match command {
        MoneyCommand::Note { order, attempt, reference, action, .. } => work.note(*order, *attempt, reference, action.as_deref()),
        MoneyCommand::GiveUp { order, attempt, .. } => work.give_up(*order, *attempt),
        MoneyCommand::Voided { order, attempt, .. } => work.voided(*order, *attempt),
        MoneyCommand::CaptureFailed { order, attempt, code, .. } => work.capture_failed(*order, *attempt, code),
        MoneyCommand::Refund { order, refund, tickets, amount, actor, reason, block, .. } => {
            new(work.refund(&Wish { order: *order, refund: *refund, tickets, amount: *amount, actor: *actor, reason, block: *block }))
        }
        MoneyCommand::RefundDone { order, refund, .. } => work.refund_done(*order, *refund),
        MoneyCommand::RefundFailed { order, refund, code, .. } => work.refund_failed(*order, *refund, code),
        MoneyCommand::RefundNext { limit, .. } => new(work.refund_next(*limit)),
        MoneyCommand::Dispute { order, dispute, state, amount, .. } => work.dispute(*order, dispute, *state, *amount),
        MoneyCommand::Pin { hold, user, order, cart, .. } => new(work.pin(*hold, *user, *order, *cart)),
        MoneyCommand::CartConfirm { order, cart, attempt, reference, .. } => work.cart_confirm(*order, *cart, *attempt, reference),
        MoneyCommand::CartRelease { order, cart, .. } => work.cart_release(*order, *cart),
    }
}

fn new(result: Result<SeatOutcome, Rejection>) -> Told {
    result.map(|outcome| (outcome, false))
}
