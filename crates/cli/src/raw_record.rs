//! What `trace -` reads: a CloudTrail record in any of the shapes in which people hold one.

use serde_json::{Deserializer, Value};

/// Standard input holds no record.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub(crate) enum NoRecord {
    /// Nothing at all.
    #[error("standard input is empty")]
    #[diagnostic(help("{}", SHAPES))]
    Empty,
    /// Not JSON.
    #[error("standard input is not JSON")]
    #[diagnostic(help("{}", SHAPES))]
    NotJson(#[source] serde_json::Error),
    /// JSON, but nothing that looks like a record.
    #[error("standard input holds no CloudTrail record")]
    #[diagnostic(help("{}", SHAPES))]
    NotARecord,
    /// It cannot be read.
    #[error("cannot read standard input")]
    Unreadable(#[source] std::io::Error),
    /// A record that cannot be parsed.
    #[error("the record on standard input cannot be read")]
    NotRead(#[source] trailback_cloudtrail::RecordError),
    /// A record that has no place in time.
    #[error("the record on standard input cannot be traced")]
    NotUsable(#[source] trailback_sessions::Unreadable),
}

const SHAPES: &str = "give a CloudTrail record, {\"Records\": […]}, the output of `aws cloudtrail lookup-events`, \
                      or an EventBridge event";

/// Finds the records in what was pasted, each as the text of one JSON object.
pub(crate) fn records(pasted: &[u8]) -> Result<Vec<Vec<u8>>, NoRecord> {
    let mut found = Vec::new();
    let mut is_empty = true;
    for document in Deserializer::from_slice(pasted).into_iter::<Value>() {
        is_empty = false;
        collect(document.map_err(NoRecord::NotJson)?, &mut found);
    }
    if is_empty {
        return Err(NoRecord::Empty);
    }
    if found.is_empty() {
        return Err(NoRecord::NotARecord);
    }
    Ok(found
        .into_iter()
        .map(|record| record.to_string().into_bytes())
        .collect())
}

/// Takes the records out of one document: each wrapping is known by the member that only it has.
fn collect(document: Value, found: &mut Vec<Value>) {
    match document {
        Value::Array(documents) => documents
            .into_iter()
            .for_each(|inner| collect(inner, found)),
        Value::Object(mut members) => {
            if let Some(wrapped) = members
                .remove("Records")
                .or_else(|| members.remove("Events"))
            {
                collect(wrapped, found);
            } else if let Some(Value::String(text)) = members.remove("CloudTrailEvent") {
                // lookup-events gives the record as a string of JSON.
                found.extend(serde_json::from_str(&text).into_iter().filter(is_record));
            } else if let Some(detail) = members.remove("detail") {
                collect(detail, found);
            } else {
                let record = Value::Object(members);
                found.extend(is_record(&record).then_some(record));
            }
        }
        _ => {}
    }
}

/// Every record says who called what.
fn is_record(value: &Value) -> bool {
    value.get("eventName").is_some() && value.get("eventSource").is_some()
}

#[cfg(test)]
mod tests {
    use super::{NoRecord, records};

    const RECORD: &str =
        r#"{"eventName":"ListBuckets","eventSource":"s3.amazonaws.com","eventID":"e1"}"#;

    fn found(pasted: &str) -> Vec<String> {
        let records = records(pasted.as_bytes()).unwrap();
        records
            .into_iter()
            .map(|record| String::from_utf8(record).unwrap())
            .collect()
    }

    #[test]
    fn a_record_is_found_in_every_shape_people_hold_it_in() {
        let quoted = serde_json::to_string(RECORD).unwrap();
        let one = found(RECORD);
        assert_eq!(one.len(), 1);
        for pasted in [
            format!(r#"{{"Records":[{RECORD}]}}"#),
            format!("[{RECORD}]"),
            format!(
                r#"{{"Events":[{{"EventId":"e1","CloudTrailEvent":{quoted}}}],"NextToken":"t"}}"#
            ),
            format!(r#"{{"EventId":"e1","CloudTrailEvent":{quoted}}}"#),
            format!(
                r#"{{"version":"0","detail-type":"AWS API Call via CloudTrail","detail":{RECORD}}}"#
            ),
            format!("\n\t{RECORD}\n"),
        ] {
            assert_eq!(found(&pasted), one, "{pasted}");
        }
    }

    #[test]
    fn several_records_one_after_the_other_are_all_found() {
        assert_eq!(found(&format!("{RECORD}\n{RECORD}\n")).len(), 2);
    }

    #[test]
    fn what_is_no_record_is_said_to_be_none() {
        assert!(matches!(records(b" \n"), Err(NoRecord::Empty)));
        assert!(matches!(records(b"ASIAEXAMPLE"), Err(NoRecord::NotJson(_))));
        assert!(matches!(records(b"{\"a\":1}"), Err(NoRecord::NotARecord)));
        assert!(matches!(
            records(b"{\"Events\":[]}"),
            Err(NoRecord::NotARecord)
        ));
        assert!(matches!(records(b"3 true null"), Err(NoRecord::NotARecord)));
    }

    #[test]
    fn deep_nesting_is_refused_not_followed() {
        let deep = "[".repeat(200_000);
        assert!(matches!(
            records(deep.as_bytes()),
            Err(NoRecord::NotJson(_))
        ));
    }
}
