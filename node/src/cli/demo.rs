//! The demo: two real houses with an event each. Created once; a second start finds them by the file that the first one wrote.

use std::path::Path;

use anyhow::Context;
use boxoffice_api::client::{Client, EventOrder};
use boxoffice_api::import::{demo, worldcup};
use serde_json::json;

use crate::mint;

/// Said wherever demo events are shown.
pub const DATES_NOTE: &str = "The dates in the source data are past: the demo moves them by whole years into the future.";

/// An event of the demo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DemoEvent {
    /// Its id.
    pub id: String,
    /// For people.
    pub name: String,
    /// How many people its house holds.
    pub seats: u64,
}

/// Creates the demo's events unless an earlier start did.
///
/// # Errors
/// When the cluster refuses or the list cannot be written.
pub async fn seed(data: &Path, urls: &[String], coordinator: &str) -> anyhow::Result<Vec<DemoEvent>> {
    let list = data.join("demo-events");
    if let Ok(text) = std::fs::read_to_string(&list) {
        return text
            .lines()
            .map(read_line)
            .collect::<Option<_>>()
            .with_context(|| format!("{} is damaged: start with --fresh", list.display()));
    }
    let client = Client::new(urls.to_vec(), Some(coordinator.to_owned()))?;
    let events = vec![final_match(&client).await?, concert(&client).await?];
    let text: String = events.iter().map(|event| format!("{}\t{}\t{}\n", event.id, event.seats, event.name)).collect();
    std::fs::write(&list, text).with_context(|| format!("write {}", list.display()))?;
    Ok(events)
}

fn read_line(line: &str) -> Option<DemoEvent> {
    let mut fields = line.splitn(3, '\t');
    let id = fields.next()?.to_owned();
    let seats = fields.next()?.parse().ok()?;
    Some(DemoEvent { id, seats, name: fields.next()?.to_owned() })
}

/// The World Cup final in a bowl of the stadium's real capacity.
async fn final_match(client: &Client) -> anyhow::Result<DemoEvent> {
    let mut tournament = worldcup::read(demo::WORLDCUP_MATCHES, demo::WORLDCUP_STADIUMS)?;
    tournament.shift_into_future(mint::now_ms() * 1000);
    let fixture = tournament.fixtures.iter().find(|fixture| fixture.round == "Final").context("the fixtures have a final")?;
    let stadium = &tournament.stadiums[fixture.stadium];
    let venue = client.create_venue(&stadium.name, &stadium.city, &stadium.country_code, &stadium.time_zone, "demo-final-venue").await?;
    let plan = client.order_bowl(&venue, &stadium.name, stadium.capacity, "demo-final-plan").await?;
    let home = client.create_performer(&fixture.home, "national team", "demo-final-home").await?;
    let away = client.create_performer(&fixture.away, "national team", "demo-final-away").await?;
    let name = format!("{} Final: {}", tournament.name, fixture.name);
    let event = EventOrder {
        name: name.clone(),
        description: format!("The final of the {}, {} local time in the source data.", tournament.name, fixture.local_start),
        category: "sport".into(),
        venue,
        performers: vec![home, away],
        starts_at_us: fixture.starts_at_us,
        currency: "USD".into(),
        prices: (0..plan.levels as u64).map(|level| 89_000_u64.saturating_sub(level * 11_000).max(12_000)).collect(),
        pricing: Vec::new(),
        per_user_limit: 6,
    };
    let created = client.create_event(&event, "demo-final-event").await?;
    Ok(DemoEvent { id: created.id, name, seats: plan.capacity })
}

/// A concert in the 8,897-seat house of the seats.io sample chart.
async fn concert(client: &Client) -> anyhow::Result<DemoEvent> {
    let venue = client.create_venue("Race Track", "Brussels", "BE", "Europe/Brussels", "demo-concert-venue").await?;
    let plan = client.upload_plan(&venue, demo::SEATSIO_ZONES.to_vec(), None, "demo-concert-plan").await?;
    let band = client.create_performer("Midnight Radio", "band", "demo-concert-band").await?;
    let name = "Midnight Radio at the Race Track".to_owned();
    let starts = worldcup::Shift::into_future(CONCERT_STARTS_US, mint::now_ms() * 1000).apply(CONCERT_STARTS_US);
    let prices: Vec<u64> = (0..plan.levels as u64).map(|level| 6_500 - level.min(5) * 1_000).collect();
    let event = EventOrder {
        name: name.clone(),
        description: "An open-air concert; the house is the seats.io sample chart with zones.".into(),
        category: "concert".into(),
        venue,
        performers: vec![band],
        starts_at_us: starts,
        currency: "EUR".into(),
        pricing: pricing(&prices, mint::now_ms() * 1000, starts),
        prices,
        per_user_limit: 8,
    };
    let created = client.create_event(&event, "demo-concert-event").await?;
    Ok(DemoEvent { id: created.id, name, seats: plan.capacity })
}

/// Prices of the concert follow demand: everything should be sold evenly until it begins, at two thirds to twice the price.
fn pricing(prices: &[u64], now_us: u64, starts_us: u64) -> Vec<serde_json::Value> {
    let moment = |us: u64| i64::try_from(us).ok().and_then(|us| jiff::Timestamp::from_microsecond(us).ok()).map(|at| at.to_string());
    let curve = json!([{"at": moment(now_us), "sold_bps": 0}, {"at": moment(starts_us), "sold_bps": 10_000}]);
    let policy = |&price: &u64| {
        json!({
            "type": "demand", "curve": curve, "floor": price * 2 / 3, "ceiling": price * 2, "step_max": price / 20, "interval_s": 60,
        })
    };
    prices.iter().map(policy).collect()
}

/// 20 June 2026, 20:00 in Brussels.
const CONCERT_STARTS_US: u64 = 1_781_978_400_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_list_reads_back() {
        let event = read_line("evt_1\t82500\tA\tname").unwrap();
        assert_eq!(event, DemoEvent { id: "evt_1".into(), seats: 82_500, name: "A\tname".into() });
        assert_eq!(read_line("evt_1\tmany\tname"), None);
    }
}
