//! The script of changes and webhooks. The webhook leads nowhere: what is sent to it comes back as not delivered.

use serde_json::{Value, json};

use super::script::Script;
use boxoffice_tests::shop::id;

impl Script<'_, '_> {
    /// What happened is read; a webhook is made, changed, tried and removed.
    pub async fn changes(&mut self) {
        let staff = self.coordinator.clone();
        self.call(&staff, "getChanges", &[("limit", "5"), ("type", "order.confirmed")], Value::Null).await;
        let wish = json!({"url": "http://127.0.0.1:9/in", "types": ["order.confirmed"]});
        let made = id(&self.call(&staff, "createWebhook", &[], wish).await);
        let path = [("id", made.as_str())];
        for list in ["listWebhooks", "getWebhook", "listDeliveries"] {
            let path: &[(&str, &str)] = if list == "listWebhooks" { &[] } else { &path };
            self.call(&staff, list, path, Value::Null).await;
        }
        self.call(&staff, "changeWebhook", &path, json!({"active": false})).await;
        self.call(&staff, "rotateWebhook", &path, Value::Null).await;
        self.call(&staff, "testWebhook", &path, Value::Null).await;
        self.call(&staff, "replayWebhook", &path, json!({"after": "chg_0_0_0"})).await;
        self.call(&staff, "deleteWebhook", &path, Value::Null).await;
        // One that stays, for what is drawn.
        self.call(&staff, "createWebhook", &[], json!({"url": "http://127.0.0.1:9/in", "types": ["ticket.issued"]})).await;
    }
}
