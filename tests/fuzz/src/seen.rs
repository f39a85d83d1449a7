//! What a reader of log objects said, in a form that can be compared.

use std::io::Read;

use trailback_cloudtrail::{LogObjectReader, ReadTally, Record, RecordFault, Select};

/// All that one reading told.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// For each record told of: its place, and its own fields or what is wrong with it.
    pub told: Vec<(u64, Result<Told, RecordFault>)>,
    /// The counts.
    pub tally: ReadTally,
    /// Why it ended early, in words.
    pub failure: Option<String>,
    /// How many records may be believed.
    pub sound_records: u64,
    /// The unpacked text as it was shown.
    pub text: Vec<u8>,
}

/// What tells records apart.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// `eventID`.
    pub event_id: Option<String>,
    /// `eventSource`.
    pub event_source: Option<String>,
    /// `eventName`.
    pub event_name: Option<String>,
}

impl Told {
    fn of(record: &Record<'_>) -> Told {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Told {
            event_id: owned(record.event_id()),
            event_source: owned(record.event_source()),
            event_name: owned(record.event_name()),
        }
    }
}

/// Reads an object, and checks that the counts balance.
///
/// # Panics
///
/// Where they do not.
pub fn read(reader: &mut LogObjectReader, source: impl Read, select: &Select<'_>) -> Seen {
    let (mut told, mut text) = (Vec::new(), Vec::new());
    let mut on_text = |block: &[u8]| text.extend_from_slice(block);
    let reading = reader.read_watched(source, select, &mut on_text, &mut |place, record| {
        told.push((place, record.map(Told::of).map_err(|error| error.fault)));
    });
    let tally = reading.tally;
    let unreadable = told.iter().filter(|(_, told)| told.is_err()).count() as u64;
    assert_eq!(
        tally.records,
        tally.handed_on + tally.passed_over + tally.unreadable
    );
    assert_eq!(tally.unreadable, unreadable);
    assert_eq!(tally.handed_on + tally.unreadable, told.len() as u64);
    assert_eq!(tally.unpacked_bytes, text.len() as u64);
    assert!(reading.sound_records <= tally.records);
    assert!(told.is_sorted_by(|(a, _), (b, _)| a < b));
    Seen {
        told,
        tally,
        failure: reading.failure.map(|failure| failure.to_string()),
        sound_records: reading.sound_records,
        text,
    }
}
