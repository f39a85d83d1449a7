//! Prints traces: text and JSON one session after the other, a page or a flowchart when all are there.

use miette::IntoDiagnostic;
use trailback_pipeline::find::{TimeRange, ancestors_of_each};
use trailback_pipeline::lake::Lake;
use trailback_sessions::{Session, Timestamp};

use super::case;
use crate::args::TraceFormat;
use crate::look::Look;
use crate::render::report::{self, Case, Report};
use crate::render::trace::{Trail, render};
use crate::render::{mermaid, not_found, words};
use crate::verified::Verified;
use crate::{Answer, args, json, output};

/// The alert that led to a trace.
pub(super) struct Alert {
    /// When it was seen, where what it names had expired by then.
    pub(super) at: Option<Timestamp>,
    /// What of it was traced.
    pub(super) subject: String,
    /// What else it says: label and text.
    pub(super) facts: Vec<(&'static str, String)>,
}

/// What has been shown, and what waits to be.
pub(super) struct Shown<'a> {
    typed: &'a args::Trace,
    look: Look,
    /// In which time an origin's other sessions are looked for.
    period: TimeRange,
    /// The moment that was asked about.
    at: Option<Timestamp>,
    is_first: bool,
    verified: Option<Verified>,
    /// What a page or a flowchart is made of, when all of it is there.
    cases: Vec<Case>,
    /// How many older sessions are left out.
    pub(super) left_out: usize,
}

impl Shown<'_> {
    /// Nothing yet.
    pub(super) fn new(
        typed: &args::Trace,
        (period, at): (TimeRange, Option<Timestamp>),
        verified: Option<Verified>,
        look: Look,
    ) -> Shown<'_> {
        Shown {
            typed,
            verified,
            look,
            period,
            at,
            is_first: true,
            cases: Vec::new(),
            left_out: 0,
        }
    }

    /// As many sessions as are wanted of those that fit, the first ones; the others are left out.
    pub(super) fn limited(&mut self, mut sessions: Vec<Session>) -> Vec<Session> {
        let limit = self.typed.limit;
        if limit > 0 {
            self.left_out += sessions.len().saturating_sub(limit);
            sessions.truncate(limit);
        }
        sessions
    }

    /// Shows the chains of some sessions, found by the subject that was typed.
    pub(super) async fn show(&mut self, lake: &Lake, sessions: Vec<Session>) -> miette::Result<()> {
        self.show_found(lake, sessions, None).await
    }

    /// Shows the chains of some sessions, found by what an alert names.
    pub(super) async fn show_alert(
        &mut self,
        lake: &Lake,
        sessions: Vec<Session>,
        alert: &Alert,
    ) -> miette::Result<()> {
        self.show_found(lake, sessions, Some(alert)).await
    }

    async fn show_found(
        &mut self,
        lake: &Lake,
        sessions: Vec<Session>,
        alert: Option<&Alert>,
    ) -> miette::Result<()> {
        let ancestors = ancestors_of_each(lake, &sessions).await.into_diagnostic()?;
        for (session, mut hops) in sessions.into_iter().zip(ancestors) {
            let subject = match (alert, &*self.typed.subject) {
                (Some(alert), _) => alert.subject.clone(),
                (None, "-") => words::call(&session),
                (None, typed) => typed.to_owned(),
            };
            hops.push(session);
            let holes = self.verified.as_ref().zip(hops.first());
            let holes = holes.map(|(verified, first)| verified.holes_of(first));
            let at = alert.and_then(|alert| alert.at).or(self.at);
            let alert = alert.map(|alert| alert.facts.clone());
            let case = Case {
                subject,
                at,
                hops,
                alert: alert.unwrap_or_default(),
                holes: holes.unwrap_or_default(),
                ..Case::default()
            };
            self.add(lake, case).await?;
            self.is_first = false;
        }
        Ok(())
    }

    async fn add(&mut self, lake: &Lake, case: Case) -> miette::Result<()> {
        match self.typed.format {
            TraceFormat::Text => output::print(&self.text(&case.trail()))?,
            TraceFormat::Json => output::print(&json::trail(&case.trail()).into_diagnostic()?)?,
            TraceFormat::Mermaid => self.cases.push(case),
            TraceFormat::Html => {
                let case = case::gather(lake, case, &self.period).await;
                self.cases.push(case.into_diagnostic()?);
            }
        }
        Ok(())
    }

    fn text(&self, trail: &Trail<'_>) -> String {
        let divider = if self.is_first { "" } else { "\n" };
        format!("{divider}{}", render(trail, self.look))
    }

    /// Prints what waited for the end, and says how many were left out.
    pub(super) fn finish(&self) -> miette::Result<Answer> {
        if self.is_first {
            return Ok(Answer::Incomplete);
        }
        match self.typed.format {
            TraceFormat::Text | TraceFormat::Json => {}
            TraceFormat::Mermaid => {
                let trails: Vec<Trail<'_>> = self.cases.iter().map(Case::trail).collect();
                output::print(&mermaid::render(&trails))?;
            }
            TraceFormat::Html => output::print(&report::render(&Report {
                cases: &self.cases,
                left_out: self.left_out,
            }))?,
        }
        self.tell_left_out();
        Ok(Answer::Complete)
    }

    fn tell_left_out(&self) {
        let how = match &*self.typed.subject {
            "-" => "--limit 0 shows all",
            _ if self.typed.at.is_some() => "--limit 0 shows all",
            _ => "--at TIME picks those alive then, --limit 0 shows all",
        };
        if self.left_out > 0 {
            output::tell(&not_found::more(self.left_out, how));
        }
    }
}
