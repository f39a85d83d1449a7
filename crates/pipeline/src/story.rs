//! Small CloudTrail stories for tests: records as AWS writes them, and folders of log objects.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use trailback_sessions::Timestamp;

use crate::extract::ExtractOptions;
use crate::lake::{Access, Lake};
use crate::link::{LinkOptions, Linked, link};
use crate::log_objects::folders;
use crate::progress::{Progress, Silent};
use crate::store::Store;
use crate::store::memory::MemoryStore;
use crate::tally::LinkTally;

/// The account of every story.
pub(crate) const ACCOUNT: &str = "111122223333";

/// 2026-11-20T00:00:00Z.
pub(crate) const START: Timestamp = Timestamp(1_795_132_800_000);

/// So many minutes after the start.
pub(crate) fn minute(minutes: i64) -> Timestamp {
    Timestamp(START.0 + minutes * 60_000)
}

/// An IAM user's AssumeRole: `number` makes event ID and key.
pub(crate) fn by_user(number: u32, at: Timestamp, user: &str, role: &str) -> Value {
    let identity = json!({
        "type": "IAMUser",
        "principalId": format!("AIDAEXAMPLE{}", user.to_uppercase()),
        "arn": format!("arn:aws:iam::{ACCOUNT}:user/{user}"),
        "accountId": ACCOUNT,
        "accessKeyId": format!("AKIAEXAMPLE{}", user.to_uppercase()),
        "userName": user,
    });
    assume_role(number, at, identity, role)
}

/// A role session's AssumeRole, with the credentials that `parent` handed out.
pub(crate) fn by_session(number: u32, at: Timestamp, parent: &Value, role: &str) -> Value {
    assume_role(number, at, identity_of(parent), role)
}

/// A call of another service with the credentials that `parent` handed out.
pub(crate) fn other_call(number: u32, at: Timestamp, parent: &Value) -> Value {
    let mut record = assume_role(number, at, identity_of(parent), "none");
    record["eventSource"] = "s3.amazonaws.com".into();
    record["eventName"] = "ListBuckets".into();
    record["requestParameters"] = Value::Null;
    record["responseElements"] = Value::Null;
    record
}

/// Who makes calls with the credentials that a record handed out.
fn identity_of(parent: &Value) -> Value {
    let user = &parent["responseElements"]["assumedRoleUser"];
    let role_arn = parent["requestParameters"]["roleArn"].as_str().unwrap();
    let principal_id = user["assumedRoleId"].as_str().unwrap();
    json!({
        "type": "AssumedRole",
        "principalId": principal_id,
        "arn": user["arn"],
        "accountId": ACCOUNT,
        "accessKeyId": parent["responseElements"]["credentials"]["accessKeyId"],
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": principal_id.split(':').next().unwrap(),
                "arn": role_arn,
                "accountId": ACCOUNT,
                "userName": role_arn.rsplit('/').next().unwrap(),
            },
            "attributes": { "creationDate": parent["eventTime"], "mfaAuthenticated": "false" },
        },
    })
}

fn assume_role(number: u32, at: Timestamp, identity: Value, role: &str) -> Value {
    let session = format!("session-{number}");
    json!({
        "eventVersion": "1.11",
        "userIdentity": identity,
        "eventTime": at.to_string(),
        "eventSource": "sts.amazonaws.com",
        "eventName": "AssumeRole",
        "awsRegion": "eu-central-1",
        "sourceIPAddress": "203.0.113.7",
        "userAgent": "aws-cli/2.31.0",
        "requestParameters": {
            "roleArn": format!("arn:aws:iam::{ACCOUNT}:role/{role}"),
            "roleSessionName": session,
        },
        "responseElements": {
            "credentials": {
                "accessKeyId": key(number),
                "sessionToken": "not to be seen",
                "expiration": "Nov 25, 2026, 12:30:04 PM",
            },
            "assumedRoleUser": {
                "assumedRoleId": format!("AROAEXAMPLE{}:{session}", role.to_uppercase()),
                "arn": format!("arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{session}"),
            },
        },
        "requestID": format!("00000000-0000-4000-9000-{number:012}"),
        "eventID": event_id(number),
        "readOnly": true,
        "eventType": "AwsApiCall",
        "managementEvent": true,
        "recipientAccountId": ACCOUNT,
    })
}

/// The key that a record hands out.
pub(crate) fn key(number: u32) -> String {
    format!("ASIA{number:016}")
}

/// The event ID of a record.
pub(crate) fn event_id(number: u32) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

/// A few days of an organisation: users, chains over hours and midnights, and uses too old to have a parent.
///
/// Hour by hour a user assumes a role, a session of some hours ago assumes the next, and every fifth call is refused.
pub(crate) fn days(records: u32) -> Vec<Value> {
    days_of_calls_every(47, records)
}

/// The same, with a call every so many minutes.
pub(crate) fn days_of_calls_every(minutes: i64, records: u32) -> Vec<Value> {
    let mut story: Vec<Value> = Vec::new();
    for number in 0..records {
        let at = minute(i64::from(number) * minutes);
        let back = (number.wrapping_mul(2_654_435_761) >> 24) as usize % 40;
        let record = match story.len().checked_sub(back + 1) {
            Some(parent) if number % 3 != 0 => by_session(number, at, &story[parent], "deploy"),
            _ => by_user(
                number,
                at,
                if number % 2 == 0 { "alice" } else { "bob" },
                "admin",
            ),
        };
        story.push(record);
    }
    story
}

/// The text of a log object.
pub(crate) fn log_object(records: &[Value]) -> String {
    json!({ "Records": records }).to_string()
}

/// Writes a log object into a folder, as CloudTrail names it.
pub(crate) fn deliver(folder: &Path, name: &str, records: &[Value]) {
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join(format!("{name}.json")), log_object(records)).unwrap();
}

/// A lake in a new memory store.
pub(crate) async fn memory_lake() -> (Arc<MemoryStore>, Lake) {
    let store = Arc::new(MemoryStore::with_pages_of(7));
    store.set_time(minute(10_000));
    let lake = lake_in(Arc::clone(&store) as _).await;
    (store, lake)
}

/// A lake in a store.
pub(crate) async fn lake_in(store: Arc<dyn Store>) -> Lake {
    Lake::in_store(store, "", Access::Write).await.unwrap()
}

/// Nobody to tell.
pub(crate) fn silent() -> Arc<dyn Progress> {
    Arc::new(Silent)
}

/// Extracts records, delivered as one log object of that name.
pub(crate) async fn extract(lake: &Lake, name: &str, records: &[Value]) {
    let folder = tempfile::tempdir().unwrap();
    deliver(folder.path(), name, records);
    let paths = [folder.path().to_owned()];
    let options = ExtractOptions {
        threads: 2,
        ..ExtractOptions::default()
    };
    let log_objects = folders::find(&paths).await.unwrap();
    let extracted = crate::extract::extract(lake, log_objects, &options, &silent(), &mut |_| {})
        .await
        .unwrap();
    assert!(
        extracted.tally.balances() && extracted.problems.is_empty(),
        "{extracted:?}"
    );
}

/// Extracts records and links them; tells of the table `sessions`.
pub(crate) async fn ingest(lake: &Lake, name: &str, records: &[Value]) -> LinkTally {
    extract(lake, name, records).await;
    let linked = link(lake, &LinkOptions::default(), &silent()).await;
    linked.and_then(Linked::whole).unwrap().sessions
}
