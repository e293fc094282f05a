//! The index itself: opened or started anew, changed by commits that carry a position, asked through a fixed view.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use tantivy::directory::error::{LockError, OpenReadError};
use tantivy::indexer::{IndexWriterOptions, LogMergePolicy};
use tantivy::query::AllQuery;
use tantivy::schema::Term;
use tantivy::{IndexReader, IndexWriter, ReloadPolicy, Searcher, TantivyError};

use crate::rank::Best;
use crate::schema::{Fields, VERSION, id_text};
use crate::storage::Storage;
use crate::text;
use crate::{Cursor, EventDoc, HITS_MAX, Hits, Query, SearchError};

/// Memory for documents that are not committed yet, in bytes: the least that tantivy accepts.
const WRITER_BYTES: usize = 15_000_000;
/// Files that tantivy keeps beside its segments.
const META_FILES: [&str; 2] = ["meta.json", ".managed.json"];

/// A handle to the index of this node. Clones share it.
#[derive(Clone)]
pub struct Index {
    inner: Arc<Inner>,
}

struct Inner {
    fields: Fields,
    reader: IndexReader,
    writer: Mutex<IndexWriter>,
    /// What searches see, and the position that it reflects.
    view: RwLock<View>,
}

#[derive(Clone)]
struct View {
    searcher: Searcher,
    position: Option<u64>,
}

impl Index {
    /// Opens the index in `dir`, which it has to itself. An index that is missing, damaged or of another version is started
    /// anew: then [`Index::position`] is none and the caller fills it.
    ///
    /// # Errors
    /// [`SearchError::Busy`] if it is open already, [`SearchError::Folder`] if the folder cannot be used.
    pub fn open(dir: &Path) -> Result<Index, SearchError> {
        fs::create_dir_all(dir).map_err(SearchError::Folder)?;
        match catch_unwind(AssertUnwindSafe(|| open_existing(dir))) {
            Ok(Ok(Some(inner))) => return Ok(Index { inner: Arc::new(inner) }),
            Ok(Ok(None)) => {}
            Ok(Err(error)) if is_busy(&error) => return Err(SearchError::Busy),
            Ok(Err(error)) => tracing::warn!(%error, "the search index is damaged and starts empty"),
            Err(_) => tracing::warn!("the search index is damaged and starts empty"),
        }
        fs::remove_dir_all(dir).and_then(|()| fs::create_dir_all(dir)).map_err(SearchError::Folder)?;
        let inner = create(dir).map_err(|error| if is_busy(&error) { SearchError::Busy } else { failed(error) })?;
        Ok(Index { inner: Arc::new(inner) })
    }

    /// The catalog position that the index reflects; none until it was filled.
    pub fn position(&self) -> Option<u64> {
        self.inner.view.read().position
    }

    /// How many events it holds.
    pub fn len(&self) -> u64 {
        self.inner.view.read().searcher.num_docs()
    }

    /// Whether it holds no event.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes in a piece of the catalog's log up to `position`: one commit, searchable when this returns. Deletes come first, and
    /// the last of several upserts of an event holds. Pieces before the current position are already in, and are ignored;
    /// pieces at it may be repeated.
    ///
    /// # Errors
    /// [`SearchError::Index`]: nothing of it was taken in.
    pub fn apply(&self, upserts: Vec<EventDoc>, deletes: Vec<u128>, position: u64) -> Result<(), SearchError> {
        let mut writer = self.inner.writer.lock();
        if self.position().is_some_and(|current| position < current) {
            return Ok(());
        }
        self.inner.commit(&mut writer, position, |writer, fields| {
            for id in deletes {
                writer.delete_term(Term::from_field_text(fields.id, &id_text(id)));
            }
            for event in &upserts {
                writer.delete_term(Term::from_field_text(fields.id, &id_text(event.id)));
                writer.add_document(fields.document(event))?;
            }
            Ok(())
        })
    }

    /// Replaces the whole content, in one commit: after a snapshot was installed, after a restore, or to fill an empty index. The
    /// position may go back. Searches see the old content until this returns.
    ///
    /// # Errors
    /// [`SearchError::Index`]: the old content stays.
    pub fn replace(&self, events: impl IntoIterator<Item = EventDoc>, position: u64) -> Result<(), SearchError> {
        let mut writer = self.inner.writer.lock();
        self.inner.commit(&mut writer, position, |writer, fields| {
            writer.delete_query(Box::new(AllQuery))?;
            for event in events {
                writer.add_document(fields.document(&event))?;
            }
            Ok(())
        })
    }

    /// Finds events, best first: at most `limit` (and [`HITS_MAX`]) after the cursor of the page before.
    ///
    /// # Errors
    /// [`SearchError::Index`] if files cannot be read. No text is an error.
    pub fn search(&self, query: &Query, limit: usize, after: Option<Cursor>) -> Result<Hits, SearchError> {
        let View { searcher, position } = self.inner.view.read().clone();
        let limit = limit.min(HITS_MAX);
        if limit == 0 {
            return Ok(Hits { position, ..Hits::default() });
        }
        let now_us = after.map_or(query.now_us, |cursor| cursor.now_us);
        let best = Best { limit: limit + 1, after, now_us };
        let mut hits = searcher.search(&*self.inner.fields.query(query), &best).map_err(failed)?;
        let more = hits.len() > limit;
        hits.truncate(limit);
        let next = hits.last().filter(|_| more).map(|last| Cursor { score: last.score, id: last.id, now_us });
        Ok(Hits { hits, next, position })
    }
}

impl Inner {
    fn commit(
        &self,
        writer: &mut IndexWriter,
        position: u64,
        change: impl FnOnce(&mut IndexWriter, &Fields) -> tantivy::Result<()>,
    ) -> Result<(), SearchError> {
        let attempt = || {
            change(writer, &self.fields)?;
            let mut prepared = writer.prepare_commit()?;
            prepared.set_payload(&payload(position));
            prepared.commit()?;
            Ok(())
        };
        let outcome: tantivy::Result<()> = attempt();
        if let Err(error) = outcome {
            if let Err(also) = writer.rollback() {
                tracing::warn!(error = %also, "cannot roll the search index back");
            }
            return Err(failed(error));
        }
        self.reader.reload().map_err(failed)?;
        *self.view.write() = View { searcher: self.reader.searcher(), position: Some(position) };
        Ok(())
    }
}

/// Opens what is there. None if there is nothing, or something of another version.
fn open_existing(dir: &Path) -> tantivy::Result<Option<Inner>> {
    if META_FILES.iter().any(|file| !dir.join(file).exists()) {
        return Ok(None);
    }
    let index = tantivy::Index::open(Storage::open(dir)?)?;
    let position = index.load_metas()?.payload.as_deref().and_then(position_of);
    let (schema, _) = Fields::new();
    if index.schema() != schema || position.is_none() {
        return Ok(None);
    }
    if let Some(file) = index.validate_checksum()?.into_iter().next() {
        let error = std::io::Error::new(std::io::ErrorKind::InvalidData, "the checksum does not match");
        return Err(OpenReadError::wrap_io_error(error, file).into());
    }
    start(index, position).map(Some)
}

fn create(dir: &Path) -> tantivy::Result<Inner> {
    let (schema, _) = Fields::new();
    start(tantivy::Index::builder().schema(schema).open_or_create(Storage::open(dir)?)?, None)
}

fn start(index: tantivy::Index, position: Option<u64>) -> tantivy::Result<Inner> {
    index.tokenizers().register(text::ANALYZER, text::analyzer());
    let (_, fields) = Fields::new();
    let options = IndexWriterOptions::builder().memory_budget_per_thread(WRITER_BYTES).num_worker_threads(1).num_merge_threads(1).build();
    let writer: IndexWriter = index.writer_with_options(options)?;
    let mut policy = LogMergePolicy::default();
    // A commit of few events is a segment of its own: merge early, and drop replaced events before they outweigh the rest.
    policy.set_min_num_segments(6);
    policy.set_del_docs_ratio_before_merge(0.3);
    writer.set_merge_policy(Box::new(policy));
    let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
    let view = RwLock::new(View { searcher: reader.searcher(), position });
    Ok(Inner { fields, reader, writer: Mutex::new(writer), view })
}

/// What a commit carries: the version of the index and the position.
fn payload(position: u64) -> String {
    format!("{VERSION}:{position}")
}

fn position_of(payload: &str) -> Option<u64> {
    let (version, position) = payload.split_once(':')?;
    if version.parse() != Ok(VERSION) {
        return None;
    }
    position.parse().ok()
}

fn is_busy(error: &TantivyError) -> bool {
    matches!(error, TantivyError::LockFailure(LockError::LockBusy, _))
}

fn failed(error: TantivyError) -> SearchError {
    SearchError::Index(error.to_string())
}
