//! The network between the nodes: links of the harness, which need nothing, or namespaces, which need root and reach clients too.

use clap::ValueEnum;

use crate::links::{Link, Links};
use crate::namespaces::Namespaces;

/// Which network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Net {
    /// Each node reaches each other one through a TCP link of the harness.
    #[default]
    Links,
    /// Each node has a network namespace; packets are dropped by nftables.
    Namespaces,
}

/// The network of a running cluster.
pub enum Network {
    /// See [`Net::Links`].
    Links(Links),
    /// See [`Net::Namespaces`].
    Namespaces(Namespaces),
}

impl Network {
    /// Changes what happens on the way from one node to another.
    pub fn set(&self, from: u64, to: u64, link: Link) {
        match self {
            Self::Links(links) => links.set(from, to, link),
            Self::Namespaces(namespaces) => namespaces.set(from, to, link),
        }
    }

    /// Makes everything good again.
    pub fn heal(&self) {
        match self {
            Self::Links(links) => links.heal(),
            Self::Namespaces(namespaces) => namespaces.heal(),
        }
    }

    /// How many pieces or packets faults have touched so far: shows that they were real.
    #[must_use]
    pub fn touched(&self) -> u64 {
        match self {
            Self::Links(links) => links.touched(),
            Self::Namespaces(namespaces) => namespaces.touched(),
        }
    }

    /// Whether clients can be cut off, and nodes that joined later, too.
    #[must_use]
    pub fn reaches_everybody(&self) -> bool {
        matches!(self, Self::Namespaces(_))
    }
}
