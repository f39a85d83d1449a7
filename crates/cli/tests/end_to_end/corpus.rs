//! Real captures, where they are at hand.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;

use crate::room::{Room, files, printed};

fn invictus() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/corpus/invictus-ir+aws_dataset/CloudTrail");
    if path.is_dir() {
        return Some(path);
    }
    println!("skipped: the corpus is not at {}", path.display());
    None
}

/// One record of use for each role session: the key in use (services' calls have none), the principal, the creation.
fn uses(logs: &Path) -> BTreeMap<[String; 3], Value> {
    let mut uses = BTreeMap::new();
    for content in files(logs).into_values() {
        let mut object: Value = serde_json::from_slice(&content).unwrap();
        for record in object["Records"].as_array_mut().unwrap() {
            let identity = &record["userIdentity"];
            if identity["type"] == "AssumedRole" {
                let created = &identity["sessionContext"]["attributes"]["creationDate"];
                let session = [&identity["accessKeyId"], &identity["principalId"], created];
                uses.entry(session.map(Value::to_string))
                    .or_insert_with(|| record.take());
            }
        }
    }
    uses
}

#[test]
fn every_role_session_in_use_is_traced_by_a_raw_record_of_its_use() {
    let Some(logs) = invictus() else { return };
    let room = Room::new();
    let ingested = room.run(&["ingest", &logs.display().to_string()]);
    assert_eq!(ingested.status.code(), Some(0));
    let mut by_evidence: BTreeMap<String, usize> = BTreeMap::new();
    for (session, record) in uses(&logs) {
        let mut command = room.command(&["trace", "-", "--format", "json"]);
        let mut running = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        running
            .stdin
            .take()
            .unwrap()
            .write_all(record.to_string().as_bytes())
            .unwrap();
        let trace: Value =
            serde_json::from_str(&printed(&running.wait_with_output().unwrap())).unwrap();
        let used = trace["hops"].as_array().unwrap().last().unwrap();
        let evidence = used["link_evidence"].as_str().unwrap_or("none");
        println!("{session:?}: {evidence}, {}", used["origin_name"]);
        *by_evidence.entry(evidence.to_owned()).or_default() += 1;
    }
    let expected = [("issued_key", 8), ("session_context", 6)];
    assert_eq!(
        by_evidence,
        expected
            .map(|(name, count)| (name.to_owned(), count))
            .into()
    );
}
