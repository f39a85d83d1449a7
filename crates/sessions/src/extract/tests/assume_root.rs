//! AssumeRoot.

use serde_json::json;

use super::*;

fn assume_root(target: &str) -> Value {
    patched(
        call(STS, "AssumeRoot"),
        json!({
            "requestParameters": {
                "targetPrincipal": target,
                "taskPolicyArn": { "arn": "arn:aws:iam::aws:policy/root-task/S3UnlockBucketPolicy" },
                "durationSeconds": 300,
            },
            "responseElements": {
                "credentials": {
                    "accessKeyId": "ASIAVU4XQ5XLNROOT2222", "sessionToken": "s3cr3t",
                    "expiration": "Nov 20, 2026, 5:12:09 AM",
                },
                "sourceIdentity": "ana",
            },
        }),
    )
}

#[test]
fn a_full_assume_root_fills_its_row() {
    insta::assert_snapshot!("assume_root", shown(&assume_root("444455556666")));
}

#[test]
fn the_target_may_be_an_account_or_its_root() {
    for target in ["444455556666", "arn:aws:iam::444455556666:root"] {
        check(
            &assume_root(target),
            &[
                ("session_principal_id", "444455556666"),
                ("session_arn", "arn:aws:iam::444455556666:root"),
                ("role_account_id", "444455556666"),
                ("role_name", ""),
                ("session_mfa", ""),
            ],
        );
    }
}

#[test]
fn a_root_session_stays_in_its_partition() {
    let session_arn = |record: &Value, expected: &str| check(record, &[("session_arn", expected)]);
    session_arn(
        &assume_root("arn:aws-cn:iam::444455556666:root"),
        "arn:aws-cn:iam::444455556666:root",
    );
    let gov = json!({ "userIdentity": { "arn": "arn:aws-us-gov:iam::111122223333:user/ana" } });
    session_arn(
        &patched(assume_root("444455556666"), gov),
        "arn:aws-us-gov:iam::444455556666:root",
    );
    let nobody = json!({ "userIdentity": null, "awsRegion": "cn-north-1" });
    session_arn(
        &patched(assume_root("444455556666"), nobody),
        "arn:aws-cn:iam::444455556666:root",
    );
}

#[test]
fn a_task_policy_may_be_a_text() {
    let record = patched(
        assume_root("444455556666"),
        json!({ "requestParameters": { "taskPolicyArn": "arn:task" } }),
    );
    check(
        &record,
        &[("task_policy_arn", "arn:task"), ("session_policy_arns", "")],
    );
}

#[test]
fn a_refused_assume_root_keeps_its_target() {
    let failed = json!({ "errorCode": "AccessDenied", "responseElements": null });
    let target = [
        ("role_account_id", "444455556666"),
        ("session_arn", ""),
        ("session_principal_id", ""),
    ];
    check(
        &patched(assume_root("444455556666"), failed.clone()),
        &target,
    );
    let by_message = json!({
        "requestParameters": null,
        "errorMessage": "User: arn:aws:iam::111122223333:user/ana is not authorized to perform: sts:AssumeRoot on \
                         resource: arn:aws:iam::444455556666:root because no identity-based policy allows it",
    });
    check(
        &patched(patched(assume_root(""), failed.clone()), by_message),
        &target,
    );
    let every = json!({
        "requestParameters": null,
        "errorMessage": "User: x is not authorized to perform: sts:AssumeRoot on resource: * because no policy allows it",
    });
    check(
        &patched(patched(assume_root(""), failed), every),
        &[("role_account_id", "")],
    );
}
