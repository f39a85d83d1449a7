use proptest::prelude::*;
use serde_json::json;

use trailback_harness::notices::{self, queued, sns_envelope, sns_to_lambda};

use super::*;

const BUCKET: &str = "trail-bucket";
const KEY: &str = "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/11/20/\
     111122223333_CloudTrail_eu-west-1_20261120T0510Z_AbCdEf0123456789.json.gz";

fn s3_record(event_name: &str, encoded_key: &str) -> Value {
    notices::s3_record(event_name, BUCKET, encoded_key)
}

/// With the key as it stands there.
fn s3_notification(encoded_key: &str) -> Value {
    json!({"Records": [s3_record("ObjectCreated:Put", encoded_key)]})
}

fn event_bridge(detail_type: &str, object_key: &str) -> Value {
    notices::event_bridge(detail_type, BUCKET, object_key)
}

fn trail_notice(object_keys: &[&str]) -> Value {
    notices::trail_notice(BUCKET, object_keys)
}

fn test_event() -> Value {
    notices::test_event(BUCKET)
}

/// A batch of bodies, numbered from `message-0` on.
fn queued_in_order(bodies: &[String]) -> Value {
    let ids: Vec<String> = (0..bodies.len())
        .map(|number| format!("message-{number}"))
        .collect();
    queued(
        ids.iter()
            .map(String::as_str)
            .zip(bodies.iter().map(String::as_str)),
    )
}

/// Reads a body that came through a queue, alone.
fn read_body(body: impl ToString) -> Message {
    let mut delivery = read_value(&queued([("message-0", &*body.to_string())]));
    assert!(delivery.is_batch);
    assert_eq!(delivery.messages.len(), 1);
    delivery.messages.remove(0)
}

fn read_straight(payload: &Value) -> Message {
    let mut delivery = read_value(payload);
    assert!(!delivery.is_batch);
    assert_eq!(delivery.messages.len(), 1);
    let message = delivery.messages.remove(0);
    assert_eq!(message.id, None);
    message
}

fn read_value(payload: &Value) -> Delivery {
    read(payload.to_string().as_bytes())
}

/// The object of the fixtures, as a notification with all details names it.
fn detailed(object_key: &str) -> NamedObject {
    NamedObject {
        bucket: BUCKET.to_owned(),
        object_key: object_key.to_owned(),
        version_id: None,
        size_bytes: Some(notices::SIZE_BYTES),
        etag: Some(notices::ETAG.to_owned()),
    }
}

/// As a trail's notice names it.
fn bare(object_key: &str) -> NamedObject {
    NamedObject {
        bucket: BUCKET.to_owned(),
        object_key: object_key.to_owned(),
        ..NamedObject::default()
    }
}

#[track_caller]
fn assert_names(message: &Message, expected: &[NamedObject]) {
    assert_eq!(message.faults, []);
    assert_eq!(message.named, expected);
    assert_eq!(message.passed_over, 0);
}

#[track_caller]
fn assert_needs_nothing(message: &Message) {
    assert_eq!(message.faults, []);
    assert_eq!(message.named, []);
    assert_eq!(message.passed_over, 1);
}

#[track_caller]
fn assert_fault(message: &Message, expected: &str) {
    let faults: Vec<String> = message.faults.iter().map(Fault::to_string).collect();
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert!(faults[0].contains(expected), "{faults:?}");
    assert_eq!(message.named, []);
}

#[test]
fn every_shape_names_its_object_through_a_queue_and_straight() {
    let shapes = [
        (s3_notification(KEY), detailed(KEY)),
        (event_bridge("Object Created", KEY), detailed(KEY)),
        (trail_notice(&[KEY]), bare(KEY)),
    ];
    for (shape, expected) in shapes {
        let text = shape.to_string();
        let expected = [expected];
        assert_names(&read_body(&text), &expected);
        assert_names(&read_body(sns_envelope(&text)), &expected);
        assert_names(&read_straight(&shape), &expected);
        assert_names(&read_straight(&sns_to_lambda(&text)), &expected);
        assert_names(&read_body(sns_to_lambda(&text)), &expected);
    }
}

#[test]
fn messages_keep_their_ids_and_order() {
    let bodies =
        ["a.json.gz", "b.json.gz", "c.json.gz"].map(|key| s3_notification(key).to_string());
    let delivery = read_value(&queued_in_order(&bodies));
    let told: Vec<_> = delivery
        .messages
        .iter()
        .map(|message| {
            (
                message.id.as_deref().unwrap(),
                &*message.named[0].object_key,
            )
        })
        .collect();
    let expected = [
        ("message-0", "a.json.gz"),
        ("message-1", "b.json.gz"),
        ("message-2", "c.json.gz"),
    ];
    assert_eq!(told, expected);
}

#[test]
fn one_message_may_name_several_objects() {
    assert_names(
        &read_body(trail_notice(&["a.json.gz", "b.json.gz"])),
        &[bare("a.json.gz"), bare("b.json.gz")],
    );
    let records = ["a.json.gz", "b.json.gz"].map(|key| s3_record("ObjectCreated:Put", key));
    assert_names(
        &read_body(json!({"Records": records})),
        &[detailed("a.json.gz"), detailed("b.json.gz")],
    );
    let notice = json!({"s3Bucket": BUCKET, "s3ObjectKey": KEY});
    assert_names(&read_body(notice), &[bare(KEY)]);
}

#[test]
fn keys_are_decoded_only_where_they_are_encoded() {
    let encoded = "a+b%2Bc/%C3%BC%3D1%26%25.json.gz";
    assert_names(
        &read_body(s3_notification(encoded)),
        &[detailed("a b+c/ü=1&%.json.gz")],
    );
    for plain in [encoded, "a b+c/ü=1.json.gz"] {
        assert_names(
            &read_body(event_bridge("Object Created", plain)),
            &[detailed(plain)],
        );
        assert_names(&read_body(trail_notice(&[plain])), &[bare(plain)]);
    }
    assert_fault(
        &read_body(s3_notification("a%FFb")),
        "does not decode to UTF-8: a%FFb",
    );
}

#[test]
fn every_way_to_create_an_object_counts() {
    for event_name in [
        "ObjectCreated:Put",
        "ObjectCreated:Copy",
        "ObjectCreated:CompleteMultipartUpload",
        "s3:ObjectCreated:Put",
    ] {
        let notification = json!({"Records": [s3_record(event_name, KEY)]});
        assert_names(&read_body(notification), &[detailed(KEY)]);
    }
}

#[test]
fn what_names_no_new_object_needs_nothing() {
    for event_name in [
        "ObjectRemoved:Delete",
        "ObjectRestore:Completed",
        "ReducedRedundancyLostObject",
    ] {
        assert_needs_nothing(&read_body(json!({"Records": [s3_record(event_name, KEY)]})));
    }
    for detail_type in [
        "Object Deleted",
        "Object Tags Added",
        "Object Restore Completed",
    ] {
        assert_needs_nothing(&read_body(event_bridge(detail_type, KEY)));
        assert_needs_nothing(&read_straight(&event_bridge(detail_type, KEY)));
    }
    assert_needs_nothing(&read_body(test_event()));
    assert_needs_nothing(&read_straight(&test_event()));
    assert_needs_nothing(&read_body(sns_envelope(&test_event().to_string())));
    assert_needs_nothing(&read_body("CloudTrail validation message."));
    assert_needs_nothing(&read_body(sns_envelope("CloudTrail validation message.")));
    assert_needs_nothing(&read_straight(&sns_to_lambda(
        "CloudTrail validation message.",
    )));
}

#[test]
fn a_version_is_told_where_the_bucket_keeps_several() {
    let with = |version_id: &str| {
        let mut record = s3_record("ObjectCreated:Put", KEY);
        record["s3"]["object"]["versionId"] = json!(version_id);
        let mut event = event_bridge("Object Created", KEY);
        event["detail"]["object"]["version-id"] = json!(version_id);
        [read_body(json!({"Records": [record]})), read_body(event)]
    };
    for message in with("v.1") {
        assert_eq!(message.named[0].version_id.as_deref(), Some("v.1"));
    }
    for message in with("") {
        assert_eq!(message.named[0].version_id, None);
    }
}

#[test]
fn what_is_not_understood_says_what_it_is() {
    assert_fault(&read_body("hello"), "is not JSON");
    assert_fault(&read_body(""), "is not JSON");
    assert_fault(&read_body("[1]"), "no object");
    assert_fault(&read_body(json!({"b": 1, "a": 2})), "its fields are a, b");
    assert_fault(&read_body("{}"), "its fields are none");
    assert_fault(&read_body(json!({"Records": []})), "names no object at all");
    assert_fault(&read_body(json!({"Records": 7})), "names no object at all");
    assert_fault(&read_body(trail_notice(&[])), "names no object at all");
    assert_fault(
        &read_body(json!({"Records": [{"eventSource": "aws:dynamodb"}]})),
        "record of aws:dynamodb",
    );
    assert_fault(
        &read_body(json!({"Records": [7]})),
        "record of no known source",
    );
    let mut other = event_bridge("Object Created", KEY);
    other["source"] = json!("aws.ec2");
    assert_fault(
        &read_body(other),
        "event of aws.ec2; let the rule's pattern ask for source aws.s3",
    );
    let mut subscription = sns_envelope("You have chosen to subscribe");
    subscription["Type"] = json!("SubscriptionConfirmation");
    assert_fault(&read_body(subscription), "SubscriptionConfirmation");
}

#[test]
fn what_lacks_a_part_says_which() {
    let mut no_bucket = s3_record("ObjectCreated:Put", KEY);
    no_bucket["s3"]["bucket"]
        .as_object_mut()
        .unwrap()
        .remove("name");
    assert_fault(
        &read_body(json!({"Records": [no_bucket]})),
        "S3 notification that cannot be read: missing field `bucket.name`",
    );
    assert_fault(
        &read_body(s3_notification("")),
        "missing field `object.key`",
    );
    let mut no_detail = event_bridge("Object Created", KEY);
    no_detail["detail"] = json!({"bucket": {"name": BUCKET}});
    assert_fault(
        &read_body(no_detail),
        "EventBridge event that cannot be read: missing field `object`",
    );
    assert_fault(
        &read_body(json!({"s3Bucket": BUCKET, "s3ObjectKey": 7})),
        "CloudTrail notice that cannot be read",
    );
    assert_fault(
        &read_body(json!({"Type": "Notification", "Message": 7})),
        "SNS notification that cannot be read",
    );
    let mut no_body = queued([("message-0", "")]);
    no_body["Records"][0]
        .as_object_mut()
        .unwrap()
        .remove("body");
    let message = read_value(&no_body).messages.remove(0);
    assert_fault(&message, "has no body");
    assert_eq!(message.id.as_deref(), Some("message-0"));
}

#[test]
fn a_malformed_message_leaves_its_neighbours_alone() {
    let bodies = [
        s3_notification(KEY).to_string(),
        "poison".to_owned(),
        trail_notice(&[KEY]).to_string(),
    ];
    let delivery = read_value(&queued_in_order(&bodies));
    let faulty: Vec<bool> = delivery
        .messages
        .iter()
        .map(|message| !message.faults.is_empty())
        .collect();
    assert_eq!(faulty, [false, true, false]);
}

#[test]
fn what_is_right_in_a_malformed_message_is_still_named() {
    let records = json!([
        s3_record("ObjectCreated:Put", KEY),
        s3_record("ObjectCreated:Put", "")
    ]);
    let message = read_body(json!({"Records": records}));
    assert_eq!(message.named, [detailed(KEY)]);
    assert_eq!(message.faults.len(), 1);
}

#[test]
fn values_of_a_strange_message_are_not_told() {
    let secret = "FwoGZXIvYXdzEBYaDExample";
    for body in [
        json!({"sessionToken": secret}).to_string(),
        secret.to_owned(),
        json!([secret]).to_string(),
        json!({"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": secret}]}).to_string(),
        json!({"Type": "Notification", "Message": {"a": secret}}).to_string(),
        json!({"detail-type": "Object Created", "source": "aws.s3", "detail": secret}).to_string(),
        json!({"s3Bucket": [secret], "s3ObjectKey": secret}).to_string(),
    ] {
        let told = format!("{:?}", read_body(body).faults);
        assert!(!told.contains(secret), "{told}");
    }
}

#[test]
fn envelopes_end_somewhere() {
    let mut text = s3_notification(KEY).to_string();
    for _ in 0..ENVELOPES_MAX {
        text = sns_envelope(&text).to_string();
    }
    assert_names(&read_body(&text), &[detailed(KEY)]);
    assert_fault(&read_body(sns_envelope(&text)), "too many SNS envelopes");
}

/// Any JSON, with the names and words that notifications are told by.
fn any_json() -> impl Strategy<Value = Value> {
    const WORDS: [&str; 24] = [
        "Records",
        "eventSource",
        "aws:sqs",
        "aws:s3",
        "EventSource",
        "aws:sns",
        "body",
        "messageId",
        "Sns",
        "Type",
        "Message",
        "Notification",
        "s3",
        "bucket",
        "name",
        "object",
        "key",
        "detail-type",
        "Object Created",
        "source",
        "aws.s3",
        "detail",
        "s3Bucket",
        "s3ObjectKey",
    ];
    let word = || prop::sample::select(&WORDS[..]).prop_map(str::to_owned);
    let leaf = prop_oneof![
        word().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        Just(Value::Null),
        Just(s3_notification(KEY)),
        Just(Value::from(s3_notification(KEY).to_string())),
    ];
    leaf.prop_recursive(6, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(word(), inner.clone(), 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            inner.prop_map(|value| Value::from(value.to_string())),
        ]
    })
}

/// Nothing is silently acknowledged: every message names something, needs nothing for a reason, or is faulty.
fn assert_accounted_for(delivery: &Delivery) {
    assert!(!delivery.messages.is_empty());
    for message in &delivery.messages {
        let says = message.named.len() as u64 + message.passed_over + message.faults.len() as u64;
        assert!(says > 0, "{message:?}");
        assert!(
            message
                .named
                .iter()
                .all(|named| !named.bucket.is_empty() && !named.object_key.is_empty())
        );
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(payload in prop::collection::vec(any::<u8>(), 0..200)) {
        assert_accounted_for(&read(&payload));
    }

    #[test]
    fn no_json_panics_or_vanishes(payload in any_json(), is_queued in any::<bool>()) {
        let payload = if is_queued { queued([("message-0", &*payload.to_string())]) } else { payload };
        assert_accounted_for(&read_value(&payload));
    }

    #[test]
    fn any_key_survives_s3s_encoding(object_key in "\\PC{1,40}") {
        let encoded: String = percent_encoding::utf8_percent_encode(&object_key, percent_encoding::NON_ALPHANUMERIC)
            .to_string()
            .replace("%20", "+");
        assert_names(&read_body(s3_notification(&encoded)), &[detailed(&object_key)]);
    }
}
