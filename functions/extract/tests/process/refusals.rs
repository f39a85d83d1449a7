//! What is wrong with a deployment says what it is, and nothing is acknowledged.

use std::collections::BTreeMap;

use trailback_harness::deployment::{LAKE, TRAIL, assert_names};
use trailback_harness::runtime_api::{Answer, Function};
use trailback_harness::s3_server::Fault;

use crate::room::{LOGS, announcement, deployed, holding, keys, returned};

/// Delivers a batch while all requests to a bucket fail so; gives what is said, and makes sure that nothing goes.
async fn said_of(bucket: &'static str, operation: &'static str, fault: Fault) -> String {
    let logs = &LOGS[..2];
    let mut room = holding(logs);
    room.s3.set_plan(move |request| {
        let is_refused = request.bucket == bucket && request.operation == operation;
        is_refused.then(|| fault.clone())
    });
    let answer = room.deliver(&announcement(keys(logs))).await;
    let mut said = match &answer {
        Answer::Error(error) => error.error_message.clone(),
        Answer::Response(_) => {
            assert_eq!(returned(&answer).len(), logs.len());
            String::new()
        }
        other => panic!("{other:?}"),
    };
    for line in room.lines().await {
        if line["level"] == "ERROR" {
            said += &format!("\n{} {}", line["message"], line["reason"]);
        }
    }
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn a_permission_that_is_missing_is_named() {
    let said = said_of(TRAIL, "GetObject", Fault::AccessDenied).await;
    assert_names(&said, &["s3:GetObject", "s3://trail/AWSLogs/"]);
    let said = said_of(LAKE, "PutObject", Fault::AccessDenied).await;
    assert_names(&said, &["s3:PutObject", "s3://lake/org/trailback/"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_may_not_be_used_is_named() {
    let decrypt = Fault::KmsDenied {
        action: "kms:Decrypt",
    };
    assert_names(
        &said_of(TRAIL, "GetObject", decrypt).await,
        &["kms:Decrypt"],
    );
    let encrypt = Fault::KmsDenied {
        action: "kms:GenerateDataKey",
    };
    assert_names(
        &said_of(LAKE, "PutObject", encrypt).await,
        &["kms:GenerateDataKey"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_in_another_region_is_named_with_its_region() {
    let said = said_of(TRAIL, "GetObject", Fault::OtherRegion("us-west-2")).await;
    assert_names(&said, &["trail", "us-west-2"]);
    let said = said_of(LAKE, "HeadObject", Fault::OtherRegion("us-west-2")).await;
    assert_names(&said, &["lake"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lake_that_is_missing_is_named() {
    let mut room = deployed(&[("TRAILBACK_LAKE", "s3://no-such-lake/a")]);
    room.put_logs(&LOGS[..1]);
    let answer = room.deliver(&announcement(keys(&LOGS[..1]))).await;
    let Answer::Error(error) = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(error.error_type, "LakeUnusable");
    assert_names(&error.error_message, &["no-such-lake"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_that_holds_something_else_is_left_alone() {
    let mut room = holding(&LOGS[..1]);
    room.s3
        .put(LAKE, "org/trailback/thesis.odt", b"years of work");
    let answer = room.deliver(&announcement(keys(&LOGS[..1]))).await;
    let Answer::Error(error) = answer else {
        panic!("{answer:?}");
    };
    assert_names(
        &error.error_message,
        &["s3://lake/org/trailback", "something else than a lake"],
    );
    assert_eq!(room.lake("").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lake_of_another_stack_is_left_to_it() {
    let mut room = deployed(&[("TRAILBACK_STACK", "audit-eu")]);
    room.put_logs(&LOGS[..1]);
    room.put_lake(&BTreeMap::from([
        (
            "trailback-lake.json".to_owned(),
            r#"{"format":"trailback-lake","layout":1}"#.into(),
        ),
        (
            "trailback-stack.json".to_owned(),
            r#"{"stack":"audit-us"}"#.into(),
        ),
    ]));
    let answer = room.deliver(&announcement(keys(&LOGS[..1]))).await;
    let Answer::Error(error) = answer else {
        panic!("{answer:?}");
    };
    assert_names(
        &error.error_message,
        &[
            "audit-eu",
            "audit-us",
            "lake/org/trailback/trailback-stack.json",
        ],
    );
    assert_eq!(room.lake("").len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lake_stays_claimed_by_the_stack_that_came_first() {
    let mut room = deployed(&[("TRAILBACK_STACK", "audit-eu")]);
    room.put_logs(&LOGS[..2]);
    for log in &LOGS[..2] {
        let answer = room
            .deliver(&announcement(keys(std::slice::from_ref(log))))
            .await;
        assert!(!matches!(answer, Answer::Error(_)), "{answer:?}");
        room.function.stop().await;
    }
    let claim = room
        .lake("trailback-stack.json")
        .into_values()
        .next()
        .unwrap();
    assert_eq!(claim, "{\"stack\":\"audit-eu\"}\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_settings_are_all_named_before_anything_is_asked_for() {
    let settings = [
        ("TRAILBACK_LAKE", "lake"),
        ("TRAILBACK_S3_PATH_STYLE", "perhaps"),
    ];
    let mut function = Function::new(env!("CARGO_BIN_EXE_trailback-extract"), &settings);
    let ended = function.start().await.unwrap_err();
    assert!(!ended.success());
    let lines = function.take_lines();
    let said: serde_json::Value = serde_json::from_str(&lines[0]).unwrap();
    assert_eq!(said["level"], "ERROR");
    assert_names(
        said["message"].as_str().unwrap(),
        &[
            "TRAILBACK_LAKE is \"lake\"",
            "s3://bucket/prefix",
            "TRAILBACK_S3_PATH_STYLE is \"perhaps\"",
        ],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_ever_logged() {
    let mut room = deployed(&[
        ("TRAILBACK_LOG_LEVEL", "trace"),
        ("AWS_SESSION_TOKEN", "SECRET-SESSION"),
    ]);
    room.put_logs(&LOGS);
    let denied = Fault::AccessDenied;
    room.s3
        .set_plan(move |request| (request.nth % 7 == 6).then(|| denied.clone()));
    room.deliver(&announcement(keys(&LOGS))).await;
    let lines: Vec<String> = room
        .lines()
        .await
        .iter()
        .map(|line| line.to_string())
        .collect();
    assert!(lines.len() > 2);
    for line in lines {
        let secrets = [
            "SECRET-SESSION",
            "wJalrXUtnFEMI",
            "AWS4-HMAC",
            trailback_simulator::SESSION_TOKEN_START,
        ];
        assert!(
            secrets.iter().all(|secret| !line.contains(secret)),
            "{line}"
        );
    }
}
