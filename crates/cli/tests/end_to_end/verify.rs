//! Digests: logs that somebody tampered with, and a gap that lies in the hole.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};
use trailback_simulator::{Digests, Folder, Sink, public_keys};

use crate::room::{Room, printed, program, told};

const ACCOUNT: &str = "111122223333";
const FIRST: &str = "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/11/20/111122223333_CloudTrail_eu-west-1_20261120T0905Z_aaaaaaaaaaaaaaaa.json.gz";
const SECOND: &str = "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/11/20/111122223333_CloudTrail_eu-west-1_20261120T1110Z_bbbbbbbbbbbbbbbb.json.gz";
const LAST: &str = "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/11/20/111122223333_CloudTrail_eu-west-1_20261120T1510Z_cccccccccccccccc.json.gz";

/// A record of AssumeRole; the number is in the key that it hands out.
fn assume_role(number: u32, time: &str, caller: &Value) -> Value {
    json!({
        "eventVersion": "1.11", "eventSource": "sts.amazonaws.com", "eventName": "AssumeRole", "eventTime": time,
        "awsRegion": "eu-west-1", "sourceIPAddress": "198.51.100.7", "userIdentity": caller, "recipientAccountId": ACCOUNT,
        "eventID": format!("{number:08x}-0000-4000-8000-000000000000"),
        "requestParameters": {"roleArn": format!("arn:aws:iam::{ACCOUNT}:role/deploy"), "roleSessionName": "s"},
        "responseElements": {
            "credentials": {"accessKeyId": format!("ASIAEXAMPLE{number:09}"), "expiration": "Nov 20, 2026, 11:00:00 PM"},
            "assumedRoleUser": {
                "assumedRoleId": "AROAEXAMPLE:s",
                "arn": format!("arn:aws:sts::{ACCOUNT}:assumed-role/deploy/s"),
            },
        },
    })
}

/// The session that was handed out at 09:01:00.
fn session() -> Value {
    json!({
        "type": "AssumedRole", "arn": format!("arn:aws:sts::{ACCOUNT}:assumed-role/deploy/s"), "accountId": ACCOUNT,
        "principalId": "AROAEXAMPLE:s", "accessKeyId": "ASIAEXAMPLE000000001",
        "sessionContext": {
            "sessionIssuer": {"type": "Role", "arn": format!("arn:aws:iam::{ACCOUNT}:role/deploy"), "accountId": ACCOUNT},
            "attributes": {"creationDate": "2026-11-20T09:01:00Z", "mfaAuthenticated": "false"},
        },
    })
}

/// A room with validated logs of a chain, and CloudTrail's key.
fn validated() -> Room {
    let room = Room::new();
    let user = json!({"type": "IAMUser", "arn": format!("arn:aws:iam::{ACCOUNT}:user/anna"), "accountId": ACCOUNT, "userName": "anna"});
    let records = [
        (FIRST, assume_role(1, "2026-11-20T09:01:00Z", &user)),
        (SECOND, assume_role(2, "2026-11-20T11:05:00Z", &session())),
        (LAST, assume_role(3, "2026-11-20T15:05:00Z", &user)),
    ];
    let mut folder = Folder::create(&room.path("logs"), None, None).unwrap();
    let mut digests = Digests::before(&mut folder, "trail").unwrap();
    for (key, record) in records {
        let log_object = json!({"Records": [record]}).to_string();
        digests.object(key, log_object.as_bytes()).unwrap();
    }
    digests.finish().unwrap();
    fs::write(room.path("keys.json"), public_keys().unwrap()).unwrap();
    room
}

fn at(room: &Room, key: &str) -> PathBuf {
    room.path("logs").join(key)
}

fn verify(room: &Room, more: &[&str]) -> std::process::Output {
    program()
        .arg("verify")
        .arg(room.path("logs"))
        .arg("--public-keys")
        .arg(room.path("keys.json"))
        .args(more)
        .output()
        .unwrap()
}

#[test]
fn sound_logs_are_told_with_what_is_still_open() {
    let room = validated();
    let verified = verify(&room, &[]);
    assert_eq!(verified.status.code(), Some(0), "{}", told(&verified));
    insta::assert_snapshot!("sound", printed(&verified));
}

#[test]
fn a_gap_whose_time_lies_in_a_hole_says_so() {
    let room = validated();
    fs::remove_file(at(&room, FIRST)).unwrap();
    let logs = room.path("logs").display().to_string();
    room.run(&["ingest", &logs]);
    let verified = verify(&room, &[]);
    assert_eq!(verified.status.code(), Some(1), "{}", told(&verified));
    insta::assert_snapshot!("missing", printed(&verified));

    let json = verify(&room, &["--format", "json"]);
    fs::write(room.path("verified.json"), printed(&json)).unwrap();
    let file = room.path("verified.json").display().to_string();
    let trace = ["trace", "ASIAEXAMPLE000000002", "--verified", &file];
    insta::assert_snapshot!("gap_in_a_hole", room.answer(&trace));
    let as_json = room.answer(&[&trace[..], &["--format", "json"]].concat());
    let as_json: Value = serde_json::from_str(&as_json).unwrap();
    let holes = as_json["gap"]["holes"].as_array().unwrap();
    assert!(holes.len() == 1 && holes[0].as_str().unwrap().contains(FIRST));
    let page = room.answer(&[&trace[..], &["--format", "html"]].concat());
    assert!(page.contains("Holes in the logs") && page.contains(FIRST));
    // A session of another time is not explained by that hole.
    let other = room.answer(&["trace", "ASIAEXAMPLE000000003", "--verified", &file]);
    assert!(!other.contains("hole"));
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let room = validated();
    fs::write(room.path("keys.json"), "{}").unwrap();
    let refused = verify(&room, &[]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        told(&refused).contains("keys.json is not what `aws cloudtrail list-public-keys`"),
        "{}",
        told(&refused)
    );
    let keys = room.path("keys.json").display().to_string();
    let trace = room.run(&["trace", "ASIAEXAMPLE000000002", "--verified", &keys]);
    assert_eq!(trace.status.code(), Some(2));
    assert!(
        told(&trace).contains("is not what `trailback verify --format json`"),
        "{}",
        told(&trace)
    );
}

#[test]
fn a_place_without_digests_is_told() {
    let room = validated();
    fs::remove_dir_all(room.path("logs/AWSLogs/111122223333/CloudTrail-Digest")).unwrap();
    let verified = verify(&room, &[]);
    assert_eq!(verified.status.code(), Some(1));
    assert!(
        told(&verified).contains("there is no digest"),
        "{}",
        told(&verified)
    );
}

#[test]
fn what_nothing_vouches_for_is_incomplete_and_named() {
    let room = validated();
    let export = "AWSLogs/111122223333/export.json";
    fs::write(at(&room, export), "{\"Records\":[]}").unwrap();
    let verified = verify(&room, &[]);
    assert_eq!(verified.status.code(), Some(1), "{}", told(&verified));
    insta::assert_snapshot!("incomplete", printed(&verified));
    let json = verify(&room, &["--format", "json"]);
    let json: Value = serde_json::from_str(&printed(&json)).unwrap();
    assert_eq!(
        (&json["verdict"], &json["sound"], &json["readings"]),
        (&json!("incomplete"), &json!(false), &Value::Null)
    );
    let verdicts = json["findings"].as_array().unwrap().iter();
    let verdicts = verdicts.map(|finding| finding["verdict"].as_str().unwrap());
    assert_eq!(
        verdicts.collect::<Vec<_>>(),
        ["incomplete", "sound", "sound"]
    );
}

#[test]
fn what_was_read_and_removed_again_is_told_of_the_lake() {
    let room = validated();
    let added = SECOND.replace("bbbbbbbbbbbbbbbb", "eeeeeeeeeeeeeeee");
    fs::copy(at(&room, SECOND), at(&room, &added)).unwrap();
    let logs = room.path("logs").display().to_string();
    room.run(&["ingest", &logs]);
    fs::remove_file(at(&room, &added)).unwrap();
    let lake = room.path("lake").display().to_string();
    let verified = verify(&room, &["--lake", &lake]);
    assert_eq!(verified.status.code(), Some(1), "{}", told(&verified));
    insta::assert_snapshot!("reading_extra", printed(&verified));
}

#[test]
fn a_verification_with_a_time_that_cannot_be_read_explains_nothing_and_is_refused() {
    let room = validated();
    fs::remove_file(at(&room, FIRST)).unwrap();
    let json = verify(&room, &["--format", "json"]);
    let json = printed(&json).replace("2026-11-20T09:01:00Z", "yesterday");
    fs::write(room.path("verified.json"), json).unwrap();
    let file = room.path("verified.json").display().to_string();
    let trace = room.run(&["trace", "ASIAEXAMPLE000000002", "--verified", &file]);
    assert_eq!(trace.status.code(), Some(2));
    assert!(told(&trace).contains("yesterday"), "{}", told(&trace));
}
