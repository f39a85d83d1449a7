//! Objects that are damaged or gone.

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
    relink(&lake, &rebuild()).await;
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
    relink(&lake, &rebuild()).await;
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
