//! Console sessions: ConsoleLogin and GetSigninToken.

use serde_json::json;

use super::*;

fn console_login(patch: Value) -> Value {
    patched(
        patched(
            call(SIGN_IN, "ConsoleLogin"),
            json!({
                "eventType": "AwsConsoleSignIn",
                "userIdentity": { "accessKeyId": "" },
                "responseElements": { "ConsoleLogin": "Success" },
                "additionalEventData": { "LoginTo": "https://console.aws.amazon.com/", "MobileVersion": "No" },
            }),
        ),
        patch,
    )
}

fn role_identity() -> Value {
    json!({
        "type": "AssumedRole",
        "principalId": "AROARTX3GSDSBANALYST2:bo@example.com",
        "arn": "arn:aws:sts::111122223333:assumed-role/analyst/bo@example.com",
        "userName": null,
        "sessionContext": {
            "sessionIssuer": { "type": "Role", "arn": "arn:aws:iam::111122223333:role/corp/analyst" },
            "attributes": { "creationDate": "2026-11-20T05:07:08Z", "mfaAuthenticated": "false" },
        },
    })
}

#[test]
fn a_users_console_session_begins_with_the_sign_in() {
    let record = console_login(json!({ "additionalEventData": {
        "MFAUsed": "Yes", "MFAIdentifier": "arn:aws:iam::111122223333:mfa/ana-phone",
    } }));
    insta::assert_snapshot!("console_login", shown(&record));
}

#[test]
fn mfa_at_the_sign_in_is_what_the_page_says_of_users_and_root() {
    let users = json!({ "type": "IAMUser" });
    let root = json!({ "type": "Root", "arn": "arn:aws:iam::111122223333:root", "principalId": "111122223333" });
    let federated =
        json!({ "type": "FederatedUser", "arn": "arn:aws:sts::111122223333:federated-user/guest" });
    for (identity, used, expected) in [
        (&users, json!("Yes"), "true"),
        (&users, json!("YES"), "true"),
        (&users, json!("No"), "false"),
        (&users, json!(true), "true"),
        (&users, json!(null), ""),
        (&root, json!("Yes"), "true"),
        (&root, json!("No"), "false"),
        (&role_identity(), json!("No"), ""),
        (&role_identity(), json!("Yes"), "true"),
        (&federated, json!("No"), ""),
    ] {
        let record = console_login(
            json!({ "userIdentity": identity, "additionalEventData": { "MFAUsed": used } }),
        );
        check(&record, &[("session_mfa", expected)]);
    }
    let failed = json!({
        "responseElements": { "ConsoleLogin": "Failure" },
        "additionalEventData": { "MFAUsed": "Yes", "MFAIdentifier": "arn:mfa" },
    });
    check(
        &console_login(failed),
        &[
            ("session_mfa", ""),
            ("mfa_serial_number", "arn:mfa"),
            ("outcome", "Failed"),
        ],
    );
}

#[test]
fn a_roles_console_session_has_begun_before() {
    let record = console_login(json!({
        "userIdentity": role_identity(),
        "additionalEventData": {
            "MFAUsed": "No", "SamlProviderArn": "arn:aws:iam::111122223333:saml-provider/corp",
        },
    }));
    insta::assert_snapshot!("console_login_by_a_role", shown(&record));
}

#[test]
fn a_federated_users_console_session_has_its_name() {
    let record = console_login(json!({ "userIdentity": {
        "type": "FederatedUser", "principalId": "111122223333:guest",
        "arn": "arn:aws:sts::111122223333:federated-user/guest",
        "sessionContext": { "sessionIssuer": { "type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/ana" } },
    } }));
    check(
        &record,
        &[
            (
                "session_arn",
                "arn:aws:sts::111122223333:federated-user/guest",
            ),
            ("session_name", "guest"),
            ("session_principal_id", ""),
            ("role_arn", ""),
        ],
    );
}

#[test]
fn a_failed_sign_in_has_no_session_and_hides_what_was_typed() {
    let record = console_login(json!({
        "userIdentity": { "userName": "HIDDEN_DUE_TO_SECURITY_REASONS", "arn": "", "principalId": null },
        "responseElements": { "ConsoleLogin": "Failure" },
        "errorMessage": "No username found in supplied account",
    }));
    check(
        &record,
        &[
            ("outcome", "Failed"),
            ("error_code", ""),
            ("error_message", "No username found in supplied account"),
            ("caller_user_name", ""),
            ("session_arn", ""),
        ],
    );
}

#[test]
fn a_sign_in_token_makes_a_console_session_out_of_the_callers() {
    let record = patched(
        call(SIGN_IN, "GetSigninToken"),
        json!({
            "eventType": "AwsConsoleSignIn",
            "userIdentity": role_identity(),
            "requestParameters": null,
            "responseElements": {
                "credentials": { "accessKeyId": "ASIARTX3GSDSBSIGN2222", "sessionToken": "s3cr3t" },
                "GetSigninToken": "Success",
            },
            "additionalEventData": { "MobileVersion": "No", "MFAUsed": "No" },
        }),
    );
    insta::assert_snapshot!("get_signin_token", shown(&record));
    let failed = patched(
        record,
        json!({ "responseElements": { "GetSigninToken": "Failure" } }),
    );
    check(
        &failed,
        &[
            ("outcome", "Failed"),
            ("session_arn", ""),
            ("session_type", "Console"),
        ],
    );
}
