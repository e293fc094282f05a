//! What kills: nodes and the provider, one after another and now and then two at once.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::{Dice, Round};

/// How long a killed process stays away at least; up to ten times as long.
const AWAY: Duration = Duration::from_millis(200);

/// How often it is looked whether the buyers have gone.
const LOOK_EVERY: Duration = Duration::from_millis(50);

impl Round {
    /// Kills one process after another until the buyers have gone.
    ///
    /// # Errors
    /// When one does not come back.
    pub(super) fn kill_on(&self) -> anyhow::Result<()> {
        let Some(every) = self.plan.kill_every else { return Ok(()) };
        let mut dice = Dice(self.plan.seed ^ 0x6b69_6c6c);
        loop {
            // From half of the usual time to one and a half.
            let wait = every / 2 + every / 100 * dice.below(101) as u32;
            let since = Instant::now();
            while since.elapsed() < wait {
                if self.is_over.load(Ordering::Relaxed) {
                    return Ok(());
                }
                std::thread::sleep(LOOK_EVERY);
            }
            let victim = dice.below(self.cluster.size() + 1);
            let with_provider = victim == 0 || dice.below(8) == 0;
            self.strike(victim, with_provider, AWAY * (1 + dice.below(10) as u32))?;
        }
    }

    /// Kills a node (0 = none), the provider or both, and starts them again after a while.
    fn strike(&self, node: u64, with_provider: bool, away: Duration) -> anyhow::Result<()> {
        if node != 0 {
            self.cluster.kill(node);
        }
        if with_provider {
            self.cluster.provider().kill();
        }
        self.kills.fetch_add(u64::from(node != 0) + u64::from(with_provider), Ordering::Relaxed);
        std::thread::sleep(away);
        if with_provider {
            self.cluster.provider().spawn()?;
        }
        if node != 0 {
            self.cluster.spawn(node)?;
            self.cluster.wait_ready()?;
        }
        Ok(())
    }
}
