//! Prices that move.

use serde_json::json;

use crate::error::Code::{FieldFrozen, SaleMoveRefused};
use crate::json::{ListOut, PriceChangeOut, PricePatchBody, PricePreviewBody, PricePreviewOut, PricesOut};
use crate::openapi::operation::{Operation, get, patch, post};
use crate::openapi::schemas::{answer, body};

/// Its routes.
pub fn operations() -> Vec<Operation> {
    vec![
        get("/event/{id}/price", "getPrices", "Look at the prices of an event, and how they move")
            .says(
                "Public from the day that the event is: the policy of each level, the bounds that its price never leaves, and the price \
                 now. A price never depends on who asks. Holds keep the price that they were held at.",
            )
            .gives(200, "The prices.", answer::<PricesOut>)
            .read(),
        get("/event/{id}/price/history", "listPriceChanges", "List the changes of the prices of an event")
            .says(
                "Every change with what it was worked out from, so that anybody can work it out again: by level, and of each the oldest \
                 first. The last 2,000 of a level are kept; `history_from` of the prices says where they begin, and GET /changes has \
                 those before.",
            )
            .gives(200, "A page of changes.", answer::<ListOut<PriceChangeOut>>)
            .read()
            .paged(),
        patch("/event/{id}/price", "changePricePolicy", "Let the price of a level move otherwise")
            .says(
                "Before the sale is opened in any way; from then on only within the bounds that were public then. The reason is public, \
                 and in the audit trail.",
            )
            .takes(
                body::<PricePatchBody>,
                json!({"level": 0, "policy": {"type": "fixed"}, "reason": "The last hundred stay at this price."}),
            )
            .gives(200, "The prices.", answer::<PricesOut>)
            .written()
            .refused(&[FieldFrozen, SaleMoveRefused]),
        post("/event/{id}/price/preview", "previewPrices", "See what a policy would do")
            .says("Over a course of sales that is given, straight between its points. Nothing is changed.")
            .takes(
                body::<PricePreviewBody>,
                json!({"level": 0, "course": [{"at": "2031-03-01T10:00:00Z", "sold": 0}, {"at": "2031-03-02T10:00:00Z", "sold": 50}]}),
            )
            .gives(200, "The prices that would have been, and what all that is sold would have come to.", answer::<PricePreviewOut>)
            .read(),
    ]
}
