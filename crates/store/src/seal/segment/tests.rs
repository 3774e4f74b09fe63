//! Rows written to a segment are read back, whole and in any range.

use super::*;
use proptest::prelude::*;

fn row(index: u64, name: &str, hidden: bool) -> Row {
    let name = cairn_event::Json::from(name).to_text();
    let event =
        format!(r#"{{"action":"a.b","actor":{{"id":{name},"type":"user"}},"time":"2026-11-25T08:00:00.123456789Z"}}"#);
    let start = event.find(&name).expect("the name is in the text") as u32;
    let span = Span { path: "/actor/id".to_owned(), start, length: name.len() as u32, hidden: None };
    let commitment = hidden.then(|| Hash::from([index as u8; 32]));
    let server = r#"{"producer":{"principal":"p","source_kind":"k","source_name":"n"},"raw":null,"received_at":"2026-11-25T08:00:01Z"}"#;
    let raw = Span { path: "/raw".to_owned(), start: 74, length: 4, hidden: commitment };
    Row {
        index,
        key_number: index * 3,
        kind: Kind::Event,
        texts: [event, server.to_owned()],
        slots: [vec![span], vec![raw]],
        leaf: Hash::from([index as u8 ^ 0x55; 32]),
    }
}

fn segment(rows: &[Row]) -> (SegmentFile<Bytes>, Extent) {
    let (first, last) = (rows[0].index, rows[rows.len() - 1].index);
    let facts = FooterFacts {
        origin: "test/t/default/main",
        first,
        last,
        root_before: Hash::default(),
        root_after: Hash::default(),
    };
    let (bytes, extent) =
        write(&facts, "test.parquet", rows.iter().cloned().map(Ok)).expect("rows that can be written");
    (SegmentFile::open(Bytes::from(bytes), "test.parquet".to_owned(), first).expect("an own file"), extent)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn every_range_is_read_back_as_it_was_written(
        names in prop::collection::vec(any::<(String, bool)>(), 1..60), from in 0usize..60, count in 0usize..60,
    ) {
        const FIRST: u64 = 1000;
        let rows: Vec<Row> =
            names.iter().zip(FIRST..).map(|((name, hidden), index)| row(index, name, *hidden)).collect();
        let (file, extent) = segment(&rows);
        prop_assert_eq!(file.rows(), rows.len() as u64);
        prop_assert_eq!(extent.time.0 % 1_000_000_000, 123_456_789);
        let from = from.min(rows.len());
        let to = (from + count).min(rows.len());
        let range = FIRST + from as u64..FIRST + to as u64;
        prop_assert_eq!(&file.read(range.clone()).expect("an own file"), &rows[from..to]);
        let leaves: Vec<Hash> = rows[from..to].iter().map(|row| row.leaf).collect();
        prop_assert_eq!(file.leaves(range).expect("an own file"), leaves);
    }
}

#[test]
fn typed_columns_repeat_the_members_and_are_null_where_there_is_none() {
    let (file, _) = segment(&[row(0, "alice", false)]);
    let mut seen = Vec::new();
    file.each_batch(
        &["actor_id", "action", "request_id", "source", "severity"],
        file.selection(std::iter::once(0..1)),
        |batch| {
            for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
                let text = column.as_string::<i32>();
                seen.push((field.name().clone(), (!text.is_null(0)).then(|| text.value(0).to_owned())));
            }
            Ok(())
        },
    )
    .expect("an own file");
    let value = |name: &str| seen.iter().find(|(column, _)| column == name).and_then(|(_, value)| value.as_deref());
    assert_eq!(value("actor_id"), Some("alice"));
    assert_eq!(value("action"), Some("a.b"));
    assert_eq!(value("source"), Some("k/n"));
    assert_eq!((value("request_id"), value("severity")), (None, None));
}

#[test]
fn a_file_with_other_columns_is_not_a_segment() {
    let schema = Arc::new(Schema::new(vec![Field::new("index", DataType::UInt64, false)]));
    let mut writer = ArrowWriter::try_new(Vec::new(), schema, None).expect("an empty file can be written");
    writer.flush().expect("memory does not fail");
    let bytes = writer.into_inner().expect("memory does not fail");
    let opened = SegmentFile::open(Bytes::from(bytes), "test.parquet".to_owned(), 0);
    assert!(matches!(opened, Err(StoreError::Corrupt(_))));
}
