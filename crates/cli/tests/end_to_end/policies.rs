//! Session policies: listed, looked up, compared.

use serde_json::{Value, json};

use crate::room::{Room, printed, told};

/// A room whose lake has four sessions under three policies.
fn room() -> Room {
    let room = Room::new();
    let allow = |action: &str| {
        json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}).to_string()
    };
    let records = [
        record(1, "reader", Some(&allow("s3:GetObject")), &[]),
        record(2, "writer", Some(&allow("s3:GetObject")), &[]),
        record(3, "writer", Some(&allow("s3:PutObject")), &[]),
        record(
            4,
            "writer",
            Some(&allow("s3:GetObject")),
            &["arn:aws:iam::aws:policy/ReadOnlyAccess"],
        ),
        record(5, "writer", None, &[]),
    ];
    room.write_log("a.json", json!({"Records": records}).to_string().as_bytes());
    let logs = room.path("logs").display().to_string();
    assert!(room.run(&["ingest", &logs]).status.success());
    room
}

fn record(number: u32, role: &str, policy: Option<&str>, arns: &[&str]) -> Value {
    let arns: Vec<Value> = arns.iter().map(|arn| json!({"arn": arn})).collect();
    json!({
        "eventID": format!("00000000-0000-4000-8000-{number:012}"),
        "eventTime": format!("2026-11-20T09:0{number}:00Z"),
        "eventSource": "sts.amazonaws.com",
        "eventName": "AssumeRole",
        "recipientAccountId": "111122223333",
        "userIdentity": {
            "type": "IAMUser", "principalId": "AIDARTX3GSDSTN2YHC5K", "arn": "arn:aws:iam::111122223333:user/anna.berg",
            "accountId": "111122223333", "accessKeyId": "AKIARTX3GSDSW4KXJQ6B", "userName": "anna.berg"
        },
        "requestParameters": {
            "roleArn": format!("arn:aws:iam::111122223333:role/{role}"), "roleSessionName": "s",
            "policy": policy, "policyArns": arns
        },
        "responseElements": {
            "credentials": {"accessKeyId": format!("ASIARTX3GSDSAAAAAAA{number}"), "expiration": "Nov 20, 2026, 10:00:00 AM"},
            "assumedRoleUser": {
                "assumedRoleId": "AROARTX3GSDSAAAAAAAAA:s",
                "arn": format!("arn:aws:sts::111122223333:assumed-role/{role}/s")
            }
        }
    })
}

fn as_json(room: &Room, arguments: &[&str]) -> Vec<Value> {
    let arguments = [&["policies", "--format", "json"], arguments].concat();
    let lines = room.answer(&arguments);
    lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn policies_are_listed_with_who_used_them() {
    insta::assert_snapshot!("listed", room().answer(&["policies"]));
    insta::assert_snapshot!("of_the_sample", Room::with_sample().answer(&["policies"]));
}

#[test]
fn policies_in_json_are_one_a_line_and_filtered() {
    let room = room();
    let all = as_json(&room, &[]);
    let counts: Vec<&Value> = all.iter().map(|policy| &policy["sessions"]).collect();
    assert_eq!(counts, [2, 1, 1]);
    assert_eq!(
        all[0]["roles"],
        json!({
            "arn:aws:iam::111122223333:role/reader": 1, "arn:aws:iam::111122223333:role/writer": 1
        })
    );
    assert_eq!(all[0]["first_seen"], "2026-11-20T09:01:00Z");
    assert_eq!(all[0]["last_seen"], "2026-11-20T09:02:00Z");
    assert_eq!(as_json(&room, &["--role", "reader"]).len(), 1);
    assert_eq!(as_json(&room, &["--since", "2026-11-20T09:03"]).len(), 2);
    let none = room.run(&["policies", "--until", "2026-11-19"]);
    assert_eq!((none.status.code(), printed(&none).as_str()), (Some(1), ""));
}

#[test]
fn two_policies_are_compared_line_by_line() {
    let room = room();
    let all = as_json(&room, &[]);
    let of = |arns: usize, action: &str| {
        let is_it = |policy: &&Value| {
            policy["session_policy_arns"].as_array().unwrap().len() == arns
                && policy["session_policy"].as_str().unwrap().contains(action)
        };
        all.iter().find(is_it).unwrap()["session_scope_sha256"]
            .as_str()
            .unwrap()[..12]
            .to_owned()
    };
    let (get, put, managed) = (of(0, "Get"), of(0, "Put"), of(1, "Get"));
    insta::assert_snapshot!("difference", room.answer(&["policies", &get, &put]));
    insta::assert_snapshot!(
        "managed_policy_added",
        room.answer(&["policies", &get, &managed])
    );
    assert!(
        room.answer(&["policies", &get, &get])
            .contains("The two restrict the same")
    );
    let lines = &as_json(&room, &[&get, &put])[0]["lines"];
    let changed = lines
        .as_array()
        .unwrap()
        .iter()
        .filter(|line| line["change"] != "same");
    assert_eq!(changed.count(), 2);
    assert_eq!(as_json(&room, &[&managed]).len(), 1);
}

#[test]
fn a_hash_that_names_several_policies_or_none_lists_them() {
    let room = room();
    let all = as_json(&room, &[]);
    let inline = all[0]["session_policy_sha256"].as_str().unwrap();
    let several = room.run(&["policies", inline, inline]);
    assert_eq!(
        (several.status.code(), printed(&several).as_str()),
        (Some(1), "")
    );
    insta::assert_snapshot!("several", told(&several));
    let none = room.run(&["policies", "0123456789", inline]);
    assert_eq!(none.status.code(), Some(1));
    assert!(
        told(&none)
            .contains("no session policy of this lake has a hash that starts with 0123456789")
    );
    let wrong = room.run(&["policies", "nonsense"]);
    assert_eq!(wrong.status.code(), Some(2));
    insta::assert_snapshot!("no_hash", told(&wrong));
}
