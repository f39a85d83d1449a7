//! The reader against a parser that reads everything, and every kind of bad input.

mod any_text;
mod sound;

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::record::RecordFault;

const STS: Select<'static> = Select::Issuances {
    event_sources: &["sts.amazonaws.com", "x"],
};

/// What `on_record` was told: the record's place, and its `eventID` or what is wrong with it.
type Told = Vec<(u64, Result<Option<String>, RecordFault>)>;

struct Outcome {
    reading: Reading,
    told: Told,
    /// What `on_text` was shown.
    text: Vec<u8>,
}

impl Outcome {
    fn ids(&self) -> Vec<&str> {
        let ids = self
            .told
            .iter()
            .filter_map(|(_, told)| told.as_ref().ok()?.as_deref());
        ids.collect()
    }

    fn faults(&self) -> Vec<String> {
        let fault = |(place, told): &(u64, Result<_, RecordFault>)| {
            Some(format!("{place}: {}", told.as_ref().err()?))
        };
        self.told.iter().filter_map(fault).collect()
    }

    fn failure(&self) -> String {
        self.reading
            .failure
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default()
    }
}

fn read_with(reader: &mut LogObjectReader, source: impl Read, select: &Select<'_>) -> Outcome {
    let (mut told, mut text) = (Told::new(), Vec::new());
    let mut on_text = |block: &[u8]| text.extend_from_slice(block);
    let reading = reader.read_watched(source, select, &mut on_text, &mut |place, record| {
        told.push((
            place,
            record
                .map(|r| r.event_id().map(str::to_owned))
                .map_err(|e| e.fault),
        ));
    });
    let tally = reading.tally;
    assert_eq!(
        tally.records,
        tally.handed_on + tally.passed_over + tally.unreadable
    );
    let unreadable = told.iter().filter(|(_, told)| told.is_err()).count() as u64;
    assert_eq!(
        (tally.handed_on, tally.unreadable),
        (told.len() as u64 - unreadable, unreadable)
    );
    Outcome {
        reading,
        told,
        text,
    }
}

fn read(json: impl AsRef<[u8]>, select: &Select<'_>) -> Outcome {
    read_with(
        &mut LogObjectReader::new(Limits::default()),
        json.as_ref(),
        select,
    )
}

fn pack(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn records(records: &[&str]) -> String {
    format!(r#"{{"Records":[{}]}}"#, records.join(","))
}

fn sts(event_id: &str) -> String {
    format!(r#"{{"eventSource":"sts.amazonaws.com","eventID":"{event_id}"}}"#)
}

#[test]
#[expect(clippy::too_many_lines, reason = "one line per case")]
fn a_record_is_wanted_for_its_own_event_source_or_credentials_alone() {
    for (record, wanted) in [
        (r#"{"eventSource":"sts.amazonaws.com"}"#, true),
        (r#"{"eventSource": "x"}"#, true),
        (r#"{"eventSource" : "x"}"#, true),
        (r#"{"event\u0053ource":"x"}"#, true),
        (r#"{"eventSource":"sts\u002eamazonaws.com"}"#, true),
        (r#"{"eventSource":"s3","eventSource":"x"}"#, true),
        (r#"{"eventSource":"x","eventSource":"s3"}"#, false),
        (r#"{"eventSource":"sts.amazonaws.comx"}"#, false),
        (r#"{"eventSource":"sts"}"#, false),
        (r#"{"eventSource":["x"]}"#, false),
        (r#"{"eventSource":"xx"}"#, false),
        (r#"{"requestParameters":{"eventSource":"x"}}"#, false),
        (
            r#"{"requestParameters":[{"eventSource":"x"}],"eventSource":"s3"}"#,
            false,
        ),
        (r#"{"a":"\"eventSource\":\"x\"","eventSource":"s3"}"#, false),
        (r#"{"a":{"b":1},"eventSource":"x"}"#, true),
        (
            r#"{"responseElements":{"credentials":{"accessKeyId":"ASIA"}}}"#,
            true,
        ),
        (
            r#"{"responseElements":{"\u0063redentials":{"accessKeyId":"ASIA"}}}"#,
            true,
        ),
        (
            r#"{"responseElements":{"credentials":{"accessKeyId":""}}}"#,
            false,
        ),
        (
            r#"{"responseElements":{"credentials":{"sessionToken":"t"}}}"#,
            false,
        ),
        (
            r#"{"responseElements":{"a":{"credentials":{"accessKeyId":"ASIA"}}}}"#,
            false,
        ),
        (
            r#"{"requestParameters":{"credentials":{"accessKeyId":"ASIA"}}}"#,
            false,
        ),
        (
            r#"{"responseElements":"{\"credentials\":{\"accessKeyId\":\"ASIA\"}}"}"#,
            false,
        ),
        (
            r#"{"responseElements":{"credentialSet":[{"credentials":{}}]}}"#,
            true,
        ),
        (r#"{"responseElements":{"credentialSet":[]}}"#, false),
        (
            r#"{"responseElements":null,"responseElements":{"credentialSet":[1]}}"#,
            true,
        ),
        ("{}", false),
    ] {
        let outcome = read(records(&[record]), &STS);
        assert_eq!(
            outcome.reading.tally.handed_on,
            u64::from(wanted),
            "{record}"
        );
        assert_eq!(outcome.reading.tally.records, 1, "{record}");
    }
}

#[test]
fn a_record_full_of_similar_words_is_decided_by_its_own_members() {
    let words = r#""a","Sound","serial","initial","eventSource","credential""#;
    let words = format!("[{}]", [words; 20].join(","));
    for (members, wanted) in [
        (r#""eventSource":"x""#, true),
        (r#""eventSource":"s3","eventSource" : "x""#, true),
        (r#""eventSource":"s3""#, false),
        (
            r#""responseElements":{"credentials":{"accessKeyId":"ASIA"}}"#,
            true,
        ),
        (r#""responseElements":{"credentials":{}}"#, false),
    ] {
        for record in [
            format!(r#"{{"b":{words},{members}}}"#),
            format!(r#"{{{members},"b":{words}}}"#),
        ] {
            let outcome = read(records(&[&record]), &STS);
            assert_eq!(
                outcome.reading.tally.handed_on,
                u64::from(wanted),
                "{record}"
            );
        }
    }
}

#[test]
fn records_that_mention_a_text_are_handed_on() {
    let json = records(&[r#"{"eventID":"1","a":{"b":"ASIA1"}}"#, r#"{"eventID":"2"}"#]);
    assert_eq!(read(&json, &Select::Mentioning(b"ASIA1")).ids(), ["1"]);
    assert_eq!(read(&json, &Select::All).ids(), ["1", "2"]);
}

#[test]
fn the_usual_forms_and_exports_are_read() {
    let (one, two) = (sts("1"), sts("2"));
    for json in [
        format!(r#"{{"Records":[{one},{two}]}}"#),
        format!(" {{ \"Records\" : [ {one} ,\n{two} ] }} \n"),
        format!("\u{feff}{{\"Records\":[{one},{two}]}}"),
        format!(
            r#"{{"a":[{{"Records":[3]}}],"b":"]}}\"","c":-1.5e3,"d":null,"Records":[{one},{two}],"e":{{}}}}"#
        ),
        format!(r#"{{"Records":[{one}],"Records":[{two}]}}"#),
        format!("[{one},{two}]"),
        format!("{one}\n{two}\n"),
        format!("{{ {}\r\n{two}", &one[1..]),
        format!(r#"{{"Records":[{one}]}}{{"Records":[{two}]}}"#),
        format!("[{one}]\n{two}"),
    ] {
        for bytes in [json.as_bytes().to_vec(), pack(json.as_bytes())] {
            let outcome = read(bytes, &STS);
            assert_eq!(outcome.ids(), ["1", "2"], "{json}");
            assert_eq!(outcome.failure(), "", "{json}");
            assert_eq!(outcome.reading.tally.unpacked_bytes, json.len() as u64);
        }
    }
}

#[test]
fn an_object_without_records_in_its_list_is_read() {
    for json in [r#"{"Records":[]}"#, "[]", r#"{"Records": [ ] }"#] {
        let outcome = read(json, &STS);
        assert_eq!(
            (outcome.reading.tally.records, outcome.failure()),
            (0, String::new())
        );
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one line per case")]
fn what_is_no_log_object_says_so() {
    for (json, failure) in [
        ("", "is empty"),
        (" \n", "is empty"),
        ("{}", "has no Records; is it a CloudTrail log object?"),
        (
            r#"{"digestS3Bucket":"b","logFiles":[{}]}"#,
            "has no Records; is it a CloudTrail log object?",
        ),
        (
            r#"{"Records":{}}"#,
            "has an object for Records where a list belongs",
        ),
        (
            r#"{"Records":null}"#,
            "has null for Records where a list belongs",
        ),
        (
            r#""Records""#,
            "holds a text where an object with Records belongs",
        ),
        ("17", "holds a number where an object with Records belongs"),
        (
            "true",
            "holds a boolean where an object with Records belongs",
        ),
        (
            "this is a text",
            "is not JSON at byte 0: found 't' where a log object belongs",
        ),
        (
            "<html>",
            "is not JSON at byte 0: found '<' where a log object belongs",
        ),
        (
            "\0\u{1}",
            r"is not JSON at byte 0: found '\x00' where a log object belongs",
        ),
        (
            r#"{"Records":[]}garbage"#,
            "is not JSON at byte 14: found 'g' where the end, or another log object, belongs",
        ),
        (
            r#"{"Records":[{}{}]}"#,
            "is not JSON at byte 14: found '{' where a comma or the list's end belongs",
        ),
        (
            r#"{"Records":[{},]}"#,
            "is not JSON at byte 15: found ']' where a value belongs",
        ),
        (
            r#"{"Records":[{}}"#,
            "is not JSON at byte 14: found '}' where a comma or the list's end belongs",
        ),
        (
            r#"{"Records" []}"#,
            "is not JSON at byte 11: found '[' where a colon belongs",
        ),
        (
            r"{Records:[]}",
            "is not JSON at byte 1: found 'R' where a name belongs",
        ),
        (
            r#"{"Records":[]]"#,
            "is not JSON at byte 13: found ']' where a comma or the object's end belongs",
        ),
        (
            r#"{"Records":[{"a":1}"#,
            "ends too early, at byte 19; fetch the object again",
        ),
        (
            r#"{"Records":[{},{"a":1"#,
            "ends too early, at byte 21, in record 1; fetch the object again",
        ),
        (
            r#"{"Records":["a"#,
            "ends too early, at byte 14; fetch the object again",
        ),
        (
            r#"{"Records":["a\"#,
            "ends too early, at byte 15; fetch the object again",
        ),
        (
            r#"{"a":{"b":"#,
            "ends too early, at byte 10; fetch the object again",
        ),
    ] {
        let outcome = read(json, &STS);
        assert_eq!(outcome.failure(), failure, "{json:?}");
    }
}

#[test]
fn elements_that_are_no_objects_are_unreadable_records() {
    let json = records(&[
        "null",
        "1",
        r#""{\"a\":}""#,
        "[{},[]]",
        "true",
        &sts("1"),
        "-2.5",
    ]);
    let outcome = read(json, &STS);
    let faults = [
        "0: is null where an object belongs",
        "1: is a number where an object belongs",
        "2: is a text where an object belongs",
        "3: is a list where an object belongs",
        "4: is a boolean where an object belongs",
        "6: is a number where an object belongs",
    ];
    assert_eq!(outcome.faults(), faults);
    assert_eq!(outcome.ids(), ["1"]);
    assert_eq!(outcome.failure(), "");
}

#[test]
fn a_bad_record_costs_itself_alone() {
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    let deep = format!(r#"{{"eventSource":"x","eventID":"deep","a":{deep}}}"#);
    for (bad, fault) in [
        (deep.as_bytes(), "nests deeper than 256 levels"),
        (br#"{"eventSource":"x","a":"\ud800"}"#, "is not valid JSON"),
        (
            br#"{"eventSource":"x","a":"\udc00\ud800"}"#,
            "is not valid JSON",
        ),
        (
            b"{\"eventSource\":\"x\",\"a\":\"\xff\xfe\"}",
            "is not valid JSON",
        ),
        (
            b"{\"eventSource\":\"x\",\"a\":\"\xed\xa0\x80\"}",
            "is not valid JSON",
        ),
        (b"{\"eventSource\":\"x\",\"a\":\"\n\"}", "is not valid JSON"),
        (br#"{"eventSource":"x","a":01}"#, "is not valid JSON"),
        (br#"{"eventSource":"x","a"}"#, "is not valid JSON"),
        (br#"{"eventSource":"x","a":nul}"#, "is not valid JSON"),
        (br#"{"eventSource":"x","a":{]}"#, "is not valid JSON"),
        (br#"{"eventSource":"x","a":1]"#, "is not valid JSON"),
    ] {
        let (first, last) = (sts("first"), sts("last"));
        let json = [
            b"{\"Records\":[",
            first.as_bytes(),
            b",",
            bad,
            b",",
            last.as_bytes(),
            b"]}",
        ]
        .concat();
        let outcome = read(&json, &STS);
        assert_eq!(outcome.ids(), ["first", "last"], "{fault}");
        assert_eq!(outcome.failure(), "");
        let [only] = &outcome.faults()[..] else {
            panic!("{:?}", outcome.faults());
        };
        assert!(only.starts_with(&format!("1: {fault}")), "{only}");
    }
}

#[test]
fn a_record_at_the_depth_limit_is_readable_and_one_beyond_is_not() {
    for (depth, is_readable) in [(255, true), (256, true), (257, false)] {
        let inner = depth - 1;
        let record = format!(
            r#"{{"eventSource":"x","a":{}{}}}"#,
            "[".repeat(inner),
            "]".repeat(inner)
        );
        let outcome = read(records(&[&record]), &STS);
        assert_eq!(
            outcome.reading.tally.handed_on == 1,
            is_readable,
            "{depth}: {:?}",
            outcome.faults()
        );
    }
}

#[test]
fn numbers_of_any_size_are_no_reason_to_refuse_a_record() {
    let record = r#"{"eventSource":"x","eventID":"1","a":[123456789012345678901234567890,-9223372036854775809,1e300]}"#;
    assert_eq!(read(records(&[record]), &STS).ids(), ["1"]);
}

#[test]
fn an_oversized_record_is_passed_by_and_not_kept() {
    let length: u64 = 20 << 20;
    let start = format!(
        "{{\"Records\":[{},{{\"eventSource\":\"x\",\"eventID\":\"big\",\"a\":\"",
        sts("first")
    );
    let end = format!("\",\"eventSource\":\"x\"}},\"{}", "\\\"{".repeat(1000));
    let end = format!("{end}\",{}]}}", sts("last"));
    let source = start
        .as_bytes()
        .chain(io::repeat(b'{').take(length))
        .chain(end.as_bytes());
    let mut reader = LogObjectReader::new(Limits::default());
    let outcome = read_with(&mut reader, source, &STS);
    assert_eq!(outcome.ids(), ["first", "last"]);
    assert_eq!(outcome.failure(), "");
    let faults = [
        "1: is longer than 1048576 bytes; raise the record limit if it is genuine",
        "2: is a text where an object belongs",
    ];
    assert_eq!(outcome.faults(), faults);
    assert!(
        reader.window.capacity() < 5 << 20,
        "{}",
        reader.window.capacity()
    );
}

#[test]
fn the_record_limit_is_exact() {
    let record = sts("1");
    for window_bytes in [64, 4096] {
        for (limit, is_readable) in [(record.len(), true), (record.len() - 1, false)] {
            let limits = Limits {
                record_bytes_max: limit,
                ..Limits::default()
            };
            let mut reader = LogObjectReader::with(limits, Scanner::detect(), window_bytes);
            let outcome = read_with(&mut reader, records(&[&record]).as_bytes(), &STS);
            assert_eq!(outcome.reading.tally.handed_on == 1, is_readable);
        }
    }
}

#[test]
fn a_small_object_that_unpacks_to_much_is_stopped_at_the_limit() {
    let text = [records(&[&sts("1")]).into_bytes(), vec![b' '; 5 << 20]].concat();
    let limits = Limits {
        unpacked_bytes_max: 1 << 20,
        ..Limits::default()
    };
    let mut reader = LogObjectReader::new(limits);
    let outcome = read_with(&mut reader, &pack(&text)[..], &STS);
    assert_eq!(outcome.ids(), ["1"]);
    let failure = "unpacks to more than 1048576 bytes; raise the unpacked limit if it is genuine";
    assert_eq!(outcome.failure(), failure);
    assert_eq!(outcome.reading.tally.unpacked_bytes, 1 << 20);
}

#[test]
fn every_truncation_keeps_the_records_before_it() {
    let all = [
        sts("1"),
        r#"{"eventID":"no","a":[{}]}"#.to_owned(),
        sts("2"),
        sts("3"),
    ];
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let json = records(&all);
    let ends = all
        .iter()
        .map(|record| json.find(record).unwrap() + record.len());
    let ends: Vec<usize> = ends.collect();
    let mut reader = LogObjectReader::with(Limits::default(), Scanner::detect(), 64);
    for cut in 0..json.len() {
        let outcome = read_with(&mut reader, &json.as_bytes()[..cut], &STS);
        let complete = ends.iter().filter(|end| **end <= cut).count() as u64;
        assert_eq!(outcome.reading.tally.records, complete, "cut at {cut}");
        assert!(outcome.reading.failure.is_some(), "cut at {cut}");
    }
    let whole = read_with(&mut reader, json.as_bytes(), &STS);
    assert_eq!(
        (whole.ids(), whole.failure()),
        (vec!["1", "2", "3"], String::new())
    );
}

#[test]
fn an_error_names_the_record_and_its_id_and_nothing_else() {
    let bad = r#"{"eventSource":"x","eventID":"e-1","sessionToken":"SECRET","a":"\ud800"}"#;
    let mut message = String::new();
    let json = records(&["{}", bad]);
    let reading = read_log_object(
        json.as_bytes(),
        &STS,
        &Limits::default(),
        &mut |_, record| {
            message = record.unwrap_err().to_string();
        },
    );
    assert_eq!(reading.tally.unreadable, 1);
    assert!(
        message.starts_with("record 1 (eventID e-1): is not valid JSON at byte "),
        "{message}"
    );
    assert!(!message.contains("SECRET"));
}
