//! Documents by many terms: those that match a pattern or lie in a range.
//!
//! The dictionary is read from the prefix that all these terms share, and each term is matched as
//! the query language matches it, so both agree on every pattern.

use ::tantivy::index::SegmentReader;
use ::tantivy::query::{BitSetDocSet, ConstScorer, EnableScoring, Explanation, Query, Scorer, Weight};
use ::tantivy::schema::{Field, IndexRecordOption};
use ::tantivy::{BitSet, DocId, DocSet as _, Score, TantivyError};
use cairn_event::filter::{Glob, Pattern};

/// Which terms.
#[derive(Debug, Clone)]
pub(super) enum Scan {
    /// Those that match.
    Pattern(Pattern),
    /// From `from` to `to`, both included.
    Between { from: String, to: String },
}

/// The documents that have such a term.
#[derive(Debug, Clone)]
pub(super) struct TermScan {
    field: Field,
    scan: Scan,
    /// What all the terms begin with.
    start: String,
}

impl TermScan {
    pub(super) fn new(field: Field, scan: Scan) -> Self {
        let start = match &scan {
            Scan::Between { from, .. } => from.clone(),
            Scan::Pattern(pattern) => match pattern.folded().first() {
                Some(Glob::Literal(text)) => text.clone(),
                _ => String::new(),
            },
        };
        Self { field, scan, start }
    }

    /// What to do with a term that stands at or behind `start`.
    fn verdict(&self, term: &[u8]) -> Verdict {
        match &self.scan {
            Scan::Between { to, .. } if term > to.as_bytes() => Verdict::End,
            Scan::Between { .. } => Verdict::Take,
            Scan::Pattern(_) if !term.starts_with(self.start.as_bytes()) => Verdict::End,
            Scan::Pattern(pattern) => {
                let is_match = std::str::from_utf8(term).is_ok_and(|term| pattern.matches_folded(term));
                if is_match { Verdict::Take } else { Verdict::Pass }
            }
        }
    }
}

enum Verdict {
    Take,
    Pass,
    /// No later term is wanted.
    End,
}

impl Query for TermScan {
    fn weight(&self, _: EnableScoring<'_>) -> ::tantivy::Result<Box<dyn Weight>> {
        Ok(Box::new(self.clone()))
    }
}

impl Weight for TermScan {
    fn scorer(&self, reader: &SegmentReader, boost: Score) -> ::tantivy::Result<Box<dyn Scorer>> {
        let mut documents = BitSet::with_max_value(reader.max_doc());
        let inverted = reader.inverted_index(self.field)?;
        let mut terms = inverted.terms().range().ge(&self.start).into_stream()?;
        while terms.advance() {
            match self.verdict(terms.key()) {
                Verdict::Take => {}
                Verdict::Pass => continue,
                Verdict::End => break,
            }
            let mut postings = inverted.read_block_postings_from_terminfo(terms.value(), IndexRecordOption::Basic)?;
            while !postings.docs().is_empty() {
                for document in postings.docs() {
                    documents.insert(*document);
                }
                postings.advance();
            }
        }
        Ok(Box::new(ConstScorer::new(BitSetDocSet::from(documents), boost)))
    }

    fn explain(&self, reader: &SegmentReader, document: DocId) -> ::tantivy::Result<Explanation> {
        if self.scorer(reader, 1.0)?.seek(document) == document {
            return Ok(Explanation::new("a term of the scan", 1.0));
        }
        Err(TantivyError::InvalidArgument(format!("document {document} has no term of the scan")))
    }
}
