//! The fake's answers, call by call.

use std::sync::Arc;

use async_trait::async_trait;
use boxoffice_ledger::command::*;
use boxoffice_ledger::ids::*;
use boxoffice_ledger::money::Money;
use boxoffice_ledger::outcome::{
    AttemptState, Confirmation, HoldInfo, HoldState, OrderState, RefundState, Rejection, SaleState, SeatState,
};
use boxoffice_ledger::plan::*;
use boxoffice_ledger::seats::{Conflict, DeadCode, Gate};
use boxoffice_ledger::tickets::{Direction, LastScan, ScanReason, TicketState};
use boxoffice_ledger::time::Timestamp;
use bytes::Bytes;

use super::{EXPIRES, Fake, GROUP, captured, euro, event_id, performer_id, plan_hash, venue_id};
use crate::backend::*;

#[async_trait]
impl Backend for Fake {
    async fn list_events(&self, cx: Context, _: &EventFilter, _: usize, _: Option<&str>) -> Answer<Read<Page<EventView>>> {
        self.enter("list_events")?;
        self.read(cx, self.page())
    }

    async fn event(&self, cx: Context, caller: Option<Caller>, event: EventId) -> Answer<Read<EventView>> {
        self.enter("event")?;
        self.known(event)?;
        let hidden = self.inner.lock().draft && caller.is_none_or(|caller| caller.role == Role::Customer);
        if hidden { Err(Failure::NotFound("event")) } else { self.read(cx, self.view(None)) }
    }

    async fn create_event(&self, _: Context, _: Caller, _: Request, event: NewEvent) -> Answer<Written<CreatedEvent>> {
        self.enter("create_event")?;
        let ready = !self.inner.lock().not_ready;
        self.written(CreatedEvent { view: self.view(Some(event)), ready })
    }

    async fn update_event(
        &self,
        _: Context,
        _: Caller,
        _: Request,
        event: EventId,
        version: u64,
        patch: EventPatch,
    ) -> Answer<Written<EventView>> {
        self.enter("update_event")?;
        self.known(event)?;
        if version != 4 {
            return Err(Failure::Rejected(Rejection::VersionMismatch { current: 4 }, self.revision()));
        }
        let mut view = self.view(None);
        let changed = Arc::make_mut(&mut view.event);
        changed.version += 1;
        changed.name = patch.name.unwrap_or_default();
        changed.images = patch.images.unwrap_or_default();
        self.written(view)
    }

    async fn publish_event(&self, _: Context, _: Caller, _: Request, event: EventId) -> Answer<Written<EventView>> {
        self.enter("publish_event")?;
        self.known(event)?;
        self.written(self.view(None))
    }

    async fn postpone_event(&self, _: Context, _: Caller, _: Request, event: EventId, starts_at: Timestamp) -> Answer<Written<EventView>> {
        self.enter("postpone_event")?;
        self.known(event)?;
        let mut view = self.view(None);
        let changed = Arc::make_mut(&mut view.event);
        changed.previous_start = Some(changed.starts_at);
        changed.starts_at = starts_at;
        self.written(view)
    }

    async fn move_sale(&self, _: Context, _: Caller, _: Request, event: EventId, action: SaleAction) -> Answer<Written<SaleState>> {
        self.enter(&format!("move_sale {action:?}"))?;
        self.known(event)?;
        self.written(SaleState::Paused)
    }

    async fn block_seats(
        &self,
        _: Context,
        _: Caller,
        _: Request,
        _: EventId,
        seats: Vec<SeatIndex>,
        action: BlockAction,
        _: String,
    ) -> Answer<Written<Vec<HoldId>>> {
        self.enter(&format!("block_seats {action:?} {}", seats.len()))?;
        self.written(vec![HoldId(7)])
    }

    async fn seat_map(&self, cx: Context, event: EventId) -> Answer<Read<SeatMap>> {
        self.enter("seat_map")?;
        self.known(event)?;
        self.read(cx, self.map(event))
    }

    async fn layout(&self, _: Context, hash: PlanHash) -> Answer<Arc<Plan>> {
        self.enter("layout")?;
        if hash == plan_hash() { Ok(Arc::clone(&self.plan)) } else { Err(Failure::NotFound("layout")) }
    }

    async fn hold(
        &self,
        _: Context,
        caller: Caller,
        request: Request,
        event: EventId,
        choice: Choice,
        _: Option<u64>,
        promo: Option<String>,
    ) -> Answer<Written<HoldInfo>> {
        self.enter("hold")?;
        self.known(event)?;
        let discount = self.discount(promo.as_deref())?;
        let before = self.inner.lock().requests.get(&request.id).cloned();
        if let Some((fingerprint, hold, index)) = before {
            if fingerprint != request.fingerprint {
                return Err(Failure::Rejected(Rejection::RequestReused, self.revision()));
            }
            return Ok(Written { value: hold, revision: Revision { incarnation: 0, group: GROUP, index }, replayed: true });
        }
        let (seats, areas) = match choice {
            Choice::Chosen { seats, areas } => (seats, areas),
            Choice::Best { quantity, .. } => ((0..quantity).map(SeatIndex).collect(), Vec::new()),
        };
        let taken = |seat: &SeatIndex| (*seat, self.inner.lock().seats[seat.0 as usize]);
        let conflicts: Vec<_> = seats.iter().map(taken).filter(|(_, state)| *state != SeatState::Available).collect();
        if !conflicts.is_empty() {
            let alternatives = vec![vec![SeatIndex(6), SeatIndex(8)]];
            return Err(Failure::Rejected(Rejection::SeatsUnavailable { conflicts, areas: vec![], alternatives }, self.revision()));
        }
        let numbers: Vec<u32> = seats.iter().map(|seat| seat.0).collect();
        let index = self.move_seats(&numbers, SeatState::Held);
        let hold = HoldInfo {
            hold: HoldId::new(1_790_000_000_000, event.slot(), u128::from(index)),
            user: caller.user,
            state: HoldState::Active,
            total: 12_500 * seats.len() as u64 - discount,
            discount,
            promo,
            seats,
            areas,
            currency: euro(),
            expires_at: EXPIRES,
            order: None,
        };
        let mut inner = self.inner.lock();
        inner.holds.insert(hold.hold, hold.clone());
        inner.requests.insert(request.id, (request.fingerprint, hold.clone(), index));
        drop(inner);
        Ok(Written { value: hold, revision: Revision { incarnation: 0, group: GROUP, index }, replayed: false })
    }

    async fn get_hold(&self, cx: Context, caller: Caller, _: EventId, hold: HoldId) -> Answer<Read<HoldView>> {
        self.enter("get_hold")?;
        let hold = self.the_hold(caller, hold)?;
        self.read(cx, HoldView { hold, payment: None })
    }

    async fn extend_hold(&self, _: Context, caller: Caller, _: Request, _: EventId, hold: HoldId) -> Answer<Written<HoldInfo>> {
        self.enter("extend_hold")?;
        let hold = self.the_hold(caller, hold)?;
        self.written(hold)
    }

    async fn release_hold(&self, _: Context, caller: Caller, _: Request, _: EventId, hold: HoldId) -> Answer<Written<HoldInfo>> {
        self.enter("release_hold")?;
        let hold = self.the_hold(caller, hold)?;
        let numbers: Vec<u32> = hold.seats.iter().map(|seat| seat.0).collect();
        self.move_seats(&numbers, SeatState::Available);
        self.written(hold)
    }

    async fn pay(&self, _: Context, caller: Caller, _: Request, _: EventId, hold: HoldId, method: String) -> Answer<Written<Payment>> {
        self.enter(&format!("pay {method}"))?;
        let mut hold = self.the_hold(caller, hold)?;
        match method.as_str() {
            "declined" => Err(Failure::Declined { code: "card_declined".into(), hold: Box::new(hold) }),
            "slow" => {
                hold.state = HoldState::Paying;
                hold.order = Some(self.order_id());
                let next_action = Some("https://bank.example/1".into());
                let payment = Some(Progress { state: AttemptState::RequiresAction, next_action, code: None });
                self.written(Payment::Pending(HoldView { hold, payment }))
            }
            _ => self.written(Payment::Confirmed(Confirmation {
                order: self.order_id(),
                hold: hold.hold,
                receipt: 17,
                tickets: 2,
                total: hold.total,
                currency: euro(),
            })),
        }
    }

    async fn refund(&self, _: Context, _: Caller, request: Request, order: OrderId, wish: RefundWish) -> Answer<Written<RefundView>> {
        self.enter("refund")?;
        if order != self.order_id() {
            return Err(Failure::NotFound("order"));
        }
        self.written(RefundView {
            refund: RefundId(request.id.0),
            order,
            amount: Money { amount: wish.amount.unwrap_or(12_500), currency: euro() },
            tickets: wish.tickets,
            reason: wish.reason,
            state: RefundState::Requested,
            requested_at: EXPIRES,
            code: None,
        })
    }

    async fn sale_status(&self, cx: Context, _: Caller, event: EventId) -> Answer<Read<SaleStatus>> {
        self.enter("sale_status")?;
        self.known(event)?;
        let sale = SaleView {
            state: SaleState::Cancelled,
            available: 118,
            held: 1,
            sold: 1,
            capacity: 120,
            from_price: Some(9_900),
            prices: Vec::new(),
        };
        self.read(cx, SaleStatus { sale, refunds: Some(RefundCounts { orders: 3, done: 1, pending: 1, failed: 1 }) })
    }

    async fn payment_event(&self, _: Context, body: &[u8], signature: &str) -> Answer<()> {
        self.enter(&format!("payment_event {signature} {}", body.len()))?;
        if signature == "forged" { Err(Failure::BadSignature("It is not signed with a secret of ours.")) } else { Ok(()) }
    }

    async fn order(&self, cx: Context, caller: Caller, order: OrderId) -> Answer<Read<OrderView>> {
        self.enter("order")?;
        if order != self.order_id() {
            return Err(Failure::NotFound("order"));
        }
        self.read(
            cx,
            OrderView {
                order,
                event: event_id(),
                hold: HoldId(5),
                state: OrderState::Confirmed,
                payment: Some(Progress { state: AttemptState::Captured, next_action: None, code: None }),
                total: 25_000,
                promo: Some(("SUMMER".into(), 300)),
                currency: euro(),
                receipt: Some(17),
                tickets: vec![TicketId::of_order(order, 0)],
                refunded: 0,
                refunds: vec![],
                disputes: vec![],
                attempts: if caller.role >= Role::Coordinator { vec![captured()] } else { vec![] },
            },
        )
    }

    async fn orders(&self, cx: Context, caller: Caller, _: usize, _: Option<&str>) -> Answer<Read<Page<OrderRecord>>> {
        self.enter("orders")?;
        let record = OrderRecord {
            id: self.order_id(),
            revision: 1,
            user: caller.user,
            event: event_id(),
            total: 25_000,
            discount: 300,
            refunded: 0,
            currency: euro(),
            receipt: 17,
            tickets: 2,
            confirmed_at: EXPIRES,
            state: OrderState::Confirmed,
        };
        self.read(cx, Page { items: vec![record], next: None })
    }

    async fn tickets(&self, cx: Context, caller: Caller, filter: TicketFilter, _: usize, _: Option<&str>) -> Answer<Read<TicketPage>> {
        self.enter(&format!("tickets {:?} {}", filter.when, filter.event.is_some()))?;
        self.read(cx, TicketPage { page: Page { items: self.tickets_of(caller.user), next: None }, complete: false })
    }

    async fn ticket(&self, cx: Context, caller: Caller, ticket: TicketId) -> Answer<Read<TicketView>> {
        self.enter("ticket")?;
        let found = self.tickets_of(caller.user).into_iter().find(|view| view.ticket.id == ticket);
        let found = found.ok_or(Failure::NotFound("ticket"))?;
        self.read(cx, TicketView { code: Some("CODE".into()), ..found })
    }

    async fn draw_ticket(&self, cx: Context, caller: Caller, ticket: TicketId, drawing: Drawing) -> Answer<Read<Bytes>> {
        self.enter(&format!("draw_ticket {drawing:?}"))?;
        let found = self.tickets_of(caller.user).into_iter().find(|view| view.ticket.id == ticket);
        found.ok_or(Failure::NotFound("ticket"))?;
        self.read(cx, Bytes::from_static(b"drawn"))
    }

    async fn offer_ticket(
        &self,
        _: Context,
        caller: Caller,
        _: Request,
        ticket: TicketId,
        to: String,
        letter: bool,
    ) -> Answer<Written<Transfer>> {
        self.enter(&format!("offer_ticket {to} {letter}"))?;
        let found = self.tickets_of(caller.user).into_iter().find(|view| view.ticket.id == ticket);
        found.ok_or(Failure::NotFound("ticket"))?;
        self.written(Transfer { ticket, to, until: EXPIRES })
    }

    async fn withdraw_offer(&self, _: Context, caller: Caller, _: Request, ticket: TicketId) -> Answer<Written<()>> {
        self.enter("withdraw_offer")?;
        let found = self.tickets_of(caller.user).into_iter().find(|view| view.ticket.id == ticket);
        found.ok_or(Failure::NotFound("ticket"))?;
        self.written(())
    }

    async fn offers(&self, cx: Context, caller: Caller) -> Answer<Read<TicketPage>> {
        self.enter("offers")?;
        self.read(cx, TicketPage { page: Page { items: self.tickets_of(caller.user), next: None }, complete: true })
    }

    async fn accept_offer(&self, _: Context, caller: Caller, _: Request, ticket: TicketId) -> Answer<Written<TicketView>> {
        self.enter("accept_offer")?;
        let found = self.tickets_of(caller.user).into_iter().find(|view| view.ticket.id == ticket);
        self.written(found.ok_or(Failure::NotFound("offer"))?)
    }

    async fn scan(&self, _: Context, caller: Caller, scan: ScanInput) -> Answer<Written<ScanView>> {
        self.enter(&format!("scan {} {} {:?}", scan.gate, scan.nonce, scan.direction))?;
        match scan.code.as_str() {
            "FORGED" => Err(Failure::NotAdmitted(ScanReason::BadCode)),
            "USED" => {
                let used = Some(LastScan { at: EXPIRES, gate: "South".into() });
                Err(Failure::Rejected(Rejection::TicketRefused { reason: ScanReason::AlreadyUsed, used }, self.revision()))
            }
            _ => {
                let ticket = self.tickets_of(caller.user).remove(0).ticket;
                self.written(ScanView { ticket, initials: "AL".into(), direction: scan.direction, entries: 1, at: EXPIRES })
            }
        }
    }

    async fn upload_scans(
        &self,
        _: Context,
        _: Caller,
        event: EventId,
        gate: String,
        scans: Vec<OfflineScan>,
    ) -> Answer<Written<Vec<Uploaded>>> {
        self.enter(&format!("upload_scans {gate} {}", scans.len()))?;
        self.known(event)?;
        let conflict = |scan: &OfflineScan| (scan.code == "FORGED").then_some(ScanReason::BadCode);
        self.written(scans.iter().map(|scan| Uploaded { ticket: None, conflict: conflict(scan) }).collect())
    }

    async fn gate(&self, cx: Context, _: Caller, event: EventId) -> Answer<Read<GateView>> {
        self.enter("gate")?;
        self.known(event)?;
        let event = self.view(None).event;
        let doors = event.terms.entry.doors(event.starts_at);
        let dead = vec![
            DeadCode { ticket: TicketId::of_order(self.order_id(), 0), good_from: Some(3) },
            DeadCode { ticket: TicketId::of_order(self.order_id(), 1), good_from: None },
        ];
        self.read(cx, GateView { event, doors, dead })
    }

    async fn scan_report(&self, cx: Context, _: Caller, event: EventId, _: usize, from: u32) -> Answer<Read<ScanReport>> {
        self.enter(&format!("scan_report {from}"))?;
        self.known(event)?;
        let conflict = Conflict {
            ticket: None,
            epoch: 0,
            direction: Direction::In,
            reason: ScanReason::BadCode,
            gate: 0,
            at: EXPIRES,
            recorded_at: EXPIRES,
        };
        let gates = vec![Gate { name: "North".into(), ins: 3, outs: 1, refused: 2 }];
        let (conflicts, next) = (vec![(from, conflict)], Some(from + 1));
        self.read(cx, ScanReport { issued: 5, admitted: 3, inside: 2, gates, conflict_count: 9, conflicts, next })
    }

    async fn event_tickets(
        &self,
        cx: Context,
        caller: Caller,
        event: EventId,
        state: Option<TicketState>,
        _: usize,
        _: Option<&str>,
    ) -> Answer<Read<Page<EventTicket>>> {
        self.enter(&format!("event_tickets {state:?}"))?;
        self.known(event)?;
        let ticket = self.tickets_of(caller.user).remove(0).ticket;
        let scanned = Some(LastScan { at: EXPIRES, gate: "North".into() });
        self.read(cx, Page { items: vec![EventTicket { ticket, state: TicketState::CheckedIn, scanned }], next: None })
    }

    fn ticket_keys(&self) -> Vec<TicketKey> {
        vec![TicketKey { id: "01020304".into(), public: [7; 32] }]
    }

    async fn venues(&self, cx: Context, _: usize, _: Option<&str>) -> Answer<Read<Page<Arc<Venue>>>> {
        self.enter("venues")?;
        self.read(cx, Page { items: vec![self.the_venue()], next: None })
    }

    async fn venue(&self, cx: Context, venue: VenueId) -> Answer<Read<Arc<Venue>>> {
        self.enter("venue")?;
        if venue == venue_id() { self.read(cx, self.the_venue()) } else { Err(Failure::NotFound("venue")) }
    }

    async fn put_venue(
        &self,
        _: Context,
        _: Caller,
        _: Request,
        _: Option<(VenueId, u64)>,
        input: VenueInput,
    ) -> Answer<Written<Arc<Venue>>> {
        self.enter("put_venue")?;
        let mut venue = (*self.the_venue()).clone();
        venue.name = input.name.unwrap_or(venue.name);
        self.written(Arc::new(venue))
    }

    async fn put_plan(&self, _: Context, _: Caller, _: Request, _: VenueId, plan: Plan) -> Answer<Written<Arc<Venue>>> {
        self.enter(&format!("put_plan {}", plan.seat_count()))?;
        self.written(self.the_venue())
    }

    async fn performers(&self, cx: Context, _: usize, _: Option<&str>) -> Answer<Read<Page<Arc<Performer>>>> {
        self.enter("performers")?;
        self.read(cx, Page { items: vec![self.the_performer()], next: None })
    }

    async fn performer(&self, cx: Context, performer: PerformerId) -> Answer<Read<Arc<Performer>>> {
        self.enter("performer")?;
        if performer == performer_id() { self.read(cx, self.the_performer()) } else { Err(Failure::NotFound("performer")) }
    }

    async fn put_performer(
        &self,
        _: Context,
        _: Caller,
        _: Request,
        _: Option<(PerformerId, u64)>,
        _: PerformerInput,
    ) -> Answer<Written<Arc<Performer>>> {
        self.enter("put_performer")?;
        self.written(self.the_performer())
    }

    async fn digest(&self, group: u32, index: Option<u64>) -> Answer<(u64, u128)> {
        self.enter("digest")?;
        if group == GROUP { Ok((index.unwrap_or(100), 0xfeed)) } else { Err(Failure::NotFound("group")) }
    }

    async fn status(&self) -> NodeView {
        super::node_view()
    }

    async fn ready(&self) -> Result<(), String> {
        if self.inner.lock().failure.is_some() { Err("no leader for group 3".into()) } else { Ok(()) }
    }
}
