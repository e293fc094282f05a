//! Live maps over real sockets, and the server's own manners.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use boxoffice_ledger::change::Change;
use boxoffice_ledger::outcome::{SaleState, SeatState};
use boxoffice_ledger::plan::{AreaIndex, LevelIndex};
use boxoffice_ledger::pricing::{PriceCause, PriceChange};
use boxoffice_ledger::time::Timestamp;
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::fake::{GROUP, event_id};
use super::harness::{Edge, config};
use crate::config::ApiConfig;
use crate::server::serve;

/// Long enough on a busy machine; nothing here waits that long when it works.
const SOON: Duration = Duration::from_secs(20);

/// A served edge.
pub struct Server {
    /// The edge.
    pub edge: Edge,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    done: JoinHandle<()>,
}

impl Server {
    /// Serves on a free port.
    pub async fn start(config: ApiConfig) -> Self {
        let edge = Edge::with(config);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let api = edge.api.clone();
        let done = tokio::spawn(async move {
            let ended = async move { drop(stopped.await) };
            serve(listener, api, ended).await.unwrap();
        });
        Self { edge, address, stop: Some(stop), done }
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    async fn socket(&self) -> Socket {
        let mut request = format!("ws://{}/event/{}/seat/live", self.address, event_id()).into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", "boxoffice.seat.v1".parse().unwrap());
        let (stream, response) = connect_async(request).await.unwrap();
        assert_eq!(response.headers()["sec-websocket-protocol"], "boxoffice.seat.v1");
        Socket { stream, seats: BTreeMap::new(), rev: 0, seen: Vec::new() }
    }

    /// Sends raw bytes and reads until the server closes or `until` was seen.
    async fn raw(&self, bytes: &[u8], until: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        read_until(&mut stream, until).await
    }
}

async fn read_until(stream: &mut TcpStream, until: &str) -> String {
    let mut text = String::new();
    let mut buffer = [0; 4096];
    while until.is_empty() || !text.contains(until) {
        match tokio::time::timeout(SOON, stream.read(&mut buffer)).await.unwrap_or_else(|_| panic!("nothing more after {text:?}")) {
            Ok(0) | Err(_) => break,
            Ok(count) => text.push_str(&String::from_utf8_lossy(&buffer[..count])),
        }
    }
    text
}

/// A client that follows the protocol: applies deltas, and fails the test on a gap.
struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    seats: BTreeMap<u32, u8>,
    rev: u64,
    seen: Vec<Value>,
}

impl Socket {
    async fn say(&mut self, message: Value) {
        self.stream.send(Message::text(message.to_string())).await.unwrap();
    }

    /// The next message, applied; or the close code.
    async fn next(&mut self) -> Result<Value, u16> {
        loop {
            let message = tokio::time::timeout(SOON, self.stream.next()).await.expect("a message in time");
            match message {
                Some(Ok(Message::Text(text))) => {
                    let message: Value = serde_json::from_str(&text).unwrap();
                    self.apply(&message);
                    self.seen.push(message.clone());
                    return Ok(message);
                }
                Some(Ok(Message::Close(frame))) => return Err(frame.map_or(0, |frame| frame.code.into())),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(0),
            }
        }
    }

    fn apply(&mut self, message: &Value) {
        match message["type"].as_str().unwrap() {
            "snapshot" => self.seats.clear(),
            "delta" => assert_eq!(message["prev"].as_u64().unwrap(), self.rev, "a gap before {message}"),
            _ => return,
        }
        self.rev = message["rev"].as_u64().unwrap();
        for pair in message["set"].as_array().into_iter().flatten() {
            self.seats.insert(pair[0].as_u64().unwrap() as u32, pair[1].as_u64().unwrap() as u8);
        }
    }

    async fn until(&mut self, rev: u64) {
        while self.rev < rev {
            self.next().await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_socket_gets_a_snapshot_and_then_deltas_without_a_gap() {
    let server = Server::start(config()).await;
    server.edge.fake.move_seats(&[5], SeatState::Sold);
    let mut socket = server.socket().await;
    socket.say(json!({"type": "subscribe", "sections": ["all"]})).await;
    let snapshot = socket.next().await.unwrap();
    assert_eq!((&snapshot["type"], &snapshot["rev"], &snapshot["seats"]), (&json!("snapshot"), &json!(101), &json!(20)));
    assert_eq!((&snapshot["state"], &snapshot["sale"]), (&json!("AAgAAAA="), &json!("on_sale")));
    assert_eq!((&snapshot["prices"], &snapshot["agg"]["A"]), (&json!({"0": 12_500, "1": 9_900}), &json!([9, 0, 1])));
    assert_eq!(snapshot["agg"]["Floor"], json!([98, 1, 1]));

    let mut last = 0;
    for round in 0..50_u32 {
        let state = [SeatState::Held, SeatState::Pinned, SeatState::Sold, SeatState::Available][round as usize % 4];
        last = server.edge.fake.move_seats(&[round % 7, round % 3 + 10], state);
    }
    socket.until(last).await;
    assert!(socket.seen.len() < 20, "coalesced: {}", socket.seen.len());
    let map = server.edge.get(&format!("/event/{}/seat?limit=100", event_id())).await;
    for seat in map.json["list"]["data"].as_array().unwrap() {
        let index = seat["index"].as_u64().unwrap() as u32;
        let state = crate::json::STATE_NAMES[usize::from(*socket.seats.get(&index).unwrap_or(&if index == 5 { 2 } else { 0 }))];
        assert_eq!(seat["state"], state, "seat {index}");
    }
    let last = socket.seen.last().unwrap();
    let section = &map.json["counts"][0];
    assert_eq!(last["agg"]["A"], json!([section["available"], section["held"], section["sold"]]));
}

#[tokio::test]
async fn areas_and_the_sale_itself_are_live_too() {
    let server = Server::start(config()).await;
    let mut socket = server.socket().await;
    socket.say(json!({"type": "subscribe"})).await;
    socket.next().await.unwrap();
    let event = event_id();
    let area = Change::Area { event, area: AreaIndex(0), available: 90, held: 3, sold: 7, before: [90, 4, 6] };
    server.edge.fake.publish(101, &[area, Change::Sale { event, from: SaleState::OnSale, state: SaleState::Paused }]);
    let delta = socket.next().await.unwrap();
    assert_eq!(delta, json!({"type": "delta", "prev": 100, "rev": 101, "set": [], "agg": {"Floor": [90, 3, 7]}, "sale": "paused"}));
}

#[tokio::test]
async fn a_price_that_moves_is_told_and_a_snapshot_has_it() {
    let server = Server::start(config()).await;
    let mut socket = server.socket().await;
    socket.say(json!({"type": "subscribe"})).await;
    assert_eq!(socket.next().await.unwrap()["prices"], json!({"0": 12_500, "1": 9_900}));
    let cause = PriceCause::TierExhausted { tier: 1, taken: 10 };
    let change = PriceChange { version: 1, at: Timestamp(5), from: 12_500, to: 13_000, cause };
    server.edge.fake.publish(101, &[Change::Price { event: event_id(), level: LevelIndex(0), change: change.into() }]);
    let told = json!([{"level": 0, "amount": 13_000, "from": 12_500, "version": 1, "cause": "tier_exhausted"}]);
    assert_eq!(socket.next().await.unwrap(), json!({"type": "delta", "prev": 100, "rev": 101, "set": [], "prices": told}));
    let mut late = server.socket().await;
    late.say(json!({"type": "subscribe"})).await;
    assert_eq!(late.next().await.unwrap()["prices"], json!({"0": 13_000, "1": 9_900}));
    // Who was away gets what came since.
    let mut back = server.socket().await;
    back.rev = 100;
    back.say(json!({"type": "subscribe", "since": 100})).await;
    assert_eq!(back.next().await.unwrap()["prices"], told);
}

#[tokio::test]
async fn a_reader_resumes_where_it_was() {
    let server = Server::start(config()).await;
    let fake = &server.edge.fake;
    let mut one = server.socket().await;
    one.say(json!({"type": "subscribe"})).await;
    one.next().await.unwrap();
    for seat in 0..3 {
        let rev = fake.move_seats(&[seat], SeatState::Held);
        one.until(rev).await;
    }
    // From the middle: what came since, and nothing else.
    let mut two = server.socket().await;
    two.rev = 101;
    two.say(json!({"type": "subscribe", "since": 101})).await;
    let delta = two.next().await.unwrap();
    assert_eq!((&delta["prev"], &delta["rev"], &delta["set"]), (&json!(101), &json!(103), &json!([[1, 1], [2, 1]])));
    // From before anything this node remembers: a snapshot.
    let mut three = server.socket().await;
    three.say(json!({"type": "subscribe", "since": 7})).await;
    assert_eq!(three.next().await.unwrap()["type"], "snapshot");
    // From a revision that another node showed first: an empty delta says when this node is there.
    let mut four = server.socket().await;
    four.rev = 104;
    four.say(json!({"type": "subscribe", "since": 104})).await;
    fake.inner.lock().index = 106;
    fake.publish(106, &[]);
    let rev = fake.move_seats(&[9], SeatState::Sold);
    one.until(rev).await;
    assert!(one.seen.iter().skip(1).all(|message| message["type"] == "delta"));
    while four.rev < rev {
        let message = four.next().await.unwrap();
        assert_ne!(message["type"], "snapshot", "{message}");
    }
    assert_eq!(four.seats, BTreeMap::from([(9, 2)]));
    // Asking again on the same socket.
    one.say(json!({"type": "subscribe"})).await;
    assert_eq!(one.next().await.unwrap()["type"], "snapshot");
}

#[tokio::test]
async fn a_snapshot_installed_below_shows_as_a_difference() {
    let server = Server::start(config()).await;
    let mut socket = server.socket().await;
    socket.say(json!({"type": "subscribe"})).await;
    socket.next().await.unwrap();
    {
        let mut inner = server.edge.fake.inner.lock();
        inner.index = 500;
        inner.seats[3] = SeatState::Sold;
    }
    server.edge.fake.hub.get().unwrap().reset(GROUP);
    let delta = socket.next().await.unwrap();
    assert_eq!((&delta["prev"], &delta["rev"], &delta["set"]), (&json!(100), &json!(500), &json!([[3, 2]])));
    // An older history: whoever watches starts over.
    server.edge.fake.inner.lock().index = 50;
    server.edge.fake.hub.get().unwrap().reset(GROUP);
    assert_eq!(socket.next().await.unwrap()["type"], "resync");
    let snapshot = socket.next().await.unwrap();
    assert_eq!((&snapshot["type"], &snapshot["rev"]), (&json!("snapshot"), &json!(50)));
}

#[tokio::test]
async fn bad_sockets_are_closed_with_a_reason() {
    let server = Server::start(config()).await;
    for (message, code) in [
        (json!({"type": "subscribe", "token": "x"}).to_string(), 4401),
        (json!({"type": "subscribe", "since": -1}).to_string(), 1008),
        (json!({"type": "subscribe", "sections": ["A"]}).to_string(), 1008),
        (json!({"type": "publish"}).to_string(), 1008),
        ("nonsense".into(), 1008),
    ] {
        let mut socket = server.socket().await;
        socket.stream.send(Message::text(message.clone())).await.unwrap();
        assert_eq!(socket.next().await, Err(code), "{message}");
    }
    let missing = format!("ws://{}/event/{}/seat/live", server.address, boxoffice_ledger::ids::EventId(5));
    let (stream, _) = connect_async(missing).await.unwrap();
    let mut socket = Socket { stream, seats: BTreeMap::new(), rev: 0, seen: Vec::new() };
    socket.say(json!({"type": "subscribe"})).await;
    assert_eq!(socket.next().await, Err(4404));
    let mut socket = server.socket().await;
    let _ = socket.stream.send(Message::text("x".repeat(100_000))).await;
    assert!(socket.next().await.is_err(), "a message of 100 kB");
}

#[tokio::test]
async fn a_stream_sends_the_same_and_resumes() {
    let server = Server::start(config()).await;
    let path = format!("/event/{}/seat/stream", event_id());
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await.unwrap();
    let text = read_until(&mut stream, "}}\n\n").await;
    assert!(
        text.contains("content-type: text/event-stream") && text.contains("event: snapshot\nid: 100\ndata: {\"type\":\"snapshot\""),
        "{text}"
    );
    server.edge.fake.move_seats(&[1], SeatState::Held);
    let text = read_until(&mut stream, "}\n\n").await;
    assert!(text.contains("event: delta\nid: 101\ndata: {\"type\":\"delta\",\"prev\":100,\"rev\":101,\"set\":[[1,1]]"), "{text}");
    server.edge.fake.move_seats(&[2], SeatState::Held);
    let text = read_until(&mut stream, "}\n\n").await;
    assert!(text.contains("id: 102"), "{text}");
    let again = server.raw(format!("GET {path} HTTP/1.1\r\nhost: x\r\nlast-event-id: 101\r\n\r\n").as_bytes(), "}\n\n").await;
    assert!(again.contains("id: 102\ndata: {\"type\":\"delta\",\"prev\":101,\"rev\":102,\"set\":[[2,1]]"), "{again}");
}

#[tokio::test]
async fn a_node_that_goes_away_says_so_and_finishes_what_it_began() {
    let mut server = Server::start(config()).await;
    let mut socket = server.socket().await;
    socket.say(json!({"type": "subscribe"})).await;
    socket.next().await.unwrap();
    let mut idle = TcpStream::connect(server.address).await.unwrap();
    idle.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    read_until(&mut idle, "\"up\"}").await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(format!("GET /event/{}/seat/stream HTTP/1.1\r\nhost: x\r\n\r\n", event_id()).as_bytes()).await.unwrap();
    read_until(&mut stream, "}}\n\n").await;
    server.stop.take().unwrap().send(()).unwrap();
    let told = read_until(&mut stream, "").await;
    assert!(told.contains("event: bye\n") && told.contains("retry: "), "{told}");
    let bye = socket.next().await.unwrap();
    assert_eq!((&bye["type"], &bye["reason"]), (&json!("bye"), &json!("draining")));
    assert_eq!(socket.next().await, Err(1012));
    drop(socket);
    assert_eq!(read_until(&mut idle, "").await, "", "an idle connection is closed");
    tokio::time::timeout(SOON, server.done).await.unwrap().unwrap();
    assert!(TcpStream::connect(server.address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn slow_and_huge_requests_are_ended() {
    let mut quick = config();
    quick.header_timeout = Duration::from_millis(200);
    quick.body_timeout = Duration::from_millis(200);
    let impatient = Server::start(quick).await;
    let slow = impatient.raw(b"GET /healthz HT", "").await;
    assert!(slow.is_empty() || slow.starts_with("HTTP/1.1 408"), "{slow}");
    let body = impatient
        .raw(b"POST /session HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n{", "instance")
        .await;
    assert!(body.starts_with("HTTP/1.1 408") && body.contains("request_timeout"), "{body}");
    // A patient one, for a machine may stall while it sends these.
    let server = Server::start(config()).await;
    let many: String = (0..200).map(|number| format!("x-{number}: 1\r\n")).collect();
    let many = server.raw(format!("GET /healthz HTTP/1.1\r\nhost: x\r\n{many}\r\n").as_bytes(), "").await;
    assert!(many.starts_with("HTTP/1.1 431"), "{many}");
    let long = format!("GET /event/search/{} HTTP/1.1\r\nhost: x\r\n\r\n", "x".repeat(1_000_000));
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let _ = stream.write_all(long.as_bytes()).await;
    let long = read_until(&mut stream, "\r\n").await;
    assert!(long.is_empty() || long.starts_with("HTTP/1.1 4"), "{long}");
    let huge = server.raw(b"POST /session HTTP/1.1\r\nhost: x\r\ncontent-length: 2000000000\r\n\r\n", "instance").await;
    assert!(huge.starts_with("HTTP/1.1 413"), "{huge}");
    let chunks = format!("POST /session HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n11000\r\n{}\r\n", "x".repeat(0x11000));
    let chunks = server.raw(chunks.as_bytes(), "instance").await;
    assert!(chunks.starts_with("HTTP/1.1 413"), "{chunks}");
}

#[tokio::test]
async fn a_connection_is_good_after_a_refusal_or_says_that_it_is_not() {
    let server = Server::start(config()).await;
    // Refused by its head alone, while most of the body is still on its way: what follows on the connection is answered.
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let body = "x".repeat(1_000_000);
    let (path, length) = (format!("/event/{}/hold", event_id()), body.len());
    stream.write_all(format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n").as_bytes()).await.unwrap();
    stream.write_all(body.as_bytes()).await.unwrap();
    let refused = read_until(&mut stream, "instance").await;
    assert!(refused.starts_with("HTTP/1.1 401") && !refused.contains("connection: close"), "{refused}");
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    assert!(read_until(&mut stream, "\"up\"}").await.contains("HTTP/1.1 200"));
    // More than is worth reading: the connection ends, and the answer says so.
    let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 2000000000\r\n\r\n");
    assert!(server.raw(head.as_bytes(), "instance").await.contains("connection: close"));
    // Who asks before sending is told no, and sends nothing.
    let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 1000\r\n\r\n");
    let answer = server.raw(head.as_bytes(), "instance").await;
    assert!(answer.starts_with("HTTP/1.1 401") && answer.contains("connection: close"), "{answer}");
}

#[tokio::test]
async fn idle_connections_end_and_streams_go_on() {
    let mut quick = config();
    quick.header_timeout = Duration::from_millis(50);
    let server = Server::start(quick).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = format!("GET /event/{}/seat/stream HTTP/1.1\r\nhost: x\r\n\r\n", event_id());
    stream.write_all(head.as_bytes()).await.unwrap();
    read_until(&mut stream, "}}\n\n").await;
    // Each of these is ended for doing nothing; the stream is older than all of them.
    for _ in 0..3 {
        assert_eq!(server.raw(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n", "").await.matches("HTTP/1.1 200").count(), 1);
    }
    server.edge.fake.move_seats(&[3], SeatState::Held);
    assert!(read_until(&mut stream, "}\n\n").await.contains("delta"));
}

#[tokio::test]
async fn connections_beyond_the_bound_are_closed_at_once() {
    let mut few = config();
    few.connections_max = 1;
    let server = Server::start(few).await;
    let mut first = TcpStream::connect(server.address).await.unwrap();
    first.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    read_until(&mut first, "\"up\"}").await;
    let second = server.raw(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n", "\"up\"}").await;
    assert_eq!(second, "");
}

/// A client that asks and asks and reads nothing holds the only place until the system cuts it.
#[tokio::test]
#[cfg(target_os = "linux")]
async fn who_stops_reading_loses_the_connection() {
    let mut quick = config();
    (quick.connections_max, quick.stalled_timeout) = (1, Duration::from_millis(500));
    let server = Server::start(quick).await;
    let mut stalled = TcpStream::connect(server.address).await.unwrap();
    let request = format!("GET /event/{}/seat HTTP/1.1\r\nhost: x\r\n\r\n", event_id()).repeat(100);
    // Until neither side's buffers have room.
    while tokio::time::timeout(Duration::from_secs(1), stalled.write_all(request.as_bytes())).await.is_ok_and(|done| done.is_ok()) {}
    let healthy = async {
        while !server.raw(b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", "\"up\"}").await.contains("200") {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), healthy).await.expect("the place is free again");
}

/// Readers that watch while the map changes under load see exactly the map, whatever the interleaving.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_readers_and_writers_agree_in_the_end() {
    let server = Arc::new(Server::start(config()).await);
    let writers: Vec<_> = (0..4_u32)
        .map(|writer| {
            let server = Arc::clone(&server);
            tokio::spawn(async move {
                for round in 0..200_u32 {
                    // One writer a seat range, as one group applies in order; publishing is serialised as apply is.
                    let state = if round % 2 == 0 { SeatState::Held } else { SeatState::Sold };
                    server.edge.fake.apply_seats(&[writer * 5 + round % 5], state);
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    let readers: Vec<_> = (0..8_u64)
        .map(|_| {
            let server = Arc::clone(&server);
            tokio::spawn(async move {
                let mut socket = server.socket().await;
                socket.say(json!({"type": "subscribe"})).await;
                socket.next().await.unwrap();
                socket
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let last = server.edge.fake.apply_seats(&[0], SeatState::Available);
    for reader in readers {
        let mut socket = reader.await.unwrap();
        let base = socket.seen[0]["state"].as_str().unwrap().to_owned();
        socket.until(last).await;
        let packed = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, base).unwrap();
        for (seat, &state) in (0..).zip(&server.edge.fake.inner.lock().seats) {
            let first = packed[seat as usize / 4] >> (seat % 4 * 2) & 3;
            assert_eq!(*socket.seats.get(&seat).unwrap_or(&first), state.two_bits(), "seat {seat}");
        }
    }
}
