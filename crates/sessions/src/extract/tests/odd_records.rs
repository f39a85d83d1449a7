//! Records of any shape: nothing panics, and nothing secret comes through.

use proptest::prelude::*;
use serde_json::{Map, Number, json};

use super::*;
use crate::CallerFacts;

/// Member names that extraction asks for, and secret ones that it must not show.
const NAMES: &[&str] = &[
    "type",
    "principalId",
    "arn",
    "accountId",
    "accessKeyId",
    "userName",
    "invokedBy",
    "sessionContext",
    "attributes",
    "sessionIssuer",
    "creationDate",
    "mfaAuthenticated",
    "roleArn",
    "roleSessionName",
    "durationSeconds",
    "serialNumber",
    "policy",
    "policyArns",
    "tags",
    "principalTags",
    "key",
    "value",
    "transitiveTagKeys",
    "incomingTransitiveTags",
    "providedContexts",
    "providerArn",
    "targetPrincipal",
    "taskPolicyArn",
    "name",
    "logins",
    "identityId",
    "customRoleArn",
    "credentials",
    "credentialSet",
    "expiration",
    "assumedRoleUser",
    "assumedRoleId",
    "federatedUser",
    "federatedUserId",
    "assumedPrincipal",
    "packedPolicySize",
    "sourceIdentity",
    "provider",
    "audience",
    "MFAUsed",
    "MFAIdentifier",
    "ConsoleLogin",
    "RequestDetails",
    "success",
    "subjectArn",
    "x509Subject",
    "role_name",
    "ARN",
];
const SECRET_NAMES: &[&str] = &[
    "sessionToken",
    "secretAccessKey",
    "token",
    "password",
    "tokenCode",
    "contextAssertion",
];

/// Nothing of the kind may appear in a row.
const SECRET: &str = "s3cr3t";
const WITHHELD: &str = "HIDDEN_DUE_TO_SECURITY_REASONS";

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(
            &[
                "",
                "arn:aws:iam::111122223333:role/a/b",
                "arn:aws:sts::111122223333:assumed-role/b/c",
                "arn:aws:iam::111122223333:root",
                "111122223333",
                "ASIARTX3GSDSBEXAMPLE2",
                "AROARTX3GSDSBEXAMPLE2:c",
                "IAMUser",
                "AssumedRole",
                "AWSService",
                "Nov 20, 2026, 6:07:09 AM",
                "2026-11-20T05:07:09Z",
                "true",
                "No",
                "Failure",
                "{\"Version\":\"2012-10-17\"}",
                WITHHELD,
            ][..]
        )
        .prop_map(String::from),
        ".{0,12}",
        // A session token under whatever name.
        Just(format!("IQoJb3JpZ2luX2VjE{}{SECRET}", "A".repeat(120))),
    ]
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        4 => any_text().prop_map(Value::from),
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<f64>().prop_map(|number| Number::from_f64(number).map_or(Value::Null, Value::Number)),
    ];
    leaf.prop_recursive(4, 64, 8, |inner| {
        let member = prop_oneof![
            8 => (prop::sample::select(NAMES).prop_map(String::from), inner.clone()),
            1 => (prop::sample::select(SECRET_NAMES).prop_map(String::from), Just(Value::from(SECRET))),
            1 => (".{0,6}", inner.clone()),
        ];
        prop_oneof![
            1 => prop::collection::vec(inner, 0..4).prop_map(Value::from),
            3 => prop::collection::vec(member, 0..10)
                .prop_map(|members| Value::from(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// Names of tags, whose own names are somebody's own and hide nothing.
const NAMED_BY_PEOPLE: [&str; 3] = ["tags", "principalTags", "incomingTransitiveTags"];

/// The same without secrets among tags.
fn without_secret_tags(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(without_secret_tags).collect(),
        Value::Object(members) => {
            let cleared = members.into_iter().map(|(name, value)| {
                let mut value = without_secret_tags(value);
                if let (true, Some(tags)) =
                    (NAMED_BY_PEOPLE.contains(&&*name), value.as_object_mut())
                {
                    tags.retain(|_, value| value != SECRET);
                }
                (name, value)
            });
            Value::Object(cleared.collect())
        }
        other => other,
    }
}

/// A known call, or one that is not, with anything in it.
fn any_record() -> impl Strategy<Value = Value> {
    let calls: Vec<(&str, &str)> = CALLS
        .iter()
        .map(|call| (call.0, call.1))
        .chain([("other.amazonaws.com", "Other")])
        .collect();
    let parts = (
        any_value(),
        any_value(),
        any_value(),
        any_value(),
        any_value(),
    );
    let message = prop::option::of("(.{0,20}on resource: )?(arn:aws:iam::[0-9]{12}:role/)?.{0,12}");
    (prop::sample::select(calls), parts, message).prop_map(|((source, name), parts, message)| {
        patched(
            call(source, name),
            json!({
                "userIdentity": parts.0,
                "requestParameters": without_secret_tags(parts.1),
                "responseElements": parts.2,
                "additionalEventData": parts.3,
                "resources": [parts.4],
                "errorMessage": message,
            }),
        )
    })
}

proptest! {
    #[test]
    fn no_record_is_too_odd_and_no_secret_comes_through(record in any_record()) {
        let read = |extracted: Result<Option<Issuance>, Unreadable>| format!("{extracted:?}");
        let rows = [
            read(reading(&record, extract)),
            read(reading(&record, observe).map(Some)),
            format!("{:?}", reading(&record, caller_facts)),
        ];
        for row in rows {
            prop_assert!(!row.contains(SECRET), "{row}");
            prop_assert!(!row.contains(WITHHELD), "{row}");
            prop_assert!(!row.contains("Some(\"\")"), "an empty text is not null: {row}");
        }
    }
}

#[test]
fn identities_of_any_kind_are_read() {
    for identity in [
        json!(null),
        json!(""),
        json!("null"),
        json!(7),
        json!([]),
        json!({}),
        json!({ "type": null }),
    ] {
        let mut record = call(STS, "AssumeRole");
        record["userIdentity"] = identity;
        assert_eq!(row_of(&record).caller, CallerFacts::default());
    }
    let misspelt =
        json!({ "userIdentity": { "accessKeyId": null, "accesKeyId": "AKIARTX3GSDSBEXAMPLE2" } });
    check(
        &patched(call(STS, "AssumeRole"), misspelt),
        &[("caller_access_key_id", "AKIARTX3GSDSBEXAMPLE2")],
    );
}
