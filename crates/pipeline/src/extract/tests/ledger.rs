//! What the ledger says of log objects.

use sha2::{Digest, Sha256};
use trailback_sessions::EXTRACT_VERSION;
use trailback_tables::ledger::{LedgerEntry, LogObjectKind, LogObjectOutcome};

use super::fetched::{bucket, key, run_all};
use super::*;
use crate::log_objects::SkippedKind;
use crate::log_objects::memory::SourceFault;

/// All entries, in the order of their locations.
fn entries(store: &MemoryStore) -> Vec<LedgerEntry> {
    let mut objects = store.objects();
    objects.retain(|key, _| key.starts_with(Table::LogObjects.fragments_prefix()));
    let decoded = objects
        .into_values()
        .flat_map(|(bytes, _)| decode_fragment::<LedgerEntry>(bytes).unwrap());
    let mut entries: Vec<LedgerEntry> = decoded.collect();
    entries.sort_by(|left, right| left.location.cmp(&right.location));
    entries
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ledger_tells_of_every_object_whatever_became_of_it() {
    let logs = bucket(1, []);
    let digest = key(1).replace("CloudTrail_", "CloudTrail-Digest_");
    logs.put(&digest, "never read");
    logs.put(&key(2), "never to be read");
    let mut all = logs.log_objects();
    all.push(logs.log_object(&key(3)));
    all.push(logs.log_object("sessions/data/dt=2026-11-20/day-0123456789abcdef.parquet"));
    let (store, lake) = memory_lake().await;
    let (extracted, done) = run_all(&lake, all, &ExtractOptions::default()).await;
    assert!(extracted.unwrap().tally.balances());
    let of_the_lake = Outcome::Skipped(SkippedKind::OfTheLake);
    assert!(done.iter().any(|done| done.outcome == of_the_lake));

    let [skipped, read, failed, gone, own]: [LedgerEntry; 5] = entries(&store).try_into().unwrap();
    let text = story::log_object(&story::days(4));
    let wanted = LedgerEntry {
        location: format!("memory:{}", key(0)).into(),
        etag: read.etag.clone(),
        version_id: Some("the version of what was read".into()),
        size_bytes: Some(text.len() as u64),
        account_id: Some("111122223333".into()),
        region: Some("eu-central-1".into()),
        delivered_at: Some(minute(300)),
        outcome: LogObjectOutcome::Extracted,
        unpacked_bytes: Some(text.len() as u64),
        sha256: Some(hex::encode(Sha256::digest(&text)).into()),
        records: Some(4),
        issuances: Some(4),
        witnesses: Some(0),
        passed_over: Some(0),
        unreadable: Some(0),
        first_event_time: Some(minute(0)),
        last_event_time: Some(minute(3 * 47)),
        extract_version: EXTRACT_VERSION,
        ..LedgerEntry::default()
    };
    assert_eq!(read, wanted);
    assert!(read.etag.is_some());
    let told = |entry: &LedgerEntry| (entry.outcome, entry.kind, entry.records, entry.size_bytes);
    let skip = LogObjectOutcome::Skipped;
    assert_eq!(told(&skipped), (skip, LogObjectKind::Digest, None, None));
    // Else all digests ever delivered would be filed under one hour, which is read again whenever one comes.
    assert!(skipped.delivered_at.is_some());
    assert_eq!(told(&own), (skip, LogObjectKind::Other, None, None));
    assert_eq!(own.reason.as_deref(), Some("belongs to the lake itself"));
    let records = LogObjectKind::LogObject;
    assert_eq!(told(&gone), (LogObjectOutcome::Gone, records, None, None));
    let size = Some("never to be read".len() as u64);
    let wanted = (LogObjectOutcome::Failed, records, Some(0), size);
    assert_eq!(told(&failed), wanted);
    assert!(failed.reason.unwrap().starts_with("is not JSON"));
    assert_eq!(failed.sha256, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ledger_is_silent_on_what_another_try_may_read_and_on_hashes_nobody_wants() {
    let logs = bucket(2, [(0, SourceFault::Denied)]);
    let (store, lake) = memory_lake().await;
    let options = ExtractOptions {
        objects_at_once: 1,
        hash_log_objects: false,
        ..ExtractOptions::default()
    };
    run_all(&lake, logs.log_objects(), &options)
        .await
        .0
        .unwrap();
    let entries = entries(&store);
    assert_eq!(entries.len(), 1);
    assert_eq!(&*entries[0].location, format!("memory:{}", key(1)));
    assert_eq!(entries[0].sha256, None);
}
