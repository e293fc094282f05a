//! Who and what has which name: venues and performers of the catalog by their names as people compare them.

use std::collections::HashMap;

use boxoffice_api::backend::ImportPlace;
use boxoffice_ledger::catalog::CatalogLedger;
use boxoffice_ledger::ids::{PerformerId, VenueId};
use boxoffice_search::fold;

/// See the module. Follows the catalog when it is told to look; nothing in it is the only copy of anything.
#[derive(Default)]
pub struct Names {
    venues: HashMap<String, VenueId>,
    performers: HashMap<String, PerformerId>,
    /// Versions of what it knows.
    venue_versions: HashMap<VenueId, u64>,
    performer_versions: HashMap<PerformerId, u64>,
}

impl Names {
    /// Takes in what is new in the catalog. An older name keeps finding what it was given to.
    pub fn refresh(&mut self, catalog: &CatalogLedger) {
        for venue in catalog.venues() {
            if self.venue_versions.insert(venue.id, venue.version) != Some(venue.version) {
                self.venues.entry(place(&venue.name, &venue.city)).or_insert(venue.id);
            }
        }
        for performer in catalog.performers() {
            if self.performer_versions.insert(performer.id, performer.version) != Some(performer.version) {
                self.performers.entry(of_person(&performer.name)).or_insert(performer.id);
            }
        }
    }

    /// The venue of this name.
    pub fn venue(&self, name: &str) -> Option<VenueId> {
        self.venues.get(name).copied()
    }

    /// The performer of this name.
    pub fn performer(&self, name: &str) -> Option<PerformerId> {
        self.performers.get(name).copied()
    }
}

/// A place's name and city, as they are compared.
pub fn of_place(wanted: &ImportPlace) -> String {
    place(&wanted.name, &wanted.city)
}

fn place(name: &str, city: &str) -> String {
    format!("{} | {}", fold(name), fold(city))
}

/// A performer's name, as it is compared.
pub fn of_person(name: &str) -> String {
    fold(name)
}
