//! Extraction over real captures, where they are at hand (`shared/corpus` beside the workspace).

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::Value;
use trailback_cloudtrail::Record;
use trailback_sessions::{
    CallerFacts, Issuance, Outcome, SessionType, Unreadable, caller_facts, extract, observe,
};

/// A folder of captures; `None`, with a word on standard error, where it is not here.
fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared")
        .join(name);
    if path.exists() {
        return Some(path);
    }
    #[expect(clippy::print_stderr, reason = "who runs the tests should know")]
    {
        eprintln!("skipped: shared/{name} is not beside the workspace");
    }
    None
}

/// The text of a log object, packed or not.
fn text_of(path: &Path) -> String {
    let bytes = fs::read(path).unwrap();
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return String::from_utf8(bytes).unwrap();
    }
    let mut text = String::new();
    #[expect(clippy::disallowed_types, reason = "the corpus is no hostile input")]
    flate2::read::MultiGzDecoder::new(&*bytes)
        .read_to_string(&mut text)
        .unwrap();
    text
}

/// The records of a file, or of all files of a folder.
fn records_of(path: &Path) -> Vec<Value> {
    if path.is_dir() {
        let mut files: Vec<PathBuf> = fs::read_dir(path)
            .unwrap()
            .map(|file| file.unwrap().path())
            .collect();
        files.sort();
        return files.iter().flat_map(|file| records_of(file)).collect();
    }
    let mut log_object: Value = serde_json::from_str(&text_of(path)).unwrap();
    let Value::Array(records) = log_object["Records"].take() else {
        panic!("{} has no Records", path.display());
    };
    records
}

fn reading<T>(record: &Value, read: impl FnOnce(&Record<'_>) -> T) -> T {
    let mut json = serde_json::to_vec(record).unwrap();
    read(&Record::parse(&mut json).unwrap())
}

/// The rows of a capture, and why records of issuing calls are none.
fn extracted(records: &[Value]) -> (Vec<Issuance>, Vec<Unreadable>) {
    let (mut rows, mut unreadable) = (Vec::new(), Vec::new());
    for record in records {
        match reading(record, extract) {
            Ok(Some(row)) => rows.push(row),
            Ok(None) => {}
            Err(reason) => unreadable.push(reason),
        }
    }
    (rows, unreadable)
}

/// How many rows there are of each `eventName` and outcome.
fn tally(rows: &[Issuance]) -> BTreeMap<(&str, Outcome), usize> {
    let mut tally = BTreeMap::new();
    for row in rows {
        *tally
            .entry((
                row.record.event_name.as_deref().unwrap(),
                row.record.outcome,
            ))
            .or_default() += 1;
    }
    tally
}

/// Asserts that every use of an issued key names the session as its issuance does; gives the number of such uses.
fn assert_uses_agree(rows: &[Issuance], records: &[Value]) -> usize {
    let by_key: BTreeMap<&str, &Issuance> = rows
        .iter()
        .filter(|row| row.record.outcome == Outcome::Issued)
        .filter_map(|row| Some((row.session.access_key_id.as_deref()?, row)))
        .collect();
    let mut uses = 0;
    for record in records {
        let caller: CallerFacts = reading(record, caller_facts);
        let Some(row) = caller
            .caller_access_key_id
            .as_deref()
            .and_then(|key| by_key.get(key))
        else {
            continue;
        };
        uses += 1;
        let id = &record["eventID"];
        assert_eq!(row.session.session_arn, caller.caller_arn, "{id}");
        assert_eq!(
            caller.caller_session_created_at,
            Some(row.record.event_time),
            "{id}"
        );
        if row.session.session_principal_id.is_some() {
            assert_eq!(
                row.session.session_principal_id, caller.caller_principal_id,
                "{id}"
            );
        }
        if row.session.role_arn.is_some() {
            assert_eq!(
                row.session.role_arn, caller.caller_session_issuer_arn,
                "{id}"
            );
        }
    }
    uses
}

#[test]
fn the_invictus_capture_gives_its_known_rows() {
    let Some(folder) = shared("corpus/invictus-ir+aws_dataset/CloudTrail") else {
        return;
    };
    let records = records_of(&folder);
    assert_eq!(records.len(), 2900);
    let (rows, unreadable) = extracted(&records);
    assert_eq!(unreadable, []);
    let expected = [
        (("AssumeRole", Outcome::Issued), 36),
        (("AssumeRole", Outcome::Failed), 13),
        (("ConsoleLogin", Outcome::Issued), 2),
    ];
    assert_eq!(tally(&rows), BTreeMap::from(expected));

    let refused = rows
        .iter()
        .filter(|row| row.record.outcome == Outcome::Failed);
    for row in refused {
        assert!(row.session.role_name.is_some(), "{row:?}");
        assert_eq!(
            (&row.session.access_key_id, row.mfa.session_mfa),
            (&None, None)
        );
    }
    let assumed = |row: &&Issuance| {
        row.session.session_type == SessionType::AssumedRole
            && row.record.outcome == Outcome::Issued
    };
    for row in rows.iter().filter(assumed) {
        let session = &row.session;
        assert!(
            session.access_key_id.is_some() && session.session_arn.is_some(),
            "{row:?}"
        );
        assert!(session.expires_at > Some(row.record.event_time), "{row:?}");
    }
    let restricted: Vec<_> = rows
        .iter()
        .filter(|row| row.policy.session_policy.is_some())
        .collect();
    assert_eq!(restricted.len(), 10);
    for row in restricted {
        assert_eq!(
            row.caller.caller_invoked_by.as_deref(),
            Some("rds.amazonaws.com")
        );
        assert_ne!(
            row.policy.session_policy_sha256,
            row.policy.session_policy_raw_sha256
        );
        assert!(row.policy.session_scope_sha256.is_some());
    }
    assert_eq!(assert_uses_agree(&rows, &records), 70);
}

#[test]
fn the_stratus_capture_gives_its_known_rows() {
    let Some(path) = shared("corpus/DataDog+stratus-red-team.json.gz") else {
        return;
    };
    let records = records_of(&path);
    let (rows, unreadable) = extracted(&records);
    assert_eq!(unreadable, [Unreadable::EventId, Unreadable::EventId]);
    println!(
        "@@ {:?} {}",
        tally(&rows),
        assert_uses_agree(&rows, &records)
    );
}

#[test]
fn every_issuing_record_of_the_captures_is_a_row_or_has_a_reason() {
    // File, rows, records without ID, records without a time that can be read.
    for (name, rows_expected, no_id, no_time) in [
        ("DataDog+stratus-red-team.json.gz", 28, 2, 0),
        // A shipper moved `eventTime` to `@timestamp`.
        ("OTRF+Security-Datasets.json.gz", 0, 0, 5),
        // Written by hand, some with times in the format of a table.
        ("panther-labs+panther-analysis.json.gz", 37, 14, 7),
        ("splunk+security_content.json.gz", 2, 0, 0),
    ] {
        let Some(path) = shared(&format!("corpus/{name}")) else {
            return;
        };
        let (rows, unreadable) = extracted(&records_of(&path));
        let without_id = unreadable
            .iter()
            .filter(|reason| **reason == Unreadable::EventId)
            .count();
        let counts = (rows.len(), without_id, unreadable.len() - without_id);
        assert_eq!(counts, (rows_expected, no_id, no_time), "{name}");
    }
}

#[test]
fn the_example_of_each_shape_gives_its_row() {
    let Some(path) = shared("facts/examples.json") else {
        return;
    };
    let records = records_of(&path);
    let read: Vec<String> = records
        .iter()
        .map(|record| match reading(record, extract) {
            Ok(Some(row)) => format!("{:?}", row.session.session_type),
            Ok(None) => String::from("-"),
            Err(reason) => reason.to_string(),
        })
        .collect();
    let expected = [
        "AssumedRole",
        "AssumedRole",
        "AssumedRole",
        "AssumedRole",
        "AssumedRole",
        "-",
        "-",
        "-",
        "-",
        "-",
        "AssumedRole",
        "AssumedRole",
        "AssumedRole",
        "AssumedRole",
        "FederatedUser",
        "-",
        "AssumedRole",
        "AssumedRole",
        "AssumedRole",
        "Console",
        "Console",
        "Witness",
        "record has no eventID",
        "-",
        "WebIdentity",
        "AssumedRole",
        "AssumedRole",
    ];
    assert_eq!(read, expected);
}

#[test]
fn no_session_token_of_any_capture_reaches_a_row() {
    let Some(corpus) = shared("corpus") else {
        return;
    };
    let mut files: Vec<PathBuf> = fs::read_dir(corpus)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "gz"));
    files.extend(shared("corpus/invictus-ir+aws_dataset/CloudTrail"));
    files.extend(shared("facts/examples.json"));
    let mut tokens = 0;
    for record in files.iter().flat_map(|file| records_of(file)) {
        let Some(token) = record
            .pointer("/responseElements/credentials/sessionToken")
            .and_then(Value::as_str)
        else {
            continue;
        };
        // Samples written by hand say "1111" for everything.
        if token.len() < 20 {
            continue;
        }
        tokens += 1;
        for row in [
            reading(&record, extract),
            reading(&record, observe).map(Some),
        ] {
            assert!(!format!("{row:?}").contains(token), "{}", record["eventID"]);
        }
    }
    assert!(tokens >= 60, "{tokens}");
}
