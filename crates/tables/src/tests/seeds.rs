//! Seeds of `tests/fuzz`, those that are Parquet files: small, with few columns, and of every shape that a reader meets.

use std::fs;
use std::path::{Path, PathBuf};

use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use trailback_sessions::Hop;

use super::*;
use crate::columns::Column;
use crate::encode::encode_columns;
use crate::ledger::LedgerEntry;
use crate::rows::DataRow;

/// The checksums of a body of one block: the block's, the footer's, that of both, and the magic.
const CHECKSUMS_LEN: usize = 4 + 4 + 4 + 8;

fn folder(target: &str) -> PathBuf {
    let crate_folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    crate_folder.join("../../tests/fuzz/seeds").join(target)
}

/// Seeds that were made by a fuzzer, of a library that trusts them: an error, and never rows.
const REFUSED: [&str; 3] = [
    "page_index_astray",
    "dictionary_of_millions",
    "row_count_astray",
];

fn files(target: &str) -> impl Iterator<Item = (PathBuf, Bytes)> {
    let entries = fs::read_dir(folder(target)).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.map(|path| (path.clone(), fs::read(path).unwrap().into()))
}

/// Where the footer begins.
fn footer_start(file: &[u8]) -> usize {
    footer_range(file.len() as u64, file).unwrap().start as usize
}

/// A seed with the checksums that the target would have added.
fn sealed(unsealed: &[u8]) -> Bytes {
    let (body, footer) = unsealed.split_at(footer_start(unsealed));
    seal(body.to_vec(), footer).into()
}

/// How many rows are in a seed.
fn rows_of_data_object(unsealed: &[u8]) -> Result<usize, TableError> {
    let sealed = sealed(unsealed);
    let rows = decode_data_object::<Session>(sealed.clone()).map(|rows| rows.len());
    rows.or_else(|_| decode_data_object::<LedgerEntry>(sealed).map(|rows| rows.len()))
}

#[test]
fn seeds_are_read() {
    for (path, file) in files("fragment") {
        let rows = decode_fragment::<Issuance>(file.clone()).map(|rows| rows.len());
        let entries = decode_fragment::<LedgerEntry>(file).map(|rows| rows.len());
        check_seed(&path, rows.or(entries));
    }
    for (path, file) in files("data_object") {
        check_seed(&path, rows_of_data_object(&file));
    }
}

fn check_seed(path: &Path, rows: Result<usize, TableError>) {
    let is_refused = REFUSED.iter().any(|name| path.ends_with(name));
    let is_as_it_should_be = rows
        .as_ref()
        .map_or(is_refused, |rows| !is_refused && *rows > 0);
    assert!(is_as_it_should_be, "{}: {rows:?}", path.display());
}

#[test]
fn a_dictionary_that_claims_more_than_its_page_holds_is_refused() {
    let file = fs::read(folder("fragment").join("dictionary_of_millions")).unwrap();
    let refused = decode_fragment::<Issuance>(file.into()).unwrap_err();
    assert!(refused.to_string().contains("claims more"), "{refused}");
}

#[test]
fn a_row_group_that_denies_its_rows_is_refused() {
    let file = fs::read(folder("data_object").join("row_count_astray")).unwrap();
    let refused = decode_data_object::<Session>(sealed(&file)).unwrap_err();
    assert!(refused.to_string().contains("other rows"), "{refused}");
}

#[test]
#[ignore = "writes them: cargo test -p trailback-tables write_seeds -- --ignored"]
fn write_seeds() {
    let fragment =
        |name: &str, file: &[u8]| fs::write(folder("fragment").join(name), file).unwrap();
    let data_object = |name: &str, file: &[u8]| {
        fs::write(folder("data_object").join(name), unsealed(file)).unwrap();
    };
    let sessions = [session("e-1"), session("e-2"), session("e-3")];
    let issuances = [issuance("e-1"), issuance("e-2")];
    let (rows, entries) = (
        encode_fragment(&issuances).unwrap(),
        encode_fragment(&[entry()]).unwrap(),
    );
    fragment("sessions", &rows);
    fragment("sessions_uncompressed", &uncompressed(rows));
    fragment("ledger", &entries);
    fragment("ledger_uncompressed", &uncompressed(entries));
    let looked_up = few_columns(
        &sessions,
        &["event_id", "event_ids", "event_time", "access_key_id"],
        2,
    );
    let linked = few_columns(
        &sessions,
        &[
            "event_id",
            "event_time",
            "link_status",
            "origin_type",
            "origin_name",
            "chain_event_ids",
            "chain_hops",
        ],
        24,
    );
    data_object("row_groups", &looked_up);
    data_object("linked", &linked);
    data_object(
        "ledger",
        &few_columns(
            &[entry()],
            &["location", "kind", "outcome", "size_bytes"],
            24,
        ),
    );
    fs::write(
        folder("data_object").join("linked_uncompressed"),
        uncompressed(unsealed(&linked)),
    )
    .unwrap();
}

fn issuance(event_id: &str) -> Issuance {
    let mut row = Issuance::default();
    row.record.event_id = event_id.into();
    row.record.event_ids = vec![event_id.into()];
    row.record.event_time = Timestamp(1_763_615_229_000);
    row.session.access_key_id = Some("ASIAIOSFODNN7EXAMPLE".into());
    row.tags.session_tags = [("team".into(), "red".into())].into();
    row
}

fn session(event_id: &str) -> Session {
    let mut row = Session {
        issuance: issuance(event_id),
        ..Session::default()
    };
    Arc::make_mut(&mut row.origin).name = Some("ana".into());
    row.chain.hops = vec![Arc::new(Hop {
        event_id: "e-0".into(),
        event_name: Some("AssumeRole".into()),
        ..Hop::default()
    })];
    row
}

fn entry() -> LedgerEntry {
    LedgerEntry {
        location: "s3://b/k".into(),
        size_bytes: Some(7),
        delivered_at: Some(Timestamp(1_763_615_229_000)),
        ..LedgerEntry::default()
    }
}

/// A data object of some columns: one of all of them is twenty kilobytes of footer.
fn few_columns<R: DataRow>(rows: &[R], names: &[&str], row_group_rows: usize) -> Vec<u8> {
    let columns: Vec<&Column> = R::TABLE.columns().iter().collect();
    let columns = columns
        .into_iter()
        .filter(|column| names.contains(&column.name));
    let rows: Vec<&R> = rows.iter().collect();
    encode_columns(&rows, columns.collect(), row_group_rows).unwrap()
}

/// A data object as any writer of Parquet would have written it: the target adds checksums to whatever became of it.
fn unsealed(file: &[u8]) -> Vec<u8> {
    let footer = footer_start(file);
    [&file[..footer - CHECKSUMS_LEN], &file[footer..]].concat()
}

/// The same rows, so that what becomes of a byte becomes of a row.
fn uncompressed(file: Vec<u8>) -> Vec<u8> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(file)).unwrap();
    let metadata = reader.metadata().file_metadata().key_value_metadata();
    let properties = WriterProperties::builder()
        .set_key_value_metadata(metadata.cloned())
        .set_dictionary_enabled(false)
        .build();
    let options = ArrowWriterOptions::new()
        .with_properties(properties)
        .with_skip_arrow_metadata(true);
    let schema = reader.schema().clone();
    let mut writer = ArrowWriter::try_new_with_options(Vec::new(), schema, options).unwrap();
    for batch in reader.build().unwrap() {
        writer.write(&batch.unwrap()).unwrap();
    }
    writer.into_inner().unwrap()
}
