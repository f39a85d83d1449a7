//! Witnesses: calls that tell of a session without being its issuance.

use serde_json::json;

use super::*;

#[test]
fn a_switch_of_roles_tells_of_the_new_session() {
    let record = patched(
        call(SIGN_IN, "SwitchRole"),
        json!({
            "userIdentity": {
                "type": "AssumedRole", "principalId": "AROAVU4XQ5XLNDEPLOY22:ana", "userName": null,
                "arn": "arn:aws:sts::444455556666:assumed-role/deploy/ana", "accountId": "444455556666",
                "accessKeyId": null,
            },
            "responseElements": { "SwitchRole": "Success" },
            "additionalEventData": {
                "SwitchFrom": "arn:aws:iam::111122223333:user/ana",
                "RedirectTo": "https://console.aws.amazon.com/",
            },
        }),
    );
    insta::assert_snapshot!("switch_role", shown(&record));
    let failed = patched(
        record,
        json!({ "responseElements": { "SwitchRole": "Failure" } }),
    );
    check(
        &failed,
        &[
            ("outcome", "Failed"),
            ("session_arn", ""),
            ("session_type", "Witness"),
        ],
    );
}

#[test]
fn an_oauth_token_tells_of_its_sign_in_session() {
    let sign_in_session = "arn:aws:signin:eu-west-1:111122223333:session/s-1";
    let record = patched(
        call(SIGN_IN, "CreateOAuth2Token"),
        json!({
            "requestParameters": { "client_id": "arn:aws:signin:::devtools/same-device", "code": "s3cr3t" },
            "additionalEventData": {
                "signInSessionArn": sign_in_session, "grant_type": "authorization_code", "success": "true",
            },
        }),
    );
    check(
        &record,
        &[
            ("session_type", "Witness"),
            ("outcome", "Issued"),
            ("caller_sign_in_session_arn", sign_in_session),
            ("session_arn", "arn:aws:iam::111122223333:user/team/ana"),
            ("access_key_id", ""),
        ],
    );
    let failed = patched(
        record,
        json!({ "additionalEventData": { "success": "false" } }),
    );
    check(&failed, &[("outcome", "Failed"), ("session_arn", "")]);
}

#[test]
fn identity_center_names_role_and_account() {
    for source in [SSO, SSO_OAUTH] {
        let record = patched(
            call(source, "GetRoleCredentials"),
            json!({
                "userIdentity": {
                    "type": "IdentityCenterUser", "accountId": "777788889999", "arn": "", "accessKeyId": "",
                    "principalId": null, "userName": null,
                    "onBehalfOf": { "userId": "u-1", "identityStoreArn": "arn:aws:identitystore::777788889999:identitystore/d-1" },
                    "credentialId": "c-1",
                },
                "eventType": "AwsServiceEvent",
                "serviceEventDetails": { "role_name": "Auditor", "account_id": "111122223333" },
            }),
        );
        check(
            &record,
            &[
                ("session_type", "Witness"),
                ("role_name", "Auditor"),
                ("role_account_id", "111122223333"),
                ("caller_on_behalf_of_user_id", "u-1"),
                ("caller_arn", ""),
            ],
        );
    }
}

#[test]
fn identity_center_tokens_name_their_user() {
    for (source, name) in [
        (SSO, "CreateToken"),
        (SSO_OAUTH, "CreateTokenWithIAM"),
        (SSO, "CreateTokenWithIAM"),
    ] {
        let record = patched(
            call(source, name),
            json!({
                "additionalEventData": {
                    "identitystore:UserId": "u-1",
                    "identitystore:IdentityStoreArn": "arn:aws:identitystore::777788889999:identitystore/d-1",
                    "identitycenter:CredentialId": "c-1",
                },
                "responseElements": { "accessToken": "HIDDEN_DUE_TO_SECURITY_REASONS", "expiresIn": 28800 },
            }),
        );
        check(
            &record,
            &[
                ("session_type", "Witness"),
                ("caller_on_behalf_of_user_id", "u-1"),
                (
                    "caller_on_behalf_of_identity_store_arn",
                    "arn:aws:identitystore::777788889999:identitystore/d-1",
                ),
            ],
        );
        let known = json!({ "userIdentity": { "onBehalfOf": { "userId": "u-0" } } });
        check(
            &patched(record, known),
            &[
                ("caller_on_behalf_of_user_id", "u-0"),
                ("caller_on_behalf_of_identity_store_arn", ""),
            ],
        );
    }
}

#[test]
fn a_node_that_asks_for_a_pod_is_a_witness() {
    let record = patched(
        call(EKS_AUTH, "AssumeRoleForPodIdentity"),
        json!({ "requestParameters": { "clusterName": "shop", "token": "HIDDEN_DUE_TO_SECURITY_REASONS" } }),
    );
    check(
        &record,
        &[
            ("session_type", "Witness"),
            ("session_arn", ""),
            ("session_mfa", ""),
            ("outcome", "Issued"),
        ],
    );
}
