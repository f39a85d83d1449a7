//! What digests say of log objects, found again by where something lies.

use std::collections::HashMap;
use std::ops::Range;

use trailback_cloudtrail::digest::{DigestedObject, Place, Sha256};
use trailback_cloudtrail::object_key::{ObjectKind, classify, end_alike, file_name};
use trailback_sessions::{Text, Timestamp};

use super::delivered::Whereabouts;
use super::report::time_of_records;

/// What one digest says of one log object.
pub(super) struct Entry {
    /// The account and region of its digest.
    pub(super) account_id: Text,
    pub(super) region: Text,
    pub(super) place: Place,
    pub(super) sha256: Sha256,
    pub(super) event_times: Option<(Timestamp, Timestamp)>,
    pub(super) voucher: Voucher,
}

/// Which kind of digest it stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Voucher {
    /// One that may be believed.
    Believed,
    /// One of an hour, that nothing proves.
    Unproven,
    /// One of late log objects, that nothing proves.
    UnprovenBackfill,
}

impl Entry {
    /// The time of the object's records; where its digest does not say it, the time of its delivery.
    pub(super) fn event_period(&self) -> Range<Timestamp> {
        time_of_records(self.event_times, self.delivered_at())
    }

    /// Whether it says of a text that it was delivered; `sha256` in hex.
    pub(super) fn is_of(&self, sha256: &str) -> bool {
        hex::encode(self.sha256) == sha256
    }

    pub(super) fn delivered_at(&self) -> Option<Timestamp> {
        match classify(&self.place.object_key) {
            ObjectKind::LogObject(key) => key.delivered_at,
            _ => None,
        }
    }

    /// Whether it is of a kind that is listed and read: Insights and the like are not.
    pub(super) fn is_log_object(&self) -> bool {
        matches!(
            classify(&self.place.object_key),
            ObjectKind::LogObject(_) | ObjectKind::OtherJson
        )
    }
}

/// All that digests say, but those that something contradicts.
#[derive(Default)]
pub(super) struct Entries {
    entries: Vec<Entry>,
    by_file: HashMap<Box<str>, Vec<usize>>,
}

impl Entries {
    /// Adds what a digest of an account and region says.
    pub(super) fn add(
        &mut self,
        (account_id, region): &(Text, Text),
        object: DigestedObject,
        voucher: Voucher,
    ) {
        let of_file = self
            .by_file
            .entry(file_name(&object.place.object_key).into())
            .or_default();
        of_file.push(self.entries.len());
        self.entries.push(Entry {
            account_id: Text::clone(account_id),
            region: Text::clone(region),
            place: object.place,
            sha256: object.sha256,
            event_times: object.event_times,
            voucher,
        });
    }

    pub(super) fn get(&self, number: usize) -> &Entry {
        &self.entries[number]
    }

    pub(super) fn all(&self) -> &[Entry] {
        &self.entries
    }

    /// What is said of an object that lies there: of those that may be believed, or else of the others, the nearest.
    ///
    /// In S3 that is what was put under this key, or, of replicas, under one that ends alike. Files may have lost all but
    /// their names.
    pub(super) fn of_object(&self, lies_at: Whereabouts<'_>) -> Vec<usize> {
        self.nearest(lies_at, lies_at.bucket.is_none())
    }

    /// What is said of an object of that name that was read somewhere: there, or else wherever it lay.
    pub(super) fn of_reading(&self, read_at: Whereabouts<'_>) -> Vec<usize> {
        self.nearest(read_at, true)
    }

    fn nearest(&self, lies_at: Whereabouts<'_>, by_name_alone: bool) -> Vec<usize> {
        let Some(of_file) = self.by_file.get(file_name(lies_at.path)) else {
            return Vec::new();
        };
        let is_believed = |number: &&usize| self.entries[**number].voucher == Voucher::Believed;
        let (believed, others): (Vec<&usize>, Vec<&usize>) = of_file.iter().partition(is_believed);
        let how_near = [
            Some(Nearness::There),
            Some(Nearness::Alike),
            by_name_alone.then_some(Nearness::ByName),
        ];
        for of_kind in [believed, others] {
            for nearness in how_near.into_iter().flatten() {
                let is_near = |number: &usize| {
                    Nearness::of(lies_at, &self.entries[*number].place) <= nearness
                };
                let near: Vec<usize> = of_kind.iter().copied().copied().filter(is_near).collect();
                if !near.is_empty() {
                    return near;
                }
            }
        }
        Vec::new()
    }
}

/// How well a place is the one that a digest names; the better the less. The file's name is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Nearness {
    There,
    Alike,
    ByName,
}

impl Nearness {
    fn of(lies_at: Whereabouts<'_>, put_at: &Place) -> Nearness {
        let put_under = &*put_at.object_key;
        if lies_at.bucket == Some(&put_at.bucket) && lies_at.path == put_under {
            Nearness::There
        } else if end_alike(lies_at.path, put_under) {
            Nearness::Alike
        } else {
            Nearness::ByName
        }
    }
}
