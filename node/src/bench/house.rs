//! The house that the benchmark sells: a plan of as many seats as asked for, in the pretix layout.

use serde_json::{Value, json};

/// Seats in a row.
const ROW_SEATS: u32 = 50;
/// Rows in a section.
const SECTION_ROWS: u32 = 40;

/// The plan as it is uploaded.
#[must_use]
pub fn plan(seats: u32) -> Value {
    let rows = seats.div_ceil(ROW_SEATS);
    let zones: Vec<Value> = (0..rows.div_ceil(SECTION_ROWS)).map(|section| zone(section, seats)).collect();
    json!({
        "name": format!("Bench hall, {seats} seats"),
        "categories": [{"name": "Standard", "color": "#4a6fa5"}],
        "zones": zones,
        "size": {"width": 2000, "height": 2000},
    })
}

fn zone(section: u32, seats: u32) -> Value {
    let first_row = section * SECTION_ROWS;
    let last_row = (first_row + SECTION_ROWS).min(seats.div_ceil(ROW_SEATS));
    let rows: Vec<Value> = (first_row..last_row)
        .map(|row| {
            let numbers = row * ROW_SEATS..((row + 1) * ROW_SEATS).min(seats);
            let seats: Vec<Value> = numbers
                .map(|seat| {
                    json!({
                        "seat_number": (seat % ROW_SEATS + 1).to_string(),
                        "seat_guid": seat.to_string(),
                        "uuid": seat.to_string(),
                        "position": {"x": seat % ROW_SEATS * 20, "y": 0},
                        "category": "Standard",
                    })
                })
                .collect();
            json!({
                "row_number": (row % SECTION_ROWS + 1).to_string(),
                "row_number_position": "both",
                "position": {"x": 0, "y": row % SECTION_ROWS * 20},
                "seats": seats,
            })
        })
        .collect();
    json!({
        "name": section_name(section),
        "zone_id": section_name(section),
        "position": {"x": section % 5 * 1100, "y": section / 5 * 900},
        "rows": rows,
        "areas": [],
    })
}

fn section_name(section: u32) -> String {
    format!("S{}", section + 1)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_plan_has_every_seat_once() {
        let seats = 2 * SECTION_ROWS * ROW_SEATS + 7;
        let plan = plan(seats);
        let mut names = BTreeSet::new();
        for zone in plan["zones"].as_array().unwrap() {
            for row in zone["rows"].as_array().unwrap() {
                for seat in row["seats"].as_array().unwrap() {
                    assert!(names.insert(format!("{}-{}-{}", zone["name"], row["row_number"], seat["seat_number"])));
                }
            }
        }
        assert_eq!(names.len(), seats as usize);
    }
}
