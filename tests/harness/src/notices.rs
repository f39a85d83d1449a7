//! What AWS sends when an object has been put, in every shape it has: for tests that deliver it.
//!
//! Sources: AWS, "Event message structure", "Amazon S3 EventBridge events", "Configuring Amazon SNS notifications for
//! CloudTrail", "Using Lambda with Amazon SQS", "Using Lambda with Amazon SNS".

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

/// The size that the notices tell, in bytes, where they tell one.
pub const SIZE_BYTES: u64 = 4711;

/// The ETag that the notices tell, where they tell one.
pub const ETAG: &str = "0123456789abcdef0123456789abcdef";

/// What S3 leaves as it is in the keys of its notifications.
const PLAIN: AsciiSet = NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'*');

/// A key as S3 writes it in its notifications: like a form.
pub fn form_encoded(object_key: &str) -> String {
    utf8_percent_encode(object_key, &PLAIN)
        .to_string()
        .replace("%20", "+")
}

/// One element of `Records` of S3's notification.
pub fn s3_record(event_name: &str, bucket: &str, encoded_key: &str) -> Value {
    json!({
        "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "eu-west-1",
        "eventTime": "2026-11-20T05:10:03.000Z", "eventName": event_name,
        "userIdentity": {"principalId": "AWS:AROAEXAMPLE:CloudTrail"},
        "requestParameters": {"sourceIPAddress": "192.0.2.1"},
        "responseElements": {"x-amz-request-id": "C3D13FE58DE4C810", "x-amz-id-2": "FMyUVURIY8"},
        "s3": {
            "s3SchemaVersion": "1.0", "configurationId": "trailback",
            "bucket": {"name": bucket, "ownerIdentity": {"principalId": "A3NL1KOZZKExample"},
                       "arn": format!("arn:aws:s3:::{bucket}")},
            "object": {"key": encoded_key, "size": SIZE_BYTES, "eTag": ETAG,
                       "sequencer": "0055AED6DCD90281E5"},
        },
    })
}

/// S3's own notification of a new object.
pub fn s3_notification(bucket: &str, object_key: &str) -> Value {
    json!({"Records": [s3_record("ObjectCreated:Put", bucket, &form_encoded(object_key))]})
}

/// S3's event in EventBridge.
pub fn event_bridge(detail_type: &str, bucket: &str, object_key: &str) -> Value {
    json!({
        "version": "0", "id": "17793124-05d4-b198-2fde-7ededc63b103", "detail-type": detail_type,
        "source": "aws.s3", "account": "111122223333", "time": "2026-11-20T05:10:03Z",
        "region": "eu-west-1", "resources": [format!("arn:aws:s3:::{bucket}")],
        "detail": {
            "version": "0", "bucket": {"name": bucket},
            "object": {"key": object_key, "size": SIZE_BYTES, "etag": ETAG,
                       "sequencer": "0055AED6DCD90281E5"},
            "request-id": "N4N7GDK58NMKJ12R", "requester": "cloudtrail.amazonaws.com",
            "source-ip-address": "192.0.2.1", "reason": "PutObject",
        },
    })
}

/// What a trail sends to its SNS topic.
pub fn trail_notice(bucket: &str, object_keys: &[&str]) -> Value {
    json!({"s3Bucket": bucket, "s3ObjectKey": object_keys})
}

/// What S3 sends when notifications are switched on.
pub fn test_event(bucket: &str) -> Value {
    json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Time": "2026-11-20T05:10:03.000Z",
           "Bucket": bucket, "RequestId": "5582815E1AEA5ADF", "HostId": "8cLeGAmw098X5cv4Zkwcmo8v"})
}

/// SNS's envelope around a text.
pub fn sns_envelope(message: &str) -> Value {
    json!({
        "Type": "Notification", "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": "arn:aws:sns:eu-west-1:111122223333:trail", "Subject": "Amazon S3 Notification",
        "Message": message, "Timestamp": "2026-11-20T05:10:03.123Z", "SignatureVersion": "1",
        "Signature": "EXAMPLE", "SigningCertURL": "https://sns.example/cert.pem",
        "UnsubscribeURL": "https://sns.example/?Action=Unsubscribe",
    })
}

/// What SNS hands straight to a function.
pub fn sns_to_lambda(message: &str) -> Value {
    json!({"Records": [{
        "EventVersion": "1.0", "EventSource": "aws:sns",
        "EventSubscriptionArn": "arn:aws:sns:eu-west-1:111122223333:trail:21be56ed",
        "Sns": sns_envelope(message),
    }]})
}

/// A batch of a queue: messages with these IDs and bodies.
pub fn queued<'m>(messages: impl IntoIterator<Item = (&'m str, &'m str)>) -> Value {
    let record = |(id, body): (&str, &str)| {
        json!({
            "messageId": id, "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS", "body": body,
            "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1545082649183",
                           "SenderId": "AIDAIENQZJOLO23YVJ4VO",
                           "ApproximateFirstReceiveTimestamp": "1545082649185"},
            "messageAttributes": {}, "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
            "eventSource": "aws:sqs", "awsRegion": "eu-west-1",
            "eventSourceARN": "arn:aws:sqs:eu-west-1:111122223333:trailback",
        })
    };
    json!({"Records": messages.into_iter().map(record).collect::<Vec<_>>()})
}
