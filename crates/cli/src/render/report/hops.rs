//! One step of the chain: what happened, what the session may do, and why the link to the step before is believed.

use maud::{Markup, html};
use trailback_sessions::{Outcome, Session};

use super::super::policy::{self, NARROWS};
use super::super::remarks::hop_name;
use super::super::text::safe;
use super::super::words::{
    self, SAME_POLICY, TRANSITIVE, account, call, goes_on, has_request, is_use, link_in_full,
    mfa_in_full, outcome, policy_name, session_name,
};
use super::words::{class, code, code_or_absent, duration, shortened, time, toned};
use crate::look::Tone;

/// How much of a name stands in a heading.
const HEADING_MAX: usize = 120;

/// The step.
pub(super) fn hop(hops: &[Session], position: usize) -> Markup {
    let session = &hops[position];
    let name = hop_name(hops, position);
    let (outcome, tone) = outcome(session);
    html! {
        section.card {
            header {
                p.step { (name) }
                h3 { (shortened(&session_name(session), HEADING_MAX)) }
                p.badge.(class(badge_tone(tone))) { (outcome) }
            }
            dl.facts {
                (what_happened(session))
                @if !is_use(session) {
                    (credentials(session))
                    dt { "MFA" } dd { (toned(&mfa_in_full(session))) }
                    dt { "Tags" } dd { (tags(session)) }
                    dt { "Session policy" } dd { (policies(session)) }
                }
                dt { "Why we know" } dd { (link(hops, position)) }
                dt { "Where it is written" } dd { (records(session)) }
            }
        }
    }
}

fn badge_tone(tone: Tone) -> Tone {
    match tone {
        Tone::Plain => Tone::Dim,
        other => other,
    }
}

fn what_happened(session: &Session) -> Markup {
    let record = &session.issuance.record;
    let caller = &session.issuance.caller;
    html! {
        dt { "When" } dd { (time(record.event_time)) }
        dt { "Call" } dd {
            (code(&call(session)))
            @if let Some(region) = &record.aws_region { " in region " (safe(region)) }
        }
        @if record.outcome == Outcome::Failed {
            dt { "Refused" } dd.bad { (words::shown(record.error_message.as_ref().or(record.error_code.as_ref()))) }
        }
        dt { "Made by" } dd {
            (code_or_absent(caller.caller_arn.as_ref().or(caller.caller_principal_id.as_ref())))
            @if let Some(key) = &caller.caller_access_key_id { " with key " (code(key)) }
        }
        dt { "From" } dd {
            (code_or_absent(record.source_ip_address.as_ref()))
            @if let Some(agent) = &record.user_agent { br; span.soft { "with " (safe(agent)) } }
        }
    }
}

fn credentials(session: &Session) -> Markup {
    let facts = &session.issuance.session;
    let issued_at = session.issuance.record.event_time;
    html! {
        dt { "Session" } dd {
            (session_name(session)) " in account " (account(session))
            @if let Some(arn) = &facts.session_arn { br; (code(arn)) }
        }
        @if let Some(key) = &facts.access_key_id {
            dt { "Key handed out" } dd {
                (code(key))
                @if let Some(expiry) = facts.expires_at {
                    br; span.soft { "valid until " (time(expiry)) ", " (duration(expiry.0 - issued_at.0)) }
                }
            }
        }
        @if let Some(identity) = &facts.source_identity { dt { "Source identity" } dd { (code(identity)) } }
        @if let Some(id) = &facts.external_id { dt { "External ID" } dd { (code(id)) } }
    }
}

/// The tags in force, as a table.
fn tags(session: &Session) -> Markup {
    let tags = &session.effective_tags;
    if tags.is_empty() {
        return toned(&words::tags_or_none(session, ", "));
    }
    let own = &session.issuance.tags.session_tags;
    let passes_on = |key: &str| session.passes_on(key);
    html! {
        table.small {
            thead { tr { th scope="col" { "Tag" } th scope="col" { "Value" } th scope="col" { "Set" } } }
            tbody {
                @for (key, value) in tags {
                    tr {
                        td { (safe(key)) @if passes_on(key) { "*" } }
                        td { (safe(value)) }
                        td { @if own.contains_key(key) { "on this call" } @else { "inherited" } }
                    }
                }
            }
        }
        @if !session.effective_transitive_tag_keys.is_empty() { p.note { (TRANSITIVE) } }
    }
}

fn policies(session: &Session) -> Markup {
    let facts = &session.issuance.policy;
    if goes_on(session) {
        return html! { span.soft { (SAME_POLICY) } };
    }
    if facts.session_policy_sha256.is_none() && facts.session_policy_arns.is_empty() {
        return match has_request(session) {
            true => html! { "none: the session may do all that its role may" },
            false => html! { span.soft { "not in the logs" } },
        };
    }
    html! {
        p { (NARROWS) }
        ul {
            @for sentence in facts.session_policy.as_deref().map(policy::in_words).unwrap_or_default() { li { (sentence) } }
            @for arn in &facts.session_policy_arns {
                li { "Allows what the managed policy " strong { (policy_name(&safe(arn))) } " allows (" (code(arn)) ")." }
            }
        }
        @if let Some(text) = &facts.session_policy {
            pre tabindex="0" aria-label="The session policy as it was sent, laid out" { (policy::laid_out(text)) }
        }
        @if let Some(hash) = &facts.session_policy_sha256 { p.note { "SHA-256 " (code(hash)) } }
    }
}

fn link(hops: &[Session], position: usize) -> Markup {
    let session = &hops[position];
    let before = position.checked_sub(1).map_or_else(
        || "the hop before".to_owned(),
        |before| hop_name(hops, before),
    );
    html! {
        (toned(&link_in_full(session, &before)))
        @if let Some(parent) = &session.link.parent_event_id {
            br; span.soft { "the record that handed it out: " (code(parent)) }
        }
    }
}

/// Where an auditor finds the record.
fn records(session: &Session) -> Markup {
    let record = &session.issuance.record;
    let objects = &session.issuance.log_objects;
    html! {
        ul.plain {
            @for id in &record.event_ids { li { "event " (code(id)) } }
            @if let Some(request) = &record.request_id { li { "request " (code(request)) } }
            @for object in objects { li { "log object " (code(object)) } }
            @if objects.is_empty() { li { "the record that was given to Trailback, not a log object" } }
        }
    }
}
