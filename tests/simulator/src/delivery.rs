//! Delivers records as log objects: every few minutes, unsorted, now and then late or twice.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::Text;
use crate::calendar::{day_folder, minute_stamp, rfc3339, second_stamp};
use crate::dice::Dice;
use crate::digests::empty_digest;
use crate::json;
use crate::organisation::Organisation;
use crate::plan::Plan;

const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;

/// Records that wait for delivery in one log object.
#[derive(Default)]
struct Waiting {
    records: String,
    ends: Vec<usize>,
}

/// Account position and region position.
type Place = (u16, u8);

/// An object ready to be put.
pub(crate) struct LogObject {
    pub(crate) key: String,
    pub(crate) json: Vec<u8>,
}

/// What has been delivered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Delivered {
    pub(crate) records: u64,
    pub(crate) repeated: u64,
    pub(crate) late: u64,
}

pub(crate) struct Delivery {
    organisation: Rc<Organisation>,
    dice: Dice,
    interval: i64,
    late: f64,
    duplicates: f64,
    waiting: BTreeMap<i64, BTreeMap<Place, Waiting>>,
    pub(crate) delivered: Delivered,
    next_digest: i64,
}

impl Delivery {
    pub(crate) fn new(plan: &Plan, organisation: Rc<Organisation>) -> Self {
        Self {
            organisation,
            dice: Dice::new(plan.seed ^ 0x0dd0_11fe_7700),
            interval: plan.delivery_minutes * 60,
            late: plan.late,
            duplicates: plan.duplicates,
            waiting: BTreeMap::new(),
            delivered: Delivered::default(),
            next_digest: plan.start + HOUR,
        }
    }

    /// Sends one record of an account of the organisation on its way.
    pub(crate) fn send(&mut self, account: usize, region: &str, time: i64, record: &str) {
        let late = self.dice.chance(self.late);
        self.delivered.late += u64::from(late);
        let delay = if late {
            self.long_delay()
        } else {
            self.dice.between(60, 500)
        };
        self.send_after(account, region, time + delay, record);
    }

    /// Sends one record that is marked as late.
    pub(crate) fn send_late(&mut self, account: usize, region: &str, time: i64, record: &str) {
        let delay = self.long_delay();
        self.send_after(account, region, time + delay, record);
    }

    /// A quarter of an hour to a day, short ones more often.
    fn long_delay(&mut self) -> i64 {
        let shift = self.dice.below(7);
        self.dice.between(900, DAY >> shift)
    }

    fn send_after(&mut self, account: usize, region: &str, at: i64, record: &str) {
        let region = self
            .organisation
            .regions
            .iter()
            .position(|one| *one == region);
        let place = (account as u16, region.unwrap_or(0) as u8);
        let slot = at.div_euclid(self.interval);
        self.put(slot, place, record);
        self.delivered.records += 1;
        if self.dice.chance(self.duplicates) {
            let later = self.dice.between(1, 12);
            self.put(slot + later, place, record);
            self.delivered.repeated += 1;
        }
    }

    fn put(&mut self, slot: i64, place: Place, record: &str) {
        let waiting = self
            .waiting
            .entry(slot)
            .or_default()
            .entry(place)
            .or_default();
        waiting.records.push_str(record);
        waiting.ends.push(waiting.records.len());
    }

    /// The objects that are delivered before `now`.
    pub(crate) fn due(&mut self, now: i64) -> Vec<LogObject> {
        let later = self.waiting.split_off(&now.div_euclid(self.interval));
        let due = std::mem::replace(&mut self.waiting, later);
        let mut objects = Vec::new();
        for (slot, places) in due {
            let at = (slot + 1) * self.interval;
            for (place, waiting) in places {
                self.deliver(at, place, &waiting, &mut objects);
            }
        }
        while self.next_digest < now {
            let at = self.next_digest;
            self.next_digest += HOUR;
            self.deliver_others(at, &mut objects);
        }
        objects
    }

    /// Everything that is still on its way.
    pub(crate) fn rest(&mut self) -> Vec<LogObject> {
        let last = self.waiting.keys().next_back().copied().unwrap_or(0);
        let stopped = self.next_digest;
        self.next_digest = i64::MAX;
        let objects = self.due((last + 1) * self.interval);
        self.next_digest = stopped;
        objects
    }

    fn deliver(&mut self, at: i64, place: Place, waiting: &Waiting, objects: &mut Vec<LogObject>) {
        let mut json = Vec::with_capacity(waiting.records.len() + waiting.ends.len() + 16);
        json.extend_from_slice(b"{\"Records\":[");
        for (position, which) in self
            .dice
            .shuffled(waiting.ends.len())
            .into_iter()
            .enumerate()
        {
            if position > 0 {
                json.push(b',');
            }
            let start = which
                .checked_sub(1)
                .map_or(0, |before| waiting.ends[before]);
            json.extend_from_slice(&waiting.records.as_bytes()[start..waiting.ends[which]]);
        }
        json.extend_from_slice(b"]}");
        // A second trail delivers all of it again, under a name of its own.
        if self.dice.chance(self.duplicates / 8.0) {
            self.delivered.repeated += waiting.ends.len() as u64;
            let key = self.key(at, place, "CloudTrail");
            objects.push(LogObject {
                key,
                json: json.clone(),
            });
        }
        let key = self.key(at, place, "CloudTrail");
        objects.push(LogObject { key, json });
    }

    fn key(&mut self, at: i64, (account, region): Place, kind: &str) -> String {
        let account = self.account_id(account);
        let region = self.organisation.regions[usize::from(region)];
        format!(
            "AWSLogs/{}/{account}/{kind}/{region}/{}/{account}_{kind}_{region}_{}_{}.json.gz",
            self.organisation.id,
            day_folder(at),
            minute_stamp(at),
            self.dice.letters_and_digits(16)
        )
    }

    fn account_id(&self, account: u16) -> Text {
        self.organisation.accounts[usize::from(account)].id.clone()
    }

    /// A digest every hour and an Insight every sixth: objects that hold no log records.
    fn deliver_others(&mut self, at: i64, objects: &mut Vec<LogObject>) {
        let account = self.account_id(0);
        let region = self.organisation.regions[0];
        let key = format!(
            "AWSLogs/{}/{account}/CloudTrail-Digest/{region}/{}/{account}_CloudTrail-Digest_{region}_organisation-trail_{region}_{}.json.gz",
            self.organisation.id,
            day_folder(at),
            second_stamp(at),
        );
        let json = empty_digest(&account, &key, at - HOUR).into_bytes();
        objects.push(LogObject { key, json });
        if at % (6 * HOUR) == 0 {
            let key = self.key(at, (0, 0), "CloudTrail-Insight");
            let event_id = self.dice.guid();
            let json = insight(&account, region, &event_id, at).into_bytes();
            objects.push(LogObject { key, json });
        }
    }
}

/// An Insight about AssumeRole: it looks like a record and is none.
fn insight(account: &str, region: &str, event_id: &str, at: i64) -> String {
    let record = json::object(|members| {
        members.text("eventVersion", "1.09");
        members.text("eventTime", &rfc3339(at));
        members.text("awsRegion", region);
        members.text("eventID", event_id);
        members.text("eventType", "AwsCloudTrailInsight");
        members.text("recipientAccountId", account);
        members.text("sharedEventID", event_id);
        members.object("insightDetails", |members| {
            members.text("state", "Start");
            members.text("eventSource", "sts.amazonaws.com");
            members.text("eventName", "AssumeRole");
            members.text("insightType", "ApiCallRateInsight");
        });
        members.text("eventCategory", "Insight");
    });
    format!("{{\"Records\":[{record}]}}")
}
