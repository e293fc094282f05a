//! The fix `renumber`: gives missing and double labels new ones, the same ones each time, and says what it changed.
//!
//! A row label that comes again in a section begins a new block, which becomes a section of its own: that is how plans with
//! double rows are drawn. Other double labels get the next free number behind them.

use std::collections::{BTreeMap, BTreeSet};

use super::draft::{Draft, RowDraft, SectionDraft};
use super::problem::{Code, Problems};

/// Hands out labels that nobody else has.
struct Names {
    taken: BTreeSet<String>,
    /// The original labels that their first owner has already taken up.
    used: BTreeSet<String>,
    next: BTreeMap<String, u32>,
}

impl Names {
    /// All labels that exist already; each stays with its first owner.
    fn new<'a>(existing: impl Iterator<Item = &'a Option<String>>) -> Self {
        Names { taken: existing.flatten().cloned().collect(), used: BTreeSet::new(), next: BTreeMap::new() }
    }

    /// The label itself for its first owner, else a numbered one.
    fn keep_or_number(&mut self, label: &str, joint: char) -> String {
        if self.taken.contains(label) && self.used.insert(label.to_owned()) {
            return label.to_owned();
        }
        self.number(label, joint, 2)
    }

    /// The label if it is free, else a numbered one.
    fn free_or_number(&mut self, label: String, joint: char) -> String {
        if self.taken.insert(label.clone()) {
            self.used.insert(label.clone());
            return label;
        }
        self.number(&label, joint, 2)
    }

    /// The label with the next free number behind it, from `first`.
    fn number(&mut self, label: &str, joint: char, first: u32) -> String {
        let next = self.next.entry(label.to_owned()).or_insert(first);
        loop {
            let numbered = format!("{label}{joint}{next}");
            *next += 1;
            if self.taken.insert(numbered.clone()) {
                self.used.insert(numbered.clone());
                return numbered;
            }
        }
    }
}

/// Gives every part of the draft a label of its own.
pub(super) fn renumber(draft: &mut Draft, notices: &mut Problems) {
    forget_double_ids(draft, notices);
    let mut names = Names::new(draft.sections.iter().map(|section| &section.name).chain(draft.areas.iter().map(|area| &area.name)));
    let mut sections = Vec::new();
    for (position, mut section) in std::mem::take(&mut draft.sections).into_iter().enumerate() {
        name_rows(&mut section.rows, notices);
        let given = section.name.take();
        let blocks = blocks(section);
        if blocks.len() == 1 {
            for mut block in blocks {
                let name = name_or_number(&mut names, given.as_deref(), || format!("Section {}", position + 1), ' ');
                report(notices, &block.pointer, given.as_deref(), &name);
                block.name = Some(name);
                sections.push(block);
            }
            continue;
        }
        let base = given.unwrap_or_else(|| format!("Section {}", position + 1));
        for mut block in blocks {
            let name = names.number(&base, ' ', 1);
            let (first, last) = (row_name(block.rows.first()), row_name(block.rows.last()));
            let detail = format!("{} rows of {base:?}, {first} to {last}, became the section {name:?}.", block.rows.len());
            notices.add(Code::Renumbered, || (block.rows.first().map_or_else(String::new, |row| row.pointer.clone()), detail));
            block.name = Some(name);
            sections.push(block);
        }
    }
    draft.sections = sections;
    for (position, area) in draft.areas.iter_mut().enumerate() {
        let given = area.name.take();
        let name = name_or_number(&mut names, given.as_deref(), || format!("Area {}", position + 1), ' ');
        report(notices, &area.pointer, given.as_deref(), &name);
        area.name = Some(name);
    }
    for row in draft.sections.iter_mut().flat_map(|section| &mut section.rows) {
        name_seats(row, notices);
    }
}

/// Identifiers of seats only serve to find duplicates; a plan names seats by section, row and label.
fn forget_double_ids(draft: &mut Draft, notices: &mut Problems) {
    let seats = || draft.sections.iter().flat_map(|section| &section.rows).flat_map(|row| &row.seats);
    let all = seats().filter(|seat| seat.id.is_some()).count();
    let distinct = seats().filter_map(|seat| seat.id.as_deref()).collect::<BTreeSet<_>>().len();
    if all == distinct {
        return;
    }
    let detail = format!("{all} seats had only {distinct} distinct identifiers; these were dropped, section, row and label name a seat.");
    notices.add(Code::Renumbered, || (String::new(), detail));
    for seat in draft.sections.iter_mut().flat_map(|section| &mut section.rows).flat_map(|row| &mut row.seats) {
        seat.id = None;
    }
}

fn name_rows(rows: &mut [RowDraft], notices: &mut Problems) {
    let mut names = Names::new(rows.iter().map(|row| &row.name));
    for (position, row) in rows.iter_mut().enumerate().filter(|(_, row)| row.name.is_none()) {
        let name = names.free_or_number((position + 1).to_string(), '.');
        report(notices, &row.pointer, None, &name);
        row.name = Some(name);
    }
}

fn name_seats(row: &mut RowDraft, notices: &mut Problems) {
    let mut names = Names::new(row.seats.iter().map(|seat| &seat.name));
    for position in 0..row.seats.len() {
        let given = row.seats[position].name.take();
        let name = name_or_number(&mut names, given.as_deref(), || (position + 1).to_string(), '.');
        if given.as_deref() != Some(&name) {
            report(notices, &row.seat_pointer(position), given.as_deref(), &name);
        }
        row.seats[position].name = Some(name);
    }
}

/// Cuts a section before each row whose label its block already has.
fn blocks(section: SectionDraft) -> Vec<SectionDraft> {
    let mut blocks: Vec<SectionDraft> = Vec::new();
    let mut labels = BTreeSet::new();
    for row in section.rows {
        let again = !labels.insert(row.name.clone());
        match blocks.last_mut() {
            Some(block) if !again => block.rows.push(row),
            _ => {
                labels = BTreeSet::from([row.name.clone()]);
                blocks.push(SectionDraft { name: None, pointer: section.pointer.clone(), rows: vec![row] });
            }
        }
    }
    blocks
}

fn name_or_number(names: &mut Names, given: Option<&str>, position: impl FnOnce() -> String, joint: char) -> String {
    match given {
        Some(given) => names.keep_or_number(given, joint),
        None => names.free_or_number(position(), joint),
    }
}

fn row_name(row: Option<&RowDraft>) -> &str {
    row.and_then(|row| row.name.as_deref()).unwrap_or_default()
}

fn report(notices: &mut Problems, pointer: &str, given: Option<&str>, name: &str) {
    if given != Some(name) {
        let before = given.map_or_else(|| "It had no label".to_owned(), |given| format!("The label {given:?} was taken"));
        notices.add(Code::Renumbered, || (pointer.to_owned(), format!("{before}; it is {name:?} now.")));
    }
}
