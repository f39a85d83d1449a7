//! Objects that are damaged or gone.

use trailback_sessions::Timestamp;

use super::*;

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

/// Puts something else in an object's place; gives what was there.
async fn spoil(store: &MemoryStore, key: &str) -> Bytes {
    let (content, metadata) = store.objects().remove(key).unwrap();
    let spoilt = content.slice(..content.len() - 100);
    restore(store, key, spoilt, metadata).await;
    content
}

async fn restore(store: &MemoryStore, key: &str, content: Bytes, metadata: Metadata) {
    let put = store.put(key, content, Condition::Always, metadata);
    put.await.unwrap();
}

fn keys_below(store: &MemoryStore, prefix: &str) -> Vec<String> {
    let keys = store.objects().into_keys();
    keys.filter(|key| key.starts_with(prefix)).collect()
}

async fn link_what_can_be(lake: &Lake) -> Linked {
    link(lake, &LinkOptions::default(), &silent())
        .await
        .unwrap()
}

/// The one reason for which one hour was left out, which names an object and says what to do.
fn only_reason(linked: &Linked, object: &str) -> String {
    let [reason] = &linked.left_out[..] else {
        panic!("{linked:?}");
    };
    let reason = reason.to_string();
    assert!(
        reason.contains(object) && reason.contains("--again"),
        "{reason}"
    );
    reason
}

fn sorted_rows(table: &Published) -> Vec<Session> {
    let mut rows = rows(table);
    rows.sort_by(trailback_sessions::table_order);
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_data_object_is_made_again_with_its_day_whoever_meets_it() {
    let story = days(70);
    let wanted = sorted_rows(&one_shot(&story).await);
    let in_time = LinkOptions {
        budget: Some(Duration::from_secs(3600)),
        ..LinkOptions::default()
    };
    let by_hours = LinkOptions {
        day_object_rows: 4,
        ..LinkOptions::default()
    };
    for options in [LinkOptions::default(), in_time, by_hours] {
        let plain = LinkOptions {
            budget: None,
            ..options
        };
        let (store, lake) = memory_lake().await;
        story::extract(&lake, "all", &story[..69]).await;
        relink(&lake, &plain).await;
        let objects = keys_below(&store, DATA_PREFIX).len();
        for at in 0..objects {
            let store = Arc::new(store.copy());
            let lake = lake_in(Arc::clone(&store) as _).await;
            let key = keys_below(&store, DATA_PREFIX).swap_remove(at);
            spoil(&store, &key).await;
            // The last call looks back on the days before it, and is of the newest day.
            story::extract(&lake, "all", &story[69..]).await;
            let tally = relink(&lake, &options).await;
            let table = table(&*store).await;
            let is_named = table.contains_key(&key);
            assert_eq!(is_named, tally.days_mended == 0, "{key} {tally:?}");
            if !is_named {
                assert!(sorted_rows(&table) == wanted, "{key}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_data_object_of_the_ledger_is_made_again_too() {
    let story = days(20);
    let (store, lake) = memory_lake().await;
    ingest(&lake, "a", &story[..10]).await;
    let key = keys_below(&store, Table::LogObjects.data_prefix()).remove(0);
    spoil(&store, &key).await;
    story::extract(&lake, "b", &story[10..11]).await;
    let linked = link_what_can_be(&lake).await.whole().unwrap();
    assert_eq!(
        (linked.log_objects.days_mended, linked.log_objects.rows),
        (1, 2)
    );
    published(&*store, Table::LogObjects).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_fragment_costs_its_own_hour_and_nothing_else() {
    let story = days(60);
    let wanted = one_shot(&story).await;
    let fragments = {
        let (store, lake) = memory_lake().await;
        story::extract(&lake, "all", &story).await;
        keys_below(&store, FRAGMENTS_PREFIX)
    };
    for key in fragments.iter().step_by(7) {
        let (store, lake) = memory_lake().await;
        story::extract(&lake, "all", &story).await;
        let whole = spoil(&store, key).await;
        let of_hour = decode_fragment::<Issuance>(whole.clone()).unwrap().len();
        let linked = link_what_can_be(&lake).await;
        only_reason(&linked, key);
        assert_eq!(linked.sessions.rows as usize, story.len() - of_hour);
        // The other table is not kept waiting.
        assert_eq!(linked.log_objects.rows, 1);
        assert_eq!(rows(&table(&*store).await).len(), story.len() - of_hour);
        // It is named as long as it is damaged.
        only_reason(&link_what_can_be(&lake).await, key);
        restore(&store, key, whole, Metadata::new()).await;
        relink(&lake, &LinkOptions::default()).await;
        assert!(table(&*store).await == wanted, "{key}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_hour_with_a_damaged_fragment_stays_as_it_is_published() {
    let story = days(40);
    let late = [
        by_user(98, minute(20 * 47), "alice", "admin"),
        by_user(99, minute(35 * 47), "alice", "admin"),
    ];
    for loses_its_state in [false, true] {
        let (store, lake) = memory_lake().await;
        ingest(&lake, "all", &story).await;
        let before = keys_below(&store, FRAGMENTS_PREFIX);
        story::extract(&lake, "all", &late[..1]).await;
        let mut added = keys_below(&store, FRAGMENTS_PREFIX);
        added.retain(|key| !before.contains(key));
        let whole = spoil(&store, &added[0]).await;
        story::extract(&lake, "all", &late[1..]).await;
        if loses_its_state {
            let hour = added[0].parse::<FragmentKey>().unwrap().hour;
            let key = manifest_key(Table::Sessions, hour.day);
            let (text, _) = store.objects().remove(&key).unwrap();
            restore(&store, &key, text, Metadata::new()).await;
        }
        for _ in 0..2 {
            let linked = link_what_can_be(&lake).await;
            only_reason(&linked, &added[0]);
            let seen = rows(&table(&*store).await);
            assert_eq!(seen.len(), story.len() + 1, "{loses_its_state}");
        }
        restore(&store, &added[0], whole, Metadata::new()).await;
        relink(&lake, &LinkOptions::default()).await;
        let all = [&story[..], &late].concat();
        assert!(
            table(&*store).await == one_shot(&all).await,
            "{loses_its_state}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_of_which_nothing_can_be_read_is_not_withdrawn() {
    let (store, lake) = memory_lake().await;
    ingest(&lake, "all", &days(1)).await;
    let key = manifest_key(Table::Sessions, Day::of(minute(0)));
    let (text, _) = store.objects().remove(&key).unwrap();
    restore(&store, &key, text, Metadata::new()).await;
    let [object, fragment] =
        [DATA_PREFIX, FRAGMENTS_PREFIX].map(|prefix| keys_below(&store, prefix).remove(0));
    spoil(&store, &object).await;
    spoil(&store, &fragment).await;
    let before = store.objects();
    only_reason(&link_what_can_be(&lake).await, &fragment);
    assert!(store.objects() == before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fragment_with_what_only_a_newer_program_knows_is_not_called_damaged() {
    // What is not known is told by `TableError`; that it is handed on is all there is to see here.
    let cause = TableError::NewerSchema { found: 9, known: 1 };
    let failure = LinkError::from(FragmentError::Damaged {
        location: "x".to_owned(),
        cause: Some(cause),
    });
    assert!(failure.to_string().contains("newer trailback"), "{failure}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_of_any_year_is_linked() {
    let hour = 3_600_000;
    let (first, last) = (Day::RANGE.start().start().0, Day::RANGE.end().start().0);
    // The last moment that is read as a time is two hours before the last day.
    let times = [
        first,
        first + 3 * hour,
        first + 40 * hour,
        -1,
        last - 25 * hour,
        last - 2 * hour - 1000,
    ];
    let mut story = days(5);
    for (number, time) in (100..).zip(times) {
        story.push(by_user(number, Timestamp(time), "alice", "admin"));
    }
    let (store, lake) = memory_lake().await;
    ingest(&lake, "all", &story).await;
    assert_eq!(rows(&table(&*store).await).len(), story.len());
    let in_time = LinkOptions {
        budget: Some(Duration::from_secs(3600)),
        ..LinkOptions::default()
    };
    for options in [LinkOptions::default(), in_time] {
        assert_eq!(relink(&lake, &options).await.hours_linked, 0);
    }
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
    relink(&lake, &rebuild()).await;
    let table = table(&*store).await;
    let copy = key.replace(".parquet", "-2.parquet");
    assert_eq!(table[&copy], content);
}
