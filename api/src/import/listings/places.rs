//! Countries and time zones of cities as calendars write them.

/// Countries: as calendars write them, ISO code, and the time zone where there is (nearly) only one.
const COUNTRIES: [(&[&str], &str, &str); 36] = [
    (&["austria"], "AT", "Europe/Vienna"),
    (&["australia"], "AU", ""),
    (&["belgium"], "BE", "Europe/Brussels"),
    (&["brazil"], "BR", "America/Sao_Paulo"),
    (&["canada"], "CA", ""),
    (&["china"], "CN", "Asia/Shanghai"),
    (&["czech republic", "czechia"], "CZ", "Europe/Prague"),
    (&["denmark"], "DK", "Europe/Copenhagen"),
    (&["estonia"], "EE", "Europe/Tallinn"),
    (&["finland"], "FI", "Europe/Helsinki"),
    (&["france"], "FR", "Europe/Paris"),
    (&["germany"], "DE", "Europe/Berlin"),
    (&["greece"], "GR", "Europe/Athens"),
    (&["hungary"], "HU", "Europe/Budapest"),
    (&["india"], "IN", "Asia/Kolkata"),
    (&["ireland"], "IE", "Europe/Dublin"),
    (&["israel"], "IL", "Asia/Jerusalem"),
    (&["italy"], "IT", "Europe/Rome"),
    (&["japan"], "JP", "Asia/Tokyo"),
    (&["korea", "south korea"], "KR", "Asia/Seoul"),
    (&["malta"], "MT", "Europe/Malta"),
    (&["moldova"], "MD", "Europe/Chisinau"),
    (&["netherlands", "the netherlands"], "NL", "Europe/Amsterdam"),
    (&["norway"], "NO", "Europe/Oslo"),
    (&["poland"], "PL", "Europe/Warsaw"),
    (&["portugal"], "PT", "Europe/Lisbon"),
    (&["romania"], "RO", "Europe/Bucharest"),
    (&["serbia"], "RS", "Europe/Belgrade"),
    (&["singapore"], "SG", "Asia/Singapore"),
    (&["slovakia"], "SK", "Europe/Bratislava"),
    (&["spain"], "ES", "Europe/Madrid"),
    (&["sweden"], "SE", "Europe/Stockholm"),
    (&["switzerland"], "CH", "Europe/Zurich"),
    (&["u.k.", "uk", "united kingdom", "england", "scotland"], "GB", "Europe/London"),
    (&["u.s.a.", "usa", "united states"], "US", ""),
    (&["united arab emirates", "u.a.e."], "AE", "Asia/Dubai"),
];

/// States of the USA by their clocks.
const STATES: [(&str, &str); 7] = [
    ("CT DC DE FL GA IN KY MA MD ME MI NC NH NJ NY OH PA RI SC VA VT WV", "America/New_York"),
    ("AL AR IA IL KS LA MN MO MS ND NE OK SD TN TX WI", "America/Chicago"),
    ("CO ID MT NM UT WY", "America/Denver"),
    ("AZ", "America/Phoenix"),
    ("CA NV OR WA", "America/Los_Angeles"),
    ("AK", "America/Anchorage"),
    ("HI", "Pacific/Honolulu"),
];

/// Cities of countries with several time zones.
const CITIES: [(&str, &str); 10] = [
    ("toronto", "America/Toronto"),
    ("montreal", "America/Toronto"),
    ("ottawa", "America/Toronto"),
    ("vancouver", "America/Vancouver"),
    ("calgary", "America/Edmonton"),
    ("sydney", "Australia/Sydney"),
    ("newcastle", "Australia/Sydney"),
    ("melbourne", "Australia/Melbourne"),
    ("brisbane", "Australia/Brisbane"),
    ("perth", "Australia/Perth"),
];

/// A city with its country and clock.
#[derive(Debug, PartialEq, Eq)]
pub struct City {
    pub name: String,
    pub country: &'static str,
    pub time_zone: &'static str,
}

/// A city as calendars write it ("San Jose, CA" in "U.S.A."); none if its clock is not known here.
pub fn city(name: &str, country: &str) -> Option<City> {
    let wanted = country.to_lowercase();
    let (_, code, zone) = COUNTRIES.iter().find(|(names, ..)| names.contains(&wanted.as_str()))?;
    let (city, region) = name.rsplit_once(',').map_or((name, ""), |(city, region)| (city.trim(), region.trim()));
    let clock = match *code {
        "US" => STATES.iter().find(|(states, _)| states.split(' ').any(|state| state == region)).map(|(_, zone)| *zone),
        _ if zone.is_empty() => CITIES.iter().find(|(known, _)| *known == city.to_lowercase()).map(|(_, zone)| *zone),
        _ => Some(*zone),
    };
    Some(City { name: if *code == "US" { city.to_owned() } else { name.to_owned() }, country: code, time_zone: clock? })
}

/// A place as the orchestra's archive writes it: "Manhattan, NY", "Seoul, KOREA". Boroughs belong to their city.
pub fn location(text: &str) -> Option<City> {
    let (name, region) = text.rsplit_once(',')?;
    let (name, region) = (name.trim(), region.trim());
    let found = city(name, region).or_else(|| city(text, "usa"))?;
    let borough = ["Manhattan", "Brooklyn", "Queens", "Bronx", "Staten Island"].contains(&name) && region == "NY";
    Some(City { name: if borough { "New York".to_owned() } else { found.name }, ..found })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cities_have_clocks() {
        let cases = [
            (city("San Jose, CA", "U.S.A."), "San Jose US America/Los_Angeles"),
            (city("St Julian's", "Malta"), "St Julian's MT Europe/Malta"),
            (city("Newcastle", "Australia"), "Newcastle AU Australia/Sydney"),
            (location("Queens, NY"), "New York US America/New_York"),
            (location("Vail, CO"), "Vail US America/Denver"),
            (location("Seoul, KOREA"), "Seoul KR Asia/Seoul"),
            (location("Incheon, South Korea"), "Incheon KR Asia/Seoul"),
        ];
        for (found, expected) in cases {
            let found = found.unwrap();
            assert_eq!(format!("{} {} {}", found.name, found.country, found.time_zone), expected);
        }
        for unknown in [city("Springfield", "U.S.A."), city("Paris, XX", "U.S.A."), city("Alice Springs", "Australia"), city("A", "")] {
            assert_eq!(unknown, None);
        }
        assert_eq!((location("Nowhere"), location("Here, There")), (None, None));
    }

    #[test]
    fn every_zone_exists() {
        let zones =
            COUNTRIES.iter().map(|(.., zone)| zone).chain(STATES.iter().map(|(_, zone)| zone)).chain(CITIES.iter().map(|(_, zone)| zone));
        for zone in zones.filter(|zone| !zone.is_empty()) {
            assert!(jiff::tz::TimeZone::get(zone).is_ok(), "{zone}");
        }
    }
}
