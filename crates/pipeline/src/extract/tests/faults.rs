//! Whatever breaks, and however log objects are grouped into runs: nothing is lost, nothing doubled, and the published
//! tables are the same bytes.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::fetched::{bucket, key, run_all};
use super::*;
use crate::link::{LinkOptions, link};
use crate::log_objects::LogObject;
use crate::log_objects::memory::{MemoryLogs, SourceFault};
use crate::store::Store;
use crate::store::faulty::{Fault, FaultyStore};

/// A bucket with log objects, one that can never be read, and what is skipped.
fn mixed_bucket(faults: impl IntoIterator<Item = (usize, SourceFault)>) -> Arc<MemoryLogs> {
    let logs = bucket(6, faults);
    logs.put(&key(40), "never to be read");
    logs.put(
        &key(41).replace("CloudTrail_", "CloudTrail-Digest_"),
        "a digest",
    );
    logs
}

/// What readers see of the lake once it is linked: manifests and data objects of all tables.
async fn published(store: &MemoryStore, lake: &Lake) -> BTreeMap<String, Bytes> {
    link(lake, &LinkOptions::default(), &silent())
        .await
        .unwrap();
    let is_seen = |key: &String| key.contains("/data/") || key.contains("/table/");
    let objects = store.objects().into_iter();
    let seen = objects.filter(|(key, _)| is_seen(key));
    seen.map(|(key, (content, _))| (key, content)).collect()
}

async fn published_undisturbed() -> BTreeMap<String, Bytes> {
    let (store, lake) = memory_lake().await;
    let log_objects = mixed_bucket([]).log_objects();
    let (extracted, _) = run_all(&lake, log_objects, &ExtractOptions::default()).await;
    assert!(extracted.unwrap().tally.balances());
    published(&store, &lake).await
}

/// Extracts what is not done yet, as a queue would deliver it again.
async fn extract_rest(lake: &Lake, logs: &Arc<MemoryLogs>, done: &mut BTreeSet<String>) {
    let is_left = |log_object: &LogObject| !done.contains(&*log_object.name);
    let left: Vec<LogObject> = logs.log_objects().into_iter().filter(is_left).collect();
    let (_, told) = run_all(lake, left, &ExtractOptions::default()).await;
    let acknowledged = told.into_iter().filter(|done| done.outcome.is_final());
    done.extend(acknowledged.map(|done| done.name.to_string()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_at_any_call_to_the_lake_loses_and_doubles_nothing() {
    let wanted = published_undisturbed().await;
    let faults = [
        Fault::Fails,
        Fault::LosesReply,
        Fault::CrashesBefore,
        Fault::CrashesAfter,
    ];
    for fault in faults {
        for at in 0.. {
            let (store, lake) = memory_lake().await;
            let faulty = FaultyStore::breaking(Arc::clone(&store) as _, at, fault);
            let faulty = Arc::new(faulty);
            let logs = mixed_bucket([]);
            let mut done = BTreeSet::new();
            let opened = Lake::in_store(
                Arc::clone(&faulty) as Arc<dyn Store>,
                "",
                crate::lake::Access::Write,
            );
            if let Ok(faulty_lake) = opened.await {
                extract_rest(&faulty_lake, &logs, &mut done).await;
            }
            let calls = faulty.calls();
            // What was acknowledged is not delivered again.
            extract_rest(&lake, &logs, &mut done).await;
            assert_eq!(done.len(), logs.log_objects().len());
            assert!(
                published(&store, &lake).await == wanted,
                "{fault:?} at call {at}: {:?}",
                calls.get(at)
            );
            if calls.len() <= at {
                assert!(at > 20);
                break;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_at_any_answer_of_the_bucket_loses_and_doubles_nothing() {
    let wanted = published_undisturbed().await;
    let answers = {
        let (_, lake) = memory_lake().await;
        let logs = mixed_bucket([]);
        extract_rest(&lake, &logs, &mut BTreeSet::new()).await;
        logs.answers()
    };
    assert_eq!(answers, 7);
    let faults = [
        SourceFault::Unavailable,
        SourceFault::Denied,
        SourceFault::Breaks(700),
        SourceFault::Ends(700),
    ];
    for fault in faults {
        for at in 0..answers {
            // Twice in a row, so that what is tried again breaks again.
            let logs = mixed_bucket([(at, fault), (at + 1, fault)]);
            let (store, lake) = memory_lake().await;
            let mut done = BTreeSet::new();
            for _ in 0..3 {
                extract_rest(&lake, &logs, &mut done).await;
            }
            assert_eq!(done.len(), logs.log_objects().len());
            assert!(
                published(&store, &lake).await == wanted,
                "{fault:?} at answer {at}"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_grouping_order_and_repetition_of_log_objects_gives_the_same_tables(
        order in Just((0..8).collect::<Vec<usize>>()).prop_shuffle(),
        again in prop::collection::vec(0..8_usize, 0..8),
        run_objects in prop::collection::vec(1..5_usize, 1..8),
        threads in 1..4_usize,
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let logs = mixed_bucket([]);
            let all = logs.log_objects();
            let mut deliveries = order.iter().chain(&again).map(|place| all[*place].clone());
            let (store, lake) = memory_lake().await;
            let options = ExtractOptions { threads, ..ExtractOptions::default() };
            for count in run_objects.iter().cycle() {
                let run: Vec<LogObject> = deliveries.by_ref().take(*count).collect();
                if run.is_empty() {
                    break;
                }
                let (extracted, _) = run_all(&lake, run, &options).await;
                assert!(extracted.unwrap().tally.balances());
            }
            assert!(published(&store, &lake).await == published_undisturbed().await);
        });
    }
}
