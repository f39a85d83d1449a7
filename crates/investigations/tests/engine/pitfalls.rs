//! Stories that once had a wrong answer.

use serde_json::{Value as Json, json};
use trailback_investigations::parameters::Values;
use trailback_investigations::saved::Catalog;

use crate::lakes::{Room, ask, rows};

const ACCOUNT: &str = "111122223333";

fn record(number: u32, time: &str, event_name: &str, caller: Json) -> Json {
    json!({
        "eventVersion": "1.11", "eventSource": "sts.amazonaws.com", "eventName": event_name, "eventTime": time,
        "awsRegion": "eu-west-1", "sourceIPAddress": "198.51.100.7", "userAgent": "aws-cli/2", "userIdentity": caller,
        "eventID": format!("{number:08x}-0000-4000-8000-000000000000"), "eventType": "AwsApiCall",
        "recipientAccountId": ACCOUNT, "eventCategory": "Management",
    })
}

fn user(name: &str) -> Json {
    json!({
        "type": "IAMUser", "principalId": format!("AIDAEXAMPLE{}", name.to_uppercase()), "accountId": ACCOUNT, "userName": name,
        "arn": format!("arn:aws:iam::{ACCOUNT}:user/{name}"), "accessKeyId": format!("AKIAEXAMPLE{}", name.to_uppercase()),
    })
}

fn saml_user(name: &str) -> Json {
    json!({"type": "SAMLUser", "principalId": format!("qualifier=:{name}"), "userName": name, "identityProvider": "qualifier="})
}

/// Says of a record that it handed out a role session, with the number in its key.
fn issued(mut record: Json, number: u32, role: &str, session: &str) -> Json {
    record["requestParameters"]["roleArn"] = json!(format!("arn:aws:iam::{ACCOUNT}:role/{role}"));
    record["requestParameters"]["roleSessionName"] = json!(session);
    record["responseElements"] = json!({
        "credentials": {"accessKeyId": format!("ASIAEXAMPLE{number:09}"), "expiration": "Nov 20, 2026, 11:00:00 PM"},
        "assumedRoleUser": {
            "assumedRoleId": format!("AROAEXAMPLE:{session}"),
            "arn": format!("arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{session}"),
        },
    });
    record
}

fn refused(mut record: Json, role: &str) -> Json {
    record["requestParameters"] =
        json!({"roleArn": format!("arn:aws:iam::{ACCOUNT}:role/{role}"), "roleSessionName": "x"});
    record["errorCode"] = json!("AccessDenied");
    record
}

/// The caller that the session of a record is.
fn session_of(issuance: &Json) -> Json {
    let arn = issuance["responseElements"]["assumedRoleUser"]["arn"].clone();
    let role = issuance["requestParameters"]["roleArn"].clone();
    json!({
        "type": "AssumedRole", "arn": arn, "accountId": ACCOUNT,
        "principalId": issuance["responseElements"]["assumedRoleUser"]["assumedRoleId"],
        "accessKeyId": issuance["responseElements"]["credentials"]["accessKeyId"],
        "sessionContext": {
            "sessionIssuer": {"type": "Role", "principalId": "AROAEXAMPLE", "arn": role, "accountId": ACCOUNT},
            "attributes": {"creationDate": issuance["eventTime"], "mfaAuthenticated": "false"},
        },
    })
}

/// The answer of a saved investigation to a story of some records, over all its days unless some are given.
async fn answer(records: &[Json], name: &str, values: &[(&str, &str)]) -> Vec<Json> {
    let room = Room::with_records(records).await;
    let catalog = Catalog::embedded().unwrap();
    let investigation = catalog.investigation(name).unwrap();
    let days = [("since", "2026-11-01"), ("until", "2026-11-30")];
    let given: Values = days
        .iter()
        .chain(values)
        .map(|(name, text)| {
            let parameter = investigation.parameter(name).unwrap();
            ((*name).to_owned(), parameter.parse(text).unwrap())
        })
        .collect();
    ask(&room.engine().await, &investigation.text, &given)
        .await
        .unwrap()
}

#[tokio::test]
async fn who_was_refused_and_got_in_later_is_told_of_origins_without_an_arn_too() {
    let at = |time: &str| format!("2026-11-20T{time}Z");
    let call =
        |number, time: &str| record(number, &at(time), "AssumeRoleWithSAML", saml_user("anna"));
    let records = [
        refused(call(1, "09:00:00"), "prod"),
        issued(call(2, "10:00:00"), 2, "prod", "anna"),
    ];
    let rows = answer(&records, "who-was-refused", &[]).await;
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0]["later_issued"], 1);
}

#[tokio::test]
async fn guessing_does_not_stop_at_the_full_hour() {
    let call = |number, time: &str| {
        record(
            number,
            &format!("2026-11-20T{time}Z"),
            "AssumeRole",
            user("eve"),
        )
    };
    let mut records = vec![issued(call(1, "08:50:00"), 1, "allowed", "eve")];
    for (number, time) in (10..).zip(["09:57:00", "09:58:00", "09:59:00", "10:00:00", "10:01:00"]) {
        records.push(refused(call(number, time), &format!("role-{number}")));
    }
    records.push(issued(call(20, "10:02:00"), 20, "found", "eve"));
    let rows = answer(&records, "who-guesses-roles", &[("roles", "5")]).await;
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (
            &rows[0]["roles_refused"],
            &rows[0]["attempts"],
            &rows[0]["sessions"],
            &rows[0]["first_time"]
        ),
        (
            &json!(5),
            &json!(5),
            &json!(1),
            &json!("2026-11-20T09:57:00Z")
        )
    );
}

#[tokio::test]
async fn a_backslash_in_a_pattern_stands_for_itself() {
    let call = record(
        1,
        "2026-11-20T09:00:00Z",
        "AssumeRoleWithSAML",
        saml_user(r"CORP\anna"),
    );
    let records = [issued(call, 1, "prod", "anna")];
    for (origin, found) in [(r"CORP\anna", 1), (r"CORP\%", 1), (r"CORPanna", 0)] {
        let values = [("origin", origin), ("at", "2026-11-20T09:30")];
        let rows = answer(&records, "which-sessions-of-an-origin-were-alive", &values).await;
        assert_eq!(rows.len(), found, "{origin}");
    }
    let engine = Room::with_records(&records).await;
    let engine = engine.engine().await;
    let sql = r"SELECT 'a\b' LIKE 'a\b' AS same, 'ab' LIKE 'a\b' AS other, 'a\b' LIKE concat('a', '\', 'b') AS computed";
    let expected = json!({"same": true, "other": false, "computed": true});
    assert_eq!(rows(&engine, sql).await, [expected]);
}

#[tokio::test]
async fn a_console_session_outlives_the_minutes_of_its_credentials() {
    let call = record(
        1,
        "2026-11-20T10:00:00Z",
        "AssumeRoleWithSAML",
        saml_user("anna"),
    );
    let mut issuance = issued(call, 1, "prod", "anna");
    issuance["requestParameters"]["durationSeconds"] = json!(3600);
    issuance["responseElements"]["credentials"]["expiration"] = json!("Nov 20, 2026, 10:15:00 AM");
    for (at, found) in [("10:10", 1), ("10:30", 1)] {
        let at = format!("2026-11-20T{at}");
        let values = [("origin", "anna"), ("at", &*at)];
        let rows = answer(
            std::slice::from_ref(&issuance),
            "which-sessions-of-an-origin-were-alive",
            &values,
        )
        .await;
        assert_eq!(rows.len(), found, "{at}");
        assert!(rows.iter().all(|row| row["alive"] == "unknown"));
    }
}

/// A record whose call passes one session tag.
fn tagged(mut record: Json, key: &str, value: &str) -> Json {
    record["requestParameters"]["tags"] = json!([{"key": key, "value": value}]);
    record
}

#[tokio::test]
async fn a_session_without_any_tag_lacks_the_usual_one_and_a_tag_in_another_case_is_the_usual_one()
{
    let records: Vec<Json> = (1..=20)
        .map(|number: u32| {
            let time = format!("2026-11-20T09:{number:02}:00Z");
            let call = record(number, &time, "AssumeRole", user("anna"));
            let call = match number {
                1 => call,
                2 => tagged(call, "TEAM", "red"),
                3 => tagged(call, "team-2", "blue"),
                _ => tagged(call, "Team", "red"),
            };
            issued(call, number, "tagged", &format!("s{number}"))
        })
        .collect();
    let rows = answer(
        &records,
        "which-sessions-carry-unusual-tags",
        &[("percent", "90")],
    )
    .await;
    let told: Vec<(&str, &str, &Json, &Json)> = rows
        .iter()
        .map(|row| {
            let finding = row["finding"].as_str().unwrap();
            let session = row["session_arn"].as_str().unwrap();
            let name = session.rsplit('/').next().unwrap();
            (finding, name, &row["tag_value"], &row["sessions_with_it"])
        })
        .collect();
    assert_eq!(
        told,
        [
            ("lacks", "s1", &Json::Null, &json!(18)),
            ("lacks", "s3", &Json::Null, &json!(18)),
            ("carries", "s3", &json!("blue"), &json!(1)),
        ]
    );
}

#[tokio::test]
async fn a_tag_that_changes_over_midnight_or_its_case_is_told() {
    let first = tagged(
        record(1, "2026-11-19T23:50:00Z", "AssumeRole", user("anna")),
        "Project",
        "red",
    );
    let first = issued(first, 1, "one", "anna");
    let second = tagged(
        record(2, "2026-11-20T00:10:00Z", "AssumeRole", session_of(&first)),
        "project",
        "blue",
    );
    let records = [first, issued(second, 2, "two", "anna")];
    let values = [("since", "2026-11-20")];
    let rows = answer(&records, "which-tags-changed-on-the-way", &values).await;
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (&rows[0]["value_before"], &rows[0]["value_now"]),
        (&json!("red"), &json!("blue"))
    );
}

#[tokio::test]
async fn a_name_is_claimed_in_any_case_and_by_federated_users() {
    let at = |number: u32| format!("2026-11-20T09:{number:02}:00Z");
    let call = |number, name: &str, caller| record(number, &at(number), name, caller);
    let mut token = call(3, "GetFederationToken", user("bob"));
    token["requestParameters"] = json!({"name": "anna"});
    token["responseElements"] = json!({
        "credentials": {"accessKeyId": "ASIAEXAMPLEFEDERATED", "expiration": "Nov 20, 2026, 11:00:00 PM"},
        "federatedUser": {"federatedUserId": format!("{ACCOUNT}:anna"), "arn": format!("arn:aws:sts::{ACCOUNT}:federated-user/anna")},
    });
    let records = [
        issued(call(1, "AssumeRole", user("anna")), 1, "own", "anna"),
        issued(call(2, "AssumeRole", user("bob")), 2, "other", "Anna"),
        token,
        issued(
            call(4, "AssumeRole", user("bob")),
            4,
            "other",
            "i-0123456789ABCDEF0",
        ),
    ];
    let rows = answer(&records, "which-session-names-claim-another-identity", &[]).await;
    let names: Vec<_> = rows
        .iter()
        .map(|row| row["session_name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["Anna", "anna", "i-0123456789ABCDEF0"]);
}

#[tokio::test]
async fn what_aws_itself_calls_from_is_no_address() {
    let call = |number: u32, address: &str| {
        let mut record = record(
            number,
            &format!("2026-11-20T09:{number:02}:00Z"),
            "AssumeRole",
            user("anna"),
        );
        record["sourceIPAddress"] = json!(address);
        issued(record, number, "own", "anna")
    };
    let records = [
        call(1, "198.51.100.7"),
        call(2, "AWS Internal"),
        call(3, "AWS Internal/#"),
        call(4, "cloudformation.amazonaws.com.cn"),
    ];
    assert!(
        answer(&records, "which-keys-were-used-from-several-addresses", &[])
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn a_role_of_another_account_is_known_whatever_its_sessions_are_called() {
    let call = |number: u32, day: u32| {
        let principal = format!("AROAEXTERNALEXAMPLE:job-{number}");
        let caller =
            json!({"type": "AWSAccount", "principalId": principal, "accountId": "999999999999"});
        let record = record(
            number,
            &format!("2026-11-{day}T09:00:00Z"),
            "AssumeRole",
            caller,
        );
        issued(record, number, "entry", "job")
    };
    let values = [("baseline", "2026-11-17"), ("since", "2026-11-20")];
    let rows = answer(
        &[call(1, 18), call(2, 20)],
        "which-role-entries-are-new",
        &values,
    )
    .await;
    assert!(rows.is_empty(), "{rows:?}");
}
