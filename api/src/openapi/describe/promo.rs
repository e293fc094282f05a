//! Promo codes and allocations.

use serde_json::json;

use crate::error::Code::{SeatUnavailable, WrongState};
use crate::json::{AllocationBody, AllocationOut, ListOut, PromoBody, PromoOut, PromoPatchBody};
use crate::openapi::operation::{Operation, get, patch, post};
use crate::openapi::schemas::{answer, body};

/// Its routes.
pub fn operations() -> Vec<Operation> {
    vec![
        post("/event/{id}/promo", "createPromo", "Make a promo code")
            .says("`percent_bps` or `amount` is what it takes off; `allocation` is what it opens. What it gives is fixed from then on.")
            .takes(body::<PromoBody>, json!({"code": "SUMMER", "percent_bps": 1000, "uses_max": 500, "per_user_max": 1}))
            .gives(201, "The code.", answer::<PromoOut>)
            .written()
            .located()
            .refused(&[WrongState]),
        get("/event/{id}/promo", "listPromos", "List the promo codes of an event")
            .gives(200, "A page of codes with their uses, the oldest first.", answer::<ListOut<PromoOut>>)
            .read()
            .paged(),
        get("/event/{id}/promo/{promo}", "getPromo", "Look at a promo code")
            .gives(200, "The code with its uses.", answer::<PromoOut>)
            .read(),
        patch("/event/{id}/promo/{promo}", "switchPromo", "Switch a promo code off or on")
            .says("Holds that have it keep it.")
            .takes(body::<PromoPatchBody>, json!({"active": false}))
            .gives(200, "The code.", answer::<PromoOut>)
            .written(),
        post("/event/{id}/allocation", "allocate", "Set seats and places aside, or put them back on sale")
            .says("All or nothing. They can be held with a code that opens the allocation, and with no other.")
            .takes(body::<AllocationBody>, json!({"name": "Fans", "action": "add", "seats": ["A-1-2"]}))
            .gives(200, "The allocation.", answer::<AllocationOut>)
            .written()
            .refused(&[SeatUnavailable, WrongState]),
        get("/event/{id}/allocation", "listAllocations", "List the allocations of an event")
            .gives(200, "All of them.", answer::<ListOut<AllocationOut>>)
            .read(),
    ]
}
