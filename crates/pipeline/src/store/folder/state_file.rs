//! State files: what S3 keeps as metadata, and the hash of the content that it belongs to.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::super::{ContentHash, Metadata};
use super::absent_is_fine;
use super::temporary::TemporaryFile;

/// The first line of every state file.
const HEAD: &str = "trailback-state 1";

/// What names of state files end with; they start with a dot.
const SUFFIX: &str = ".state";

/// What a state file says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct State {
    /// The SHA-256 of the content that the metadata was put with.
    pub(super) content_hash: ContentHash,
    /// What was put.
    pub(super) metadata: Metadata,
}

/// Reads the state beside an object; `None` where there is none, or none that is whole.
pub(super) fn read(object: &Path) -> io::Result<Option<State>> {
    match fs::read(path(object)) {
        Ok(text) => Ok(parse(&text)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

/// Puts the state for the content that an object is about to have; without metadata there is no state file.
pub(super) fn replace(object: &Path, hash: &ContentHash, metadata: &Metadata) -> io::Result<()> {
    if metadata.is_empty() {
        return remove(object);
    }
    let mut text = format!("{HEAD}\nsha256 {}\n", hex::encode(hash));
    for (name, value) in metadata {
        text.push_str(name);
        text.push(' ');
        text.push_str(value);
        text.push('\n');
    }
    let parent = object.parent().unwrap_or(Path::new(""));
    TemporaryFile::write(parent, text.as_bytes())?.rename_to(&path(object))
}

/// Removes the state beside an object.
pub(super) fn remove(object: &Path) -> io::Result<()> {
    absent_is_fine(fs::remove_file(path(object)))
}

/// The name of the object that a file name would be the state of.
pub(super) fn object_name(name: &str) -> Option<&str> {
    name.strip_prefix('.')?.strip_suffix(SUFFIX)
}

fn path(object: &Path) -> PathBuf {
    let name = object.file_name().unwrap_or_default().to_string_lossy();
    object.with_file_name(format!(".{name}{SUFFIX}"))
}

fn parse(text: &[u8]) -> Option<State> {
    let mut lines = std::str::from_utf8(text).ok()?.lines();
    if lines.next()? != HEAD {
        return None;
    }
    let mut content_hash = ContentHash::default();
    hex::decode_to_slice(lines.next()?.strip_prefix("sha256 ")?, &mut content_hash).ok()?;
    let entry = |line: &str| {
        line.split_once(' ')
            .map(|(name, value)| (name.into(), value.into()))
    };
    let metadata = lines.map(entry).collect::<Option<Metadata>>()?;
    Some(State {
        content_hash,
        metadata,
    })
}
