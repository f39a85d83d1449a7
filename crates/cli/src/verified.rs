//! What a verification found, as JSON: written by `verify`, and taken by `trace` to explain gaps.

use std::path::Path;

use serde::{Deserialize, Serialize};
use trailback_pipeline::verify::{ChainReport, Finding, Verdict, Verification};
use trailback_sessions::{GapReason, LOOK_BACK_MS, LinkStatus, Session, Timestamp};

use crate::render::text::safe;
use crate::render::words::moment;
use crate::settings;

/// Counts up when a member changes its meaning or goes.
const VERSION: u32 = 1;

/// The whole of it.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Verified {
    /// The version of this form.
    pub(crate) version: u32,
    /// `sound`, `incomplete` or `unsound`.
    verdict: String,
    /// Whether the verdict is `sound`.
    sound: bool,
    /// Whether signatures were checked.
    signatures_checked: bool,
    log_objects: LogObjects,
    digests: Digests,
    /// What the lake has read; null without a lake.
    readings: Option<Readings>,
    chains: Vec<Chain>,
    /// What is wrong, or not proven.
    pub(crate) findings: Vec<Found>,
}

/// Counts of log objects.
#[derive(Debug, Deserialize, Serialize)]
struct LogObjects {
    found: u64,
    proven: u64,
    proven_by_ledger: u64,
    altered: u64,
    unreadable: u64,
    extra: u64,
    unproven: u64,
    missing: u64,
}

/// Counts of digests.
#[derive(Debug, Deserialize, Serialize)]
struct Digests {
    found: u64,
    proven: u64,
}

/// Counts of the lake's readings.
#[derive(Debug, Deserialize, Serialize)]
struct Readings {
    found: u64,
    proven: u64,
    altered: u64,
    extra: u64,
    unproven: u64,
}

/// The digests of one account, region and trail.
#[derive(Debug, Deserialize, Serialize)]
struct Chain {
    account_id: String,
    region: String,
    trail: String,
    backfill: bool,
    digests: u64,
    digests_proven: u64,
    log_objects: u64,
    covered: Vec<Span>,
}

/// A stretch of time, its end excluded.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Span {
    from: String,
    until: String,
}

/// One finding.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Found {
    /// What it is.
    pub(crate) finding: String,
    /// What it makes of the whole: the worst decides.
    verdict: String,
    /// Whether records may be lacking.
    pub(crate) hole: bool,
    /// In which account's logs.
    pub(crate) account_id: String,
    /// In which region's logs.
    pub(crate) region: String,
    /// The log object or digest.
    pub(crate) object: Option<String>,
    #[serde(flatten)]
    span: Span,
    /// In words.
    pub(crate) why: String,
}

impl Found {
    /// Whether calls of a time, both ends included, may lie in it.
    fn may_hold(&self, from: Timestamp, until: Timestamp) -> bool {
        let begins = Timestamp::parse(&self.span.from);
        let Some((begins, ends)) = begins.zip(Timestamp::parse(&self.span.until)) else {
            return false;
        };
        // Of digests the time is that of deliveries.
        let is_of_objects = !self.finding.starts_with("digest") && self.finding != "validation_off";
        let earlier = if is_of_objects { 0 } else { DELIVERY_MS };
        begins.0 - earlier <= until.0 && from < ends
    }

    fn unreadable_time(&self) -> Option<&str> {
        let times = [&*self.span.from, &*self.span.until];
        times
            .into_iter()
            .find(|time| Timestamp::parse(time).is_none())
    }

    fn told(&self) -> String {
        let object = self
            .object
            .as_ref()
            .map(|object| format!(" ({})", safe(object)));
        let times = [&self.span.from, &self.span.until]
            .map(|time| Timestamp::parse(time).map(moment).unwrap_or_default());
        // The logs may be whole where the lake has read something else.
        let (whose, has) = match self.finding.starts_with("reading") {
            true => ("what the lake has read of", "has"),
            false => ("the logs of", "have"),
        };
        format!(
            "{whose} account {} in {} {has} a hole from {} to {} UTC, in which the missing call may have been: {}{}",
            safe(&self.account_id),
            safe(&self.region),
            times[0],
            times[1],
            safe(&self.why),
            object.unwrap_or_default()
        )
    }
}

/// A verification that was given cannot be used.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("{path} is not what `trailback verify --format json` of this version writes: {why}")]
struct NotVerified {
    path: String,
    why: String,
}

/// How many holes are told of one gap.
const HOLES_TOLD_MAX: usize = 3;

/// How much later than its calls a log object may usually be delivered, in milliseconds (AWS: about 5 minutes, no promise).
const DELIVERY_MS: i64 = 15 * 60_000;

impl Verified {
    /// Reads what `verify` wrote.
    pub(crate) fn read(path: &Path) -> miette::Result<Verified> {
        let content = settings::content(path)?;
        let verified: Result<Verified, _> = serde_json::from_slice(&content);
        let why = match verified {
            Ok(verified) if verified.version != VERSION => {
                format!("its version is {}", verified.version)
            }
            // A hole whose time cannot be read would explain nothing, and nobody would know.
            Ok(verified) => match verified.findings.iter().find_map(Found::unreadable_time) {
                Some(time) => format!("it has the time {}, which cannot be read", safe(time)),
                None => return Ok(verified),
            },
            Err(problem) => problem.to_string(),
        };
        let path = path.display().to_string();
        Err(NotVerified { path, why }.into())
    }

    /// Where the logs lack what might close a gap: holes in the logs of the caller's account at the time at which the caller's
    /// session must have been handed out.
    pub(crate) fn holes_of(&self, session: &Session) -> Vec<String> {
        let Some((account_id, from, until)) = sought(session) else {
            return Vec::new();
        };
        let holes = self.findings.iter().filter(|found| {
            found.hole && found.account_id == account_id && found.may_hold(from, until)
        });
        let mut told: Vec<String> = holes
            .clone()
            .take(HOLES_TOLD_MAX)
            .map(Found::told)
            .collect();
        let more = holes.count() - told.len();
        if more > 0 {
            told.push(format!("{more} more holes of that time and account"));
        }
        told
    }

    /// As JSON has it.
    pub(crate) fn of(found: &Verification) -> Verified {
        let tally = &found.tally;
        Verified {
            version: VERSION,
            verdict: name_of(found.verdict()).to_owned(),
            sound: found.verdict() == Verdict::Sound,
            signatures_checked: found.signatures_checked,
            log_objects: LogObjects {
                found: tally.log_objects,
                proven: tally.proven,
                proven_by_ledger: tally.proven_by_ledger,
                altered: tally.altered,
                unreadable: tally.unreadable,
                extra: tally.extra,
                unproven: tally.unproven,
                missing: tally.missing,
            },
            digests: Digests {
                found: tally.digests,
                proven: tally.digests_proven,
            },
            readings: found.readings.map(|readings| Readings {
                found: readings.readings,
                proven: readings.proven,
                altered: readings.altered,
                extra: readings.extra,
                unproven: readings.unproven,
            }),
            chains: found.chains.iter().map(Chain::of).collect(),
            findings: found.findings.iter().map(Found::of).collect(),
        }
    }
}

fn name_of(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Sound => "sound",
        Verdict::Incomplete => "incomplete",
        Verdict::Unsound => "unsound",
    }
}

/// In which account's logs, and when, the record stands that would close a gap.
fn sought(session: &Session) -> Option<(&str, Timestamp, Timestamp)> {
    let caller = &session.issuance.caller;
    let at = session.issuance.record.event_time;
    let account_id = session.origin.account_id.as_ref();
    let account_id = account_id.or(caller.caller_account_id.as_ref())?;
    let (from, until) = match (session.link.status, session.link.gap_reason) {
        (LinkStatus::Gap, Some(GapReason::NotInLogs) | None) => {
            let created = caller.caller_session_created_at;
            let earliest = Timestamp(at.0.saturating_sub(LOOK_BACK_MS));
            (created.unwrap_or(earliest), created.unwrap_or(at))
        }
        (LinkStatus::Gap, Some(GapReason::CallerCopyMissing)) => (at, at),
        _ => return None,
    };
    Some((account_id, from, until))
}

impl Chain {
    fn of(chain: &ChainReport) -> Chain {
        let name = chain.newest.clone();
        Chain {
            account_id: name.account_id,
            region: name.region,
            trail: name.trail,
            backfill: name.is_backfill,
            digests: chain.digests,
            digests_proven: chain.digests_proven,
            log_objects: chain.log_objects,
            covered: chain.covered.iter().map(Span::of).collect(),
        }
    }
}

impl Span {
    fn of(period: &std::ops::Range<Timestamp>) -> Span {
        Span {
            from: period.start.to_string(),
            until: period.end.to_string(),
        }
    }
}

impl Found {
    fn of(finding: &Finding) -> Found {
        Found {
            finding: finding.kind.name().to_owned(),
            verdict: name_of(finding.kind.verdict()).to_owned(),
            hole: finding.is_hole,
            account_id: finding.account_id.clone(),
            region: finding.region.clone(),
            object: finding.object.clone(),
            span: Span::of(&finding.period),
            why: finding.why.clone(),
        }
    }
}
