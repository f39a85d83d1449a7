//! The reader against a parser that reads everything, and every kind of bad input.

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
fn damaged_gzip_keeps_the_records_before_the_damage() {
    let ids: Vec<String> = (0..3000).map(|n| n.to_string()).collect();
    let all: Vec<String> = ids.iter().map(|id| sts(id)).collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let packed = pack(records(&all).as_bytes());
    let outcome = read(&packed[..packed.len() / 2], &STS);
    assert!(
        outcome
            .failure()
            .starts_with("gzip data end too early, after")
    );
    assert!(outcome.ids().len() > 1000, "{}", outcome.ids().len());
    assert_eq!(outcome.ids(), ids[..outcome.ids().len()]);
    assert_eq!(outcome.reading.sound_records, outcome.reading.tally.records);

    let with_garbage = [&packed[..], b"garbage"].concat();
    let outcome = read(with_garbage, &STS);
    assert_eq!(outcome.ids(), ids);
    assert!(
        outcome.failure().ends_with("and something else follows"),
        "{}",
        outcome.failure()
    );

    let not_gzip = read(b"\x1f\x8bthis is not gzip at all", &STS);
    assert!(
        not_gzip
            .failure()
            .starts_with("gzip data are corrupt near byte")
    );
}

/// Flips the bits of a member's checksum, or of its length.
fn with_wrong_trailer(mut member: Vec<u8>, from_end: usize) -> Vec<u8> {
    let at = member.len() - from_end;
    member[at] ^= 0xff;
    member
}

#[test]
fn records_of_a_member_whose_checksum_or_length_is_wrong_are_not_sound() {
    let (sound, corrupt) = (
        records(&[&sts("1"), "null", &sts("2")]),
        records(&[&sts("3"), &sts("4")]),
    );
    for from_end in [8, 1] {
        let corrupt = with_wrong_trailer(pack(corrupt.as_bytes()), from_end);
        for (object, sound_records) in [
            (corrupt.clone(), 0),
            ([pack(sound.as_bytes()), corrupt].concat(), 3),
        ] {
            for select in [STS, Select::Nothing] {
                let outcome = read(&object, &select);
                assert_eq!(outcome.reading.sound_records, sound_records);
                assert_eq!(outcome.reading.tally.records, sound_records + 2);
                assert!(outcome.failure().contains("differs"));
            }
        }
    }
}

#[test]
fn a_record_across_two_members_is_sound_when_both_are() {
    let text = records(&[&sts("1"), &sts("2"), &sts("3")]);
    let (before, behind) = text.as_bytes().split_at(text.find("\"2\"").unwrap());
    let whole = [pack(before), pack(behind)].concat();
    assert_eq!(read(whole, &STS).reading.sound_records, 3);
    let corrupt = [pack(before), with_wrong_trailer(pack(behind), 8)].concat();
    let outcome = read(corrupt, &STS);
    assert_eq!(outcome.reading.sound_records, 1);
    assert_eq!(outcome.ids(), ["1", "2", "3"]);
}

#[test]
fn text_that_is_no_json_because_it_is_corrupt_costs_its_whole_member() {
    let many: Vec<String> = (0..5000).map(|n| sts(&n.to_string())).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let text = format!("{} and more", records(&many));
    let outcome = read(with_wrong_trailer(pack(text.as_bytes()), 8), &STS);
    assert_eq!(
        (outcome.reading.sound_records, outcome.ids().len()),
        (0, 5000)
    );
    assert!(outcome.failure().contains("the checksum differs"));
    // The member is as it was packed: nothing speaks against the records before the words.
    let outcome = read(pack(text.as_bytes()), &STS);
    assert_eq!(outcome.reading.sound_records, 5000);
    assert!(outcome.failure().starts_with("is not JSON"));
}

proptest! {
    /// Members of any size, one of them corrupt: sound is exactly what lies before it.
    #[test]
    fn sound_records_are_those_that_end_before_the_corrupt_member(
        padding in prop::collection::vec(0_usize..400, 1..40),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        corrupt in any::<prop::sample::Index>(),
        window_bytes in 64_usize..2000,
    ) {
        let all: Vec<String> = padding.iter().enumerate()
            .map(|(n, spaces)| format!("{}{}", sts(&n.to_string()), " ".repeat(*spaces)))
            .collect();
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        let text = records(&all);
        let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len())).collect();
        ends.push(text.len());
        ends.sort_unstable();
        let corrupt = corrupt.index(ends.len());
        let (mut packed, mut begin) = (Vec::new(), 0);
        for (member, end) in ends.iter().enumerate() {
            let whole = pack(&text.as_bytes()[begin..*end]);
            packed.extend(if member == corrupt { with_wrong_trailer(whole, 8) } else { whole });
            begin = *end;
        }
        let sound_bytes = corrupt.checked_sub(1).map_or(0, |before| ends[before]);
        let expected = text[..sound_bytes].matches('}').count().min(all.len());
        let mut reader = LogObjectReader::with(Limits::default(), Scanner::detect(), window_bytes);
        let outcome = read_with(&mut reader, &packed[..], &STS);
        prop_assert_eq!(outcome.reading.sound_records, expected as u64);
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

/// A source that gives its bytes in pieces of these lengths.
struct Pieces<'b> {
    bytes: &'b [u8],
    lengths: Vec<usize>,
}

impl Read for Pieces<'_> {
    fn read(&mut self, block: &mut [u8]) -> io::Result<usize> {
        let length = self.lengths.pop().unwrap_or(usize::MAX).min(block.len());
        self.bytes.read(&mut block[..length])
    }
}

/// JSON as people and machines write it: with duplicate members, escapes and white space.
#[derive(Clone, Debug)]
enum Json {
    Word(&'static str),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

const NAMES: [&str; 8] = [
    "eventSource",
    "responseElements",
    "credentials",
    "credentialSet",
    "accessKeyId",
    "eventID",
    "requestParameters",
    "Records",
];

fn texts() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        3 => Just("sts.amazonaws.com".to_owned()),
        2 => Just("x".to_owned()),
        3 => prop::sample::select(&NAMES[..]).prop_map(str::to_owned),
        3 => prop::sample::select(&["\"", "\\", "{", "}", "[", "]", ":", ",", "\\u0053", "\u{1}", "\n", "/"][..])
            .prop_map(str::to_owned),
        1 => prop::sample::select(&["é", "😀", "\u{2028}", "\u{10ffff}"][..]).prop_map(str::to_owned),
        1 => "[a-z]{0,90}",
    ];
    prop_oneof![
        2 => Just("sts.amazonaws.com".to_owned()),
        3 => prop::collection::vec(part, 0..4).prop_map(|parts| parts.concat()),
    ]
}

fn names() -> impl Strategy<Value = String> {
    prop_oneof![4 => prop::sample::select(&NAMES[..]).prop_map(str::to_owned), 1 => texts()]
}

fn values() -> impl Strategy<Value = Json> {
    let words = prop::sample::select(
        &[
            "null",
            "true",
            "false",
            "0",
            "-1",
            "1.5e3",
            "123456789012345678901234567890",
        ][..],
    );
    let leaves = prop_oneof![words.prop_map(Json::Word), texts().prop_map(Json::Text)];
    leaves.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            1 => prop::collection::vec(inner.clone(), 0..4).prop_map(Json::List),
            3 => prop::collection::vec((names(), inner), 0..6).prop_map(Json::Object),
        ]
    })
}

fn log_objects() -> impl Strategy<Value = Json> {
    let record = prop_oneof![
        1 => values(),
        6 => prop::collection::vec((names(), values()), 0..8).prop_map(Json::Object),
    ];
    prop::collection::vec(record, 0..8)
        .prop_map(|records| Json::Object(vec![("Records".to_owned(), Json::List(records))]))
}

/// Writes JSON in a style that each byte of `choices` changes anew.
struct Writer<'c> {
    choices: std::iter::Cycle<std::slice::Iter<'c, u8>>,
    json: String,
}

impl Writer<'_> {
    fn write(value: &Json, choices: &[u8]) -> String {
        let mut writer = Writer {
            choices: choices.iter().cycle(),
            json: String::new(),
        };
        writer.value(value);
        writer.json
    }

    fn choose(&mut self) -> u8 {
        *self.choices.next().unwrap_or(&0)
    }

    fn space(&mut self) {
        let space = match self.choose() {
            0..200 => "",
            200..230 => " ",
            230..250 => "\n\t",
            _ => "                                                                          ",
        };
        self.json.push_str(space);
    }

    fn value(&mut self, value: &Json) {
        match value {
            Json::Word(word) => self.json.push_str(word),
            Json::Text(text) => self.text(text),
            Json::List(elements) => self.sequence('[', elements, ']', Writer::value),
            Json::Object(members) => self.sequence('{', members, '}', |writer, (name, value)| {
                writer.name(name);
                writer.space();
                writer.json.push(':');
                writer.space();
                writer.value(value);
            }),
        }
    }

    fn sequence<T>(&mut self, open: char, items: &[T], close: char, write: impl Fn(&mut Self, &T)) {
        self.json.push(open);
        for (place, item) in items.iter().enumerate() {
            if place > 0 {
                self.json.push(',');
            }
            self.space();
            write(self, item);
            self.space();
        }
        self.json.push(close);
    }

    /// `Records` must be spelled plainly.
    fn name(&mut self, name: &str) {
        match name {
            "Records" => self.json.push_str("\"Records\""),
            _ => self.text(name),
        }
    }

    fn text(&mut self, text: &str) {
        self.json.push('"');
        let style = self.choose();
        for character in text.chars() {
            let must_escape = matches!(character, '"' | '\\' | '\0'..='\x1f');
            if must_escape && style.is_multiple_of(2) && matches!(character, '"' | '\\') {
                self.json.extend(['\\', character]);
            } else if must_escape || (style > 230 && self.choose() > 200) {
                let mut units = [0; 2];
                for unit in character.encode_utf16(&mut units) {
                    self.json.push_str(&format!("\\u{unit:04x}"));
                }
            } else {
                self.json.push(character);
            }
        }
        self.json.push('"');
    }
}

/// What is told of an object by the rule alone, with everything parsed.
fn told_by_the_plain_reader(json: &str) -> Told {
    let object: Value = serde_json::from_str(json).unwrap();
    let mut told = Told::new();
    for (place, record) in object["Records"].as_array().unwrap().iter().enumerate() {
        let place = place as u64;
        let text_in =
            |value: &Value, name| value.get(name).and_then(Value::as_str).map(str::to_owned);
        if !record.is_object() {
            let found = match record {
                Value::Null => "null",
                Value::Bool(_) => "a boolean",
                Value::Number(_) => "a number",
                Value::String(_) => "a text",
                _ => "a list",
            };
            told.push((place, Err(RecordFault::NotAnObject { found })));
            continue;
        }
        let source = text_in(record, "eventSource");
        let response = &record["responseElements"];
        let issued = response
            .get("credentials")
            .and_then(|credentials| text_in(credentials, "accessKeyId"))
            .is_some_and(|text| !text.is_empty());
        let set = response.get("credentialSet").and_then(Value::as_array);
        let is_set = set.is_some_and(|set| !set.is_empty());
        if source.is_some_and(|name| name == "x" || name == "sts.amazonaws.com") || issued || is_set
        {
            told.push((
                place,
                Ok(text_in(record, "eventID").filter(|text| !text.is_empty())),
            ));
        }
    }
    told
}

proptest! {
    #[test]
    fn the_reader_tells_what_the_plain_reader_tells(
        object in log_objects(),
        choices in prop::collection::vec(any::<u8>(), 1..50),
        lengths in prop::collection::vec(1_usize..100, 0..200),
        window_bytes in prop_oneof![Just(64_usize), 64_usize..600, Just(1 << 16)],
        is_packed in any::<bool>(),
        portable in any::<bool>(),
    ) {
        let json = Writer::write(&object, &choices);
        let bytes = if is_packed { pack(json.as_bytes()) } else { json.as_bytes().to_vec() };
        let scanner = if portable { Scanner::Portable } else { Scanner::detect() };
        let mut reader = LogObjectReader::with(Limits::default(), scanner, window_bytes);
        let outcome = read_with(&mut reader, Pieces { bytes: &bytes, lengths }, &STS);
        prop_assert_eq!(outcome.failure(), "");
        prop_assert_eq!(&outcome.told, &told_by_the_plain_reader(&json), "{}", json);
        prop_assert_eq!(String::from_utf8_lossy(&outcome.text), json);
    }

    #[test]
    fn any_change_of_a_byte_ends_in_peace(
        object in log_objects(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut json = Writer::write(&object, &[0]).into_bytes();
        for (place, byte) in changes {
            let place = place.index(json.len());
            json[place] = byte;
        }
        let mut reader = LogObjectReader::with(Limits::default(), Scanner::detect(), 128);
        let all = read_with(&mut reader, &json[..], &Select::All);
        let some = read_with(&mut reader, &json[..], &STS);
        prop_assert_eq!(all.reading.tally.records, some.reading.tally.records);
        prop_assert_eq!(all.failure(), some.failure());
    }
}
