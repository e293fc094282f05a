//! Faults between nodes: cut, bent and flapping links, and clocks that lie.

use std::time::Duration;

use super::{Fault, Nemesis};
use crate::links::Link;
use crate::namespaces::CLIENTS;

const CUT: Link = Link { is_cut: true, delay_ms: 0, jitter_ms: 0, reset_permille: 0 };

impl Nemesis<'_> {
    pub(super) async fn partition(&mut self, fault: Fault, victim: u64) -> anyhow::Result<(bool, String)> {
        let before = self.cluster.network.touched();
        let cut = self.cuts(fault, victim);
        for (from, to) in &cut {
            self.cluster.network.set(*from, *to, CUT);
        }
        self.rest().await;
        self.cluster.network.heal();
        Ok((self.cluster.network.touched() > before, format!("cut {cut:?}")))
    }

    /// The directed links that a partition cuts.
    fn cuts(&mut self, fault: Fault, victim: u64) -> Vec<(u64, u64)> {
        let mut nodes = self.cluster.linked();
        let (count, all) = (nodes.len(), nodes.clone());
        self.draw.shuffle(&mut nodes);
        let both = |a: u64, b: u64| [(a, b), (b, a)];
        let between = |left: &[u64], right: &[u64]| -> Vec<(u64, u64)> {
            left.iter().flat_map(|a| right.iter().flat_map(move |b| both(*a, *b))).collect()
        };
        match fault {
            Fault::Halves => {
                let (minority, majority) = nodes.split_at(count / 2);
                between(minority, majority)
            }
            // Each node keeps its neighbours: as many as make a majority with itself.
            Fault::Ring => {
                let keeps = |a: usize, b: usize| (a + nodes.len() - b) % nodes.len() <= 1 || (b + nodes.len() - a) % nodes.len() <= 1;
                let pairs = (0..nodes.len()).flat_map(|a| (0..a).map(move |b| (a, b)));
                let far: Vec<(usize, usize)> = pairs.filter(|(a, b)| !keeps(*a, *b)).collect();
                match far.is_empty() {
                    // With three nodes everybody is a neighbour: one pair does not see each other.
                    true => both(nodes[0], nodes[1]).to_vec(),
                    false => far.into_iter().flat_map(|(a, b)| both(nodes[a], nodes[b])).collect(),
                }
            }
            Fault::Bridge => {
                let half = nodes.len() / 2;
                between(&nodes[..half], &nodes[half + 1..])
            }
            Fault::OneWay => all.into_iter().filter(|other| *other != victim).map(|other| (victim, other)).collect(),
            Fault::ClientCut => vec![(CLIENTS, victim)],
            _ => {
                let others: Vec<u64> = all.into_iter().filter(|other| *other != victim).collect();
                between(&[victim], &others)
            }
        }
    }

    pub(super) async fn flap(&mut self, victim: u64) -> anyhow::Result<(bool, String)> {
        let before = self.cluster.network.touched();
        let until = tokio::time::Instant::now() + self.lasts;
        let mut times = 0;
        while tokio::time::Instant::now() < until {
            for other in self.cluster.linked().into_iter().filter(|other| *other != victim) {
                self.cluster.network.set(victim, other, CUT);
                self.cluster.network.set(other, victim, CUT);
            }
            tokio::time::sleep(Duration::from_millis(50 + self.draw.below(400))).await;
            self.cluster.network.heal();
            tokio::time::sleep(Duration::from_millis(50 + self.draw.below(400))).await;
            times += 1;
        }
        Ok((self.cluster.network.touched() > before, format!("node {victim}, {times} times")))
    }

    pub(super) async fn bend(&mut self, link: Link) -> anyhow::Result<(bool, String)> {
        let before = self.cluster.network.touched();
        let nodes = self.cluster.linked();
        for from in &nodes {
            nodes.iter().for_each(|to| self.cluster.network.set(*from, *to, link));
        }
        self.rest().await;
        self.cluster.network.heal();
        Ok((self.cluster.network.touched() > before, format!("{link:?}")))
    }

    pub(super) async fn skew(&mut self, fault: Fault, victim: u64) -> anyhow::Result<(bool, String)> {
        let file = self.cluster.clock_file(victim);
        let lie = match fault {
            Fault::ClockJump => format!("{}{}", ["+", "-"][self.draw.below(2) as usize], 1 + self.draw.below(3600)),
            _ => format!("+0 x{}", ["0.5", "2.0"][self.draw.below(2) as usize]),
        };
        std::fs::write(&file, &lie)?;
        self.rest().await;
        // Seen from outside: the node's own answers carry its clock in the header `Date`; what counts is that the file was read.
        std::fs::write(&file, "+0")?;
        Ok((self.cluster.is_running(victim), format!("node {victim}: {lie}")))
    }
}
