//! The deployments that the stories here work on, and what they say to them.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use trailback_harness::deployment::{BASE, Deployment, TRAIL, assert_sum};
use trailback_harness::notices::{queued, s3_notification};
use trailback_harness::runtime_api::Answer;
use trailback_pipeline::lake::{Access, Lake};
use trailback_pipeline::link::{LinkOptions, link};
use trailback_pipeline::progress::{Progress, Silent};
use trailback_pipeline::store::memory::MemoryStore;
use trailback_pipeline::store::{Condition, Metadata, Store};
use trailback_simulator::{Plan, gather};

/// Log objects: keys and packed contents.
pub(crate) type Logs = Vec<(String, Vec<u8>)>;

/// A few hours of three accounts: some thirty log objects in several event hours, with late and repeated records.
pub(crate) static LOGS: LazyLock<Logs> = LazyLock::new(|| {
    let plan = Plan {
        calls: 150,
        sts_share: 0.5,
        duration: 4 * 3600,
        accounts: 3,
        regions: 2,
        delivery_minutes: 45,
        duplicates: 0.1,
        late: 0.1,
        ..Plan::small(7)
    };
    let (gathered, _) = gather(&plan).unwrap();
    let packed = |(key, json): (String, Vec<u8>)| (key, packed(&json));
    gathered.objects.into_iter().map(packed).collect()
});

/// Packs a text as CloudTrail does.
pub(crate) fn packed(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

/// A deployment of the function.
pub(crate) fn deployed(settings: &[(&str, &str)]) -> Deployment {
    Deployment::of(env!("CARGO_BIN_EXE_trailback-extract"), settings)
}

/// One with log objects in the trail's bucket.
pub(crate) fn holding(logs: &[(String, Vec<u8>)]) -> Deployment {
    let room = deployed(&[]);
    room.put_logs(logs);
    room
}

/// Hands the function a batch in which each of these objects is announced by a message with its key as ID; gives the IDs
/// that are returned.
pub(crate) async fn announce<'k>(
    room: &mut Deployment,
    object_keys: impl IntoIterator<Item = &'k str>,
) -> Vec<String> {
    let answer = room.deliver(&announcement(object_keys)).await;
    returned(&answer)
}

/// The metrics of the last invocation, which balance, and an end to the process.
pub(crate) async fn metrics(room: &mut Deployment) -> Value {
    let metrics = room.metrics().await;
    let kinds = ["Extracted", "Skipped", "Gone", "Failed", "Left"];
    let objects = kinds.map(|kind| format!("LogObjects{kind}"));
    assert_sum(
        &metrics,
        "LogObjects",
        &objects.each_ref().map(String::as_str),
    );
    let records = [
        "Issuances",
        "Witnesses",
        "RecordsPassedOver",
        "RecordsUnreadable",
    ];
    assert_sum(&metrics, "Records", &records);
    metrics
}

/// What a linker publishes of the lake, in memory: the data objects and manifests.
pub(crate) async fn linked(room: &Deployment) -> BTreeMap<String, Bytes> {
    let store = Arc::new(MemoryStore::new());
    for (key, content) in room.lake("") {
        let put = store.put(&key, content, Condition::Always, Metadata::new());
        put.await.unwrap();
    }
    let lake = Lake::in_store(Arc::clone(&store) as _, BASE, Access::Write).await;
    let progress: Arc<dyn Progress> = Arc::new(Silent);
    link(&lake.unwrap(), &LinkOptions::default(), &progress)
        .await
        .unwrap();
    let is_published = |key: &String| key.contains("/data/") || key.contains("/table/");
    let objects = store.objects().into_iter();
    objects
        .filter(|(key, _)| is_published(key))
        .map(|(key, (content, _))| (key, content))
        .collect()
}

/// The lake that one batch of all log objects makes: what every other way must make too.
pub(crate) async fn expected(logs: &[(String, Vec<u8>)]) -> BTreeMap<String, Bytes> {
    let mut room = holding(logs);
    let returned = announce(&mut room, keys(logs)).await;
    assert!(returned.is_empty(), "{returned:?}");
    let published = linked(&room).await;
    assert!(
        published
            .keys()
            .any(|key| key.starts_with("sessions/data/"))
    );
    published
}

/// The keys of log objects.
pub(crate) fn keys(logs: &[(String, Vec<u8>)]) -> impl Iterator<Item = &str> + Clone {
    logs.iter().map(|(key, _)| &**key)
}

/// A batch of S3's notifications, each with the key of its object as ID.
pub(crate) fn announcement<'k>(object_keys: impl IntoIterator<Item = &'k str>) -> Value {
    let bodies: Vec<(&str, String)> = object_keys
        .into_iter()
        .map(|key| (key, s3_notification(TRAIL, key).to_string()))
        .collect();
    queued(bodies.iter().map(|(key, body)| (*key, &**body)))
}

/// Which messages an answer gives back.
#[track_caller]
pub(crate) fn returned(answer: &Answer) -> Vec<String> {
    let Answer::Response(response) = answer else {
        panic!("no response: {answer:?}");
    };
    let failures = response["batchItemFailures"]
        .as_array()
        .expect("a batch response");
    let id = |failure: &Value| failure["itemIdentifier"].as_str().unwrap().to_owned();
    failures.iter().map(id).collect()
}
