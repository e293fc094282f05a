//! The part of the house around a place: the nearest seats, scaled to a square.

use boxoffice_ledger::plan::{Plan, Point, SeatIndex};
use boxoffice_ledger::tickets::TicketRecord;

/// Most seats that are drawn.
const SEATS_MAX: usize = 220;

/// What is drawn, in a square whose sides run from 0 to 1, rightwards and downwards.
pub struct Excerpt {
    /// Seats around, without the place itself.
    pub seats: Vec<(f32, f32)>,
    /// The place; in the middle.
    pub place: (f32, f32),
    /// Radius of a seat.
    pub radius: f32,
    /// Unit vector towards the stage or pitch; `None` when the place is there.
    pub towards: Option<(f32, f32)>,
}

/// The excerpt around a ticket's place; `None` if the plan does not have it.
pub fn around(plan: &Plan, ticket: &TicketRecord) -> Option<Excerpt> {
    let seats = plan.sections.iter().flat_map(|section| &section.rows).flat_map(|row| &row.seats);
    let mut seats: Vec<(SeatIndex, Point)> = (0..).map(SeatIndex).zip(seats.map(|seat| seat.at)).collect();
    let at = match (ticket.seat, ticket.area) {
        (Some(seat), _) => seats.get(seat.0 as usize)?.1,
        (None, Some(area)) => plan.areas.get(usize::from(area.0))?.at,
        (None, None) => return None,
    };
    seats.retain(|(seat, _)| Some(*seat) != ticket.seat);
    let far = |point: Point| offset(point, at).map(i64::abs).into_iter().max().unwrap_or(0);
    if seats.len() > SEATS_MAX {
        seats.select_nth_unstable_by_key(SEATS_MAX, |(_, point)| far(*point));
        seats.truncate(SEATS_MAX);
    }
    let reach = seats.iter().map(|(_, point)| far(*point)).max().unwrap_or(0).max(1) as f32;
    let scaled = |point: Point| {
        let [x, y] = offset(point, at).map(|distance| distance as f32 / reach * 0.46 + 0.5);
        (x, y)
    };
    let nearest = seats.iter().map(|(_, point)| length(offset(*point, at))).filter(|far| *far > 0.0).fold(f32::INFINITY, f32::min);
    let radius = (nearest / reach * 0.46 * 0.4).clamp(0.004, 0.02);
    let towards = offset(plan.focal, at);
    let length = length(towards);
    Some(Excerpt {
        seats: seats.iter().map(|(_, point)| scaled(*point)).collect(),
        place: (0.5, 0.5),
        radius,
        towards: (length > 0.0).then(|| (towards[0] as f32 / length, towards[1] as f32 / length)),
    })
}

/// From `origin` to a point. Wide enough for any two points.
fn offset(point: Point, origin: Point) -> [i64; 2] {
    [i64::from(point.x) - i64::from(origin.x), i64::from(point.y) - i64::from(origin.y)]
}

fn length([x, y]: [i64; 2]) -> f32 {
    (x as f32).hypot(y as f32)
}
