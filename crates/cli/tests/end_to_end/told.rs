//! What people are told: words that claim no more than the logs say, over records made for the purpose.

use serde_json::{Value, json};

use crate::room::{Room, printed, program, samples, told};

const ACCOUNT: &str = "111122223333";

fn event_id(number: u32) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

fn key(number: u32) -> String {
    format!("ASIA{number:016}")
}

/// A call of STS that hands out key `number`, made by alice with a key of hers, or by the session that `creation` began.
fn call(number: u32, time: &str, identity: Value, name: &str, request: Value) -> Value {
    json!({
        "eventVersion": "1.11",
        "userIdentity": identity,
        "eventTime": format!("2026-11-20T{time}Z"),
        "eventSource": "sts.amazonaws.com",
        "eventName": name,
        "awsRegion": "eu-central-1",
        "sourceIPAddress": "203.0.113.7",
        "userAgent": "aws-cli/2.31.0",
        "requestParameters": request,
        "responseElements": { "credentials": { "accessKeyId": key(number), "expiration": "Nov 20, 2026, 12:30:04 PM" } },
        "requestID": event_id(number),
        "eventID": event_id(number),
        "eventType": "AwsApiCall",
        "recipientAccountId": ACCOUNT,
    })
}

fn alice(key: &str, created: Option<&str>) -> Value {
    let mut identity = json!({
        "type": "IAMUser",
        "principalId": "AIDAEXAMPLEALICE00000",
        "arn": format!("arn:aws:iam::{ACCOUNT}:user/alice"),
        "accountId": ACCOUNT,
        "accessKeyId": key,
        "userName": "alice",
    });
    if let Some(created) = created {
        let created = format!("2026-11-20T{created}Z");
        identity["sessionContext"] =
            json!({ "attributes": { "creationDate": created, "mfaAuthenticated": "false" } });
    }
    identity
}

/// A session of a role, whose key has a number.
fn in_role(role: &str, number: u32, created: &str) -> Value {
    json!({
        "type": "AssumedRole",
        "principalId": format!("AROAEXAMPLE{}:s", role.to_uppercase()),
        "arn": format!("arn:aws:sts::{ACCOUNT}:assumed-role/{role}/s"),
        "accountId": ACCOUNT,
        "accessKeyId": key(number),
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": format!("AROAEXAMPLE{}", role.to_uppercase()),
                "arn": format!("arn:aws:iam::{ACCOUNT}:role/{role}"),
                "accountId": ACCOUNT,
                "userName": role,
            },
            "attributes": { "creationDate": format!("2026-11-20T{created}Z"), "mfaAuthenticated": "false" },
        },
    })
}

fn assume(number: u32, time: &str, identity: Value, role: &str) -> Value {
    let request =
        json!({ "roleArn": format!("arn:aws:iam::{ACCOUNT}:role/{role}"), "roleSessionName": "s" });
    let mut record = call(number, time, identity, "AssumeRole", request);
    record["responseElements"]["assumedRoleUser"] = json!({
        "assumedRoleId": format!("AROAEXAMPLE{}:s", role.to_uppercase()),
        "arn": format!("arn:aws:sts::{ACCOUNT}:assumed-role/{role}/s"),
    });
    record
}

/// A lake of these records.
fn lake(records: &[Value]) -> Room {
    let room = Room::new();
    room.write_log(
        "a.json",
        json!({ "Records": records }).to_string().as_bytes(),
    );
    let ingested = room.run(&["ingest", &room.path("logs").display().to_string()]);
    assert!(ingested.status.success(), "{}", told(&ingested));
    room
}

/// GetSessionToken without MFA, then AssumeRole with it, then a third call from that role.
#[test]
fn a_chain_in_which_mfa_was_presented_is_not_listed_as_without() {
    let long_term = alice("AKIAEXAMPLEALICE0000", None);
    let token = call(
        1,
        "09:00:00",
        long_term,
        "GetSessionToken",
        json!({ "durationSeconds": 3600 }),
    );
    let mut jump = assume(2, "09:05:00", alice(&key(1), Some("09:00:00")), "jump");
    jump["requestParameters"]["serialNumber"] = "arn:aws:iam::111122223333:mfa/alice".into();
    let admin = assume(3, "09:06:00", in_role("jump", 2, "09:05:00"), "admin");
    let room = lake(&[token, jump, admin]);
    let traced = room.answer(&["trace", &key(3)]);
    assert!(
        traced.contains("alice of account 111122223333, MFA presented at hop 2, not at the")
            && !traced.contains("without MFA"),
        "{traced}"
    );
    let listed = room.answer(&["sessions", "--no-mfa"]);
    assert!(
        listed.contains(&key(1)) && !listed.contains(&key(3)),
        "{listed}"
    );
}

/// The sample's only digest cannot be read, and two other accounts and regions have none.
#[test]
fn why_logs_are_not_proven_is_told_apart_and_where() {
    let mut verify = program();
    verify
        .arg("verify")
        .arg(samples().join("logs"))
        .arg("--no-signatures");
    let text = printed(&verify.output().unwrap());
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    for said in [
        "open     log objects are not proven, 444455556666 eu-central-1",
        "digests of this account and region are there, and none of them can be",
        "open     log objects are not proven, 2 times",
        "111122223333 eu-central-1",
        "444455556666 us-east-1",
    ] {
        assert!(lines.contains(&said), "{said}\n{text}");
    }
}
