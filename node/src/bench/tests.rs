//! The load generator against a small server of its own, which refuses, forgets to answer and hangs up now and then.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::load::{Buyer, Progress, Tally, Workload, run};

/// Seats and remembered outcomes of the fake.
#[derive(Default)]
struct House {
    /// Seat or hold -> taken.
    taken: HashMap<String, ()>,
    /// Idempotency key -> (status, body).
    outcomes: HashMap<String, (u16, String)>,
    requests: u64,
}

impl House {
    /// What a request leads to; the same key gives the first outcome.
    fn answer(&mut self, path: &str, key: &str, body: &str) -> (u16, String) {
        if let Some(first) = self.outcomes.get(key) {
            return first.clone();
        }
        let subject = if path.ends_with("/pay") { path.to_owned() } else { body.to_owned() };
        let free = self.taken.insert(subject, ()).is_none();
        let outcome = match (free, path.ends_with("/pay")) {
            (true, true) => (200, r#"{"object":"order","id":"ord_1"}"#.to_owned()),
            (true, false) => (201, format!(r#"{{"object":"hold","id":"hld_{}"}}"#, self.taken.len())),
            (false, _) => (409, r#"{"code":"seat_unavailable"}"#.to_owned()),
        };
        self.outcomes.insert(key.to_owned(), outcome.clone());
        outcome
    }
}

/// Starts the fake; every `fault`-th request is done without an answer, every one before it is refused for now.
fn start(fault: u64) -> (String, Arc<Mutex<House>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let house = Arc::new(Mutex::new(House::default()));
    let shared = Arc::clone(&house);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let house = Arc::clone(&shared);
            std::thread::spawn(move || serve(stream.unwrap(), &house, fault));
        }
    });
    (address, house)
}

fn serve(mut stream: TcpStream, house: &Mutex<House>, fault: u64) {
    let mut inbox = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let text = String::from_utf8(inbox.clone()).unwrap();
        let header = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
        let whole = text.split_once("\r\n\r\n").filter(|(_, body)| Some(body.len().to_string()) == header("Content-Length: "));
        let Some((_, body)) = whole else {
            match stream.read(&mut chunk) {
                Ok(count) if count > 0 => inbox.extend_from_slice(&chunk[..count]),
                _ => return,
            }
            continue;
        };
        let path = text.split(' ').nth(1).unwrap().to_owned();
        let key = format!("{path} {}", header("Idempotency-Key: ").unwrap());
        let mut house = house.lock().unwrap();
        house.requests += 1;
        let turn = house.requests % fault;
        let (status, body) = if turn == fault - 1 { (503, r#"{"code":"no_quorum"}"#.to_owned()) } else { house.answer(&path, &key, body) };
        drop(house);
        if turn == 0 {
            return; // It happened, but nobody is told.
        }
        let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        stream.write_all(answer.as_bytes()).unwrap();
        inbox.clear();
    }
}

fn sell(fault: u64, rate: Option<f64>) -> (Tally, Arc<Mutex<House>>) {
    let (address, house) = start(fault);
    let workload = Workload {
        endpoints: vec![address.clone(), address],
        event: "evt_1".into(),
        seats: 200,
        buyers: Arc::new(vec![Buyer { user: "usr_1".into(), token: "t".into() }; 4]),
        payment_method: "any".into(),
        refused_percent: 20,
        rate,
        at_most: None,
        threads: 2,
        run: 7,
    };
    (run(&workload, &Arc::new(Progress::default())).unwrap(), house)
}

#[test]
fn every_seat_is_sold_once_and_taken_seats_are_refused() {
    let (tally, house) = sell(1_000_000, None);
    let mut seats: Vec<u32> = tally.sales.iter().map(|sale| sale.seat).collect();
    seats.sort_unstable();
    assert_eq!(seats, (0..200).collect::<Vec<_>>());
    assert!(tally.wrong.is_empty(), "{:?}", tally.wrong);
    assert!((10..120).contains(&tally.refused), "{}", tally.refused);
    // Two requests a sale and one a refusal, and no more than was tried again, as on a machine that stalls.
    let needed = 400 + tally.refused;
    assert!((needed..=needed + tally.retries).contains(&house.lock().unwrap().requests), "{} retries", tally.retries);
}

#[test]
fn a_lost_answer_is_asked_for_again_with_the_same_key() {
    let (tally, house) = sell(10, None);
    assert_eq!(tally.sales.len(), 200);
    assert!(tally.wrong.is_empty() && tally.unknown.is_empty(), "{:?} {:?}", tally.wrong, tally.unknown);
    assert!(tally.retries > 20, "{}", tally.retries);
    let paid = house.lock().unwrap().taken.keys().filter(|subject| subject.ends_with("/pay")).count();
    assert_eq!(paid, 200);
}

#[test]
fn an_open_loop_keeps_its_schedule() {
    let (tally, _) = sell(1_000_000, Some(1_000.0));
    assert_eq!(tally.sales.len(), 200);
    // 200 sales and the refusals between them start a millisecond apart.
    assert!(tally.took >= Duration::from_millis(200), "{:?}", tally.took);
}
