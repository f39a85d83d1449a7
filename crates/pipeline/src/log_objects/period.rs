//! The days on which log objects were delivered, as their keys tell them.

use std::ops::RangeInclusive;

use trailback_cloudtrail::object_key::{ObjectKind, classify};
use trailback_tables::partition::Day;

/// A period of days of delivery, both ends included; `None` is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeliveryDays {
    /// The first day.
    pub since: Option<Day>,
    /// The last day.
    pub until: Option<Day>,
}

impl DeliveryDays {
    /// Whether a day is in the period.
    pub fn contains(&self, day: Day) -> bool {
        self.since.is_none_or(|since| since <= day) && self.until.is_none_or(|until| day <= until)
    }

    /// All its days, where it has a beginning and an end.
    pub(super) fn range(&self) -> Option<RangeInclusive<Day>> {
        let (since, until) = self.since.zip(self.until)?;
        Some(since..=until)
    }

    /// Whether some day from the first to the last of these is in the period.
    pub(super) fn meets(&self, first: Day, last: Day) -> bool {
        self.since.is_none_or(|since| since <= last)
            && self.until.is_none_or(|until| first <= until)
    }

    /// Whether an object may have been delivered in the period: one whose key does not tell may.
    pub fn may_hold(&self, object_key: &str) -> bool {
        match classify(object_key) {
            ObjectKind::LogObject(log_object) => {
                let delivered_at = log_object.delivered_at;
                delivered_at.is_none_or(|delivered_at| self.contains(Day::of(delivered_at)))
            }
            _ => true,
        }
    }
}
