//! GetSessionToken, GetFederationToken, GetDelegatedAccessToken, and calls that nobody knows.

use serde_json::json;

use super::*;

fn credentials() -> Value {
    json!({
        "accessKeyId": "ASIARTX3GSDSBTEMP2222",
        "sessionToken": "s3cr3t",
        "expiration": "Nov 20, 2026, 5:07:09 PM",
    })
}

fn session_token() -> Value {
    patched(
        call(STS, "GetSessionToken"),
        json!({
            "requestParameters": { "durationSeconds": 43200, "serialNumber": "arn:aws:iam::111122223333:mfa/ana-phone" },
            "responseElements": { "credentials": credentials() },
        }),
    )
}

fn federation_token() -> Value {
    patched(
        call(STS, "GetFederationToken"),
        json!({
            "requestParameters": {
                "name": "guest", "durationSeconds": 3600, "policy": "{}",
                "policyArns": [{ "arn": "arn:aws:iam::aws:policy/ReadOnlyAccess" }],
                "tags": [{ "key": "team", "value": "risk" }],
            },
            "responseElements": {
                "credentials": credentials(),
                "federatedUser": {
                    "federatedUserId": "111122223333:guest",
                    "arn": "arn:aws:sts::111122223333:federated-user/guest",
                },
                "packedPolicySize": 4,
            },
        }),
    )
}

#[test]
fn a_session_token_acts_as_the_user_who_asked_for_it() {
    insta::assert_snapshot!("get_session_token", shown(&session_token()));
    let plain = patched(session_token(), json!({ "requestParameters": null }));
    check(
        &plain,
        &[
            ("session_mfa", "false"),
            ("duration_seconds", ""),
            ("role_name", ""),
        ],
    );
    for request in [
        json!("HIDDEN_DUE_TO_SECURITY_REASONS"),
        json!({ "omitted": true }),
    ] {
        let untold = patched(
            patched(session_token(), json!({ "requestParameters": null })),
            json!({ "requestParameters": request }),
        );
        check(&untold, &[("session_mfa", "")]);
    }
}

#[test]
fn a_refused_session_token_names_the_device_but_shows_no_mfa() {
    let record = patched(
        session_token(),
        json!({ "errorCode": "AccessDenied", "responseElements": null }),
    );
    check(
        &record,
        &[
            ("outcome", "Failed"),
            (
                "mfa_serial_number",
                "arn:aws:iam::111122223333:mfa/ana-phone",
            ),
            ("session_mfa", ""),
            ("session_principal_id", ""),
            ("session_arn", ""),
        ],
    );
}

#[test]
fn a_full_federation_token_fills_its_row() {
    insta::assert_snapshot!("get_federation_token", shown(&federation_token()));
}

#[test]
fn a_federated_user_is_named_by_account_and_name_where_the_response_does_not() {
    let record = patched(
        federation_token(),
        json!({
            "userIdentity": { "arn": "arn:aws-us-gov:iam::111122223333:user/ana" },
            "responseElements": { "federatedUser": null },
        }),
    );
    check(
        &record,
        &[
            (
                "session_arn",
                "arn:aws-us-gov:sts::111122223333:federated-user/guest",
            ),
            ("session_principal_id", "111122223333:guest"),
            ("session_mfa", ""),
        ],
    );
    let failed = patched(
        record,
        json!({ "errorCode": "AccessDenied", "responseElements": null }),
    );
    check(
        &failed,
        &[
            ("session_arn", ""),
            ("session_principal_id", ""),
            ("session_name", "guest"),
        ],
    );
}

#[test]
fn a_delegated_session_acts_as_the_principal_it_was_given() {
    let delegated = |principal: &str| {
        patched(
            call(STS, "GetDelegatedAccessToken"),
            json!({
                "requestParameters": { "tradeInToken": "s3cr3t" },
                "responseElements": {
                    "credentials": credentials(), "packedPolicySize": 3, "assumedPrincipal": principal,
                },
            }),
        )
    };
    let session = "arn:aws:sts::111122223333:assumed-role/onboarding/ana";
    insta::assert_snapshot!("get_delegated_access_token", shown(&delegated(session)));
    check(
        &delegated("arn:aws:iam::111122223333:role/x/onboarding"),
        &[
            ("role_arn", "arn:aws:iam::111122223333:role/x/onboarding"),
            ("role_name", "onboarding"),
            ("role_account_id", "111122223333"),
            ("session_arn", ""),
        ],
    );
    check(
        &delegated("arn:aws:iam::111122223333:user/ana"),
        &[
            ("session_arn", "arn:aws:iam::111122223333:user/ana"),
            ("role_name", ""),
        ],
    );
}

#[test]
fn an_unknown_call_with_credentials_is_kept() {
    let record = patched(
        call("s3express.amazonaws.com", "CreateSession"),
        json!({
            "requestParameters": { "bucketName": "example--euw1-az1--x-s3", "policy": "not a session policy" },
            "responseElements": { "credentials": credentials() },
        }),
    );
    insta::assert_snapshot!("unknown_call", shown(&record));
    for credentials in [
        json!(null),
        json!({}),
        json!({ "accessKeyId": "" }),
        json!("ASIARTX3GSDSBTEMP2222"),
        json!([]),
    ] {
        let mut without = record.clone();
        without["responseElements"]["credentials"] = credentials;
        assert_eq!(reading(&without, extract), Ok(None));
    }
}
