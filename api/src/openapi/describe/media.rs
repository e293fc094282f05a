//! Images of events.

use serde_json::json;

use crate::json::MediaOut;
use crate::openapi::operation::{Operation, get, post};
use crate::openapi::schemas::{SchemaOf, answer};

/// Its routes.
pub fn operations() -> Vec<Operation> {
    let drawing: SchemaOf = |_| json!({"type": "string", "contentMediaType": "image/svg+xml"});
    let file: SchemaOf = |_| json!({});
    vec![
        post("/media", "uploadMedia", "Upload an image")
            .says(
                "The body is the image itself: JPEG, PNG or WebP, as its content says, of at most 40 million pixels. It is drawn anew as \
                 JPEG or PNG, turned upright, at most 2,560 pixels wide and high, without what cameras write into files. The answer comes \
                 once it is durable on a majority of nodes. The same image again gets the same answer. Name the id in the `images` of \
                 an event.",
            )
            .uploads(&["image/jpeg", "image/png", "image/webp"])
            .gives(201, "What is kept.", answer::<MediaOut>)
            .located(),
        get("/media/{hash}", "getMedia", "Get an image")
            .says("What has this name never changes: keep it for ever.")
            .answers(200, "The image.")
            .media("image/jpeg", file)
            .media("image/png", file)
            .tagged()
            .local(),
        get("/event/{id}/poster.svg", "getPoster", "Get a poster of an event")
            .says("A drawing that follows from the event's name, category, day and venue, for events without an image.")
            .answers(200, "The poster.")
            .media("image/svg+xml", drawing)
            .read()
            .tagged(),
    ]
}
