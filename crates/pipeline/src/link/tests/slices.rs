//! An hour that has more rows than memory is built slice by slice, and nothing tells.

use trailback_simulator::{Folder, Plan, simulate};

use super::*;
use crate::extract::{ExtractOptions, extract};

/// Links a copy of a lake; gives the table, and what linking came to.
async fn linked(fragments: &MemoryStore, options: &LinkOptions) -> (Published, LinkTally) {
    let (store, lake) = memory_lake().await;
    for (key, (content, metadata)) in fragments.objects() {
        store
            .put(&key, content, Condition::Always, metadata)
            .await
            .unwrap();
    }
    let mut tally = relink(&lake, options).await;
    // Rows of hours that were stored before their day was whole are written twice.
    tally.objects_written = 0;
    (table(&*store).await, tally)
}

async fn is_the_same_however_it_is_cut(fragments: &MemoryStore, cuts: &[usize]) {
    for day_object_rows in [10, 250_000] {
        let options = |rows_at_once| LinkOptions {
            day_object_rows,
            rows_at_once,
            ..LinkOptions::default()
        };
        let whole = linked(fragments, &options(usize::MAX)).await;
        for rows_at_once in cuts {
            let cut = linked(fragments, &options(*rows_at_once)).await;
            assert_eq!(cut.1, whole.1, "{rows_at_once} of {day_object_rows}");
            assert!(cut.0 == whole.0, "{rows_at_once} of {day_object_rows}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn chains_within_an_hour_are_the_same_however_it_is_cut() {
    let (store, lake) = memory_lake().await;
    let story = story::days_of_calls_every(1, 120);
    // A second delivery of some of it, so that there are several fragments to an hour, and duplicates.
    story::extract(&lake, "all", &story).await;
    story::extract(&lake, "again", &story[30..90]).await;
    is_the_same_however_it_is_cut(&store, &[3, 25, 59]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_addendum_counts_in_every_slice_after_it_whoever_bears_its_name() {
    let issued = by_user(0, minute(0), "ana", "first");
    // A minute later it is told anew, and that another key was handed out: nobody holds the first one's.
    let mut told_anew = by_user(1, minute(1), "ana", "first");
    told_anew["addendum"] =
        serde_json::json!({ "reason": "UPDATED_DATA", "originalEventID": issued["eventID"] });
    let story = [
        by_session(2, minute(0), &issued, "second"),
        by_session(3, minute(5), &issued, "second"),
        by_session(4, minute(6), &told_anew, "second"),
        by_session(5, minute(65), &issued, "second"),
        by_session(6, minute(66), &told_anew, "second"),
        by_user(7, minute(67), "eve", "first"),
        issued,
        told_anew,
    ];
    let (store, lake) = memory_lake().await;
    story::extract(&lake, "all", &story).await;
    let evidence = linked(&store, &LinkOptions::default()).await.1.evidence;
    assert_eq!((evidence.by_issued_key, evidence.not_in_logs), (3, 2));
    is_the_same_however_it_is_cut(&store, &[1, 2, 3]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_simulated_organisation_is_the_same_however_its_hours_are_cut() {
    let folder = tempfile::tempdir().unwrap();
    let plan = Plan {
        calls: 1_500,
        sts_share: 1.0,
        duration: 2 * 3_600,
        ..Plan::organisation(11)
    };
    simulate(
        &plan,
        &mut Folder::create(folder.path(), None, None).unwrap(),
    )
    .unwrap();
    let (store, lake) = memory_lake().await;
    let found = folders::find(&[folder.path().to_owned()]).await.unwrap();
    let options = ExtractOptions::default();
    extract(&lake, found, &options, &silent(), &mut |_| {})
        .await
        .unwrap();
    is_the_same_however_it_is_cut(&store, &[60, 400]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sliced_hour_is_not_built_twice_and_what_descends_from_it_is_found() {
    let (store, lake) = memory_lake().await;
    let options = LinkOptions {
        rows_at_once: 10,
        ..LinkOptions::default()
    };
    let story = story::days_of_calls_every(1, 200);
    story::extract(&lake, "all", &story[..150]).await;
    assert_eq!(relink(&lake, &options).await.hours_linked, 3);
    assert_eq!(relink(&lake, &options).await.hours_linked, 0);
    story::extract(&lake, "all", &story[150..]).await;
    assert_eq!(relink(&lake, &options).await.hours_linked, 2);
    assert!(table(&*store).await == one_shot(&story).await);
}
