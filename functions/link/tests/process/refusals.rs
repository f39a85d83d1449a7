//! What is wrong with a deployment says what it is, and nothing is touched.

use serde_json::{Value, json};
use trailback_harness::deployment::{Deployment, LAKE, TIMEOUT, assert_names};
use trailback_harness::runtime_api::{Answer, Function, ReportedError};
use trailback_harness::s3_server::Fault;

use crate::room::{SMALL, deployed};

async fn error_of(room: &mut Deployment, payload: &Value) -> ReportedError {
    match room.deliver(payload).await {
        Answer::Error(error) => error,
        other => panic!("{other:?}"),
    }
}

/// What is said while an operation on the lake fails so.
async fn said_of(operation: &'static str, fault: Fault) -> String {
    let mut room = deployed(&SMALL, &[]);
    room.s3
        .set_plan(move |request| (request.operation == operation).then(|| fault.clone()));
    let before = room.lake("");
    let said = error_of(&mut room, &Value::Null).await.error_message;
    assert!(room.lake("") == before);
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn a_permission_or_key_that_is_missing_is_named() {
    let said = said_of("PutObject", Fault::AccessDenied).await;
    assert_names(&said, &["s3:PutObject", "s3://lake/org/trailback/"]);
    assert_names(
        &said_of("ListObjectsV2", Fault::AccessDenied).await,
        &["s3:ListBucket"],
    );
    let encrypt = Fault::KmsDenied {
        action: "kms:GenerateDataKey",
    };
    assert_names(
        &said_of("PutObject", encrypt).await,
        &["kms:GenerateDataKey"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lake_that_is_missing_or_elsewhere_is_named() {
    let mut room = deployed(&SMALL, &[("TRAILBACK_LAKE", "s3://no-such-lake/a")]);
    let error = error_of(&mut room, &Value::Null).await;
    assert_eq!(error.error_type, "LakeUnusable");
    assert_names(&error.error_message, &["no-such-lake"]);
    let said = said_of("GetObject", Fault::OtherRegion("us-west-2")).await;
    assert_names(&said, &[LAKE, "us-west-2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_cannot_be_meant_is_refused() {
    let mut room = deployed(&SMALL, &[]);
    let error = error_of(&mut room, &json!({"rebuild": "all"})).await;
    assert_eq!(error.error_type, "WrongRequest");
    assert!(room.s3.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_settings_are_all_named_before_anything_is_asked_for() {
    let settings = [("TRAILBACK_LINK_BUDGET_SECONDS", "soon")];
    let mut function = Function::new(env!("CARGO_BIN_EXE_trailback-link"), &settings);
    assert!(matches!(
        function.invoke(&Value::Null, TIMEOUT).await,
        Answer::Died(_)
    ));
    let said: Value = serde_json::from_str(&function.take_lines()[0]).unwrap();
    let words = [
        "TRAILBACK_LAKE is not set",
        "TRAILBACK_LINK_BUDGET_SECONDS is \"soon\"",
    ];
    assert_names(said["message"].as_str().unwrap(), &words);
}
