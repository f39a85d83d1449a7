//! Finds log objects in folders.

use std::io;
use std::path::{Path, PathBuf};

use trailback_sessions::Text;
use trailback_tables::ledger::LogObjectKind;
use walkdir::{DirEntry, WalkDir};

use super::{DeliveryDays, LogObject, LogObjects, Place, SkippedKind};
use crate::lake::MARKER_KEY;

/// A path that was given does not exist or cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {path}")]
pub struct PathError {
    path: String,
    #[source]
    cause: io::Error,
}

/// Everything under the given paths, folders or single files, in the order of delivery.
///
/// Rows name a log object by its path below the given folder, or by its file name where a file was given. A file that
/// is given is read whatever its name is. What lies below and cannot be looked at is an object that fails.
///
/// # Errors
///
/// When a given path cannot be read at all.
pub async fn find(paths: &[PathBuf]) -> Result<LogObjects, PathError> {
    find_delivered(paths, DeliveryDays::default()).await
}

/// As [`find`], without what was delivered at another time, as far as names tell.
///
/// # Errors
///
/// As [`find`].
pub async fn find_delivered(
    paths: &[PathBuf],
    days: DeliveryDays,
) -> Result<LogObjects, PathError> {
    let paths = paths.to_vec();
    let found = tokio::task::spawn_blocking(move || find_blocking(&paths)).await;
    let found = found.unwrap_or_else(|stopped| {
        Err(PathError {
            path: "the given paths".to_owned(),
            cause: io::Error::other(stopped),
        })
    });
    let mut found = found?;
    found.retain(|log_object| days.may_hold(&log_object.name));
    Ok(found.into())
}

fn find_blocking(paths: &[PathBuf]) -> Result<Vec<LogObject>, PathError> {
    let mut found = Vec::new();
    for path in paths {
        let cannot_read = |cause| PathError {
            path: path.display().to_string(),
            cause,
        };
        if std::fs::metadata(path).map_err(cannot_read)?.is_dir() {
            // An unreadable folder below costs itself, but the one that was asked for must be there.
            std::fs::read_dir(path).map_err(cannot_read)?;
            walk(path, &mut found);
        } else {
            found.push(given(path).map_err(cannot_read)?);
        }
    }
    found.sort_by(|left, right| left.order().cmp(&right.order()));
    Ok(found)
}

fn walk(folder: &Path, found: &mut Vec<LogObject>) {
    let entries = WalkDir::new(folder).follow_links(true).into_iter();
    for entry in entries.filter_entry(|entry| !is_lake(entry)) {
        match entry {
            Ok(entry) if entry.file_type().is_file() => {
                let name = name_below(folder, entry.path());
                let size = entry.metadata().map(|found| found.len()).ok();
                let place = Place::File(entry.into_path());
                found.push(LogObject::at(place, &name, &name, size));
            }
            Ok(_) => {}
            Err(failure) => found.push(unreachable(folder, &failure)),
        }
    }
}

/// A file that somebody names is meant, whatever its name is.
fn given(path: &Path) -> io::Result<LogObject> {
    let size = std::fs::metadata(path)?.len();
    let name = path.file_name().unwrap_or(path.as_os_str());
    let name = name.to_string_lossy();
    let mut given = LogObject::at(Place::File(path.to_owned()), &name, &name, Some(size));
    if given.skipped == Some(SkippedKind::Other) {
        given.skipped = None;
    }
    Ok(given)
}

fn unreachable(folder: &Path, failure: &walkdir::Error) -> LogObject {
    let name = failure.path().map(|path| name_below(folder, path));
    let reason = match failure.io_error() {
        Some(cause) => format!("cannot be read: {cause}"),
        None => "is a link to a folder above it".to_owned(),
    };
    LogObject {
        name: Text::from(name.unwrap_or_default()),
        size_bytes: None,
        account_id: None,
        region: None,
        delivered_at: None,
        kind: LogObjectKind::Other,
        skipped: None,
        place: Place::Unreachable(reason.into()),
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
