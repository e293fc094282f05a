//! Images at the edge: what is taken, how they are sent, posters, and where the page may load images from.

use boxoffice_ledger::command::Role;
use serde_json::json;

use super::fake::{event_id, image_id};
use super::harness::{self, Edge};
use crate::backend::UPLOAD_BYTES_MAX;
use crate::config::ApiConfig;

const CDN: &str = "https://cdn.example/pictures";

fn with_cdn() -> Edge {
    Edge::with(ApiConfig { media_base: CDN.into(), ..harness::config() })
}

async fn upload(edge: &Edge, kind: &str, body: &str) -> harness::Reply {
    let token = format!("authorization: Bearer {}", edge.token(Role::Coordinator, 1));
    edge.send("POST", "/media", &[&token, &format!("content-type: {kind}")], body).await
}

#[tokio::test]
async fn an_upload_is_an_image_of_a_bounded_size() {
    let edge = with_cdn();
    let done = upload(&edge, "image/png", "an image").await;
    assert_eq!(done.status, 201, "{}", done.text);
    let url = format!("{CDN}/media/{}", image_id());
    let kept = json!({
        "object": "media", "id": image_id().to_string(), "url": url, "media_type": "image/jpeg", "width": 64, "height": 48, "bytes": 1000,
    });
    assert_eq!((done.json.clone(), done.header("location")), (kept, format!("/media/{}", image_id()).as_str()));
    for kind in ["application/json", "text/html", "multipart/form-data", ""] {
        assert_eq!(upload(&edge, kind, "an image").await.code(), "unsupported_media_type", "{kind}");
    }
    let lie = upload(&edge, "image/png", "<html>").await;
    assert_eq!((lie.status.as_u16(), &lie.json["errors"][0]["code"]), (422, &json!("not_an_image")));
    assert_eq!(upload(&edge, "image/png", &"x".repeat(UPLOAD_BYTES_MAX + 1)).await.code(), "payload_too_large");
    let json = edge.staff("POST", &format!("/event/{}/publish", event_id()), "").await;
    assert_eq!(json.status, 200, "JSON routes are as before: {}", json.text);
}

#[tokio::test]
async fn an_image_is_sent_to_be_kept_and_cannot_do_anything() {
    let edge = Edge::new();
    let path = format!("/media/{}", image_id());
    let sent = edge.get(&format!("{path}?width=640")).await;
    assert_eq!((sent.status.as_u16(), sent.header("content-type"), sent.text.as_str()), (200, "image/jpeg", "an image"));
    assert_eq!(sent.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(sent.header("content-security-policy"), "default-src 'none'; sandbox");
    assert_eq!((sent.header("x-content-type-options"), sent.header("etag")), ("nosniff", format!("\"{}-640\"", image_id()).as_str()));
    let again = edge.send("GET", &path, &[&format!("if-none-match: \"{}\"", image_id())], "").await;
    assert_eq!((again.status.as_u16(), again.header("cache-control")), (304, sent.header("cache-control")));
    for width in ["0", "321", "0640", "-1", "big"] {
        assert_eq!(edge.get(&format!("{path}?width={width}")).await.status, 422, "{width}");
    }
    for missing in [format!("/media/img_{}", "00".repeat(32)), path.to_uppercase(), "/media/img_".into(), "/media/..%2f..%2fsecret".into()]
    {
        let reply = edge.get(&missing).await;
        assert_eq!((reply.status.as_u16(), reply.header("cache-control")), (404, "private, no-store"), "{missing}");
    }
}

#[tokio::test]
async fn events_name_their_images_and_where_they_are() {
    let edge = with_cdn();
    let path = format!("/event/{}", event_id());
    let event = edge.get(&path).await.json;
    assert_eq!(event["images"][0]["id"], image_id().to_string());
    assert_eq!(event["poster"], format!("{path}/poster.svg"));
    let (token, version) = (format!("authorization: Bearer {}", edge.token(Role::Coordinator, 1)), "if-match: \"4\"");
    let change =
        async |images: &serde_json::Value| edge.send("PATCH", &path, &[&token, version], &json!({"images": images}).to_string()).await;
    let other = format!("img_{}", "0a".repeat(32));
    let changed = change(&json!([other, image_id().to_string()])).await;
    assert_eq!((changed.status.as_u16(), &changed.json["images"][0]["id"]), (200, &json!(other)), "{}", changed.text);
    let nine: Vec<String> = (0..9).map(|number| format!("img_{}", format!("0{number}").repeat(32))).collect();
    for (images, pointer) in [(json!([other, other]), "/images/1"), (json!(["img_0"]), "/images/0"), (json!(nine), "/images")] {
        let refused = change(&images).await;
        assert_eq!((refused.status.as_u16(), &refused.json["errors"][0]["pointer"]), (422, &json!(pointer)), "{}", refused.text);
    }
}

#[tokio::test]
async fn an_event_has_a_poster() {
    let edge = Edge::new();
    let path = format!("/event/{}/poster.svg", event_id());
    let poster = edge.get(&path).await;
    assert_eq!((poster.status.as_u16(), poster.header("content-type")), (200, "image/svg+xml"));
    assert!(
        poster.text.starts_with("<svg ") && poster.text.contains(">Midnight</text>") && !poster.text.contains("<script"),
        "{}",
        poster.text
    );
    assert_eq!(poster.header("content-security-policy"), "default-src 'none'; sandbox");
    assert_eq!(edge.get(&path).await.text, poster.text, "it is always the same");
    assert_eq!(edge.send("GET", &path, &[&format!("if-none-match: {}", poster.header("etag"))], "").await.status, 304);
    edge.fake.inner.lock().draft = true;
    assert_eq!(edge.get(&path).await.status, 404, "a draft has none for strangers");
}

#[tokio::test]
async fn the_page_may_load_images_from_the_one_host_that_serves_them() {
    for (edge, sources) in [(Edge::new(), "img-src 'self' data:;"), (with_cdn(), "img-src 'self' data: https://cdn.example;")] {
        for path in ["/", "/docs", "/app.js", "/problem/not_found"] {
            let policy = edge.get(path).await.header("content-security-policy").to_owned();
            assert!(policy.contains(sources) && policy.starts_with("default-src 'none'"), "{path}: {policy}");
        }
    }
}
