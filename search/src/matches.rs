//! Intersects the lists of a segment, one after the other, the shortest first. What fits so far is kept as plain arrays, so each step
//! is a loop over numbers that processors like, and costs no more than the list or what is left.

use std::io;

use tantivy::postings::BlockSegmentPostings;
use tantivy::{DocId, SegmentReader, TERMINATED};

use crate::sources::{Leg, Source};
use crate::worth::{Worth, Worths};

/// What looking one event up in one list costs, and reading one event of a list as a whole, beside clearing a place
/// for one. Rough figures, of which only the ratio counts.
const LOOK_UP: usize = 100;
const READ: usize = 13;

/// Events of a segment that fit, in order, with what their words count.
#[derive(Default)]
pub(crate) struct Matches {
    pub docs: Vec<DocId>,
    pub worths: Vec<Worth>,
    /// A place for every event of the segment: 1 more than what it counts, 0 for none.
    marks: Vec<Worth>,
}

impl Matches {
    /// Everything that is not deleted and has all `legs`; what it has of `extra` counts too.
    pub fn find(segment: &SegmentReader, mut legs: Vec<&Leg>, extra: &[&Leg]) -> io::Result<Matches> {
        let mut matches = Matches::default();
        legs.sort_by_key(|leg| leg.len());
        let Some((first, rest)) = legs.split_first() else {
            matches.docs = segment.doc_ids_alive().collect();
            matches.worths = vec![0; matches.docs.len()];
            return Ok(matches);
        };
        matches.begin(first, segment.max_doc() as usize)?;
        for leg in rest {
            let found = matches.look_up(leg, segment.max_doc() as usize)?;
            matches.keep(&found);
        }
        if let Some(alive) = segment.alive_bitset() {
            matches.retain(|doc| alive.is_alive(doc));
        }
        for leg in extra {
            let found = matches.look_up(leg, segment.max_doc() as usize)?;
            for (worth, found) in matches.worths.iter_mut().zip(found) {
                *worth += found.saturating_sub(1);
            }
        }
        Ok(matches)
    }

    fn begin(&mut self, leg: &Leg, max_doc: usize) -> io::Result<()> {
        if let [source] = leg.sources.as_slice() {
            self.docs.reserve(source.len());
            self.worths.reserve(source.len());
            return source.copy(&mut self.docs, &mut self.worths);
        }
        if leg.len() > max_doc / 16 {
            self.mark(leg, max_doc)?;
            let marked = self.marks.iter().enumerate().filter(|(_, mark)| **mark > 0);
            (self.docs, self.worths) = marked.map(|(doc, mark)| (doc as DocId, mark - 1)).unzip();
            return Ok(());
        }
        let mut found: Vec<(DocId, Worth)> = Vec::with_capacity(leg.len());
        for source in &leg.sources {
            source.each(|doc, worth| found.push((doc, Worth::MAX - worth)))?;
        }
        // The best of equal ones comes first.
        found.sort_unstable();
        found.dedup_by_key(|(doc, _)| *doc);
        (self.docs, self.worths) = found.into_iter().map(|(doc, rest)| (doc, Worth::MAX - rest)).unzip();
        Ok(())
    }

    /// What each event counts in a leg, and 1; 0 for those that it does not have.
    fn look_up(&mut self, leg: &Leg, max_doc: usize) -> io::Result<Vec<Worth>> {
        let (seeking, marking) = (LOOK_UP * self.docs.len() * leg.sources.len(), READ * leg.len() + max_doc);
        if marking < seeking {
            self.mark(leg, max_doc)?;
            return Ok(self.docs.iter().map(|doc| self.marks[*doc as usize]).collect());
        }
        let mut found = vec![0; self.docs.len()];
        for source in &leg.sources {
            source.seek(&self.docs, &mut found)?;
        }
        Ok(found)
    }

    fn mark(&mut self, leg: &Leg, max_doc: usize) -> io::Result<()> {
        self.marks.clear();
        self.marks.resize(max_doc, 0);
        if let [source] = leg.sources.as_slice() {
            return source.each(|doc, worth| self.marks[doc as usize] = worth + 1);
        }
        for source in &leg.sources {
            source.each(|doc, worth| {
                let mark = &mut self.marks[doc as usize];
                *mark = (*mark).max(worth + 1);
            })?;
        }
        Ok(())
    }

    /// Keeps what was found, and adds what it counts.
    fn keep(&mut self, found: &[Worth]) {
        let mut kept = 0;
        for (at, &found) in found.iter().enumerate() {
            // Always written, so that nothing has to be guessed.
            self.docs[kept] = self.docs[at];
            self.worths[kept] = self.worths[at] + found.saturating_sub(1);
            kept += usize::from(found > 0);
        }
        self.docs.truncate(kept);
        self.worths.truncate(kept);
    }

    /// Keeps the events that fit.
    pub fn retain(&mut self, fits: impl Fn(DocId) -> bool) {
        let mut kept = 0;
        for at in 0..self.docs.len() {
            (self.docs[kept], self.worths[kept]) = (self.docs[at], self.worths[at]);
            kept += usize::from(fits(self.docs[at]));
        }
        self.docs.truncate(kept);
        self.worths.truncate(kept);
    }
}

impl Source {
    /// Goes through all events with what they count.
    fn each(&self, mut visit: impl FnMut(DocId, Worth)) -> io::Result<()> {
        match self {
            Source::Phrase { docs, worth } => docs.iter().for_each(|doc| visit(*doc, *worth)),
            Source::Term { index, info, worths } => {
                let mut list = Source::open(index, info, worths)?;
                while !list.docs().is_empty() {
                    for (at, &doc) in list.docs().iter().enumerate() {
                        visit(doc, worth_of(&list, at, worths));
                    }
                    list.advance();
                }
            }
        }
        Ok(())
    }

    /// Copies all events and what they count, a block of the list at once.
    fn copy(&self, docs: &mut Vec<DocId>, worths: &mut Vec<Worth>) -> io::Result<()> {
        match self {
            Source::Phrase { docs: listed, worth } => {
                docs.extend_from_slice(listed);
                worths.resize(docs.len(), *worth);
            }
            Source::Term { index, info, worths: graded } => {
                let mut list = Source::open(index, info, graded)?;
                while !list.docs().is_empty() {
                    docs.extend_from_slice(list.docs());
                    // Empty if there is but one grade.
                    worths.extend(list.freqs().iter().map(|grade| graded[(*grade as usize).min(graded.len() - 1)]));
                    worths.resize(docs.len(), graded[0]);
                    list.advance();
                }
            }
        }
        Ok(())
    }

    /// Looks up `docs`, which are in order: raises `found` to what they count here and 1.
    fn seek(&self, docs: &[DocId], found: &mut [Worth]) -> io::Result<()> {
        match self {
            Source::Phrase { docs: listed, worth } => {
                for (doc, found) in docs.iter().zip(found) {
                    if listed.binary_search(doc).is_ok() {
                        *found = (*found).max(worth + 1);
                    }
                }
            }
            Source::Term { index, info, worths } => {
                let mut list = Source::open(index, info, worths)?;
                for (&doc, found) in docs.iter().zip(found) {
                    let at = list.seek(doc);
                    match list.doc(at) {
                        TERMINATED => break,
                        here if here == doc => *found = (*found).max(worth_of(&list, at, worths) + 1),
                        _ => {}
                    }
                }
            }
        }
        Ok(())
    }
}

fn worth_of(list: &BlockSegmentPostings, at: usize, worths: &Worths) -> Worth {
    worths[(list.freq(at) as usize).min(worths.len() - 1)]
}
