//! The shapes in which AWS names an object, each read by its own rules.

use aws_lambda_events::eventbridge::EventBridgeEvent;
use aws_lambda_events::s3::S3Entity;
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::NamedObject;
use super::fault::{Fault, shown};

/// The events of S3 after which there is an object to read: `ObjectCreated:Put`, `:CompleteMultipartUpload`, `:Copy`.
const CREATED: &str = "ObjectCreated:";

/// The same for EventBridge.
const CREATED_DETAIL_TYPE: &str = "Object Created";

/// S3's record of one event. The crate's type demands fields that other S3 servers leave out.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct S3Record {
    event_name: String,
    s3: Option<S3Entity>,
}

/// One element of `Records` with `eventSource` `aws:s3`; gives nothing for other events than creations.
pub(super) fn s3_record(record: Value) -> Result<Vec<NamedObject>, Fault> {
    const SHAPE: &str = "S3 notification";
    let record: S3Record =
        serde_json::from_value(record).map_err(|cause| Fault::malformed(SHAPE, cause))?;
    // S3 leaves the `s3:` of its configuration away, other servers do not.
    let event_name = record.event_name.trim_start_matches("s3:");
    if !event_name.starts_with(CREATED) {
        return Ok(Vec::new());
    }
    let s3 = record.s3.ok_or_else(|| Fault::missing(SHAPE, "s3"))?;
    let encoded_key = required(s3.object.key, SHAPE, "object.key")?;
    Ok(vec![NamedObject {
        bucket: required(s3.bucket.name, SHAPE, "bucket.name")?,
        object_key: form_decoded(&encoded_key)?,
        version_id: s3.object.version_id.filter(|id| !id.is_empty()),
        size_bytes: s3.object.size.and_then(|size| u64::try_from(size).ok()),
        etag: s3.object.e_tag,
    }])
}

/// Decodes a key as S3 encodes it in notifications: like a form, a space is `+`.
fn form_decoded(encoded_key: &str) -> Result<String, Fault> {
    let spaced = encoded_key.replace('+', " ");
    match percent_decode_str(&spaced).decode_utf8() {
        Ok(object_key) => Ok(object_key.into_owned()),
        Err(_) => Err(Fault::KeyNotUtf8 {
            object_key: shown(encoded_key),
        }),
    }
}

/// What an event of S3 says in EventBridge.
#[derive(Deserialize, Serialize)]
struct ObjectDetail {
    bucket: BucketDetail,
    object: NewObjectDetail,
}

#[derive(Deserialize, Serialize)]
struct BucketDetail {
    name: String,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
struct NewObjectDetail {
    key: String,
    size: Option<u64>,
    etag: Option<String>,
    version_id: Option<String>,
}

/// An event of EventBridge; gives nothing for S3's other events than creations.
pub(super) fn event_bridge(fields: Map<String, Value>) -> Result<Vec<NamedObject>, Fault> {
    const SHAPE: &str = "EventBridge event";
    if fields.get("source").is_none_or(|source| source != "aws.s3") {
        let event_source = fields.get("source").and_then(Value::as_str);
        return Err(Fault::OtherEventSource {
            event_source: event_source.map_or_else(|| "no source".to_owned(), shown),
        });
    }
    if fields["detail-type"] != CREATED_DETAIL_TYPE {
        return Ok(Vec::new());
    }
    let created: EventBridgeEvent<ObjectDetail> = serde_json::from_value(Value::Object(fields))
        .map_err(|cause| Fault::malformed(SHAPE, cause))?;
    let ObjectDetail { bucket, object } = created.detail;
    Ok(vec![NamedObject {
        bucket: required(Some(bucket.name), SHAPE, "bucket.name")?,
        object_key: required(Some(object.key), SHAPE, "object.key")?,
        version_id: object.version_id.filter(|id| !id.is_empty()),
        size_bytes: object.size,
        etag: object.etag,
    }])
}

/// What a trail sends to its SNS topic: several objects of one bucket.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TrailNotice {
    s3_bucket: String,
    s3_object_key: OneOrMany,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    Many(Vec<String>),
    One(String),
}

/// A trail's own notice; its keys are plain.
pub(super) fn trail_notice(fields: Map<String, Value>) -> Result<Vec<NamedObject>, Fault> {
    const SHAPE: &str = "CloudTrail notice";
    let notice: TrailNotice = serde_json::from_value(Value::Object(fields))
        .map_err(|cause| Fault::malformed(SHAPE, cause))?;
    let object_keys = match notice.s3_object_key {
        OneOrMany::Many(object_keys) => object_keys,
        OneOrMany::One(object_key) => vec![object_key],
    };
    if object_keys.is_empty() {
        return Err(Fault::Empty);
    }
    let bucket = required(Some(notice.s3_bucket), SHAPE, "s3Bucket")?;
    let named = object_keys.into_iter().map(|object_key| {
        Ok(NamedObject {
            bucket: bucket.clone(),
            object_key: required(Some(object_key), SHAPE, "s3ObjectKey")?,
            ..NamedObject::default()
        })
    });
    named.collect()
}

/// The part of SNS's envelope that matters. The crate's type demands the signature too.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SnsEnvelope {
    r#type: String,
    message: String,
}

/// The text within an envelope of SNS.
pub(super) fn sns_envelope(envelope: Value) -> Result<String, Fault> {
    let envelope: SnsEnvelope = serde_json::from_value(envelope)
        .map_err(|cause| Fault::malformed("SNS notification", cause))?;
    match &*envelope.r#type {
        "Notification" => Ok(envelope.message),
        kind => Err(Fault::Subscription { kind: shown(kind) }),
    }
}

/// A text that must be there and must not be empty.
fn required(text: Option<String>, shape: &'static str, field: &str) -> Result<String, Fault> {
    text.filter(|text| !text.is_empty())
        .ok_or_else(|| Fault::missing(shape, field))
}
