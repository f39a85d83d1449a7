//! Log objects, as they lie in a trail's bucket.

use super::*;
use crate::log_objects::LogSource;
use crate::store::s3::{ListingPage, S3Logs};
use futures::TryStreamExt;

#[tokio::test]
async fn a_log_object_is_read_under_any_key() {
    let Room { server, s3, .. } = room().await;
    for key in ["AWSLogs/O-1/Ä b+c%2F=&?.json.gz", "//odd//", "a/../b"] {
        server.put("trail", key, key.as_bytes());
        let object = s3.open("trail", key, None).await.unwrap();
        assert_eq!(object.meta.size_bytes, key.len() as u64);
        assert_eq!(object.bytes().await.unwrap(), key.as_bytes(), "{key}");
    }
}

#[tokio::test]
async fn one_version_of_a_log_object_can_be_read() {
    let options = S3ServerOptions {
        is_versioned: true,
        ..S3ServerOptions::default()
    };
    let Room { server, s3, .. } = room_with(options).await;
    server.put("trail", "A.json", b"first");
    let first = s3
        .open("trail", "A.json", None)
        .await
        .unwrap()
        .meta
        .version_id
        .unwrap();
    server.put("trail", "A.json", b"second");
    let read = |version| s3.open("trail", "A.json", version);
    assert_eq!(
        read(Some(&*first)).await.unwrap().bytes().await.unwrap(),
        "first"
    );
    assert_eq!(read(None).await.unwrap().bytes().await.unwrap(), "second");
    server.delete("trail", "A.json");
    assert_eq!(
        read(Some(&*first)).await.unwrap().bytes().await.unwrap(),
        "first"
    );
    for gone in [read(None).await, read(Some("never")).await] {
        assert!(matches!(gone, Err(StoreError::NotFound { .. })), "{gone:?}");
    }
}

#[tokio::test]
async fn the_folders_below_a_prefix_are_found_through_small_pages() {
    let options = S3ServerOptions {
        page_objects: 2,
        ..S3ServerOptions::default()
    };
    let Room { server, s3, .. } = room_with(options).await;
    let accounts = [
        "111111111111",
        "222222222222",
        "333333333333",
        "444444444444",
        "555555555555",
    ];
    for account in accounts {
        for number in 0..3 {
            server.put(
                "trail",
                &format!("AWSLogs/{account}/CloudTrail/{number}"),
                b"",
            );
        }
    }
    server.put("trail", "AWSLogs/README", b"");
    let folders = s3.folders("trail", "AWSLogs/").await.unwrap();
    assert_eq!(
        folders,
        accounts.map(|account| format!("AWSLogs/{account}/"))
    );
    assert_eq!(server.count("ListObjectsV2"), 3);
    let none = s3
        .list("trail", "Elsewhere/", Some('/'), None)
        .await
        .unwrap();
    assert_eq!(none, ListingPage::default());
}

#[tokio::test]
async fn no_key_makes_a_listing_unreadable() {
    let Room { server, s3, .. } = room().await;
    let keys = ["a/\u{1}\u{1b}[31m", "a/A b+c%2F=&?Ä", "b\u{7}/c"];
    for key in keys {
        server.put("trail", key, b"");
    }
    let page = s3.list("trail", "", None, None).await.unwrap();
    let listed = page.objects.iter().map(|object| &*object.key);
    assert_eq!(listed.collect::<Vec<_>>(), keys);
    let folders = s3.folders("trail", "").await.unwrap();
    assert_eq!(folders, ["a/", "b\u{7}/"]);
}

#[tokio::test]
async fn a_listing_tells_size_and_version_of_each_object() {
    let Room { server, s3, .. } = room().await;
    let etag = server.put("trail", "A", b"four");
    let page = s3.list("trail", "", None, None).await.unwrap();
    assert_eq!(
        (&*page.objects[0].etag.0, page.objects[0].size_bytes),
        (&*etag, 4)
    );
    assert_eq!(
        page.objects[0].etag,
        s3.open("trail", "A", None).await.unwrap().meta.etag
    );
}

#[tokio::test]
async fn a_log_object_is_opened_again_only_as_the_same_version() {
    let Room { server, s3, .. } = room().await;
    let source = S3Logs::new(s3, "trail");
    assert_eq!(source.location("A"), "s3://trail/A");
    for (content, at) in [("", 0), ("content", 0), ("content", 3)] {
        server.put("trail", "A", content.as_bytes());
        let etag = source.open("A", None).await.unwrap().meta.etag;
        let pieces: Vec<Bytes> = source
            .open_from("A", None, at, &etag)
            .await
            .unwrap()
            .try_collect()
            .await
            .unwrap();
        assert_eq!(
            pieces.concat(),
            content.as_bytes()[usize::try_from(at).unwrap()..]
        );
        server.put("trail", "A", b"another");
        let changed = source.open_from("A", None, at, &etag).await;
        assert!(matches!(
            changed.err(),
            Some(StoreError::Precondition { .. })
        ));
    }
}
