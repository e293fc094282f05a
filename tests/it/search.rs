//! "Search events (full text)": `GET /event/search/{query}` finds an event by any of its words, on every node, soon after it
//! was created.

use std::time::Duration;

use boxoffice_tests::http::{Client, PATIENCE};
use boxoffice_tests::shop::{self, Terms};

use crate::shared::{cluster, coordinator};

#[tokio::test]
async fn an_event_is_found_by_its_words_on_every_node() {
    let name = "Quixotic Zephyr Orchestra".to_owned();
    let event = shop::put_on_sale(&coordinator(), &Terms { name, ..Terms::free(2) }).await;
    for node in 1..=3 {
        let client = Client::at(&cluster().url(node));
        for query in ["quixotic", "ZEPHYR%20orchestra", "zephyr%20testville"] {
            let found = shop::eventually(&format!("node {node} finds {query}"), PATIENCE, async || {
                let page = client.get(&format!("/event/search/{query}")).await.expect(200);
                page["data"].as_array().expect("a list").iter().find(|found| found["id"] == event.as_str()).cloned()
            })
            .await;
            assert_eq!(found["name"], "Quixotic Zephyr Orchestra");
        }
        let none = client.get("/event/search/xylophagous").await.expect(200);
        assert_eq!(none["data"].as_array().map(Vec::len), Some(0));
    }
}

#[tokio::test]
async fn a_search_takes_less_than_half_a_second() {
    let client = Client::at(&cluster().url(1));
    let _ = client.get("/event/search/warm").await.expect(200);
    for query in ["evening", "test%20hall", "a%20b%20c%20d%20e", "%22%27%28%29%5B%5D%7B%7D%2B-%21%3A%5E~%2A%3F", "AND%20OR%20NOT"] {
        shop::is_quick(query, Duration::from_millis(500), async || {
            let reply = client.get(&format!("/event/search/{query}")).await;
            assert_eq!(reply.status, 200, "{query}: {}", reply.text);
        })
        .await;
    }
}
