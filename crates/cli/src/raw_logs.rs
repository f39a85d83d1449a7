//! `trace --logs`: searches raw log objects for calls made with a subject's credentials.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use trailback_cloudtrail::object_key::{self, ObjectKind};
use trailback_cloudtrail::{Limits, LogObjectReader, Select};
use trailback_pipeline::find::TimeRange;
use trailback_sessions::{Issuance, Subject, Text, Timestamp, observe};
use walkdir::WalkDir;

use crate::output;
use crate::render::text::safe;

/// One call for each session whose credentials the subject names, the earliest in the logs.
///
/// A key may recur and a name always does, so there may be several. What cannot be read is named on standard error
/// and passed over.
pub(crate) fn uses(paths: &[PathBuf], subject: &Subject, range: &TimeRange) -> Vec<Issuance> {
    let objects: Vec<LogObject> = paths.iter().flat_map(|path| log_objects(path)).collect();
    let next = AtomicUsize::new(0);
    let found = Mutex::new(BySession::new());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads.min(objects.len()) {
            scope.spawn(|| {
                let mut reader = LogObjectReader::new(Limits::default());
                while let Some(object) = objects.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let uses = object.search(&mut reader, subject, range);
                    let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                    uses.into_iter().for_each(|row| keep_earliest(&mut found, row));
                }
            });
        }
    });
    found.into_inner().unwrap_or_else(PoisonError::into_inner).into_values().collect()
}

/// The earliest call of each session, by its principal and creation.
type BySession = BTreeMap<(Option<Text>, Option<Timestamp>), Issuance>;

fn keep_earliest(found: &mut BySession, row: Issuance) {
    let caller = &row.caller;
    let session = (caller.caller_principal_id.clone(), caller.caller_session_created_at);
    let place = |row: &Issuance| (row.record.event_time, row.record.event_id.clone());
    match found.get_mut(&session) {
        Some(earliest) if place(earliest) <= place(&row) => {}
        Some(earliest) => *earliest = row,
        None => {
            found.insert(session, row);
        }
    }
}

/// A file to search, and how it is named.
struct LogObject {
    name: String,
    path: PathBuf,
}

/// The log objects in a folder, or the file itself. Digests and the like hold no records.
fn log_objects(path: &Path) -> Vec<LogObject> {
    if path.is_file() {
        return vec![LogObject { name: path.display().to_string(), path: path.to_owned() }];
    }
    let mut objects = Vec::new();
    for entry in WalkDir::new(path).follow_links(true).sort_by_file_name() {
        match entry {
            Ok(entry) if entry.file_type().is_file() => {
                let name = entry.path().strip_prefix(path).unwrap_or(entry.path()).display().to_string();
                if may_hold_records(&name) {
                    objects.push(LogObject { name, path: entry.into_path() });
                }
            }
            Ok(_) => {}
            Err(failure) => output::tell(&format!("unreadable: {}", safe(&failure.to_string()))),
        }
    }
    objects
}

fn may_hold_records(name: &str) -> bool {
    match object_key::classify(name) {
        ObjectKind::LogObject(_) => true,
        ObjectKind::Other => name.to_ascii_lowercase().contains(".json"),
        _ => false,
    }
}

impl LogObject {
    fn search(&self, reader: &mut LogObjectReader, subject: &Subject, range: &TimeRange) -> Vec<Issuance> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(cause) => {
                output::tell(&format!("unreadable: {}: {cause}", safe(&self.name)));
                return Vec::new();
            }
        };
        let mut uses = Vec::new();
        let select = Select::Mentioning(subject.text().as_bytes());
        let reading = reader.read(file, &select, &mut |_, record| {
            let Some(mut row) = record.ok().and_then(|record| observe(record).ok()) else { return };
            if is_use(subject, &row) && holds(range, row.record.event_time) {
                row.log_objects = vec![Text::from(self.name.as_str())];
                uses.push(row);
            }
        });
        if let Some(failure) = reading.failure {
            output::tell(&format!("unreadable: {}: {}", safe(&self.name), safe(&failure.to_string())));
        }
        uses
    }
}

/// Whether the call was made with the subject's credentials, or is the record itself.
fn is_use(subject: &Subject, row: &Issuance) -> bool {
    let caller = &row.caller;
    let is = |field: &Option<Text>, text: &Text| field.as_ref() == Some(text);
    match subject {
        Subject::AccessKeyId(id) => is(&caller.caller_access_key_id, id),
        Subject::SessionArn(arn) | Subject::UserArn(arn) => is(&caller.caller_arn, arn),
        Subject::RoleArn(arn) => is(&caller.caller_session_issuer_arn, arn),
        Subject::PrincipalId(id) => caller.caller_principal_id.as_ref().is_some_and(|principal| {
            principal == id || principal.strip_prefix(&**id).is_some_and(|rest| rest.starts_with(':'))
        }),
        Subject::EventId(id) => row.record.event_id == *id,
    }
}

fn holds(range: &TimeRange, moment: Timestamp) -> bool {
    range.since.is_none_or(|since| since <= moment) && range.until.is_none_or(|until| moment < until)
}
