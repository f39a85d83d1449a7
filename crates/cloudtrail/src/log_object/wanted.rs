//! Which records are wanted: a quick no from the bytes, the answer from the parsed members.

use memchr::memmem;

use super::Select;
use crate::record::Record;
use crate::scan::{PAIRS, PairPlaces, ValueScan};

/// [`Select`], made ready for the two questions that are asked of a record.
pub(super) enum Wanted<'s> {
    Issuances(Box<Issuances<'s>>),
    Mentioning(Box<memmem::Finder<'s>>),
    All,
    Nothing,
}

/// What tells, from its bytes alone, that a record cannot be an issuance: nowhere in it, its own or nested, an
/// `eventSource` with one of the values, nowhere a name that begins with `credential`. All these words are plain
/// letters and dots, so they stand in the bytes as they are, unless as escapes (`\u0073`), which are looked for too.
pub(super) struct Issuances<'s> {
    event_sources: &'s [&'s str],
    starts: Vec<Start>,
    event_source: memmem::Finder<'static>,
    credential: memmem::Finder<'static>,
}

const EVENT_SOURCE: &[u8] = b"\"eventSource\"";
const CREDENTIAL: &[u8] = b"\"credential";

/// Where in these names the scanner's pairs of letters stand.
const PAIRS_AT: [usize; 2] = [6, 8];
const _: () = {
    assert!(
        EVENT_SOURCE[PAIRS_AT[0]] == PAIRS[0][0] && EVENT_SOURCE[PAIRS_AT[0] + 2] == PAIRS[0][1]
    );
    assert!(CREDENTIAL[PAIRS_AT[1]] == PAIRS[1][0] && CREDENTIAL[PAIRS_AT[1] + 2] == PAIRS[1][1]);
};

/// The first eight bytes of an event source and the quote behind it, of which fewer may count.
struct Start {
    bytes: u64,
    count: u64,
}

impl<'s> Wanted<'s> {
    pub(super) fn new(select: &Select<'s>) -> Wanted<'s> {
        match *select {
            Select::Issuances { event_sources } => {
                Wanted::Issuances(Box::new(Issuances::new(event_sources)))
            }
            Select::Mentioning(text) => Wanted::Mentioning(Box::new(memmem::Finder::new(text))),
            Select::All => Wanted::All,
            Select::Nothing => Wanted::Nothing,
        }
    }

    /// Whether the record may be wanted; no is certain.
    pub(super) fn may_be(&self, json: &[u8], scan: &ValueScan) -> bool {
        match self {
            Wanted::Issuances(issuances) => {
                issuances.may_be(json, scan.pairs())
                    || (scan.may_have_backslashes() && escapes_plain_characters(json))
            }
            Wanted::Mentioning(text) => text.find(json).is_some(),
            Wanted::All => true,
            Wanted::Nothing => false,
        }
    }

    /// Whether the record that [`may_be`](Self::may_be) wanted is.
    pub(super) fn is(&self, record: &Record<'_>) -> bool {
        match self {
            Wanted::Issuances(issuances) => {
                let is_one = |name| issuances.event_sources.contains(&name);
                record.event_source().is_some_and(is_one) || holds_credentials(record)
            }
            Wanted::Mentioning(_) | Wanted::All => true,
            Wanted::Nothing => false,
        }
    }
}

/// Whether the response hands out credentials. IAM Roles Anywhere answers with a list of them.
fn holds_credentials(record: &Record<'_>) -> bool {
    let response = record.response_elements();
    response.object("credentials").text("accessKeyId").is_some()
        || response.list("credentialSet").next().is_some()
}

impl<'s> Issuances<'s> {
    fn new(event_sources: &'s [&'s str]) -> Issuances<'s> {
        Issuances {
            event_sources,
            starts: event_sources.iter().map(|name| Start::of(name)).collect(),
            event_source: memmem::Finder::new(EVENT_SOURCE),
            credential: memmem::Finder::new(CREDENTIAL),
        }
    }

    fn may_be(&self, json: &[u8], pairs: &PairPlaces) -> bool {
        if let Some(places) = pairs.get() {
            return places.iter().any(|place| self.is_telling_at(json, *place));
        }
        let mut behind_names = self
            .event_source
            .find_iter(json)
            .map(|at| &json[at + EVENT_SOURCE.len()..]);
        behind_names.any(|behind| self.is_one_of_them(behind))
            || self.credential.find(json).is_some()
    }

    /// Whether the pair of letters at `place` belongs to a name that tells of an issuance.
    fn is_telling_at(&self, json: &[u8], place: usize) -> bool {
        let from = |before: usize| place.checked_sub(before).and_then(|at| json.get(at..));
        let behind_name = from(PAIRS_AT[0]).and_then(|text| text.strip_prefix(EVENT_SOURCE));
        behind_name.is_some_and(|behind| self.is_one_of_them(behind))
            || from(PAIRS_AT[1]).is_some_and(|text| text.starts_with(CREDENTIAL))
    }

    /// Whether what stands behind a name is one of the event sources.
    fn is_one_of_them(&self, behind_name: &[u8]) -> bool {
        let value = behind_name
            .trim_ascii_start()
            .strip_prefix(b":")
            .unwrap_or_default();
        let text = value
            .trim_ascii_start()
            .strip_prefix(b"\"")
            .unwrap_or_default();
        let first = first_eight(text);
        self.starts
            .iter()
            .zip(self.event_sources)
            .any(|(start, name)| {
                first & start.count == start.bytes
                    && text
                        .strip_prefix(name.as_bytes())
                        .is_some_and(|rest| rest.starts_with(b"\""))
            })
    }
}

/// Whether `json` spells a letter, digit or dot as an escape. Only `\u00XX` can: the short escapes stand for control
/// characters, quotes, slashes and backslashes.
fn escapes_plain_characters(json: &[u8]) -> bool {
    const ESCAPE: &[u8] = b"\\u00";
    memmem::find_iter(json, ESCAPE)
        .any(|at| matches!(json.get(at + ESCAPE.len()), Some(b'2'..=b'7')))
}

impl Start {
    fn of(name: &str) -> Start {
        let mut text = name.as_bytes().to_vec();
        text.push(b'"');
        let count = first_eight(&vec![0xff; text.len()]);
        Start {
            bytes: first_eight(&text),
            count,
        }
    }
}

/// The first eight bytes, zeros where there are fewer.
fn first_eight(text: &[u8]) -> u64 {
    if let Some(bytes) = text.first_chunk() {
        return u64::from_le_bytes(*bytes);
    }
    let mut bytes = [0; 8];
    bytes[..text.len()].copy_from_slice(text);
    u64::from_le_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_characters_can_only_be_escaped_by_number() {
        for (json, expected) in [
            (r"\u0073", true),
            (r"\u002E", true),
            (r"\u00e9\u0041", true),
            (r"\u00e9", false),
            (r"\u0009", false),
            (r"\u003", true),
            (r"\u00", false),
            (r"\n\\\/", false),
        ] {
            assert_eq!(
                escapes_plain_characters(json.as_bytes()),
                expected,
                "{json}"
            );
        }
    }

    #[test]
    fn event_sources_of_any_length_are_told_apart() {
        let issuances = Issuances::new(&["", "x", "sts.amazonaws.com", "sts.amaz"]);
        for (behind_name, expected) in [
            (r#":"sts.amazonaws.com","#, true),
            (" :\n\t\"sts.amaz\"", true),
            (r#":"""#, true),
            (r#":"x"}"#, true),
            (r#":"x"#, false),
            (r#":"xy"}"#, false),
            (r#":"sts.amazonaws.co"}"#, false),
            (r#":"sts.amazon"}"#, false),
            (r#":["x"]"#, false),
            (r#","x""#, false),
            ("", false),
        ] {
            assert_eq!(
                issuances.is_one_of_them(behind_name.as_bytes()),
                expected,
                "{behind_name}"
            );
        }
    }
}
