//! The script of a show: venue, event, sale, seats, holds, orders, tickets, gates.

use boxoffice::bench::house;
use boxoffice_tests::http::{Client, PATIENCE};
use boxoffice_tests::shop::{self, CARD_THAT_PAYS, Terms, id};
use serde_json::{Value, json};

use super::script::Script;

const SEATS: u32 = 40;

impl Script<'_, '_> {
    /// Venues and performers; gives the venue that has a plan.
    pub async fn catalog(&mut self) -> String {
        let staff = self.coordinator.clone();
        let venue = json!({"name": "Arena North", "city": "Bergen", "country": "NO", "time_zone": "Europe/Oslo"});
        let venue = id(&self.call(&staff, "createVenue", &[], venue).await);
        self.call(&staff, "getVenue", &[("id", &venue)], Value::Null).await;
        let tag = self.tag.clone();
        self.call(&staff, "changeVenue", &[("id", &venue), ("If-Match", &tag)], json!({"name": "Arena North West"})).await;
        self.call(&staff, "putPlan", &[("id", &venue)], house::plan(SEATS)).await;
        self.call(&staff, "listVenues", &[("limit", "1")], Value::Null).await;
        let performer = json!({"name": "The Midnight Radio", "genre": "Rock"});
        let performer = id(&self.call(&staff, "createPerformer", &[], performer).await);
        self.call(&staff, "getPerformer", &[("id", &performer)], Value::Null).await;
        let tag = self.tag.clone();
        self.call(&staff, "changePerformer", &[("id", &performer), ("If-Match", &tag)], json!({"genre": "Folk"})).await;
        self.call(&staff, "listPerformers", &[("limit", "1")], Value::Null).await;
        venue
    }

    /// Events from the draft to the cancellation, and how visitors find them.
    pub async fn events(&mut self, venue: &str) {
        let (staff, visitor) = (self.coordinator.clone(), self.visitor.clone());
        let more = json!({"draft": true, "on_sale_at": "2030-01-01T00:00:00Z", "performers": self.pool["prf_"]});
        let event = id(&self.event(venue, Terms { more, ..Terms::free(SEATS) }).await);
        let path = [("id", event.as_str())];
        self.call(&staff, "getEvent", &[path[0], ("expand", "venue,performers")], Value::Null).await;
        let tag = self.tag.clone();
        self.call(&staff, "changeEvent", &[path[0], ("If-Match", &tag)], json!({"description": "With an interval."})).await;
        self.call(&staff, "publishEvent", &path, Value::Null).await;
        for id in ["pauseSale", "resumeSale"] {
            self.call(&staff, id, &path, Value::Null).await;
        }
        let block = json!({"seats": [0, 1], "action": "block", "reason": "The camera stands there."});
        self.call(&staff, "blockSeats", &path, block).await;
        let query = [("limit", "1"), ("expand", "venue,performers")];
        self.call(&visitor, "listEvents", &query, Value::Null).await;
        self.call(&visitor, "searchEvents", &[query[0], query[1], ("q", "evening")], Value::Null).await;
        self.call(&visitor, "searchEventsByPath", &[query[0], query[1], ("query", "tests")], Value::Null).await;
        let narrow = [("q", "evening"), ("facets", "city,venue,category,month"), ("on_sale", "true"), ("max_price", "100000")];
        self.call(&visitor, "searchEvents", &narrow, Value::Null).await;
        self.call(&visitor, "suggestEvents", &[("q", "eve")], Value::Null).await;
        let hall = json!({"name": "Old Hall", "city": "Berlin", "time_zone": "Europe/Berlin", "capacity": 50});
        let listing = json!({"key": "contract:1", "name": "Evening", "venue": hall, "starts_at": "2031-05-01T19:30:00+02:00",
            "performers": [{"name": "The Quartet"}], "currency": "EUR", "price": 4500});
        self.call(&staff, "importEvents", &[], json!({"events": [listing]})).await;
        self.call(&visitor, "getEvent", &[path[0], ("expand", "venue,performers")], Value::Null).await;
        for ending in [".jsonld", ".ics"] {
            self.call(&visitor, "getEvent", &[("id", &format!("{event}{ending}"))], Value::Null).await;
        }
        self.call(&visitor, "getAvailability", &[], json!({"events": [event]})).await;
        self.call(&staff, "postponeEvent", &path, json!({"starts_at": "2031-09-01T19:30:00+02:00"})).await;
        let map = self.call(&visitor, "getSeats", &path, Value::Null).await;
        self.call(&visitor, "getSeats", &[path[0], ("state", "available"), ("limit", "3")], Value::Null).await;
        self.call(&visitor, "getLayout", &[("hash", map["layout"].as_str().expect("a layout"))], Value::Null).await;
        self.call(&visitor, "watchSeats", &path, Value::Null).await;
        self.call(&visitor, "streamSeats", &path, Value::Null).await;
        self.call(&staff, "closeSale", &path, Value::Null).await;
        self.call(&staff, "getSale", &path, Value::Null).await;
        self.call(&staff, "cancelEvent", &path, Value::Null).await;
        self.call(&staff, "getSale", &path, Value::Null).await;
    }

    async fn event(&mut self, venue: &str, terms: Terms) -> Value {
        let staff = self.coordinator.clone();
        self.call(&staff, "createEvent", &[], shop::event_body(venue, &terms)).await
    }

    /// Holds, payments, orders and refunds, at a price.
    pub async fn bookings(&mut self, venue: &str) {
        let (staff, buyer) = (self.coordinator.clone(), self.buyer.clone());
        let more = json!({"refunds": {"who": "buyer", "keep_bps": 1000}});
        let event = id(&self.event(venue, Terms { more, ..Terms::free(SEATS).priced(4500) }).await);
        let best = json!({"best": {"quantity": 2}});
        let hold = id(&self.call(&buyer, "createHold", &[("id", &event)], best.clone()).await);
        let path = [("id", event.as_str()), ("hold", hold.as_str())];
        self.call(&buyer, "getHold", &path, Value::Null).await;
        self.call(&buyer, "extendHold", &path, Value::Null).await;
        self.call(&buyer, "releaseHold", &path, Value::Null).await;
        let mut orders = Vec::new();
        for _ in 0..4 {
            orders.push(self.order(&buyer, &event).await);
        }
        for order in &orders {
            captured(&buyer, &id(order)).await;
        }
        let order = [("id", orders[0]["id"].as_str().expect("an id"))];
        self.call(&buyer, "getOrder", &order, Value::Null).await;
        self.call(&staff, "getOrder", &order, Value::Null).await;
        self.call(&buyer, "listOrders", &[("limit", "1")], Value::Null).await;
        self.call(&buyer, "refundOrder", &order, json!({"reason": "We are ill."})).await;
        self.call(&buyer, "getOrder", &order, Value::Null).await;
        self.call(&staff, "cancelOrder", &[("id", &id(&orders[1]))], json!({"reason": "Bought by a bot.", "block": true})).await;
        let ticket = orders[2]["tickets"][0].as_str().expect("a ticket");
        self.call(&buyer, "refundTicket", &[("id", ticket)], json!({})).await;
        self.call(&buyer, "createHold", &[("id", &event)], best).await;
        self.call(&staff, "getSale", &[("id", &event)], Value::Null).await;
    }

    /// Holds two seats and pays for them; gives the order.
    pub async fn order(&mut self, buyer: &Client, event: &str) -> Value {
        let hold = id(&self.call(buyer, "createHold", &[("id", event)], json!({"best": {"quantity": 2}})).await);
        let card = json!({"payment_method": CARD_THAT_PAYS});
        let paid = self.call(buyer, "payHold", &[("id", event), ("hold", &hold)], card).await;
        if paid["object"] == "order" { paid } else { captured(buyer, paid["order"].as_str().expect("an order")).await }
    }

    /// Tickets that are shown, given on, and scanned at doors that are open now.
    pub async fn tickets(&mut self, venue: &str) {
        let (staff, (_, ada), (email, bob)) = (self.coordinator.clone(), self.account("ada").await, self.account("bob").await);
        let key = json!({"name": "clock", "scopes": ["tickets"]});
        self.call(&ada, "createKey", &[], key).await;
        let keys = self.call(&ada, "listKeys", &[], Value::Null).await;
        let now = keys["data"][0]["created_at"].as_str().expect("a moment");
        let event = id(&self.event(venue, Terms { more: json!({"starts_at": now}), ..Terms::free(SEATS) }).await);
        let order = self.order(&ada, &event).await;
        let ticket = order["tickets"][0].as_str().expect("a ticket");
        let path = [("id", ticket)];
        self.call(&ada, "listTickets", &[("limit", "1"), ("expand", "event,venue")], Value::Null).await;
        for ending in ["", ".svg", ".pdf"] {
            self.call(&ada, "getTicket", &[("id", &format!("{ticket}{ending}"))], Value::Null).await;
        }
        self.call(&ada, "offerTicket", &path, json!({"to": email})).await;
        self.call(&ada, "getTicket", &path, Value::Null).await;
        self.call(&ada, "withdrawOffer", &path, Value::Null).await;
        self.call(&ada, "offerTicket", &path, json!({"to": email})).await;
        self.call(&bob, "listOffers", &[], Value::Null).await;
        self.call(&bob, "acceptOffer", &path, Value::Null).await;
        let shown = self.call(&bob, "getTicket", &[path[0], ("expand", "event,venue,performers")], Value::Null).await;
        self.call(&staff, "getGate", &[("id", &event)], Value::Null).await;
        let scan = json!({"code": shown["code"], "gate": "North", "nonce": "n1", "event": event});
        self.call(&staff, "scanTicket", &[], scan).await;
        let scans = json!([
            {"code": shown["code"], "nonce": "n2", "at": now}, {"code": "FORGED", "nonce": "n3", "direction": "out", "at": now},
        ]);
        self.call(&staff, "uploadScans", &[("id", &event)], json!({"gate": "South", "scans": scans})).await;
        self.call(&staff, "getScanReport", &[("id", &event), ("limit", "1")], Value::Null).await;
        self.call(&staff, "listEventTickets", &[("id", &event), ("state", "checked_in"), ("limit", "1")], Value::Null).await;
    }
}

/// The order once the provider has given the money.
async fn captured(buyer: &Client, order: &str) -> Value {
    shop::eventually("the money", PATIENCE, async || {
        let seen = buyer.get(&format!("/order/{order}")).await;
        (seen.body["payment"] == "captured").then_some(seen.body)
    })
    .await
}
