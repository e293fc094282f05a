//! One generation of the index: its files, its writer, and what searches see of it.

use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use tantivy::columnar::Column;
use tantivy::directory::error::OpenReadError;
use tantivy::indexer::{IndexWriterOptions, LogMergePolicy};
use tantivy::tokenizer::WhitespaceTokenizer;
use tantivy::{IndexReader, IndexWriter, ReloadPolicy, Searcher};

use crate::Prints;
use crate::folder::Generation;
use crate::schema::{CONTENT_PRINT, FIGURES_PRINT, Fields, ID_HIGH, ID_LOW, schema};
use crate::storage::Storage;
use crate::tables::Tables;
use crate::text;

/// Memory for documents that are not committed yet, in bytes: the least that tantivy accepts, and enough to make few segments when
/// an index is built.
pub(crate) const UPDATE_BYTES: usize = 15_000_000;
pub(crate) const FILL_BYTES: usize = 100_000_000;
/// Segments of up to so many events are merged with each other, and larger ones with those that are at most so many times larger.
const SMALL_SEGMENT: u32 = 1_000;
const LAYER_FACTOR: f64 = 3.0;
/// Files that tantivy keeps beside its segments.
const META_FILES: [&str; 2] = ["meta.json", ".managed.json"];

/// An open generation.
pub(crate) struct Live {
    pub generation: Generation,
    pub fields: Fields,
    reader: IndexReader,
    writer: Mutex<IndexWriter>,
    /// What searches see, and the position that it reflects.
    pub view: RwLock<View>,
}

#[derive(Clone)]
pub(crate) struct View {
    pub searcher: Searcher,
    /// Of each of its segments.
    pub tables: Vec<Arc<Tables>>,
    pub position: Option<u64>,
}

/// Opens a generation. None if it was never completed, or lacks a field that searches need.
pub(crate) fn open(generation: &Generation) -> tantivy::Result<Option<Live>> {
    if META_FILES.iter().any(|file| !generation.path.join(file).exists()) {
        return Ok(None);
    }
    let index = tantivy::Index::open(Storage::open(&generation.path)?)?;
    let position = index.load_metas()?.payload.as_deref().and_then(|payload| position_of(payload, generation.version));
    let Some(fields) = Fields::of(&index.schema()).filter(|_| position.is_some()) else { return Ok(None) };
    if let Some(file) = index.validate_checksum()?.into_iter().next() {
        let error = std::io::Error::new(std::io::ErrorKind::InvalidData, "the checksum does not match");
        return Err(OpenReadError::wrap_io_error(error, file).into());
    }
    start(index, generation, fields, position, UPDATE_BYTES).map(Some)
}

/// Starts an empty generation.
pub(crate) fn create(generation: &Generation, writer_bytes: usize) -> tantivy::Result<Live> {
    std::fs::create_dir_all(&generation.path)?;
    let schema = schema();
    let Some(fields) = Fields::of(&schema) else { return Err(tantivy::TantivyError::SchemaError("a field is missing".into())) };
    let index = tantivy::Index::builder().schema(schema).open_or_create(Storage::open(&generation.path)?)?;
    start(index, generation, fields, None, writer_bytes)
}

fn start(
    index: tantivy::Index,
    generation: &Generation,
    fields: Fields,
    position: Option<u64>,
    writer_bytes: usize,
) -> tantivy::Result<Live> {
    index.tokenizers().register(text::ANALYZER, text::analyzer());
    index.tokenizers().register(text::CUT, WhitespaceTokenizer::default());
    let options = IndexWriterOptions::builder().memory_budget_per_thread(writer_bytes).num_worker_threads(1).num_merge_threads(1).build();
    let writer: IndexWriter = index.writer_with_options(options)?;
    let mut policy = LogMergePolicy::default();
    // A commit of few events is a segment of its own: merge early, so that a search opens few lists, but only segments of about
    // the same size, so that an event is written over and over only a few times. Drop replaced events before they outweigh the rest.
    policy.set_min_num_segments(6);
    policy.set_min_layer_size(SMALL_SEGMENT);
    policy.set_level_log_size(LAYER_FACTOR.log2());
    policy.set_del_docs_ratio_before_merge(0.5);
    writer.set_merge_policy(Box::new(policy));
    let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
    let searcher = reader.searcher();
    let view = RwLock::new(View { tables: Tables::of(&searcher, None), searcher, position });
    Ok(Live { generation: generation.clone(), fields, reader, writer: Mutex::new(writer), view })
}

impl Live {
    /// Makes changes and commits them with the position that they lead to. If that fails, nothing has changed.
    pub fn commit(&self, position: u64, change: impl FnOnce(&mut IndexWriter, &Fields) -> tantivy::Result<()>) -> tantivy::Result<()> {
        let mut writer = self.writer.lock();
        let attempt = || {
            change(&mut writer, &self.fields)?;
            let mut prepared = writer.prepare_commit()?;
            prepared.set_payload(&payload(position, self.generation.version));
            prepared.commit()?;
            Ok(())
        };
        let outcome: tantivy::Result<()> = attempt();
        if let Err(error) = outcome {
            if let Err(also) = writer.rollback() {
                tracing::warn!(error = %also, "cannot roll the search index back");
            }
            return Err(error);
        }
        self.reader.reload()?;
        let (before, searcher) = (self.view.read().clone(), self.reader.searcher());
        let tables = Tables::of(&searcher, Some((&before.searcher, &before.tables)));
        *self.view.write() = View { searcher, tables, position: Some(position) };
        Ok(())
    }

    /// Closes it when its merges are done, so that it can be opened for serving with all of its segments as they will be.
    pub fn finish(self) -> tantivy::Result<()> {
        self.writer.into_inner().wait_merging_threads()
    }
}

/// What each event was when it was indexed.
pub(crate) fn prints(searcher: &Searcher) -> tantivy::Result<Vec<(u128, Prints)>> {
    let mut found = Vec::with_capacity(usize::try_from(searcher.num_docs()).unwrap_or(0));
    for segment in searcher.segment_readers() {
        let columns = segment.fast_fields();
        let (high, low) = (columns.u64(ID_HIGH)?, columns.u64(ID_LOW)?);
        let (content, figures) = (columns.u64(CONTENT_PRINT)?, columns.u64(FIGURES_PRINT)?);
        for doc in segment.doc_ids_alive() {
            let number = |column: &Column<u64>| column.first(doc).unwrap_or(0);
            let id = u128::from(number(&high)) << 64 | u128::from(number(&low));
            found.push((id, Prints { content: number(&content), figures: number(&figures) }));
        }
    }
    Ok(found)
}

/// What a commit carries: the version of the index and the position.
fn payload(position: u64, version: u32) -> String {
    format!("{version}:{position}")
}

fn position_of(payload: &str, version: u32) -> Option<u64> {
    let (written, position) = payload.split_once(':')?;
    if written.parse() != Ok(version) {
        return None;
    }
    position.parse().ok()
}
