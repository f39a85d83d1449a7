//! Which files are log objects, and in which order they are read.

use std::io;
use std::path::{Path, PathBuf};

use trailback_cloudtrail::Timestamp;
use trailback_cloudtrail::object_key::{ObjectKind, classify};
use walkdir::{DirEntry, WalkDir};

use super::ExtractError;
use crate::lake::MARKER_KEY;
use crate::tally::{ObjectTally, Problem};

/// A file to read.
#[derive(Debug)]
pub(super) struct LogObject {
    /// When CloudTrail delivered it, by its name.
    delivered_at: Option<Timestamp>,
    /// How rows name it.
    pub(super) name: Box<str>,
    /// Where it lies.
    pub(super) path: PathBuf,
    /// Its size.
    pub(super) size_bytes: u64,
}

/// What lies under some paths.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// What to read, in the order of delivery: records of one hour stay together.
    pub(super) log_objects: Vec<LogObject>,
    /// What else there was.
    pub(super) tally: ObjectTally,
    /// What could not even be looked at.
    pub(super) problems: Vec<Problem>,
}

/// Finds the log objects under folders, and the given files.
pub(super) fn find(paths: &[PathBuf]) -> Result<Found, ExtractError> {
    let mut found = Found::default();
    for path in paths {
        let cannot_read = |cause| ExtractError::Path {
            path: path.display().to_string(),
            cause,
        };
        if std::fs::metadata(path).map_err(cannot_read)?.is_dir() {
            // An unreadable folder below costs itself, but the one that was asked for must be there.
            std::fs::read_dir(path).map_err(cannot_read)?;
            found.walk(path);
        } else {
            found.add_given(path).map_err(cannot_read)?;
        }
    }
    found.log_objects.sort_by(|left, right| {
        let place = |object: &LogObject| {
            (
                object.delivered_at,
                object.name.clone(),
                object.path.clone(),
            )
        };
        place(left).cmp(&place(right))
    });
    Ok(found)
}

impl Found {
    fn walk(&mut self, folder: &Path) {
        let entries = WalkDir::new(folder).follow_links(true).into_iter();
        for entry in entries.filter_entry(|entry| !is_lake(entry)) {
            match entry {
                Ok(entry) if entry.file_type().is_file() => {
                    let name = name_below(folder, entry.path());
                    let size = entry
                        .metadata()
                        .map(|found| found.len())
                        .unwrap_or_default();
                    self.add(name, entry.into_path(), size, false);
                }
                Ok(_) => {}
                Err(failure) => self.fail(folder, &failure),
            }
        }
    }

    /// A file that somebody names is meant, whatever its name is.
    fn add_given(&mut self, path: &Path) -> io::Result<()> {
        let size = std::fs::metadata(path)?.len();
        let name = path
            .file_name()
            .unwrap_or(path.as_os_str())
            .to_string_lossy()
            .into_owned();
        self.add(name, path.to_owned(), size, true);
        Ok(())
    }

    fn add(&mut self, name: String, path: PathBuf, size_bytes: u64, is_given: bool) {
        self.tally.found += 1;
        let mut delivered_at = None;
        let skipped = &mut self.tally.skipped;
        let skipped = match classify(&name) {
            ObjectKind::LogObject(log_object) => {
                delivered_at = log_object.delivered_at;
                None
            }
            ObjectKind::Digest => Some(&mut skipped.digests),
            ObjectKind::Insights => Some(&mut skipped.insights),
            ObjectKind::NetworkActivity => Some(&mut skipped.network_activity),
            ObjectKind::Aggregated => Some(&mut skipped.aggregated),
            ObjectKind::OtherJson => None,
            ObjectKind::NotALog if is_given => None,
            ObjectKind::NotALog => Some(&mut skipped.other),
        };
        match skipped {
            Some(count) => *count += 1,
            None => {
                let name = name.into_boxed_str();
                self.log_objects.push(LogObject {
                    delivered_at,
                    name,
                    path,
                    size_bytes,
                });
            }
        }
    }

    fn fail(&mut self, folder: &Path, failure: &walkdir::Error) {
        self.tally.found += 1;
        self.tally.failed += 1;
        let log_object = failure
            .path()
            .map(|path| name_below(folder, path))
            .unwrap_or_default();
        let reason = match failure.io_error() {
            Some(cause) => format!("cannot be read: {cause}"),
            None => "is a link to a folder above it".to_owned(),
        };
        let problem = Problem {
            log_object,
            failure: Some(reason),
            records: Vec::new(),
            more_records: 0,
        };
        self.problems.push(problem);
    }
}

/// A lake within the ingested folder is not input.
fn is_lake(entry: &DirEntry) -> bool {
    entry.file_type().is_dir() && entry.path().join(MARKER_KEY).is_file()
}

/// The path below the ingested folder, with `/` on every system; the folder itself by its own name.
fn name_below(folder: &Path, path: &Path) -> String {
    let below = path.strip_prefix(folder).unwrap_or(path);
    let parts: Vec<_> = below.iter().map(|part| part.to_string_lossy()).collect();
    if parts.is_empty() {
        folder.display().to_string()
    } else {
        parts.join("/")
    }
}
