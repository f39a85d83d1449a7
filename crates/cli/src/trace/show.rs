//! Prints traces, one session after the other.

use miette::IntoDiagnostic;
use trailback_pipeline::find::ancestors_of_each;
use trailback_pipeline::lake::Lake;
use trailback_sessions::Session;

use crate::args::AnswerFormat;
use crate::look::Look;
use crate::render::trace::{Trail, render};
use crate::render::{not_found, words};
use crate::{args, json, output};

/// What has been shown.
pub(super) struct Shown<'a> {
    typed: &'a args::Trace,
    look: Look,
    is_first: bool,
    /// How many older sessions are left out.
    pub(super) left_out: usize,
}

impl Shown<'_> {
    /// Nothing yet.
    pub(super) fn new(typed: &args::Trace, look: Look) -> Shown<'_> {
        Shown {
            typed,
            look,
            is_first: true,
            left_out: 0,
        }
    }

    /// Shows the chains of some sessions.
    pub(super) async fn show(&mut self, lake: &Lake, sessions: Vec<Session>) -> miette::Result<()> {
        let ancestors = ancestors_of_each(lake, &sessions).await.into_diagnostic()?;
        for (session, mut hops) in sessions.into_iter().zip(ancestors) {
            let subject = match &*self.typed.subject {
                "-" => words::call(&session),
                typed => typed.to_owned(),
            };
            hops.push(session);
            output::print(&self.text(&subject, &hops)?)?;
            self.is_first = false;
        }
        Ok(())
    }

    fn text(&self, subject: &str, hops: &[Session]) -> miette::Result<String> {
        Ok(match self.typed.format.format {
            AnswerFormat::Json => json::trail(subject, hops).into_diagnostic()?,
            AnswerFormat::Text => {
                let divider = if self.is_first { "" } else { "\n" };
                let trail = Trail { subject, hops };
                format!("{divider}{}", render(&trail, self.look))
            }
        })
    }

    /// Says how many were left out.
    pub(super) fn tell_left_out(&self) {
        let how = match &*self.typed.subject {
            "-" => "--limit 0 shows all",
            _ => "--at TIME picks the one alive then, --limit 0 shows all",
        };
        if self.left_out > 0 {
            output::tell(&not_found::more(self.left_out, how));
        }
    }
}
