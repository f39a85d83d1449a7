//! The promises of a store, kept over HTTP.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::store::contract;

#[tokio::test(flavor = "multi_thread")]
async fn a_store_in_s3_keeps_the_contract() {
    for has_opaque_etags in [false, true] {
        let options = S3ServerOptions {
            has_opaque_etags,
            ..S3ServerOptions::default()
        };
        let Room { server, s3, .. } = room_with(options).await;
        let buckets = AtomicU32::new(0);
        let make = || -> Arc<dyn Store> {
            let bucket = format!("bucket-{}", buckets.fetch_add(1, Ordering::Relaxed));
            // Beside the store lie things that are none of its business.
            server.put(&bucket, "lakes", b"a key that the prefix starts with");
            server.put(&bucket, "lakes/one0", b"a key beside the prefix");
            Arc::new(S3Store::new(s3.clone(), &bucket, "lakes/one").with_pages_of(3))
        };
        contract::check(&make).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_can_be_a_whole_bucket_that_keeps_versions() {
    let options = S3ServerOptions {
        is_versioned: true,
        page_objects: 3,
        ..S3ServerOptions::default()
    };
    let Room { server, s3, .. } = room_with(options).await;
    let buckets = AtomicU32::new(0);
    let make = || -> Arc<dyn Store> {
        let bucket = format!("bucket-{}", buckets.fetch_add(1, Ordering::Relaxed));
        server.create_bucket(&bucket);
        Arc::new(S3Store::new(s3.clone(), &bucket, "").with_pages_of(3))
    };
    contract::check(&make).await;
}

#[tokio::test]
async fn objects_that_others_put_below_the_prefix_are_not_listed() {
    let Room { server, store, .. } = room().await;
    for key in [
        "lakes/one/",
        "lakes/one/README.TXT",
        "lakes/one/a",
        "lakes/one/folder/",
    ] {
        server.put(BUCKET, key, b"");
    }
    let listed = store.list("", None).await.unwrap();
    let keys: Vec<_> = listed.objects.iter().map(|listed| &*listed.key).collect();
    assert_eq!((keys, listed.next), (vec!["a"], None));
}

#[tokio::test]
async fn a_store_tells_where_its_objects_lie() {
    let Room { s3, store, .. } = room().await;
    assert_eq!(store.location("a/b"), "s3://lake-bucket/lakes/one/a/b");
    assert_eq!(store.location(""), "s3://lake-bucket/lakes/one");
    assert_eq!(store.base(), "s3://lake-bucket/lakes/one/");
    let whole = S3Store::new(s3, BUCKET, "");
    assert_eq!(
        (whole.location("a"), whole.base()),
        (
            "s3://lake-bucket/a".to_owned(),
            "s3://lake-bucket/".to_owned()
        )
    );
}

#[tokio::test]
async fn the_time_is_that_of_the_servers_answers() {
    let Room { server, store, .. } = room().await;
    let before = store.now().await.unwrap();
    server.advance_clock(Duration::from_secs(3 * 24 * 60 * 60));
    let after = store.now().await.unwrap();
    assert!(after.0 - before.0 >= 3 * 24 * 60 * 60 * 1000);
}

#[tokio::test]
async fn a_kms_key_is_asked_for_with_every_write() {
    let Room { server, .. } = room().await;
    let key = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    let with_key = S3Settings {
        kms_key_id: Some(key.to_owned()),
        ..settings(&server)
    };
    let store = S3Store::new(S3::connect(with_key).await, BUCKET, "");
    put(&store, "a", "one").await.unwrap();
    assert_eq!(server.objects(BUCKET)["a"].kms_key_id.as_deref(), Some(key));
}

#[tokio::test]
async fn many_objects_are_deleted_by_a_thousand_a_request() {
    let Room { server, store, .. } = room().await;
    let keys: Vec<String> = (0..1001).map(|number| format!("a/{number}")).collect();
    for key in &keys {
        server.put(BUCKET, &format!("lakes/one/{key}"), b"");
    }
    assert!(store.delete(&keys).await.iter().all(Result::is_ok));
    assert_eq!(
        (server.count("DeleteObjects"), server.objects(BUCKET).len()),
        (2, 0)
    );
}
