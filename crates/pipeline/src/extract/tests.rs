use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::PathBuf;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use trailback_sessions::Issuance;
use trailback_tables::{Table, decode_fragment};

mod faults;
mod fetched;
mod ledger;

use super::*;
use crate::link::{LinkOptions, Linked};
use crate::log_objects::folders;
use crate::store::memory::MemoryStore;
use crate::store::{Condition, Metadata, Store};
use crate::story::{self, by_session, by_user, deliver, memory_lake, minute, silent};

async fn run(lake: &Lake, path: PathBuf, threads: usize) -> Result<Extracted, ExtractError> {
    let options = ExtractOptions {
        threads,
        ..ExtractOptions::default()
    };
    let log_objects = folders::find(&[path]).await.unwrap();
    extract(lake, log_objects, &options, &silent(), &mut |_| {}).await
}

/// Where fragments lie.
const FRAGMENTS: &str = Table::Sessions.fragments_prefix();

fn fragments(store: &MemoryStore) -> BTreeMap<String, (Bytes, Metadata)> {
    let mut objects = store.objects();
    objects.retain(|key, _| key.starts_with(FRAGMENTS));
    objects
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_found_is_counted_and_what_is_bad_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let first = by_user(1, minute(0), "alice", "admin");
    let second = by_session(2, minute(70), &first, "deploy");
    let mut nameless = second.clone();
    nameless["eventID"] = serde_json::Value::Null;
    let other = story::other_call(3, minute(80), &second);
    deliver(
        &folder.path().join("eu/day"),
        "good",
        &[first, other, nameless, second.clone()],
    );
    let text = story::log_object(&[by_user(4, minute(90), "bob", "admin")]);
    fs::write(folder.path().join("cut.json"), &text[..text.len() - 2]).unwrap();
    fs::write(folder.path().join("bad.json"), "not JSON").unwrap();
    fs::write(folder.path().join("README.md"), "not a log").unwrap();
    let digest = "111122223333_CloudTrail-Digest_eu-central-1_20261120T0510Z.json.gz";
    fs::write(folder.path().join(digest), "digest").unwrap();
    let (store, lake) = memory_lake().await;

    let extracted = run(&lake, folder.path().to_owned(), 2).await.unwrap();

    let tally = &extracted.tally;
    assert!(tally.balances(), "{tally:?}");
    let objects = &tally.objects;
    assert_eq!(
        (objects.found, objects.extracted, objects.failed),
        (5, 1, 2)
    );
    assert_eq!((objects.skipped.digests, objects.skipped.other), (1, 1));
    assert_eq!((tally.records.issuances, tally.records.unreadable), (3, 1));
    assert_eq!(tally.records.passed_over, 1);
    let names: Vec<_> = extracted
        .problems
        .iter()
        .map(|problem| &*problem.log_object)
        .collect();
    assert_eq!(names, ["bad.json", "cut.json", "eu/day/good.json"]);
    assert!(extracted.problems[0].failure.is_some() && extracted.problems[1].failure.is_some());
    assert_eq!(
        extracted.problems[2].records,
        ["record 2: record has no eventID"]
    );
    let rows = fragments(&store)
        .into_values()
        .flat_map(|(bytes, _)| decode_fragment::<Issuance>(bytes).unwrap());
    let mut rows: Vec<_> = rows.collect();
    rows.sort();
    let named: Vec<_> = rows
        .iter()
        .map(|row| (&*row.record.event_id, &*row.log_objects[0]))
        .collect();
    let event_ids = [1, 2, 4].map(story::event_id);
    let wanted = [
        (&*event_ids[0], "eu/day/good.json"),
        (&*event_ids[1], "eu/day/good.json"),
        (&*event_ids[2], "cut.json"),
    ];
    assert_eq!(named, wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn fragments_do_not_depend_on_threads_or_on_doing_it_again() {
    let folder = tempfile::tempdir().unwrap();
    let records = story::days(150);
    for (number, part) in records.chunks(4).enumerate() {
        deliver(
            &folder.path().join(format!("{}", number % 5)),
            &format!("{number}"),
            part,
        );
    }
    // Enough rows in one object for several sets of fragments.
    let many: Vec<_> = (0..17_000)
        .map(|n| by_user(1000 + n, minute(i64::from(n) / 90), "eve", "x"))
        .collect();
    deliver(folder.path(), "many", &many);
    let mut first = None;
    for threads in [1, 2, 7] {
        let (store, lake) = memory_lake().await;
        let extracted = run(&lake, folder.path().to_owned(), threads).await.unwrap();
        assert_eq!(extracted.tally.records.issuances, 17_150);
        assert_eq!(
            extracted.tally.fragments_written,
            fragments(&store).len() as u64
        );
        let hours = fragments(&store)
            .into_keys()
            .map(|key| key[..FRAGMENTS.len() + 21].to_owned());
        let hours: std::collections::BTreeSet<_> = hours.collect();
        assert!(fragments(&store).len() > hours.len(), "{hours:?}");
        let again = run(&lake, folder.path().to_owned(), threads).await.unwrap();
        assert_eq!(again.tally.fragments_written, 0);
        assert_eq!(
            again.tally.fragments_present,
            extracted.tally.fragments_written
        );
        let names: Vec<_> = fragments(&store).into_keys().collect();
        assert_eq!(*first.get_or_insert_with(|| names.clone()), names);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_named_is_read_whatever_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("from the incident.txt");
    fs::write(&path, story::log_object(&story::days(2))).unwrap();
    let (_, lake) = memory_lake().await;
    assert_eq!(
        run(&lake, folder.path().to_owned(), 1)
            .await
            .unwrap()
            .tally
            .objects
            .skipped
            .other,
        1
    );
    let extracted = run(&lake, path, 1).await.unwrap();
    assert_eq!(
        (
            extracted.tally.objects.extracted,
            extracted.tally.records.issuances
        ),
        (1, 2)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lake_in_the_ingested_folder_is_no_input() {
    let folder = tempfile::tempdir().unwrap();
    let lake = Lake::in_folder(&folder.path().join("lake"), crate::lake::Access::Write)
        .await
        .unwrap();
    deliver(folder.path(), "a", &story::days(3));
    for _ in 0..2 {
        let extracted = run(&lake, folder.path().to_owned(), 2).await.unwrap();
        assert_eq!(
            (extracted.tally.objects.found, extracted.problems.len()),
            (1, 0)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_is_not_there_is_an_error_and_an_empty_folder_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let (store, lake) = memory_lake().await;
    let absent = folders::find(&[folder.path().join("absent")])
        .await
        .unwrap_err();
    assert!(absent.to_string().ends_with("absent"), "{absent}");
    let empty = run(&lake, folder.path().to_owned(), 1).await.unwrap();
    assert_eq!(empty.tally, ExtractTally::default());
    assert!(fragments(&store).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_fragment_is_mended_by_reading_its_log_objects_again() {
    let folder = tempfile::tempdir().unwrap();
    deliver(folder.path(), "a", &story::days(40));
    let (store, lake) = memory_lake().await;
    let first = run(&lake, folder.path().to_owned(), 1).await.unwrap();
    let sound = fragments(&store);
    let name = sound.keys().next().unwrap().clone();
    for damage in [0, 1] {
        let mut bytes = sound[&name].0.to_vec();
        match damage {
            0 => bytes[100] ^= 1,
            _ => bytes.truncate(50),
        }
        let put = store.put(&name, bytes.into(), Condition::Always, Metadata::new());
        put.await.unwrap();
        let refused = crate::link::link(&lake, &LinkOptions::default(), &silent()).await;
        let refused = refused.and_then(Linked::whole).unwrap_err().to_string();
        assert!(refused.contains("ingest the log objects"), "{refused}");

        let again = run(&lake, folder.path().to_owned(), 1).await.unwrap();
        assert_eq!(again.tally.fragments_written, 1);
        assert_eq!(
            again.tally.fragments_present + 1,
            first.tally.fragments_written
        );
        assert_eq!(fragments(&store), sound);
    }
    let linked = crate::link::link(&lake, &LinkOptions::default(), &silent()).await;
    assert_eq!(linked.unwrap().sessions.rows, 40);
}

/// A gzip member; with a wrong checksum if it is to be corrupt.
fn member(records: &[serde_json::Value], is_corrupt: bool) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder
        .write_all(story::log_object(records).as_bytes())
        .unwrap();
    let mut packed = encoder.finish().unwrap();
    if is_corrupt {
        let at = packed.len() - 8;
        packed[at] ^= 0xff;
    }
    packed
}

fn row_count(store: &MemoryStore) -> usize {
    let fragments = fragments(store).into_values();
    let rows = fragments.map(|(bytes, _)| decode_fragment::<Issuance>(bytes).unwrap().len());
    rows.sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn records_whose_checksum_is_wrong_never_become_rows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("day.json.gz");
    let records = story::days(40);
    let (store, lake) = memory_lake().await;

    fs::write(&path, member(&records, true)).unwrap();
    let extracted = run(&lake, folder.path().to_owned(), 1).await.unwrap();
    assert!(extracted.tally.balances(), "{extracted:?}");
    assert_eq!(extracted.tally.records.unreadable, 40);
    let told = extracted.problems[0].to_string();
    assert!(
        told.contains("the checksum differs")
            && told.ends_with("40 of its records are not believed"),
        "{told}"
    );
    assert_eq!(row_count(&store), 0);

    fs::write(&path, member(&records, false)).unwrap();
    run(&lake, folder.path().to_owned(), 1).await.unwrap();
    let (never_corrupt, other_lake) = memory_lake().await;
    run(&other_lake, folder.path().to_owned(), 1).await.unwrap();
    assert_eq!(fragments(&store), fragments(&never_corrupt));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_with_more_rows_than_may_wait_is_proven_before_its_end() {
    let count = u32::try_from(held_back::HELD_ROWS_MAX).unwrap() + 700;
    let many: Vec<_> = (0..count)
        .map(|n| by_user(n, minute(i64::from(n) / 90), "eve", "x"))
        .collect();
    let (first, second) = many.split_at(300);
    let members = |is_corrupt| [member(first, false), member(second, is_corrupt)].concat();
    for (object, rows) in [
        (members(false), many.len()),
        (members(true), first.len()),
        (member(&many, true), 0),
    ] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.json.gz"), object).unwrap();
        // Another object, whose rows wait too.
        let other = member(&[by_user(count, minute(1), "bob", "x")], false);
        fs::write(folder.path().join("b.json.gz"), other).unwrap();
        let (store, lake) = memory_lake().await;
        let extracted = run(&lake, folder.path().to_owned(), 2).await.unwrap();
        assert!(extracted.tally.balances(), "{:?}", extracted.tally);
        assert_eq!(extracted.tally.records.issuances, rows as u64 + 1);
        assert_eq!(row_count(&store), rows + 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whole_records_of_an_object_that_is_cut_short_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let packed = member(&story::days(400), false);
    fs::write(
        folder.path().join("cut.json.gz"),
        &packed[..packed.len() - 9],
    )
    .unwrap();
    let (store, lake) = memory_lake().await;
    let extracted = run(&lake, folder.path().to_owned(), 1).await.unwrap();
    assert_eq!(extracted.tally.objects.failed, 1);
    assert!(row_count(&store) > 100, "{}", row_count(&store));
}

#[test]
fn a_problem_is_told_in_one_line() {
    let problem = Problem {
        log_object: "a/b.json.gz".to_owned(),
        failure: Some("gzip data end too early".to_owned()),
        records: vec!["record 2: record has no eventID".to_owned()],
        more_records: 5,
    };
    let told = "a/b.json.gz: gzip data end too early; record 2: record has no eventID; and 5 more unreadable records";
    assert_eq!(problem.to_string(), told);
}
