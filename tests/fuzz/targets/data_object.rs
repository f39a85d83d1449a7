//! Data objects, whose checksums hold whatever they say: whoever reads one whole, and whoever scans it, see the same rows or an
//! error. Rows that come out are written again, and then every reader and every filter finds what the rows themselves say. The
//! input is a Parquet file without checksums.
#![no_main]

use std::ops::Range;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use trailback_fuzz::choices::Choices;
use trailback_fuzz::damage;
use trailback_sessions::{Session, Subject, Text};
use trailback_tables::filter::Filter;
use trailback_tables::ledger::LedgerEntry;
use trailback_tables::scan::{Scan, Step};
use trailback_tables::{DataRow, Footer, TableError, decode_data_object, fuzzing};

/// How often a scan may ask: the footer twice, then filters, the index, and pages of each row group.
const STEPS_MAX: usize = 10_000;

/// More rows tell nothing new, and take long.
const ROWS_MAX: usize = 200;

fuzz_target!(
    init: damage::let_libraries_panic(),
    |file: &[u8]| {
        let _refused = decode_data_object::<Session>(Bytes::copy_from_slice(file));
        let Some(sealed) = sealed(file) else {
            return;
        };
        let mut choices = Choices::of(file);
        let whole = decode_data_object::<Session>(sealed.clone());
        check_scans(&sealed, whole.as_deref().ok());
        if let Ok(rows) = whole {
            check_written(&rows, &mut choices, check_filters);
        }
        if let Ok(entries) = decode_data_object::<LedgerEntry>(sealed) {
            check_written(&entries, &mut choices, |_, _, _| {});
        }
    }
);

/// The file with checksums before its footer, if it ends like one.
fn sealed(file: &[u8]) -> Option<Bytes> {
    let (rest, magic) = file.split_last_chunk::<4>()?;
    let (_, length) = rest.split_last_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let begin = (magic == b"PAR1")
        .then(|| file.len().checked_sub(length + 8))
        .flatten()?;
    Some(fuzzing::seal(file[..begin].to_vec(), &file[begin..]).into())
}

/// A file that is not ours may have filters and an index that hide rows, but no scan finds a row that is not there.
fn check_scans(file: &Bytes, whole: Option<&[Session]>) {
    let all = scan(file, Filter::all());
    if let (Some(whole), Ok((all, _))) = (whole, &all) {
        assert!(whole == all, "a scan sees other rows");
    }
    for filter in [
        Filter::issued_keys(["ASIAIOSFODNN7EXAMPLE"]),
        Filter::event_ids(["e-1"]),
        Filter::origin("ana"),
    ] {
        let Ok((found, _)) = scan(file, filter.clone()) else {
            continue;
        };
        assert!(found.iter().all(|row| filter.matches(row)));
        if let Some(whole) = whole {
            let mut rows = whole.iter();
            assert!(found.iter().all(|row| rows.any(|there| there == row)));
        }
    }
}

/// Rows that are written, in row groups of a size that the input chooses, come back.
fn check_written<R: DataRow>(
    rows: &[R],
    choices: &mut Choices,
    and: impl Fn(&Bytes, &[R], &mut Choices),
) {
    if rows.is_empty() || rows.len() > ROWS_MAX {
        return;
    }
    let row_group_rows = 1 + choices.below(rows.len() + 1);
    let file = fuzzing::encode_in_row_groups(rows, row_group_rows).expect("rows are encoded");
    let file = Bytes::from(file);
    let again = decode_data_object::<R>(file.clone()).expect("what we write we read");
    assert!(rows == again, "other rows come back");
    and(&file, rows, choices);
}

/// A scan of our own file gives the rows that pass, no more and no fewer; with a footer that is known, too.
fn check_filters(file: &Bytes, rows: &[Session], choices: &mut Choices) {
    let row = &rows[choices.below(rows.len())];
    let id = Text::clone(&row.issuance.record.event_id);
    let key = row.issuance.session.access_key_id.clone();
    let arn = row.issuance.session.session_arn.clone();
    let time = row.issuance.record.event_time;
    let subjects = [
        Some(Subject::EventId(id)),
        key.map(Subject::AccessKeyId),
        arn.map(Subject::SessionArn),
        Some(Subject::EventId("of no row".into())),
    ];
    let about = subjects.iter().flatten().map(Filter::for_subject);
    let others = [
        Filter::all(),
        Filter::same_origin(&row.origin),
        Filter::recorded(Some(time), None),
        Filter::no_mfa(),
    ];
    let mut known: Option<Footer> = None;
    for filter in about.chain(others) {
        let passing: Vec<_> = rows.iter().filter(|row| filter.matches(row)).collect();
        let (found, footer) = match known.take() {
            None => scan(file, filter.clone()),
            Some(footer) => {
                Scan::with_footer(footer, filter.clone()).and_then(|scan| to_its_end(scan, file))
            }
        }
        .expect("what we write we scan");
        assert!(passing.into_iter().eq(&found), "{filter:?}");
        known = footer;
    }
}

fn scan(file: &Bytes, filter: Filter) -> Result<(Vec<Session>, Option<Footer>), TableError> {
    to_its_end(Scan::new(file.len() as u64, filter), file)
}

fn to_its_end(mut scan: Scan, file: &Bytes) -> Result<(Vec<Session>, Option<Footer>), TableError> {
    let mut found = Vec::new();
    for _ in 0..STEPS_MAX {
        match scan.step()? {
            Step::Need(ranges) => {
                assert!(!ranges.is_empty());
                let bytes = ranges.iter().map(|range| cut(file, range)).collect();
                scan.supply(ranges, bytes)?;
            }
            Step::Rows(rows) => found.extend(rows),
            Step::Done => return Ok((found, scan.footer().cloned())),
        }
    }
    panic!("a scan does not end");
}

/// What a store would give.
fn cut(file: &Bytes, range: &Range<u64>) -> Bytes {
    assert!(
        range.start <= range.end && range.end <= file.len() as u64,
        "{range:?} is not of the file"
    );
    file.slice(range.start as usize..range.end as usize)
}
