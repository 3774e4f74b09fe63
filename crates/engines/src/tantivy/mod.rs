//! The search index on tantivy, in one folder.
//!
//! One writer with one indexing and one merging thread, so that a small machine goes on taking
//! events in. Each commit carries the positions it has reached; after a crash the index stands where
//! its last commit left it, and the follower adds the rest again. Nothing is stored but terms and
//! a few columns: events are read from their trails.

mod documents;
mod fields;
mod marks;
mod queries;
mod scan;
mod top;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ops::Bound;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, RwLock};

use crate::priority::{self, giving_way};
use ::tantivy::directory::MmapDirectory;
use ::tantivy::indexer::{IndexWriterOptions, LogMergePolicy};
use ::tantivy::query::{BooleanQuery, RangeQuery, TermQuery};
use ::tantivy::schema::IndexRecordOption;
use ::tantivy::{IndexBuilder, IndexReader, IndexWriter, ReloadPolicy, Searcher, TantivyError, Term};
use cairn_event::TrailRef;
use cairn_search::{Document, Filter, Hit, Index, IndexError, Order, Reached, Scope};

use documents::Entry;
use fields::Fields;
use marks::Marks;
use queries::weight;
use top::{Key, Ranks, Top};

/// Memory of the documents that wait to be written as a segment.
const WRITER_BYTES: usize = 64 << 20;

/// Segments with more documents are not merged any further, which bounds the work of one merge.
const MERGED_DOCS_MAX: usize = 4_000_000;

/// An index in a folder of its own. Dropping it loses what was not committed.
pub struct TantivyIndex {
    fields: Arc<Fields>,
    reader: IndexReader,
    writer: Mutex<Writer>,
    /// What the last commit made visible.
    visible: RwLock<Arc<Visible>>,
}

struct Writer {
    tantivy: IndexWriter<Entry>,
    /// Trails by ordinal as of the last commit, and those that came since.
    marks: Marks,
}

struct Visible {
    searcher: Searcher,
    marks: Marks,
}

impl std::fmt::Debug for TantivyIndex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TantivyIndex").finish_non_exhaustive()
    }
}

impl TantivyIndex {
    /// Opens the index in `folder`; an empty or missing folder becomes an empty index.
    ///
    /// # Errors
    /// [`IndexError::Unusable`] if the folder holds something else, a damaged index or one of
    /// another version: [`TantivyIndex::recreate`] helps. [`IndexError::Unavailable`] if another
    /// process writes it or the disk refuses.
    pub fn open(folder: &Path) -> Result<Self, IndexError> {
        let fields = Arc::new(Fields::new());
        std::fs::create_dir_all(folder).map_err(|e| unavailable(&e))?;
        let directory = MmapDirectory::open(folder).map_err(|e| unavailable(&e))?;
        let index = IndexBuilder::new()
            .schema(fields.schema())
            .tokenizers(fields::tokenizers())
            .open_or_create(directory)
            .map_err(unusable)?;
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into().map_err(unusable)?;
        let payload = index.load_metas().map_err(unusable)?.payload;
        let marks = match payload {
            Some(text) => Marks::parse(&text)
                .ok_or_else(|| IndexError::Unusable { reason: "its commit is of another version".to_owned() })?,
            None => Marks::default(),
        };
        let options = IndexWriterOptions::builder()
            .memory_budget_per_thread(WRITER_BYTES)
            .num_worker_threads(1)
            .num_merge_threads(1)
            .build();
        let tantivy = giving_way(priority::INDEX, || index.writer_with_options(options)).map_err(failed)?;
        let mut policy = LogMergePolicy::default();
        policy.set_max_docs_before_merge(MERGED_DOCS_MAX);
        tantivy.set_merge_policy(Box::new(policy));
        let visible = Visible { searcher: reader.searcher(), marks: marks.clone() };
        Ok(Self {
            fields,
            reader,
            writer: Mutex::new(Writer { tantivy, marks }),
            visible: RwLock::new(Arc::new(visible)),
        })
    }

    /// Removes `folder` with all that is in it and opens an empty index there.
    ///
    /// # Errors
    /// As for [`TantivyIndex::open`].
    pub fn recreate(folder: &Path) -> Result<Self, IndexError> {
        match std::fs::remove_dir_all(folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(unavailable(&error)),
            _ => Self::open(folder),
        }
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().expect("the holder of the lock returns errors and does not panic")
    }

    fn visible(&self) -> Arc<Visible> {
        let visible = self.visible.read().expect("the lock is only held to copy a pointer");
        Arc::clone(&visible)
    }

    /// Commits with these marks and shows what was committed.
    fn publish(&self, writer: &mut Writer, marks: Marks) -> Result<(), IndexError> {
        let mut prepared = writer.tantivy.prepare_commit().map_err(failed)?;
        prepared.set_payload(&marks.to_text());
        prepared.commit().map_err(failed)?;
        self.reader.reload().map_err(failed)?;
        writer.marks = marks.clone();
        let visible = Arc::new(Visible { searcher: self.reader.searcher(), marks });
        *self.visible.write().expect("the lock is only held to copy a pointer") = visible;
        Ok(())
    }
}

impl Index for TantivyIndex {
    fn add(&self, trail: &TrailRef, documents: Vec<Document>) -> Result<(), IndexError> {
        let mut writer = self.writer();
        let ordinal = writer.marks.ordinal_or_new(trail);
        for document in documents {
            let entry = Entry::new(Arc::clone(&self.fields), ordinal, document);
            writer.tantivy.add_document(entry).map_err(failed)?;
        }
        Ok(())
    }

    fn replace(&self, trail: &TrailRef, document: Document) -> Result<(), IndexError> {
        {
            let mut writer = self.writer();
            let ordinal = writer.marks.ordinal_or_new(trail);
            let number = Bound::Included(i64::try_from(document.numbers.index).unwrap_or(i64::MAX));
            let index = |end: Bound<i64>| end.map(|number| Term::from_field_i64(self.fields.index, number));
            let same_index = RangeQuery::new(index(number), index(number));
            let ordinal = u64::try_from(ordinal).expect("far fewer trails than that");
            let same_trail = TermQuery::new(Term::from_field_u64(self.fields.trail, ordinal), IndexRecordOption::Basic);
            let same = BooleanQuery::intersection(vec![Box::new(same_trail), Box::new(same_index)]);
            writer.tantivy.delete_query(Box::new(same)).map_err(failed)?;
        }
        self.add(trail, vec![document])
    }

    fn commit(&self, reached: &[Reached]) -> Result<(), IndexError> {
        let mut writer = self.writer();
        let mut marks = writer.marks.clone();
        reached.iter().for_each(|reached| marks.set(reached));
        self.publish(&mut writer, marks)
    }

    fn rollback(&self) -> Result<(), IndexError> {
        let mut writer = self.writer();
        writer.tantivy.rollback().map_err(failed)?;
        writer.marks = self.visible().marks.clone();
        Ok(())
    }

    fn clear(&self) -> Result<(), IndexError> {
        let mut writer = self.writer();
        // Deleting reaches what was committed; what waits in the writer has to go before.
        writer.tantivy.rollback().map_err(failed)?;
        writer.tantivy.delete_all_documents().map_err(failed)?;
        self.publish(&mut writer, Marks::default())
    }

    fn reached(&self) -> Vec<Reached> {
        self.visible().marks.reached()
    }

    fn candidates(
        &self,
        filter: &Filter,
        scope: &Scope,
        order: Order,
        after: Option<&Hit>,
        limit: usize,
    ) -> Result<Vec<Hit>, IndexError> {
        let visible = self.visible();
        let ranks = Ranks::new(&visible.marks, scope);
        let after = after.map(|hit| Key::of_hit(hit, &ranks, order));
        let weight = weight(filter, &ranks, &visible.searcher, &self.fields).map_err(failed)?;
        let top = Top { ranks: &ranks, times: scope.time_ns.clone(), order, after, limit };
        let keys = top.collect(weight.as_ref(), &visible.searcher).map_err(failed)?;
        Ok(keys.into_iter().map(|key| key.to_hit(&ranks, order)).collect())
    }

    fn count(&self, filter: &Filter, scope: &Scope) -> Result<u64, IndexError> {
        let visible = self.visible();
        let ranks = Ranks::new(&visible.marks, scope);
        let weight = weight(filter, &ranks, &visible.searcher, &self.fields).map_err(failed)?;
        top::count(weight.as_ref(), &visible.searcher, &ranks, &scope.time_ns).map_err(failed)
    }
}

/// Trails by name, each with its place in the list.
type Ordinals = BTreeMap<TrailRef, usize>;

fn unavailable(error: &dyn std::fmt::Display) -> IndexError {
    IndexError::Unavailable { reason: error.to_string() }
}

/// What fails while an index is opened is mostly the index itself.
fn unusable(error: TantivyError) -> IndexError {
    match error {
        TantivyError::IoError(_) | TantivyError::LockFailure(..) => failed(error),
        other => IndexError::Unusable { reason: other.to_string() },
    }
}

fn failed(error: TantivyError) -> IndexError {
    match error {
        TantivyError::DataCorruption(_) | TantivyError::IncompatibleIndex(_) | TantivyError::SchemaError(_) => {
            IndexError::Unusable { reason: error.to_string() }
        }
        other => IndexError::Unavailable { reason: other.to_string() },
    }
}
