//! What is not proven, told once for each account, region and reason.

use std::collections::BTreeMap;
use std::ops::Range;

use trailback_sessions::Timestamp;

use super::delivered::{Age, Delivered, Why};
use super::report::{Finding, FindingKind, minute_of};

/// Whether it lies there, or the lake has read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    LogObject,
    Reading,
}

/// All that is not proven.
#[derive(Default)]
pub(super) struct Open(BTreeMap<Group, Members>);

type Group = (What, Why, Age, String, String);

#[derive(Default)]
struct Members {
    count: u64,
    period: Option<Range<Timestamp>>,
    /// The first of them.
    one: String,
}

impl Open {
    pub(super) fn add(&mut self, what: What, object: Delivered<'_>, why: Why, age: Age) {
        let (account_id, region) = object.account_and_region();
        let group = (what, why, age, account_id.to_owned(), region.to_owned());
        let members = self.0.entry(group).or_default();
        if members.count == 0 {
            object.location.clone_into(&mut members.one);
        }
        members.count += 1;
        let of_this = minute_of(object.at);
        members.period = Some(match members.period.take() {
            Some(period) => period.start.min(of_this.start)..period.end.max(of_this.end),
            None => of_this,
        });
    }

    pub(super) fn findings(self) -> impl Iterator<Item = Finding> {
        self.0
            .into_iter()
            .map(|((what, why, age, account_id, region), members)| {
                let kind = match (what, age) {
                    (What::LogObject, Age::Old) => FindingKind::LogObjectsUnproven,
                    (What::LogObject, Age::TooRecent) => FindingKind::LogObjectsTooRecent,
                    (What::Reading, Age::Old) => FindingKind::ReadingsUnproven,
                    (What::Reading, Age::TooRecent) => FindingKind::ReadingsTooRecent,
                };
                let which = match (what, members.count) {
                    (What::LogObject, 1) => "1 log object".to_owned(),
                    (What::LogObject, count) => format!("{count} log objects"),
                    (What::Reading, 1) => "1 reading of the lake".to_owned(),
                    (What::Reading, count) => format!("{count} readings of the lake"),
                };
                let period = members.period.unwrap_or_default();
                let finding = Finding::of(kind, period, format!("{which}: {}", why.words()))
                    .in_logs_of(&account_id, &region);
                match members.count {
                    1 => finding.about(&members.one),
                    _ => finding,
                }
            })
    }
}
