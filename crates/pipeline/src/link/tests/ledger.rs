//! What matters of linking holds for the ledger too, which the same code publishes.

use trailback_tables::ledger::{LedgerEntry, LogObjectOutcome, table_order};
use trailback_tables::partition::FragmentKey;

use super::faults::three_at_once;
use super::*;

const LEDGER: Table = Table::LogObjects;

/// What was read of a log object; one comes every 40 minutes, from two accounts in turn.
fn entry(number: u32) -> LedgerEntry {
    LedgerEntry {
        location: format!("s3://trail/AWSLogs/{number}.json.gz").into(),
        etag: Some(format!("etag-{number}").into()),
        account_id: Some(["111122223333", "444455556666"][number as usize % 2].into()),
        delivered_at: Some(minute(i64::from(number) * 40)),
        records: Some(u64::from(number)),
        extract_version: 1,
        ..LedgerEntry::default()
    }
}

/// Readings of log objects over days; of every third one there is a failed reading too.
fn readings(objects: u32) -> Vec<LedgerEntry> {
    let read = (0..objects).map(entry);
    let failed = (0..objects).step_by(3).map(|number| LedgerEntry {
        outcome: LogObjectOutcome::Failed,
        reason: Some("cut short".into()),
        records: None,
        ..entry(number)
    });
    failed.chain(read).collect()
}

/// Files entries as an extraction does: one fragment for each hour.
async fn file(lake: &Lake, entries: &[LedgerEntry]) -> Result<(), StoreError> {
    let mut hours: BTreeMap<EventHour, Vec<LedgerEntry>> = BTreeMap::new();
    for entry in entries {
        hours.entry(entry.hour()).or_default().push(entry.clone());
    }
    for (hour, entries) in hours {
        let content = encode_fragment(&entries).unwrap();
        let key = FragmentKey::of(LEDGER, hour, &content).to_string();
        let put = lake
            .store()
            .put(&key, content.into(), Condition::IfAbsent, Metadata::new());
        match put.await {
            Ok(_) | Err(StoreError::Precondition { .. }) => {}
            Err(failure) => return Err(failure),
        }
    }
    Ok(())
}

/// Links, and tells of the ledger.
async fn publish(lake: &Lake, options: &LinkOptions) -> LinkTally {
    let linked = link(lake, options, &silent()).await;
    linked.and_then(Linked::whole).unwrap().log_objects
}

async fn file_and_publish(lake: &Lake, entries: &[LedgerEntry]) -> LinkTally {
    file(lake, entries).await.unwrap();
    publish(lake, &LinkOptions::default()).await
}

/// The ledger of all entries filed at once.
async fn filed_at_once(entries: &[LedgerEntry]) -> Published {
    let (store, lake) = memory_lake().await;
    file_and_publish(&lake, entries).await;
    published(&*store, LEDGER).await
}

fn count_below(store: &MemoryStore, prefix: &str) -> usize {
    let objects = store.objects();
    objects.keys().filter(|key| key.starts_with(prefix)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_log_object_is_one_row_in_the_order_of_the_table() {
    let ledger = filed_at_once(&readings(60)).await;
    let objects = ledger
        .iter()
        .filter(|(key, _)| key.starts_with(LEDGER.data_prefix()));
    let mut rows: Vec<LedgerEntry> = Vec::new();
    for (_, content) in objects {
        let of_object = decode_data_object::<LedgerEntry>(content.clone()).unwrap();
        assert!(of_object.is_sorted_by(|a, b| table_order(a, b).is_lt()));
        rows.extend(of_object);
    }
    rows.sort_by_key(|row| row.delivered_at);
    assert_eq!(rows, (0..60).map(entry).collect::<Vec<_>>());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn the_ledger_depends_on_the_set_of_readings_alone(
        shuffle in Just((0..80_usize).collect::<Vec<_>>()).prop_shuffle(),
        repeated in proptest::collection::vec(0..80_usize, 0..20),
        cuts in 1..6_usize,
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let readings = readings(60);
            let wanted = filed_at_once(&readings).await;
            let (store, lake) = memory_lake().await;
            let order: Vec<_> = shuffle.iter().chain(&repeated).map(|at| readings[*at].clone()).collect();
            for part in order.chunks(order.len().div_ceil(cuts)) {
                file_and_publish(&lake, part).await;
            }
            prop_assert!(published(&*store, LEDGER).await == wanted);
            Ok(())
        })?;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_reading_files_its_own_hour_again_and_no_other() {
    let (_, lake) = memory_lake().await;
    let first = file_and_publish(&lake, &readings(40)).await;
    assert_eq!((first.hours_linked, first.rows), (first.hours, 40));
    let again = publish(&lake, &LinkOptions::default()).await;
    assert_eq!((again.hours_linked, again.days_published), (0, 0));
    let late = LedgerEntry {
        extract_version: 2,
        ..entry(7)
    };
    let tally = file_and_publish(&lake, &[late]).await;
    assert_eq!(
        (tally.hours_linked, tally.days_published, tally.rows),
        (1, 1, 40)
    );
}

/// Files and publishes readings in two parts; false where the store broke.
async fn try_twice(store: Arc<dyn Store>, readings: &[LedgerEntry]) -> bool {
    let Ok(lake) = Lake::in_store(store, "", Access::Write).await else {
        return false;
    };
    for part in readings.chunks(readings.len().div_ceil(2)) {
        let filed = file(&lake, part).await;
        if filed.is_err()
            || link(&lake, &LinkOptions::default(), &silent())
                .await
                .is_err()
        {
            return false;
        }
    }
    true
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_at_any_call_leaves_a_ledger_that_the_next_run_completes() {
    let readings = readings(5);
    let wanted = filed_at_once(&readings).await;
    for fault in FAULTS {
        for at in 0.. {
            let (store, _) = memory_lake().await;
            let faulty = Arc::new(FaultyStore::breaking(Arc::clone(&store) as _, at, fault));
            let ended_well = try_twice(Arc::clone(&faulty) as _, &readings).await;
            let lake = lake_in(Arc::clone(&store) as _).await;
            file_and_publish(&lake, &readings).await;
            assert!(
                published(&*store, LEDGER).await == wanted,
                "{fault:?} at call {at}"
            );
            if faulty.calls().len() <= at {
                assert!(ended_well && at > 20);
                break;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_linkers_at_once_make_the_ledger_that_one_makes() {
    let wanted = filed_at_once(&readings(45)).await;
    for seed in 0..6 {
        let store = Arc::new(MemoryStore::with_pages_of(7));
        let deliver = |lake: Lake, number: usize| async move {
            file(&lake, &readings(45)[number * 20..]).await.unwrap();
        };
        three_at_once(&store, seed, deliver).await;
        assert!(published(&*store, LEDGER).await == wanted, "seed {seed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_of_the_ledger_is_one_object_or_one_an_hour_by_its_size_alone() {
    let readings: Vec<_> = (0..36).map(entry).collect();
    let options = |day_object_rows| LinkOptions {
        day_object_rows,
        recent_rows: 0,
        ..LinkOptions::default()
    };
    let objects_of = async |day_object_rows| {
        let (store, lake) = memory_lake().await;
        for part in readings.chunks(10) {
            file(&lake, part).await.unwrap();
            publish(&lake, &options(day_object_rows)).await;
        }
        let ledger = published(&*store, LEDGER).await;
        ledger
            .keys()
            .filter(|key| key.starts_with(LEDGER.data_prefix()))
            .count()
    };
    assert_eq!((objects_of(37).await, objects_of(36).await), (1, 24));
}

#[tokio::test(flavor = "multi_thread")]
async fn folding_a_quiet_hour_of_the_ledger_loses_nothing_whatever_breaks() {
    let readings = readings(4);
    let wanted = filed_at_once(&readings).await;
    for (fault, is_stored) in FAULTS
        .into_iter()
        .flat_map(|fault| [(fault, false), (fault, true)])
    {
        for at in 0.. {
            let (store, lake) = memory_lake().await;
            for part in [&readings[..4], &readings[2..], &readings[..]] {
                file_and_publish(&lake, part).await;
            }
            if is_stored {
                store.set_time(minute(15_000));
                publish(&lake, &LinkOptions::default()).await;
            }
            store.set_time(minute(20_000));
            let faulty = Arc::new(FaultyStore::breaking(Arc::clone(&store) as _, at, fault));
            if let Ok(lake) = Lake::in_store(Arc::clone(&faulty) as _, "", Access::Write).await {
                let _ = link(&lake, &LinkOptions::default(), &silent()).await;
            }
            publish(&lake, &LinkOptions::default()).await;
            store.set_time(minute(25_000));
            let hours = publish(&lake, &LinkOptions::default()).await.hours;
            assert_eq!(count_below(&store, LEDGER.fragments_prefix()) as u64, hours);
            // The folds alone are the truth too.
            publish(&lake, &rebuild()).await;
            assert!(
                published(&*store, LEDGER).await == wanted,
                "{fault:?} at call {at}"
            );
            if faulty.calls().len() <= at {
                break;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_damaged_or_gone_of_the_ledger_is_built_again() {
    let readings = readings(60);
    let wanted = filed_at_once(&readings).await;
    let keys: Vec<_> = wanted
        .keys()
        .filter(|key| !key.ends_with("recorded"))
        .cloned()
        .collect();
    assert_eq!(keys.len(), 4);
    for key in keys {
        let (store, lake) = memory_lake().await;
        file_and_publish(&lake, &readings).await;
        let gone = store.delete(std::slice::from_ref(&key)).await.remove(0);
        gone.unwrap();
        publish(&lake, &LinkOptions::default()).await;
        assert!(published(&*store, LEDGER).await == wanted, "{key}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unnamed_objects_of_either_table_go_when_they_are_two_days_old() {
    let (store, lake) = memory_lake().await;
    ingest(&lake, "all", &days(10)).await;
    for part in readings(20).chunks(15) {
        file_and_publish(&lake, part).await;
    }
    let before = (
        count_below(&store, DATA_PREFIX),
        count_below(&store, LEDGER.data_prefix()),
    );
    // The ingest has published an entry, too.
    assert_eq!(before, (1, 3));
    store.set_time(minute(10_000 + 48 * 60 + 1));
    assert_eq!(
        publish(&lake, &LinkOptions::default())
            .await
            .objects_deleted,
        2
    );
    let after = (
        count_below(&store, DATA_PREFIX),
        count_below(&store, LEDGER.data_prefix()),
    );
    assert_eq!(after, (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_that_a_newer_program_made_is_left_alone_and_named() {
    let (store, lake) = memory_lake().await;
    file_and_publish(&lake, &readings(3)).await;
    let key = manifest_key(LEDGER, Day::of(minute(0)));
    let object = store.get(&key).await.unwrap();
    let mut state = PartitionState::from_metadata(&object.meta.metadata).unwrap();
    state.link_version = Ledger::VERSION + 1;
    let text = object.bytes().await.unwrap();
    let put = store.put(&key, text, Condition::Always, state.to_metadata());
    put.await.unwrap();
    let refused = link(&lake, &LinkOptions::default(), &silent())
        .await
        .unwrap_err();
    assert_eq!(
        refused.to_string(),
        "log_objects of 2026-11-20 was linked by rules of version 3, this program knows up to 2; use a newer trailback"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lake_of_a_time_before_the_ledger_goes_on_working() {
    let story = days(20);
    let (store, lake) = memory_lake().await;
    ingest(&lake, "all", &story[..10]).await;
    let of_ledger: Vec<_> = store
        .objects()
        .into_keys()
        .filter(|key| key.starts_with(LEDGER.name()))
        .collect();
    for outcome in store.delete(&of_ledger).await {
        outcome.unwrap();
    }
    let none = publish(&lake, &LinkOptions::default()).await;
    assert_eq!(none, LinkTally::default());
    ingest(&lake, "all", &story[10..]).await;
    assert!(table(&*store).await == one_shot(&story).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_out_of_time_leaves_the_ledger_to_the_next_one() {
    let readings = readings(60);
    let (store, lake) = memory_lake().await;
    file(&lake, &readings).await.unwrap();
    let budget = |budget| LinkOptions {
        budget: Some(budget),
        ..LinkOptions::default()
    };
    let tally = publish(&lake, &budget(Duration::ZERO)).await;
    assert_eq!((tally.hours_linked, tally.hours_left), (0, tally.hours));
    assert_eq!(published(&*store, LEDGER).await, Published::new());
    publish(&lake, &budget(Duration::from_secs(3600))).await;
    assert!(published(&*store, LEDGER).await == filed_at_once(&readings).await);
}
