//! Envelope, outcome and caller: what every row has.

use serde_json::json;

use super::*;
use crate::Outcome;

fn assume_role(patch: Value) -> Value {
    patched(call(STS, "AssumeRole"), patch)
}

#[test]
fn a_record_without_an_id_or_a_time_is_unreadable() {
    let refused = |patch| reading(&assume_role(patch), extract).unwrap_err();
    assert_eq!(refused(json!({ "eventID": null })), Unreadable::EventId);
    assert_eq!(refused(json!({ "eventID": "" })), Unreadable::EventId);
    let no_time = refused(json!({ "eventTime": "yesterday" }));
    assert_eq!(
        no_time.to_string(),
        "record 3b1f9a10-0000-4000-8000-000000000001 has no eventTime that can be read"
    );
    assert_eq!(
        reading(&assume_role(json!({ "eventTime": 7 })), observe),
        Err(no_time)
    );
}

#[test]
fn a_call_failed_if_it_has_an_error_code_or_says_so() {
    let check = |record: Value, outcome: Outcome| {
        assert_eq!(row_of(&record).record.outcome, outcome, "{record:#}");
    };
    check(assume_role(json!({})), Outcome::Issued);
    check(
        assume_role(json!({ "errorCode": "AccessDenied" })),
        Outcome::Failed,
    );
    check(assume_role(json!({ "errorCode": "" })), Outcome::Issued);
    for code in [json!(403), json!("HIDDEN_DUE_TO_SECURITY_REASONS")] {
        check(assume_role(json!({ "errorCode": code })), Outcome::Failed);
    }
    let message = "User: ana is not authorized to perform: sts:AssumeRole";
    check(
        assume_role(json!({ "errorMessage": message, "responseElements": null })),
        Outcome::Failed,
    );
    check(
        assume_role(json!({ "errorMessage": message, "responseElements": { "credentials": {} } })),
        Outcome::Issued,
    );
    for name in ["ConsoleLogin", "GetSigninToken", "SwitchRole"] {
        let says = |answer: &str| {
            patched(
                call(SIGN_IN, name),
                json!({ "responseElements": { name: answer } }),
            )
        };
        check(says("Success"), Outcome::Issued);
        check(says("Failure"), Outcome::Failed);
        check(says("failure"), Outcome::Failed);
    }
    // The word elsewhere in the response says nothing of the call.
    let elsewhere = json!({ "responseElements": { "assumedRoleUser": { "arn": "Failure" }, "note": "Failure" } });
    check(assume_role(elsewhere), Outcome::Issued);
}

#[test]
fn an_addendum_names_the_record_it_replaces() {
    let addendum = |original: &str| {
        assume_role(json!({ "addendum": {
            "reason": "UPDATED_DATA",
            "updatedFields": "responseElements",
            "originalRequestID": "r-0",
            "originalEventID": original,
        } }))
    };
    check(
        &addendum("e-0"),
        &[
            ("addendum_reason", "UPDATED_DATA"),
            ("replaces_event_id", "e-0"),
        ],
    );
    let itself = addendum("3b1f9a10-0000-4000-8000-000000000001");
    check(
        &itself,
        &[
            ("addendum_reason", "UPDATED_DATA"),
            ("replaces_event_id", ""),
        ],
    );
    let late = assume_role(json!({ "addendum": { "reason": "DELIVERY_DELAY" } }));
    check(
        &late,
        &[
            ("addendum_reason", "DELIVERY_DELAY"),
            ("replaces_event_id", ""),
        ],
    );
}

#[test]
fn a_global_endpoint_tells_where_it_served() {
    let record = assume_role(json!({
        "additionalEventData": {
            "RequestDetails": { "awsServingRegion": "eu-north-1", "endpointType": "global" },
            "explicitTrustGrant": false,
        },
        "vpcEndpointId": "vpce-0a1",
        "vpcEndpointAccountId": "444455556666",
    }));
    check(
        &record,
        &[
            ("endpoint_type", "global"),
            ("serving_region", "eu-north-1"),
            ("explicit_trust_grant", "false"),
            ("vpc_endpoint_id", "vpce-0a1"),
            ("vpc_endpoint_account_id", "444455556666"),
        ],
    );
}

#[test]
fn a_callers_session_is_told_in_full() {
    let record = assume_role(json!({
        "userIdentity": {
            "type": "AssumedRole",
            "principalId": "AROARTX3GSDSBROLE2222:i-0a1b2c3d",
            "arn": "arn:aws:sts::111122223333:assumed-role/web/i-0a1b2c3d",
            "userName": null,
            "invokedBy": "AWS Internal",
            "identityProvider": "provider",
            "onBehalfOf": { "userId": "u-1", "identityStoreArn": "arn:aws:identitystore::111122223333:identitystore/d-1" },
            "inScopeOf": { "sourceArn": "arn:aws:lambda:eu-west-1:111122223333:function:f", "issuerType": "AWS::Lambda" },
            "sessionContext": {
                "sessionIssuer": { "type": "Role", "arn": "arn:aws:iam::111122223333:role/path/web" },
                "attributes": { "creationDate": "2026-11-20T04:00:00Z", "mfaAuthenticated": "true" },
                "sourceIdentity": "ana",
                "ec2RoleDelivery": "2.0",
                "signInSessionArn": "arn:aws:signin:eu-west-1:111122223333:session/s-1",
            },
        },
        "sessionCredentialFromConsole": "true",
    }));
    insta::assert_snapshot!("a_callers_session_is_told_in_full", shown(&record));
    let row = row_of(&record);
    assert_eq!(reading(&record, caller_facts), row.caller);
}

#[test]
fn any_record_can_be_observed() {
    let record = patched(
        call("ec2.amazonaws.com", "RunInstances"),
        json!({
            "userIdentity": { "sessionContext": { "attributes": { "mfaAuthenticated": "false" } } },
            "responseElements": { "credentials": { "accessKeyId": "ASIARTX3GSDSBEXAMPLE2" } },
        }),
    );
    let row = reading(&record, observe).unwrap();
    assert_eq!(row.session.session_type, SessionType::Witness);
    assert_eq!(row.caller.caller_user_name.as_deref(), Some("ana"));
    assert_eq!(row.mfa.caller_mfa, Some(false));
    assert_eq!(row.session.access_key_id, None);
}
