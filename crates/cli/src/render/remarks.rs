//! What changed on the way from the origin to the subject, and what an investigator looks at twice.

use std::net::IpAddr;

use trailback_sessions::{Outcome, Session, SessionType, Text, Timestamp};

use super::chain_mfa;
use super::text::{count, safe};
use super::trace::Trail;
use super::words::{
    Toned, account_id, fitting, goes_on, has_request, is_refused, is_use, moment, origin, shown,
    unseen_key,
};
use crate::look::Tone;

/// The name of the hop at a position: `hop 2`, or `the use` where the row is no issuance.
pub(crate) fn hop_name(hops: &[Session], position: usize) -> String {
    let earlier = earlier_hops(hops);
    match hops.get(position) {
        Some(session) if is_use(session) => "the use".to_owned(),
        _ => format!("hop {}", earlier + position + 1),
    }
}

/// How many hops stand before the first one that is shown (rule L10 cuts very long chains).
pub(crate) fn earlier_hops(hops: &[Session]) -> usize {
    let depth = hops.last().map_or(0, |session| {
        usize::try_from(session.chain.depth).unwrap_or(0)
    });
    (depth + 1).saturating_sub(hops.len())
}

/// All remarks on a trace, in the order in which they matter.
pub(crate) fn remarks(trail: &Trail<'_>) -> Vec<Toned> {
    let hops = trail.hops;
    let mut remarks = Vec::new();
    remarks.extend(lived_on(hops, trail.at));
    remarks.extend(made_after_expiry(hops));
    remarks.extend(failed(hops));
    remarks.extend(unseen_key_of(hops));
    remarks.extend(several_fit(hops));
    remarks.extend(chain_mfa::lost(hops));
    remarks.extend(source_identity(hops));
    remarks.extend(accounts(hops));
    remarks.extend(addresses(hops));
    remarks.extend(policy_dropped(hops));
    remarks.extend(tags_incomplete(hops));
    remarks
}

/// That a session had expired at the moment that was asked about, as far as it is logged.
fn lived_on(hops: &[Session], at: Option<Timestamp>) -> Option<Toned> {
    let expiry = hops.last()?.issuance.session.expires_at?;
    let at = at.filter(|at| expiry < *at)?;
    let text = format!(
        "at {} UTC it had expired as logged, at {} UTC: whether it was still used is not known; only sessions in the console live on",
        moment(at),
        moment(expiry)
    );
    Some((text, Tone::Warn))
}

/// Where a call was made with a session that had expired by then, as logged. Consoles, and what SAML leads into, outlive what is
/// logged; of several issuances that fit, another may be the one.
fn made_after_expiry(hops: &[Session]) -> Vec<Toned> {
    let lives_on = |session: &Session| {
        let issuance = &session.issuance;
        issuance.session.session_type == SessionType::Console
            || issuance.record.event_name.as_deref() == Some("AssumeRoleWithSAML")
    };
    let told = (1..hops.len()).filter_map(|position| {
        let (before, session) = (&hops[position - 1], &hops[position]);
        let made_at = session.issuance.record.event_time;
        let expiry = before.issuance.session.expires_at?;
        if made_at <= expiry || lives_on(before) || fitting(session).is_some() {
            return None;
        }
        let text = format!(
            "{} was made at {} UTC, when the session of {} had expired as logged, at {} UTC: such a call should not have been possible",
            hop_name(hops, position),
            moment(made_at),
            hop_name(hops, position - 1),
            moment(expiry)
        );
        // AWS refuses what comes too late.
        let is_success = session.issuance.record.outcome != Outcome::Failed;
        is_success.then_some((text, Tone::Warn))
    });
    told.collect()
}

/// That a call was refused or went wrong, with the code that tells which, and what the service said of it.
fn failed(hops: &[Session]) -> Option<Toned> {
    let last = hops.last()?;
    let record = &last.issuance.record;
    if record.outcome != Outcome::Failed {
        return None;
    }
    let what = if is_refused(last) {
        "the call was refused"
    } else {
        "the call failed"
    };
    let text = match (&record.error_code, &record.error_message) {
        (Some(code), Some(message)) => format!("{what} ({}): {}", safe(code), safe(message)),
        (code, message) => format!("{what}: {}", shown(message.as_ref().or(code.as_ref()))),
    };
    Some((text, Tone::Bad))
}

/// That the person at the origin is certain, and the sign-in that the chain goes back to is not in the logs.
fn unseen_key_of(hops: &[Session]) -> Option<Toned> {
    let first = hops.first()?;
    let key = safe(unseen_key(first)?);
    let created = first.issuance.caller.caller_session_created_at;
    let created = created.map_or_else(String::new, |at| format!(" at {} UTC", moment(at)));
    let text = format!(
        "how {key} was handed out{created}, and from where, is not in the logs: the sign-in, or the call that asked for it, by {} \
         was not ingested",
        origin(&first.origin)
    );
    Some((text, Tone::Warn))
}

/// What the hops above such a link tell holds for one of those that fit.
fn several_fit(hops: &[Session]) -> Vec<Toned> {
    let told = (1..hops.len()).filter_map(|position| {
        let text = format!(
            "{} issuances fit {}, and {} is one of them: key, address and MFA of the others may differ",
            fitting(&hops[position])?,
            hop_name(hops, position),
            hop_name(hops, position - 1)
        );
        Some((text, Tone::Warn))
    });
    told.collect()
}

fn source_identity(hops: &[Session]) -> Vec<Toned> {
    let identity = |session: &Session| session.issuance.session.source_identity.clone();
    let issuances = hops.iter().filter(|session| !is_use(session)).count();
    let Some(set) = hops.iter().position(|session| identity(session).is_some()) else {
        return Vec::new();
    };
    let mut remarks = Vec::new();
    for position in set + 1..issuances {
        let (before, now) = (identity(&hops[position - 1]), identity(&hops[position]));
        if before.is_some() && before != now {
            let now = now.map_or_else(|| "none".to_owned(), |now| safe(&now));
            let text = format!(
                "source identity changes at {}: {} becomes {now}",
                hop_name(hops, position),
                shown(before.as_ref())
            );
            remarks.push((text, Tone::Warn));
        }
    }
    if remarks.is_empty() {
        let name = shown(identity(&hops[set]).as_ref());
        let was_there = hops[set].issuance.caller.caller_source_identity.is_some();
        let begins = match was_there || (set == 0 && earlier_hops(hops) > 0) {
            true => "carried into",
            false => "set at",
        };
        let text = format!(
            "source identity {name}, {begins} {} and unchanged since",
            hop_name(hops, set)
        );
        remarks.push((text, Tone::Plain));
    }
    remarks
}

/// The account of the origin and of every hop, and where it changes.
fn accounts(hops: &[Session]) -> Vec<Toned> {
    let mut before = hops
        .first()
        .and_then(|session| session.origin.account_id.clone());
    let mut remarks = Vec::new();
    for (position, session) in hops.iter().enumerate() {
        let Some(now) = account_id(session) else {
            continue;
        };
        if let Some(left) = before.as_ref().filter(|before| *before != now) {
            let text = format!(
                "{} crosses from account {} into account {}",
                hop_name(hops, position),
                safe(left),
                safe(now)
            );
            remarks.push((text, Tone::Plain));
        }
        before = Some(now.clone());
    }
    remarks
}

/// Where a call comes from another address than the call before. Services' names are no addresses.
fn addresses(hops: &[Session]) -> Vec<Toned> {
    let address = |session: &Session| -> Option<Text> {
        let address = session.issuance.record.source_ip_address.clone()?;
        address.parse::<IpAddr>().is_ok().then_some(address)
    };
    let mut remarks = Vec::new();
    for position in (1..hops.len()).filter(|position| fitting(&hops[*position]).is_none()) {
        if let (Some(before), Some(now)) = (address(&hops[position - 1]), address(&hops[position]))
            && before != now
        {
            let text = format!(
                "{} comes from another address: {now}, after {before}",
                hop_name(hops, position)
            );
            remarks.push((text, Tone::Warn));
        }
    }
    remarks
}

/// A session policy restricts one session only, in the console too: the role assumed next is free of it. Who was refused has no
/// session.
fn policy_dropped(hops: &[Session]) -> Vec<Toned> {
    let is_restricted = |session: &Session| session.issuance.policy.session_scope_sha256.is_some();
    let mut remarks = Vec::new();
    let mut restricted = None;
    for (position, session) in hops.iter().enumerate() {
        if fitting(session).is_some() {
            restricted = None;
        }
        if is_use(session) || goes_on(session) || session.issuance.record.outcome == Outcome::Failed
        {
            continue;
        }
        if let Some(before) = restricted
            .take()
            .filter(|_| has_request(session) && !is_restricted(session))
        {
            let text = format!(
                "{} is free of the session policy that restricts {}",
                hop_name(hops, position),
                hop_name(hops, before)
            );
            remarks.push((text, Tone::Warn));
        }
        restricted = is_restricted(session).then_some(position);
    }
    remarks
}

fn tags_incomplete(hops: &[Session]) -> Option<Toned> {
    let unknown = hops
        .iter()
        .filter(|session| !is_use(session) && !session.effective_tags_known)
        .count();
    (unknown > 0).then(|| {
        let hops = count(unknown as u64, "hop", "hops");
        let text = format!(
            "the tags of {hops} may be more than is known: the session before is not in the logs, or AWS sets tags that no record shows"
        );
        (text, Tone::Dim)
    })
}
