//! The script of what else is sold: promo codes and allocations, guests, and carts.

use boxoffice_tests::http::{Client, PATIENCE};
use boxoffice_tests::people::{PASSWORD, as_person, new_email, token};
use boxoffice_tests::shop::{self, CARD_THAT_PAYS, Terms, id};
use serde_json::{Value, json};

use super::script::Script;

const SEATS: u32 = 40;

impl Script<'_, '_> {
    /// Codes and allocations of an event, and a hold with a code.
    pub async fn promos(&mut self, venue: &str) {
        let (staff, buyer) = (self.coordinator.clone(), self.buyer.clone());
        let event = self.on_sale(venue, Terms::free(SEATS).priced(1000)).await;
        let path = [("id", event.as_str())];
        let aside = json!({"name": "Fans", "action": "add", "seats": [4, 5, 6]});
        self.call(&staff, "allocate", &path, aside).await;
        self.call(&staff, "listAllocations", &path, Value::Null).await;
        for code in [json!({"code": "TENTH", "percent_bps": 1000, "uses_max": 500}), json!({"code": "FANS", "allocation": "Fans"})] {
            self.call(&staff, "createPromo", &path, code).await;
        }
        self.call(&staff, "listPromos", &path, Value::Null).await;
        let code = [path[0], ("promo", "TENTH")];
        self.call(&buyer, "createHold", &path, json!({"seats": [1], "promo": "TENTH"})).await;
        self.call(&buyer, "createHold", &path, json!({"best": {"quantity": 1}, "promo": "FANS"})).await;
        self.call(&staff, "getPromo", &code, Value::Null).await;
        self.call(&staff, "switchPromo", &code, json!({"active": false})).await;
        self.call(&staff, "getPromo", &code, Value::Null).await;
    }

    /// An event with tiers: looked at, changed, tried.
    pub async fn prices(&mut self, venue: &str) {
        let (staff, visitor) = (self.coordinator.clone(), self.visitor.clone());
        let tiers = json!([{"type": "tiers", "tiers": [{"places": 1, "price": 1000}, {"price": 1200}]}]);
        let event = self.on_sale(venue, Terms { more: json!({"pricing": tiers}), ..Terms::free(SEATS).priced(1000) }).await;
        let path = [("id", event.as_str())];
        let buyer = self.buyer.clone();
        self.call(&buyer, "createHold", &path, json!({"seats": [1], "expect_total": 1000})).await;
        self.call(&visitor, "getPrices", &path, Value::Null).await;
        let change = json!({"level": 0, "policy": {"type": "fixed"}, "reason": "The rest stays at this price."});
        self.call(&staff, "changePricePolicy", &path, change).await;
        self.call(&visitor, "listPriceChanges", &path, Value::Null).await;
        let course = json!([{"at": "2031-03-01T10:00:00Z", "sold": 0}, {"at": "2031-03-02T10:00:00Z", "sold": 20}]);
        self.call(&staff, "previewPrices", &path, json!({"level": 0, "course": course})).await;
        self.call(&visitor, "getSeats", &path, Value::Null).await;
    }

    /// Guests: one becomes an account, one hands the tickets to an account that is there.
    pub async fn guests(&mut self, venue: &str) {
        let visitor = self.visitor.clone();
        let event = self.on_sale(venue, Terms::free(SEATS)).await;
        let link = self.guest(&event, &new_email("gus")).await;
        self.call(&visitor, "openGuestLink", &[], json!({"token": link})).await;
        self.call(&visitor, "claimGuest", &[], json!({"token": link, "password": PASSWORD})).await;
        let (email, owner) = self.account("owner").await;
        let link = self.guest(&event, &email).await;
        self.call(&owner, "handOverGuest", &[], json!({"token": link})).await;
    }

    /// A guest who bought something; gives what the mailed link carries.
    async fn guest(&mut self, event: &str, email: &str) -> String {
        let visitor = self.visitor.clone();
        let session = self.call(&visitor, "openGuest", &[], json!({"email": email})).await;
        let guest = as_person(&visitor, &session);
        self.order(&guest, event).await;
        let cluster = self.cluster;
        shop::eventually("the letter with the link", PATIENCE, async || token(&cluster.letter_to(email).await.ok()?, "guest")).await
    }

    /// Carts: one is thrown away, one is paid.
    pub async fn carts(&mut self, venue: &str) {
        let buyer = self.buyer.clone();
        let mut items = Vec::new();
        for _ in 0..2 {
            let event = self.on_sale(venue, Terms::free(SEATS).priced(700)).await;
            let hold = self.call(&buyer, "createHold", &[("id", &event)], json!({"best": {"quantity": 1}})).await;
            items.push(json!({"event": event, "hold": id(&hold)}));
        }
        let away = id(&self.call(&buyer, "createCart", &[], json!({"items": items})).await);
        self.call(&buyer, "releaseCart", &[("id", &away)], Value::Null).await;
        let cart = id(&self.call(&buyer, "createCart", &[], json!({"items": items})).await);
        self.call(&buyer, "getCart", &[("id", &cart)], Value::Null).await;
        self.call(&buyer, "payCart", &[("id", &cart)], json!({"payment_method": CARD_THAT_PAYS})).await;
        self.paid(&buyer, &cart).await;
        self.call(&buyer, "listCarts", &[], Value::Null).await;
    }

    async fn paid(&mut self, buyer: &Client, cart: &str) {
        shop::eventually("the cart is confirmed", PATIENCE, async || {
            let seen = buyer.get(&format!("/cart/{cart}")).await;
            (seen.body["state"] == "confirmed").then_some(())
        })
        .await;
        self.call(buyer, "getCart", &[("id", cart)], Value::Null).await;
    }

    async fn on_sale(&mut self, venue: &str, terms: Terms) -> String {
        let staff = self.coordinator.clone();
        id(&self.call(&staff, "createEvent", &[], shop::event_body(venue, &terms)).await)
    }
}
