//! The service as `api` calls it: one line a call. The work is in the files beside this one.

use std::sync::Arc;

use async_trait::async_trait;
use boxoffice_api::backend::*;
use boxoffice_ledger::command::{BlockAction, Choice, OrderRecord, Performer, SaleAction, Venue};
use boxoffice_ledger::ids::{EventId, HoldId, OrderId, PerformerId, PlanHash, Request, TicketId, VenueId};
use boxoffice_ledger::outcome::{HoldInfo, SaleState};
use boxoffice_ledger::plan::{Plan, SeatIndex};
use boxoffice_ledger::tickets::TicketState;
use boxoffice_ledger::time::Timestamp;
use bytes::Bytes;

use super::Service;

#[async_trait]
impl Backend for Service {
    async fn list_events(&self, cx: Context, filter: &EventFilter, limit: usize, cursor: Option<&str>) -> Answer<Read<Page<EventView>>> {
        self.listed_events(cx, filter, limit, cursor).await
    }

    async fn event(&self, cx: Context, caller: Option<Caller>, event: EventId) -> Answer<Read<EventView>> {
        self.read_event(cx, caller, event).await
    }

    async fn create_event(&self, cx: Context, caller: Caller, request: Request, event: NewEvent) -> Answer<Written<CreatedEvent>> {
        self.new_event(cx, caller, request, event).await
    }

    async fn update_event(
        &self,
        cx: Context,
        caller: Caller,
        request: Request,
        event: EventId,
        version: u64,
        patch: EventPatch,
    ) -> Answer<Written<EventView>> {
        self.change_event(cx, caller, request, event, version, patch).await
    }

    async fn publish_event(&self, cx: Context, caller: Caller, request: Request, event: EventId) -> Answer<Written<EventView>> {
        self.publish(cx, caller, request, event).await
    }

    async fn postpone_event(
        &self,
        cx: Context,
        caller: Caller,
        request: Request,
        event: EventId,
        starts_at: Timestamp,
    ) -> Answer<Written<EventView>> {
        self.postpone(cx, caller, request, event, starts_at).await
    }

    async fn move_sale(
        &self,
        cx: Context,
        caller: Caller,
        request: Request,
        event: EventId,
        action: SaleAction,
    ) -> Answer<Written<SaleState>> {
        self.sale_move(cx, caller, request, event, action).await
    }

    async fn block_seats(
        &self,
        cx: Context,
        caller: Caller,
        request: Request,
        event: EventId,
        seats: Vec<SeatIndex>,
        action: BlockAction,
        reason: String,
    ) -> Answer<Written<Vec<HoldId>>> {
        self.block(cx, caller, request, event, seats, action, reason).await
    }

    async fn seat_map(&self, cx: Context, event: EventId) -> Answer<Read<SeatMap>> {
        self.read_seat_map(cx, event).await
    }

    async fn layout(&self, cx: Context, hash: PlanHash) -> Answer<Arc<Plan>> {
        self.read_layout(cx, hash).await
    }

    async fn hold(
        &self,
        cx: Context,
        caller: Caller,
        request: Request,
        event: EventId,
        choice: Choice,
        expect_total: Option<u64>,
        promo: Option<String>,
    ) -> Answer<Written<HoldInfo>> {
        self.hold_seats(cx, caller, request, event, choice, expect_total, promo).await
    }

    async fn get_hold(&self, cx: Context, caller: Caller, event: EventId, hold: HoldId) -> Answer<Read<HoldView>> {
        self.read_hold(cx, caller, event, hold).await
    }

    async fn extend_hold(&self, cx: Context, caller: Caller, request: Request, event: EventId, hold: HoldId) -> Answer<Written<HoldInfo>> {
        self.extend(cx, caller, request, event, hold).await
    }

    async fn release_hold(&self, cx: Context, caller: Caller, request: Request, event: EventId, hold: HoldId) -> Answer<Written<HoldInfo>> {
        self.release(cx, caller, request, event, hold).await
    }

    async fn pay(
        &self,
        cx: Context,
        caller: Caller,
        request: Request,
        event: EventId,
        hold: HoldId,
        method: String,
    ) -> Answer<Written<Payment>> {
        self.pay_hold(cx, caller, request, event, hold, method).await
    }

    async fn refund(&self, cx: Context, caller: Caller, request: Request, order: OrderId, wish: RefundWish) -> Answer<Written<RefundView>> {
        self.give_back(cx, caller, request, order, wish).await
    }

    async fn sale_status(&self, cx: Context, caller: Caller, event: EventId) -> Answer<Read<SaleStatus>> {
        self.read_sale(cx, caller, event).await
    }

    async fn payment_event(&self, cx: Context, body: &[u8], signature: &str) -> Answer<()> {
        self.take_message(cx, body, signature).await
    }

    async fn order(&self, cx: Context, caller: Caller, order: OrderId) -> Answer<Read<OrderView>> {
        self.read_order(cx, caller, order).await
    }

    async fn orders(&self, cx: Context, caller: Caller, limit: usize, cursor: Option<&str>) -> Answer<Read<Page<OrderRecord>>> {
        self.list_orders(cx, caller, limit, cursor).await
    }

    async fn tickets(
        &self,
        cx: Context,
        caller: Caller,
        filter: TicketFilter,
        limit: usize,
        cursor: Option<&str>,
    ) -> Answer<Read<TicketPage>> {
        self.list_tickets(cx, caller, filter, limit, cursor).await
    }

    async fn ticket(&self, cx: Context, caller: Caller, ticket: TicketId) -> Answer<Read<TicketView>> {
        self.read_ticket(cx, caller, ticket).await
    }

    async fn draw_ticket(&self, cx: Context, caller: Caller, ticket: TicketId, drawing: Drawing) -> Answer<Read<Bytes>> {
        self.drawn_ticket(cx, caller, ticket, drawing).await
    }

    async fn offer_ticket(
        &self,
        cx: Context,
        caller: Caller,
        request: Request,
        ticket: TicketId,
        to: String,
        letter: bool,
    ) -> Answer<Written<Transfer>> {
        self.offer(cx, caller, request, ticket, to, letter).await
    }

    async fn withdraw_offer(&self, cx: Context, caller: Caller, request: Request, ticket: TicketId) -> Answer<Written<()>> {
        self.withdraw(cx, caller, request, ticket).await
    }

    async fn offers(&self, cx: Context, caller: Caller) -> Answer<Read<TicketPage>> {
        self.offered_tickets(cx, caller).await
    }

    async fn accept_offer(&self, cx: Context, caller: Caller, request: Request, ticket: TicketId) -> Answer<Written<TicketView>> {
        self.take_up(cx, caller, request, ticket).await
    }

    async fn scan(&self, cx: Context, caller: Caller, scan: ScanInput) -> Answer<Written<ScanView>> {
        self.scan_ticket(cx, caller, scan).await
    }

    async fn upload_scans(
        &self,
        cx: Context,
        caller: Caller,
        event: EventId,
        gate: String,
        scans: Vec<OfflineScan>,
    ) -> Answer<Written<Vec<Uploaded>>> {
        self.record_scans(cx, caller, event, gate, scans).await
    }

    async fn gate(&self, cx: Context, caller: Caller, event: EventId) -> Answer<Read<GateView>> {
        self.gate_view(cx, caller, event).await
    }

    async fn scan_report(&self, cx: Context, caller: Caller, event: EventId, limit: usize, from: u32) -> Answer<Read<ScanReport>> {
        self.report(cx, caller, event, limit, from).await
    }

    async fn event_tickets(
        &self,
        cx: Context,
        caller: Caller,
        event: EventId,
        state: Option<TicketState>,
        limit: usize,
        cursor: Option<&str>,
    ) -> Answer<Read<Page<EventTicket>>> {
        self.list_event_tickets(cx, caller, event, state, limit, cursor).await
    }

    fn ticket_keys(&self) -> Vec<TicketKey> {
        self.public_keys()
    }

    async fn venues(&self, cx: Context, limit: usize, cursor: Option<&str>) -> Answer<Read<Page<Arc<Venue>>>> {
        self.list_venues(cx, limit, cursor).await
    }

    async fn venue(&self, cx: Context, venue: VenueId) -> Answer<Read<Arc<Venue>>> {
        self.read_venue(cx, venue).await
    }

    async fn put_venue(
        &self,
        cx: Context,
        caller: Caller,
        request: Request,
        target: Option<(VenueId, u64)>,
        input: VenueInput,
    ) -> Answer<Written<Arc<Venue>>> {
        self.write_venue(cx, caller, request, target, input).await
    }

    async fn put_plan(&self, cx: Context, caller: Caller, request: Request, venue: VenueId, plan: Plan) -> Answer<Written<Arc<Venue>>> {
        self.write_plan(cx, caller, request, venue, plan).await
    }

    async fn performers(&self, cx: Context, limit: usize, cursor: Option<&str>) -> Answer<Read<Page<Arc<Performer>>>> {
        self.list_performers(cx, limit, cursor).await
    }

    async fn performer(&self, cx: Context, performer: PerformerId) -> Answer<Read<Arc<Performer>>> {
        self.read_performer(cx, performer).await
    }

    async fn put_performer(
        &self,
        cx: Context,
        caller: Caller,
        request: Request,
        target: Option<(PerformerId, u64)>,
        input: PerformerInput,
    ) -> Answer<Written<Arc<Performer>>> {
        self.write_performer(cx, caller, request, target, input).await
    }

    async fn digest(&self, group: u32, index: Option<u64>) -> Answer<(u64, u128)> {
        self.read_digest(group, index)
    }

    async fn status(&self) -> NodeView {
        self.node_view()
    }

    fn measures(&self) -> Vec<Measure> {
        self.measure()
    }

    async fn ready(&self) -> Result<(), String> {
        self.readiness()
    }
}
