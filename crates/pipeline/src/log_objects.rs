//! Which log objects there are, where each lies, and how it is opened.
//!
//! A [`LogObject`] is the promise of one: its name, what its name says, and its place. Places are files, or keys of a
//! [`LogSource`]; who reads does not care which. [`folders`] finds those on a laptop, [`find`] also those in buckets.

mod already_read;
mod buckets;
pub mod folders;
#[cfg(test)]
pub(crate) mod memory;
mod period;

use std::collections::HashSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream, Stream, StreamExt, TryStreamExt};
use trailback_cloudtrail::object_key::{ObjectKind, classify, delivered_at};
use trailback_sessions::{Text, Timestamp};
use trailback_tables::ledger::LogObjectKind;

use crate::lake::{Lake, is_own_key};
use crate::location::{Location, S3OnDemand};
use crate::progress::Amount;
use crate::store::s3::{ListedLogObject, S3, S3Location, S3Logs};
use crate::store::{ETag, Object, StoreError};

use already_read::AlreadyRead;
use buckets::Kind;
pub use period::DeliveryDays;

/// The content of an object, piece by piece.
pub type Content = BoxStream<'static, Result<Bytes, StoreError>>;

/// A room of log objects that are fetched: a bucket.
#[async_trait]
pub trait LogSource: Send + Sync {
    /// Opens an object: what is known of it, and its content.
    ///
    /// The reader takes the content as fast as it parses, which may be slow or pause; a connection that is cut
    /// meanwhile is no harm, see [`LogSource::open_from`].
    async fn open(&self, key: &str, version_id: Option<&str>) -> Result<Object, StoreError>;

    /// Opens an object again, from byte `at` on, after its content broke off there.
    ///
    /// An object that is no longer the version `etag` is [`StoreError::Precondition`] (S3: `Range` with `If-Match`).
    async fn open_from(
        &self,
        key: &str,
        version_id: Option<&str>,
        at: u64,
        etag: &ETag,
    ) -> Result<Content, StoreError>;

    /// Where the object lies, as rows name it: `s3://bucket/key`.
    fn location(&self, key: &str) -> String;
}

/// One log object, or something that lies where log objects lie.
#[derive(Clone, Debug)]
pub struct LogObject {
    /// How rows name it: `s3://bucket/key`, or its path below the folder it was found in.
    pub name: Text,
    /// Its size, where it is known before it is opened.
    pub size_bytes: Option<u64>,
    /// The account whose calls it holds, by its key.
    pub account_id: Option<Text>,
    /// The region whose calls it holds, by its key.
    pub region: Option<Text>,
    /// When CloudTrail delivered it, by its key: to the minute, or to the day.
    pub delivered_at: Option<Timestamp>,
    /// What it is, by its key.
    pub(crate) kind: LogObjectKind,
    /// Why it is not read, if it is not.
    pub(crate) skipped: Option<SkippedKind>,
    pub(crate) place: Place,
}

/// What is found beside log objects and is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SkippedKind {
    /// A digest of CloudTrail's log file validation.
    Digest,
    /// CloudTrail Insights.
    Insights,
    /// Network activity.
    NetworkActivity,
    /// Aggregated records.
    Aggregated,
    /// An object that Trailback itself has written: reading it again would never end.
    OfTheLake,
    /// A log object that the lake has read already.
    AlreadyRead,
    /// Another file.
    Other,
}

/// Where a log object lies.
#[derive(Clone)]
pub(crate) enum Place {
    File(PathBuf),
    Source(SourcePlace),
    /// It was met, but cannot be reached, for this reason.
    Unreachable(Box<str>),
}

/// Where a log object lies that is fetched.
#[derive(Clone)]
pub(crate) struct SourcePlace {
    source: Arc<dyn LogSource>,
    key: Box<str>,
    version_id: Option<Box<str>>,
}

impl SourcePlace {
    pub(crate) async fn open(&self) -> Result<Object, StoreError> {
        self.source
            .open(&self.key, self.version_id.as_deref())
            .await
    }

    pub(crate) async fn open_from(&self, at: u64, etag: &ETag) -> Result<Content, StoreError> {
        let version_id = self.version_id.as_deref();
        self.source.open_from(&self.key, version_id, at, etag).await
    }

    pub(crate) fn location(&self) -> String {
        self.source.location(&self.key)
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::File(path) => write!(f, "{}", path.display()),
            Place::Source(place) => {
                write!(f, "{} version {:?}", place.location(), place.version_id)
            }
            Place::Unreachable(reason) => write!(f, "unreachable: {reason}"),
        }
    }
}

impl LogObject {
    /// A log object that is fetched; without a version, the newest.
    ///
    /// What the key says it is decides whether it is read: digests, Insights and what is no JSON are skipped.
    pub fn in_source(
        source: Arc<dyn LogSource>,
        key: &str,
        version_id: Option<&str>,
        size_bytes: Option<u64>,
    ) -> LogObject {
        let name = source.location(key);
        let place = SourcePlace {
            source,
            key: key.into(),
            version_id: version_id.map(Box::from),
        };
        LogObject::at(Place::Source(place), &name, key, size_bytes)
    }

    /// An object whose key, or path, says what it is.
    pub(crate) fn at(place: Place, name: &str, key: &str, size_bytes: Option<u64>) -> LogObject {
        let mut log_object = LogObject {
            name: Text::from(name),
            size_bytes,
            account_id: None,
            region: None,
            delivered_at: delivered_at(key),
            kind: LogObjectKind::LogObject,
            skipped: None,
            place,
        };
        (log_object.kind, log_object.skipped) = match classify(key) {
            ObjectKind::LogObject(by_key) => {
                log_object.account_id = Some(Text::from(by_key.account_id));
                log_object.region = Some(Text::from(by_key.region));
                (LogObjectKind::LogObject, None)
            }
            ObjectKind::OtherJson => (LogObjectKind::OtherJson, None),
            ObjectKind::Digest => (LogObjectKind::Digest, Some(SkippedKind::Digest)),
            ObjectKind::Insights => (LogObjectKind::Insights, Some(SkippedKind::Insights)),
            ObjectKind::NetworkActivity => (
                LogObjectKind::NetworkActivity,
                Some(SkippedKind::NetworkActivity),
            ),
            ObjectKind::Aggregated => (LogObjectKind::Aggregated, Some(SkippedKind::Aggregated)),
            ObjectKind::NotALog => (LogObjectKind::Other, Some(SkippedKind::Other)),
        };
        log_object
    }

    /// The version that is asked for, if it is not the newest whichever that is.
    pub(crate) fn version_id(&self) -> Option<&str> {
        match &self.place {
            Place::Source(place) => place.version_id.as_deref(),
            Place::File(_) | Place::Unreachable(_) => None,
        }
    }

    /// Its key in a bucket; of a file, its path below the folder it was found in.
    pub(crate) fn object_key(&self) -> &str {
        match &self.place {
            Place::Source(place) => &place.key,
            Place::File(_) | Place::Unreachable(_) => &self.name,
        }
    }

    /// Where it lies, as its store says it.
    fn location(&self) -> String {
        match &self.place {
            Place::File(path) => path.display().to_string(),
            Place::Source(_) | Place::Unreachable(_) => self.name.to_string(),
        }
    }

    /// Where it lies, told so that the same place is told alike however it was given.
    fn one_location(&self) -> String {
        match &self.place {
            Place::File(path) => {
                let whole = path.canonicalize();
                whole.as_ref().unwrap_or(path).display().to_string()
            }
            Place::Source(_) | Place::Unreachable(_) => self.name.to_string(),
        }
    }

    /// Skips it if it is one of a lake's own: reading what was written for having read it would never end.
    fn unless_of(mut self, lake_location: &str) -> LogObject {
        let location = self.location();
        let below = location.strip_prefix(lake_location);
        let key = below.map(|key| key.trim_start_matches('/'));
        if key.is_some_and(is_own_key) {
            self.skipped = Some(SkippedKind::OfTheLake);
        }
        self
    }

    /// Its place in the order of delivery, in which records of one hour stay together.
    pub fn order(&self) -> impl Ord + '_ {
        let path = match &self.place {
            Place::File(path) => Some(path),
            Place::Source(_) | Place::Unreachable(_) => None,
        };
        (self.delivered_at, &*self.name, self.version_id(), path)
    }
}

/// Log objects cannot be looked for.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// In a folder.
    #[error(transparent)]
    Path(#[from] folders::PathError),
    /// In a bucket.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Everything under the given places that was delivered in a period, first what lies in folders, then what lies in
/// buckets, place after place.
///
/// Objects of buckets are listed while others are read, see [`LogObjects::found_on_the_way`]. With a lake, those that its
/// ledger says were read are skipped: same place, same `ETag`, and rules as new as these. A file's version is the hash of
/// its content, so files are always read again, which is harmless.
///
/// # Errors
///
/// When a given path cannot be read, or a given place in S3 not listed, or has nothing.
pub async fn find(
    locations: &[Location],
    days: DeliveryDays,
    s3: &S3OnDemand,
    lake: Option<&Lake>,
) -> Result<LogObjects, FindError> {
    let paths = locations.iter().filter_map(|location| match location {
        Location::Local(path) => Some(path.clone()),
        Location::S3(_) => None,
    });
    let paths: Vec<_> = paths.collect();
    let mut found = folders::find_delivered(&paths, days).await?;
    for location in locations {
        if let Location::S3(location) = location {
            found = found.then(in_bucket(s3.get().await, location, days, lake).await?);
        }
    }
    Ok(found)
}

/// What a listing says of something that lies where log objects lie.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    pub(crate) log_object: LogObject,
    /// The version that lies there; of a file none.
    pub(crate) etag: Option<ETag>,
}

/// Log objects and digests under the given places, all at once and each once, though places may overlap: log objects of a
/// period, and digests from its beginning on, because late log objects are named by digests of any time later.
///
/// # Errors
///
/// As [`find`].
pub(crate) async fn list_with_digests(
    locations: &[Location],
    days: DeliveryDays,
    s3: &S3OnDemand,
) -> Result<Vec<Listed>, FindError> {
    let mut listed = Vec::new();
    let of_digests = DeliveryDays {
        until: None,
        ..days
    };
    // Digests of all places first: one that is delivered meanwhile would name log objects that were not there yet.
    for (kind, of_kind) in [(Kind::Digests, of_digests), (Kind::LogObjects, days)] {
        for location in locations {
            if let Location::S3(location) = location {
                let s3 = s3.get().await;
                listed.extend(list_kind(s3, location, of_kind, kind).await?);
            }
        }
    }
    for location in locations {
        if let Location::Local(path) = location {
            let paths = std::slice::from_ref(path);
            let found = folders::find_delivered(paths, days).await?;
            let found: Vec<LogObject> = found.stream.try_collect().await?;
            listed.extend(found.into_iter().map(|log_object| Listed {
                log_object,
                etag: None,
            }));
        }
    }
    if locations.len() > 1 {
        let mut seen = HashSet::new();
        listed.retain(|listed| seen.insert(listed.log_object.one_location()));
    }
    Ok(listed)
}

/// All of a kind that a bucket holds.
async fn list_kind(
    s3: &S3,
    location: &S3Location,
    days: DeliveryDays,
    kind: Kind,
) -> Result<Vec<Listed>, StoreError> {
    // Where folders do not tell kinds apart, both listings give all.
    let is_wanted = |log_object: &LogObject| {
        let is_digest = log_object.kind == LogObjectKind::Digest;
        is_digest == (kind == Kind::Digests)
    };
    let listed = listed(s3, location, days, kind).await?;
    listed
        .try_filter(|(log_object, _)| std::future::ready(is_wanted(log_object)))
        .map_ok(|(log_object, etag)| Listed {
            log_object,
            etag: Some(etag),
        })
        .try_collect()
        .await
}

/// What a bucket holds, each with its version, as it is listed.
async fn listed(
    s3: &S3,
    location: &S3Location,
    days: DeliveryDays,
    kind: Kind,
) -> Result<BoxStream<'static, Result<(LogObject, ETag), StoreError>>, StoreError> {
    let source: Arc<dyn LogSource> = Arc::new(S3Logs::new(s3.clone(), &location.bucket));
    let listed = buckets::delivered(s3, location, days, kind).await?;
    let in_source = move |listed: ListedLogObject| {
        let size_bytes = Some(listed.size_bytes);
        let log_object = LogObject::in_source(Arc::clone(&source), &listed.key, None, size_bytes);
        (log_object, listed.etag)
    };
    Ok(listed.map_ok(in_source).boxed())
}

async fn in_bucket(
    s3: &S3,
    location: &S3Location,
    days: DeliveryDays,
    lake: Option<&Lake>,
) -> Result<LogObjects, StoreError> {
    let given = location.prefix_or_key.clone();
    let already_read = Arc::new(lake.map(AlreadyRead::of));
    let listed = listed(s3, location, days, Kind::LogObjects).await?;
    let log_objects = listed.and_then(move |(mut log_object, etag)| {
        // As a file that is given, an object that is named is meant.
        if log_object.object_key() == given && log_object.skipped == Some(SkippedKind::Other) {
            log_object.skipped = None;
        }
        let already_read = Arc::clone(&already_read);
        async move {
            if let (Some(already_read), None) = (&*already_read, log_object.skipped)
                && already_read.has(&log_object, &etag).await?
            {
                log_object.skipped = Some(SkippedKind::AlreadyRead);
            }
            Ok(log_object)
        }
    });
    Ok(LogObjects::found_on_the_way(log_objects))
}

/// The log objects of one run, in the order in which they are read.
pub struct LogObjects {
    pub(crate) stream: BoxStream<'static, Result<LogObject, StoreError>>,
    /// How much there is, if all of it was found before.
    pub(crate) total: Option<Amount>,
}

impl LogObjects {
    /// Log objects that are found while others are read. An error ends them: what was found before it is still read.
    pub fn found_on_the_way(
        stream: impl Stream<Item = Result<LogObject, StoreError>> + Send + 'static,
    ) -> LogObjects {
        LogObjects {
            stream: stream.boxed(),
            total: None,
        }
    }

    /// These, then others.
    fn then(self, others: LogObjects) -> LogObjects {
        let total = self.total.zip(others.total);
        LogObjects {
            stream: self.stream.chain(others.stream).boxed(),
            total: total.map(|(these, others)| Amount {
                items: these.items + others.items,
                bytes: these.bytes + others.bytes,
            }),
        }
    }

    /// The same, in which the lake's own objects are skipped.
    pub(crate) fn except_of(self, lake: &Lake) -> LogObjects {
        let location = lake.location();
        let check = move |found: Result<LogObject, StoreError>| {
            found.map(|log_object| log_object.unless_of(&location))
        };
        LogObjects {
            stream: self.stream.map(check).boxed(),
            total: self.total,
        }
    }
}

impl From<Vec<LogObject>> for LogObjects {
    /// Log objects that are all known, in this order.
    fn from(log_objects: Vec<LogObject>) -> LogObjects {
        let bytes = log_objects.iter().filter_map(|object| object.size_bytes);
        let total = Amount {
            items: log_objects.len() as u64,
            bytes: bytes.sum(),
        };
        LogObjects {
            stream: stream::iter(log_objects.into_iter().map(Ok)).boxed(),
            total: Some(total),
        }
    }
}

impl fmt::Debug for LogObjects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogObjects")
            .field("total", &self.total)
            .finish_non_exhaustive()
    }
}
