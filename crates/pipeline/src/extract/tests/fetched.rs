//! Log objects that are fetched: what breaks on the way costs another try at most.

use std::time::Instant;

use futures::{TryStreamExt, stream};

use super::*;
use crate::log_objects::memory::{MemoryLogs, SourceFault};
use crate::log_objects::{LogObject, SkippedKind};
use crate::store::StoreError;

/// The key under which CloudTrail delivers an object of that minute.
pub(super) fn key(minute: u32) -> String {
    let name = format!("111122223333_CloudTrail_eu-central-1_20261120T05{minute:02}Z_abc.json");
    format!("AWSLogs/111122223333/CloudTrail/eu-central-1/2026/11/20/{name}")
}

/// A bucket with some objects of four records.
pub(super) fn bucket(
    objects: u32,
    faults: impl IntoIterator<Item = (usize, SourceFault)>,
) -> Arc<MemoryLogs> {
    let logs = MemoryLogs::breaking(faults);
    let records = story::days(objects * 4);
    for (minute, part) in (0..).zip(records.chunks(4)) {
        logs.put(&key(minute), story::log_object(part));
    }
    logs
}

pub(super) async fn run_all(
    lake: &Lake,
    log_objects: impl Into<LogObjects>,
    options: &ExtractOptions,
) -> (Result<Extracted, ExtractError>, Vec<Done>) {
    let mut done = Vec::new();
    let extracted = extract(lake, log_objects, options, &silent(), &mut |object| {
        done.push(object);
    })
    .await;
    (extracted, done)
}

async fn sound(logs: &Arc<MemoryLogs>) -> BTreeMap<String, (Bytes, Metadata)> {
    let (store, lake) = memory_lake().await;
    let (extracted, done) = run_all(&lake, logs.log_objects(), &ExtractOptions::default()).await;
    assert!(extracted.unwrap().tally.balances());
    assert!(done.iter().all(|done| done.outcome == Outcome::Extracted));
    fragments(&store)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_that_breaks_off_anywhere_is_taken_up_where_it_broke() {
    let whole = bucket(3, []);
    let wanted = sound(&whole).await;
    let size = story::log_object(&story::days(4)).len();
    for at in [0, 1, 511, 512, 513, size - 1] {
        for fault in [SourceFault::Breaks(at), SourceFault::Ends(at)] {
            let logs = bucket(3, [(1, fault), (2, SourceFault::Breaks(600))]);
            assert_eq!(sound(&logs).await, wanted, "{fault:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_cannot_be_fetched_says_why_and_costs_only_itself() {
    let broken = |fault| (0..).map(move |answer| (answer, fault)).take(4);
    let cases: [(Vec<(usize, SourceFault)>, &str); 4] = [
        (vec![(0, SourceFault::Unavailable)], "unavailable"),
        (vec![(0, SourceFault::Denied)], "denied"),
        (broken(SourceFault::Breaks(0)).collect(), "unavailable"),
        (broken(SourceFault::Ends(0)).collect(), "unavailable"),
    ];
    for (faults, wanted) in cases {
        let logs = bucket(2, faults);
        let (_, lake) = memory_lake().await;
        let options = ExtractOptions {
            objects_at_once: 1,
            ..ExtractOptions::default()
        };
        let (extracted, done) = run_all(&lake, logs.log_objects(), &options).await;
        let extracted = extracted.unwrap();
        let told = match &done[0].outcome {
            Outcome::Unavailable { .. } => "unavailable",
            Outcome::Denied { .. } => "denied",
            other => panic!("{other:?}"),
        };
        assert_eq!(told, wanted);
        assert!(!done[0].outcome.is_final() && done[1].outcome == Outcome::Extracted);
        let objects = &extracted.tally.objects;
        assert_eq!((objects.extracted, objects.failed), (1, 1));
        assert!(extracted.tally.balances());
        let failure = extracted.problems[0].failure.clone().unwrap();
        assert!(failure.contains("memory:AWSLogs/"), "{failure}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_was_deleted_is_gone_and_one_that_is_overwritten_is_tried_again_later() {
    let logs = bucket(2, []);
    let mut all = logs.log_objects();
    all.insert(1, logs.log_object(&key(59)));
    let (_, lake) = memory_lake().await;
    let (extracted, done) = run_all(&lake, all, &ExtractOptions::default()).await;
    let objects = extracted.unwrap().tally.objects;
    assert_eq!((objects.found, objects.extracted, objects.gone), (3, 2, 1));
    assert_eq!(done[1].outcome, Outcome::Gone);
    assert!(done[1].outcome.is_final());

    let logs = bucket(1, [(0, SourceFault::Breaks(700))]);
    let again = Arc::clone(&logs);
    let overwritten = async move {
        while again.answers() == 0 {
            tokio::task::yield_now().await;
        }
        again.put(&key(0), "{\"Records\":[]}");
    };
    let (_, lake) = memory_lake().await;
    let options = ExtractOptions::default();
    let (told, ()) = futures::join!(run_all(&lake, logs.log_objects(), &options), overwritten);
    let outcome = &told.1[0].outcome;
    assert!(
        matches!(outcome, Outcome::Unavailable { reason } if reason.contains("someone else")),
        "{outcome:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_pieces_nor_how_many_are_open_at_once_change_a_fragment() {
    let logs = bucket(40, []);
    let wanted = sound(&logs).await;
    for (objects_at_once, bytes_ahead, threads) in [(1, 1, 1), (3, 100, 2), (64, 1 << 20, 7)] {
        let options = ExtractOptions {
            threads,
            objects_at_once,
            bytes_ahead,
            ..ExtractOptions::default()
        };
        let (store, lake) = memory_lake().await;
        let (_, done) = run_all(&lake, logs.log_objects(), &options).await;
        assert_eq!(fragments(&store), wanted);
        let places: Vec<_> = done.iter().map(|done| done.place).collect();
        assert_eq!(places, (0..40).collect::<Vec<_>>());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_deadline_nothing_is_begun_and_nothing_of_it_told() {
    let logs = bucket(40, []);
    let (store, lake) = memory_lake().await;
    let options = ExtractOptions {
        deadline: Some(Instant::now()),
        ..ExtractOptions::default()
    };
    let (extracted, done) = run_all(&lake, logs.log_objects(), &options).await;
    assert_eq!(extracted.unwrap().tally, ExtractTally::default());
    assert!(done.is_empty() && fragments(&store).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lies_beside_log_objects_is_skipped_without_being_opened() {
    let logs = bucket(1, []);
    let digest = key(0).replace("CloudTrail_", "CloudTrail-Digest_");
    logs.put(&digest, "never read");
    logs.put("AWSLogs/readme.txt", "never read");
    let (_, lake) = memory_lake().await;
    let (_, done) = run_all(&lake, logs.log_objects(), &ExtractOptions::default()).await;
    let mut outcomes: Vec<_> = done.into_iter().map(|done| done.outcome).collect();
    outcomes.sort_by_key(|outcome| format!("{outcome:?}"));
    let skipped = [SkippedKind::Digest, SkippedKind::Other].map(Outcome::Skipped);
    assert_eq!(outcomes[0], Outcome::Extracted);
    assert_eq!(outcomes[1..], skipped);
    assert_eq!(logs.answers(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_for_log_objects_that_breaks_off_fails_after_what_it_found_is_done() {
    let logs = bucket(2, []);
    let (store, lake) = memory_lake().await;
    let failure = StoreError::NotFound {
        location: "the listing".to_owned(),
    };
    let found: Vec<Result<LogObject, StoreError>> = logs
        .log_objects()
        .into_iter()
        .map(Ok)
        .chain([Err(failure)])
        .collect();
    let found = LogObjects::found_on_the_way(stream::iter(found));
    let (extracted, done) = run_all(&lake, found, &ExtractOptions::default()).await;
    assert_eq!(
        extracted.unwrap_err().to_string(),
        "the listing does not exist"
    );
    assert_eq!(done.len(), 2);
    assert_eq!(fragments(&store), sound(&logs).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_travel_together_keep_their_places_among_what_is_fetched() {
    let folder = tempfile::tempdir().unwrap();
    for (number, part) in story::days(70 * 4).chunks(4).enumerate() {
        deliver(folder.path(), &format!("{number:02}"), part);
    }
    let files = folders::find(&[folder.path().to_owned()]).await.unwrap();
    let mut found: Vec<LogObject> = files.stream.try_collect().await.unwrap();
    let mut fetched = bucket(2, []).log_objects();
    // Files wait when an object is fetched, and when the search breaks off.
    found.insert(33, fetched.remove(0));
    found.insert(35, fetched.remove(0));
    let names: Vec<_> = found.iter().map(|found| found.name.to_string()).collect();
    for (threads, objects_at_once) in [(1, 1), (2, 32), (7, 2)] {
        let options = ExtractOptions {
            threads,
            objects_at_once,
            ..ExtractOptions::default()
        };
        let failure = StoreError::NotFound {
            location: "the listing".to_owned(),
        };
        let found = found.clone().into_iter().map(Ok).chain([Err(failure)]);
        let found = LogObjects::found_on_the_way(stream::iter(found));
        let (_, lake) = memory_lake().await;
        let (extracted, done) = run_all(&lake, found, &options).await;
        assert!(extracted.is_err());
        let told: Vec<_> = done.iter().map(|done| done.name.to_string()).collect();
        assert_eq!(told, names);
        assert!((0..).zip(&done).all(|(place, done)| done.place == place));
        assert!(done.iter().all(|done| done.records.records == 4));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_cannot_be_looked_through_is_tried_again_later() {
    let count = u32::try_from(held_back::HELD_ROWS_MAX).unwrap() + 700;
    let many: Vec<_> = (0..count)
        .map(|n| by_user(n, minute(i64::from(n) / 90), "eve", "x"))
        .collect();
    let again = |fault| (2..5).map(move |answer| (answer, fault));
    let cut = |first, rest| [(1, first)].into_iter().chain(again(rest)).collect();
    let breaks = || cut(SourceFault::Breaks(9_000), SourceFault::Breaks(0));
    let cases: [(Vec<(usize, SourceFault)>, bool); 4] = [
        (breaks(), false),
        (breaks(), true),
        (cut(SourceFault::Ends(9_000), SourceFault::Ends(0)), false),
        (vec![(1, SourceFault::Denied)], false),
    ];
    for (faults, is_corrupt) in cases {
        let logs = MemoryLogs::breaking(faults);
        logs.put(&key(0), member(&many, is_corrupt));
        let (store, lake) = memory_lake().await;
        let options = ExtractOptions::default();
        let (extracted, done) = run_all(&lake, logs.log_objects(), &options).await;
        assert!(extracted.unwrap().tally.balances());
        assert!(!done[0].outcome.is_final(), "{:?}", done[0].outcome);

        let (_, done) = run_all(&lake, logs.log_objects(), &options).await;
        assert!(done[0].outcome.is_final(), "{:?}", done[0].outcome);
        let rows = if is_corrupt { 0 } else { many.len() };
        assert!(row_count(&store) >= rows);
    }
}
