//! Findings of GuardDuty and Security Hub on standard input, on the sample.

use std::process::Output;

use serde_json::{Value, json};

use crate::room::{Room, printed, told};
use crate::sample::trace_pasted;

/// The last hop of the chain that starts with anna.berg.
const RESTORE_KEY: &str = "ASIAWO645SY5JF6HUBQ3";
const RESTORE_PRINCIPAL: &str = "AROAWO645SY5DRESTX3M:restore-4711";

fn guardduty(details: &Value) -> Value {
    json!({
        "AccountId": "444455556666",
        "Id": "aecd9f3bf3543645c3154b30f2661c3a",
        "Type": "UnauthorizedAccess:IAMUser/MaliciousIPCaller.Custom",
        "Title": "ModifyDBSnapshotAttribute was called from an IP address on a custom threat list.",
        "Resource": {"ResourceType": "AccessKey", "AccessKeyDetails": details},
        "Service": {
            "EventFirstSeen": "2026-11-20T09:14:38.000Z",
            "EventLastSeen": "2026-11-20T09:14:38.000Z",
            "Action": {"ActionType": "AWS_API_CALL", "AwsApiCallAction": {
                "Api": "ModifyDBSnapshotAttribute",
                "ServiceName": "rds.amazonaws.com",
                "RemoteIpDetails": {"IpAddressV4": "198.51.100.77"}
            }}
        }
    })
}

fn security_hub() -> Value {
    json!({
        "SchemaVersion": "2018-10-08",
        "ProductArn": "arn:aws:securityhub:eu-central-1::product/aws/guardduty",
        "ProductName": "GuardDuty",
        "AwsAccountId": "444455556666",
        "Types": ["TTPs/Exfiltration"],
        "FirstObservedAt": "2026-11-20T09:14:38Z",
        "LastObservedAt": "2026-11-20T09:14:38Z",
        "Resources": [{
            "Type": "AwsIamAccessKey",
            "Id": format!("AWS::IAM::AccessKey:{RESTORE_KEY}"),
            "Details": {"AwsIamAccessKey": {"PrincipalId": RESTORE_PRINCIPAL}}
        }]
    })
}

fn paste(room: &Room, pasted: &Value, more: &[&str]) -> Output {
    trace_pasted(room, pasted.to_string().as_bytes(), more)
}

#[test]
fn a_finding_is_traced_by_its_key_in_every_shape() {
    let room = Room::with_sample();
    let expected = room.answer(&["trace", RESTORE_KEY]);
    let details = json!({"AccessKeyId": RESTORE_KEY, "PrincipalId": RESTORE_PRINCIPAL, "UserType": "AssumedRole"});
    for pasted in [
        guardduty(&details),
        json!({"Findings": [guardduty(&details)]}),
        json!({"detail-type": "GuardDuty Finding", "detail": guardduty(&details)}),
        security_hub(),
        json!({"Findings": [security_hub()]}),
        json!({"detail-type": "Security Hub Findings - Imported", "detail": {"findings": [security_hub()]}}),
    ] {
        let traced = paste(&room, &pasted, &[]);
        assert_eq!(printed(&traced), expected, "{pasted}");
        assert_eq!(traced.status.code(), Some(0));
    }
}

#[test]
fn another_key_of_the_principal_is_not_the_key_of_the_finding() {
    let room = Room::with_sample();
    let details = json!({"AccessKeyId": "ASIAWO645SY5AAAAAAAA", "PrincipalId": RESTORE_PRINCIPAL});
    let not_it = paste(&room, &guardduty(&details), &[]);
    assert_eq!(
        (not_it.status.code(), printed(&not_it).as_str()),
        (Some(1), "")
    );
    insta::assert_snapshot!("other_key", told(&not_it));
}

/// The keys of Identity Center are in no record as handed out: calls of the lake that were made with one tell whose it is.
#[test]
fn a_finding_of_an_identity_center_key_names_the_person() {
    let room = Room::with_sample();
    let of_key = |key: &str| {
        let principal = "AROAWO645SY5HSSO4NLY:maria.ito@example.com";
        let details = json!({"AccessKeyId": key, "PrincipalId": principal});
        let mut finding = guardduty(&details);
        finding["Service"]["EventFirstSeen"] = json!("2026-11-20T09:25:00Z");
        finding["Service"]["EventLastSeen"] = json!("2026-11-20T09:25:30Z");
        paste(&room, &finding, &[])
    };
    let used = of_key("ASIAWO645SY5LMB7Y2NJ");
    assert_eq!(used.status.code(), Some(0));
    assert!(printed(&used).contains("maria.ito@example.com"));
    let by_key = room.answer(&["trace", "ASIAWO645SY5LMB7Y2NJ"]);
    assert_eq!(printed(&used), by_key);
    // One that no call of the lake was made with may be of that session, and is not said to be another's.
    let unknown = of_key("ASIAWO645SY5AAAAAAAA");
    assert_eq!(unknown.status.code(), Some(0));
    assert!(printed(&unknown).contains("maria.ito@example.com"));
    assert!(told(&unknown).contains("may be others"));
}

#[test]
fn what_is_pasted_is_limited_by_its_own_time() {
    let room = Room::with_sample();
    let finding = guardduty(&json!({"AccessKeyId": RESTORE_KEY}));
    let of_time = paste(&room, &finding, &["--until", "2026-11-20T09:15"]);
    assert_eq!(of_time.status.code(), Some(0));
    let earlier = paste(&room, &finding, &["--until", "2026-11-20T09:00"]);
    assert_eq!(
        (earlier.status.code(), printed(&earlier).as_str()),
        (Some(1), "")
    );
    assert!(told(&earlier).contains("of the time asked for"));
    let at = paste(&room, &finding, &["--at", "2026-11-20T09:00"]);
    assert_eq!(at.status.code(), Some(2));
}

#[test]
fn a_finding_without_a_key_is_traced_by_its_principal_at_its_time() {
    let room = Room::with_sample();
    let expected = room.answer(&["trace", RESTORE_PRINCIPAL]);
    let details = json!({"PrincipalId": RESTORE_PRINCIPAL});
    let mut finding = guardduty(&details);
    assert_eq!(printed(&paste(&room, &finding, &[])), expected);
    finding["Service"]["EventFirstSeen"] = json!("2026-11-20T13:00:00Z");
    finding["Service"]["EventLastSeen"] = json!("2026-11-20T13:10:00Z");
    let expired = paste(&room, &finding, &[]);
    assert_eq!(
        (expired.status.code(), printed(&expired).as_str()),
        (Some(1), "")
    );
    insta::assert_snapshot!("not_alive_then", told(&expired));
}

#[test]
fn a_finding_of_a_key_that_had_expired_is_answered_and_told_so() {
    let room = Room::with_sample();
    for day in [20, 23] {
        let mut finding = guardduty(&json!({"AccessKeyId": RESTORE_KEY}));
        finding["Service"]["EventFirstSeen"] = json!(format!("2026-11-{day}T13:00:00Z"));
        finding["Service"]["EventLastSeen"] = json!(format!("2026-11-{day}T13:10:00Z"));
        let traced = paste(&room, &finding, &[]);
        assert_eq!(traced.status.code(), Some(0), "{}", told(&traced));
        let text = printed(&traced);
        let remark = format!("at 2026-11-{day} 13:00:00 UTC it had expired");
        assert!(
            text.contains("IAM user anna.berg") && text.contains(&remark),
            "{text}"
        );
    }
}

#[test]
fn a_page_tells_of_the_alert() {
    let room = Room::with_sample();
    let details = json!({"AccessKeyId": RESTORE_KEY, "UserName": "ledger-restore<script>"});
    let page = printed(&paste(&room, &guardduty(&details), &["--format", "html"]));
    for part in [
        "The alert",
        "UnauthorizedAccess:IAMUser/MaliciousIPCaller.Custom",
        "rds.amazonaws.com ModifyDBSnapshotAttribute",
        "ledger-restore&lt;script&gt;",
        "at 2026-11-20 09:14:38 UTC",
        RESTORE_KEY,
    ] {
        assert!(page.contains(part), "{part}");
    }
}

#[test]
fn a_finding_that_names_nothing_says_what_was_looked_for() {
    let room = Room::with_sample();
    let nothing = paste(
        &room,
        &guardduty(&json!({"AccessKeyId": "GeneratedFindingAccessKeyId"})),
        &[],
    );
    assert_eq!(
        (nothing.status.code(), printed(&nothing).as_str()),
        (Some(1), "")
    );
    insta::assert_snapshot!("names_nothing", told(&nothing));
    let long_term = paste(
        &room,
        &guardduty(&json!({"AccessKeyId": "AKIARTX3GSDSAAAAAAAA"})),
        &[],
    );
    assert_eq!(long_term.status.code(), Some(1));
    insta::assert_snapshot!("long_term_key", told(&long_term));
    // The others of a list are traced all the same.
    let both = json!({"Findings": [guardduty(&json!({})), security_hub()]});
    let traced = paste(&room, &both, &[]);
    assert_eq!(traced.status.code(), Some(0));
    assert!(printed(&traced).contains("IAM user anna.berg"));
    assert!(told(&traced).contains("names nothing"));
}

#[test]
fn a_long_term_key_is_traced_to_what_it_held_then() {
    let room = Room::with_sample();
    let traced = paste(
        &room,
        &guardduty(&json!({"AccessKeyId": "AKIARTX3GSDSW4KXJQ6B"})),
        &["--format", "json"],
    );
    assert_eq!(printed(&traced).lines().count(), 3);
}

#[test]
fn a_subject_that_fits_no_form_is_told_all_of_them() {
    let room = Room::with_sample();
    for subject in [
        "ledger-restore",
        "i-0a1b2c3d4e5f60718",
        "arn:aws:s3:::bucket",
    ] {
        let refused = room.run(&["trace", subject]);
        assert_eq!(
            (refused.status.code(), printed(&refused).as_str()),
            (Some(2), "")
        );
        assert!(told(&refused).contains("a subject is one of"), "{subject}");
    }
    insta::assert_snapshot!(
        "no_subject",
        told(&room.run(&["trace", "ledger\u{1b}[2J-restore"]))
    );
    insta::assert_snapshot!("no_input", told(&paste(&room, &json!({}), &[])));
}
