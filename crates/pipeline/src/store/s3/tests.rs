//! Against an S3 server in this process, over HTTP.

mod contract;
mod elsewhere;
mod faults;
mod log_objects;

use std::time::Duration;

use bytes::Bytes;
use trailback_harness::s3_server::{
    ACCESS_KEY_ID, Fault, REGION, S3Server, S3ServerOptions, SECRET_ACCESS_KEY,
};

use super::{Credentials, DateTime, Patience, S3, S3Settings, S3Store, Timestamp, timestamp};
use crate::causes::with_causes;
use crate::store::{Condition, Metadata, Store, StoreError};

const BUCKET: &str = "lake-bucket";

/// A server, and a store below a prefix of its bucket.
struct Room {
    server: S3Server,
    s3: S3,
    store: S3Store,
}

async fn room() -> Room {
    room_with(S3ServerOptions::default()).await
}

async fn room_with(options: S3ServerOptions) -> Room {
    let server = S3Server::start_with(options);
    server.create_bucket(BUCKET);
    let s3 = S3::connect(settings(&server)).await;
    let store = S3Store::new(s3.clone(), BUCKET, "lakes/one/");
    Room { server, s3, store }
}

/// Repeats often and soon, because nothing is gained by waiting here.
pub(crate) fn settings(server: &S3Server) -> S3Settings {
    S3Settings {
        region: Some(REGION.to_owned()),
        endpoint: Some(server.endpoint()),
        credentials: Some(Credentials::new(
            ACCESS_KEY_ID,
            SECRET_ACCESS_KEY,
            None,
            None,
            "test",
        )),
        patience: Patience {
            attempt: Duration::from_millis(500),
            operation: Duration::from_secs(30),
            attempts: 4,
            first_pause: Duration::from_millis(1),
            ..Patience::default()
        },
        ..S3Settings::default()
    }
}

async fn put(store: &dyn Store, key: &str, content: &'static str) -> Result<(), StoreError> {
    let put = store.put(key, content.into(), Condition::Always, Metadata::new());
    put.await.map(|_| ())
}

async fn read(store: &dyn Store, key: &str) -> Result<Bytes, StoreError> {
    store.get(key).await?.bytes().await
}

/// Every call of a store, by name.
const CALLS: [&str; 7] = ["list", "get", "get_range", "put", "head", "delete", "now"];

async fn call(store: &dyn Store, name: &str) -> Result<(), StoreError> {
    match name {
        "list" => store.list("", None).await.map(|_| ()),
        "get" => read(store, "a").await.map(|_| ()),
        "get_range" => store.get_range("a", 0..2, None).await.map(|_| ()),
        "put" => put(store, "a", "new").await,
        "head" => store.head("a").await.map(|_| ()),
        "delete" => store.delete(&["a".to_owned()]).await.remove(0),
        "now" => store.now().await.map(|_| ()),
        other => panic!("no call {other}"),
    }
}

#[test]
fn a_listing_tells_no_more_of_a_time_than_a_header() {
    let listed = DateTime::from_millis(1_795_659_900_306);
    assert_eq!(timestamp(Some(&listed)), Timestamp(1_795_659_900_000));
}

/// An error with its causes, as people see it.
fn told(error: &StoreError) -> String {
    let text = with_causes(error);
    assert!(
        !text.contains(SECRET_ACCESS_KEY) && !text.contains("Signature="),
        "{text}"
    );
    assert!(text.lines().count() == 1 && text.len() < 700, "{text}");
    assert!(
        !text.contains("SdkError") && !text.contains("ServiceError"),
        "{text}"
    );
    text
}
