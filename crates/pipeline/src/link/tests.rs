use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use proptest::prelude::*;
use serde_json::Value;
use trailback_sessions::{LinkStatus, Session};
use trailback_tables::manifest::PartitionState;
use trailback_tables::partition::manifest_key;
use trailback_tables::{Table, decode_data_object};

mod ledger;

use super::*;
use crate::lake::Access;
use crate::log_objects::folders;
use crate::store::faulty::{Fault, FaultyStore};
use crate::store::folder::FolderStore;
use crate::store::memory::MemoryStore;
use crate::store::{Condition, ETag, Metadata, Object, ObjectMeta, Page, Store, list_all};
use crate::story::{self, by_session, by_user, days, ingest, lake_in, memory_lake, minute, silent};

const FRAGMENTS_PREFIX: &str = Table::Sessions.fragments_prefix();
const DATA_PREFIX: &str = Table::Sessions.data_prefix();

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

/// The table of all records ingested at once.
async fn one_shot(records: &[Value]) -> Published {
    let (store, lake) = memory_lake().await;
    ingest(&lake, "all", records).await;
    table(&*store).await
}

async fn relink(lake: &Lake, options: &LinkOptions) -> LinkTally {
    link(lake, options, &silent()).await.unwrap().sessions
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
    let tally = relink(
        &lake,
        &LinkOptions {
            rebuild: true,
            ..LinkOptions::default()
        },
    )
    .await;
    assert_eq!(tally.hours_linked, first.hours);
    assert_eq!((tally.days_published, tally.objects_written), (0, 0));
    assert!(store.objects() == before);
}

/// Every way in which a store can break, at every call.
async fn survives(fault: Fault, new_store: &dyn Fn(usize) -> Arc<dyn Store>, is_locked: bool) {
    let story = story::days_of_calls_every(190, 9);
    let wanted = one_shot(&story).await;
    for at in 0.. {
        let inner = new_store(at);
        lake_in(Arc::clone(&inner)).await;
        let faulty = Arc::new(FaultyStore::breaking(Arc::clone(&inner), at, fault));
        let ended_well = try_ingest_twice(Arc::clone(&faulty) as _, &story).await;
        let calls = faulty.calls().len();
        let lake = lake_in(Arc::clone(&inner)).await;
        for part in story.chunks(5) {
            ingest(&lake, "all", part).await;
        }
        assert!(
            table(&*inner).await == wanted,
            "{fault:?} at call {at}: {:?}",
            faulty.calls().get(at)
        );
        let again = relink(&lake, &LinkOptions::default()).await;
        assert_eq!(again.hours_linked, 0, "{fault:?} at call {at}");
        if is_locked {
            let left = list_all(&*inner, DATA_PREFIX).await.unwrap();
            assert!(
                left.iter().all(|listed| wanted.contains_key(&listed.key)),
                "{fault:?} at {at}"
            );
        }
        if calls <= at {
            assert!(ended_well && at > 50);
            break;
        }
    }
}

/// Ingests a story in two parts, so that the second run replaces what the first one published.
async fn try_ingest_twice(store: Arc<dyn Store>, story: &[Value]) -> bool {
    let Ok(lake) = Lake::in_store(store, "", Access::Write).await else {
        return false;
    };
    let folder = tempfile::tempdir().unwrap();
    for part in story.chunks(5) {
        story::deliver(folder.path(), "all", part);
        let paths = [folder.path().to_owned()];
        let options = crate::extract::ExtractOptions {
            threads: 1,
            ..Default::default()
        };
        let log_objects = folders::find(&paths).await.unwrap();
        if crate::ingest::ingest(&lake, log_objects, &options, &silent())
            .await
            .is_err()
        {
            return false;
        }
    }
    true
}

const FAULTS: [Fault; 4] = [
    Fault::Fails,
    Fault::LosesReply,
    Fault::CrashesBefore,
    Fault::CrashesAfter,
];

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_at_any_call_leaves_a_lake_that_the_next_run_completes() {
    let new_store = |_| -> Arc<dyn Store> { Arc::new(MemoryStore::with_pages_of(7)) };
    for fault in FAULTS {
        survives(fault, &new_store, false).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_at_any_call_on_a_folder_leaves_a_lake_that_the_next_run_completes() {
    let room = tempfile::tempdir().unwrap();
    let new_store = |at: usize| -> Arc<dyn Store> {
        Arc::new(FolderStore::with_pages_of(
            room.path().join(at.to_string()),
            7,
        ))
    };
    survives(Fault::CrashesAfter, &new_store, false).await;
}

/// A store that lets others run at every call, sometimes several times.
struct Yielding {
    inner: Arc<dyn Store>,
    seed: AtomicU64,
}

impl Yielding {
    async fn pause(&self) {
        let step = self
            .seed
            .fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
        for _ in 0..(step >> 60) {
            tokio::task::yield_now().await;
        }
        if step >> 56 & 7 == 0 {
            tokio::time::sleep(Duration::from_millis(step >> 50 & 3)).await;
        }
    }
}

#[async_trait]
impl Store for Yielding {
    async fn list(&self, prefix: &str, after: Option<&str>) -> Result<Page, StoreError> {
        self.pause().await;
        self.inner.list(prefix, after).await
    }

    async fn get(&self, key: &str) -> Result<Object, StoreError> {
        self.pause().await;
        self.inner.get(key).await
    }

    async fn get_range(
        &self,
        key: &str,
        range: std::ops::Range<u64>,
        if_match: Option<&ETag>,
    ) -> Result<Bytes, StoreError> {
        self.pause().await;
        self.inner.get_range(key, range, if_match).await
    }

    async fn put(
        &self,
        key: &str,
        content: Bytes,
        condition: Condition,
        metadata: Metadata,
    ) -> Result<ETag, StoreError> {
        self.pause().await;
        self.inner.put(key, content, condition, metadata).await
    }

    async fn head(&self, key: &str) -> Result<ObjectMeta, StoreError> {
        self.pause().await;
        self.inner.head(key).await
    }

    async fn delete(&self, keys: &[String]) -> Vec<Result<(), StoreError>> {
        self.pause().await;
        self.inner.delete(keys).await
    }

    async fn now(&self) -> Result<Timestamp, StoreError> {
        self.inner.now().await
    }

    fn location(&self, key: &str) -> String {
        self.inner.location(key)
    }
}

/// Three workers on one store, each of which delivers its part and links while the others are at work.
async fn three_at_once<D, F>(store: &Arc<MemoryStore>, seed: u64, deliver: D)
where
    D: Fn(Lake, usize) -> F + Clone + Send + 'static,
    F: Future<Output = ()> + Send,
{
    let worker = |number: usize| {
        let seed = (seed * 3 + number as u64).wrapping_mul(0xD129_0D3B_3B3A_11C5);
        let (inner, deliver) = (Arc::clone(store) as Arc<dyn Store>, deliver.clone());
        async move {
            let seed = AtomicU64::new(seed);
            let lake = lake_in(Arc::new(Yielding { inner, seed })).await;
            deliver(lake.clone(), number).await;
            // Giving way is no failure: another one does the work.
            match link(&lake, &LinkOptions::default(), &silent()).await {
                Ok(_) | Err(LinkError::Contended { .. }) => {}
                Err(failure) => panic!("{failure:?}"),
            }
        }
    };
    let workers: Vec<_> = (0..3).map(|number| tokio::spawn(worker(number))).collect();
    for worker in workers {
        worker.await.unwrap();
    }
    let lake = lake_in(Arc::clone(store) as _).await;
    relink(&lake, &LinkOptions::default()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_linkers_at_once_make_the_table_that_one_makes() {
    let story = Arc::new(days(50));
    let wanted = one_shot(&story).await;
    for seed in 0..12 {
        let store = Arc::new(MemoryStore::with_pages_of(7));
        let deliver = {
            let story = Arc::clone(&story);
            move |lake: Lake, number: usize| {
                let part = story[number * 16..].iter().take(18).cloned();
                let part: Vec<_> = part.collect();
                async move { story::extract(&lake, "all", &part).await }
            }
        };
        three_at_once(&store, seed, deliver).await;
        assert!(table(&*store).await == wanted, "seed {seed}");
    }
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
async fn a_quiet_hour_is_folded_into_one_fragment() {
    let story = days(40);
    let (store, lake) = memory_lake().await;
    for (name, part) in [
        ("a", &story[..30]),
        ("b", &story[10..]),
        ("c", &story[..20]),
    ] {
        ingest(&lake, name, part).await;
    }
    let wanted = table(&*store).await;
    let count = |store: &MemoryStore| {
        store
            .objects()
            .keys()
            .filter(|key| key.starts_with(FRAGMENTS_PREFIX))
            .count()
    };
    let fragments = count(&store) as u64;
    assert_eq!(relink(&lake, &LinkOptions::default()).await.hours_folded, 0);
    store.set_time(minute(10_000 + 24 * 60 + 1));
    let tally = relink(&lake, &LinkOptions::default()).await;
    assert!(
        tally.hours_folded > 5 && tally.hours_linked == 0,
        "{tally:?}"
    );
    assert!(
        fragments > tally.hours && count(&store) as u64 == tally.hours,
        "{fragments}"
    );
    let watched = Arc::new(FaultyStore::watching(Arc::clone(&store) as _));
    let tally = relink(
        &lake_in(Arc::clone(&watched) as _).await,
        &LinkOptions::default(),
    )
    .await;
    assert_eq!(
        (
            tally.hours_folded,
            tally.hours_linked,
            watched.count("put", "")
        ),
        (0, 0, 0)
    );
    assert!(table(&*store).await == wanted);
    // The folds alone are the truth too.
    relink(
        &lake,
        &LinkOptions {
            rebuild: true,
            ..LinkOptions::default()
        },
    )
    .await;
    assert!(table(&*store).await == wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_at_any_call_while_folding_loses_nothing() {
    let story = days(6);
    for fault in FAULTS {
        for at in 0.. {
            let (store, lake) = memory_lake().await;
            for (name, part) in [("a", &story[..4]), ("b", &story[2..]), ("c", &story[..])] {
                ingest(&lake, name, part).await;
            }
            let wanted = table(&*store).await;
            store.set_time(minute(20_000));
            let faulty = Arc::new(FaultyStore::breaking(Arc::clone(&store) as _, at, fault));
            if let Ok(lake) = Lake::in_store(Arc::clone(&faulty) as _, "", Access::Write).await {
                let _ = link(&lake, &LinkOptions::default(), &silent()).await;
            }
            relink(&lake, &LinkOptions::default()).await;
            assert!(table(&*store).await == wanted, "{fault:?} at call {at}");
            if faulty.calls().len() <= at {
                break;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unnamed_objects_go_when_they_and_their_manifest_are_two_days_old() {
    let story = days(20);
    let (store, lake) = memory_lake().await;
    // Two fragments of different hours: nothing to fold.
    ingest(&lake, "all", &story[..11]).await;
    ingest(&lake, "all", &story[11..]).await;
    let unnamed = async |store: &MemoryStore| {
        let table = table(store).await;
        store
            .objects()
            .keys()
            .filter(|key| key.starts_with(DATA_PREFIX) && !table.contains_key(*key))
            .count()
    };
    assert_eq!(unnamed(&store).await, 1);
    store.set_time(minute(10_000 + 48 * 60));
    assert_eq!(
        relink(&lake, &LinkOptions::default()).await.objects_deleted,
        0
    );
    store.set_time(minute(10_000 + 48 * 60 + 1));
    assert_eq!(
        relink(&lake, &LinkOptions::default()).await.objects_deleted,
        1
    );
    assert_eq!(unnamed(&store).await, 0);
    assert!(table(&*store).await == one_shot(&story).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_unnamed_object_is_not_trusted_but_written_again_beside() {
    let story = days(4);
    let (store, lake) = memory_lake().await;
    ingest(&lake, "all", &story).await;
    let key = manifest_key(Table::Sessions, Day::of(minute(0)));
    let object = rows_objects(&store).remove(0);
    for (hours, copies) in [(23, 1), (25, 2)] {
        store.set_time(minute(10_000));
        store
            .delete(std::slice::from_ref(&key))
            .await
            .remove(0)
            .unwrap();
        store.set_time(minute(10_000 + hours * 60));
        relink(&lake, &LinkOptions::default()).await;
        let objects = rows_objects(&store);
        assert_eq!(
            (objects.len(), &objects[copies - 1].0),
            (copies, &object.0),
            "{objects:?}"
        );
        assert!(objects.iter().all(|(_, content)| *content == object.1));
    }
    let manifest = store.get(&key).await.unwrap().bytes().await.unwrap();
    assert!(manifest.ends_with(b"-2.parquet\n"));
}

fn rows_objects(store: &MemoryStore) -> Vec<(String, Bytes)> {
    let mut objects = store.objects();
    objects.retain(|key, _| key.starts_with(DATA_PREFIX));
    objects
        .into_iter()
        .map(|(key, (content, _))| (key, content))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_damaged_or_gone_is_built_again() {
    let story = days(40);
    let wanted = one_shot(&story).await;
    let manifests: Vec<_> = wanted
        .keys()
        .filter(|key| key.ends_with(".txt"))
        .cloned()
        .collect();
    assert_eq!(manifests.len(), 2);
    let objects: Vec<_> = wanted
        .keys()
        .filter(|key| key.starts_with(DATA_PREFIX))
        .cloned()
        .collect();
    for key in manifests.iter().chain(&objects) {
        for damage in ["delete", "empty", "no metadata"] {
            let (store, lake) = memory_lake().await;
            ingest(&lake, "all", &story).await;
            let content = match damage {
                "delete" => {
                    store
                        .delete(std::slice::from_ref(key))
                        .await
                        .remove(0)
                        .unwrap();
                    None
                }
                "empty" if manifests.contains(key) => Some(Bytes::new()),
                _ => Some(wanted[key].clone()),
            };
            if let Some(content) = content {
                store
                    .put(key, content, Condition::Always, Metadata::new())
                    .await
                    .unwrap();
            }
            relink(&lake, &LinkOptions::default()).await;
            assert!(table(&*store).await == wanted, "{damage} {key}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_replaces_a_damaged_data_object() {
    let story = days(20);
    let (store, lake) = memory_lake().await;
    ingest(&lake, "all", &story).await;
    let (key, content) = rows_objects(&store).remove(0);
    let spoilt = content.slice(..content.len() - 100);
    store
        .put(&key, spoilt, Condition::Always, Metadata::new())
        .await
        .unwrap();
    let late = by_user(99, minute(20 * 47), "alice", "admin");
    story::extract(&lake, "all", &[late]).await;
    let failure = link(&lake, &LinkOptions::default(), &silent())
        .await
        .unwrap_err();
    assert!(failure.to_string().contains(&key), "{failure}");
    relink(
        &lake,
        &LinkOptions {
            rebuild: true,
            ..LinkOptions::default()
        },
    )
    .await;
    assert_eq!(rows(&table(&*store).await).len(), 21);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_writes_beside_a_damaged_object_of_the_same_name() {
    let (store, lake) = memory_lake().await;
    ingest(&lake, "all", &days(20)).await;
    let (key, content) = rows_objects(&store).remove(0);
    let spoilt = content.slice(100..);
    store
        .put(&key, spoilt, Condition::Always, Metadata::new())
        .await
        .unwrap();
    relink(
        &lake,
        &LinkOptions {
            rebuild: true,
            ..LinkOptions::default()
        },
    )
    .await;
    let table = table(&*store).await;
    let copy = key.replace(".parquet", "-2.parquet");
    assert_eq!(table[&copy], content);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_fragment_is_named_and_nothing_is_published_from_it() {
    let (store, lake) = memory_lake().await;
    story::extract(&lake, "all", &days(3)).await;
    let fragments: Vec<_> = store
        .objects()
        .into_keys()
        .filter(|key| key.starts_with(FRAGMENTS_PREFIX))
        .collect();
    let spoilt = Bytes::from_static(b"PAR1 and nothing else PAR1");
    store
        .put(&fragments[0], spoilt, Condition::Always, Metadata::new())
        .await
        .unwrap();
    let failure = link(&lake, &LinkOptions::default(), &silent())
        .await
        .unwrap_err();
    assert!(failure.to_string().contains(&fragments[0]), "{failure}");
    assert!(rows_objects(&store).is_empty());
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
