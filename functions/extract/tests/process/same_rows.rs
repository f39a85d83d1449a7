//! The function on S3 and `ingest` on a folder say the same of the same log objects.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use trailback_harness::deployment::TRAIL;
use trailback_pipeline::extract::ExtractOptions;
use trailback_pipeline::ingest::ingest;
use trailback_pipeline::lake::{Access, Lake};
use trailback_pipeline::log_objects::folders::find;
use trailback_pipeline::progress::{Progress, Silent};
use trailback_pipeline::store::list_all;
use trailback_sessions::{Session, Text};
use trailback_tables::decode_data_object;

use crate::room::{LOGS, announce, holding, keys, linked};

/// The rows of a lake in a folder that has ingested a folder.
async fn ingested(logs: &Path, lake: &Path) -> Vec<Session> {
    let lake = Lake::in_folder(lake, Access::Write).await.unwrap();
    let progress: Arc<dyn Progress> = Arc::new(Silent);
    let found = find(&[logs.to_owned()]).await.unwrap();
    ingest(&lake, found, &ExtractOptions::default(), &progress)
        .await
        .unwrap();
    let mut data = Vec::new();
    for listed in list_all(lake.store(), "sessions/data/").await.unwrap() {
        data.push(
            lake.store()
                .get(&listed.key)
                .await
                .unwrap()
                .bytes()
                .await
                .unwrap(),
        );
    }
    rows(data)
}

fn rows(data: impl IntoIterator<Item = Bytes>) -> Vec<Session> {
    let rows = data
        .into_iter()
        .flat_map(|object| decode_data_object(object).unwrap());
    rows.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_log_objects_make_the_same_rows_in_a_folder_and_on_s3() {
    let folder = tempfile::tempdir().unwrap();
    let logs = folder.path().join("logs");
    for (key, content) in &*LOGS {
        let path = logs.join(key);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    let mut on_a_laptop = ingested(&logs, &folder.path().join("lake")).await;
    for row in &mut on_a_laptop {
        let on_s3 = |name: &Text| Text::from(format!("s3://{TRAIL}/{name}"));
        row.issuance.log_objects = row.issuance.log_objects.iter().map(on_s3).collect();
    }
    let mut room = holding(&LOGS);
    assert!(announce(&mut room, keys(&LOGS)).await.is_empty());
    let mut published = linked(&room).await;
    published.retain(|key, _| key.starts_with("sessions/data/"));
    let on_s3 = rows(published.into_values());
    assert!(on_s3.len() > 100);
    assert!(on_a_laptop == on_s3);
}
