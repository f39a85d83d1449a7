use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use proptest::prelude::*;
use serde_json::Value;
use trailback_sessions::{Issuance, LinkStatus, Session};
use trailback_tables::manifest::PartitionState;
use trailback_tables::partition::manifest_key;
use trailback_tables::{Table, TableError, decode_data_object, decode_fragment, encode_fragment};

mod damage;
mod faults;
mod folding;
mod ledger;
mod slices;

use super::*;
use crate::fragments::FragmentError;
use crate::lake::Access;
use crate::log_objects::folders;
use crate::store::faulty::{Fault, FaultyStore};
use crate::store::folder::FolderStore;
use crate::store::memory::MemoryStore;
use crate::store::{
    Condition, ETag, Metadata, Object, ObjectMeta, Page, Store, StoreError, list_all,
};
use crate::story::{self, by_session, by_user, days, ingest, lake_in, memory_lake, minute, silent};

const FRAGMENTS_PREFIX: &str = Table::Sessions.fragments_prefix();
const DATA_PREFIX: &str = Table::Sessions.data_prefix();

const FAULTS: [Fault; 4] = [
    Fault::Fails,
    Fault::LosesReply,
    Fault::CrashesBefore,
    Fault::CrashesAfter,
];

/// A published table: each day's manifest and the bytes of its data objects, and what is recorded of its hours but for
/// the digests of inputs, which name fragments.
type Published = BTreeMap<String, Bytes>;

async fn table(store: &dyn Store) -> Published {
    published(store, Table::Sessions).await
}

async fn published(store: &dyn Store, which: Table) -> Published {
    let mut table = Published::new();
    for listed in list_all(store, which.manifests_prefix()).await.unwrap() {
        let object = store.get(&listed.key).await.unwrap();
        let state = PartitionState::from_metadata(&object.meta.metadata).unwrap();
        let hours = state
            .built()
            .map(|(hour, state)| (hour, state.link_id, state.row_count));
        let recorded = format!("{:?}", hours.collect::<Vec<_>>());
        let text = object.bytes().await.unwrap();
        for line in std::str::from_utf8(&text).unwrap().lines() {
            let content = store.get(line).await.unwrap().bytes().await.unwrap();
            table.insert(line.to_owned(), content);
        }
        table.insert(format!("{} recorded", listed.key), recorded.into());
        table.insert(listed.key, text);
    }
    table
}

fn rows(table: &Published) -> Vec<Session> {
    let objects = table.iter().filter(|(key, _)| key.starts_with(DATA_PREFIX));
    objects
        .flat_map(|(_, content)| decode_data_object(content.clone()).unwrap())
        .collect()
}

fn rows_objects(store: &MemoryStore) -> Vec<(String, Bytes)> {
    let mut objects = store.objects();
    objects.retain(|key, _| key.starts_with(DATA_PREFIX));
    objects
        .into_iter()
        .map(|(key, (content, _))| (key, content))
        .collect()
}

/// The table of all records ingested at once.
async fn one_shot(records: &[Value]) -> Published {
    let (store, lake) = memory_lake().await;
    ingest(&lake, "all", records).await;
    table(&*store).await
}

fn rebuild() -> LinkOptions {
    LinkOptions {
        rebuild: true,
        ..LinkOptions::default()
    }
}

async fn relink(lake: &Lake, options: &LinkOptions) -> LinkTally {
    let linked = link(lake, options, &silent()).await;
    linked.and_then(Linked::whole).unwrap().sessions
}

#[tokio::test(flavor = "multi_thread")]
async fn chains_reach_over_hours_and_days() {
    let first = by_user(1, minute(23 * 60 + 50), "alice", "admin");
    let second = by_session(2, minute(24 * 60 + 10), &first, "deploy");
    let third = by_session(3, minute(55 * 60), &second, "deploy");
    let too_late = by_session(4, minute(24 * 60 + 10 + 36 * 60 + 1), &second, "deploy");
    let table = one_shot(&[first, second, third, too_late]).await;
    let rows = rows(&table);
    let depths: BTreeMap<_, _> = rows
        .iter()
        .map(|row| (&*row.issuance.record.event_id, row.chain.depth))
        .collect();
    let event_ids = [1, 2, 3, 4].map(story::event_id);
    assert_eq!(
        depths.into_iter().collect::<Vec<_>>(),
        [
            (&*event_ids[0], 0),
            (&*event_ids[1], 1),
            (&*event_ids[2], 2),
            (&*event_ids[3], 0),
        ]
    );
    let linked = rows
        .iter()
        .filter(|row| row.link.status == LinkStatus::Linked)
        .count();
    assert_eq!((linked, rows.len()), (2, 4));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Order, splitting, duplication, lateness and the sizes of caches and objects leave no trace in the table.
    #[test]
    fn the_table_depends_on_the_set_of_records_alone(
        shuffle in Just((0..70_usize).collect::<Vec<_>>()).prop_shuffle(),
        repeated in proptest::collection::vec(0..70_usize, 0..20),
        cuts in 1..6_usize,
        recent_rows in prop_oneof![Just(0_usize), Just(5), Just(100_000)],
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let story = days(70);
            let wanted = one_shot(&story).await;
            let (store, lake) = memory_lake().await;
            let order: Vec<Value> =
                shuffle.iter().chain(&repeated).map(|number| story[*number].clone()).collect();
            for (number, part) in order.chunks(order.len().div_ceil(cuts)).enumerate() {
                // The names of log objects are a column, so every delivery has the same.
                story::extract(&lake, "all", part).await;
                if number % 2 == 0 {
                    relink(&lake, &LinkOptions { recent_rows, ..LinkOptions::default() }).await;
                }
            }
            relink(&lake, &LinkOptions { recent_rows, ..LinkOptions::default() }).await;
            prop_assert!(table(&*store).await == wanted);
            Ok(())
        })?;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_parent_relinks_what_descends_from_it_and_no_more() {
    let story = days(60);
    let (store, lake) = memory_lake().await;
    let late = &story[..1];
    ingest(&lake, "all", &story[1..]).await;
    let tally = ingest(&lake, "all", late).await;
    assert_eq!(table(&*store).await, one_shot(&story).await);
    assert!(
        tally.hours_linked > 1 && tally.hours_linked < tally.hours,
        "{tally:?}"
    );
    // A duplicate changes its own row's list of log objects, and nothing that a child inherits.
    let tally = ingest(&lake, "another delivery", late).await;
    assert_eq!((tally.hours_linked, tally.days_published), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_run_changes_nothing() {
    let (store, lake) = memory_lake().await;
    let first = ingest(&lake, "all", &days(60)).await;
    assert_eq!((first.hours_linked, first.rows), (first.hours, 60));
    let watched = Arc::new(FaultyStore::watching(Arc::clone(&store) as _));
    let lake = lake_in(Arc::clone(&watched) as _).await;
    let tally = relink(&lake, &LinkOptions::default()).await;
    assert_eq!((tally.hours_linked, tally.rows), (0, 60));
    for operation in ["put", "delete", "get_range"] {
        assert_eq!(watched.count(operation, ""), 0, "{operation}");
    }
    assert_eq!(
        watched.count("get", DATA_PREFIX) + watched.count("get", FRAGMENTS_PREFIX),
        0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_builds_everything_and_finds_it_the_same() {
    let (store, lake) = memory_lake().await;
    let first = ingest(&lake, "all", &days(60)).await;
    let before = store.objects();
    let tally = relink(&lake, &rebuild()).await;
    assert_eq!(tally.hours_linked, first.hours);
    assert_eq!((tally.days_published, tally.objects_written), (0, 0));
    assert!(store.objects() == before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_linker_s_lake_is_left_alone() {
    let (store, lake) = memory_lake().await;
    ingest(&lake, "all", &days(3)).await;
    let key = manifest_key(Table::Sessions, Day::of(minute(0)));
    let object = store.get(&key).await.unwrap();
    let mut state = PartitionState::from_metadata(&object.meta.metadata).unwrap();
    state.link_version = Sessions::VERSION + 1;
    let text = object.bytes().await.unwrap();
    store
        .put(&key, text, Condition::Always, state.to_metadata())
        .await
        .unwrap();
    story::extract(&lake, "all", &days(5)).await;
    let before = store.objects();
    let refused = link(&lake, &LinkOptions::default(), &silent())
        .await
        .unwrap_err();
    assert!(
        matches!(refused, LinkError::NewerLinkVersion { .. }),
        "{refused}"
    );
    assert!(store.objects() == before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_is_one_object_or_one_an_hour_by_its_size_alone() {
    let story: Vec<_> = (0..60)
        .map(|n| by_user(n, minute(i64::from(n) * 10), "alice", "x"))
        .collect();
    let options = |day_object_rows| LinkOptions {
        day_object_rows,
        recent_rows: 0,
        ..LinkOptions::default()
    };
    let objects_of = async |sizes: &[u64], parts: &[&[Value]]| {
        let (store, lake) = memory_lake().await;
        for (size, part) in sizes.iter().zip(parts) {
            story::extract(&lake, "all", part).await;
            relink(&lake, &options(*size)).await;
        }
        let table = table(&*store).await;
        assert_eq!(rows(&table).len(), 60);
        table
    };
    let whole = objects_of(&[61], &[&story]).await;
    let hours = objects_of(&[60], &[&story]).await;
    let count = |table: &Published| {
        table
            .keys()
            .filter(|key| key.starts_with(DATA_PREFIX))
            .count()
    };
    assert_eq!((count(&whole), count(&hours)), (1, 10));
    // From one object to many as the day grows, in any way.
    for cut in [5, 30, 59] {
        let (first, second) = story.split_at(cut);
        assert_eq!(objects_of(&[60, 60], &[first, second]).await, hours);
        assert_eq!(objects_of(&[60, 60], &[second, first]).await, hours);
        assert_eq!(objects_of(&[4, 60], &[first, second]).await, hours);
        assert_eq!(objects_of(&[4, 61], &[second, first]).await, whole);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_without_fragments_has_no_manifest() {
    let story = days(40);
    let (store, lake) = memory_lake().await;
    ingest(&lake, "all", &story).await;
    let of_first_day = format!("{FRAGMENTS_PREFIX}dt={}", Day::of(minute(0)));
    let fragments: Vec<_> = store
        .objects()
        .into_keys()
        .filter(|key| key.starts_with(&of_first_day))
        .collect();
    store.delete(&fragments).await;
    relink(&lake, &LinkOptions::default()).await;
    let left: Vec<_> = story.into_iter().skip(31).collect();
    assert!(table(&*store).await == one_shot(&left).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_out_of_time_leaves_the_rest_to_the_next_one() {
    let story = days(60);
    let (store, lake) = memory_lake().await;
    story::extract(&lake, "all", &story).await;
    let no_time = LinkOptions {
        budget: Some(Duration::ZERO),
        ..LinkOptions::default()
    };
    store.set_time(Timestamp(store.now().await.unwrap().0 + 7_200_000));
    let tally = relink(&lake, &no_time).await;
    assert_eq!((tally.hours_linked, tally.hours_left), (0, tally.hours));
    assert_eq!(tally.lag_seconds, 7_200);
    assert_eq!(table(&*store).await, Published::new());
    let much_time = LinkOptions {
        budget: Some(Duration::from_secs(3600)),
        ..LinkOptions::default()
    };
    for _ in 0..3 {
        let tally = relink(&lake, &much_time).await;
        assert_eq!((tally.hours_left, tally.lag_seconds), (0, 0));
    }
    assert!(table(&*store).await == one_shot(&story).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn recent_days_come_first_whatever_time_a_record_tells() {
    let mut story = story::days_of_calls_every(19 * 60, 9);
    let of_the_future = by_user(99, minute(10_000_000), "alice", "admin");
    story.push(of_the_future);
    let (store, lake) = memory_lake().await;
    story::extract(&lake, "all", &story).await;
    let watched = Arc::new(FaultyStore::watching(store));
    let options = LinkOptions {
        budget: Some(Duration::from_secs(3600)),
        ..LinkOptions::default()
    };
    relink(&lake_in(Arc::clone(&watched) as _).await, &options).await;
    let manifests = Table::Sessions.manifests_prefix();
    let calls = watched.calls().into_iter();
    let published = calls.filter(|call| call.operation == "put" && call.key.starts_with(manifests));
    let published: Vec<String> = published.map(|call| call.key).collect();
    let day = |minutes: i64| manifest_key(Table::Sessions, Day::of(minute(minutes)));
    let newest = 8 * 19 * 60;
    assert_eq!(published.len(), 8, "{published:?}");
    let expected = [newest - 2 * 24 * 60, newest - 24 * 60, newest, 0].map(day);
    assert_eq!(published[..4], expected);
    assert_eq!(published[7], day(10_000_000));
}

fn files(folder: &Path) -> Vec<String> {
    let paths = walkdir::WalkDir::new(folder)
        .sort_by_file_name()
        .into_iter()
        .map(Result::unwrap);
    let files = paths.filter(|entry| entry.file_type().is_file());
    let names = files.map(|file| {
        file.path()
            .strip_prefix(folder)
            .unwrap()
            .display()
            .to_string()
    });
    names
        .filter(|name| !name.starts_with(".trailback-"))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn how_many_rows_wait_in_memory_changes_nothing() {
    let story = days(60);
    for day_object_rows in [10, 250_000] {
        let linked = async |waiting_rows| {
            let (store, lake) = memory_lake().await;
            story::extract(&lake, "all", &story).await;
            let options = LinkOptions {
                day_object_rows,
                waiting_rows,
                recent_rows: 0,
                ..LinkOptions::default()
            };
            let tally = relink(&lake, &options).await;
            (table(&*store).await, tally.objects_written)
        };
        let (wanted, objects) = linked(u64::MAX).await;
        for waiting_rows in [0, 3, 7] {
            let (found, written) = linked(waiting_rows).await;
            assert!(found == wanted, "{waiting_rows} of {day_object_rows}");
            // Rows were in fact stored before their day was whole.
            assert!(day_object_rows == 10 || written > objects);
        }
    }
    let room = tempfile::tempdir().unwrap();
    let lake = Lake::in_folder(room.path(), Access::Write).await.unwrap();
    story::extract(&lake, "all", &story).await;
    let options = LinkOptions {
        waiting_rows: 3,
        ..LinkOptions::default()
    };
    relink(&lake, &options).await;
    let published = table(lake.store()).await;
    let named = published
        .into_keys()
        .filter(|key| key.starts_with(DATA_PREFIX));
    let present = files(room.path())
        .into_iter()
        .filter(|name| name.starts_with("sessions/data"));
    assert!(present.eq(named), "what was stored early is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_folder_the_data_objects_are_exactly_the_table() {
    let room = tempfile::tempdir().unwrap();
    let story = days(60);
    let wanted = one_shot(&story).await;
    let lake = Lake::in_folder(room.path(), Access::Write).await.unwrap();
    for part in [&story[20..], &story[..40], &story[..10]] {
        ingest(&lake, "all", part).await;
    }
    assert!(table(lake.store()).await == wanted);
    let named: Vec<_> = wanted
        .keys()
        .filter(|key| key.starts_with(DATA_PREFIX))
        .cloned()
        .collect();
    let present = files(room.path())
        .into_iter()
        .filter(|name| name.starts_with("sessions/data"));
    assert_eq!(present.collect::<Vec<_>>(), named);
    // What a killed linker left goes at the next start.
    let orphan = format!(
        "{DATA_PREFIX}dt={}/day-{}.parquet",
        Day::of(minute(0)),
        "0".repeat(16)
    );
    std::fs::write(room.path().join(&orphan), "half").unwrap();
    let tally = relink(&lake, &LinkOptions::default()).await;
    assert_eq!((tally.objects_deleted, tally.hours_linked), (1, 0));
    let present = files(room.path())
        .into_iter()
        .filter(|name| name.starts_with("sessions/data"));
    assert_eq!(present.collect::<Vec<_>>(), named);
}

#[tokio::test(flavor = "multi_thread")]
async fn linkers_on_one_folder_take_turns() {
    let room = tempfile::tempdir().unwrap();
    let story = days(30);
    let worker = |number: usize| {
        let (path, part) = (room.path().to_owned(), story[number * 10..][..10].to_vec());
        async move {
            let lake = Lake::in_folder(&path, Access::Write).await.unwrap();
            ingest(&lake, "all", &part).await
        }
    };
    let workers: Vec<_> = (0..3).map(|number| tokio::spawn(worker(number))).collect();
    for worker in workers {
        assert_eq!(worker.await.unwrap().conflicts, 0);
    }
    let lake = Lake::in_folder(room.path(), Access::Read).await.unwrap();
    assert!(table(lake.store()).await == one_shot(&story).await);
}
