//! Walking a folder in the order of its keys, and tidying it.

use std::fs::{self, DirEntry};
use std::io;
use std::path::Path;

use super::super::{KEY_BYTES_MAX, Listed, Page, is_sound_segment};
use super::{absent_is_fine, state_file, temporary, timestamp};

/// What desktops and file systems leave in folders that look empty.
const DESKTOP_FILES: [&str; 4] = [".DS_Store", "desktop.ini", "Thumbs.db", "lost+found"];

/// What names of lock files start with.
const LOCK_FILES: &str = ".trailback-";

/// Lists at most `page_objects` keys that start with `prefix` and are greater than `after`.
pub(super) fn list(
    root: &Path,
    prefix: &str,
    after: Option<&str>,
    page_objects: usize,
) -> io::Result<Page> {
    let mut listing = Listing {
        prefix,
        after,
        objects: Vec::new(),
        objects_max: page_objects + 1,
    };
    listing.visit(root, "")?;
    let mut objects = listing.objects;
    let more = objects.len() > page_objects;
    objects.truncate(page_objects);
    let next = if more {
        objects.last().map(|last| last.key.clone())
    } else {
        None
    };
    Ok(Page { objects, next })
}

struct Listing<'a> {
    prefix: &'a str,
    after: Option<&'a str>,
    objects: Vec<Listed>,
    objects_max: usize,
}

impl Listing<'_> {
    /// Lists a folder whose keys start with `above` (empty, or ending with a slash).
    fn visit(&mut self, folder: &Path, above: &str) -> io::Result<()> {
        for (name, entry) in sorted_entries(folder)? {
            if self.objects.len() >= self.objects_max {
                break;
            }
            let key = format!("{above}{name}");
            if key.ends_with('/') {
                if self.may_hold_wanted(&key) {
                    self.visit(&entry.path(), &key)?;
                }
            } else if self.wants(&key) {
                self.add(key, &entry)?;
            }
        }
        Ok(())
    }

    fn may_hold_wanted(&self, folder_key: &str) -> bool {
        let below = folder_key.starts_with(self.prefix) || self.prefix.starts_with(folder_key);
        let passed = self
            .after
            .is_some_and(|after| after > folder_key && !after.starts_with(folder_key));
        below && !passed && folder_key.len() < KEY_BYTES_MAX
    }

    fn wants(&self, key: &str) -> bool {
        key.starts_with(self.prefix) && self.after.is_none_or(|after| key > after)
    }

    fn add(&mut self, key: String, entry: &DirEntry) -> io::Result<()> {
        // Through links, as reading does.
        let found = match fs::metadata(entry.path()) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            found => found?,
        };
        let modified_at = timestamp(found.modified()?);
        self.objects.push(Listed {
            key,
            size_bytes: found.len(),
            modified_at,
        });
        Ok(())
    }
}

/// What may belong to keys in a folder, in the order of those keys: names of folders end with a slash.
fn sorted_entries(folder: &Path) -> io::Result<Vec<(String, DirEntry)>> {
    let mut entries = Vec::new();
    for entry in entries_of(folder)? {
        let entry = entry?;
        let Ok(mut name) = entry.file_name().into_string() else {
            continue;
        };
        if !is_sound_segment(&name) {
            continue;
        }
        if is_folder(&entry)? {
            name.push('/');
        }
        entries.push((name, entry));
    }
    entries.sort_by(|(left, _), (right, _)| left.cmp(right));
    Ok(entries)
}

/// The entries of a folder; none where it has just vanished.
fn entries_of(folder: &Path) -> io::Result<Box<dyn Iterator<Item = io::Result<DirEntry>>>> {
    match fs::read_dir(folder) {
        Ok(entries) => Ok(Box::new(entries)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Box::new(std::iter::empty())),
        Err(e) => Err(e),
    }
}

fn is_folder(entry: &DirEntry) -> io::Result<bool> {
    let kind = entry.file_type()?;
    Ok(kind.is_dir() || (kind.is_symlink() && entry.path().is_dir()))
}

/// Removes temporary files of dead writers, and state files without an object.
pub(super) fn sweep(folder: &Path) -> io::Result<()> {
    for entry in entries_of(folder)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        if temporary::is_temporary(&name) {
            temporary::remove_if_abandoned(&entry.path())?;
        } else if let Some(object) = state_file::object_name(&name) {
            remove_orphan(&entry.path(), object)?;
        } else if is_sound_segment(&name) && entry.file_type()?.is_dir() {
            sweep(&entry.path())?;
        }
    }
    Ok(())
}

fn remove_orphan(state: &Path, object: &str) -> io::Result<()> {
    if state.with_file_name(object).try_exists()? {
        return Ok(());
    }
    absent_is_fine(fs::remove_file(state))
}

/// Whether a folder holds nothing that anybody would miss.
pub(super) fn is_empty(folder: &Path) -> io::Result<bool> {
    for entry in entries_of(folder)? {
        let name = entry?.file_name();
        let name = name.to_string_lossy();
        let ours = name.starts_with(LOCK_FILES) || temporary::is_temporary(&name);
        if !ours && !DESKTOP_FILES.contains(&&*name) {
            return Ok(false);
        }
    }
    Ok(true)
}
