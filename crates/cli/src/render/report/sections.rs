//! The parts of the page around the chain: the answer, the story, what stands out, gaps, MFA, what was searched, the words.

use maud::{Markup, html};
use trailback_pipeline::searched::{LogObjects, Outcomes};
use trailback_sessions::{Session, Text};

use super::super::chain_mfa::answer_mfa;
use super::super::gap;
use super::super::remarks::{hop_name, remarks};
use super::super::text::{count, grouped, safe};
use super::super::trace::{extent, question};
use super::super::words::{
    self, fitting, is_one_of_several, is_use, mfa_in_full, moment, named_origin, origin_mfa,
    session_name, shown,
};
use super::words::{
    circumstances, class, code, code_or_absent, deed, doer, shortened, time, toned,
};
use super::{Case, Report};

/// How much of a subject or a name stands in a heading.
const HEADING_MAX: usize = 160;

/// What is known of the alert that led here.
pub(super) fn alert(facts: &[(&'static str, String)], number: usize) -> Markup {
    html! {
        section.panel.alert aria-labelledby={ "alert-" (number) } {
            h2 id={ "alert-" (number) } { "The alert" }
            dl.facts {
                @for (label, text) in facts { dt { (label) } dd { (safe(text)) } }
            }
        }
    }
}

/// A list of the cases, where the subject names several sessions.
pub(super) fn several(report: &Report<'_>) -> Markup {
    html! {
        nav.panel aria-labelledby="several" {
            h2 id="several" { (count(report.cases.len() as u64, "session", "sessions")) " on this page" }
            ol {
                @for (number, case) in report.cases.iter().enumerate() {
                    @if let Some(last) = case.hops.last() {
                        li {
                            a href={ "#case-" (number + 1) } { (shortened(&session_name(last), HEADING_MAX)) }
                            " " (time(last.issuance.record.event_time)) ", by " (shortened(&named_origin(last), HEADING_MAX))
                        }
                    }
                }
            }
            @if report.left_out > 0 {
                p.note { (count(report.left_out as u64, "older session fits", "older sessions fit")) " too and is not on this page." }
            }
        }
    }
}

/// The question and its answer.
pub(super) fn answer(case: &Case) -> Markup {
    let (Some(first), Some(last)) = (case.hops.first(), case.hops.last()) else {
        return html! {};
    };
    let is_known = last.origin.known;
    html! {
        section.answer.(if is_known { "known" } else { "unknown" }) {
            p.question { (question(last)) }
            h1 { (shortened(&safe(&case.subject), HEADING_MAX)) "?" }
            @if let Some(at) = case.at { p.extent { "As of " (time(at)) } }
            @if is_known {
                p.who { (shortened(&named_origin(last), HEADING_MAX)) }
                @if let Some((mfa, tone)) = answer_mfa(&case.hops) { p.badge.(class(tone)) { (mfa) } }
            } @else {
                p.who { "Not known" }
                p { "The chain stops at " (named_origin(last)) "." }
            }
            p.extent { (extent(&case.hops, first, last)) }
            (origin_facts(first, last, is_one_of_several(&case.hops)))
        }
    }
}

/// What stands where chains that fit do not agree.
const DIFFERS: &str = "not the same in all issuances that fit";

/// What the last row says of the origin; what it leaves open of a chain that is one of several, the first hop says differently in
/// each.
fn origin_facts(first: &Session, last: &Session, is_one_of_several: bool) -> Markup {
    let origin = &last.origin;
    let differs = |of_first: &Option<Text>, of_last: &Option<Text>| {
        is_one_of_several && of_first.is_some() && of_last.is_none()
    };
    let of_first = &first.origin;
    html! {
        dl.facts {
            @if let Some(arn) = &origin.arn { dt { "Identity" } dd { (code(arn)) } }
            @if let Some(provider) = &origin.identity_provider { dt { "Vouched for by" } dd { (code(provider)) } }
            @if let Some(key) = &origin.access_key_id { dt { "First key used" } dd { (code(key)) } }
            @if differs(&of_first.access_key_id, &origin.access_key_id) { dt { "First key used" } dd.warn { (DIFFERS) } }
            dt { "First seen" } dd {
                @if differs(&of_first.source_ip_address, &origin.source_ip_address) { span.warn { "address: " (DIFFERS) } }
                @else { (time(origin.event_time)) " from " (code_or_absent(origin.source_ip_address.as_ref())) }
            }
        }
    }
}

/// Of a longer chain the first and last steps are told in sentences.
const STORY_MAX: usize = 12;
const STORY_FIRST: usize = 6;
const STORY_LAST: usize = 4;

/// What happened, in sentences.
pub(super) fn story(hops: &[Session]) -> Markup {
    let (first, last) = match hops.len() > STORY_MAX {
        true => (STORY_FIRST, hops.len() - STORY_LAST),
        false => (hops.len(), hops.len()),
    };
    html! {
        section.story {
            h2 { "What happened, in plain words" }
            ol {
                @for position in 0..first { (step(hops, position)) }
                @if first < last {
                    li { span.when { "…" } span.soft {
                        "and so on: " (count((last - first) as u64, "step", "steps")) ", each in full below"
                    } }
                }
                @for position in last..hops.len() { (step(hops, position)) }
            }
        }
    }
}

fn step(hops: &[Session], position: usize) -> Markup {
    let session = &hops[position];
    html! {
        li {
            span.when { (moment(session.issuance.record.event_time)) }
            span {
                (shortened(&doer(hops, position), HEADING_MAX)) " " (shortened(&deed(session), 2 * HEADING_MAX))
                " " (circumstances(session)) "."
                @if let Some(one) = one_of_several(hops, position) { " " span.warn { (one) } }
            }
        }
    }
}

/// That a step is one of several that may have led to the next.
fn one_of_several(hops: &[Session], position: usize) -> Option<String> {
    fitting(hops.get(position + 1)?).map(|fitting| {
        format!("This is one of {fitting} issuances that fit the next step; which of them it was is not known.")
    })
}

/// What an investigator looks at twice.
pub(super) fn standing_out(case: &Case) -> Markup {
    let remarks = remarks(&case.trail());
    html! {
        @if !remarks.is_empty() {
            section.panel {
                h2 { "What stands out" }
                ul.remarks {
                    @for (text, tone) in &remarks { li class=(class(*tone)) { (text) } }
                }
            }
        }
    }
}

/// Why the chain stops, and what fits, where the logs do not say who called.
pub(super) fn gap(case: &Case) -> Markup {
    html! {
        @if let Some(gap) = &gap::of_chain(&case.hops, &case.holes) {
            section.panel.gap-told {
                h2 { "Why the chain stops" }
                p { (gap.why) "." }
                dl.facts {
                    dt { "Known all the same" } dd { ul.plain { @for fact in &gap.known { li { (fact) } } } }
                    @if !gap.holes.is_empty() {
                        dt { "Holes in the logs" } dd { ul.plain { @for hole in &gap.holes { li.bad { (hole) } } } }
                    }
                    dt { "What to do next" } dd { (gap.next) }
                }
            }
        }
        @if !case.candidates.is_empty() { (candidates(case)) }
    }
}

fn candidates(case: &Case) -> Markup {
    let candidates = &case.candidates;
    let fitting = words::candidates(&case.hops).len();
    html! {
        section.panel {
            h2 { "What fits" }
            p.lead {
                "More than one record may have handed out the session that made a call of this chain. "
                @if candidates.len() >= fitting { "These are all of them." }
                @else {
                    span.warn {
                        "These are " (grouped(candidates.len() as u64)) " of " (grouped(fitting as u64))
                        ", of each origin at least one as far as they go; `trailback trace --format json` names the events of all."
                    }
                }
            }
            table.stack.fixed {
                thead { tr {
                    th.of-time scope="col" { "Time (UTC)" } th scope="col" { "Session" } th scope="col" { "Origin" }
                    th.of-address scope="col" { "From" } th scope="col" { "Key handed out" } th.of-event scope="col" { "Event" }
                } }
                tbody {
                    @for session in candidates {
                        tr {
                            td data-label="Time (UTC)" { (moment(session.issuance.record.event_time)) }
                            td data-label="Session" { (shortened(&session_name(session), HEADING_MAX)) }
                            td data-label="Origin" { (shortened(&named_origin(session), HEADING_MAX)) }
                            td data-label="From" { (shortened(&shown(session.issuance.record.source_ip_address.as_ref()), HEADING_MAX)) }
                            td data-label="Key handed out" { (shown(session.issuance.session.access_key_id.as_ref())) }
                            td data-label="Event" { (code(&session.issuance.record.event_id)) }
                        }
                    }
                }
            }
        }
    }
}

/// Where a second factor was shown.
pub(super) fn mfa(hops: &[Session]) -> Markup {
    let issuances: Vec<usize> = (0..hops.len())
        .filter(|place| !is_use(&hops[*place]))
        .collect();
    html! {
        section.panel {
            h2 { "MFA along the chain" }
            p.lead {
                "MFA is a second proof beside the password or key, such as a code from a phone. It counts for the call on which it is \
                 given and the session that call hands out; AWS does not carry it over to the next role."
            }
            table.stack {
                thead { tr { th scope="col" { "Step" } th scope="col" { "Session" } th scope="col" { "MFA" } } }
                tbody {
                    @for place in issuances {
                        tr {
                            td data-label="Step" { (hop_name(hops, place)) }
                            td data-label="Session" { (shortened(&session_name(&hops[place]), HEADING_MAX)) }
                            td data-label="MFA" { (toned(&mfa_in_full(&hops[place]))) }
                        }
                    }
                }
            }
            @if let Some((text, tone)) = origin_mfa(hops) {
                p { "At the origin: " span class=(class(tone)) { (text) } "." }
            }
        }
    }
}

/// On what the answer rests.
pub(super) fn searched(case: &Case) -> Markup {
    let searched = &case.searched;
    let rows: Option<u64> = searched.days.values().copied().sum();
    html! {
        section.panel {
            h2 { "What was searched" }
            dl.facts {
                dt { "Lake" } dd { (code(&searched.lake)) }
                dt { "Days looked at" } dd {
                    @if searched.days.is_empty() { "none of the days around the chain is in the lake" }
                    @else {
                        @for (number, day) in searched.days.keys().enumerate() { @if number > 0 { ", " } (day) }
                    }
                }
                @if let Some(rows) = rows { dt { "Sessions on these days" } dd { (grouped(rows)) } }
                dt { "Log objects of these days" } dd { (log_objects(&searched.log_objects)) }
                dt { "How links are made" } dd {
                    "By the key that a record handed out, else by the session's principal and creation time. Trailback does not guess: \
                     where several origins fit, the chain ends in a gap."
                }
            }
        }
    }
}

fn log_objects(objects: &LogObjects) -> Markup {
    let Some(outcomes) = &objects.outcomes else {
        return html! { (grouped(objects.count)) };
    };
    let Outcomes {
        read,
        skipped,
        gone,
        failed,
        failures,
        records,
    } = outcomes;
    html! {
        (grouped(*read)) " read, with " (count(*records, "record", "records"))
        @if *skipped > 0 { ", " (grouped(*skipped)) " skipped as they hold no calls" }
        @if *gone > 0 { ", " span.warn { (grouped(*gone)) " gone before they were read" } }
        @if *failed > 0 {
            ", " span.bad { (grouped(*failed)) " could not be read in full" }
            ul.plain { @for (location, reason) in failures { li { (code(location)) ": " (shown(reason.as_ref())) } } }
        } @else { ", all in full" }
    }
}

/// Words of AWS and of this page, explained.
const WORDS: [(&str, &str); 10] = [
    (
        "Account",
        "A customer's own space at AWS, known by 12 digits. Companies use many, to keep things apart.",
    ),
    (
        "Role",
        "A set of permissions that nobody owns. Who is trusted by it may take it on for some hours.",
    ),
    (
        "Session",
        "Temporary credentials: a key that works until it expires. Taking on a role gives one, under a name that the caller chooses freely.",
    ),
    (
        "Access key",
        "The name of a set of credentials. AKIA… keys last until they are deleted, ASIA… keys are temporary. The secret part is never logged.",
    ),
    (
        "Chain, hop",
        "A session can be used to take on the next role. Each such step is a hop; all of them are the chain.",
    ),
    (
        "Origin",
        "The identity at which a chain starts: a person, a program or a service.",
    ),
    (
        "MFA",
        "Multi-factor authentication: a second proof of who is calling.",
    ),
    (
        "Tags",
        "Labels that a session carries, such as a ticket number. Permissions may depend on them.",
    ),
    (
        "Session policy",
        "An extra limit that the caller sets when taking on a role.",
    ),
    (
        "Gap",
        "A place where the logs at hand do not say who made a call.",
    ),
];

/// The words explained.
pub(super) fn glossary() -> Markup {
    html! {
        section.panel.glossary {
            h2 { "Words" }
            dl.facts { @for (word, meaning) in WORDS { dt { (word) } dd { (meaning) } } }
        }
    }
}
