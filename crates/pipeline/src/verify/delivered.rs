//! What names and folders say of an object, and what digests of its time say about objects that none of them names.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

use trailback_cloudtrail::object_key::{contradicts_its_folders, end_alike, trail_root};
use trailback_sessions::{Text, Timestamp};

use super::digests::{Chain, Unread};
use super::entries::Voucher;
use super::report::{Finding, FindingKind};
use crate::log_objects::LogObject;

pub(super) const HOUR_MS: i64 = 3_600_000;

/// A log object is listed by the digest of its hour, or, delivered at its end, by the next.
const LISTED_WITHIN_MS: i64 = HOUR_MS;

/// For how long before the newest delivery digests may still be to come: one comes at the end of its hour, and in a folder the
/// newest proves nothing.
const TOO_RECENT_MS: i64 = 3 * HOUR_MS;

/// Where something lies, or lay when it was read: `s3://bucket/key`, or a path below some folder.
#[derive(Clone, Copy, Debug)]
pub(super) struct Whereabouts<'l> {
    pub(super) bucket: Option<&'l str>,
    /// In a bucket the object key.
    pub(super) path: &'l str,
}

impl<'l> Whereabouts<'l> {
    pub(super) fn read(location: &'l str) -> Whereabouts<'l> {
        let in_s3 = location.strip_prefix("s3://");
        match in_s3.and_then(|place| place.split_once('/')) {
            Some((bucket, path)) => Whereabouts {
                bucket: Some(bucket),
                path,
            },
            None => Whereabouts {
                bucket: None,
                path: location,
            },
        }
    }
}

/// An object as its name tells it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Delivered<'o> {
    pub(super) location: &'o str,
    pub(super) account_id: Option<&'o Text>,
    pub(super) region: Option<&'o Text>,
    pub(super) at: Option<Timestamp>,
}

impl<'o> Delivered<'o> {
    pub(super) fn of(log_object: &'o LogObject) -> Delivered<'o> {
        Delivered {
            location: &log_object.name,
            account_id: log_object.account_id.as_ref(),
            region: log_object.region.as_ref(),
            at: log_object.delivered_at,
        }
    }

    /// Empty where its name does not tell them.
    pub(super) fn account_and_region(self) -> (&'o str, &'o str) {
        let text = |text: Option<&'o Text>| text.map_or("", |text| &**text);
        (text(self.account_id), text(self.region))
    }

    /// A finding about it.
    pub(super) fn found(
        self,
        kind: FindingKind,
        period: Range<Timestamp>,
        why: impl Into<String>,
    ) -> Finding {
        let (account_id, region) = self.account_and_region();
        Finding::of(kind, period, why)
            .in_logs_of(account_id, region)
            .about(self.location)
    }
}

/// How it stands with an object that no digest names that may be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// CloudTrail did not put it there, as far as digests tell.
    Added(&'static str),
    /// It is not known.
    Unproven(Why, Age),
}

/// Why an object is not proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Why {
    /// Digests of its time are missing, or not there yet.
    NotCovered,
    /// A digest names it, and nothing proves that one.
    NamedInVain,
    /// There is no digest at all.
    NoChain,
    /// There are digests, and none of them can be read.
    NoneRead,
    /// It is not named as CloudTrail names log objects.
    NotCloudTrails,
    /// The lake does not know the hash of what it read.
    NoHash,
}

impl Why {
    pub(super) fn words(self) -> &'static str {
        match self {
            Why::NotCovered => {
                "named by no digest that may be believed, and digests of that time are not complete"
            }
            Why::NamedInVain => "named only by a digest that nothing proves",
            Why::NoChain => {
                "no digest of this account and region is there: its trail has no log file validation, or its digests were deleted or \
                 lie elsewhere"
            }
            Why::NoneRead => {
                "digests of this account and region are there, and none of them can be read"
            }
            Why::NotCloudTrails => {
                "CloudTrail does not name log objects so, and no digest names it"
            }
            Why::NoHash => {
                "the lake has no hash of what it read: it was not read to its end, or with --no-hash"
            }
        }
    }
}

/// Whether its digests may still be to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Age {
    TooRecent,
    Old,
}

/// For which time the believable digests of each trail, account and region are complete.
pub(super) struct Covered<'c> {
    by_place: HashMap<(&'c str, &'c str), Vec<OfTrail<'c>>>,
    buckets: BTreeSet<&'c str>,
    /// Digests that say nothing.
    unread: &'c Unread,
    /// The newest delivery, or end of a digest.
    newest: Timestamp,
    /// The time by this machine's clock.
    now: Timestamp,
}

struct OfTrail<'c> {
    bucket: &'c str,
    root: Option<&'c str>,
    ranges: &'c [Range<Timestamp>],
}

impl<'c> Covered<'c> {
    /// What chains cover. `listed` are the objects that lie there.
    pub(super) fn by(
        chains: &'c [Chain],
        unread: &'c Unread,
        listed: impl Iterator<Item = Delivered<'c>>,
        now: Timestamp,
    ) -> Covered<'c> {
        let mut covered = Covered {
            by_place: HashMap::new(),
            buckets: BTreeSet::new(),
            unread,
            newest: Timestamp::default(),
            now,
        };
        for chain in chains {
            let account_and_region = (&*chain.newest.account_id, &*chain.newest.region);
            let trails = covered.by_place.entry(account_and_region).or_default();
            trails.push(OfTrail {
                bucket: &chain.place.bucket,
                root: trail_root(&chain.place.object_key),
                ranges: &chain.walk.covered,
            });
            covered.buckets.insert(&chain.place.bucket);
            let ends = chain.walk.covered.last().map(|range| range.end);
            covered.newest = covered.newest.max(ends.unwrap_or_default());
        }
        for delivered in listed {
            covered
                .buckets
                .extend(Whereabouts::read(delivered.location).bucket);
            let at = delivered.at.filter(|at| !covered.is_to_come(*at));
            covered.newest = covered.newest.max(at.unwrap_or_default());
        }
        covered
    }

    /// Whether it was delivered so short before the newest delivery that its digest may still be to come. A folder may be a copy
    /// of any age; what lies in a bucket lies there now, and a digest that has not come for hours does not come.
    pub(super) fn age(&self, at: Timestamp, is_file: bool) -> Age {
        match self.present(is_file).0 - TOO_RECENT_MS <= at.0 && !self.is_to_come(at) {
            true => Age::TooRecent,
            false => Age::Old,
        }
    }

    /// Up to when there may be something: what lies in a folder was copied at some time after the newest delivery.
    pub(super) fn present(&self, is_file: bool) -> Timestamp {
        match is_file {
            true => self.newest,
            false => self.newest.max(self.now),
        }
    }

    /// Whether a time has not come yet, though the clock may be an hour slow.
    fn is_to_come(&self, at: Timestamp) -> bool {
        at.0 > self.now.0.saturating_add(HOUR_MS)
    }

    /// How it stands with an object that no believable digest names; `named_by` is the one that names it all the same.
    pub(super) fn standing(&self, object: Delivered<'_>, named_by: Option<Voucher>) -> Standing {
        let at = object.at.unwrap_or_default();
        if contradicts_its_folders(Whereabouts::read(object.location).path) {
            return Standing::Added(
                "its name says another account, region or day than its folders: CloudTrail writes both alike",
            );
        }
        if self.is_to_come(at) {
            return Standing::Added("its name says a time that has not come yet");
        }
        let is_file = Whereabouts::read(object.location).bucket.is_none();
        let age = self.age(at, is_file);
        let trails = self.trails_of(object);
        let covers = |trail: &&OfTrail<'_>| {
            let until = Timestamp(at.0 + LISTED_WITHIN_MS);
            let mut ranges = trail.ranges.iter();
            ranges.any(|range| range.start <= at && until <= range.end)
        };
        let is_covered = trails.iter().any(covers);
        match named_by {
            Some(Voucher::UnprovenBackfill) => Standing::Unproven(Why::NamedInVain, age),
            _ if is_covered => Standing::Added(
                "no digest that may be believed names it, and those of its time are complete: it was added, or belongs to a trail \
                 without log file validation, or is so late that its digest is still to come",
            ),
            Some(_) => Standing::Unproven(Why::NamedInVain, age),
            None if object.account_id.is_none() => {
                Standing::Unproven(Why::NotCloudTrails, Age::Old)
            }
            None if trails.is_empty() && self.has_unread(object) => {
                Standing::Unproven(Why::NoneRead, Age::Old)
            }
            None if trails.is_empty() => Standing::Unproven(Why::NoChain, Age::Old),
            None => Standing::Unproven(Why::NotCovered, age),
        }
    }

    /// Whether a digest of its account and region is there that cannot be read.
    fn has_unread(&self, object: Delivered<'_>) -> bool {
        let mut trails = self.unread.keys();
        let account_and_region = object.account_and_region();
        trails.any(|(account_id, region, _)| (&**account_id, &**region) == account_and_region)
    }

    /// The trails that may have delivered it: of its account and region, and below the same folders.
    fn trails_of<'t>(&'t self, object: Delivered<'t>) -> Vec<&'t OfTrail<'t>> {
        let (Some(account_id), Some(region)) = (object.account_id, object.region) else {
            return Vec::new();
        };
        let lies_at = Whereabouts::read(object.location);
        let root = trail_root(lies_at.path);
        // Of a bucket that nobody gave and no digest names, nothing was asked.
        let is_elsewhere = |bucket: &str| !self.buckets.contains(bucket);
        if lies_at.bucket.is_some_and(is_elsewhere) {
            return Vec::new();
        }
        let trails = self.by_place.get(&(&**account_id, &**region));
        let trails = trails.into_iter().flatten();
        let is_its = |trail: &&OfTrail<'t>| {
            let (Some(of_object), Some(of_trail)) = (root, trail.root) else {
                return true;
            };
            if lies_at.bucket == Some(trail.bucket) {
                return of_object == of_trail;
            }
            end_alike(of_object, of_trail)
        };
        trails.filter(is_its).collect()
    }
}
