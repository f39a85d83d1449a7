//! What an invocation says: which messages came, and which log objects each of them names.
//!
//! S3 and CloudTrail announce a new object in four ways: S3's own notification, the same as an event of EventBridge,
//! the notice that a trail sends to its SNS topic, and any of them within an envelope of SNS. Each may lie in a queue,
//! many at once, or be handed to the function straight. A person sets this up once and forgets it, so all of it is
//! understood, at any nesting, and what is not understood says so and fails alone.
//!
//! BE ADVISED: S3's notification is the only one whose object keys are URL-encoded.
//!
//! Sources: AWS, "Event message structure", "Amazon S3 EventBridge events", "Configuring Amazon SNS notifications for
//! CloudTrail", "Using Lambda with Amazon SQS".

mod fault;
mod shapes;

use aws_lambda_events::sqs::SqsMessage;
use serde_json::{Map, Value};

pub(crate) use fault::Fault;

/// What CloudTrail writes to a topic, or a queue behind it, to see whether it may.
const VALIDATION_MESSAGE: &str = "CloudTrail validation message";

/// How many envelopes may lie within each other; real ones are two.
const ENVELOPES_MAX: usize = 8;

/// What one invocation brought.
#[derive(Debug, Default)]
pub(crate) struct Delivery {
    /// Whether the messages come from a queue, which takes back single ones. Otherwise only all can be tried again.
    pub(crate) is_batch: bool,
    /// The messages, in their order.
    pub(crate) messages: Vec<Message>,
}

/// One message: acknowledged as a whole, or not.
#[derive(Debug, Default)]
pub(crate) struct Message {
    /// Its ID in the queue; `None` where it was delivered straight.
    pub(crate) id: Option<String>,
    /// The log objects that it names.
    pub(crate) named: Vec<NamedObject>,
    /// How many of its parts name no new object and need nothing: tests, deletions, other kinds of notification.
    pub(crate) passed_over: u64,
    /// What in it could not be understood. The rest of it was.
    pub(crate) faults: Vec<Fault>,
}

/// An object that a notification names.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct NamedObject {
    /// Its bucket.
    pub(crate) bucket: String,
    /// Its key, as it is.
    pub(crate) object_key: String,
    /// Its version, where the bucket keeps several.
    pub(crate) version_id: Option<String>,
    /// Its size in bytes, where it was told.
    pub(crate) size_bytes: Option<u64>,
    /// Its ETag, where it was told.
    pub(crate) etag: Option<String>,
}

/// Reads the payload of an invocation.
pub(crate) fn read(payload: &[u8]) -> Delivery {
    let payload: Value = match serde_json::from_slice(payload) {
        Ok(payload) => payload,
        Err(_) => return straight(|message| message.faults.push(Fault::NotJson)),
    };
    match payload {
        Value::Object(mut fields) if is_from_queue(&fields) => Delivery {
            is_batch: true,
            messages: take_records(&mut fields)
                .into_iter()
                .map(Message::from_queue)
                .collect(),
        },
        payload => straight(|message| message.add_document(payload, ENVELOPES_MAX)),
    }
}

/// Whatever was not in a queue is one message.
fn straight(fill: impl FnOnce(&mut Message)) -> Delivery {
    let mut message = Message::default();
    fill(&mut message);
    message.explain_if_empty();
    Delivery {
        is_batch: false,
        messages: vec![message],
    }
}

fn is_from_queue(fields: &Map<String, Value>) -> bool {
    let is_from_queue = |record: &Value| record["eventSource"] == "aws:sqs";
    records(fields).is_some_and(|records| !records.is_empty() && records.iter().all(is_from_queue))
}

fn records(fields: &Map<String, Value>) -> Option<&Vec<Value>> {
    fields.get("Records")?.as_array()
}

fn take_records(fields: &mut Map<String, Value>) -> Vec<Value> {
    match fields.remove("Records") {
        Some(Value::Array(records)) => records,
        _ => Vec::new(),
    }
}

impl Message {
    fn from_queue(record: Value) -> Message {
        // The ID is kept even where the rest is not understood: without it the whole batch would be tried again.
        let mut message = Message {
            id: record["messageId"].as_str().map(str::to_owned),
            ..Message::default()
        };
        match serde_json::from_value::<SqsMessage>(record) {
            Ok(SqsMessage {
                body: Some(body), ..
            }) => message.add_text(&body, ENVELOPES_MAX),
            Ok(_) => message.faults.push(Fault::NoBody),
            Err(cause) => message.faults.push(Fault::malformed("SQS message", cause)),
        }
        message.explain_if_empty();
        message
    }

    fn add_text(&mut self, text: &str, envelopes_left: usize) {
        if text.trim_start().starts_with(VALIDATION_MESSAGE) {
            self.passed_over += 1;
            return;
        }
        match serde_json::from_str(text) {
            Ok(document) => self.add_document(document, envelopes_left),
            Err(_) => self.faults.push(Fault::NotJson),
        }
    }

    fn add_document(&mut self, document: Value, envelopes_left: usize) {
        let Value::Object(mut fields) = document else {
            self.faults.push(Fault::NotAnObject);
            return;
        };
        let has = |name| fields.contains_key(name);
        if has("Records") {
            for record in take_records(&mut fields) {
                self.add_record(record, envelopes_left);
            }
        } else if has("Message") && has("Type") {
            self.add_envelope(Value::Object(fields), envelopes_left);
        } else if has("detail-type") {
            self.add(shapes::event_bridge(fields));
        } else if has("s3Bucket") && has("s3ObjectKey") {
            self.add(shapes::trail_notice(fields));
        } else if fields.get("Event").is_some_and(|it| it == "s3:TestEvent") {
            self.passed_over += 1;
        } else {
            self.faults.push(Fault::unknown(&fields));
        }
    }

    /// One element of `Records`: S3 and SNS both write such lists.
    fn add_record(&mut self, mut record: Value, envelopes_left: usize) {
        if record["eventSource"] == "aws:s3" {
            self.add(shapes::s3_record(record));
        } else if record["EventSource"] == "aws:sns" {
            self.add_envelope(record["Sns"].take(), envelopes_left);
        } else {
            self.faults.push(Fault::unknown_record(&record));
        }
    }

    fn add_envelope(&mut self, envelope: Value, envelopes_left: usize) {
        let Some(envelopes_left) = envelopes_left.checked_sub(1) else {
            self.faults.push(Fault::TooDeep);
            return;
        };
        match shapes::sns_envelope(envelope) {
            Ok(text) => self.add_text(&text, envelopes_left),
            Err(fault) => self.faults.push(fault),
        }
    }

    /// Adds what one part of the message names; nothing is a part that needs nothing.
    fn add(&mut self, named: Result<Vec<NamedObject>, Fault>) {
        match named {
            Ok(named) if named.is_empty() => self.passed_over += 1,
            Ok(named) => self.named.extend(named),
            Err(fault) => self.faults.push(fault),
        }
    }

    /// A message that says nothing at all is not one that needs nothing.
    fn explain_if_empty(&mut self) {
        if self.named.is_empty() && self.passed_over == 0 && self.faults.is_empty() {
            self.faults.push(Fault::Empty);
        }
    }
}

#[cfg(test)]
mod tests;
