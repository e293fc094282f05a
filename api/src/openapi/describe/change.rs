//! What happened, and customers' programs that are told of it.

use serde_json::json;

use crate::changes::ChangeOut;
use crate::error::Code::{ChangesGone, NotFound, VersionMismatch, WrongState};
use crate::json::{DeliveryOut, ListOut, ReplayBody, ReplayedOut, WebhookBody, WebhookOut, WebhookPatchBody};
use crate::openapi::operation::{Operation, delete, get, patch, post};
use crate::openapi::schemas::{SchemaOf, answer, body};

/// Its routes.
pub fn operations() -> Vec<Operation> {
    let mut all = vec![changes()];
    all.extend(webhooks());
    all
}

fn changes() -> Operation {
    let events: SchemaOf = |_| json!({"type": "string", "description": "The same as events; each id is where to go on, in all groups."});
    get("/changes", "getChanges", "Follow what happens")
        .says(
            "One change a line. Coordinators see what happens to their own events, operators everything. Changes of a group are in \
             order; the id of the last one of each group is where to go on (`after`). At least once: an id that comes twice is the same \
             change.",
        )
        .local()
        .answers(200, "Changes; `Link` says where to go on.")
        .media("application/x-ndjson", answer::<ChangeOut>)
        .media("text/event-stream", events)
        .paged()
        .refused(&[ChangesGone, NotFound])
}

fn webhooks() -> Vec<Operation> {
    vec![
        post("/webhook", "createWebhook", "Have a program of yours told of changes")
            .says(
                "Signed as Standard Webhooks says. From now on, at least once, those of an event in order; what fails is tried again for \
                 three days. The secret is shown in this answer only.",
            )
            .takes(body::<WebhookBody>, json!({"url": "https://shop.example/changes", "types": ["order.confirmed"]}))
            .gives(201, "The webhook with its secret.", answer::<WebhookOut>)
            .written()
            .located()
            .refused(&[NotFound, WrongState]),
        get("/webhook", "listWebhooks", "List your webhooks").gives(200, "All of them.", answer::<ListOut<WebhookOut>>).read(),
        get("/webhook/{id}", "getWebhook", "Look at a webhook").gives(200, "The webhook.", answer::<WebhookOut>).read(),
        patch("/webhook/{id}", "changeWebhook", "Change a webhook")
            .says("`active: true` also tries again what was given up.")
            .takes(body::<WebhookPatchBody>, json!({"active": false}))
            .gives(200, "The webhook.", answer::<WebhookOut>)
            .written()
            .refused(&[VersionMismatch]),
        delete("/webhook/{id}", "deleteWebhook", "Remove a webhook").answers(204, "It is gone.").with("Boxoffice-Revision", true),
        post("/webhook/{id}/rotate", "rotateWebhook", "Sign with another secret")
            .says("The one before signs too for a day. The new secret is shown in this answer only.")
            .gives(200, "The webhook with its secret.", answer::<WebhookOut>)
            .written(),
        post("/webhook/{id}/test", "testWebhook", "Send a message that says nothing").gives(200, "What came of it.", answer::<ReplayedOut>),
        post("/webhook/{id}/replay", "replayWebhook", "Send changes once more")
            .says("`after` sends everything of that group after this place; `change` sends this one, now.")
            .takes(body::<ReplayBody>, json!({"after": "chg_3_81263_0"}))
            .gives(200, "What came of it.", answer::<ReplayedOut>)
            .refused(&[ChangesGone]),
        get("/webhook/{id}/delivery", "listDeliveries", "See what was sent")
            .gives(200, "The last deliveries, the newest first.", answer::<ListOut<DeliveryOut>>)
            .read(),
    ]
}
