//! Fragments that are folded into one, and objects that nothing names any more.

use super::*;

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
    // The folds are stored a day before their inputs go.
    store.set_time(minute(10_000 + 24 * 60 + 1));
    let tally = relink(&lake, &LinkOptions::default()).await;
    assert_eq!((tally.hours_folded, tally.hours_linked), (0, 0));
    let with_folds = count(&store) as u64;
    store.set_time(minute(10_000 + 48 * 60 + 2));
    let tally = relink(&lake, &LinkOptions::default()).await;
    assert!(
        tally.hours_folded > 5 && tally.hours_linked == 0,
        "{tally:?}"
    );
    assert_eq!(with_folds, fragments + tally.hours_folded);
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
    relink(&lake, &rebuild()).await;
    assert!(table(&*store).await == wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_hour_is_folded_into_fragments_of_a_good_size() {
    // Forty deliveries of one hour, some of them twice.
    let story = story::days_of_calls_every(1, 60);
    let (store, lake) = memory_lake().await;
    for part in story.chunks(2).chain(story[10..30].chunks(2)) {
        story::extract(&lake, &format!("{}", part[0]["eventID"]), part).await;
    }
    relink(&lake, &LinkOptions::default()).await;
    let wanted = table(&*store).await;
    let sizes = |store: &MemoryStore| -> Vec<u64> {
        let objects = store.objects().into_iter();
        let fragments = objects.filter(|(key, _)| key.starts_with(FRAGMENTS_PREFIX));
        fragments
            .map(|(_, (content, _))| content.len() as u64)
            .collect()
    };
    let before = sizes(&store);
    let fold_bytes = 1 + before.iter().max().unwrap();
    let options = LinkOptions {
        fold_bytes,
        ..LinkOptions::default()
    };
    let mut days = 0;
    let mut sizes_before = Vec::new();
    while sizes_before != sizes(&store) {
        sizes_before = sizes(&store);
        days += 1;
        store.set_time(minute(10_000 + days * (24 * 60 + 1)));
        assert_eq!(relink(&lake, &options).await.hours_linked, 0, "day {days}");
        assert!(table(&*store).await == wanted, "day {days}");
    }
    let after = sizes(&store);
    let small = after.iter().filter(|size| **size < fold_bytes).count();
    assert!(small <= 1, "{after:?} of {fold_bytes}");
    assert!((2..before.len()).contains(&after.len()), "{after:?}");
    assert!(after.iter().all(|size| *size < 2 * fold_bytes), "{after:?}");
    relink(&lake, &rebuild()).await;
    assert!(table(&*store).await == wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_at_any_call_while_folding_loses_nothing() {
    let story = days(6);
    for (fault, is_stored) in FAULTS
        .into_iter()
        .flat_map(|fault| [(fault, false), (fault, true)])
    {
        for at in 0.. {
            let (store, lake) = memory_lake().await;
            for (name, part) in [("a", &story[..4]), ("b", &story[2..]), ("c", &story[..])] {
                ingest(&lake, name, part).await;
            }
            let wanted = table(&*store).await;
            if is_stored {
                store.set_time(minute(15_000));
                relink(&lake, &LinkOptions::default()).await;
            }
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

#[tokio::test(flavor = "multi_thread")]
async fn what_a_newer_program_wrote_is_neither_folded_nor_deleted() {
    let story = story::days_of_calls_every(1, 12);
    let (store, lake) = memory_lake().await;
    for part in story.chunks(4) {
        story::extract(&lake, "all", part).await;
    }
    let fragments = |store: &MemoryStore| -> Vec<String> {
        let keys = store.objects().into_keys();
        keys.filter(|key| key.starts_with(FRAGMENTS_PREFIX))
            .collect()
    };
    // One of the three is what a newer program makes of the same records.
    let key: FragmentKey = fragments(&store)[0].parse().unwrap();
    let (content, _) = store.objects().remove(&key.to_string()).unwrap();
    let mut rows = decode_fragment::<Issuance>(content).unwrap();
    for row in &mut rows {
        row.extract_version = trailback_sessions::EXTRACT_VERSION + 1;
    }
    let content = Bytes::from(encode_fragment(&rows).unwrap());
    let newer = FragmentKey::of(Table::Sessions, key.hour, &content).to_string();
    let put = store.put(&newer, content, Condition::IfAbsent, Metadata::new());
    put.await.unwrap();
    relink(&lake, &LinkOptions::default()).await;
    let (wanted, before) = (table(&*store).await, fragments(&store));
    for day in 1..4 {
        store.set_time(minute(10_000 + day * (24 * 60 + 1)));
        let tally = relink(&lake, &LinkOptions::default()).await;
        assert_eq!(
            (tally.hours_linked, tally.newer_fragments),
            (0, 1),
            "day {day}"
        );
        assert!(table(&*store).await == wanted, "day {day}");
    }
    // The newer program folds the hour. Until then no run reads more of it than up to what it does not know.
    let left = fragments(&store);
    assert!(left == before && left.contains(&newer), "{left:?}");
}

/// A lake whose hours have several fragments, all quiet for days, and whose folds were stored.
async fn ready_to_fold() -> (Arc<MemoryStore>, Lake, Published) {
    let story = days(12);
    let (store, lake) = memory_lake().await;
    for (name, part) in [("a", &story[..8]), ("b", &story[4..]), ("c", &story[..])] {
        ingest(&lake, name, part).await;
    }
    let wanted = table(&*store).await;
    store.set_time(minute(15_000));
    relink(&lake, &LinkOptions::default()).await;
    store.set_time(minute(20_000));
    (store, lake, wanted)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_hour_is_folded_once_the_time_is_over() {
    let (_, lake, _) = ready_to_fold().await;
    let (options, progress) = (LinkOptions::default(), silent());
    let linking = Linking {
        lake: &lake,
        options: &options,
        garbage: Garbage::Aged,
        progress: &progress,
        deadlines: None,
    };
    let mut linker = Linker::<Sessions>::new(linking);
    linker.bring_up().await.unwrap();
    let mut run = linker.run.unwrap();
    let now = Instant::now();
    run.fold_quiet_hours(Some(now)).await.unwrap();
    assert_eq!(run.tally.hours_folded, 0);
    let later = Some(now + Duration::from_secs(3600));
    run.fold_quiet_hours(later).await.unwrap();
    assert!(run.tally.hours_folded > 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_folded_is_recorded_whatever_ends_the_run() {
    let (store, _, wanted) = ready_to_fold().await;
    let is_read = |call: &crate::store::faulty::Call| {
        call.operation == "get" && call.key.starts_with(FRAGMENTS_PREFIX)
    };
    let calls = {
        let watched = Arc::new(FaultyStore::watching(Arc::new(store.copy())));
        relink(
            &lake_in(Arc::clone(&watched) as _).await,
            &LinkOptions::default(),
        )
        .await;
        watched.calls()
    };
    let last = calls.iter().rposition(is_read).unwrap();
    let broken = FaultyStore::breaking(Arc::clone(&store) as _, last, Fault::Fails);
    let broken = lake_in(Arc::new(broken)).await;
    let ended = link(&broken, &LinkOptions::default(), &silent()).await;
    assert!(matches!(ended, Err(LinkError::Store(_))), "{ended:?}");
    let lake = lake_in(Arc::clone(&store) as _).await;
    assert_eq!(relink(&lake, &LinkOptions::default()).await.hours_linked, 0);
    assert!(table(&*store).await == wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fragment_that_is_found_damaged_when_it_is_folded_costs_its_own_hour() {
    let (store, lake, wanted) = ready_to_fold().await;
    let of_hour = |key: &str| key.parse::<FragmentKey>().map(|key| key.hour).ok();
    let keys: Vec<String> = store.objects().into_keys().collect();
    let mut fragments = keys.iter().filter(|key| key.starts_with(FRAGMENTS_PREFIX));
    let damaged = fragments.nth(4).unwrap();
    let put = store.put(damaged, "spoilt".into(), Condition::Always, Metadata::new());
    put.await.unwrap();
    store.set_time(minute(25_000));
    let linked = link(&lake, &LinkOptions::default(), &silent())
        .await
        .unwrap();
    assert!(linked.sessions.hours_folded > 5, "{linked:?}");
    let reason = linked.whole().unwrap_err().to_string();
    assert!(reason.contains(damaged), "{reason}");
    let left: Vec<String> = store.objects().into_keys().collect();
    let stays = |key: &&String| of_hour(key) == of_hour(damaged);
    assert!(keys.iter().filter(stays).eq(left.iter().filter(stays)));
    assert!(table(&*store).await == wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ledger_does_not_wait_for_folding() {
    let (store, lake, _) = ready_to_fold().await;
    story::extract(&lake, "new", &days(13)[12..]).await;
    let watched = Arc::new(FaultyStore::watching(store));
    relink(
        &lake_in(Arc::clone(&watched) as _).await,
        &LinkOptions::default(),
    )
    .await;
    let place = |operation: &str, prefix: &str| {
        let calls = watched.calls();
        let is_it = |call: &crate::store::faulty::Call| {
            call.operation == operation && call.key.starts_with(prefix)
        };
        calls.iter().position(is_it).unwrap()
    };
    let published = place("put", Table::LogObjects.manifests_prefix());
    assert!(published < place("delete", FRAGMENTS_PREFIX));
}
