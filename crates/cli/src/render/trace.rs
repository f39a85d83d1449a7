//! A trace: from the origin down to the subject, every hop with its evidence.

use trailback_sessions::{Session, Timestamp, access_key};

use super::chain_mfa::answer_mfa;
use super::gap;
use super::page::{Column, Page, Rail};
use super::remarks::{earlier_hops, hop_name, remarks};
use super::text::{count, safe};
use super::words::{
    self, ISSUED, TRANSITIVE, Toned, absent, account, call, came_from, is_refused, is_use, link,
    link_in_full, mfa, mfa_in_full, moment, named_origin, origin, outcome, policies_or_none,
    policy_name, session_name, shown, tags_or_none, whole_arn,
};
use crate::look::{Look, Tone};

/// The chain of one session.
#[derive(Clone, Copy, Default)]
pub(crate) struct Trail<'a> {
    /// What was asked about, as it was typed.
    pub(crate) subject: &'a str,
    /// The moment that was asked about.
    pub(crate) at: Option<Timestamp>,
    /// From the hop made by the origin (or at the gap) down to the subject's own; not empty.
    pub(crate) hops: &'a [Session],
    /// Where the logs lack what might close the gap.
    pub(crate) holes: &'a [String],
}

/// The trace as text: a table with one hop a line where there is room, else a block per hop.
pub(crate) fn render(trail: &Trail<'_>, look: Look) -> String {
    let mut page = Page::new(look);
    let [first, ..] = trail.hops else {
        return String::new();
    };
    answer(&mut page, trail);
    page.gap("");
    if look.is_wide() {
        start(&mut page, trail, first, Rail::NONE);
        page.gap("");
        hop_table(&mut page, trail.hops);
        page.gap("");
        records(&mut page, trail.hops);
    } else {
        let rail = if first.origin.known {
            Rail::ORIGIN
        } else {
            Rail::GAP
        };
        start(&mut page, trail, first, rail);
        for position in 0..trail.hops.len() {
            page.gap("│");
            hop_block(&mut page, trail.hops, position);
        }
    }
    closing(&mut page, trail);
    page.into_text()
}

/// Remarks, and what a mark means where one was used.
fn closing(page: &mut Page, trail: &Trail<'_>) {
    let hops = trail.hops;
    let remarks = remarks(trail);
    if !remarks.is_empty() {
        page.gap("");
    }
    for remark in &remarks {
        page.bullet("  - ", remark);
    }
    let has_transitive = |session: &Session| !session.effective_transitive_tag_keys.is_empty();
    if hops
        .iter()
        .any(|session| !is_use(session) && has_transitive(session))
    {
        page.gap("");
        page.bullet("  ", &(TRANSITIVE.to_owned(), Tone::Dim));
    }
}

/// The question and its answer, before any detail.
fn answer(page: &mut Page, trail: &Trail<'_>) {
    let (Some(first), Some(last)) = (trail.hops.first(), trail.hops.last()) else {
        return;
    };
    let question = question(last);
    let asked = format!("{question} {}?", asked_about(trail.subject, trail.at));
    page.paragraph(&(asked, Tone::Dim));
    let who = named_origin(last);
    if last.origin.known {
        let mfa = answer_mfa(trail.hops).map_or_else(String::new, |(mfa, _)| format!(", {mfa}"));
        page.paragraph(&(format!("{who}{mfa}"), Tone::Strong));
    } else {
        page.paragraph(&(format!("Not known. The chain stops at {who}."), Tone::Bad));
    }
    page.paragraph(&(extent(trail.hops, first, last), Tone::Dim));
}

/// The subject, and the moment that was asked about.
pub(super) fn asked_about(subject: &str, at: Option<Timestamp>) -> String {
    let at = at.map_or_else(String::new, |at| format!(" at {} UTC", moment(at)));
    safe(subject) + &at
}

/// What is asked about the subject.
pub(super) fn question(last: &Session) -> &'static str {
    match is_refused(last) {
        true => "Who was refused",
        false => "Who is behind",
    }
}

/// `3 hops in 2 accounts, 2026-11-20 09:02:11 to 09:12:03 UTC`.
pub(super) fn extent(hops: &[Session], first: &Session, last: &Session) -> String {
    let issuances = earlier_hops(hops) + hops.iter().filter(|session| !is_use(session)).count();
    let mut accounts: Vec<_> = hops.iter().filter_map(words::account_id).collect();
    accounts.extend(last.origin.account_id.as_ref());
    accounts.sort_unstable();
    accounts.dedup();
    let (from, to) = (
        moment(first.issuance.record.event_time),
        moment(last.issuance.record.event_time),
    );
    let to = match (from.split_once(' '), to.split_once(' ')) {
        (Some((day, _)), Some((same_day, time))) if day == same_day => time.to_owned(),
        _ => to,
    };
    let period = if hops.len() > 1 {
        format!("{from} to {to}")
    } else {
        from
    };
    format!(
        "{} in {}, {period} UTC",
        count(issuances as u64, "hop", "hops"),
        count(accounts.len() as u64, "account", "accounts")
    )
}

/// The origin, or the gap in its place.
fn start(page: &mut Page, trail: &Trail<'_>, first: &Session, rail: Rail) {
    let earlier = earlier_hops(trail.hops);
    let below = rail.below();
    if first.origin.known {
        page.entry(
            rail,
            ("origin", Tone::Accent),
            &(origin(&first.origin), Tone::Strong),
        );
        let arn = first.origin.arn.as_ref().map(|arn| safe(arn));
        // Of SAML users the caller's record has a hash only, and what was asked for the provider.
        let provider_arn = &first.issuance.session.identity_provider_arn;
        let provider = first.origin.identity_provider.as_ref();
        let provider = provider
            .map(|idp| provider_arn.as_ref().unwrap_or(idp))
            .map(|idp| format!("vouched for by {}", safe(idp)));
        // Of several issuances that fit on the way the chain shows one; they may have begun with other keys, and the last row says so.
        let last = trail.hops.last().unwrap_or(first);
        let key = match (&first.origin.access_key_id, &last.origin.access_key_id) {
            (_, Some(key)) if access_key::is_temporary(key) => {
                Some(format!("temporary key {}", safe(key)))
            }
            (_, Some(key)) => Some(format!("access key {}", safe(key))),
            (Some(_), None) => {
                Some("with which access key is not known: several issuances fit".to_owned())
            }
            (None, None) => None,
        };
        let facts: Vec<String> = [arn, provider, key].into_iter().flatten().collect();
        if page.is_wide() && !facts.is_empty() {
            page.entry(below, ("", Tone::Dim), &(facts.join(", "), Tone::Plain));
        } else {
            for fact in facts {
                page.entry(below, ("", Tone::Dim), &(fact, Tone::Plain));
            }
        }
    } else if earlier == 0 {
        let gap = gap::explain(first);
        page.entry(rail, ("gap", Tone::Bad), &(gap.why, Tone::Bad));
        page.entry(
            below,
            ("known", Tone::Dim),
            &(gap.known.join(", "), Tone::Plain),
        );
        for hole in trail.holes {
            page.entry(below, ("hole", Tone::Bad), &(hole.clone(), Tone::Bad));
        }
        page.entry(below, ("next", Tone::Dim), &(gap.next, Tone::Plain));
    } else {
        page.entry(
            rail,
            ("gap", Tone::Bad),
            &("further up the chain".to_owned(), Tone::Bad),
        );
    }
    if earlier > 0 {
        let hops = count(earlier as u64, "earlier hop", "earlier hops");
        page.entry(
            below,
            ("", Tone::Dim),
            &(format!("{hops} not shown"), Tone::Dim),
        );
    }
}

/// One hop as a block of labelled lines.
fn hop_block(page: &mut Page, hops: &[Session], position: usize) {
    let session = &hops[position];
    let (rail, below) = if position + 1 == hops.len() {
        (Rail::LAST, Rail::LAST.below())
    } else {
        (Rail::HOP, Rail::HOP.below())
    };
    let name = hop_name(hops, position);
    let (outcome, outcome_tone) = outcome(session);
    let head = format!(
        "{} UTC  {}  {outcome}",
        moment(session.issuance.record.event_time),
        call(session)
    );
    let head_tone = if outcome_tone == Tone::Bad {
        Tone::Bad
    } else {
        Tone::Strong
    };
    page.entry(
        rail,
        (name.trim_start_matches("the "), Tone::Accent),
        &(head, head_tone),
    );
    for (label, text) in hop_entries(hops, position) {
        page.entry(below, (label, Tone::Dim), &text);
    }
}

fn hop_entries(hops: &[Session], position: usize) -> Vec<(&'static str, Toned)> {
    let session = &hops[position];
    let plain = |text: String| (text, Tone::Plain);
    let mut entries = Vec::new();
    if is_use(session) {
        entries.push(("account", plain(account(session))));
    } else {
        entries.push((
            "session",
            plain(format!(
                "{}, account {}",
                session_name(session),
                account(session)
            )),
        ));
        entries.extend(issued_key(session).map(|key| ("key", plain(key))));
    }
    entries.push(("from", plain(came_from(session))));
    if !is_use(session) {
        entries.push(("MFA", mfa_in_full(session)));
        entries.push(("tags", tags_or_none(session, ", ")));
        entries.push(("policy", policies_or_none(session, whole_arn, ", ")));
    }
    let before = position.checked_sub(1).map_or_else(
        || "the hop before".to_owned(),
        |before| hop_name(hops, before),
    );
    entries.push(("link", link_in_full(session, &before)));
    entries.extend(record_entries(session));
    entries
}

/// `ASIA… until 2026-11-20 10:02:11 UTC`.
fn issued_key(session: &Session) -> Option<String> {
    let facts = &session.issuance.session;
    let key = safe(facts.access_key_id.as_ref()?);
    Some(match facts.expires_at {
        Some(expiry) => format!("{key} until {} UTC", moment(expiry)),
        None => key,
    })
}

/// Where an auditor finds the record: its event IDs and log objects.
fn record_entries(session: &Session) -> Vec<(&'static str, Toned)> {
    let mut entries = vec![("event", (event_ids(session), Tone::Dim))];
    let objects = &session.issuance.log_objects;
    if objects.is_empty() {
        entries.push(("log", ("the record you gave".to_owned(), Tone::Dim)));
    }
    entries.extend(objects.iter().enumerate().map(|(number, object)| {
        (
            if number == 0 { "log" } else { "" },
            (safe(object), Tone::Dim),
        )
    }));
    entries
}

fn event_ids(session: &Session) -> String {
    let record = &session.issuance.record;
    let twins = record.event_ids.iter().filter(|id| **id != record.event_id);
    let mut text = safe(&record.event_id);
    for twin in twins {
        text += &format!(" and its copy {}", safe(twin));
    }
    text
}

/// The hops, one a line; the outcome only where it is not the same for all.
fn hop_table(page: &mut Page, hops: &[Session]) {
    let has_outcome = hops.iter().any(|session| outcome(session).0 != ISSUED);
    let mut columns = vec![
        Column::fixed("Hop"),
        Column::fixed("Time (UTC)"),
        Column::fixed("Account"),
        Column::flowing("Role / session"),
        Column::fixed("Source IP"),
        Column::fixed("MFA"),
        Column::flowing("Tags"),
        Column::flowing("Session policy"),
        Column::flowing("Link"),
    ];
    if has_outcome {
        columns.push(Column::fixed("Outcome"));
    }
    let rows = hops.iter().enumerate().map(|(position, session)| {
        let mut row = hop_row(hops, position);
        row.extend(has_outcome.then(|| outcome(session)));
        row
    });
    page.table(&columns, rows.collect());
}

fn hop_row(hops: &[Session], position: usize) -> Vec<Toned> {
    let session = &hops[position];
    let plain = |text: String| (text, Tone::Plain);
    let of_issuance = |cell: fn(&Session) -> Toned| {
        if is_use(session) {
            absent()
        } else {
            cell(session)
        }
    };
    vec![
        (short_name(hops, position), Tone::Accent),
        plain(moment(session.issuance.record.event_time)),
        plain(account(session)),
        (session_name(session), Tone::Strong),
        plain(shown(session.issuance.record.source_ip_address.as_ref())),
        of_issuance(mfa),
        of_issuance(|session| tags_or_none(session, "\n")),
        of_issuance(|session| policies_or_none(session, policy_name, "\n")),
        link(session),
    ]
}

fn short_name(hops: &[Session], position: usize) -> String {
    let name = hop_name(hops, position);
    name.trim_start_matches("hop ")
        .trim_start_matches("the ")
        .to_owned()
}

/// What of an entry of a hop stands in the table already, or in the line above the entries.
const IN_TABLE: [&str; 4] = ["account", "session", "key", "tags"];

/// The evidence of every hop in full, and where an auditor finds its record.
fn records(page: &mut Page, hops: &[Session]) {
    for (position, session) in hops.iter().enumerate() {
        if position > 0 {
            page.gap("");
        }
        let key = issued_key(session).map_or_else(String::new, |key| format!(", issued {key}"));
        let name = hop_name(hops, position);
        let head = (format!("{}{key}", call(session)), Tone::Plain);
        page.entry(
            Rail::NONE,
            (name.trim_start_matches("the "), Tone::Accent),
            &head,
        );
        for (label, text) in hop_entries(hops, position) {
            // A policy has more to say than the table only where there is one.
            let is_absent = label == "policy" && text.1 == Tone::Dim;
            if !is_absent && !IN_TABLE.contains(&label) {
                page.entry(Rail::NONE, (label, Tone::Dim), &text);
            }
        }
    }
}
