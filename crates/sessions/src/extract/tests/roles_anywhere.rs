//! Roles Anywhere CreateSession.

use serde_json::json;

use super::*;

fn issued() -> Value {
    json!({
        "assumedRoleUser": {
            "arn": "arn:aws:sts::111122223333:assumed-role/edge/00c0ffee",
            "assumedRoleId": "AROARTX3GSDSBEDGE2222:00c0ffee",
        },
        "credentials": {
            "accessKeyId": "ASIARTX3GSDSBCERT2222", "secretAccessKey": "s3cr3t", "sessionToken": "s3cr3t",
            "expiration": "2026-11-20T06:07:09Z",
        },
        "packedPolicySize": 5,
        "roleArn": "arn:aws:iam::111122223333:role/edge",
        "sourceIdentity": "CN=edge-7.example.com",
    })
}

fn create_session(response: Value) -> Value {
    let mut record = patched(
        call(ROLES_ANYWHERE, "CreateSession"),
        json!({
            "userIdentity": null,
            "requestParameters": {
                "durationSeconds": 3600,
                "profileArn": "arn:aws:rolesanywhere:eu-west-1:111122223333:profile/p-1",
                "roleArn": "arn:aws:iam::111122223333:role/edge",
                "trustAnchorArn": "arn:aws:rolesanywhere:eu-west-1:111122223333:trust-anchor/t-1",
            },
        }),
    );
    record["responseElements"] = response;
    record
}

fn in_a_list() -> Value {
    json!({
        "credentialSet": [issued()],
        "subjectArn": "arn:aws:rolesanywhere:eu-west-1:111122223333:subject/s-1",
    })
}

#[test]
fn a_full_create_session_fills_its_row() {
    insta::assert_snapshot!("create_session", shown(&create_session(in_a_list())));
}

#[test]
fn the_credentials_may_stand_in_a_list_in_an_object_or_alone() {
    for response in [in_a_list(), json!({ "credentialSet": issued() }), issued()] {
        check(
            &create_session(response),
            &[
                ("access_key_id", "ASIARTX3GSDSBCERT2222"),
                ("session_principal_id", "AROARTX3GSDSBEDGE2222:00c0ffee"),
                ("session_name", "00c0ffee"),
                ("expires_at", "2026-11-20T06:07:09Z"),
                ("session_mfa", ""),
            ],
        );
    }
    check(
        &create_session(json!({ "credentialSet": [] })),
        &[("access_key_id", ""), ("role_name", "edge")],
    );
}

#[test]
fn the_certificate_is_the_caller() {
    let named = |record: &Value, name: &str| check(record, &[("caller_user_name", name)]);
    let listed = create_session(in_a_list());
    named(&listed, "CN=edge-7.example.com");
    let unnamed = json!({ "responseElements": { "credentialSet": [{ "roleArn": "arn:aws:iam::111122223333:role/edge" }] } });
    named(
        &patched(listed.clone(), unnamed),
        "arn:aws:rolesanywhere:eu-west-1:111122223333:subject/s-1",
    );
    let subject =
        json!({ "additionalEventData": { "x509Subject": "CN=edge-7.example.com,O=Example" } });
    named(
        &patched(listed.clone(), subject),
        "CN=edge-7.example.com,O=Example",
    );
    let tagged = json!({ "requestParameters": { "tags": [{ "key": "x509Subject/CN", "value": "edge-7" }] } });
    named(&patched(listed.clone(), tagged), "edge-7");
    named(
        &patched(listed, json!({ "userIdentity": { "userName": "edge" } })),
        "edge",
    );
}

#[test]
fn the_session_name_may_be_sent_under_its_old_name() {
    let record = patched(
        create_session(json!(null)),
        json!({ "requestParameters": { "sessionName": "edge-7" } }),
    );
    check(
        &record,
        &[
            ("session_name", "edge-7"),
            (
                "session_arn",
                "arn:aws:sts::111122223333:assumed-role/edge/edge-7",
            ),
            (
                "identity_provider_arn",
                "arn:aws:rolesanywhere:eu-west-1:111122223333:trust-anchor/t-1",
            ),
        ],
    );
}
