//! The promises of a store, as one suite for every implementation.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;

use super::{Condition, ETag, Metadata, Store, StoreError, list_all};

/// Makes an empty store whose pages hold three objects.
pub(crate) type MakeStore<'a> = &'a dyn Fn() -> Arc<dyn Store>;

/// Checks every promise, each on an empty store.
pub(crate) async fn check(make: MakeStore<'_>) {
    check_folder_by_folder(make).await;
    listings_come_in_pages_in_key_order(make(), &BY_BYTES_ALONE).await;
}

/// Checks every promise on keys like a lake's, whose order is the same by their bytes and folder by folder. Some
/// implementations of S3 list in the latter, and are good enough for a lake.
pub(crate) async fn check_folder_by_folder(make: MakeStore<'_>) {
    what_was_put_is_there(make()).await;
    absent_objects_are_named(make()).await;
    listings_come_in_pages_in_key_order(make(), &FOLDER_BY_FOLDER).await;
    parts_can_be_read(make()).await;
    a_large_object_streams_whole(make()).await;
    the_first_of_two_creations_wins(make()).await;
    a_replacement_needs_the_current_version(make()).await;
    metadata_belongs_to_its_put(make()).await;
    deleting_tells_of_each_key(make()).await;
    unsound_keys_are_refused(make()).await;
    one_of_many_creations_wins(make()).await;
    one_of_many_replacements_wins(make()).await;
    no_reader_sees_half_an_object(make()).await;
    an_object_is_no_newer_than_now(make()).await;
}

async fn put(store: &dyn Store, key: &str, content: &str) -> ETag {
    let content = Bytes::copy_from_slice(content.as_bytes());
    store
        .put(key, content, Condition::Always, Metadata::new())
        .await
        .unwrap()
}

async fn text(store: &dyn Store, key: &str) -> String {
    let content = store.get(key).await.unwrap().bytes().await.unwrap();
    String::from_utf8(content.to_vec()).unwrap()
}

async fn keys(store: &dyn Store, prefix: &str) -> Vec<String> {
    list_all(store, prefix)
        .await
        .unwrap()
        .into_iter()
        .map(|listed| listed.key)
        .collect()
}

async fn what_was_put_is_there(store: Arc<dyn Store>) {
    for content in ["", "one", "two"] {
        let etag = put(&*store, "a/b.txt", content).await;
        assert_eq!(text(&*store, "a/b.txt").await, content);
        let meta = store.head("a/b.txt").await.unwrap();
        assert_eq!(meta.size_bytes, content.len() as u64);
        assert_eq!(meta.etag, etag);
        assert_eq!(store.get("a/b.txt").await.unwrap().meta, meta);
    }
}

async fn absent_objects_are_named(store: Arc<dyn Store>) {
    put(&*store, "a/b.txt", "one").await;
    for key in ["a", "a/c.txt", "b/b.txt", "a/b.txt/c"] {
        let head = store.head(key).await.unwrap_err();
        assert!(
            matches!(&head, StoreError::NotFound { location } if location.contains(key)),
            "{head:?}"
        );
        assert!(matches!(
            store.get(key).await.unwrap_err(),
            StoreError::NotFound { .. }
        ));
        let part = store.get_range(key, 0..1, None).await;
        assert!(matches!(part.unwrap_err(), StoreError::NotFound { .. }));
    }
}

/// Keys whose order folders have by themselves.
const FOLDER_BY_FOLDER: [&str; 10] = [
    "0/x", "1", "a/1", "a/10", "a/2/x", "a/2/y", "a0", "b/c/d/e", "b/c/d/f", "c",
];

/// Keys whose order they have not: by bytes `-` and `.` come before `/`.
const BY_BYTES_ALONE: [&str; 10] = [
    "a-b/x", "a.b", "a/1", "a/10", "a/2/x", "a/2/y", "a0", "b/c/d/e", "b/c/d/f", "c",
];

async fn listings_come_in_pages_in_key_order(store: Arc<dyn Store>, all: &[&str; 10]) {
    assert_eq!(keys(&*store, "").await, Vec::<String>::new());
    for key in all.iter().rev() {
        put(&*store, key, key).await;
    }
    assert_eq!(keys(&*store, "").await, *all);
    assert_eq!(keys(&*store, "a/").await, all[2..6]);
    assert_eq!(keys(&*store, "a/1").await, all[2..4]);
    assert_eq!(keys(&*store, "b/c/d/").await, all[7..9]);
    assert_eq!(keys(&*store, "d").await, Vec::<String>::new());
    let first = store.list("", None).await.unwrap();
    assert_eq!(first.objects.len(), 3);
    assert_eq!(first.next.as_deref(), Some("a/1"));
    let exact = store.list("a/2", None).await.unwrap();
    assert_eq!((exact.objects.len(), exact.next), (2, None));
    for (place, after) in all.iter().enumerate() {
        let rest = store.list("", Some(after)).await.unwrap();
        let found: Vec<_> = rest
            .objects
            .iter()
            .map(|listed| listed.key.as_str())
            .collect();
        assert_eq!(
            found,
            all[place + 1..].iter().take(3).copied().collect::<Vec<_>>()
        );
        assert!(
            rest.objects
                .iter()
                .all(|listed| listed.size_bytes == listed.key.len() as u64)
        );
    }
}

async fn parts_can_be_read(store: Arc<dyn Store>) {
    let etag = put(&*store, "a", "0123456789").await;
    let cases = [
        (0..4, "0123"),
        (4..10, "456789"),
        (8..99, "89"),
        (10..12, ""),
        (50..60, ""),
    ];
    for (range, wanted) in cases {
        let part = store.get_range("a", range, Some(&etag)).await.unwrap();
        assert_eq!(part, wanted.as_bytes());
    }
    put(&*store, "a", "abcdefghij").await;
    let stale = store.get_range("a", 0..4, Some(&etag)).await.unwrap_err();
    assert!(matches!(stale, StoreError::Precondition { .. }));
    assert_eq!(store.get_range("a", 0..4, None).await.unwrap(), "abcd");
}

async fn a_large_object_streams_whole(store: Arc<dyn Store>) {
    let content: Bytes = (0..5_000_000_u32)
        .map(|n| (n % 251) as u8)
        .collect::<Vec<u8>>()
        .into();
    let metadata = Metadata::from([("of".to_owned(), "five-megabytes".to_owned())]);
    let etag = store
        .put(
            "large",
            content.clone(),
            Condition::Always,
            metadata.clone(),
        )
        .await
        .unwrap();
    let object = store.get("large").await.unwrap();
    assert_eq!(
        (&object.meta.etag, &object.meta.metadata),
        (&etag, &metadata)
    );
    assert_eq!(object.meta.size_bytes, 5_000_000);
    assert_eq!(object.bytes().await.unwrap(), content);
    let part = store
        .get_range("large", 4_000_000..4_000_100, Some(&etag))
        .await
        .unwrap();
    assert_eq!(part, content.slice(4_000_000..4_000_100));
}

async fn the_first_of_two_creations_wins(store: Arc<dyn Store>) {
    let create = |content: &'static str| {
        store.put("a", content.into(), Condition::IfAbsent, Metadata::new())
    };
    create("one").await.unwrap();
    for content in ["one", "two"] {
        let second = create(content).await.unwrap_err();
        assert!(
            matches!(second, StoreError::Precondition { .. }),
            "{second:?}"
        );
    }
    assert_eq!(text(&*store, "a").await, "one");
    assert!(
        store
            .delete(&["a".to_owned()])
            .await
            .iter()
            .all(Result::is_ok)
    );
    create("two").await.unwrap();
    assert_eq!(text(&*store, "a").await, "two");
}

async fn a_replacement_needs_the_current_version(store: Arc<dyn Store>) {
    let replace = |etag: &ETag, content: &'static str| {
        store.put(
            "a",
            content.into(),
            Condition::IfMatches(etag.clone()),
            Metadata::new(),
        )
    };
    let first = put(&*store, "a", "one").await;
    let second = replace(&first, "two").await.unwrap();
    let stale = replace(&first, "three").await.unwrap_err();
    assert!(
        matches!(stale, StoreError::Precondition { .. }),
        "{stale:?}"
    );
    assert_eq!(text(&*store, "a").await, "two");
    assert!(
        store
            .delete(&["a".to_owned()])
            .await
            .iter()
            .all(Result::is_ok)
    );
    let vanished = replace(&second, "three").await.unwrap_err();
    assert!(
        matches!(vanished, StoreError::Precondition { .. }),
        "{vanished:?}"
    );
    assert_eq!(keys(&*store, "").await, Vec::<String>::new());
}

async fn metadata_belongs_to_its_put(store: Arc<dyn Store>) {
    let metadata = |value: &str| Metadata::from([("digest-05".to_owned(), value.to_owned())]);
    let keep = |condition, value: &str| store.put("a", "same".into(), condition, metadata(value));
    let first = keep(Condition::IfAbsent, "one=1").await.unwrap();
    assert_eq!(store.head("a").await.unwrap().metadata, metadata("one=1"));
    keep(Condition::IfMatches(first), "two").await.unwrap();
    assert_eq!(store.get("a").await.unwrap().meta.metadata, metadata("two"));
    put(&*store, "a", "other").await;
    assert_eq!(store.head("a").await.unwrap().metadata, Metadata::new());
    for (name, value) in [
        ("Name", "v"),
        ("", "v"),
        ("name", "two words"),
        ("name", "line\nline"),
    ] {
        let unsound = Metadata::from([(name.to_owned(), value.to_owned())]);
        let refused = store
            .put("b", Bytes::new(), Condition::Always, unsound)
            .await
            .unwrap_err();
        assert!(
            matches!(refused, StoreError::InvalidMetadata { .. }),
            "{name:?} {value:?}"
        );
    }
}

async fn deleting_tells_of_each_key(store: Arc<dyn Store>) {
    for key in ["a/b", "a/c", "d"] {
        put(&*store, key, key).await;
    }
    let wanted: Vec<String> = ["a/b", "never/was", "../d", "d"].map(str::to_owned).into();
    let outcomes = store.delete(&wanted).await;
    assert_eq!(
        outcomes.iter().map(Result::is_ok).collect::<Vec<_>>(),
        [true, true, false, true]
    );
    assert_eq!(keys(&*store, "").await, ["a/c"]);
    assert!(store.delete(&[]).await.is_empty());
    assert!(
        store
            .delete(&["a/c".to_owned()])
            .await
            .iter()
            .all(Result::is_ok)
    );
    put(&*store, "a", "where a folder was").await;
    assert_eq!(keys(&*store, "").await, ["a"]);
}

async fn unsound_keys_are_refused(store: Arc<dyn Store>) {
    let long = "a/".repeat(600) + "a";
    let unsound = [
        "", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/./b", ".hidden", "a/.tmp-1", "A",
        "a b", "a\\b", "a:b", "a\0b", "ä", "a\nb", &long,
    ];
    for key in unsound {
        let put = store
            .put(key, Bytes::new(), Condition::Always, Metadata::new())
            .await;
        assert!(
            matches!(put.unwrap_err(), StoreError::InvalidKey { .. }),
            "{key:?}"
        );
        assert!(matches!(
            store.get(key).await.unwrap_err(),
            StoreError::InvalidKey { .. }
        ));
        assert!(matches!(
            store.head(key).await.unwrap_err(),
            StoreError::InvalidKey { .. }
        ));
    }
    assert_eq!(keys(&*store, "").await, Vec::<String>::new());
}

const WRITERS: usize = 16;

async fn one_of_many_creations_wins(store: Arc<dyn Store>) {
    for round in 0..8 {
        let key = format!("race/{round}");
        let create = |writer: usize| {
            let (store, key) = (Arc::clone(&store), key.clone());
            tokio::spawn(async move {
                let content = Bytes::from(writer.to_string());
                store
                    .put(&key, content, Condition::IfAbsent, Metadata::new())
                    .await
            })
        };
        assert_one_winner(&*store, &key, (0..WRITERS).map(create).collect()).await;
    }
}

async fn one_of_many_replacements_wins(store: Arc<dyn Store>) {
    let mut current = put(&*store, "race", "start").await;
    for round in 1..=8 {
        let replace = |writer: usize| {
            let (store, current) = (Arc::clone(&store), current.clone());
            tokio::spawn(async move {
                // The round makes the content new, because equal content may have an equal version.
                let content = Bytes::from(format!("{}", round * 1000 + writer));
                store
                    .put(
                        "race",
                        content,
                        Condition::IfMatches(current),
                        Metadata::new(),
                    )
                    .await
            })
        };
        assert_one_winner(&*store, "race", (0..WRITERS).map(replace).collect()).await;
        current = store.head("race").await.unwrap().etag;
    }
}

type Put = tokio::task::JoinHandle<Result<ETag, StoreError>>;

async fn assert_one_winner(store: &dyn Store, key: &str, puts: Vec<Put>) {
    let mut winners = Vec::new();
    for (writer, put) in puts.into_iter().enumerate() {
        match put.await.unwrap() {
            Ok(etag) => winners.push((writer, etag)),
            Err(lost) => assert!(matches!(lost, StoreError::Precondition { .. }), "{lost:?}"),
        }
    }
    assert_eq!(winners.len(), 1, "{key}");
    assert_eq!(
        text(store, key).await.parse::<usize>().unwrap() % 1000,
        winners[0].0
    );
    assert_eq!(store.head(key).await.unwrap().etag, winners[0].1);
}

async fn no_reader_sees_half_an_object(store: Arc<dyn Store>) {
    let contents: [Bytes; 2] = [vec![b'a'; 300_000].into(), vec![b'b'; 200_000].into()];
    put(&*store, "busy", "").await;
    let writer = {
        let (store, contents) = (Arc::clone(&store), contents.clone());
        tokio::spawn(async move {
            for round in 0..40 {
                let content = contents[round % 2].clone();
                store
                    .put("busy", content, Condition::Always, Metadata::new())
                    .await
                    .unwrap();
            }
        })
    };
    let whole: BTreeSet<Bytes> = contents.into_iter().chain([Bytes::new()]).collect();
    while !writer.is_finished() {
        let read = store.get("busy").await.unwrap().bytes().await.unwrap();
        assert!(whole.contains(&read), "{} bytes", read.len());
        assert_eq!(keys(&*store, "").await, ["busy"]);
    }
    writer.await.unwrap();
}

async fn an_object_is_no_newer_than_now(store: Arc<dyn Store>) {
    put(&*store, "a", "one").await;
    let modified_at = store.head("a").await.unwrap().modified_at;
    assert!(modified_at <= store.now().await.unwrap());
    assert_eq!(
        store.list("", None).await.unwrap().objects[0].modified_at,
        modified_at
    );
}
