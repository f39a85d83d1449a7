//! What `trace -` reads: a CloudTrail record, or a finding, in any of the shapes in which people hold one.

use std::fmt;
use std::io::{BufRead, BufReader, Read};
use std::ops::ControlFlow;

use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Deserializer, Map, Value};

use crate::finding::{self, Finding};

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
    /// Not even UTF-8.
    #[error("standard input is UTF-16, and JSON is UTF-8")]
    #[diagnostic(help("PowerShell writes UTF-8 with: | Out-File -Encoding utf8 FILE"))]
    Utf16,
    /// JSON, but nothing that looks like a record or a finding.
    #[error("standard input holds no CloudTrail record, and no finding")]
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
                      a finding of GuardDuty or Security Hub, the output of their `get-findings`, or an EventBridge event with one of these";

/// What standard input holds.
#[derive(Debug)]
pub(crate) enum Pasted {
    /// A record, as the text of one JSON object.
    Record(Vec<u8>),
    /// A finding.
    Finding(Finding),
}

/// Takes one record or finding after the other; says whether to go on.
pub(crate) type OnPasted<'a> = &'a mut dyn FnMut(Pasted) -> ControlFlow<()>;

/// Finds the records and findings in what is pasted, one after the other, however many there are.
pub(crate) fn read(pasted: impl Read, on_pasted: OnPasted<'_>) -> Result<(), NoRecord> {
    let mut documents = Deserializer::from_reader(without_mark(pasted)?);
    let mut found = Found {
        on_pasted,
        is_any: false,
        is_enough: false,
    };
    let mut is_empty = true;
    // Errors unless the end is reached, which a pipe tells only when it is.
    while documents.end().is_err() {
        is_empty = false;
        let read = Documents(&mut found).deserialize(&mut documents);
        if found.is_enough {
            return Ok(());
        }
        read.map_err(|error| match error.io_error_kind() {
            Some(_) => NoRecord::Unreadable(error.into()),
            None => NoRecord::NotJson(error),
        })?;
    }
    match found.is_any {
        true => Ok(()),
        false if is_empty => Err(NoRecord::Empty),
        false => Err(NoRecord::NotARecord),
    }
}

/// Without the byte order mark with which some editors and shells begin a text.
fn without_mark(pasted: impl Read) -> Result<impl Read, NoRecord> {
    let mut pasted = BufReader::new(pasted);
    let start = pasted.fill_buf().map_err(NoRecord::Unreadable)?;
    if start.starts_with(b"\xff\xfe") || start.starts_with(b"\xfe\xff") {
        return Err(NoRecord::Utf16);
    }
    let mark: &[u8] = b"\xef\xbb\xbf";
    if start.starts_with(mark) {
        pasted.consume(mark.len());
    }
    Ok(pasted)
}

/// What becomes of records and findings.
struct Found<'a> {
    on_pasted: OnPasted<'a>,
    is_any: bool,
    is_enough: bool,
}

impl Found<'_> {
    /// Takes the record that an object is, or wraps: each wrapping is known by the member that only it has.
    fn object(&mut self, mut members: Map<String, Value>) {
        if let Some(Value::String(text)) = members.remove("CloudTrailEvent") {
            // lookup-events gives the record as a string of JSON.
            if let Ok(Value::Object(record)) = serde_json::from_str(&text) {
                self.record(record);
            }
        } else if let Some(Value::Object(detail)) = members.remove("detail") {
            self.object(detail);
        } else if let Some(Value::Array(findings)) = members.remove("findings") {
            // Security Hub sends them in an EventBridge event.
            for finding in findings {
                if let Value::Object(finding) = finding {
                    self.object(finding);
                }
            }
        } else if is_record(&members) {
            self.record(members);
        } else if let Some(finding) = finding::read(&members) {
            self.take(Pasted::Finding(finding));
        }
    }

    fn record(&mut self, record: Map<String, Value>) {
        if is_record(&record) {
            self.take(Pasted::Record(
                Value::Object(record).to_string().into_bytes(),
            ));
        }
    }

    fn take(&mut self, pasted: Pasted) {
        if !self.is_enough {
            self.is_any = true;
            self.is_enough = (self.on_pasted)(pasted).is_break();
        }
    }
}

/// A document, or a list of them at any depth. Lists are never in memory as a whole, single objects are.
struct Documents<'f, 'a>(&'f mut Found<'a>);

impl<'de> DeserializeSeed<'de> for Documents<'_, '_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, document: D) -> Result<(), D::Error> {
        document.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Documents<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SHAPES)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(Documents(self.0))?.is_some() {
            if self.0.is_enough {
                return Err(A::Error::custom("enough was read"));
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        let mut members = Map::new();
        let mut is_wrapping = false;
        while let Some(name) = object.next_key::<String>()? {
            if matches!(&*name, "Records" | "Events" | "Findings") {
                is_wrapping = true;
                object.next_value_seed(Documents(self.0))?;
            } else {
                members.insert(name, object.next_value()?);
            }
        }
        if !is_wrapping {
            self.0.object(members);
        }
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
}

/// Every record says who called what.
fn is_record(record: &Map<String, Value>) -> bool {
    record.contains_key("eventName") && record.contains_key("eventSource")
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::{NoRecord, Pasted, read};

    fn records(pasted: &[u8]) -> Result<Vec<Vec<u8>>, NoRecord> {
        let mut records = Vec::new();
        let mut take = |pasted| {
            if let Pasted::Record(record) = pasted {
                records.push(record);
            }
            ControlFlow::Continue(())
        };
        read(pasted, &mut take).map(|()| records)
    }

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
    fn a_finding_is_found_in_every_shape_people_hold_it_in() {
        let finding = r#"{"type":"x","resource":{"accessKeyDetails":{"accessKeyId":"ASIAWO645SY5JF6HUBQ3"}},"service":{}}"#;
        let hub = r#"{"ProductArn":"arn","Resources":[{"Type":"AwsIamAccessKey","Id":"AWS::IAM::AccessKey:ASIAWO645SY5JF6HUBQ3"}]}"#;
        let shapes = [finding, hub].into_iter().flat_map(|finding| {
            [
                finding.to_owned(),
                format!(r#"{{"Findings":[{finding}]}}"#),
                format!(r#"{{"detail-type":"GuardDuty Finding","detail":{finding}}}"#),
                format!(r#"{{"detail":{{"findings":[{finding}, 3]}}}}"#),
                format!("[{finding}]"),
            ]
        });
        for pasted in shapes {
            let mut found = Vec::new();
            let mut take = |pasted| {
                found.push(pasted);
                ControlFlow::Continue(())
            };
            read(pasted.as_bytes(), &mut take).unwrap();
            let named = match &found[..] {
                [Pasted::Finding(finding)] => &finding.subjects[..],
                _ => &[],
            };
            assert_eq!(named, ["ASIAWO645SY5JF6HUBQ3".parse().unwrap()], "{pasted}");
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
    fn a_byte_order_mark_is_passed_over_and_utf_16_named() {
        let marked = format!("\u{feff}{RECORD}");
        assert_eq!(records(marked.as_bytes()).unwrap().len(), 1);
        let utf_16: Vec<u8> = "\u{feff}{}"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        assert!(matches!(records(&utf_16), Err(NoRecord::Utf16)));
    }

    #[test]
    fn deep_nesting_is_refused_not_followed() {
        let deep = "[".repeat(200_000);
        assert!(matches!(
            records(deep.as_bytes()),
            Err(NoRecord::NotJson(_))
        ));
    }

    #[test]
    fn records_are_taken_before_the_rest_is_there_and_no_longer_than_wanted() {
        /// Has one record to give, and then breaks.
        struct Endless(usize);
        impl std::io::Read for Endless {
            fn read(&mut self, block: &mut [u8]) -> std::io::Result<usize> {
                let text = match self.0 {
                    0 => format!(r#"{{"Records":[{RECORD}"#),
                    _ => format!(",{RECORD}"),
                };
                self.0 += 1;
                block[..text.len()].copy_from_slice(text.as_bytes());
                Ok(text.len())
            }
        }
        let mut count = 0;
        let mut take = |_| {
            count += 1;
            match count {
                3 => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        };
        read(Endless(0), &mut take).unwrap();
        assert_eq!(count, 3);
    }
}
