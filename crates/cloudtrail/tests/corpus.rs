//! Real captures that nobody here wrote: every record of them is read.

#![expect(
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "tests, and what they are made of"
)]

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use trailback_cloudtrail::object_key::classify;
use trailback_cloudtrail::{Limits, LogObjectReader, ObjectKind, Reading, Record, Select};

/// The corpus lies beside the workspace, where it is present at all.
fn log_objects() -> Option<Vec<PathBuf>> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    if !corpus.is_dir() {
        eprintln!("skipped: there is no corpus at {}", corpus.display());
        return None;
    }
    let mut files = Vec::new();
    let mut folders = vec![corpus];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path)
            } else {
                files.push(path)
            }
        }
    }
    files.retain(|path| !matches!(classify(&path.to_string_lossy()), ObjectKind::NotALog));
    files.sort();
    Some(files)
}

fn read(path: &Path, select: &Select<'_>, mut look_at: impl FnMut(&Record<'_>)) -> Reading {
    let file = File::open(path).unwrap();
    LogObjectReader::new(Limits::default()).read(file, select, &mut |_, record| {
        look_at(record.unwrap_or_else(|error| panic!("{}: {error}", path.display())));
    })
}

#[test]
fn every_record_of_the_corpus_is_read() {
    let Some(files) = log_objects() else { return };
    let (mut records, mut complete) = (0, 0);
    for path in &files {
        let reading = read(path, &Select::All, |record| {
            complete += u64::from(record.event_id().is_some() && record.event_time().is_some());
        });
        assert!(
            reading.failure.is_none(),
            "{}: {:?}",
            path.display(),
            reading.failure
        );
        assert_eq!(
            reading.tally.records,
            reading.tally.handed_on,
            "{}",
            path.display()
        );
        records += reading.tally.records;
    }
    assert!(
        files.len() > 50 && records > 4000,
        "{} files, {records} records",
        files.len()
    );
    assert!(
        complete > records * 8 / 10,
        "{complete} of {records} have an ID and a time"
    );
}

#[test]
fn issuances_of_the_corpus_are_those_that_a_full_parse_finds() {
    const EVENT_SOURCES: [&str; 2] = ["sts.amazonaws.com", "signin.amazonaws.com"];
    let Some(files) = log_objects() else { return };
    let mut all = 0;
    for path in &files {
        let mut expected = 0;
        let _ = read(path, &Select::All, |record| {
            let response = record.response_elements();
            let is_one = record
                .event_source()
                .is_some_and(|name| EVENT_SOURCES.contains(&name))
                || response.object("credentials").text("accessKeyId").is_some();
            expected += u64::from(is_one);
        });
        let select = Select::Issuances {
            event_sources: &EVENT_SOURCES,
        };
        let tally = read(path, &select, |_| {}).tally;
        assert_eq!(tally.handed_on, expected, "{}", path.display());
        assert_eq!(
            tally.records,
            tally.handed_on + tally.passed_over + tally.unreadable
        );
        all += expected;
    }
    assert!(all > 60, "{all} issuances");
}
