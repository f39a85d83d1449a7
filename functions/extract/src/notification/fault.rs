//! What can be wrong with a message, in words for whoever finds it in the dead-letter queue.

use serde_json::{Map, Value};

/// How many field names of a strange message are told.
const FIELDS_TOLD_MAX: usize = 8;

/// How much of a text from a message is told, in characters.
const TEXT_TOLD_MAX: usize = 80;

/// Why a message, or a part of it, names nothing that could be read.
///
/// The text never repeats values of a message except short names, because nobody knows what a strange message holds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    /// Not even JSON.
    #[error(
        "is not JSON; expected a notification of S3, SNS, EventBridge or CloudTrail's SNS topic"
    )]
    NotJson,
    /// A list, a number, a string.
    #[error(
        "is JSON, but no object; expected a notification of S3, SNS, EventBridge or CloudTrail"
    )]
    NotAnObject,
    /// Nothing known.
    #[error(
        "is no notification of S3, SNS, EventBridge or CloudTrail; its fields are {fields}; remove what else writes here"
    )]
    Unknown {
        /// The names of its fields.
        fields: String,
    },
    /// An element of `Records` that is neither S3's nor SNS's.
    #[error("has a record of {event_source}; expected eventSource aws:s3 or EventSource aws:sns")]
    UnknownRecord {
        /// Whose record it is.
        event_source: String,
    },
    /// An event that no rule for S3 would have sent.
    #[error(
        "is an EventBridge event of {event_source}; let the rule's pattern ask for source aws.s3"
    )]
    OtherEventSource {
        /// Whose event it is.
        event_source: String,
    },
    /// A topic waits for a click.
    #[error(
        "is a {kind} of an SNS topic, not a notification; open the URL that it holds to confirm the subscription"
    )]
    Subscription {
        /// The type that SNS gives it.
        kind: String,
    },
    /// The right shape, with something missing or of another type.
    #[error("is a {shape} that cannot be read: {reason}")]
    Malformed {
        /// What it looks like.
        shape: &'static str,
        /// What the parser said.
        reason: String,
    },
    /// A key that is not text once decoded.
    #[error("names an object key that does not decode to UTF-8: {object_key}")]
    KeyNotUtf8 {
        /// The key, as it stands there.
        object_key: String,
    },
    /// A queue's message without a body.
    #[error("has no body")]
    NoBody,
    /// Lists without elements.
    #[error("names no object at all")]
    Empty,
    /// An envelope in an envelope in an envelope.
    #[error("has too many SNS envelopes within each other")]
    TooDeep,
}

impl Fault {
    pub(super) fn malformed(shape: &'static str, cause: serde_json::Error) -> Fault {
        Fault::Malformed {
            shape,
            reason: shown(&without_quoted(&cause.to_string())),
        }
    }

    pub(super) fn missing(shape: &'static str, field: &str) -> Fault {
        Fault::Malformed {
            shape,
            reason: format!("missing field `{field}`"),
        }
    }

    pub(super) fn unknown(fields: &Map<String, Value>) -> Fault {
        let mut names: Vec<String> = fields
            .keys()
            .take(FIELDS_TOLD_MAX)
            .map(|name| shown(name))
            .collect();
        if fields.len() > FIELDS_TOLD_MAX {
            names.push("…".to_owned());
        }
        let fields = match names.is_empty() {
            true => "none".to_owned(),
            false => names.join(", "),
        };
        Fault::Unknown { fields }
    }

    pub(super) fn unknown_record(record: &Value) -> Fault {
        let event_source = ["eventSource", "EventSource"]
            .iter()
            .find_map(|name| record[*name].as_str());
        Fault::UnknownRecord {
            event_source: event_source.map_or_else(|| "no known source".to_owned(), shown),
        }
    }
}

/// What the parser says, without the value that it quotes: `invalid type: string "…", expected u64`.
fn without_quoted(told: &str) -> String {
    match (told.split_once('"'), told.rsplit_once('"')) {
        (Some((before, _)), Some((_, behind))) => format!("{before}\"…\"{behind}"),
        _ => told.to_owned(),
    }
}

/// A text from outside, short and without control characters.
pub(super) fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(TEXT_TOLD_MAX).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown.escape_debug().to_string()
}
