//! One record against a plain parser: it is read if and only if it is a JSON object, every getter says what stands there, and no
//! secret comes out of it, also not in the row that is made of it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use trailback_cloudtrail::{Record, RecordFault, Timestamp};
use trailback_fuzz::fields::{check, check_object, shows};
use trailback_fuzz::json::{self, Json};
use trailback_sessions::{Issuance, extract, observe};

fuzz_target!(|text: &[u8]| {
    let judged = json::read(text);
    let mut workspace = text.to_vec();
    match (Record::parse(&mut workspace), judged) {
        (Ok(record), Ok(value @ Json::Object(_))) => {
            check_record(&record, &value);
            check_rows(text, &record, &value);
        }
        (Ok(_), judged) => panic!("{judged:?} is no record"),
        (Err(error), Ok(value @ Json::Object(_))) => {
            let is_deep = value.depth() > 255;
            assert!(
                is_deep && matches!(error.fault, RecordFault::TooDeep { .. }),
                "{error}"
            );
        }
        (Err(_), _) => {}
    }
});

fn check_record(record: &Record<'_>, value: &Json) {
    let texts = [
        ("eventVersion", record.event_version()),
        ("eventID", record.event_id()),
        ("eventSource", record.event_source()),
        ("eventName", record.event_name()),
        ("eventType", record.event_type()),
        ("eventCategory", record.event_category()),
        ("awsRegion", record.aws_region()),
        ("sourceIPAddress", record.source_ip_address()),
        ("userAgent", record.user_agent()),
        ("errorCode", record.error_code()),
        ("errorMessage", record.error_message()),
        ("requestID", record.request_id()),
        ("recipientAccountId", record.recipient_account_id()),
        ("sharedEventID", record.shared_event_id()),
        ("vpcEndpointId", record.vpc_endpoint_id()),
        ("vpcEndpointAccountId", record.vpc_endpoint_account_id()),
    ];
    for (name, shown) in texts {
        assert!(
            shows(shown, value.get(name).text().unwrap_or_default()),
            "{name}"
        );
    }
    let moment = record.event_id().and(value.get("eventTime").text());
    if let Some(moment) = moment.filter(|text| text.len() < 100) {
        assert_eq!(record.event_time(), Timestamp::parse(moment));
    }
    check_object(record.request_parameters(), value.get("requestParameters"));
    check_object(record.response_elements(), value.get("responseElements"));
    check_object(
        record.additional_event_data(),
        value.get("additionalEventData"),
    );
    check_object(
        record.service_event_details(),
        value.get("serviceEventDetails"),
    );
    let resources = match value.get("resources") {
        Json::List(resources) => &resources[..],
        _ => &[],
    };
    assert_eq!(record.resources().count(), resources.len());
    for (shown, resource) in record.resources().zip(resources) {
        check(shown, resource);
    }
    assert_eq!(
        record.addendum().is_some(),
        matches!(value.get("addendum"), Json::Object(_))
    );
}

fn check_rows(text: &[u8], record: &Record<'_>, value: &Json) {
    let mut rows = Vec::new();
    if let Ok(Some(row)) = extract(record) {
        rows.push(row);
    }
    rows.extend(observe(record));
    for row in rows {
        assert_eq!(Some(&*row.record.event_id), record.event_id());
        assert_eq!(Some(row.record.event_time), record.event_time());
        check_secrets(text, &row, value);
    }
}

/// The values under the names of secrets, where they are long and stand nowhere else in the record, are not in the row.
fn check_secrets(text: &[u8], row: &Issuance, value: &Json) {
    const SECRETS: [&str; 5] = [
        "sessionToken",
        "secretAccessKey",
        "password",
        "tokenCode",
        "assertion",
    ];
    if text.contains(&b'\\') {
        // One of them may stand elsewhere in another spelling.
        return;
    }
    let shown = format!("{row:?}");
    let mut values = vec![value];
    while let Some(value) = values.pop() {
        match value {
            Json::List(elements) => values.extend(elements),
            Json::Object(members) => {
                values.extend(members.iter().map(|(_, value)| value));
                for (name, secret) in members {
                    let Some(secret) = secret.text().filter(|_| SECRETS.contains(&&**name)) else {
                        continue;
                    };
                    let places = text
                        .windows(secret.len())
                        .filter(|window| *window == secret.as_bytes());
                    let is_told_apart = secret.len() >= 16 && places.count() == 1;
                    assert!(
                        !(is_told_apart && shown.contains(secret)),
                        "{name} is in the row"
                    );
                }
            }
            _ => {}
        }
    }
}
