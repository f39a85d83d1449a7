//! AssumeRole, by people, roles and services.

use serde_json::json;

use super::*;

/// An AssumeRole in which everything is said.
fn full() -> Value {
    patched(
        call(STS, "AssumeRole"),
        json!({
            "requestParameters": {
                "roleArn": "arn:aws:iam::444455556666:role/ops/deploy",
                "roleSessionName": "ana-deploys",
                "durationSeconds": 3600,
                "externalId": "tenant-7",
                "serialNumber": "arn:aws:iam::111122223333:mfa/ana-phone",
                "sourceIdentity": "ana@example.com",
                "policy": "{ \"Version\": \"2012-10-17\", \"Statement\": [] }",
                "policyArns": [
                    { "arn": "arn:aws:iam::aws:policy/SecurityAudit" },
                    { "arn": "arn:aws:iam::aws:policy/ReadOnlyAccess" },
                    { "arn": "arn:aws:iam::aws:policy/SecurityAudit" },
                ],
                "tags": [{ "key": "team", "value": "payments" }, { "value": "", "key": "ticket" }],
                "transitiveTagKeys": ["ticket", "team", "ticket"],
                "incomingTransitiveTags": { "department": "finance", "cost": 12 },
                "providedContexts": [
                    { "providerArn": "arn:aws:iam::aws:contextProvider/IdentityCenter", "contextAssertion": "s3cr3t" },
                ],
            },
            "responseElements": {
                "credentials": {
                    "accessKeyId": "ASIAVU4XQ5XLNISSUED22",
                    "sessionToken": "s3cr3t",
                    "expiration": "Nov 20, 2026, 6:07:09 AM",
                },
                "assumedRoleUser": {
                    "assumedRoleId": "AROAVU4XQ5XLNDEPLOY22:ana-deploys",
                    "arn": "arn:aws:sts::444455556666:assumed-role/deploy/ana-deploys",
                },
                "packedPolicySize": 7,
                "sourceIdentity": "ana@example.com",
            },
            "resources": [
                { "accountId": "444455556666", "type": "AWS::IAM::Role", "ARN": "arn:aws:iam::444455556666:role/ops/deploy" },
            ],
            "sharedEventID": "3b1f9a10-0000-4000-8000-0000000000bb",
        }),
    )
}

fn refused(error_message: &str) -> Value {
    patched(
        call(STS, "AssumeRole"),
        json!({ "errorCode": "AccessDenied", "errorMessage": error_message }),
    )
}

#[test]
fn a_full_assume_role_fills_its_row() {
    insta::assert_snapshot!("assume_role", shown(&full()));
}

#[test]
fn both_formats_of_expiration_are_read() {
    for expiration in [
        "Nov 20, 2026, 6:07:09 AM",
        "Nov 20, 2026 6:07:09 AM",
        "Nov 20, 2026, 6:07:09\u{202f}AM",
        "2026-11-20T06:07:09Z",
    ] {
        let record = patched(
            full(),
            json!({ "responseElements": { "credentials": { "expiration": expiration } } }),
        );
        check(&record, &[("expires_at", "2026-11-20T06:07:09Z")]);
    }
    for expiration in [json!("soon"), json!(null), json!({}), json!("")] {
        let record = patched(
            full(),
            json!({ "responseElements": { "credentials": { "expiration": expiration } } }),
        );
        check(
            &record,
            &[
                ("expires_at", ""),
                ("access_key_id", "ASIAVU4XQ5XLNISSUED22"),
            ],
        );
    }
}

#[test]
fn a_service_without_assumed_role_user_has_its_session_built_from_the_request() {
    let record = |role_arn: &str| {
        patched(
            call(STS, "AssumeRole"),
            json!({
                "userIdentity": null,
                "requestParameters": { "roleArn": role_arn, "roleSessionName": "i-0a1b2c3d4e5f60718" },
                "responseElements": { "credentials": { "accessKeyId": "ASIARTX3GSDSBNODE2222" } },
                "sharedEventID": "3b1f9a10-0000-4000-8000-0000000000cc",
            }),
        )
    };
    let by_ec2 = |role_arn: &str| {
        patched(
            record(role_arn),
            json!({ "userIdentity": { "type": "AWSService", "invokedBy": "ec2.amazonaws.com" } }),
        )
    };
    insta::assert_snapshot!(
        "assume_role_by_ec2",
        shown(&by_ec2("arn:aws:iam::111122223333:role/fleet/web"))
    );
    for partition in ["aws-cn", "aws-us-gov"] {
        let session_arn =
            format!("arn:{partition}:sts::111122223333:assumed-role/web/i-0a1b2c3d4e5f60718");
        check(
            &by_ec2(&format!("arn:{partition}:iam::111122223333:role/fleet/web")),
            &[
                ("session_arn", &*session_arn),
                ("role_name", "web"),
                ("session_principal_id", ""),
            ],
        );
    }
}

#[test]
fn a_refusal_names_the_role_in_its_message() {
    let said = |rest: &str| {
        format!(
            "User: arn:aws:iam::111122223333:user/ana is not authorized to perform: sts:AssumeRole on resource: {rest}"
        )
    };
    let role = "arn:aws:iam::444455556666:role/ops/deploy";
    let named = [
        ("outcome", "Failed"),
        ("role_arn", role),
        ("role_name", "deploy"),
        ("role_account_id", "444455556666"),
        ("session_arn", ""),
        ("session_mfa", ""),
    ];
    check(&refused(&said(role)), &named);
    check(
        &refused(&said(&format!(
            "{role} because no identity-based policy allows the sts:AssumeRole action"
        ))),
        &named,
    );
    check(
        &refused(&said(&format!(
            "{role} with an explicit deny in a service control policy…"
        ))),
        &named,
    );
    let padded = "x".repeat(1024 - said(role).len());
    for unsaid in [
        "User: someone is not authorized",
        "",
        &said(""),
        &said("arn:aws:iam::444455556666:role/ops/dep…"),
        &said("arn:aws:iam::444455556666:role/ops/dep..."),
        &said("arn:aws:iam::444455556666:role/…"),
        &said(&format!("{role}{padded}")),
        &said("arn:aws:iam::444455556666:role/*"),
        &said("arn:aws:iam::444455556666:user/ana"),
        &said("*"),
    ] {
        check(
            &refused(unsaid),
            &[("outcome", "Failed"), ("role_arn", ""), ("role_name", "")],
        );
    }
}

#[test]
fn a_failed_call_keeps_what_was_asked_for_but_has_no_session() {
    let record = patched(
        full(),
        json!({ "errorCode": "ExpiredToken", "responseElements": null }),
    );
    check(
        &record,
        &[
            ("role_arn", "arn:aws:iam::444455556666:role/ops/deploy"),
            ("session_name", "ana-deploys"),
            ("session_arn", ""),
            ("session_principal_id", ""),
            ("session_tags", "team=payments | ticket="),
            ("session_mfa", ""),
            (
                "mfa_serial_number",
                "arn:aws:iam::111122223333:mfa/ana-phone",
            ),
        ],
    );
}

#[test]
fn mfa_on_this_call_is_a_device_named_and_a_call_that_succeeded() {
    let without = |patch| {
        patched(
            patched(
                full(),
                json!({ "requestParameters": { "serialNumber": null } }),
            ),
            patch,
        )
    };
    check(&full(), &[("session_mfa", "true"), ("caller_mfa", "")]);
    check(
        &without(json!({})),
        &[("session_mfa", "false"), ("mfa_serial_number", "")],
    );
    let account =
        json!({ "userIdentity": { "type": "AWSAccount", "principalId": "AIDAZ", "arn": null } });
    check(&without(account), &[("session_mfa", "false")]);
    let service =
        json!({ "userIdentity": { "type": "AWSService", "invokedBy": "rds.amazonaws.com" } });
    check(&without(service), &[("session_mfa", "")]);
    let untyped =
        json!({ "userIdentity": { "type": null, "invokedBy": "ecs-tasks.amazonaws.com" } });
    check(&without(untyped), &[("session_mfa", "")]);
    check(
        &patched(full(), json!({ "errorCode": "AccessDenied" })),
        &[("session_mfa", "")],
    );
    for request in [
        json!({ "serialNumber": "HIDDEN_DUE_TO_SECURITY_REASONS" }),
        json!({ "serialNumber": null, "roleArn": null, "omitted": true }),
    ] {
        let untold = patched(full(), json!({ "requestParameters": request }));
        check(&untold, &[("session_mfa", "")]);
    }
    let in_session = json!({ "userIdentity": { "sessionContext": { "attributes": { "mfaAuthenticated": "true" } } } });
    check(
        &without(in_session),
        &[("session_mfa", "false"), ("caller_mfa", "true")],
    );
}

#[test]
fn tags_are_read_in_every_shape() {
    let tags = |shape: Value| patched(full(), json!({ "requestParameters": { "tags": shape } }));
    check(&tags(json!([])), &[("session_tags", "")]);
    check(&tags(json!(null)), &[("session_tags", "")]);
    check(&tags(json!("team=payments")), &[("session_tags", "")]);
    check(
        &tags(json!({ "team": "payments", "shift": 2 })),
        &[("session_tags", "shift=2 | team=payments")],
    );
    check(
        &tags(json!([{ "Key": "team", "Value": "payments" }])),
        &[("session_tags", "team=payments")],
    );
    check(
        &tags(json!([{ "value": "no key" }, 7, "x", { "key": "shift", "value": 2 }])),
        &[("session_tags", "shift=2")],
    );
    // A tag may be called like a secret: here it is a name that a person gave.
    check(
        &tags(json!([{ "key": "token", "value": "blue" }])),
        &[("session_tags", "token=blue")],
    );
    check(
        &tags(json!({ "token": "blue", "code": "7", "costToken": null })),
        &[("session_tags", "code=7 | costToken= | token=blue")],
    );
    // What is not shown is not left out: the tag is there.
    let token = format!("FwoDYXdz{}", "A".repeat(200));
    check(
        &tags(
            json!([{ "key": "a", "value": token }, { "key": "b", "value": [1] }, { "key": token, "value": "c" }]),
        ),
        &[("session_tags", "(withheld)=c | a=(withheld) | b=(withheld)")],
    );
}

#[test]
fn policy_arns_are_read_as_objects_and_as_texts() {
    let record = patched(
        full(),
        json!({ "requestParameters": { "policyArns": ["arn:b", { "arn": "arn:a" }, 3, {}] } }),
    );
    check(&record, &[("session_policy_arns", "arn:a | arn:b")]);
}

#[test]
fn parameters_that_are_omitted_or_texts_leave_what_the_rest_says() {
    for parameters in [
        json!(null),
        json!(""),
        json!("{\"roleArn\":\"arn:x\"}"),
        json!([]),
        json!(7),
    ] {
        let record = patched(full(), json!({ "requestParameters": parameters }));
        check(
            &record,
            &[
                ("role_arn", "arn:aws:iam::444455556666:role/ops/deploy"),
                (
                    "session_arn",
                    "arn:aws:sts::444455556666:assumed-role/deploy/ana-deploys",
                ),
                ("session_name", "ana-deploys"),
                ("session_tags", ""),
                // Whether a device was named is not known.
                ("session_mfa", ""),
            ],
        );
    }
    let bare = patched(
        call(STS, "AssumeRole"),
        json!({ "requestParameters": "", "responseElements": "null", "additionalEventData": "x", "userIdentity": "ana" }),
    );
    check(
        &bare,
        &[
            ("session_type", "AssumedRole"),
            ("role_arn", ""),
            ("caller_type", ""),
        ],
    );
}

#[test]
fn numbers_are_read_as_numbers_and_as_texts() {
    let duration = |value: Value| {
        patched(
            full(),
            json!({ "requestParameters": { "durationSeconds": value } }),
        )
    };
    for value in [json!(900), json!(900.0), json!("900")] {
        check(&duration(value), &[("duration_seconds", "900")]);
    }
    for value in [json!("soon"), json!(1e15), json!([900])] {
        check(&duration(value), &[("duration_seconds", "")]);
    }
}

#[test]
fn the_owners_copy_of_a_call_from_another_account_names_the_caller_by_id() {
    let record = patched(
        full(),
        json!({
            "userIdentity": {
                "type": "AWSAccount", "principalId": "AROARTX3GSDSBVENDOR22:job", "accountId": "111122223333",
                "arn": null, "accessKeyId": null, "userName": null,
            },
            "recipientAccountId": "444455556666",
        }),
    );
    check(
        &record,
        &[
            ("caller_type", "AWSAccount"),
            ("caller_principal_id", "AROARTX3GSDSBVENDOR22:job"),
            ("caller_arn", ""),
            ("access_key_id", "ASIAVU4XQ5XLNISSUED22"),
            ("recipient_account_id", "444455556666"),
        ],
    );
}
