//! `PlanIndex`: where the seats of a plan are, by index and by label. Built once for a plan.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;

use hashbrown::HashTable;

use super::{Plan, Row, Seat, SeatIndex, Section, SectionIndex};
use crate::cow::CowKey;

/// Where a seat is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeatPlace {
    /// Its section.
    pub section: SectionIndex,
    /// Its row, counted through the whole plan.
    pub row: u32,
    /// Its row, counted within the section.
    pub row_in_section: u32,
    /// Its place in the row, from 0.
    pub seat: u32,
}

/// A plan with its lookups. Rows are numbered through the whole plan; seats of a row, and rows of a section, are contiguous.
#[derive(Clone, Debug)]
pub struct PlanIndex {
    plan: Arc<Plan>,
    /// First seat of each row, and the number of seats at the end.
    row_starts: Vec<u32>,
    /// First row of each section, and the number of rows at the end.
    section_starts: Vec<u32>,
    row_sections: Vec<SectionIndex>,
    /// Row of each seat.
    seat_rows: Vec<u32>,
    /// Seats by the hash of their label.
    labels: HashTable<SeatIndex>,
}

impl PlanIndex {
    /// Indexes a plan that passed [`Plan::validate`]. For any other it does not fail, but lookups may miss.
    #[must_use]
    pub fn new(plan: Arc<Plan>) -> Self {
        let seats = plan.seat_count() as usize;
        let mut index = Self {
            row_starts: alloc::vec![0],
            section_starts: alloc::vec![0],
            row_sections: Vec::new(),
            seat_rows: Vec::with_capacity(seats),
            labels: HashTable::with_capacity(seats),
            plan: Arc::clone(&plan),
        };
        for (number, section) in plan.sections.iter().enumerate() {
            for row in &section.rows {
                index.add_row(SectionIndex(number as u16), section, row);
            }
            index.section_starts.push(index.row_sections.len() as u32);
        }
        index
    }

    fn add_row(&mut self, number: SectionIndex, section: &Section, row: &Row) {
        let row_number = self.row_sections.len() as u32;
        self.row_sections.push(number);
        for seat in &row.seats {
            let index = SeatIndex(self.seat_rows.len() as u32);
            self.seat_rows.push(row_number);
            // Hashes are stored with no seat's label, so growing would have to rebuild them: there is room for all already.
            let hash = label_of(section, row, seat).as_str().hash64();
            self.labels.insert_unique(hash, index, |_| hash);
        }
        self.row_starts.push(self.seat_rows.len() as u32);
    }

    /// The plan.
    #[must_use]
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// How many numbered seats it has.
    #[must_use]
    pub fn seat_count(&self) -> u32 {
        self.seat_rows.len() as u32
    }

    /// How many rows it has.
    #[must_use]
    pub fn row_count(&self) -> u32 {
        self.row_sections.len() as u32
    }

    /// Where a seat is.
    #[must_use]
    pub fn place(&self, seat: SeatIndex) -> Option<SeatPlace> {
        let row = *self.seat_rows.get(seat.0 as usize)?;
        let section = self.row_section(row)?;
        let row_in_section = row - self.section_starts[usize::from(section.0)];
        Some(SeatPlace { section, row, row_in_section, seat: seat.0 - self.row_starts[row as usize] })
    }

    /// The seat itself.
    #[must_use]
    pub fn seat(&self, seat: SeatIndex) -> Option<&Seat> {
        self.parts(seat).map(|(_, _, seat)| seat)
    }

    /// A seat with its row and section.
    #[must_use]
    pub fn parts(&self, seat: SeatIndex) -> Option<(&Section, &Row, &Seat)> {
        let place = self.place(seat)?;
        let section = self.plan.sections.get(usize::from(place.section.0))?;
        let row = section.rows.get(place.row_in_section as usize)?;
        Some((section, row, row.seats.get(place.seat as usize)?))
    }

    /// A seat's label for people and APIs: `SECTION-ROW-SEAT`.
    #[must_use]
    pub fn label(&self, seat: SeatIndex) -> Option<String> {
        self.parts(seat).map(|(section, row, seat)| label_of(section, row, seat))
    }

    /// The seat with this label.
    #[must_use]
    pub fn find(&self, label: &str) -> Option<SeatIndex> {
        self.labels.find(label.hash64(), |&seat| self.label(seat).is_some_and(|known| known == label)).copied()
    }

    /// The section of a row.
    #[must_use]
    pub fn row_section(&self, row: u32) -> Option<SectionIndex> {
        self.row_sections.get(row as usize).copied()
    }

    /// The seats of a row.
    #[must_use]
    pub fn row_seats(&self, row: u32) -> Option<Range<u32>> {
        range(&self.row_starts, row as usize)
    }

    /// The rows of a section.
    #[must_use]
    pub fn section_rows(&self, section: SectionIndex) -> Option<Range<u32>> {
        range(&self.section_starts, usize::from(section.0))
    }

    /// The seats of a section.
    #[must_use]
    pub fn section_seats(&self, section: SectionIndex) -> Option<Range<u32>> {
        let rows = self.section_rows(section)?;
        Some(self.row_starts[rows.start as usize]..self.row_starts[rows.end as usize])
    }
}

fn range(starts: &[u32], number: usize) -> Option<Range<u32>> {
    Some(*starts.get(number)?..*starts.get(number + 1)?)
}

/// The label of a seat.
pub(super) fn label_of(section: &Section, row: &Row, seat: &Seat) -> String {
    format!("{}-{}-{}", section.name, row.name, seat.name)
}

#[cfg(test)]
mod tests {
    use super::super::tests::small;
    use super::*;

    #[test]
    fn places_labels_and_ranges_agree() {
        let index = PlanIndex::new(Arc::new(small()));
        assert_eq!((index.seat_count(), index.row_count()), (7, 3));
        assert_eq!(index.section_seats(SectionIndex(0)), Some(0..5));
        assert_eq!(index.section_seats(SectionIndex(1)), Some(5..7));
        assert_eq!(index.section_seats(SectionIndex(2)), None);
        assert_eq!((index.row_seats(1), index.section_rows(SectionIndex(1))), (Some(3..5), Some(2..3)));
        let place = SeatPlace { section: SectionIndex(0), row: 1, row_in_section: 1, seat: 1 };
        assert_eq!(index.place(SeatIndex(4)), Some(place));
        assert_eq!(index.label(SeatIndex(4)).as_deref(), Some("Stalls-B-2"));
        assert_eq!(index.label(SeatIndex(7)), None);
        for seat in (0..7).map(SeatIndex) {
            assert_eq!(index.find(&index.label(seat).unwrap()), Some(seat));
        }
        assert_eq!((index.find("Stalls-B-3"), index.find("")), (None, None));
    }

    #[test]
    fn an_empty_plan_has_no_seats() {
        let index = PlanIndex::new(Arc::new(Plan::default()));
        assert_eq!((index.seat_count(), index.find("A-1-1"), index.place(SeatIndex(0))), (0, None, None));
    }
}
