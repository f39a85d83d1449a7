//! Collapsing depends on the set of readings alone, and every field has a column.

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::arbitrary;
use crate::{decode_data_object, decode_fragment, encode_data_object, encode_fragment};

/// The same by looking at every pair: an entry stays unless another one of the same thing speaks before it.
fn collapse_plainly(entries: &[LedgerEntry]) -> Vec<LedgerEntry> {
    let content = |entry: &LedgerEntry| match (&entry.etag, &entry.version_id, &entry.sha256) {
        (Some(known), ..) | (None, Some(known), _) | (None, None, Some(known)) => known.to_string(),
        (None, None, None) => format!(
            "{:?} {:?} {:?} {:?}",
            entry.size_bytes, entry.unpacked_bytes, entry.first_event_time, entry.last_event_time
        ),
    };
    let is_same_thing =
        |a: &LedgerEntry, b: &LedgerEntry| a.location == b.location && content(a) == content(b);
    let found = |entry: &LedgerEntry| entry.outcome != LogObjectOutcome::Gone;
    let speaks_before = |a: &LedgerEntry, b: &LedgerEntry| {
        if found(a) != found(b) {
            return found(a);
        }
        if a.extract_version != b.extract_version {
            return a.extract_version > b.extract_version;
        }
        if a.outcome != b.outcome {
            return a.outcome < b.outcome;
        }
        let unreadable = |entry: &LedgerEntry| entry.unreadable.unwrap_or(0);
        if unreadable(a) != unreadable(b) {
            return unreadable(a) < unreadable(b);
        }
        a > b
    };
    let is_spoken_for = |entry: &LedgerEntry| {
        entries
            .iter()
            .any(|other| is_same_thing(other, entry) && speaks_before(other, entry))
    };
    let mut kept: Vec<_> = entries
        .iter()
        .filter(|entry| !is_spoken_for(entry))
        .cloned()
        .collect();
    kept.sort_by(table_order);
    kept.dedup();
    kept
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn repeats_collapse_as_they_do_plainly(entries in arbitrary::repeated_ledger_entries(24)) {
        prop_assert_eq!(collapse_repeats(entries.clone()), collapse_plainly(&entries));
    }

    #[test]
    fn what_collapsed_before_changes_nothing(
        entries in arbitrary::repeated_ledger_entries(24),
        turn in 0_usize..24,
        cut in 0_usize..24,
    ) {
        let wanted = collapse_repeats(entries.clone());
        let mut turned = entries.clone();
        turned.rotate_left(turn % entries.len());
        let (first, second) = turned.split_at(cut % entries.len());
        let mut parts = collapse_repeats(first.to_vec());
        parts.extend(collapse_repeats(second.to_vec()));
        parts.extend_from_slice(first);
        prop_assert_eq!(collapse_repeats(parts), wanted);
    }

    #[test]
    fn entries_come_back_from_a_data_object(entries in proptest::collection::vec(arbitrary::ledger_entry(), 1..40)) {
        let file = encode_data_object(&entries).unwrap();
        prop_assert_eq!(decode_data_object::<LedgerEntry>(file.into()).unwrap(), entries);
    }

    #[test]
    fn a_ledger_fragment_depends_on_its_entries_and_not_on_their_order(
        mut entries in proptest::collection::vec(arbitrary::ledger_entry(), 1..40),
        turn in 0_usize..40,
    ) {
        let file = encode_fragment(&entries).unwrap();
        let count = entries.len();
        entries.rotate_left(turn % count);
        prop_assert!(encode_fragment(&entries).unwrap() == file);
        entries.sort_by(table_order);
        prop_assert_eq!(decode_fragment::<LedgerEntry>(file.into()).unwrap(), entries);
    }

    #[test]
    fn damaged_ledger_fragments_are_an_error_and_never_a_panic(
        entries in proptest::collection::vec(arbitrary::ledger_entry(), 1..4),
        damages in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut file = encode_fragment(&entries).unwrap();
        for (at, with) in damages {
            let at = at.index(file.len());
            file[at] = with;
        }
        let _ = decode_fragment::<LedgerEntry>(file.into());
    }
}

fn read_at(location: &str) -> LedgerEntry {
    LedgerEntry {
        location: location.into(),
        ..LedgerEntry::default()
    }
}

#[test]
fn a_file_of_the_other_table_is_refused() {
    let fragment = Bytes::from(encode_fragment(&[read_at("a")]).unwrap());
    let error = decode_data_object::<LedgerEntry>(fragment.clone()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the file holds the table log_object_fragments, expected the table log_objects"
    );
    let error = decode_fragment::<trailback_sessions::Issuance>(fragment).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the file holds the table log_object_fragments, expected the table fragments"
    );
}

#[test]
fn an_entry_is_filed_under_its_delivery_then_its_first_event_then_1970() {
    let mut entry = read_at("a");
    assert_eq!(entry.hour().to_string(), "1970-01-01T00");
    entry.first_event_time = Some(Timestamp(1_795_132_800_000));
    assert_eq!(entry.hour().to_string(), "2026-11-20T00");
    entry.delivered_at = Some(Timestamp(1_795_132_800_000 + 3_600_000));
    assert_eq!(entry.hour().to_string(), "2026-11-20T01");
}

#[test]
fn a_deleted_object_stays_known_as_read() {
    let read = LedgerEntry {
        etag: Some("e".into()),
        records: Some(3),
        extract_version: 1,
        ..read_at("a")
    };
    let gone = LedgerEntry {
        etag: Some("e".into()),
        outcome: LogObjectOutcome::Gone,
        extract_version: 2,
        ..read_at("a")
    };
    assert_eq!(collapse_repeats(vec![gone, read.clone()]), [read]);
}

#[test]
fn an_object_that_was_replaced_is_another_one() {
    let with = |etag: &str| LedgerEntry {
        etag: Some(etag.into()),
        ..read_at("a")
    };
    assert_eq!(
        collapse_repeats(vec![with("f"), with("e"), with("f")]),
        [with("e"), with("f")]
    );
}

#[test]
fn files_of_one_name_that_are_not_hashed_are_told_apart() {
    let measured = |size_bytes, unpacked_bytes, first_event_time: Option<i64>| LedgerEntry {
        size_bytes: Some(size_bytes),
        unpacked_bytes: Some(unpacked_bytes),
        first_event_time: first_event_time.map(Timestamp),
        ..read_at("2026-11-20.json.gz")
    };
    let files = [
        measured(1, 10, None),
        measured(1, 10, Some(5)),
        measured(1, 11, Some(5)),
        measured(2, 11, Some(5)),
    ];
    let repeated = [files.clone(), files.clone()].concat();
    let mut collapsed = collapse_repeats(repeated);
    collapsed.sort();
    let mut wanted = files.to_vec();
    wanted.sort();
    assert_eq!(collapsed, wanted);
}

#[test]
fn the_reading_that_left_fewest_records_out_speaks() {
    let reading = |unreadable, reason: Option<&str>| LedgerEntry {
        etag: Some("e".into()),
        reason: reason.map(Into::into),
        records: Some(3),
        issuances: Some(3 - unreadable),
        unreadable: Some(unreadable),
        extract_version: 1,
        ..read_at("a")
    };
    let (cut, whole) = (reading(1, Some("longer than the limit")), reading(0, None));
    assert_eq!(collapse_repeats(vec![cut, whole.clone()]), [whole]);
}
