//! Events, their sales and their seats.

use serde_json::json;

use crate::error::Code::{ChangesGone, FieldFrozen, PreconditionRequired, SaleMoveRefused, SeatUnavailable, VersionMismatch, WrongState};
use crate::json::{
    AvailabilityBody, AvailabilityOut, BlockBody, BlockOut, EventBody, EventOut, EventPatchBody, ListOut, PostponeBody, SaleMovedOut,
    SaleStatusOut, layout_schema,
};
use crate::openapi::operation::{Operation, get, patch, post};
use crate::openapi::schemas::{SchemaOf, answer, body};
use crate::route::seat::MapOut;

/// The version that a change is made to.
pub const IF_MATCH: &[(&str, bool, &str)] = &[("If-Match", true, "The ETag of the version that is changed.")];

/// Its routes.
pub fn operations() -> Vec<Operation> {
    let mut all = looks();
    all.extend(changes());
    all.extend(sale());
    all.extend(seats());
    all
}

fn looks() -> Vec<Operation> {
    let linked_data: SchemaOf = |_| json!({"type": "object", "description": "https://schema.org/Event."});
    let calendar: SchemaOf = |_| json!({"type": "string", "description": "RFC 5545, one VEVENT."});
    vec![
        get("/event", "listEvents", "List events")
            .says(
                "Published events, those that are asked for most at present first, or by their start. Prices are compared with the \
                 lowest one that is left. A cursor goes on where its page ended, whatever came in between.",
            )
            .gives(200, "A page of events.", answer::<ListOut<EventOut>>)
            .read()
            .paged(),
        post("/event/availability", "getAvailability", "See what is left of many events")
            .says("Up to 1,000 events in a call, as this node knows them; those that are not there or not public are left out.")
            .takes(body::<AvailabilityBody>, json!({"events": ["evt_00000000000000000000000000"]}))
            .local()
            .gives(200, "What is left of each, in the order asked for.", answer::<ListOut<AvailabilityOut>>),
        get("/event/{id}", "getEvent", "Look at an event")
            .says(
                "A draft is shown to its owner only. With `.jsonld` after the id, or `Accept: application/ld+json`: in the words of \
                 schema.org. With `.ics`, or `Accept: text/calendar`: for a calendar. The revision names two groups, the catalog's and \
                 the event's.",
            )
            .gives(200, "The event.", answer::<EventOut>)
            .media("application/ld+json", linked_data)
            .media("text/calendar", calendar)
            .read()
            .packed()
            .tagged(),
    ]
}

fn changes() -> Vec<Operation> {
    vec![
        post("/event", "createEvent", "Create an event")
            .says(
                "The venue needs a seating plan. Prices are a list by price level, or an object from a level's name to an amount; they \
                 are fixed unless `pricing` says how they move.",
            )
            .takes(
                body::<EventBody>,
                json!({
                    "name": "An Evening of Quartets", "venue": "ven_00000000000000000000000000", "starts_at": "2031-05-01T19:30:00+02:00",
                    "currency": "EUR", "prices": [4500, 2500], "per_user_limit": 8,
                }),
            )
            .gives(201, "The event; it can be held from now on, or from `on_sale_at`.", answer::<EventOut>)
            .written()
            .located()
            .tagged()
            .gives(202, "The event is created; its sale opens in a moment.", answer::<EventOut>)
            .written()
            .located()
            .tagged()
            .refused(&[WrongState]),
        patch("/event/{id}", "changeEvent", "Change an event")
            .says("What buyers rely on (plan, terms, venue) is fixed once the event can be sold.")
            .header(IF_MATCH)
            .takes(body::<EventPatchBody>, json!({"description": "With an interval of twenty minutes."}))
            .gives(200, "The event.", answer::<EventOut>)
            .written()
            .tagged()
            .refused(&[VersionMismatch, PreconditionRequired, FieldFrozen, WrongState]),
        post("/event/{id}/postpone", "postponeEvent", "Postpone an event")
            .says(
                "Tickets stay valid, and doors move along. The event is shown as `postponed` with the start that it had. Buyers give \
                 tickets back as the event's policy says; its times stay as they were promised, and staff may give back more.",
            )
            .takes(body::<PostponeBody>, json!({"starts_at": "2031-09-01T19:30:00+02:00"}))
            .gives(200, "The event.", answer::<EventOut>)
            .written()
            .tagged()
            .refused(&[VersionMismatch, FieldFrozen, WrongState]),
        post("/event/{id}/publish", "publishEvent", "Publish a draft")
            .gives(200, "The event.", answer::<EventOut>)
            .written()
            .tagged()
            .refused(&[VersionMismatch, FieldFrozen, WrongState, SaleMoveRefused]),
    ]
}

fn sale() -> Vec<Operation> {
    let moves = [
        ("/event/{id}/open", "openSale", "Open the sale", ""),
        ("/event/{id}/pause", "pauseSale", "Pause the sale", "No new holds; holds that live may be paid."),
        ("/event/{id}/resume", "resumeSale", "Resume a paused sale", ""),
        ("/event/{id}/close", "closeSale", "Close the sale", ""),
        (
            "/event/{id}/cancel",
            "cancelEvent",
            "Cancel the event",
            "Final. Every paid order is refunded; GET /event/{id}/sale says how far.",
        ),
    ];
    let described = moves.map(|(path, id, summary, text)| {
        post(path, id, summary)
            .says(text)
            .gives(200, "Where the sale stands.", answer::<SaleMovedOut>)
            .written()
            .refused(&[SaleMoveRefused, WrongState])
    });
    let mut all = Vec::from(described);
    all.push(
        get("/event/{id}/sale", "getSale", "See how the sale stands")
            .gives(200, "Counts of seats, and of refunds after a cancellation.", answer::<SaleStatusOut>)
            .read(),
    );
    all.push(
        post("/event/{id}/block", "blockSeats", "Take seats off sale, or put them back")
            .says("`block` and `unblock` can be repeated; `kill` is for good, and ends holds.")
            .takes(body::<BlockBody>, json!({"seats": ["A-1-2"], "action": "block", "reason": "The camera stands there."}))
            .gives(200, "What was done.", answer::<BlockOut>)
            .written()
            .refused(&[SeatUnavailable, WrongState]),
    );
    all
}

fn seats() -> Vec<Operation> {
    let stream: SchemaOf = |_| json!({"type": "string", "description": "Events `snapshot`, `delta`, `resync`; each id is a revision."});
    let layout: SchemaOf = |schemas| schemas.put("Layout", |_| layout_schema().to_value());
    vec![
        get("/event/{id}/seat", "getSeats", "See the seats of an event")
            .says("The whole map in two bits a seat. With `section`, `state`, `max_price`, `as_of`, `limit` or `cursor` also a list.")
            .gives(200, "The map.", answer::<MapOut>)
            .refused(&[ChangesGone])
            .read()
            .packed()
            .paged()
            .tagged(),
        get("/event/{id}/seat/live", "watchSeats", "Watch the seats over a WebSocket")
            .says(
                "Subprotocol `boxoffice.seat.v1`. Send `{\"type\":\"subscribe\",\"since\":81244}` (both `since` and `token` may be left \
                 out). The server sends `snapshot`, `delta` (`set` lists `[index, state]`), `resync` and `bye` messages. Close codes: \
                 1008 not understood, 1012 draining, 4401 bad token, 4404 no such event, 4408 too slow.",
            )
            .local()
            .answers(101, "The conversation begins."),
        get("/event/{id}/seat/stream", "streamSeats", "Watch the seats as server-sent events")
            .says("The messages of the WebSocket. `Last-Event-ID` resumes, as `since` does.")
            .local()
            .answers(200, "Messages until the caller goes away.")
            .media("text/event-stream", stream),
        get("/layout/{hash}", "getLayout", "Get a layout")
            .says("Never changes: keep it.")
            .local()
            .gives(200, "The layout.", layout)
            .tagged(),
    ]
}
