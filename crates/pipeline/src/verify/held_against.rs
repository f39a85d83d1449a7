//! Compares what digests say with what lies there and with the ledger.

use std::collections::{HashMap, HashSet};
use std::ops::Bound;

use trailback_cloudtrail::digest::{DigestName, Sha256};
use trailback_cloudtrail::object_key::file_name;
use trailback_sessions::Timestamp;
use trailback_tables::ledger::LedgerEntry;
use trailback_tables::partition::Day;

use super::delivered::{Covered, Delivered, HOUR_MS, Standing, Whereabouts};
use super::digests::{Chains, Unread, trail_of};
use super::entries::{Entry, Voucher};
use super::faults;
use super::open::{Open, What};
use super::readings::Readings;
use super::report::{Finding, FindingKind, Verification, VerifyTally, minute_of};
use crate::extract::NoHash;
use crate::log_objects::{DeliveryDays, Listed, LogObject, Place};
use crate::store::ETag;

/// What is being held against each other.
pub(super) struct HeldAgainst<'a> {
    chains: Chains,
    listed: Vec<Listed>,
    readings: Option<Readings<'a>>,
    /// The days of delivery that are asked about.
    days: DeliveryDays,
    /// What became of each listed log object.
    fates: Vec<Fate>,
    findings: Vec<Finding>,
    open: Open,
    tally: VerifyTally,
}

/// What became of a listed log object.
#[derive(Clone, Debug)]
enum Fate {
    /// No believable digest names it; perhaps another one does, and it is not as that one says.
    Unnamed(Option<Voucher>, Option<Dispute>),
    /// Digests say this of it: numbers of entries. It has to be read.
    ToRead(Vec<usize>),
    Proven,
    Wrong,
}

/// Why an object is not as a digest says that nothing proves: it has another text, or could not be read.
#[derive(Clone, Debug)]
struct Dispute {
    kind: FindingKind,
    why: String,
}

impl<'a> HeldAgainst<'a> {
    pub(super) fn new(
        chains: Chains,
        listed: Vec<Listed>,
        ledger: Option<&'a [LedgerEntry]>,
        days: DeliveryDays,
    ) -> HeldAgainst<'a> {
        HeldAgainst {
            fates: Vec::with_capacity(listed.len()),
            tally: VerifyTally {
                log_objects: listed.len() as u64,
                ..VerifyTally::default()
            },
            chains,
            readings: ledger.map(Readings::of),
            days,
            listed,
            findings: Vec::new(),
            open: Open::default(),
        }
    }

    /// Compares all that can be compared without reading a log object.
    pub(super) fn compare(&mut self) {
        let mut found = HashSet::<usize>::new();
        for listed in &self.listed {
            let entries = &self.chains.entries;
            let named = entries.of_object(Whereabouts::read(&listed.log_object.name));
            let voucher = named.first().map(|number| entries.get(*number).voucher);
            found.extend(&named);
            let read = self.readings.as_ref();
            let read = read.and_then(|readings| readings.hash_of(listed));
            let is_of =
                |number: &usize| read.is_some_and(|sha256| entries.get(*number).is_of(sha256));
            let is_as_said = named.iter().any(is_of);
            let fate = match voucher {
                Some(Voucher::Believed) if is_as_said => {
                    self.tally.proven_by_ledger += 1;
                    Fate::Proven
                }
                // That the digest is not proven does not mean that it is wrong.
                Some(_) if !is_as_said => Fate::ToRead(named),
                // So that the reason why it cannot be reached is told.
                None if is_unreachable(&listed.log_object) => Fate::ToRead(named),
                voucher => Fate::Unnamed(voucher, None),
            };
            self.fates.push(fate);
        }
        self.tell_missing(&found);
    }

    /// Digests name them, and nothing that lies there can be meant.
    fn tell_missing(&mut self, found: &HashSet<usize>) {
        let is_local = self
            .listed
            .first()
            .is_some_and(|one| Whereabouts::read(&one.log_object.name).bucket.is_none());
        let entries = self.chains.entries.all();
        let is_believed = |entry: &&Entry| entry.voucher == Voucher::Believed;
        let believed = entries.iter().filter(is_believed);
        let believed: HashSet<_> = believed.map(|entry| &entry.place).collect();
        let mut told = HashSet::new();
        for (number, entry) in entries.iter().enumerate() {
            let is_asked = entry
                .delivered_at()
                .is_none_or(|at| self.days.contains(Day::of(at)));
            let is_missing = entry.is_log_object() && is_asked && !found.contains(&number);
            // What nothing proves is heard only of places that no believable digest names.
            let is_heard = is_believed(&entry) || !believed.contains(&entry.place);
            if is_missing && is_heard && told.insert(&entry.place) {
                self.findings.push(missing(entry, is_local));
                self.tally.missing += u64::from(is_believed(&entry));
            }
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
        hashes: Vec<Result<Sha256, NoHash>>,
        now: Timestamp,
        signatures_checked: bool,
    ) -> Verification {
        self.decide_all(hashes);
        let chains = std::mem::take(&mut self.chains.chains);
        let listed = std::mem::take(&mut self.listed);
        let log_objects = || listed.iter().map(|listed| &listed.log_object);
        let unread = std::mem::take(&mut self.chains.unread);
        let covered = Covered::by(&chains, &unread, log_objects().map(Delivered::of), now);
        let fates = std::mem::take(&mut self.fates);
        for (log_object, fate) in log_objects().zip(&fates) {
            match fate {
                Fate::Unnamed(voucher, dispute) => {
                    let object = Delivered::of(log_object);
                    self.tell_unnamed(object, *voucher, dispute.as_ref(), &covered);
                }
                Fate::Proven => self.tally.proven += 1,
                Fate::ToRead(_) | Fate::Wrong => {}
            }
        }
        let proven = proven_versions(&listed, &fates);
        let readings = self.readings.take().map(|readings| {
            let found = readings.judge(&self.chains.entries, &covered, &proven, &mut self.open);
            self.findings.extend(found.findings);
            found.tally
        });
        let of_chains = chains
            .iter()
            .flat_map(|chain| faults::of_chain(chain, &covered));
        self.findings.extend(of_chains);
        let ended = faults::ended(&chains, &unread, &covered, self.days);
        self.findings.extend(ended);
        self.chains.unread = unread;
        let chains: Vec<_> = chains.iter().map(faults::report).collect();
        self.tally.digests = self.chains.unreadable.len() as u64;
        self.tally.digests += chains.iter().map(|chain| chain.digests).sum::<u64>();
        self.tally.digests_proven = chains.iter().map(|chain| chain.digests_proven).sum();
        Verification {
            signatures_checked,
            tally: self.tally,
            readings,
            chains,
            findings: self.into_findings(),
        }
    }

    fn decide_all(&mut self, hashes: Vec<Result<Sha256, NoHash>>) {
        let mut hashes = hashes.into_iter();
        for number in 0..self.listed.len() {
            if let Fate::ToRead(named) = &self.fates[number] {
                let named = named.clone();
                let unread = || {
                    Err(NoHash {
                        reason: "was not read".to_owned(),
                        was_handed_out: false,
                    })
                };
                let hash = hashes.next().unwrap_or_else(unread);
                self.fates[number] = self.decide(number, &named, hash);
            }
        }
    }

    /// All that was found, what is open and what cannot be read among it, in order.
    fn into_findings(self) -> Vec<Finding> {
        let (mut findings, unreadable) = (self.findings, self.chains.unreadable);
        let unread = self.chains.unread;
        findings.extend(self.open.findings());
        let broken: HashSet<_> = unreadable.iter().map(file_named).collect();
        findings.retain(|finding| !is_only_broken(finding, &broken, &unread));
        findings.extend(unreadable);
        findings.sort_by(|one, other| one.order().cmp(&other.order()));
        findings
    }

    fn decide(&mut self, number: usize, named: &[usize], hash: Result<Sha256, NoHash>) -> Fate {
        let log_object = &self.listed[number].log_object;
        let entries = named.iter().map(|number| self.chains.entries.get(*number));
        let voucher = entries.clone().next().map(|entry| entry.voucher);
        let unproven = voucher.filter(|voucher| *voucher != Voucher::Believed);
        let is_as_said = |hash: &Sha256| entries.clone().any(|entry| entry.sha256 == *hash);
        if unproven.is_some() {
            let dispute = match hash {
                Ok(hash) if is_as_said(&hash) => None,
                Ok(_) => Some(Dispute {
                    kind: FindingKind::LogObjectDisputed,
                    why: "a digest that nothing proves says another SHA-256 of its text".to_owned(),
                }),
                Err(no_hash) => Some(Dispute {
                    kind: kind_of(&no_hash),
                    why: no_hash.reason,
                }),
            };
            return Fate::Unnamed(unproven, dispute);
        }
        let (kind, why) = match hash {
            Ok(hash) if is_as_said(&hash) => return Fate::Proven,
            Ok(hash) => {
                self.tally.altered += 1;
                let delivered = entries.clone().next();
                let delivered = delivered.map(|entry| hex::encode(entry.sha256));
                let why = format!(
                    "its text has the SHA-256 {}, and CloudTrail delivered {}",
                    hex::encode(hash),
                    delivered.unwrap_or_default()
                );
                (FindingKind::LogObjectAltered, why)
            }
            Err(no_hash) => {
                self.tally.unreadable += 1;
                (kind_of(&no_hash), no_hash.reason)
            }
        };
        let period = entries.clone().next().map(Entry::event_period);
        let period = period.unwrap_or_else(|| minute_of(log_object.delivered_at));
        let finding = Delivered::of(log_object).found(kind, period, why);
        self.findings.push(finding);
        Fate::Wrong
    }

    fn tell_unnamed(
        &mut self,
        object: Delivered<'_>,
        voucher: Option<Voucher>,
        dispute: Option<&Dispute>,
        covered: &Covered<'_>,
    ) {
        let period = minute_of(object.at);
        match (covered.standing(object, voucher), dispute) {
            // What a digest that nothing proves says makes nothing better.
            (Standing::Added(why), _) => {
                self.tally.extra += 1;
                let extra = object.found(FindingKind::LogObjectExtra, period, why);
                self.findings.push(extra);
            }
            (Standing::Unproven(..), Some(Dispute { kind, why })) => {
                match kind {
                    FindingKind::LogObjectDisputed => self.tally.unproven += 1,
                    _ => self.tally.unreadable += 1,
                }
                self.findings.push(object.found(*kind, period, &**why));
            }
            (Standing::Unproven(why, age), None) => {
                self.tally.unproven += 1;
                self.open.add(What::LogObject, object, why, age);
            }
        }
    }
}

fn kind_of(no_hash: &NoHash) -> FindingKind {
    match no_hash.was_handed_out {
        true => FindingKind::LogObjectUnreadable,
        false => FindingKind::LogObjectUnfetched,
    }
}

/// The versions that lie there and are proven, by location.
fn proven_versions<'l>(listed: &'l [Listed], fates: &[Fate]) -> HashMap<&'l str, &'l ETag> {
    let fates = listed.iter().zip(fates);
    let proven = fates.filter(|(_, fate)| matches!(fate, Fate::Proven));
    proven
        .filter_map(|(listed, _)| Some((&*listed.log_object.name, listed.etag.as_ref()?)))
        .collect()
}

fn file_named(finding: &Finding) -> Option<String> {
    let object = finding.object.as_deref();
    object.map(|object| file_name(object).to_owned())
}

/// Whether digests seem missing that are there and cannot be read: the one that is named, and one for each hour before it.
fn is_only_broken(finding: &Finding, broken: &HashSet<Option<String>>, unread: &Unread) -> bool {
    if finding.kind != FindingKind::DigestMissing || !broken.contains(&file_named(finding)) {
        return false;
    }
    let period = &finding.period;
    let name = finding.object.as_deref().and_then(DigestName::read);
    let ends = name.and_then(|name| unread.get(&trail_of(&name)));
    let within = (Bound::Excluded(period.start), Bound::Included(period.end));
    let hours = ends.map_or(0, |ends| ends.range(within).count());
    (period.end.0 - period.start.0) / HOUR_MS <= (hours as i64).max(1)
}

fn is_unreachable(log_object: &LogObject) -> bool {
    matches!(log_object.place, Place::Unreachable(_))
}

fn missing(entry: &Entry, is_local: bool) -> Finding {
    let place = &entry.place;
    // As rows and people name it.
    let name = match is_local {
        true => place.object_key.clone(),
        false => format!("s3://{}/{}", place.bucket, place.object_key),
    };
    let (kind, why) = match entry.voucher {
        Voucher::Believed => (
            FindingKind::LogObjectMissing,
            "CloudTrail delivered it, and it is not there",
        ),
        _ => (
            FindingKind::LogObjectDisputed,
            "a digest that nothing proves says that CloudTrail delivered it, and it is not there",
        ),
    };
    Finding::of(kind, entry.event_period(), why)
        .in_logs_of(&entry.account_id, &entry.region)
        .about(&name)
}
