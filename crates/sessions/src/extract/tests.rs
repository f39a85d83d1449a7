//! What records give as rows. Records are written here, modelled on the shapes that CloudTrail writes.

mod assume_role;
mod assume_root;
mod columns;
mod envelope;
mod federated;
mod odd_records;
mod other_tokens;
mod roles_anywhere;
mod sign_in;
mod witnesses;

use serde_json::{Value, json};

use self::columns::Columns;
use super::*;

/// Any one call, made by the IAM user ana with a long-term key.
fn call(event_source: &str, event_name: &str) -> Value {
    json!({
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "IAMUser",
            "principalId": "AIDARTX3GSDSBANAANA22",
            "arn": "arn:aws:iam::111122223333:user/team/ana",
            "accountId": "111122223333",
            "accessKeyId": "AKIARTX3GSDSBANAANA22",
            "userName": "ana",
        },
        "eventTime": "2026-11-20T05:07:09Z",
        "eventSource": event_source,
        "eventName": event_name,
        "awsRegion": "eu-west-1",
        "sourceIPAddress": "203.0.113.7",
        "userAgent": "aws-cli/2.31",
        "requestParameters": null,
        "responseElements": null,
        "requestID": "3b1f9a10-0000-4000-8000-0000000000aa",
        "eventID": "3b1f9a10-0000-4000-8000-000000000001",
        "eventType": "AwsApiCall",
        "recipientAccountId": "111122223333",
        "eventCategory": "Management",
    })
}

/// Lays a patch over a record: objects member by member, anything else replaced.
fn patched(mut record: Value, patch: Value) -> Value {
    match (&mut record, patch) {
        (Value::Object(members), Value::Object(patches)) => {
            for (name, patch) in patches {
                let member = members.remove(&name).unwrap_or_default();
                members.insert(name, patched(member, patch));
            }
            record
        }
        (_, patch) => patch,
    }
}

/// What `read` makes of a record.
fn reading<T>(record: &Value, read: impl FnOnce(&Record<'_>) -> T) -> T {
    let mut json = serde_json::to_vec(record).unwrap();
    read(&Record::parse(&mut json).unwrap())
}

/// The row of a record that must give one.
fn row_of(record: &Value) -> Issuance {
    reading(record, extract).unwrap().unwrap()
}

/// Asserts what columns hold; `""` stands for null.
fn check(record: &Value, expected: &[(&str, &str)]) {
    let columns = Columns::of(&row_of(record));
    for (name, value) in expected {
        assert_eq!(columns.get(name), *value, "{name} of\n{record:#}");
    }
}

/// The columns of a record's row, as text, for a snapshot.
fn shown(record: &Value) -> String {
    Columns::of(&row_of(record)).to_string()
}

#[test]
fn the_event_sources_are_those_of_the_calls() {
    let mut sources: Vec<&str> = CALLS.iter().map(|call| call.0).collect();
    sources.sort_unstable();
    sources.dedup();
    let mut published = ISSUING_EVENT_SOURCES.to_vec();
    published.sort_unstable();
    assert_eq!(sources, published);
}

#[test]
fn a_call_that_hands_out_nothing_is_no_row() {
    for (source, name) in [
        (STS, "GetCallerIdentity"),
        (STS, "DecodeAuthorizationMessage"),
        ("s3.amazonaws.com", "GetObject"),
        (SIGN_IN, "AssumeRole"),
        (ROLES_ANYWHERE, "CreateProfile"),
        ("iam.amazonaws.com", "AssumeRole"),
    ] {
        assert_eq!(
            reading(&call(source, name), extract),
            Ok(None),
            "{source} {name}"
        );
    }
    assert_eq!(reading(&json!({}), extract), Ok(None));
}

#[test]
fn every_known_call_gives_a_row_even_when_it_says_nothing() {
    for (source, name, _) in CALLS {
        let row = row_of(&call(source, name));
        assert_eq!(row.extract_version, EXTRACT_VERSION);
        assert_eq!(row.record.event_name.as_deref(), Some(*name));
        assert_ne!(
            row.session.session_type,
            SessionType::Unknown,
            "{source} {name}"
        );
    }
}
