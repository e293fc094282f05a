//! Venues and performers.

use serde_json::json;

use super::event::IF_MATCH;
use crate::error::Code::{FieldFrozen, PreconditionRequired, VersionMismatch, WrongState};
use crate::json::{ListOut, PerformerBody, PerformerOut, VenueBody, VenueOut, VenuePlanOut};
use crate::openapi::operation::{Operation, get, patch, post};
use crate::openapi::schemas::{SchemaOf, answer, body};

/// Its routes.
pub fn operations() -> Vec<Operation> {
    let mut all = venues();
    all.extend(performers());
    all
}

fn venues() -> Vec<Operation> {
    let plan: SchemaOf = |_| {
        json!({
            "type": "object",
            "description": "A seating plan as pretix, seats.io or this program's own format write it. What is wrong in it is listed by \
                            JSON pointer.",
        })
    };
    vec![
        get("/venue", "listVenues", "List venues").gives(200, "A page of venues.", answer::<ListOut<VenueOut>>).read().paged(),
        get("/venue/{id}", "getVenue", "Look at a venue").gives(200, "The venue.", answer::<VenueOut>).read().tagged(),
        post("/venue", "createVenue", "Create a venue")
            .says("`name`, `city` and `time_zone` are needed.")
            .takes(body::<VenueBody>, json!({"name": "Arena North", "city": "Bergen", "country": "NO", "time_zone": "Europe/Oslo"}))
            .gives(201, "The venue.", answer::<VenueOut>)
            .written()
            .located()
            .tagged()
            .refused(&[WrongState]),
        patch("/venue/{id}", "changeVenue", "Change a venue")
            .header(IF_MATCH)
            .takes(body::<VenueBody>, json!({"name": "Arena North West"}))
            .gives(200, "The venue.", answer::<VenueOut>)
            .written()
            .tagged()
            .refused(&[VersionMismatch, PreconditionRequired, FieldFrozen, WrongState]),
        post("/venue/{id}/plan", "putPlan", "Give a venue its seating plan")
            .says("Events that exist keep the plan that they were created with.")
            .takes(
                plan,
                json!({
                    "name": "Hall", "categories": [{"name": "Stalls", "color": "#7f4a91"}],
                    "zones": [{"name": "A", "position": {"x": 0, "y": 0}, "rows": [{
                        "row_number": "1", "position": {"x": 0, "y": 0},
                        "seats": [{"seat_number": "1", "category": "Stalls", "position": {"x": 0, "y": 0}}],
                    }]}],
                }),
            )
            .gives(201, "The venue, with what was noticed in the plan.", answer::<VenuePlanOut>)
            .written()
            .tagged()
            .refused(&[WrongState]),
    ]
}

fn performers() -> Vec<Operation> {
    vec![
        get("/performer", "listPerformers", "List performers")
            .gives(200, "A page of performers.", answer::<ListOut<PerformerOut>>)
            .read()
            .paged(),
        get("/performer/{id}", "getPerformer", "Look at a performer").gives(200, "The performer.", answer::<PerformerOut>).read().tagged(),
        post("/performer", "createPerformer", "Create a performer")
            .says("`name` is needed.")
            .takes(body::<PerformerBody>, json!({"name": "The Midnight Radio", "genre": "Rock"}))
            .gives(201, "The performer.", answer::<PerformerOut>)
            .written()
            .located()
            .tagged()
            .refused(&[WrongState]),
        patch("/performer/{id}", "changePerformer", "Change a performer")
            .header(IF_MATCH)
            .takes(body::<PerformerBody>, json!({"genre": "Folk"}))
            .gives(200, "The performer.", answer::<PerformerOut>)
            .written()
            .tagged()
            .refused(&[VersionMismatch, PreconditionRequired, FieldFrozen, WrongState]),
    ]
}
