//! The index itself: opened or started anew, changed by commits that carry a position, asked through a fixed view.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use tantivy::TantivyError;
use tantivy::directory::error::LockError;

use crate::facets::Counting;
use crate::filters;
use crate::folder::{Generation, generations, keep_only};
use crate::generation::{self, FILL_BYTES, Live, UPDATE_BYTES, View};
use crate::matches::Matches;
use crate::query::asked;
use crate::rank::{Best, Ranking};
use crate::schema::{Fields, VERSION};
use crate::sources::{Leg, Legs, Lookup};
use crate::suggest::{Suggestion, suggest};
use crate::worth::NOTHING_ASKED;
use crate::{Cursor, EventDoc, HITS_MAX, Hits, Prints, Query, SearchError};

/// A handle to the index of this node. Clones share it.
#[derive(Clone)]
pub struct Index {
    shared: Arc<Shared>,
}

struct Shared {
    root: PathBuf,
    /// What serves. Replaced as a whole by [`Index::replace`].
    live: RwLock<Arc<Live>>,
    /// Held by whoever changes the index.
    changing: Mutex<()>,
}

impl Index {
    /// Opens the index in `dir`, which it has to itself. One that is missing or damaged is started anew: then
    /// [`Index::position`] is none. One of an older version serves as it is, if it can. In both cases [`Index::is_due`] is true and
    /// the caller fills it by [`Index::replace`].
    ///
    /// # Errors
    /// [`SearchError::Busy`] if it is open already, [`SearchError::Folder`] if the folder cannot be used.
    pub fn open(dir: &Path) -> Result<Index, SearchError> {
        fs::create_dir_all(dir).map_err(SearchError::Folder)?;
        let found = generations(dir).map_err(SearchError::Folder)?;
        let last = found.iter().map(|generation| generation.number).max().unwrap_or(0);
        for generation in found {
            match catch_unwind(AssertUnwindSafe(|| generation::open(&generation))) {
                Ok(Ok(Some(live))) => return Self::over(dir, live),
                Ok(Ok(None)) => {}
                Ok(Err(error)) if is_busy(&error) => return Err(SearchError::Busy),
                Ok(Err(error)) => tracing::warn!(%error, "the search index is damaged and is built anew"),
                Err(_) => tracing::warn!("the search index is damaged and is built anew"),
            }
        }
        let empty = generation::create(&Generation::new(dir, last + 1), UPDATE_BYTES);
        Self::over(dir, empty.map_err(|error| if is_busy(&error) { SearchError::Busy } else { failed(error) })?)
    }

    fn over(dir: &Path, live: Live) -> Result<Index, SearchError> {
        keep_only(dir, &live.generation.path).map_err(SearchError::Folder)?;
        let shared = Shared { root: dir.to_owned(), live: RwLock::new(Arc::new(live)), changing: Mutex::new(()) };
        Ok(Index { shared: Arc::new(shared) })
    }

    fn live(&self) -> Arc<Live> {
        Arc::clone(&self.shared.live.read())
    }

    fn view(&self) -> (Arc<Live>, View) {
        let live = self.live();
        let view = live.view.read().clone();
        (live, view)
    }

    /// The catalog position that the index reflects; none until it was filled.
    pub fn position(&self) -> Option<u64> {
        self.live().view.read().position
    }

    /// Whether it wants to be filled by [`Index::replace`]: it is empty, or of an older version.
    pub fn is_due(&self) -> bool {
        let live = self.live();
        let empty = live.view.read().position.is_none();
        empty || live.generation.version < VERSION
    }

    /// How many events it holds.
    pub fn len(&self) -> u64 {
        self.live().view.read().searcher.num_docs()
    }

    /// Whether it holds no event.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What the index knows of each of its events, in no order: whoever goes on after a restart has to tell it only what differs.
    ///
    /// # Errors
    /// [`SearchError::Index`] if files cannot be read.
    pub fn prints(&self) -> Result<Vec<(u128, Prints)>, SearchError> {
        let (_, view) = self.view();
        generation::prints(&view.searcher).map_err(failed)
    }

    /// Takes in a piece of the catalog's log up to `position`: one commit, searchable when this returns. Deletes come first, and
    /// the last of several upserts of an event holds. Pieces before the current position are already in, and are ignored;
    /// pieces at it may be repeated.
    ///
    /// # Errors
    /// [`SearchError::Index`]: nothing of it was taken in.
    pub fn apply(&self, upserts: Vec<EventDoc>, deletes: Vec<u128>, position: u64) -> Result<(), SearchError> {
        let _changing = self.shared.changing.lock();
        let live = self.live();
        if live.view.read().position.is_some_and(|current| position < current) {
            return Ok(());
        }
        let changed = live.commit(position, |writer, fields| {
            for id in deletes {
                writer.delete_term(fields.own_term(id));
            }
            for event in &upserts {
                writer.delete_term(fields.own_term(event.id));
                writer.add_document(fields.document(event))?;
            }
            Ok(())
        });
        changed.map_err(failed)
    }

    /// Replaces the whole content: after a restore, to fill an empty index, or one of an older version. The position may go back.
    /// Built beside the old content, which searches see until this returns.
    ///
    /// # Errors
    /// [`SearchError::Index`], [`SearchError::Folder`]: the old content stays.
    pub fn replace(&self, events: impl IntoIterator<Item = EventDoc>, position: u64) -> Result<(), SearchError> {
        let _changing = self.shared.changing.lock();
        let old = self.live();
        let next = Generation::new(&self.shared.root, old.generation.number + 1);
        if next.path.exists() {
            fs::remove_dir_all(&next.path).map_err(SearchError::Folder)?;
        }
        let built = generation::create(&next, FILL_BYTES).and_then(|filling| {
            filling.commit(position, |writer, fields| {
                for event in events {
                    writer.add_document(fields.document(&event))?;
                }
                Ok(())
            })?;
            filling.finish()?;
            generation::open(&next)?.ok_or_else(|| TantivyError::InternalError("the new index is not whole".into()))
        });
        match built {
            Ok(live) => *self.shared.live.write() = Arc::new(live),
            Err(error) => {
                let _ = fs::remove_dir_all(&next.path);
                return Err(failed(error));
            }
        }
        // Searches that run still read its files: they are gone when the last one ends.
        drop(old);
        if let Err(error) = keep_only(&self.shared.root, &next.path) {
            tracing::warn!(%error, "what is left of the old search index goes at the next start");
        }
        Ok(())
    }

    /// Finds events, best first: at most `limit` (and [`HITS_MAX`]) after the cursor of the page before.
    ///
    /// # Errors
    /// [`SearchError::Index`] if files cannot be read. No text is an error.
    pub fn search(&self, query: &Query, limit: usize, after: Option<Cursor>) -> Result<Hits, SearchError> {
        let (live, view) = self.view();
        let limit = limit.min(HITS_MAX);
        if limit == 0 {
            return Ok(Hits { position: view.position, ..Hits::default() });
        }
        let first = find(&live.fields, &view, query, limit, after, after.is_some_and(|cursor| cursor.loose)).map_err(failed)?;
        if after.is_some() || !first.hits.is_empty() {
            return Ok(first);
        }
        find(&live.fields, &view, query, limit, None, true).map_err(failed)
    }

    /// Texts that go on from what was typed, best first: at most `limit` and [`crate::SUGGESTIONS_MAX`], with the position.
    ///
    /// # Errors
    /// [`SearchError::Index`] if files cannot be read. No text is an error.
    pub fn suggest(&self, typed: &str, limit: usize, now_us: u64) -> Result<(Vec<Suggestion>, Option<u64>), SearchError> {
        let (live, view) = self.view();
        let found = suggest(&view.searcher, &live.fields, typed, limit, Ranking::at(now_us)).map_err(failed)?;
        Ok((found, view.position))
    }
}

/// One page; with `loose`, words that are known are looked for with typing errors too.
fn find(fields: &Fields, view: &View, query: &Query, limit: usize, after: Option<Cursor>, loose: bool) -> tantivy::Result<Hits> {
    let now_us = after.map_or(query.now_us, |cursor| cursor.now_us);
    let ranking = Ranking::at(now_us);
    let (mut best, mut counting) = (Best::new(limit + 1, after), Counting::new(&query.facets));
    if let Some(parts) = asked(&query.text).filter(|_| !filters::is_void(query)) {
        let lookup = Lookup { fields, searcher: &view.searcher, loose };
        let mut wanted: Vec<Legs> = parts.iter().map(|part| lookup.part(part)).collect::<tantivy::Result<_>>()?;
        wanted.extend(lookup.filters(query)?);
        let pairs = lookup.pairs(&parts)?;
        for (at, (segment, tables)) in view.searcher.segment_readers().iter().zip(&view.tables).enumerate() {
            let mut matches = Matches::find(segment, of_segment(&wanted, at), &of_segment(&pairs, at))?;
            if parts.is_empty() {
                matches.worths.fill(NOTHING_ASKED);
            }
            filters::narrow(&mut matches, segment, tables, query)?;
            if !matches.docs.is_empty() {
                best.take(&matches, &tables.factors(ranking, segment)?, segment)?;
                counting.take(&matches, tables, segment)?;
            }
        }
    }
    let mut hits = best.hits();
    let more = hits.len() > limit;
    hits.truncate(limit);
    let next = hits.last().filter(|_| more).map(|last| Cursor { score: last.score, id: last.id, now_us, loose });
    Ok(Hits { hits, next, position: view.position, facets: counting.counts() })
}

fn of_segment(legs: &[Legs], at: usize) -> Vec<&Leg> {
    legs.iter().map(|legs| &legs[at]).collect()
}

fn is_busy(error: &TantivyError) -> bool {
    matches!(error, TantivyError::LockFailure(LockError::LockBusy, _))
}

fn failed(error: TantivyError) -> SearchError {
    SearchError::Index(error.to_string())
}
