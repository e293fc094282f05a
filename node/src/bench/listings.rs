//! Events by the hundred thousand, made of the real listings: their words, halls and people, in other cities and on other days.
//! The same number gives the same events in every run.

use boxoffice_api::import::listings::{self, Artist, Listing, Place};
use boxoffice_api::import::{demo, worldcup};

/// Cities that events are moved to.
const CITIES: [(&str, &str, &str); 24] = [
    ("Amsterdam", "NL", "Europe/Amsterdam"),
    ("Athens", "GR", "Europe/Athens"),
    ("Barcelona", "ES", "Europe/Madrid"),
    ("Berlin", "DE", "Europe/Berlin"),
    ("Boston", "US", "America/New_York"),
    ("Brussels", "BE", "Europe/Brussels"),
    ("Chicago", "US", "America/Chicago"),
    ("Chișinău", "MD", "Europe/Chisinau"),
    ("Düsseldorf", "DE", "Europe/Berlin"),
    ("Edinburgh", "GB", "Europe/London"),
    ("Guadalajara", "MX", "America/Mexico_City"),
    ("Helsinki", "FI", "Europe/Helsinki"),
    ("Kraków", "PL", "Europe/Warsaw"),
    ("Lisbon", "PT", "Europe/Lisbon"),
    ("Los Angeles", "US", "America/Los_Angeles"),
    ("Montréal", "CA", "America/Toronto"),
    ("New York", "US", "America/New_York"),
    ("Osaka", "JP", "Asia/Tokyo"),
    ("São Paulo", "BR", "America/Sao_Paulo"),
    ("Seoul", "KR", "Asia/Seoul"),
    ("Sydney", "AU", "Australia/Sydney"),
    ("Toronto", "CA", "America/Toronto"),
    ("Vienna", "AT", "Europe/Vienna"),
    ("Zürich", "CH", "Europe/Zurich"),
];
/// What events are called beside their names.
const SERIES: [&str; 12] = [
    "Gala",
    "Matinee",
    "Late Night",
    "Festival",
    "Encore",
    "Opening Night",
    "Family Day",
    "Open Air",
    "Benefit",
    "Premiere",
    "Jubilee",
    "Farewell",
];
const HOUR_US: u64 = 3_600_000_000;
/// Events lie within so many hours.
const HOURS: u64 = 2 * 365 * 24;

/// A stream of numbers that looks random and is the same in every run (xorshift).
pub struct Numbers(u64);

impl Numbers {
    /// Begins with a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// The next number below `most`, which is at least 1.
    pub fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % most.max(1)
    }

    /// One of some.
    pub fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

/// The real listings: concerts, conferences, matches.
///
/// # Errors
/// When an embedded file cannot be read.
pub fn real() -> anyhow::Result<Vec<Listing>> {
    let mut all = listings::read(demo::ORCHESTRA)?.listings;
    all.extend(listings::read(demo::CONFERENCES)?.listings);
    let cup = worldcup::read(demo::WORLDCUP_MATCHES, demo::WORLDCUP_STADIUMS)?;
    for (number, fixture) in cup.fixtures.iter().enumerate() {
        let stadium = &cup.stadiums[fixture.stadium];
        let team = |name: &String| Artist { name: name.clone(), genre: "national team".into() };
        all.push(Listing {
            key: format!("worldcup:{number}"),
            name: format!("{} {}: {}", cup.name, fixture.round, fixture.name),
            description: fixture.group.clone().unwrap_or_default(),
            category: "sport".into(),
            place: Place {
                name: stadium.name.clone(),
                city: stadium.city.clone(),
                country: stadium.country_code.clone(),
                time_zone: stadium.time_zone.clone(),
                capacity: stadium.capacity,
            },
            artists: vec![team(&fixture.home), team(&fixture.away)],
            starts_at_us: fixture.starts_at_us,
        });
    }
    Ok(all)
}

/// So many events made of `real` ones, all after `from_us`.
pub fn synthetic(real: &[Listing], count: usize, from_us: u64) -> impl Iterator<Item = Listing> + '_ {
    (0..count).map(move |number| {
        let mut numbers = Numbers::new(number as u64 + 1);
        let base = &real[number % real.len()];
        let (city, country, time_zone) = *numbers.of(&CITIES);
        let guest = numbers.of(real).artists.first().cloned();
        let series = numbers.of(&SERIES);
        let mut artists: Vec<Artist> = base.artists.iter().take(4).cloned().collect();
        artists.extend(guest.filter(|guest| !artists.contains(guest)));
        Listing {
            key: format!("synthetic:{number}"),
            name: format!("{} {series} {}", base.name, numbers.below(1_000)),
            description: base.description.chars().take(300).collect(),
            category: base.category.clone(),
            place: Place {
                name: format!("{} {}", base.place.name, numbers.below(20)),
                city: city.into(),
                country: country.into(),
                time_zone: time_zone.into(),
                capacity: 500,
            },
            artists,
            starts_at_us: from_us + numbers.below(HOURS as usize) as u64 * HOUR_US,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_number_gives_the_same_events() {
        let real = real().unwrap();
        assert_eq!(real.len(), 241 + 43 + 104);
        let some: Vec<Listing> = synthetic(&real, 1_000, 5).collect();
        assert_eq!(some, synthetic(&real, 1_000, 5).collect::<Vec<_>>());
        let cities: std::collections::BTreeSet<&str> = some.iter().map(|listing| listing.place.city.as_str()).collect();
        assert!(cities.len() == CITIES.len() && some.iter().all(|listing| listing.starts_at_us >= 5 && listing.name.len() <= 200));
    }
}
