//! `boxoffice bench search`: how fast the search index answers, beside the library underneath it, and how soon an event is found.
//!
//! - The index is filled by the same call as a node's, from events made of the real listings; requests do not go through HTTP, so
//!   what is measured is the index alone. The library gets the same documents and the same words, with its own parser and scores.
//! - Open loop: queries begin on schedule and latency counts from then. One to three words; a fifth with a typing error, a third
//!   with filters, a fifth with facets.
//! - Closed loop, one thread, words as typed, no filters: queries a second of both in turns, and their ratio.
//! - With `--config`, on a running cluster: events are published at one node and looked for at another until they are found.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use boxoffice_api::import::listings::Listing;
use boxoffice_ledger::command::Role;
use boxoffice_search::raw::Raw;
use boxoffice_search::{Availability, EventDoc, Facet, Index, Query};
use clap::Args;
use hdrhistogram::Histogram;
use serde_json::json;

use super::client::Client;
use super::listings::{self, Numbers};
use super::setup::{self, Cluster};
use crate::mint;
use crate::workers::local_day;

/// Queries that are drawn once and repeated.
const QUERIES: usize = 5_000;
/// Turns of ours and the library's in the closed loop, so that whatever else the machine does slows both.
const TURNS: usize = 10;
/// How long an event may take to be found.
const PATIENCE: Duration = Duration::from_secs(30);

/// Arguments.
#[derive(Args, Debug)]
pub struct SearchArgs {
    /// Events in the index.
    #[arg(long, default_value_t = 200_000)]
    events: usize,
    /// Queries a second in the open loop.
    #[arg(long, default_value_t = 500.0)]
    rate: f64,
    /// Seconds of the open loop, and of each closed one.
    #[arg(long, default_value_t = 10.0)]
    seconds: f64,
    /// Threads that search.
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// A node's configuration: measures how soon events are found on that running cluster.
    #[arg(long, env = "BOXOFFICE_CONFIG")]
    config: Option<PathBuf>,
    /// Nodes to call instead of the configuration's members.
    #[arg(long, value_delimiter = ',', env = "BOXOFFICE_ENDPOINT")]
    endpoint: Vec<String>,
    /// Events that are published there.
    #[arg(long, default_value_t = 200)]
    publish: usize,
    /// How to print the result.
    #[arg(short, long, value_enum, default_value_t = super::Output::Table)]
    output: super::Output,
    /// Where the indexes are put; a new folder of the system's for temporary files if not given. It is removed afterwards.
    #[arg(long)]
    folder: Option<PathBuf>,
}

/// Times in microseconds.
type Times = Histogram<u64>;

/// Measures and prints.
///
/// # Errors
/// When an index cannot be written or the cluster cannot be reached.
pub fn run(args: &SearchArgs) -> anyhow::Result<()> {
    let name = format!("boxoffice-bench-search-{:x}", mint::entropy());
    let folder = args.folder.clone().unwrap_or_else(std::env::temp_dir).join(name);
    std::fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
    let measured = measure(args, &folder);
    std::fs::remove_dir_all(&folder).with_context(|| format!("remove {}", folder.display()))?;
    let mut figures = measured?;
    if let Some(config) = &args.config {
        let times = freshness(config, args)?;
        figures.push(("freshness_p50_ms", ms(&times, 0.5)));
        figures.push(("freshness_p99_ms", ms(&times, 0.99)));
    }
    match args.output {
        super::Output::Table => figures.iter().for_each(|(name, figure)| println!("{name:<22}{figure:>12.2}")),
        super::Output::Json => {
            let object: serde_json::Map<_, _> = figures.iter().map(|(name, figure)| ((*name).to_owned(), json!(figure))).collect();
            println!("{}", serde_json::Value::from(object));
        }
    }
    Ok(())
}

fn measure(args: &SearchArgs, folder: &Path) -> anyhow::Result<Vec<(&'static str, f64)>> {
    let real = listings::real()?;
    let now_us = mint::now().0;
    let documents = || listings::synthetic(&real, args.events, now_us).enumerate().map(|(number, listing)| document(number, &listing));
    eprintln!("indexing {} events twice ...", args.events);
    let begun = Instant::now();
    let index = Index::open(&folder.join("ours"))?;
    index.replace(documents(), 1)?;
    let filled = begun.elapsed().as_secs_f64();
    std::fs::create_dir(folder.join("raw"))?;
    let raw = Raw::build(&folder.join("raw"), documents())?;
    let some: Vec<EventDoc> = documents().step_by((args.events / 2_000).max(1)).collect();
    let queries: Arc<Vec<Query>> = Arc::new((0..QUERIES).map(|number| query(&some, number, now_us)).collect());

    eprintln!("searching at {} queries a second ...", args.rate);
    let open = open_loop(args, &index, &queries)?;
    eprintln!("searching at full speed, beside the bare library ...");
    let plain: Vec<Query> = (0..QUERIES).map(|number| plain(&some, number, now_us)).collect();
    let (mut ours, mut theirs, mut mixed) = (Times::new(3)?, Times::new(3)?, Times::new(3)?);
    let mut found = 0;
    for _ in 0..TURNS {
        found += closed_loop(args, &mut ours, |number| Ok(index.search(&plain[number % QUERIES], 10, None)?.hits.len()))?;
        closed_loop(args, &mut theirs, |number| Ok(raw.search(&plain[number % QUERIES].text)?))?;
        closed_loop(args, &mut mixed, |number| Ok(index.search(&queries[number % QUERIES], 25, None)?.hits.len()))?;
    }
    if found == 0 {
        bail!("no query found anything");
    }
    let rate = |times: &Times| times.len() as f64 / args.seconds;
    Ok(vec![
        ("events", args.events as f64),
        ("filled_per_s", args.events as f64 / filled.max(0.001)),
        ("mixed_queries", open.len() as f64),
        ("mixed_p50_ms", ms(&open, 0.5)),
        ("mixed_p99_ms", ms(&open, 0.99)),
        ("mixed_max_ms", ms(&open, 1.0)),
        ("mixed_most_per_s", rate(&mixed)),
        ("plain_per_s", rate(&ours)),
        ("plain_p99_ms", ms(&ours, 0.99)),
        ("raw_per_s", rate(&theirs)),
        ("raw_p99_ms", ms(&theirs, 0.99)),
        ("ratio", rate(&ours) / rate(&theirs).max(0.001)),
    ])
}

fn ms(times: &Times, quantile: f64) -> f64 {
    times.value_at_quantile(quantile) as f64 / 1000.0
}

/// An event of the benchmark: a listing with some sales.
fn document(number: usize, listing: &Listing) -> EventDoc {
    let mut numbers = Numbers::new(number as u64 + 77);
    EventDoc {
        from_price: Some(1_000 + numbers.below(100) as u64 * 100),
        availability: *numbers.of(&[Availability::Available, Availability::Available, Availability::Few, Availability::SoldOut]),
        on_sale: numbers.below(10) > 0,
        popularity: 1 << numbers.below(14),
        ..unsold(listing)
    }
}

/// A listing as it is indexed before anything is sold.
pub fn unsold(listing: &Listing) -> EventDoc {
    let name = |text: &str| u128::from_le_bytes(blake3::hash(text.as_bytes()).as_bytes()[..16].try_into().unwrap_or_default());
    EventDoc {
        id: name(&listing.key),
        name: listing.name.clone(),
        description: listing.description.clone(),
        performers: listing.artists.iter().map(|artist| artist.name.clone()).collect(),
        performer_ids: listing.artists.iter().map(|artist| name(&artist.name)).collect(),
        venue: listing.place.name.clone(),
        venue_id: name(&format!("{}|{}", listing.place.name, listing.place.city)),
        city: listing.place.city.clone(),
        country: listing.place.country.clone(),
        category: listing.category.clone(),
        starts_at_us: listing.starts_at_us,
        day: local_day(listing.starts_at_us, &listing.place.time_zone),
        from_price: Some(5_000),
        availability: Availability::Available,
        on_sale: true,
        popularity: 0,
    }
}

/// One to three words that stand together in some event.
fn plain(events: &[EventDoc], number: usize, now_us: u64) -> Query {
    let mut numbers = Numbers::new(number as u64 + 1_000_000);
    let event = numbers.of(events);
    let performer = if event.performers.is_empty() { &event.venue } else { numbers.of(&event.performers) };
    let fields = [&event.name, performer, &event.city, &event.venue];
    let mut words = Vec::new();
    for _ in 0..=numbers.below(3) {
        let field: Vec<&str> = numbers.of(&fields).split(|letter: char| !letter.is_alphanumeric()).filter(|word| word.len() > 2).collect();
        if !field.is_empty() {
            words.push((*numbers.of(&field)).to_owned());
        }
    }
    // A space behind it: the last word is finished.
    let text = if words.is_empty() { "concert ".to_owned() } else { words.join(" ") + " " };
    Query { text, now_us, ..Query::default() }
}

/// The same, as people ask: unfinished, wrong, narrowed, counted.
fn query(events: &[EventDoc], number: usize, now_us: u64) -> Query {
    let mut numbers = Numbers::new(number as u64 + 2_000_000);
    let mut query = plain(events, number, now_us);
    if numbers.below(2) == 0 {
        query.text.pop();
    }
    if numbers.below(5) == 0 {
        let mut letters: Vec<char> = query.text.chars().collect();
        let at = numbers.below(letters.len().saturating_sub(2));
        letters.swap(at, at + 1);
        query.text = letters.into_iter().collect();
    }
    if numbers.below(3) == 0 {
        match numbers.below(4) {
            0 => query.city = Some(numbers.of(events).city.clone()),
            1 => query.available_only = true,
            2 => query.max_price = Some(4_000),
            _ => query.from_us = Some(now_us + 90 * 86_400_000_000),
        }
    }
    if numbers.below(5) == 0 {
        query.facets = vec![Facet::Category, Facet::City, Facet::Month];
    }
    query
}

fn open_loop(args: &SearchArgs, index: &Index, queries: &Arc<Vec<Query>>) -> anyhow::Result<Times> {
    let total = (args.rate * args.seconds) as usize;
    let next = AtomicUsize::new(0);
    let begun = Instant::now();
    let one = || -> anyhow::Result<Times> {
        let mut times = Times::new(3)?;
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= total {
                return Ok(times);
            }
            let due = begun + Duration::from_secs_f64(number as f64 / args.rate);
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            index.search(&queries[number % QUERIES], 25, None)?;
            times.record(u64::try_from(due.elapsed().as_micros())?)?;
        }
    };
    let mut times = Times::new(3)?;
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..args.threads.max(1)).map(|_| scope.spawn(one)).collect();
        for thread in threads {
            times.add(thread.join().map_err(|_| anyhow::anyhow!("a searching thread broke"))??)?;
        }
        Ok(times)
    })
}

/// One turn of at least one query, from the one after the last of the turn before. Says how much was found.
fn closed_loop(args: &SearchArgs, times: &mut Times, search: impl Fn(usize) -> anyhow::Result<usize>) -> anyhow::Result<usize> {
    let (begun, mut found) = (Instant::now(), 0);
    loop {
        let since = Instant::now();
        found += search(usize::try_from(times.len())?)?;
        times.record(u64::try_from(since.elapsed().as_micros())?)?;
        if begun.elapsed().as_secs_f64() >= args.seconds / TURNS as f64 {
            return Ok(found);
        }
    }
}

/// From the answer that an event is published until another node finds it.
fn freshness(config: &Path, args: &SearchArgs) -> anyhow::Result<Times> {
    let cluster = Cluster::open(config, &args.endpoint)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let run = mint::entropy() as u64;
        let staff = cluster.buyer(Role::Coordinator)?.token;
        let mut first = Client::new(cluster.endpoints[0].clone(), staff.clone(), run);
        let mut other = Client::new(cluster.endpoints[cluster.endpoints.len() - 1].clone(), staff, run);
        eprintln!("publishing {} events ...", args.publish);
        let event = setup::put_on_sale(&mut first, 10, 0).await?;
        let event = first.get(&format!("/event/{event}")).await?;
        let mut times = Times::new(3)?;
        for number in 0..args.publish {
            let word = format!("fresh{run:x}n{number}");
            let body = json!({
                "name": word, "venue": event["venue"], "starts_at": "2031-01-01T19:00:00Z", "currency": "EUR", "prices": [0],
            });
            first.post("/event", &body).await?;
            let since = Instant::now();
            while other.get(&format!("/event/search/{word}")).await?["data"].as_array().is_none_or(Vec::is_empty) {
                if since.elapsed() > PATIENCE {
                    bail!("{word} is not found at {}", cluster.endpoints[cluster.endpoints.len() - 1]);
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            times.record(u64::try_from(since.elapsed().as_micros())?)?;
        }
        Ok(times)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_run_measures_everything() {
        let dir = tempfile::tempdir().unwrap();
        let args = SearchArgs {
            events: 500,
            rate: 100.0,
            seconds: 0.3,
            threads: 2,
            config: None,
            endpoint: Vec::new(),
            publish: 0,
            output: super::super::Output::Table,
            folder: None,
        };
        let figures = measure(&args, dir.path()).unwrap();
        let figure = |name: &str| figures.iter().find(|(known, _)| *known == name).unwrap().1;
        assert_eq!((figure("events"), figure("mixed_queries")), (500.0, 30.0));
        assert!(figure("plain_per_s") > 0.0 && figure("raw_per_s") > 0.0 && figure("ratio") > 0.0);
    }
}
