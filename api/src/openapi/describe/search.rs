//! Searches, suggestions and imports.

use serde_json::json;

use crate::json::{ImportBody, ImportOut, ListOut, SearchOut, SuggestionOut};
use crate::openapi::operation::{Operation, get, post};
use crate::openapi::schemas::{answer, body};

/// Its routes.
pub fn operations() -> Vec<Operation> {
    let found = "A page of events, best first: by the words that were really found, then by text, popularity and how soon they are.";
    vec![
        get("/event/search", "searchEvents", "Search events")
            .says(
                "Full text: names, performers, venues, cities, and days in English such as \"june\" or \"saturday\"; the \
                 parameter `q` is needed. Answers without a majority too. The revision is the one that this node's index \
                 reflects; `facets` counts all hits.",
            )
            .gives(200, found, answer::<SearchOut>)
            .read()
            .paged(),
        get("/event/search/{query}", "searchEventsByPath", "Search events, with the text in the path")
            .gives(200, found, answer::<SearchOut>)
            .read()
            .paged(),
        get("/event/suggest", "suggestEvents", "Suggest names while somebody types")
            .says("Names of events, performers, venues and cities that go on from `q`, best first, each once.")
            .gives(200, "The suggestions.", answer::<ListOut<SuggestionOut>>)
            .read(),
        post("/event/import", "importEvents", "Bring many events in")
            .says(
                "Makes the events that are not there yet, with their venues and performers. `key` is the source's name for an event and \
                 says for ever which one it is: what was brought in before stays as it is. Each event has an outcome of its own.",
            )
            .takes(
                body::<ImportBody>,
                json!({"events": [{
                    "key": "season-2031:14934", "name": "An Evening of Quartets", "starts_at": "2031-05-01T19:30:00+02:00",
                    "venue": {"name": "Old Hall", "city": "Berlin", "country": "DE", "time_zone": "Europe/Berlin", "capacity": 450},
                    "performers": [{"name": "The Quartet", "genre": "string quartet"}], "currency": "EUR", "price": 4500,
                }]}),
            )
            .gives(200, "What became of each.", answer::<ImportOut>)
            .written(),
    ]
}
