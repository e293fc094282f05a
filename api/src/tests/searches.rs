//! Searches: what is asked for, what comes back, what is refused.

use serde_json::json;

use super::harness::Edge;

#[tokio::test]
async fn hits_carry_availability_and_facets() {
    let edge = Edge::new();
    let path = "/event/search?q=radio&facets=venue,month,venue&performer=prf_00000000000000000000000000&min_price=0&max_price=5000";
    let found = edge.get(&format!("{path}&available=true&on_sale=true&expand=venue")).await;
    assert_eq!(found.status, 200, "{}", found.text);
    assert_eq!(found.json["data"][0]["availability"], "few");
    assert_eq!(found.json["data"][0]["object"], "event");
    assert_eq!(found.json["data"][0]["venue"]["name"], "Hall");
    assert_eq!(
        found.json["facets"],
        json!([
            {"facet": "venue", "values": [{"value": "Venue", "name": "Hall", "events": 1}]},
            {"facet": "month", "values": [{"value": "Month", "events": 1}]},
        ])
    );
    assert!(!found.header("boxoffice-revision").is_empty() && !found.header("boxoffice-age-ms").is_empty());
    assert_eq!(edge.get("/event/search/radio").await.json.get("facets"), None, "only if they are asked for");
}

#[tokio::test]
async fn suggestions_are_a_list() {
    let edge = Edge::new();
    let found = edge.get("/event/suggest?q=mid&limit=3").await;
    assert_eq!(found.status, 200, "{}", found.text);
    assert_eq!(found.json["data"][0], json!({"object": "suggestion", "kind": "performer", "text": "Midnight Radio", "events": 1}));
    assert_eq!(found.json["has_more"], false);
    edge.get("/event/suggest?q=mid").await;
    assert_eq!(edge.fake.writes(), ["suggest mid 3", "suggest mid 8"]);
}

#[tokio::test]
async fn bad_searches_are_refused_by_name() {
    let edge = Edge::new();
    for (query, pointer) in [
        ("suggest", "?q"),
        ("suggest?q=%20", "?q"),
        ("suggest?q=a&limit=21", "?limit"),
        ("suggest?q=a&city=b", "?city"),
        ("search?q=a&facets=price", "?facets"),
        ("search?q=a&facets=", "?facets"),
        ("search?q=a&available=yes", "?available"),
        ("search?q=a&on_sale=1", "?on_sale"),
        ("search?q=a&min_price=-1", "?min_price"),
        ("search?q=a&max_price=1e9", "?max_price"),
        ("search?q=a&performer=radio", "?performer"),
        ("search?q=a&from=soon", "?from"),
        ("search?q=a&city=%20", "?city"),
    ] {
        let reply = edge.get(&format!("/event/{query}")).await;
        assert_eq!((reply.status.as_u16(), reply.json["errors"][0]["pointer"].as_str()), (422, Some(pointer)), "{query}: {}", reply.text);
    }
}
