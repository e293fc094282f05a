//! The real plans and fixtures in `demo/`, embedded. Sources and licences: `demo/README.md`.

/// A stadium in the pretix layout: 738 seats whose labels are not unique, so it needs the fix `renumber`.
pub const PRETIX_STADIUM: &[u8] = include_bytes!("../../../demo/seating/seatmap-canvas-stadium.json");
/// A seats.io chart with 32 seats and two general-admission areas.
pub const SEATSIO_CHART: &[u8] = include_bytes!("../../../demo/seating/seatsio-sampleChart.json");
/// A seats.io chart with sections that hold the categories.
pub const SEATSIO_SECTIONS: &[u8] = include_bytes!("../../../demo/seating/seatsio-sampleChartWithSections.json");
/// A seats.io chart of a race track: 8,897 seats.
pub const SEATSIO_ZONES: &[u8] = include_bytes!("../../../demo/seating/seatsio-sampleChartWithZones.json");
/// A seats.io chart that must be refused.
pub const SEATSIO_ERRORS: &[u8] = include_bytes!("../../../demo/seating/seatsio-sampleChartWithErrors.json");
/// The matches of the 2026 World Cup, for [`super::worldcup::read`].
pub const WORLDCUP_MATCHES: &[u8] = include_bytes!("../../../demo/events/worldcup2026-matches.json");
/// Its stadiums.
pub const WORLDCUP_STADIUMS: &[u8] = include_bytes!("../../../demo/events/worldcup2026-stadiums.json");
/// Two seasons of the New York Philharmonic, for [`super::listings::read`].
pub const ORCHESTRA: &[u8] = include_bytes!("../../../demo/events/nyphil-2024-25.json");
/// Conferences of 2026, for [`super::listings::read`].
pub const CONFERENCES: &[u8] = include_bytes!("../../../demo/events/tech-conferences-2026-general.json");
