use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use bytes::Bytes;
use trailback_sessions::Issuance;
use trailback_tables::{Table, decode_fragment};

mod faults;
mod fetched;
mod ledger;

use super::*;
use crate::log_objects::folders;
use crate::store::Metadata;
use crate::store::memory::MemoryStore;
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
