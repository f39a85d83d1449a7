//! The structural scan, and the walk from record to record, against a plain parser: the same records, in the same order, of the
//! same bytes; and whatever the bytes are, the same is told however they come.
#![no_main]

use std::borrow::Cow;
use std::io::Write;

use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;
use trailback_cloudtrail::{Limits, RecordFault, Select, fuzzing, read_log_object};
use trailback_fuzz::choices::Choices;
use trailback_fuzz::fields::{is_secret, shows};
use trailback_fuzz::json::{self, Json};
use trailback_fuzz::seen::{self, Seen};

/// Enough for an input to lie in whole, and soon made.
const WINDOW_BYTES: usize = 8 * 1024;

const SOURCES: &[&str] = &["sts.amazonaws.com", "x"];

fuzz_target!(|text: &[u8]| {
    let mut choices = Choices::of(text);
    let limits = Limits {
        unpacked_bytes_max: choices.one(&[1 << 20, 1 << 20, 500]),
        record_bytes_max: choices.one(&[1 << 20, 1 << 20, 200]),
        depth_max: choices.one(&[256, 256, 1, 7, 70]),
    };
    let needle = choices.stretch(text, 8);
    let issuances = Select::Issuances {
        event_sources: SOURCES,
    };
    for select in [
        Select::All,
        issuances,
        Select::Mentioning(needle),
        Select::Nothing,
    ] {
        let seen = read_plainly(text, &select, limits);
        assert!(text.starts_with(&[0x1f]) || text.starts_with(&seen.text));
        assert_eq!(
            seen,
            read_in_pieces(text, &select, limits, choices),
            "{select:?}"
        );
        choices.yes();
    }
    if let Some(records) = judged(text) {
        check(text, &records, needle);
    }
});

fn read_plainly(text: &[u8], select: &Select<'_>, limits: Limits) -> Seen {
    cut(seen::read(
        &mut fuzzing::reader(limits, false, WINDOW_BYTES),
        text,
        select,
    ))
}

fn read_in_pieces(text: &[u8], select: &Select<'_>, limits: Limits, mut choices: Choices) -> Seen {
    let is_packed = text.starts_with(&[0x1f]);
    // How much comes out before a corrupt place depends on the room there is.
    let window_bytes = match choices.one(&[1, 64, 100, 1_000, 70_000]) {
        _ if is_packed => WINDOW_BYTES,
        window_bytes => window_bytes,
    };
    let mut reader = fuzzing::reader(limits, choices.yes(), window_bytes);
    // A plain text that begins like a packed one would be packed in its own right.
    if choices.below(4) > 0 || is_packed {
        return cut(seen::read(&mut reader, choices.pieces(text), select));
    }
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let packed = packed.write_all(text).and_then(|()| packed.finish());
    cut(seen::read(
        &mut reader,
        choices.pieces(&packed.expect("memory takes everything")),
        select,
    ))
}

/// How much text was unpacked by the time a reading ended depends on how it came, where it ended early.
fn cut(mut seen: Seen) -> Seen {
    if seen.failure.is_some() {
        seen.text.clear();
        seen.tally.unpacked_bytes = 0;
    }
    seen
}

/// The members of the object at the top, with names as they are spelled and values as they stand there.
type Top<'t> = Members<'t>;

struct Members<'t>(Vec<(Cow<'t, str>, &'t RawValue)>);

impl<'de: 't, 't> serde::Deserialize<'de> for Members<'t> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> serde::de::Visitor<'de> for Reader {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut members: A,
            ) -> Result<Members<'de>, A::Error> {
                let mut found = Vec::new();
                while let Some(Name(name)) = members.next_key()? {
                    found.push((name, members.next_value()?));
                }
                Ok(Members(found))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

/// Borrowed where it is spelled without escapes.
#[derive(serde::Deserialize)]
struct Name<'t>(#[serde(borrow)] Cow<'t, str>);

/// The records of a text that is valid JSON and a log object, as a plain parser finds them.
fn judged(text: &[u8]) -> Option<Vec<&str>> {
    let Members(top): Top<'_> = json::read_as(text).ok()?;
    // By such a first member an object is a record by itself.
    let (first, _) = top.first()?;
    if !["Records", "a", "b", ""].contains(&&**first) {
        return None;
    }
    let mut records = Vec::new();
    let mut has_records = false;
    for (name, value) in top {
        if matches!(name, Cow::Borrowed("Records")) {
            has_records = true;
            let elements: Vec<&RawValue> = json::read_as(value.get().as_bytes()).ok()?;
            records.extend(elements.into_iter().map(RawValue::get));
        }
    }
    has_records.then_some(records)
}

/// Holds what is read, whole and selected, against the records that the judge found.
fn check(text: &[u8], records: &[&str], needle: &[u8]) {
    let issuances = Select::Issuances {
        event_sources: SOURCES,
    };
    let all = read(text, &Select::All);
    let mentioning = read(text, &Select::Mentioning(needle));
    let issuances = read(text, &issuances);
    assert_eq!(all.tally.records, records.len() as u64);
    let reading = read_log_object(text, &Select::All, &Limits::default(), &mut |_, _| {});
    assert_eq!(reading.tally, all.tally);
    let mut told = all.told.iter();
    let (mut mentioned, mut issued) = (Vec::new(), Vec::new());
    for (place, record) in (0..).zip(records) {
        let value = json::read(record.as_bytes());
        let next = told.next().expect("every record is told of");
        assert_eq!(next.0, place);
        match (&value, &next.1) {
            (Ok(Json::Object(_)), Ok(told)) => {
                let value = value.as_ref().expect("it is an object");
                let text_of = |name| value.get(name).text();
                let event_id = text_of("eventID").unwrap_or_default();
                assert!(
                    shows(told.event_id.as_deref(), event_id),
                    "{:?} for {event_id:?}",
                    told.event_id
                );
                if record
                    .as_bytes()
                    .windows(needle.len().max(1))
                    .any(|window| window == needle)
                    || needle.is_empty()
                {
                    mentioned.push(place);
                }
                if is_issuance(value) {
                    issued.push(place);
                }
            }
            (Ok(Json::Object(_)), Err(fault)) => {
                let value = value.as_ref().expect("it is an object");
                assert!(
                    value.depth() > 256 && matches!(fault, RecordFault::TooDeep { .. }),
                    "{fault}"
                );
            }
            (Ok(value), told) => assert!(
                matches!(told, Err(RecordFault::NotAnObject { .. })),
                "{value:?}"
            ),
            (Err(error), told) => assert!(told.is_err(), "{error}"),
        }
    }
    assert_eq!(handed_on(&mentioning), mentioned);
    assert_eq!(handed_on(&issuances), issued);
}

fn read(text: &[u8], select: &Select<'_>) -> Seen {
    let seen = seen::read(
        &mut fuzzing::reader(Limits::default(), false, WINDOW_BYTES),
        text,
        select,
    );
    assert_eq!(seen.failure, None);
    assert_eq!(seen.sound_records, seen.tally.records);
    assert!(seen.text == text);
    seen
}

fn handed_on(seen: &Seen) -> Vec<u64> {
    let handed_on = seen.told.iter().filter(|(_, told)| told.is_ok());
    handed_on.map(|(place, _)| *place).collect()
}

/// The rule, with everything parsed.
fn is_issuance(record: &Json) -> bool {
    let response = record.get("responseElements");
    let key = response.get("credentials").get("accessKeyId").text();
    record
        .get("eventSource")
        .text()
        .is_some_and(|source| SOURCES.contains(&source))
        || key.is_some_and(|key| !is_secret(key))
        || matches!(response.get("credentialSet"), Json::List(set) if !set.is_empty())
}
