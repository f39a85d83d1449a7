//! A scan finds exactly the rows that pass the filter, whatever it leaves unread.

use proptest::prelude::*;
use trailback_sessions::{Text, Timestamp};

use super::*;
use crate::arbitrary::{self, RECURRING};
use crate::checked::TAIL_BYTES;
use crate::checksums::{Checksums, seal};
use crate::encode::encode_in_row_groups;
use crate::encode_data_object;
use crate::footer::footer_range;
use crate::writer::ROW_GROUP_ROWS;

/// What a scan found, and what it read to find it.
struct Found {
    rows: Vec<Session>,
    bytes_read: u64,
    /// The ranges asked for.
    reads: usize,
    footer: Footer,
}

/// Runs a scan on a file in memory.
fn run(mut scan: Scan, file: &[u8]) -> Result<Found, TableError> {
    let (mut rows, mut bytes_read, mut reads) = (Vec::new(), 0, 0);
    loop {
        match scan.step()? {
            Step::Need(ranges) => {
                assert!(!ranges.is_empty() && ranges.is_sorted_by_key(|range| range.start));
                // A damaged file can ask for what it does not have; a store then gives what there is.
                let slice = |range: &Range<u64>| {
                    let len = file.len() as u64;
                    let (start, end) = (range.start.min(len), range.end.min(len));
                    Bytes::copy_from_slice(&file[start as usize..end.max(start) as usize])
                };
                let bytes: Vec<_> = ranges.iter().map(slice).collect();
                reads += ranges.len();
                bytes_read += bytes.iter().map(Bytes::len).sum::<usize>() as u64;
                scan.supply(ranges, bytes)?;
            }
            Step::Rows(found) => {
                assert!(!found.is_empty());
                rows.extend(found);
            }
            Step::Done => {
                let footer = scan.footer().cloned().unwrap();
                return Ok(Found {
                    rows,
                    bytes_read,
                    reads,
                    footer,
                });
            }
        }
    }
}

fn in_row_groups(rows: &[Session], row_group_rows: usize) -> Vec<u8> {
    encode_in_row_groups(&rows.iter().collect::<Vec<_>>(), row_group_rows).unwrap()
}

fn find(file: &[u8], filter: &Filter) -> Found {
    run(Scan::new(file.len() as u64, filter.clone()), file).unwrap()
}

fn text() -> impl Strategy<Value = Text> {
    prop_oneof![
        4 => proptest::sample::select(&RECURRING[..]).prop_map(Text::from),
        1 => "[a-f0-9]{1,3}".prop_map(Text::from),
    ]
}

fn one_condition() -> impl Strategy<Value = Filter> {
    let columns = [
        "event_id",
        "event_ids",
        "access_key_id",
        "session_principal_id",
        "caller_access_key_id",
        "session_arn",
        "role_arn",
        "parent_event_id",
        "link_status",
        "origin_arn",
        "chain_access_key_ids",
        "effective_tag_pairs",
        "log_objects",
    ];
    let texts = (
        proptest::sample::select(columns.to_vec()),
        proptest::collection::vec(text(), 0..3),
    );
    let moment = || proptest::option::of(-10_i64..110).prop_map(|ms| ms.map(Timestamp));
    prop_oneof![
        4 => texts.prop_map(|(column, values)| Filter::text_in(column, values).unwrap()),
        1 => Just(Filter::all()),
        1 => Just(Filter::no_mfa()),
        1 => Just(Filter::mfa_unknown()),
        1 => (moment(), moment()).prop_map(|(since, until)| Filter::recorded(since, until)),
        1 => (text(), text()).prop_map(|(key, value)| Filter::tag(&key, &value)),
        1 => text().prop_map(|wanted| Filter::matching(move |row: &trailback_sessions::MatchFacts<'_>| {
            [row.access_key_id, row.session_principal_id, row.role_account_id, row.role_name, row.session_name, row.replaces_event_id]
                .contains(&Some(&*wanted)) || row.event_time == Timestamp(1)
        })),
    ]
}

fn filter() -> impl Strategy<Value = Filter> {
    one_condition().prop_recursive(2, 6, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| a.and(b)),
            (inner.clone(), inner).prop_map(|(a, b)| a.or(b)),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_scan_finds_what_a_plain_filter_finds(
        rows in arbitrary::sessions(30),
        filters in proptest::collection::vec(filter(), 1..8),
        row_group_rows in 5_usize..40,
    ) {
        let file = in_row_groups(&rows, row_group_rows);
        for filter in filters {
            let expected: Vec<_> = rows.iter().filter(|row| filter.matches(row)).cloned().collect();
            let found = find(&file, &filter);
            prop_assert_eq!(&found.rows, &expected, "{:?}", filter);
            let again = run(Scan::with_footer(found.footer, filter).unwrap(), &file).unwrap();
            prop_assert_eq!(&again.rows, &expected);
        }
    }

    #[test]
    fn damaged_bytes_are_an_error_and_never_a_panic(
        rows in arbitrary::sessions(3),
        filter in filter(),
        damages in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut file = encode_data_object(&rows).unwrap();
        for (at, with) in damages {
            let at = at.index(file.len());
            file[at] = with;
        }
        let _ = run(Scan::new(file.len() as u64, filter), &file);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Pages, Bloom filters of row groups and file, page indexes, footer and checksums: no flipped bit anywhere makes or hides a row.
    #[test]
    fn a_flipped_bit_is_an_error_or_of_no_consequence(
        rows in arbitrary::sessions(12),
        filters in proptest::collection::vec(filter(), 1..4),
        flips in proptest::collection::vec((any::<proptest::sample::Index>(), 0_u8..8), 30),
        row_group_rows in 5_usize..20,
    ) {
        let sound = in_row_groups(&rows, row_group_rows);
        for (at, bit) in flips {
            let mut file = sound.clone();
            let at = at.index(file.len());
            file[at] ^= 1 << bit;
            for filter in &filters {
                let scanned = run(Scan::new(file.len() as u64, filter.clone()), &file);
                if let Ok(found) = scanned {
                    prop_assert_eq!(found.rows, find(&sound, filter).rows, "byte {}", at);
                }
            }
            prop_assert!(crate::decode_data_object::<Session>(file.into()).is_err(), "byte {}", at);
        }
    }
}

/// Rows with a key, an event ID and an origin of their own, in the order of their number.
fn numbered(count: usize) -> Vec<Session> {
    let row = |number: usize| {
        let mut row = Session::default();
        row.issuance.record.event_id = format!("event{number:06}").into();
        row.issuance.record.event_ids = vec![format!("event{number:06}").into()];
        row.issuance.record.event_time = Timestamp(number as i64 * 1000);
        row.issuance.session.access_key_id =
            Some(format!("ASIA{:016x}", number * 7_919 % count).into());
        row.issuance.session.session_name = Some(format!("name {number}").into());
        Arc::make_mut(&mut row.origin).arn =
            Some(format!("arn:aws:iam::111122223333:user/{:05}", number / 100).into());
        row
    };
    (0..count).map(row).collect()
}

#[test]
fn a_look_up_reads_the_row_group_it_needs_and_of_that_few_pages() {
    let rows = numbered(150_000);
    let file = encode_data_object(&rows).unwrap();
    assert_eq!(
        Footer::of_checked_file(&Bytes::from(file.clone()), KIND)
            .unwrap()
            .metadata()
            .num_row_groups(),
        rows.len().div_ceil(ROW_GROUP_ROWS)
    );
    for number in [0, ROW_GROUP_ROWS - 1, ROW_GROUP_ROWS, rows.len() - 1] {
        let row = &rows[number];
        let key = row.issuance.session.access_key_id.clone().unwrap();
        for filter in [
            Filter::issued_keys([key]),
            Filter::event_ids([row.issuance.record.event_id.clone()]),
            Filter::recorded(
                Some(Timestamp(number as i64 * 1000)),
                Some(Timestamp(number as i64 * 1000 + 1)),
            ),
        ] {
            let found = find(&file, &filter);
            assert_eq!(found.rows, std::slice::from_ref(row));
            assert!(
                found.bytes_read < file.len() as u64 / 4,
                "{} of {}",
                found.bytes_read,
                file.len()
            );
        }
    }
}

#[test]
fn a_subject_that_a_file_of_many_row_groups_does_not_hold_costs_one_read_after_its_footer() {
    let file = in_row_groups(&numbered(20_000), 1_000);
    let vain: Vec<_> = (0..100)
        .map(|number| find(&file, &Filter::issued_keys([format!("ASIA{number:x}!")])))
        .collect();
    let read_twice = vain.iter().filter(|found| found.reads == 2).count();
    assert!(vain.iter().all(|found| found.rows.is_empty()));
    assert!(read_twice >= 94, "{read_twice} of 100");
}

#[test]
fn a_look_up_in_vain_reads_the_footer_and_a_few_blocks() {
    let file = encode_data_object(&numbered(20_000)).unwrap();
    let found = find(&file, &Filter::issued_keys(["ASIA0000000000000abc!"]));
    assert!(found.rows.is_empty());
    assert!(
        found.bytes_read <= TAIL_BYTES + BLOCK_BYTES_READ,
        "{}",
        found.bytes_read
    );
}

/// The blocks of the file that hold one block of one Bloom filter.
const BLOCK_BYTES_READ: u64 = 2 * 16 * 1024;

#[test]
fn bloom_filters_know_every_value_and_few_others() {
    let file = Bytes::from(encode_data_object(&numbered(5_000)).unwrap());
    let footer = Footer::of_checked_file(&file, KIND).unwrap();
    let kept = |key: String| {
        let filter = Filter::issued_keys([key]);
        let mut checks = BloomChecks::of_row_groups(&filter.0, footer.metadata(), vec![0]);
        for range in checks.needed().unwrap() {
            checks.supply(
                &range,
                &file.slice(range.start as usize..range.end as usize),
            );
        }
        !checks.kept().is_empty()
    };
    assert!((0..5_000).all(|number| kept(format!("ASIA{number:016x}"))));
    let false_positives = (5_000..15_000)
        .filter(|number| kept(format!("ASIA{number:016x}")))
        .count();
    assert!(false_positives < 300, "{false_positives} of 10000");
}

#[test]
fn bytes_of_another_length_than_asked_for_are_refused() {
    let mut scan = Scan::new(100, Filter::all());
    let Step::Need(ranges) = scan.step().unwrap() else {
        panic!("a scan begins with the footer")
    };
    let error = scan
        .supply(ranges, vec![Bytes::from_static(b"short")])
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the bytes supplied for 0..100 are 5 long"
    );
}

/// Writes a number in Thrift's compact form over the one that begins the bytes, as long as that; the bytes behind it.
fn overwrite(bytes: &mut [u8], value: u64) -> &mut [u8] {
    let last = bytes.iter().position(|byte| byte & 0x80 == 0).unwrap();
    let (number, rest) = bytes.split_at_mut(last + 1);
    for (index, byte) in number.iter_mut().enumerate() {
        *byte = ((value << 1) >> (7 * index)) as u8 | 0x80;
    }
    number[last] &= 0x7f;
    rest
}

/// The file with a dictionary of eight thousand entries in a page of one byte, and with checksums that hold.
fn with_a_boasting_dictionary(mut file: Vec<u8>) -> Vec<u8> {
    let footer = Footer::of_checked_file(&Bytes::from(file.clone()), KIND).unwrap();
    let columns = footer.metadata().row_group(0).columns().iter();
    let page = columns.filter_map(ColumnChunkMetaData::dictionary_page_offset);
    // Sizes and entries of this one take two bytes each.
    let header = &mut file[page.min().unwrap() as usize..];
    assert_eq!(header[..3], [0x15, 4, 0x15], "a dictionary, then its sizes");
    let rest = overwrite(&mut header[3..], 1);
    let rest = overwrite(&mut rest[1..], 1);
    assert_eq!(rest[..2], [0x4c, 0x15], "its own header, then its entries");
    assert!(rest[2] & 0x80 != 0 && rest[3] & 0x80 == 0);
    overwrite(&mut rest[2..], 8_000);
    let footer_start = footer_range(file.len() as u64, &file).unwrap().start;
    let footer = file.split_off(footer_start as usize);
    file.truncate(Checksums::start(footer_start) as usize);
    seal(file, &footer)
}

#[test]
fn pages_that_claim_more_than_they_can_hold_are_refused() {
    let file = with_a_boasting_dictionary(encode_data_object(&numbered(200)).unwrap());
    let refused = run(Scan::new(file.len() as u64, Filter::all()), &file);
    let refused = refused.map(|found| found.rows.len()).unwrap_err();
    assert!(refused.to_string().contains("claims more"), "{refused}");
}

#[test]
fn a_file_of_something_else_is_refused() {
    for file in [&b""[..], b"PAR1", b"not a table at all"] {
        assert!(run(Scan::new(file.len() as u64, Filter::all()), file).is_err());
    }
}
