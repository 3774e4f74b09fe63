//! A document as tantivy reads it, without a copy.

use std::sync::Arc;

use ::tantivy::schema::document::{Document as TantivyDocument, ReferenceValue, ReferenceValueLeaf};
use ::tantivy::schema::{Field, Value};
use cairn_search::{Document, TermField};

use super::fields::Fields;

/// A document and the ordinal of its trail.
pub(super) struct Entry {
    fields: Arc<Fields>,
    trail: u64,
    document: Document,
}

impl Entry {
    pub(super) fn new(fields: Arc<Fields>, trail: usize, document: Document) -> Self {
        Self { fields, trail: trail as u64, document }
    }
}

/// One value of an [`Entry`].
#[derive(Debug, Clone, Copy)]
pub(super) enum EntryValue<'e> {
    Text(&'e str),
    Signed(i64),
    Unsigned(u64),
}

impl<'e> Value<'e> for EntryValue<'e> {
    type ArrayIter = std::iter::Empty<Self>;
    type ObjectIter = std::iter::Empty<(&'e str, Self)>;

    fn as_value(&self) -> ReferenceValue<'e, Self> {
        ReferenceValue::Leaf(match self {
            Self::Text(text) => ReferenceValueLeaf::Str(text),
            Self::Signed(number) => ReferenceValueLeaf::I64(*number),
            Self::Unsigned(number) => ReferenceValueLeaf::U64(*number),
        })
    }
}

impl TantivyDocument for Entry {
    type Value<'e> = EntryValue<'e>;
    type FieldsValuesIter<'e> = Box<dyn Iterator<Item = (Field, EntryValue<'e>)> + 'e>;

    fn iter_fields_and_values(&self) -> Self::FieldsValuesIter<'_> {
        let numbers = self.document.numbers;
        let fields = &self.fields;
        let terms = self.document.terms().map(|(field, term)| (fields.term(field), EntryValue::Text(term)));
        // Indexes beyond i64 don't occur: a trail would have to grow for ages.
        let index = i64::try_from(numbers.index).unwrap_or(i64::MAX);
        let others = [
            (fields.term(TermField::Word), EntryValue::Text(&self.document.text)),
            (fields.time, EntryValue::Signed(numbers.time_ns)),
            (fields.received, EntryValue::Signed(numbers.received_ns)),
            (fields.trail, EntryValue::Unsigned(self.trail)),
            (fields.index, EntryValue::Signed(index)),
        ];
        Box::new(terms.chain(others))
    }
}
