//! What goes into a file comes out of it, and the same rows are the same bytes.

mod seeds;

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray};
use arrow::datatypes::{Field, Schema};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use proptest::prelude::*;
use trailback_sessions::{Issuance, Session, Timestamp};

use crate::arbitrary;
use crate::checksums::seal;
use crate::columns::Row;
use crate::footer::{ROWS_PER_BYTE_MAX, footer_range};
use crate::ledger::LedgerEntry;
use crate::{
    SCHEMA_VERSION, TableError, decode_data_object, decode_fragment, encode_data_object,
    encode_fragment,
};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn linked_rows_come_back(rows in arbitrary::sessions(40)) {
        let bytes = encode_data_object(&rows).unwrap();
        prop_assert_eq!(decode_data_object::<Session>(bytes.into()).unwrap(), rows);
    }

    #[test]
    fn fragments_give_their_rows_in_the_order_of_time(
        rows in proptest::collection::vec(arbitrary::issuance(), 1..40),
    ) {
        let decoded = decode_fragment::<Issuance>(encode_fragment(&rows).unwrap().into()).unwrap();
        prop_assert!(decoded.is_sorted_by_key(|row| (row.record.event_time, row.record.event_id.clone())));
        let sorted = |mut rows: Vec<Issuance>| { rows.sort(); rows };
        prop_assert_eq!(sorted(decoded), sorted(rows));
    }

    #[test]
    fn the_order_of_rows_does_not_change_a_fragment(
        rows in proptest::collection::vec(arbitrary::issuance(), 1..20),
        turn in 0_usize..20,
    ) {
        let mut turned = rows.clone();
        turned.rotate_left(turn % rows.len());
        prop_assert!(encode_fragment(&rows).unwrap() == encode_fragment(&turned).unwrap());
    }

    #[test]
    fn the_pieces_rows_come_in_do_not_change_a_data_object(
        rows in arbitrary::sessions(20),
        piece in 1_usize..20,
    ) {
        let whole = encode_data_object(&rows).unwrap();
        prop_assert!(whole == encode_data_object(rows.chunks(piece).flatten()).unwrap());
    }

    #[test]
    fn damaged_bytes_are_an_error_and_never_a_panic(
        rows in arbitrary::sessions(3),
        damages in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..4),
        cut in proptest::option::weighted(0.2, any::<proptest::sample::Index>()),
    ) {
        let mut bytes = encode_data_object(&rows).unwrap();
        for (at, with) in damages {
            let at = at.index(bytes.len());
            bytes[at] = with;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let is_damaged = bytes != encode_data_object(&rows).unwrap();
        let decoded = decode_data_object::<Session>(bytes.into());
        prop_assert_eq!(decoded.is_err(), is_damaged);
    }
}

#[test]
fn a_file_without_rows_is_never_written() {
    assert!(matches!(
        encode_data_object::<Session>([]),
        Err(TableError::NoRows)
    ));
    assert!(matches!(
        encode_fragment::<Issuance>(&[]),
        Err(TableError::NoRows)
    ));
}

#[test]
fn rows_of_more_than_one_batch_and_row_group_come_back() {
    let row = |number: usize| {
        let mut row = Session::default();
        row.issuance.record.event_id = format!("{number}").into();
        row.issuance.record.event_time = Timestamp(number as i64);
        row
    };
    let rows: Vec<_> = (0..140_000).map(row).collect();
    let bytes = encode_data_object(&rows).unwrap();
    assert!(decode_data_object::<Session>(bytes.into()).unwrap() == rows);
}

/// A file as another version of the program would write it.
fn foreign_file(table: Option<&str>, version: i32, columns: Vec<(&str, ArrayRef)>) -> Bytes {
    let fields: Vec<_> = columns
        .iter()
        .map(|(name, array)| Field::new(*name, array.data_type().clone(), true))
        .collect();
    let metadata = table.map(|table| {
        vec![
            KeyValue::new("trailback.table".to_owned(), table.to_owned()),
            KeyValue::new("trailback.schema_version".to_owned(), version.to_string()),
        ]
    });
    let properties = WriterProperties::builder()
        .set_key_value_metadata(metadata)
        .build();
    let schema = Arc::new(Schema::new(fields));
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    let batch = RecordBatch::try_new(schema.clone(), arrays).unwrap();
    let mut writer = ArrowWriter::try_new(Vec::new(), schema, Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    let mut file = writer.into_inner().unwrap();
    let footer = footer_range(file.len() as u64, &file).unwrap();
    let footer = file.split_off(footer.start as usize);
    seal(file, &footer).into()
}

fn texts(value: &str) -> ArrayRef {
    Arc::new(StringArray::from(vec![value]))
}

fn times() -> ArrayRef {
    Arc::new(TimestampMillisecondArray::from(vec![7]).with_timezone("UTC"))
}

#[test]
fn columns_that_an_older_file_lacks_are_at_their_defaults_and_unknown_ones_skipped() {
    let columns = vec![
        (
            "of_the_future",
            Arc::new(Int64Array::from(vec![1])) as ArrayRef,
        ),
        ("event_time", times()),
        ("event_id", texts("e")),
        ("link_status", texts("linked")),
    ];
    let rows =
        decode_data_object::<Session>(foreign_file(Some("sessions"), SCHEMA_VERSION, columns))
            .unwrap();
    let mut expected = Session::default();
    expected.issuance.record.event_id = "e".into();
    expected.issuance.record.event_time = Timestamp(7);
    expected.link.status = trailback_sessions::LinkStatus::Linked;
    assert_eq!(rows, [expected]);
}

#[test]
fn what_is_wrong_with_a_file_is_named() {
    let file = |table, version, columns| foreign_file(table, version, columns);
    let row = || vec![("event_id", texts("e")), ("event_time", times())];
    let wrong_type = vec![("event_id", texts("e")), ("event_time", texts("noon"))];
    let unknown = vec![("event_id", texts("e")), ("link_status", texts("guessed"))];
    let nulls: ArrayRef = Arc::new(StringArray::from(vec![None::<&str>]));
    let cases = [
        (Bytes::new(), "shorter than a footer"),
        (
            Bytes::from_static(b"a readme, not a table"),
            "does not end with PAR1",
        ),
        (
            Bytes::from_static(b"PAR1\xff\xff\xff\x7fPAR1"),
            "longer than the file",
        ),
        (
            file(None, 0, row()),
            "no table of Trailback, expected the table sessions",
        ),
        (
            file(Some("fragments"), 1, row()),
            "holds the table fragments, expected the table sessions",
        ),
        (
            file(Some("sessions"), SCHEMA_VERSION + 1, row()),
            "use a newer trailback",
        ),
        (
            file(Some("sessions"), 1, wrong_type),
            "column event_time is Utf8, expected Timestamp",
        ),
        (
            file(Some("sessions"), 1, unknown),
            "column link_status, row 0: unknown value \"guessed\"",
        ),
        (
            file(Some("sessions"), 1, vec![("event_id", nulls)]),
            "column event_id has nulls",
        ),
    ];
    for (bytes, expected) in cases {
        let error = decode_data_object::<Session>(bytes)
            .unwrap_err()
            .to_string();
        assert!(error.contains(expected), "{error:?} lacks {expected:?}");
    }
}

#[test]
fn a_fragment_that_a_newer_program_wrote_is_not_known_whole() {
    use trailback_sessions::{EXTRACT_VERSION, Issuance};

    use crate::decode_known_fragment;

    let row = |extract_version| Issuance {
        extract_version,
        ..Issuance::default()
    };
    let fragment = |rows: &[Issuance]| Bytes::from(crate::encode_fragment(rows).unwrap());
    let known = [row(EXTRACT_VERSION), row(1)];
    let decoded = decode_known_fragment::<Issuance>(fragment(&known)).unwrap();
    assert_eq!(decoded.map(|rows| rows.len()), Some(2));
    let newer = [row(EXTRACT_VERSION), row(EXTRACT_VERSION + 1)];
    assert_eq!(
        decode_known_fragment::<Issuance>(fragment(&newer)).unwrap(),
        None
    );

    let with = |name, column: ArrayRef, version| {
        let columns = vec![
            ("event_id", texts("e")),
            ("event_time", times()),
            (name, column),
        ];
        foreign_file(Some("fragments"), version, columns)
    };
    let number = || Arc::new(Int64Array::from(vec![1])) as ArrayRef;
    for file in [
        with("of_the_future", number(), SCHEMA_VERSION),
        with("session_type", texts("OfTheFuture"), SCHEMA_VERSION),
        with("outcome", number(), SCHEMA_VERSION),
        with("user_agent", texts("x"), SCHEMA_VERSION + 1),
    ] {
        assert_eq!(decode_known_fragment::<Issuance>(file).unwrap(), None);
    }
    let file = with("user_agent", texts("x"), SCHEMA_VERSION);
    assert!(
        decode_known_fragment::<Issuance>(file.clone())
            .unwrap()
            .is_some()
    );
    assert!(decode_known_fragment::<Issuance>(file.slice(9..)).is_err());
}

#[test]
fn what_is_little_in_a_fragment_is_not_compressed() {
    use parquet::basic::Compression;
    use parquet::file::reader::{FileReader, SerializedFileReader};

    let compressed = |rows: usize| -> Vec<String> {
        let row = |number| {
            let mut row = Issuance::default();
            row.record.event_id = format!("00000000-0000-4000-8000-{number:012}").into();
            row.record.event_name = Some("AssumeRole".into());
            row.mfa.session_mfa = Some(true);
            row
        };
        let rows: Vec<Issuance> = (0..rows).map(row).collect();
        let file = Bytes::from(encode_fragment(&rows).unwrap());
        assert_eq!(decode_fragment::<Issuance>(file.clone()).unwrap(), rows);
        let reader = SerializedFileReader::new(file).unwrap();
        let columns = reader.metadata().row_group(0).columns().iter();
        let is_compressed = |column: &&parquet::file::metadata::ColumnChunkMetaData| {
            column.compression() != Compression::UNCOMPRESSED
        };
        let names = columns.filter(is_compressed);
        names
            .map(|column| column.column_path().string())
            .filter(|name| ["event_id", "event_name", "session_mfa"].contains(&name.as_str()))
            .collect()
    };
    assert!(compressed(3).is_empty());
    assert_eq!(compressed(100), ["event_id"]);
    assert_eq!(compressed(1000), ["event_id", "event_name"]);
    // Of more than one batch the first would not tell.
    let all = ["event_id", "event_name", "session_mfa"];
    assert_eq!(compressed(10_000), all);
}

#[test]
fn more_rows_than_a_file_can_hold_are_refused() {
    // Nulls alone pack to nothing, and rows of nothing would still fill the memory.
    let nulls: ArrayRef = Arc::new(StringArray::new_null(200_000));
    let bytes = foreign_file(Some("sessions"), 1, vec![("error_code", nulls)]);
    assert!(bytes.len() < 2_000);
    let error = decode_data_object::<Session>(bytes).unwrap_err();
    assert!(
        error.to_string().contains("more rows than it can hold"),
        "{error}"
    );
}

#[test]
fn rows_that_pack_best_are_never_too_many() {
    // Rows that are all the same: a hostile log object may say one record thousands of times, and a queue may tell of one object
    // as often.
    const ROWS: usize = 50_000;
    let fragment = encode_fragment(&vec![Issuance::default(); ROWS]).unwrap();
    let of_ledger = encode_fragment(&vec![LedgerEntry::default(); ROWS]).unwrap();
    let data_object = encode_data_object(&vec![LedgerEntry::default(); ROWS]).unwrap();
    for file in [&fragment, &of_ledger, &data_object] {
        let rows_per_byte = (ROWS / file.len()) as u64;
        assert!(rows_per_byte < ROWS_PER_BYTE_MAX / 4, "{rows_per_byte}");
    }
    let rows = decode_fragment::<Issuance>(fragment.into()).unwrap().len();
    let of_ledger = decode_fragment::<LedgerEntry>(of_ledger.into());
    let data_object = decode_data_object::<LedgerEntry>(data_object.into());
    let read = [rows, of_ledger.unwrap().len(), data_object.unwrap().len()];
    assert_eq!(read, [ROWS; 3]);
}

#[test]
fn a_row_as_json_has_every_column_and_no_empty_lists() {
    let mut row = Session::default();
    row.issuance.record.event_id = "e".into();
    row.issuance.record.event_ids = vec!["e".into()];
    row.issuance.record.event_time = Timestamp(1_763_615_229_000);
    row.effective_tags = [("team".into(), "red".into())].into();
    row.chain.hops = vec![Arc::new(trailback_sessions::Hop {
        event_id: "p".into(),
        ..Default::default()
    })];
    insta::assert_snapshot!(serde_json::to_string_pretty(&Row(&row)).unwrap());
}
