//! "A CDN for media": an image that is uploaded at one node is served by all of them, smaller where that is asked for, also when
//! the node that took it is gone; and the page loads images from the one host that the configuration names.

use std::io::Cursor;

use boxoffice_cluster_config::media::Media;
use boxoffice_ledger::command::Role;
use boxoffice_tests::cluster::{Cluster, Options};
use boxoffice_tests::http::{Client, PATIENCE};
use boxoffice_tests::shop::{self, Terms};
use image::{DynamicImage, ImageFormat, RgbImage};
use reqwest::Response;
use serde_json::{Value, json};

use crate::shared::turn;

const CDN: &str = "https://cdn.example/pictures";

fn picture(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    let pixels = RgbImage::from_fn(width, height, |x, y| image::Rgb([x as u8, y as u8, 128]));
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::from(pixels).write_to(&mut bytes, format).expect("it can be encoded");
    bytes.into_inner()
}

async fn upload(client: &Client, kind: &str, bytes: Vec<u8>) -> (u16, Value) {
    let answer = client.request("POST", "/media").header("Content-Type", kind).body(bytes).send().await.expect("an answer");
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

/// The same, tried again while a node does not get its copy in time.
async fn uploaded(client: &Client, kind: &str, bytes: Vec<u8>) -> Value {
    shop::eventually("an image is taken", PATIENCE, async || {
        let (status, stored) = upload(client, kind, bytes.clone()).await;
        assert!(matches!(status, 201 | 503 | 504), "{status} {stored}");
        (status == 201).then_some(stored)
    })
    .await
}

/// An answer of a node that is not to ask again.
async fn get(cluster: &Cluster, node: u64, path: &str) -> Response {
    shop::eventually(&format!("node {node} answers {path}"), PATIENCE, async || {
        let answer = Client::at(&cluster.url(node)).request("GET", path).send().await.expect("an answer");
        (answer.status().as_u16() < 500).then_some(answer)
    })
    .await
}

/// The pixels of a side of an image that a node serves, and its media type.
async fn shown(cluster: &Cluster, node: u64, path: &str) -> (u32, String) {
    let answer = get(cluster, node, path).await;
    assert_eq!(answer.status().as_u16(), 200, "node {node}: {path}");
    let kind = answer.headers()["content-type"].to_str().expect("text").to_owned();
    let bytes = answer.bytes().await.expect("a body");
    (image::load_from_memory(&bytes).expect("an image").width(), kind)
}

/// Uploads that are no images, or not what they say.
async fn lies_are_noticed(staff: &Client) {
    let (status, problem) = upload(staff, "image/png", b"<html><script>alert(1)</script></html>".to_vec()).await;
    assert_eq!((status, &problem["errors"][0]["code"]), (422, &json!("not_an_image")), "{problem}");
    let (status, problem) = upload(staff, "text/html", picture(8, 8, ImageFormat::Png)).await;
    assert_eq!((status, &problem["code"]), (415, &json!("unsupported_media_type")));
    // A head that claims 60,000 x 60,000 pixels, with the right checksum.
    let mut bomb = picture(8, 8, ImageFormat::Png);
    bomb[16..33].copy_from_slice(&[0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60, 8, 2, 0, 0, 0, 0, 0, 0, 0]);
    let sum = crc(&bomb[12..29]).to_be_bytes();
    bomb[29..33].copy_from_slice(&sum);
    let (status, problem) = upload(staff, "image/png", bomb).await;
    assert_eq!((status, &problem["errors"][0]["code"]), (422, &json!("too_many_pixels")), "{problem}");
    let stored = uploaded(staff, "image/png", picture(64, 32, ImageFormat::Jpeg)).await;
    assert_eq!(stored["media_type"], "image/jpeg", "what it is, is judged by its content");
}

/// The checksum of PNG.
fn crc(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
    !bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

#[tokio::test]
async fn an_image_outlives_the_node_that_took_it() {
    let _turn = turn();
    let media = Media { base_url: Some(CDN.into()), ..Media::default() };
    let cluster = Cluster::start(Options { media, ..Options::default() }).expect("the cluster starts");
    let staff = cluster.client(1, Role::Coordinator);
    lies_are_noticed(&staff).await;

    // Node 3 is away while the image comes.
    cluster.kill(3);
    let stored = uploaded(&staff, "image/webp", picture(900, 450, ImageFormat::WebP)).await;
    assert_eq!((&stored["width"], &stored["media_type"]), (&json!(900), &json!("image/jpeg")), "{stored}");
    let id = stored["id"].as_str().expect("an id");
    let path = format!("/media/{id}");
    assert_eq!(stored["url"], format!("{CDN}{path}"));
    assert_eq!(shown(&cluster, 2, &path).await, (900, "image/jpeg".into()));
    cluster.spawn(3).expect("node 3 starts");
    cluster.wait_ready().expect("node 3 is ready");
    assert_eq!(shown(&cluster, 3, &format!("{path}?width=320")).await, (320, "image/jpeg".into()), "it gets what it lacks");

    // An event names it; what nobody has uploaded cannot be named.
    let more = json!({"images": [id]});
    let event = shop::put_on_sale(&staff, &Terms { more, ..Terms::free(5) }).await;
    let event = staff.get(&format!("/event/{event}")).await.expect(200);
    assert_eq!(event["images"], json!([{"id": id, "url": format!("{CDN}{path}")}]));
    let body = json!({"images": [format!("img_{}", "ab".repeat(32))]});
    let version = event["version"].as_u64().expect("a version");
    let own = format!("/event/{}", event["id"].as_str().expect("an id"));
    let change = staff.request("PATCH", &own).header("If-Match", format!("\"{version}\"")).json(&body);
    let problem = staff.send(change).await.expect("an answer").body;
    assert_eq!((&problem["errors"][0]["pointer"], &problem["errors"][0]["code"]), (&json!("/images/0"), &json!("no_such_image")));
    let poster = get(&cluster, 2, event["poster"].as_str().expect("a poster")).await;
    assert_eq!(poster.headers()["content-type"], "image/svg+xml");

    // The page may load images from there, and from nowhere else.
    let page = get(&cluster, 2, "/").await;
    let policy = page.headers()["content-security-policy"].to_str().expect("text");
    assert!(policy.contains("img-src 'self' data: https://cdn.example;"), "{policy}");

    // The node that took it dies; the others serve it, and take no new one without a majority.
    cluster.kill(1);
    for node in [2, 3] {
        assert_eq!(shown(&cluster, node, &path).await.0, 900, "node {node}");
        assert_eq!(shown(&cluster, node, &format!("{path}?width=640")).await.0, 640, "node {node}");
    }
    let missing = get(&cluster, 2, &format!("/media/img_{}", "cd".repeat(32))).await;
    assert_eq!(missing.status().as_u16(), 404, "what nobody has is not found");
    let staff = cluster.client(2, Role::Coordinator);
    uploaded(&staff, "image/png", picture(40, 40, ImageFormat::Png)).await; // Two of three are enough.
    cluster.kill(3);
    let refused = shop::eventually("an upload without a majority is refused", PATIENCE, async || {
        let (status, problem) = upload(&staff, "image/png", picture(41, 41, ImageFormat::Png)).await;
        assert!(matches!(status, 503 | 504), "{status} {problem}");
        (problem["code"] == "no_quorum").then_some(problem)
    });
    assert_eq!(refused.await["status"], 503);
    assert_eq!(shown(&cluster, 2, &path).await.0, 900, "looking goes on");
}
