//! Compares what believable digests list with what lies there and with the ledger.

use std::collections::HashMap;
use std::ops::Range;

use trailback_cloudtrail::digest::{ChainFault, DigestedObject, Sha256, SignatureFault, Trust};
use trailback_cloudtrail::object_key::{ObjectKind, classify};
use trailback_sessions::{Text, Timestamp};
use trailback_tables::partition::Day;

use super::digests::{Chain, Chains};
use super::report::{ChainReport, Finding, FindingKind, Verification, VerifyTally};
use crate::ledger::{Known, KnownObjects};
use crate::log_objects::{DeliveryDays, Listed, LogObject};

/// A log object is listed by the digest of its hour, or, delivered at its end, by the next.
const LISTED_WITHIN_MS: i64 = 3_600_000;

/// A minute, the precision of the time in a log object's name.
const MINUTE_MS: i64 = 60_000;

/// What is being held against each other.
pub(super) struct HeldAgainst<'a> {
    chains: Chains,
    listed: Vec<Listed>,
    known: Ledger<'a>,
    days: DeliveryDays,
    /// What became of each listed log object.
    fates: Vec<Fate>,
    findings: Vec<Finding>,
    tally: VerifyTally,
}

/// What became of a listed log object.
#[derive(Clone, Debug)]
enum Fate {
    /// No digest names it.
    Unnamed,
    /// Only a digest names it that nothing proves.
    NamedInVain,
    /// A digest names it, with this hash; it has to be read.
    ToRead(Box<DigestedObject>),
    Decided,
}

/// What the lake has read, by location, and where that is a path, by file name: folders may be given from elsewhere.
struct Ledger<'a> {
    by_location: &'a KnownObjects,
    by_file: HashMap<&'a str, &'a Vec<Known>>,
}

impl<'a> Ledger<'a> {
    fn of(known: &'a KnownObjects) -> Ledger<'a> {
        let files = known.iter().filter(|(location, _)| !is_in_s3(location));
        Ledger {
            by_location: known,
            by_file: files
                .map(|(location, known)| (file_of(location), known))
                .collect(),
        }
    }

    fn readings(&self, name: &str) -> &'a [Known] {
        let known = self.by_location.get(name);
        let known = known.or_else(|| {
            let file = (!is_in_s3(name)).then(|| file_of(name))?;
            self.by_file.get(file).copied()
        });
        known.map_or(&[], Vec::as_slice)
    }
}

fn is_in_s3(location: &str) -> bool {
    location.starts_with("s3://")
}

fn file_of(location: &str) -> &str {
    location.rsplit('/').next().unwrap_or(location)
}

impl<'a> HeldAgainst<'a> {
    pub(super) fn new(
        chains: Chains,
        listed: Vec<Listed>,
        known: &'a KnownObjects,
        days: DeliveryDays,
    ) -> HeldAgainst<'a> {
        HeldAgainst {
            fates: vec![Fate::Unnamed; listed.len()],
            chains,
            known: Ledger::of(known),
            listed,
            days,
            findings: Vec::new(),
            tally: VerifyTally::default(),
        }
    }

    /// Compares all that can be compared without reading a log object.
    pub(super) fn compare(&mut self) {
        self.findings.append(&mut self.chains.unreadable);
        self.tally.digests = self.findings.len() as u64;
        self.tally.log_objects = self.listed.len() as u64;
        let places = Places::of(&self.listed);
        let chains = std::mem::take(&mut self.chains.chains);
        for chain in &chains {
            self.tell_faults(chain);
            for (found, trust) in chain.digests.iter().zip(&chain.walk.trust) {
                self.tally.digests += 1;
                let objects = &found.digest.log_objects;
                match trust {
                    Trust::Proven | Trust::Unchecked => {
                        self.tally.digests_proven += 1;
                        for object in objects {
                            self.compare_one(chain, object, &places);
                        }
                    }
                    Trust::Unproven(_) => self.name_in_vain(objects, &places),
                    Trust::Refuted => {}
                }
            }
        }
        self.chains.chains = chains;
    }

    fn compare_one(&mut self, chain: &Chain, object: &DigestedObject, places: &Places) {
        let Some(number) = places.find(object) else {
            if self.is_in_period(object) {
                self.tally.missing += 1;
                let why = "CloudTrail delivered it, and it is not there".to_owned();
                let name = self.location_of(object);
                let missing = of_object(FindingKind::LogObjectMissing, chain, name, object, why);
                self.findings.push(missing);
            }
            return;
        };
        let listed = &self.listed[number];
        let name = Text::clone(&listed.log_object.name);
        let readings = self.known.readings(&name);
        let delivered = hex::encode(object.sha256);
        let hashes = readings
            .iter()
            .filter_map(|reading| reading.sha256.as_deref());
        for read in hashes.filter(|read| *read != delivered) {
            let why = format!(
                "the lake has read a text whose SHA-256 is {read}, and CloudTrail delivered {delivered}"
            );
            let altered = of_object(
                FindingKind::ReadingAltered,
                chain,
                name.to_string(),
                object,
                why,
            );
            self.findings.push(altered);
        }
        let by_ledger = readings.iter().find_map(|reading| {
            let is_same = listed.etag.is_some()
                && reading.etag.as_deref() == listed.etag.as_ref().map(|etag| &*etag.0);
            is_same.then_some(reading.sha256.as_deref()?)
        });
        match by_ledger {
            Some(sha256) if sha256 == delivered => {
                self.fates[number] = Fate::Decided;
                self.tally.proven += 1;
                self.tally.proven_by_ledger += 1;
            }
            _ => self.fates[number] = Fate::ToRead(Box::new(object.clone())),
        }
    }

    /// What only an unproven digest names is not proven, but it was not added by somebody either, as far as is known.
    fn name_in_vain(&mut self, objects: &[DigestedObject], places: &Places) {
        for number in objects.iter().filter_map(|object| places.find(object)) {
            if matches!(self.fates[number], Fate::Unnamed) {
                self.fates[number] = Fate::NamedInVain;
            }
        }
    }

    /// As rows and people name it.
    fn location_of(&self, object: &DigestedObject) -> String {
        let place = &object.place;
        let is_local = self
            .listed
            .first()
            .is_some_and(|one| !is_in_s3(&one.log_object.name));
        if is_local {
            place.object_key.clone()
        } else {
            format!("s3://{}/{}", place.bucket, place.object_key)
        }
    }

    /// Whether an object was delivered in the period that was asked for.
    fn is_in_period(&self, object: &DigestedObject) -> bool {
        match classify(&object.place.object_key) {
            ObjectKind::LogObject(key) => key
                .delivered_at
                .is_none_or(|at| self.days.contains(Day::of(at))),
            _ => true,
        }
    }

    fn tell_faults(&mut self, chain: &Chain) {
        for fault in &chain.walk.faults {
            let finding = of_fault(chain, fault);
            self.findings.push(finding);
        }
    }

    /// The log objects whose hash the ledger does not know.
    pub(super) fn to_read(&self) -> Vec<LogObject> {
        let fates = self.listed.iter().zip(&self.fates);
        fates
            .filter(|(_, fate)| matches!(fate, Fate::ToRead(_)))
            .map(|(listed, _)| listed.log_object.clone())
            .collect()
    }

    /// Takes the hashes of what was read, and concludes.
    pub(super) fn conclude(
        mut self,
        hashes: Vec<Result<Sha256, String>>,
        signatures_checked: bool,
    ) -> Verification {
        let mut hashes = hashes.into_iter();
        let mut unproven = HashMap::<(Text, Text), Unproven>::new();
        let chains = std::mem::take(&mut self.chains.chains);
        let covered = Covered::by(&chains);
        for number in 0..self.listed.len() {
            let log_object = self.listed[number].log_object.clone();
            match std::mem::replace(&mut self.fates[number], Fate::Decided) {
                Fate::Decided => {}
                Fate::ToRead(object) => {
                    if let Some(hash) = hashes.next() {
                        self.decide(&log_object, &object, hash);
                    }
                }
                Fate::Unnamed if covered.must_name(&log_object) => self.add_extra(&log_object),
                Fate::Unnamed | Fate::NamedInVain => {
                    self.tally.unproven += 1;
                    let place = (log_object.account_id, log_object.region);
                    let place = (place.0.unwrap_or_default(), place.1.unwrap_or_default());
                    let at = log_object.delivered_at.unwrap_or_default();
                    unproven.entry(place).or_default().add(at);
                }
            }
        }
        for ((account_id, region), unproven) in unproven {
            self.findings.push(unproven.finding(&account_id, &region));
        }
        self.findings
            .sort_by(|one, other| order(one).cmp(&order(other)));
        Verification {
            signatures_checked,
            tally: self.tally,
            chains: chains.iter().map(report).collect(),
            findings: self.findings,
        }
    }

    fn decide(
        &mut self,
        log_object: &LogObject,
        object: &DigestedObject,
        hash: Result<Sha256, String>,
    ) {
        let (kind, why) = match hash {
            Ok(hash) if hash == object.sha256 => {
                self.tally.proven += 1;
                return;
            }
            Ok(hash) => {
                self.tally.altered += 1;
                let why = format!(
                    "its text has the SHA-256 {}, and CloudTrail delivered {}",
                    hex::encode(hash),
                    hex::encode(object.sha256)
                );
                (FindingKind::LogObjectAltered, why)
            }
            Err(why) => {
                self.tally.unreadable += 1;
                (FindingKind::LogObjectUnreadable, why)
            }
        };
        self.findings.push(Finding {
            kind,
            account_id: text_of(log_object.account_id.as_ref()),
            region: text_of(log_object.region.as_ref()),
            object: Some(log_object.name.to_string()),
            period: event_period(object),
            why,
        });
    }

    fn add_extra(&mut self, log_object: &LogObject) {
        let at = log_object.delivered_at.unwrap_or_default();
        self.tally.extra += 1;
        self.findings.push(Finding {
            kind: FindingKind::LogObjectExtra,
            account_id: text_of(log_object.account_id.as_ref()),
            region: text_of(log_object.region.as_ref()),
            object: Some(log_object.name.to_string()),
            period: at..Timestamp(at.0 + MINUTE_MS),
            why: "no digest names it, and those of its time are complete".to_owned(),
        });
    }
}

/// Where what digests name lies: by file name, because a folder may hold only the end of the keys, and logs may be replicated to
/// a bucket of another name.
struct Places(HashMap<String, Vec<(Text, usize)>>);

impl Places {
    fn of(listed: &[Listed]) -> Places {
        let mut places = HashMap::<String, Vec<_>>::new();
        for (number, listed) in listed.iter().enumerate() {
            let name = &listed.log_object.name;
            let of_file = places.entry(file_of(name).to_owned()).or_default();
            of_file.push((Text::clone(name), number));
        }
        Places(places)
    }

    fn find(&self, object: &DigestedObject) -> Option<usize> {
        let (bucket, key) = (&object.place.bucket, object.place.object_key.as_str());
        let of_file = self.0.get(file_of(key))?;
        let put_there = format!("s3://{bucket}/{key}");
        let lies_there = |(name, _): &&(Text, usize)| **name == *put_there;
        let lies_alike = |(name, _): &&(Text, usize)| key.ends_with(&**name) || name.ends_with(key);
        let is_file = |(name, _): &&(Text, usize)| !is_in_s3(name);
        let found = of_file
            .iter()
            .find(lies_there)
            .or_else(|| of_file.iter().find(lies_alike))
            .or_else(|| of_file.iter().find(is_file));
        found.map(|(_, number)| *number)
    }
}

/// For which time the believable digests of an account and region are complete.
struct Covered<'c>(HashMap<(&'c str, &'c str), Vec<&'c Range<Timestamp>>>);

impl<'c> Covered<'c> {
    fn by(chains: &'c [Chain]) -> Covered<'c> {
        let mut covered = HashMap::<_, Vec<_>>::new();
        for chain in chains {
            let place = (&*chain.newest.account_id, &*chain.newest.region);
            covered
                .entry(place)
                .or_default()
                .extend(&chain.walk.covered);
        }
        Covered(covered)
    }

    /// Whether a digest would have to name it.
    fn must_name(&self, log_object: &LogObject) -> bool {
        let account_id = log_object.account_id.as_deref().unwrap_or_default();
        let region = log_object.region.as_deref().unwrap_or_default();
        let at = log_object.delivered_at.unwrap_or_default();
        let ranges = self.0.get(&(account_id, region));
        let until = Timestamp(at.0 + LISTED_WITHIN_MS);
        ranges.is_some_and(|ranges| {
            let holds = |range: &&&Range<Timestamp>| range.start <= at && until <= range.end;
            ranges.iter().any(|range| holds(&range))
        })
    }
}

/// Log objects of an account and region that nothing proves.
#[derive(Default)]
struct Unproven {
    count: u64,
    period: Option<Range<Timestamp>>,
}

impl Unproven {
    fn add(&mut self, at: Timestamp) {
        self.count += 1;
        let end = Timestamp(at.0 + MINUTE_MS);
        self.period = Some(match self.period.take() {
            Some(period) => period.start.min(at)..period.end.max(end),
            None => at..end,
        });
    }

    fn finding(self, account_id: &str, region: &str) -> Finding {
        let which = match self.count {
            1 => "1 log object is".to_owned(),
            count => format!("{count} log objects are"),
        };
        Finding {
            kind: FindingKind::LogObjectsUnproven,
            account_id: account_id.to_owned(),
            region: region.to_owned(),
            object: None,
            period: self.period.unwrap_or_default(),
            why: format!(
                "{which} named by no digest that may be believed, and digests of that time are not complete"
            ),
        }
    }
}

/// The time of an object's records; where its digest does not say it, the time of its delivery.
fn event_period(object: &DigestedObject) -> Range<Timestamp> {
    if let Some((oldest, newest)) = object.event_times {
        return oldest..Timestamp(newest.0 + 1_000);
    }
    match classify(&object.place.object_key) {
        ObjectKind::LogObject(key) => {
            let at = key.delivered_at.unwrap_or_default();
            at..Timestamp(at.0 + MINUTE_MS)
        }
        _ => Range::default(),
    }
}

fn of_object(
    kind: FindingKind,
    chain: &Chain,
    name: String,
    object: &DigestedObject,
    why: String,
) -> Finding {
    Finding {
        kind,
        account_id: chain.newest.account_id.clone(),
        region: chain.newest.region.clone(),
        object: Some(name),
        period: event_period(object),
        why,
    }
}

fn of_fault(chain: &Chain, fault: &ChainFault) -> Finding {
    let of_digest = |digest: usize| {
        let found = &chain.digests[digest];
        (Some(found.lies_at.clone()), found.digest.period.clone())
    };
    let (kind, (object, period), why) = match fault {
        ChainFault::Missing {
            last,
            period,
            at_least,
        } => (
            FindingKind::DigestMissing,
            (Some(last.clone()), period.clone()),
            match at_least {
                1 => "the next digest names it, and it is not there".to_owned(),
                more => format!(
                    "the next digest names it, and it is not there, nor are those before it: {more}, one an hour"
                ),
            },
        ),
        ChainFault::Altered { digest } => (
            FindingKind::DigestAltered,
            of_digest(*digest),
            "the next digest names another SHA-256 of its text".to_owned(),
        ),
        ChainFault::NotProven { digest, fault } => (
            match fault {
                // A copy has lost it; CloudTrail's own object never lacks it.
                SignatureFault::Missing if !chain.is_in_bucket => FindingKind::DigestUnproven,
                SignatureFault::UnknownKey { .. } => FindingKind::DigestOfUnknownKey,
                SignatureFault::Missing | SignatureFault::Wrong => FindingKind::DigestForged,
            },
            of_digest(*digest),
            fault.to_string(),
        ),
        ChainFault::Moved { digest } => (
            FindingKind::DigestMoved,
            of_digest(*digest),
            format!(
                "CloudTrail put it at {}",
                chain.digests[*digest].digest.place.object_key
            ),
        ),
        ChainFault::Off { period } => (
            FindingKind::ValidationOff,
            (None, period.clone()),
            "validation was off: the next digest begins a chain".to_owned(),
        ),
    };
    Finding {
        kind,
        account_id: chain.newest.account_id.clone(),
        region: chain.newest.region.clone(),
        object,
        period,
        why,
    }
}

fn report(chain: &Chain) -> ChainReport {
    let believed = || {
        let judged = chain.digests.iter().zip(&chain.walk.trust);
        judged.filter(|(_, trust)| Trust::is_enough(trust))
    };
    let named = believed().map(|(found, _)| found.digest.log_objects.len() as u64);
    ChainReport {
        newest: chain.newest.clone(),
        digests: chain.digests.len() as u64,
        digests_proven: believed().count() as u64,
        log_objects: named.sum(),
        covered: chain.walk.covered.clone(),
    }
}

fn text_of(text: Option<&Text>) -> String {
    text.map(ToString::to_string).unwrap_or_default()
}

fn order(finding: &Finding) -> (&str, &str, Timestamp, FindingKind, Option<&str>) {
    let Finding {
        kind,
        account_id,
        region,
        object,
        period,
        ..
    } = finding;
    (account_id, region, period.start, *kind, object.as_deref())
}
