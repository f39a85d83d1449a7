//! Log objects in memory, for tests: handed out piece by piece, by a source that breaks when it is told to.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, StreamExt};
use trailback_sessions::Timestamp;

use super::{Content, LogObject, LogSource};
use crate::store::{ETag, Metadata, Object, ObjectMeta, StoreError, content_hash};

/// What goes wrong with one answer of the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SourceFault {
    /// The object is not handed out.
    Unavailable,
    /// The object is refused.
    Denied,
    /// The content breaks off with an error after so many bytes.
    Breaks(usize),
    /// The content ends after so many bytes as if that were all.
    Ends(usize),
}

/// A bucket in memory.
#[derive(Debug, Default)]
pub(crate) struct MemoryLogs {
    shelf: Mutex<Shelf>,
}

#[derive(Debug, Default)]
struct Shelf {
    objects: BTreeMap<String, Bytes>,
    /// By the number of the answer, counted from zero.
    faults: BTreeMap<usize, SourceFault>,
    answers: usize,
}

/// How long a piece of an object is: short, so that even small objects come in several.
const PIECE_BYTES: usize = 512;

impl MemoryLogs {
    /// A bucket whose answers have these faults, by their number.
    pub(crate) fn breaking(
        faults: impl IntoIterator<Item = (usize, SourceFault)>,
    ) -> Arc<MemoryLogs> {
        let logs = MemoryLogs::default();
        logs.with_shelf(|shelf| shelf.faults.extend(faults));
        Arc::new(logs)
    }

    /// Delivers an object, or replaces it.
    pub(crate) fn put(&self, key: &str, content: impl Into<Bytes>) {
        self.with_shelf(|shelf| shelf.objects.insert(key.to_owned(), content.into()));
    }

    /// What lies under a key, to be read.
    pub(crate) fn log_object(self: &Arc<Self>, key: &str) -> LogObject {
        LogObject::in_source(Arc::clone(self) as _, key, None, None)
    }

    /// Everything that lies here, to be read in the order of delivery.
    pub(crate) fn log_objects(self: &Arc<Self>) -> Vec<LogObject> {
        let keys: Vec<String> = self.with_shelf(|shelf| shelf.objects.keys().cloned().collect());
        let mut all: Vec<LogObject> = keys.iter().map(|key| self.log_object(key)).collect();
        all.sort_by(|left, right| left.order().cmp(&right.order()));
        all
    }

    /// How often something was opened.
    pub(crate) fn answers(&self) -> usize {
        self.with_shelf(|shelf| shelf.answers)
    }

    fn with_shelf<T>(&self, act: impl FnOnce(&mut Shelf) -> T) -> T {
        act(&mut self.shelf.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn answer(&self, key: &str, at: u64, etag: Option<&ETag>) -> Result<Object, StoreError> {
        let (found, fault) = self.with_shelf(|shelf| {
            let fault = shelf.faults.remove(&shelf.answers);
            shelf.answers += 1;
            (shelf.objects.get(key).cloned(), fault)
        });
        let location = self.location(key);
        let cause = io::Error::other("broken on purpose");
        match fault {
            Some(SourceFault::Unavailable) => return Err(unavailable(location)),
            Some(SourceFault::Denied) => {
                let action = "read";
                return Err(StoreError::Denied {
                    location,
                    action,
                    remedy: "allow it".to_owned(),
                    cause,
                });
            }
            _ => {}
        }
        let Some(whole) = found else {
            return Err(StoreError::NotFound { location });
        };
        let meta = ObjectMeta {
            size_bytes: whole.len() as u64,
            etag: ETag::of_content(&content_hash(&whole)),
            modified_at: Timestamp(0),
            metadata: Metadata::new(),
            version_id: Some("the version of what was read".to_owned()),
        };
        if etag.is_some_and(|etag| *etag != meta.etag) {
            return Err(StoreError::Precondition { location });
        }
        let rest = whole.slice(usize::try_from(at).unwrap()..);
        let content = content(&rest, fault, location);
        Ok(Object { meta, content })
    }
}

fn unavailable(location: String) -> StoreError {
    StoreError::Unavailable {
        location,
        action: "read",
        cause: io::Error::other("broken on purpose"),
    }
}

fn content(rest: &Bytes, fault: Option<SourceFault>, location: String) -> Content {
    let end = match fault {
        Some(SourceFault::Breaks(at) | SourceFault::Ends(at)) => at.min(rest.len()),
        _ => rest.len(),
    };
    let starts = (0..end).step_by(PIECE_BYTES);
    let mut pieces: Vec<Result<Bytes, StoreError>> = starts
        .map(|start| Ok(rest.slice(start..end.min(start + PIECE_BYTES))))
        .collect();
    if let Some(SourceFault::Breaks(_)) = fault {
        pieces.push(Err(unavailable(location)));
    }
    stream::iter(pieces).boxed()
}

#[async_trait]
impl LogSource for MemoryLogs {
    async fn open(&self, key: &str, _version_id: Option<&str>) -> Result<Object, StoreError> {
        self.answer(key, 0, None)
    }

    async fn open_from(
        &self,
        key: &str,
        _version_id: Option<&str>,
        at: u64,
        etag: &ETag,
    ) -> Result<Content, StoreError> {
        Ok(self.answer(key, at, Some(etag))?.content)
    }

    fn location(&self, key: &str) -> String {
        format!("memory:{key}")
    }
}
