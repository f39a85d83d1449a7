//! The case report: one page of HTML that explains a trace to a person who never saw AWS.
//!
//! The page fetches nothing and runs nothing: style stands in it, pictures are SVG, and its Content-Security-Policy forbids
//! all else. Whatever comes from a log goes through [`safe`], and maud escapes it for HTML.

mod hops;
mod picture;
mod sections;
mod timeline;
mod words;

use maud::{DOCTYPE, Markup, PreEscaped, html};
use trailback_pipeline::find::{OfOrigin, TimeRange};
use trailback_pipeline::searched::Searched;
use trailback_sessions::{Session, Timestamp};

use super::text::safe;
use super::trace::Trail;
use words::shortened;

/// All that a page tells of one traced session.
#[derive(Clone, Debug, Default)]
pub(crate) struct Case {
    /// What was asked about, as it was typed.
    pub(crate) subject: String,
    /// The moment that was asked about.
    pub(crate) at: Option<Timestamp>,
    /// What is known of the alert that led here, label and text.
    pub(crate) alert: Vec<(&'static str, String)>,
    /// From the hop made by the origin (or at the gap) down to the subject's own; not empty.
    pub(crate) hops: Vec<Session>,
    /// Where the logs lack what might close the gap, as far as a verification found that.
    pub(crate) holes: Vec<String>,
    /// The rows of the candidates, where several issuances fit one hop.
    pub(crate) candidates: Vec<Session>,
    /// What else the origin held.
    pub(crate) of_origin: OfOrigin,
    /// In which time.
    pub(crate) window: TimeRange,
    /// On what the answer rests.
    pub(crate) searched: Searched,
}

impl Case {
    /// The chain alone.
    pub(crate) fn trail(&self) -> Trail<'_> {
        Trail {
            subject: &self.subject,
            at: self.at,
            hops: &self.hops,
            holes: &self.holes,
        }
    }
}

/// What a page tells.
pub(crate) struct Report<'a> {
    /// The traced sessions, one or more.
    pub(crate) cases: &'a [Case],
    /// How many older sessions fit the subject and are left out.
    pub(crate) left_out: usize,
}

const STYLE: &str = include_str!("report/report.css");

/// Nothing is fetched, run, sent or framed; only the style in the page counts.
const CONTENT_SECURITY_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// How much of a subject stands in the page's title.
const TITLE_MAX: usize = 60;

/// The page.
pub(crate) fn render(report: &Report<'_>) -> String {
    let subject = report.cases.first().map_or("", |case| &*case.subject);
    let title = format!(
        "Who is behind {}? Trailback case report",
        shortened(&safe(subject), TITLE_MAX)
    );
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(CONTENT_SECURITY_POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                meta name="generator" content=(concat!("trailback ", env!("CARGO_PKG_VERSION")));
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#report" { "Skip to the report" }
                header.masthead {
                    p.brand { strong { "Trailback" } span { "Case report" } }
                }
                main id="report" { (body(report)) }
                footer {
                    p {
                        "Made by trailback " (env!("CARGO_PKG_VERSION")) " from CloudTrail logs. All times are UTC. The page is \
                         complete in itself: it loads nothing and runs nothing."
                    }
                }
            }
        }
    };
    page.into_string() + "\n"
}

fn body(report: &Report<'_>) -> Markup {
    let count = report.cases.len();
    html! {
        @if count > 1 || report.left_out > 0 { (sections::several(report)) }
        @for (number, case) in report.cases.iter().enumerate() {
            article.case id={ "case-" (number + 1) } { (self::case(case, number + 1)) }
        }
        (sections::glossary())
    }
}

/// One traced session, from the answer to what the answer rests on.
fn case(case: &Case, number: usize) -> Markup {
    let hops = &case.hops;
    html! {
        (sections::answer(case))
        @if !case.alert.is_empty() { (sections::alert(&case.alert, number)) }
        (sections::story(hops))
        section.panel aria-labelledby={ "picture-" (number) } {
            h2 id={ "picture-" (number) } { "The chain" }
            p.lead {
                "Read it from the top: each numbered step is a set of temporary credentials, handed out to the holder of the one above it. The coloured lanes are AWS accounts."
            }
            (picture::legend(hops))
            (picture::picture(hops, number))
        }
        (sections::standing_out(case))
        (sections::gap(case))
        section aria-labelledby={ "steps-" (number) } {
            h2 id={ "steps-" (number) } { "Step by step, with the evidence" }
            @for position in 0..hops.len() { (hops::hop(hops, position)) }
        }
        (sections::mfa(hops))
        (timeline::section(case, number))
        (sections::searched(case))
    }
}

#[cfg(test)]
mod tests;
