//! One run: faults first, then everything is well and everything is demanded.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use boxoffice::sim::Idle;
use tokio::sync::mpsc::unbounded_channel;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::client::Client;
use super::history::History;
use super::nemesis::Nemesis;
use super::options::Options;
use super::trace::{Trace, Violation};
use super::watch::Watch;
use super::world::World;
use super::{stage, verdict};

/// What came of a run.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// What did not hold.
    pub violations: Vec<Violation>,
    /// Names everything that happened.
    pub hash: u64,
    /// How many events that were.
    pub events: u64,
    /// Writes that were acknowledged.
    pub acknowledged: u64,
    /// Faults.
    pub faults: u64,
    /// Simulated milliseconds.
    pub simulated_ms: u64,
    /// The last lines of a run that failed.
    pub last: Vec<String>,
}

/// Runs a seed, on a runtime with one thread whose clock stands still.
///
/// # Errors
/// When the cluster cannot be made at all.
pub async fn run(options: Options, idle: Arc<Idle>, dir: &Path) -> anyhow::Result<Outcome> {
    let trace = Trace::new(options.verbose);
    trace.say(|| format!("{options:?}"));
    let (failed, failures) = unbounded_channel();
    let world = Arc::new(World::new(options, trace.clone(), idle, dir, failed)?);
    let history = Arc::new(History::new(trace.clone()));
    for node in 1..=world.options.nodes {
        world.start(node).await?;
    }
    let mut watching = JoinSet::new();
    watching.spawn(Watch::default().run(Arc::clone(&world)));
    let mut nemesis = Nemesis::new(Arc::clone(&world), failures);
    play(&world, &history, &mut nemesis).await;
    let (hash, events) = trace.hash();
    Ok(Outcome {
        violations: trace.violations(),
        hash,
        events,
        acknowledged: history.count(),
        faults: nemesis.count(),
        simulated_ms: trace.now_us() / 1000,
        last: if trace.is_broken() { trace.last() } else { Vec::new() },
    })
}

async fn play(world: &Arc<World>, history: &Arc<History>, nemesis: &mut Nemesis) {
    let setting = tokio::time::timeout(Duration::from_secs(120), stage::set(world, "stage"));
    let Ok(events) = setting.await else { return world.trace.wrong("stuck", "no event comes on sale".to_owned()) };
    let (mut clients, stop) = (JoinSet::new(), Arc::new(AtomicBool::new(false)));
    for number in 0..world.options.clients {
        let client = Client::new(Arc::clone(world), Arc::clone(history), events.clone(), number, Arc::clone(&stop));
        clients.spawn(client.run());
    }
    nemesis.rage(Instant::now() + Duration::from_secs(world.options.secs)).await;
    if world.trace.is_broken() {
        return;
    }
    world.trace.say(|| "no more faults".to_owned());
    let away = nemesis.end().await;
    let ending = async {
        // Clients go on a little.
        sleep(Duration::from_secs(6)).await;
        stop.store(true, Ordering::Relaxed);
        while clients.join_next().await.is_some() {}
        verdict::judge(world, history, &events, &away).await;
    };
    tokio::select! {
        biased;
        () = ending => {}
        () = nemesis.tend() => {}
    }
}
