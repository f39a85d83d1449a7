//! Sessions of federated users: SAML, OIDC, Cognito.

use serde_json::json;

use super::*;

fn saml() -> Value {
    patched(
        call(STS, "AssumeRoleWithSAML"),
        json!({
            "userIdentity": {
                "type": "SAMLUser", "principalId": "q9fExample=:bo@example.com", "userName": "bo@example.com",
                "identityProvider": "q9fExample=", "arn": null, "accountId": null, "accessKeyId": null,
            },
            "requestParameters": {
                "sAMLAssertionID": "_00aa",
                "roleArn": "arn:aws:iam::111122223333:role/analyst",
                "principalArn": "arn:aws:iam::111122223333:saml-provider/corp",
                "roleSessionName": "bo@example.com",
                "durationSeconds": 3600,
                "principalTags": { "team": "risk", "cost": "" },
                "transitiveTagKeys": ["team"],
                "sourceIdentity": "bo",
            },
            "responseElements": {
                "credentials": {
                    "accessKeyId": "ASIARTX3GSDSBSAML2222", "sessionToken": "s3cr3t",
                    "expiration": "Nov 20, 2026, 5:22:09 AM",
                },
                "assumedRoleUser": {
                    "assumedRoleId": "AROARTX3GSDSBANALYST2:bo@example.com",
                    "arn": "arn:aws:sts::111122223333:assumed-role/analyst/bo@example.com",
                },
                "subject": "bo@example.com", "subjectType": "persistent", "issuer": "https://idp.example.com",
                "audience": "https://signin.aws.amazon.com/saml", "nameQualifier": "q9fExample=",
                "packedPolicySize": 2,
            },
            "resources": [
                { "type": "AWS::IAM::Role", "ARN": "arn:aws:iam::111122223333:role/analyst" },
                { "type": "AWS::IAM::SAMLProvider", "ARN": "arn:aws:iam::111122223333:saml-provider/corp" },
            ],
        }),
    )
}

fn web_identity() -> Value {
    let provider = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com";
    patched(
        call(STS, "AssumeRoleWithWebIdentity"),
        json!({
            "userIdentity": {
                "type": "WebIdentityUser",
                "principalId": format!("{provider}:sts.amazonaws.com:repo:example/shop:ref:refs/heads/main"),
                "userName": "repo:example/shop:ref:refs/heads/main",
                "identityProvider": provider, "arn": null, "accountId": null, "accessKeyId": null,
            },
            "requestParameters": {
                "roleArn": "arn:aws:iam::111122223333:role/ci", "roleSessionName": "GitHubActions",
                "durationSeconds": 3600, "webIdentityToken": "s3cr3t",
            },
            "responseElements": {
                "credentials": {
                    "accessKeyId": "ASIARTX3GSDSBOIDC2222", "sessionToken": "s3cr3t",
                    "expiration": "Nov 20, 2026, 6:07:09 AM",
                },
                "subjectFromWebIdentityToken": "repo:example/shop:ref:refs/heads/main",
                "assumedRoleUser": {
                    "assumedRoleId": "AROARTX3GSDSBCICI2222:GitHubActions",
                    "arn": "arn:aws:sts::111122223333:assumed-role/ci/GitHubActions",
                },
                "provider": provider,
                "audience": "sts.amazonaws.com",
            },
        }),
    )
}

fn cognito() -> Value {
    patched(
        call(COGNITO, "GetCredentialsForIdentity"),
        json!({
            "userIdentity": null,
            "requestParameters": {
                "identityId": "eu-west-1:00aa-11bb",
                "logins": { "graph.facebook.com": "HIDDEN_DUE_TO_SECURITY_REASONS", "accounts.google.com": "s3cr3t" },
            },
            "responseElements": {
                "credentials": {
                    "accessKeyId": "ASIARTX3GSDSBCOGN2222", "sessionToken": "s3cr3t",
                    "expiration": "Nov 20, 2026 6:07:09 AM",
                },
                "identityId": "eu-west-1:00aa-11bb",
            },
            "eventCategory": "Data",
        }),
    )
}

#[test]
fn a_full_assume_role_with_saml_fills_its_row() {
    insta::assert_snapshot!("assume_role_with_saml", shown(&saml()));
}

#[test]
fn a_saml_provider_is_found_among_the_resources() {
    let record = patched(saml(), json!({ "requestParameters": null }));
    check(
        &record,
        &[
            (
                "identity_provider_arn",
                "arn:aws:iam::111122223333:saml-provider/corp",
            ),
            ("role_arn", "arn:aws:iam::111122223333:role/analyst"),
            ("oidc_audience", ""),
        ],
    );
}

#[test]
fn federated_users_have_no_mfa_that_aws_knows() {
    for record in [saml(), web_identity(), cognito()] {
        check(
            &record,
            &[
                ("session_mfa", ""),
                ("mfa_serial_number", ""),
                ("caller_mfa", ""),
            ],
        );
    }
}

#[test]
fn a_full_assume_role_with_web_identity_fills_its_row() {
    insta::assert_snapshot!("assume_role_with_web_identity", shown(&web_identity()));
}

#[test]
fn a_refused_web_identity_still_tells_its_audience() {
    let record = patched(
        web_identity(),
        json!({ "errorCode": "AccessDenied", "requestParameters": null, "responseElements": null }),
    );
    check(
        &record,
        &[
            ("oidc_audience", "sts.amazonaws.com"),
            (
                "identity_provider_arn",
                "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com",
            ),
            ("caller_user_name", "repo:example/shop:ref:refs/heads/main"),
        ],
    );
}

#[test]
fn a_provider_known_by_name_has_no_arn() {
    let record = patched(
        web_identity(),
        json!({
            "userIdentity": {
                "principalId": "cognito-identity.amazonaws.com:pool-1:eu-west-1:00aa",
                "userName": "eu-west-1:00aa", "identityProvider": "cognito-identity.amazonaws.com",
            },
            "responseElements": { "provider": "cognito-identity.amazonaws.com", "audience": null },
        }),
    );
    check(
        &record,
        &[("identity_provider_arn", ""), ("oidc_audience", "pool-1")],
    );
}

#[test]
fn web_identities_pass_tags_as_an_object() {
    let record = patched(
        web_identity(),
        json!({ "requestParameters": {
            "principalTags": { "repository": "shop" },
            "transitiveTagKeys": ["repository"],
        } }),
    );
    check(
        &record,
        &[
            ("session_tags", "repository=shop"),
            ("transitive_tag_keys", "repository"),
        ],
    );
}

#[test]
fn a_cognito_identity_stands_in_for_its_caller() {
    insta::assert_snapshot!("get_credentials_for_identity", shown(&cognito()));
    let guest = patched(
        cognito(),
        json!({ "userIdentity": { "type": "Unknown" }, "requestParameters": { "logins": null } }),
    );
    check(
        &guest,
        &[
            ("caller_type", "Unknown"),
            ("caller_user_name", "eu-west-1:00aa-11bb"),
            ("caller_identity_provider", ""),
        ],
    );
    let custom = json!({ "requestParameters": { "customRoleArn": "arn:aws:iam::111122223333:role/app/reader" } });
    check(
        &patched(cognito(), custom),
        &[
            ("role_arn", "arn:aws:iam::111122223333:role/app/reader"),
            ("role_name", "reader"),
            ("session_arn", ""),
        ],
    );
}
