//! The Parquet file of one index range (`formats/segment.md`): written in one pass, read by row.

use super::columns::{Columns, TEXT_COLUMNS};
use crate::commit::record::{EventRecord, RowView, Span};
use crate::error::{Corrupt, StoreError};
use crate::files;
use crate::seams::DiskFile;
use arrow_array::builder::{
    FixedSizeBinaryBuilder, ListBuilder, StringBuilder, StructBuilder, TimestampNanosecondBuilder, UInt8Builder,
    UInt32Builder, UInt64Builder,
};
use arrow_array::cast::AsArray;
use arrow_array::types::{UInt8Type, UInt32Type, UInt64Type};
use arrow_array::{Array, ArrayRef, FixedSizeBinaryArray, PrimitiveArray, RecordBatch, StringArray, StructArray};
use arrow_schema::{DataType, Field, Fields, Schema, TimeUnit};
use bytes::Bytes;
use cairn_ledger::{Hash, Kind};
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowSelection,
};
use parquet::arrow::{ArrowWriter, ProjectionMask};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::{KeyValue, PageIndexPolicy};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::reader::{ChunkReader, Length};
use parquet::schema::types::ColumnPath;
use std::io;
use std::ops::Range;
use std::sync::Arc;

/// One event of a segment or of the WAL, with its texts owned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) index: u64,
    pub(crate) key_number: u64,
    pub(crate) kind: Kind,
    pub(crate) texts: [String; 2],
    pub(crate) slots: [Vec<Span>; 2],
    pub(crate) leaf: Hash,
}

impl Row {
    pub(crate) fn new(index: u64, leaf: Hash, record: EventRecord<'_>) -> Row {
        let EventRecord { key_number, kind, texts, slots, .. } = record;
        Row { index, key_number, kind, texts: texts.map(str::to_owned), slots, leaf }
    }

    pub(crate) fn view(&self) -> RowView<'_> {
        let Row { index, key_number, kind, ref texts, ref slots, .. } = *self;
        RowView { index, key_number, kind, texts: [&texts[0], &texts[1]], slots }
    }
}

/// Rows that are encoded and decoded together.
const BATCH_ROWS: usize = 2048;
const ZSTD_LEVEL: i32 = 3;
/// Rows of a data page: what a point read has to unpack. Larger pages pack better (2,048 rows save 9 % of the file), but
/// a page of search hits unpacks one for nearly each hit.
const PAGE_ROWS: usize = 128;
const BLOOM_COLUMNS: [&str; 4] = ["id", "actor_id", "resource_id", "request_id"];
/// Columns whose values hardly repeat: a dictionary would only be built and thrown away.
const PLAIN_COLUMNS: [&str; 6] = ["id", "request_id", "trace_id", "event", "server", "leaf_hash"];
/// Columns of numbers that grow by small steps.
const RISING_COLUMNS: [&str; 4] = ["index", "key_number", "time", "received_at"];

fn slot_fields() -> Fields {
    Fields::from(vec![
        Field::new("part", DataType::UInt8, false),
        Field::new("path", DataType::Utf8, false),
        Field::new("start", DataType::UInt32, false),
        Field::new("length", DataType::UInt32, false),
        Field::new("commitment", DataType::FixedSizeBinary(32), true),
    ])
}

fn schema() -> Arc<Schema> {
    let time = || DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()));
    let mut fields = vec![
        Field::new("index", DataType::UInt64, false),
        Field::new("key_number", DataType::UInt64, false),
        Field::new("kind", DataType::UInt8, false),
        Field::new("time", time(), false),
        Field::new("received_at", time(), false),
    ];
    fields.extend(TEXT_COLUMNS.map(|name| Field::new(name, DataType::Utf8, true)));
    fields.extend([
        Field::new("event", DataType::Utf8, false),
        Field::new("server", DataType::Utf8, false),
        Field::new(
            "slots",
            DataType::List(Arc::new(Field::new("item", DataType::Struct(slot_fields()), false))),
            false,
        ),
        Field::new("leaf_hash", DataType::FixedSizeBinary(32), false),
    ]);
    Arc::new(Schema::new(fields))
}

/// What the footer says besides the schema.
pub(crate) struct FooterFacts<'a> {
    pub(crate) origin: &'a str,
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) root_before: Hash,
    pub(crate) root_after: Hash,
}

/// What one pass over the rows found out.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) time: (i64, i64),
    pub(crate) received: (i64, i64),
}

fn properties(facts: &FooterFacts<'_>) -> WriterProperties {
    let pair = |key: &str, value: String| KeyValue::new(key.to_owned(), value);
    let count = facts.last - facts.first + 1;
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL).expect("a level that zstd has")))
        .set_max_row_group_row_count(Some(1 << 20))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_write_batch_size(PAGE_ROWS)
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_created_by("cairn".to_owned())
        .set_key_value_metadata(Some(vec![
            pair("cairn.format", super::manifest::FORMAT.to_owned()),
            pair("cairn.origin", facts.origin.to_owned()),
            pair("cairn.first", facts.first.to_string()),
            pair("cairn.last", facts.last.to_string()),
            pair("cairn.root_before", facts.root_before.to_base64()),
            pair("cairn.root_after", facts.root_after.to_base64()),
        ]));
    for column in BLOOM_COLUMNS {
        let column = ColumnPath::from(column);
        properties = properties.set_column_bloom_filter_enabled(column.clone(), true);
        properties = properties.set_column_bloom_filter_max_ndv(column.clone(), count);
        properties = properties.set_column_bloom_filter_fpp(column, 0.01);
    }
    for column in PLAIN_COLUMNS.into_iter().chain(RISING_COLUMNS) {
        properties = properties.set_column_dictionary_enabled(ColumnPath::from(column), false);
    }
    for column in RISING_COLUMNS {
        properties = properties.set_column_encoding(ColumnPath::from(column), Encoding::DELTA_BINARY_PACKED);
    }
    for column in ["event", "server", "leaf_hash"] {
        properties = properties.set_column_statistics_enabled(ColumnPath::from(column), EnabledStatistics::None);
    }
    properties.build()
}

/// Writes the rows, which come in index order, as one Parquet file.
pub(crate) fn write(
    facts: &FooterFacts<'_>,
    file: &str,
    rows: impl Iterator<Item = Result<Row, StoreError>>,
) -> Result<(Vec<u8>, Extent), StoreError> {
    let encoding = |error: ParquetError| StoreError::Io { what: format!("encode {file}"), error: error.to_string() };
    let mut writer = ArrowWriter::try_new(Vec::new(), schema(), Some(properties(facts))).map_err(encoding)?;
    let mut extent: Option<Extent> = None;
    let mut batch = Vec::with_capacity(BATCH_ROWS);
    let mut rows = rows.peekable();
    while let Some(row) = rows.next() {
        batch.push(row?);
        if batch.len() == BATCH_ROWS || rows.peek().is_none() {
            let (arrays, found) = to_batch(&batch, file)?;
            extent = Some(extent.map_or(found, |extent| extent.join(found)));
            writer.write(&arrays).map_err(encoding)?;
            batch.clear();
        }
    }
    let bytes = writer.into_inner().map_err(encoding)?;
    Ok((bytes, extent.expect("a segment has at least one event")))
}

impl Extent {
    fn join(self, other: Extent) -> Extent {
        let join = |a: (i64, i64), b: (i64, i64)| (a.0.min(b.0), a.1.max(b.1));
        Extent { time: join(self.time, other.time), received: join(self.received, other.received) }
    }
}

/// The rows as the columns of a segment.
pub(crate) fn to_batch(rows: &[Row], file: &str) -> Result<(RecordBatch, Extent), StoreError> {
    let (mut index, mut key_number, mut kind) = (UInt64Builder::new(), UInt64Builder::new(), UInt8Builder::new());
    let time_builder = || TimestampNanosecondBuilder::new().with_timezone("UTC");
    let (mut time, mut received_at) = (time_builder(), time_builder());
    let mut texts = TEXT_COLUMNS.map(|_| StringBuilder::new());
    let (mut event, mut server) = (StringBuilder::new(), StringBuilder::new());
    let mut slots = ListBuilder::new(StructBuilder::from_fields(slot_fields(), 0)).with_field(Field::new(
        "item",
        DataType::Struct(slot_fields()),
        false,
    ));
    let mut leaf_hash = FixedSizeBinaryBuilder::new(32);
    let mut extent: Option<Extent> = None;
    for row in rows {
        let columns = Columns::of(row, file)?;
        let found = Extent { time: (columns.time, columns.time), received: (columns.received_at, columns.received_at) };
        extent = Some(extent.map_or(found, |extent| extent.join(found)));
        index.append_value(row.index);
        key_number.append_value(row.key_number);
        kind.append_value(row.kind.code());
        time.append_value(columns.time);
        received_at.append_value(columns.received_at);
        for (builder, text) in texts.iter_mut().zip(columns.texts) {
            builder.append_option(text);
        }
        event.append_value(&row.texts[0]);
        server.append_value(&row.texts[1]);
        append_slots(&mut slots, row);
        leaf_hash.append_value(row.leaf.as_bytes()).expect("a hash has 32 bytes");
    }
    let mut arrays: Vec<ArrayRef> = vec![
        Arc::new(index.finish()),
        Arc::new(key_number.finish()),
        Arc::new(kind.finish()),
        Arc::new(time.finish()),
        Arc::new(received_at.finish()),
    ];
    arrays.extend(texts.iter_mut().map(|builder| Arc::new(builder.finish()) as ArrayRef));
    arrays.extend([
        Arc::new(event.finish()) as ArrayRef,
        Arc::new(server.finish()),
        Arc::new(slots.finish()),
        Arc::new(leaf_hash.finish()),
    ]);
    let batch = RecordBatch::try_new(schema(), arrays).expect("the builders follow the schema");
    Ok((batch, extent.unwrap_or_default()))
}

fn append_slots(slots: &mut ListBuilder<StructBuilder>, row: &Row) {
    let item = slots.values();
    for (part, spans) in (0u8..).zip(&row.slots) {
        for span in spans {
            const TYPES: &str = "the builder was made from the slot fields";
            item.field_builder::<UInt8Builder>(0).expect(TYPES).append_value(part);
            item.field_builder::<StringBuilder>(1).expect(TYPES).append_value(&span.path);
            item.field_builder::<UInt32Builder>(2).expect(TYPES).append_value(span.start);
            item.field_builder::<UInt32Builder>(3).expect(TYPES).append_value(span.length);
            let commitment = item.field_builder::<FixedSizeBinaryBuilder>(4).expect(TYPES);
            match &span.hidden {
                Some(hash) => commitment.append_value(hash.as_bytes()).expect("a hash has 32 bytes"),
                None => commitment.append_null(),
            }
            item.append(true);
        }
    }
    slots.append(true);
}

/// A segment file that rows are read from.
pub(crate) struct SegmentFile<R> {
    source: R,
    metadata: ArrowReaderMetadata,
    path: String,
    first: u64,
}

impl<R: ChunkReader + Clone + 'static> SegmentFile<R> {
    /// Reads the footer.
    pub(crate) fn open(source: R, path: String, first: u64) -> Result<SegmentFile<R>, StoreError> {
        let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Optional);
        let metadata = ArrowReaderMetadata::load(&source, options).map_err(|error| damaged(&path, &error))?;
        if metadata.schema().fields() != schema().fields() {
            return Err(Corrupt::in_file(path, "the columns are not those of a segment").into());
        }
        Ok(SegmentFile { source, metadata, path, first })
    }

    /// Number of rows in the file.
    pub(crate) fn rows(&self) -> u64 {
        u64::try_from(self.metadata.metadata().file_metadata().num_rows()).unwrap_or(0)
    }

    /// Hands out the columns of these rows, batch by batch.
    fn each_batch(
        &self,
        columns: &[&str],
        rows: RowSelection,
        mut each: impl FnMut(RecordBatch) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(self.source.clone(), self.metadata.clone());
        let mask = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
        let reader = builder.with_projection(mask).with_row_selection(rows).with_batch_size(BATCH_ROWS).build();
        for batch in reader.map_err(|error| damaged(&self.path, &error))? {
            each(batch.map_err(|error| damaged(&self.path, &error))?)?;
        }
        Ok(())
    }

    /// The rows of these ranges of indexes, which rise and lie in the file.
    fn selection(&self, indexes: impl Iterator<Item = Range<u64>>) -> RowSelection {
        let rows = self.rows();
        let range = |indexes: Range<u64>| {
            assert!(self.first <= indexes.start && indexes.end <= self.first + rows, "the range lies in the segment");
            (indexes.start - self.first) as usize..(indexes.end - self.first) as usize
        };
        RowSelection::from_consecutive_ranges(indexes.map(range), rows as usize)
    }

    /// Leaf hashes of a range of indexes.
    pub(crate) fn leaves(&self, range: Range<u64>) -> Result<Vec<Hash>, StoreError> {
        let mut leaves = Vec::with_capacity((range.end - range.start) as usize);
        self.each_batch(&["leaf_hash"], self.selection(std::iter::once(range)), |batch| {
            let column = batch.column(0).as_fixed_size_binary();
            leaves.extend((0..column.len()).map(|row| hash_at(column, row)));
            Ok(())
        })?;
        Ok(leaves)
    }

    /// Events of a range of indexes.
    pub(crate) fn read(&self, range: Range<u64>) -> Result<Vec<Row>, StoreError> {
        self.read_selected(self.selection(std::iter::once(range)))
    }

    /// Events at these indexes, which rise.
    pub(crate) fn read_each(&self, indexes: &[u64]) -> Result<Vec<Row>, StoreError> {
        self.read_selected(self.selection(indexes.iter().map(|&index| index..index + 1)))
    }

    fn read_selected(&self, rows: RowSelection) -> Result<Vec<Row>, StoreError> {
        let mut read = Vec::with_capacity(rows.row_count());
        self.each_row_of(rows, |row, leaf| {
            let RowView { index, key_number, kind, texts, slots } = row;
            read.push(Row { index, key_number, kind, texts: texts.map(str::to_owned), slots: slots.clone(), leaf });
            Ok(())
        })?;
        Ok(read)
    }

    /// Visits all rows, with the leaf hash that stands beside each, without copying their texts.
    pub(crate) fn each_row(
        &self,
        each: impl FnMut(RowView<'_>, Hash) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.each_row_of(self.selection(std::iter::once(self.first..self.first + self.rows())), each)
    }

    fn each_row_of(
        &self,
        rows: RowSelection,
        mut each: impl FnMut(RowView<'_>, Hash) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.each_batch(&ROW_COLUMNS, rows, |batch| self.each_row_in(&batch, &mut each))
    }

    fn each_row_in(
        &self,
        batch: &RecordBatch,
        each: &mut impl FnMut(RowView<'_>, Hash) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let column = |name: &str| batch.column_by_name(name).expect("the projection names every column that is read");
        let index = column("index").as_primitive::<UInt64Type>();
        let key_number = column("key_number").as_primitive::<UInt64Type>();
        let kind = column("kind").as_primitive::<UInt8Type>();
        let texts = [column("event").as_string::<i32>(), column("server").as_string::<i32>()];
        let slots = column("slots").as_list::<i32>();
        let slot_columns = SlotColumns::of(slots.values().as_struct());
        let leaf = column("leaf_hash").as_fixed_size_binary();
        let mut spans = [Vec::new(), Vec::new()];
        for row in 0..batch.num_rows() {
            let kind = Kind::from_code(kind.value(row))
                .map_err(|error| Corrupt::in_file(&self.path, format!("event {}: {error}", index.value(row))))?;
            let offsets = slots.value_offsets();
            slot_columns.read(offsets[row] as usize..offsets[row + 1] as usize, &mut spans);
            let view = RowView {
                index: index.value(row),
                key_number: key_number.value(row),
                kind,
                texts: texts.map(|text| text.value(row)),
                slots: &spans,
            };
            each(view, hash_at(leaf, row))?;
        }
        Ok(())
    }
}

fn hash_at(column: &FixedSizeBinaryArray, row: usize) -> Hash {
    let mut hash = [0; 32];
    hash.copy_from_slice(column.value(row));
    Hash::from(hash)
}

/// The columns from which an event is put together.
const ROW_COLUMNS: [&str; 7] = ["index", "key_number", "kind", "event", "server", "slots", "leaf_hash"];

/// The columns of the `slots` list.
struct SlotColumns<'a> {
    part: &'a PrimitiveArray<UInt8Type>,
    path: &'a StringArray,
    start: &'a PrimitiveArray<UInt32Type>,
    length: &'a PrimitiveArray<UInt32Type>,
    commitment: &'a FixedSizeBinaryArray,
}

impl<'a> SlotColumns<'a> {
    fn of(slots: &'a StructArray) -> SlotColumns<'a> {
        SlotColumns {
            part: slots.column(0).as_primitive(),
            path: slots.column(1).as_string(),
            start: slots.column(2).as_primitive(),
            length: slots.column(3).as_primitive(),
            commitment: slots.column(4).as_fixed_size_binary(),
        }
    }

    /// Replaces `parts` by the spans of one row.
    fn read(&self, rows: Range<usize>, parts: &mut [Vec<Span>; 2]) {
        parts.iter_mut().for_each(Vec::clear);
        for row in rows {
            parts[usize::from(self.part.value(row) != 0)].push(Span {
                path: self.path.value(row).to_owned(),
                start: self.start.value(row),
                length: self.length.value(row),
                hidden: (!self.commitment.is_null(row)).then(|| hash_at(self.commitment, row)),
            });
        }
    }
}

fn damaged(path: &str, error: &dyn std::fmt::Display) -> StoreError {
    Corrupt::in_file(path, format!("not readable as a segment: {error}")).into()
}

/// A file of the store as a source of Parquet chunks.
#[derive(Clone)]
pub(crate) struct DiskChunks(pub(crate) Arc<dyn DiskFile>);

/// Reads forward through a [`DiskChunks`].
pub(crate) struct DiskCursor {
    file: Arc<dyn DiskFile>,
    at: u64,
}

impl io::Read for DiskCursor {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.file.pread(buf, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

impl Length for DiskChunks {
    fn len(&self) -> u64 {
        // A file whose size can't be read is treated as empty, which no segment is: the open then fails.
        self.0.size().unwrap_or(0)
    }
}

impl ChunkReader for DiskChunks {
    type T = io::BufReader<DiskCursor>;

    fn get_read(&self, start: u64) -> parquet::errors::Result<Self::T> {
        Ok(io::BufReader::new(DiskCursor { file: self.0.clone(), at: start }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        let end = start.checked_add(length as u64);
        if end.is_none_or(|end| end > self.len()) {
            return Err(ParquetError::EOF(format!("bytes {start}+{length} lie outside the file")));
        }
        let mut bytes = vec![0; length];
        match files::fill(self.0.as_ref(), &mut bytes, start)? {
            read if read < length => Err(ParquetError::EOF("the file ended while it was read".to_owned())),
            _ => Ok(Bytes::from(bytes)),
        }
    }
}

#[cfg(test)]
mod tests;
