//! `trailback sessions`: a list, filtered, newest first.

use std::collections::VecDeque;
use std::ops::ControlFlow;

use miette::IntoDiagnostic;
use trailback_pipeline::find::list;
use trailback_pipeline::lake::Access;
use trailback_pipeline::location::S3OnDemand;
use trailback_sessions::{Session, SessionType};
use trailback_tables::filter::Filter;

use crate::args::AnswerFormat;
use crate::look::Look;
use crate::render::not_found;
use crate::settings::{self, PolicyHash};
use crate::{Answer, args, json, lake, output, render};

/// Runs the command.
pub(crate) async fn run(
    typed: args::Sessions,
    s3: &S3OnDemand,
    look: Look,
) -> miette::Result<Answer> {
    let range = settings::period(&typed.period)?;
    let policy = typed
        .policy
        .as_deref()
        .map(|policy| PolicyHash::understand("--policy", policy))
        .transpose()?;
    let tags: Vec<(String, String)> = typed
        .tag
        .iter()
        .map(|tag| settings::tag(tag))
        .collect::<Result<_, _>>()?;
    let filter = filter(&typed, &tags, policy.as_ref());
    let lake = lake::open(&typed.lake, s3, Access::Read).await?;
    let mut newest = Newest {
        limit: typed.limit,
        kept: VecDeque::new(),
        left_out: 0,
    };
    let asks_for_none = typed.no_mfa || typed.mfa_unknown;
    let is_wanted = |session: &Session| {
        session.issuance.session.session_type != SessionType::Witness
            && policy.as_ref().is_none_or(|policy| policy.is_of(session))
            && !(asks_for_none && is_mfa_on_the_way(session))
            // The key of another tag may hold a `=`, so that its pair looks the same.
            && tags.iter().all(|(key, value)| session.has_tag(key, value))
    };
    let mut take = |rows: Vec<Session>| {
        rows.into_iter()
            .filter(is_wanted)
            .for_each(|row| newest.add(row));
        ControlFlow::Continue(())
    };
    list(&lake, &filter, &range, &mut take)
        .await
        .into_diagnostic()?;
    let sessions: Vec<Session> = newest.kept.into_iter().rev().collect();
    if sessions.is_empty() {
        return lake::tell_nothing(&lake, nothing(&typed)).await;
    }
    let text = match typed.format.format {
        AnswerFormat::Text => render::listing::render(&sessions, look),
        AnswerFormat::Json => json::rows(&sessions).into_diagnostic()?,
    };
    output::print(&text)?;
    if newest.left_out > 0 {
        output::tell(&not_found::more(newest.left_out, "--limit 0 shows all"));
    }
    Ok(Answer::Complete)
}

/// Whether MFA was presented somewhere between the origin and the session: such a chain is not without it. The filter on columns
/// looks at the origin and at the row itself.
fn is_mfa_on_the_way(session: &Session) -> bool {
    let mut hops = session.chain.hops.iter();
    hops.any(|hop| hop.session_mfa == Some(true))
}

fn nothing(typed: &args::Sessions) -> &'static str {
    match typed.no_mfa {
        true => {
            "no session matches; --no-mfa asks for chains of which the logs say that there was no MFA at all, neither at the origin nor on the way. \
             Where it was at the origin or on the way only, or is not in the logs, a session is listed with MFA none all the same"
        }
        false => "no session of this lake matches",
    }
}

fn filter(
    typed: &args::Sessions,
    tags: &[(String, String)],
    policy: Option<&PolicyHash>,
) -> Filter {
    let mut filter = Filter::all();
    if let Some(origin) = &typed.origin {
        filter = filter.and(Filter::origin(origin));
    }
    if let Some(role) = &typed.role {
        filter = filter.and(Filter::role(role));
    }
    for (key, value) in tags {
        filter = filter.and(Filter::tag(key, value));
    }
    if let Some(hash) = policy.and_then(PolicyHash::whole) {
        filter = filter.and(Filter::policy(hash));
    }
    if typed.no_mfa {
        filter = filter.and(Filter::no_mfa());
    }
    if typed.mfa_unknown {
        filter = filter.and(Filter::mfa_unknown());
    }
    filter
}

/// The last rows of a stream that comes in the order of time.
struct Newest {
    /// How many are kept; 0 keeps all.
    limit: usize,
    kept: VecDeque<Session>,
    left_out: usize,
}

impl Newest {
    fn add(&mut self, session: Session) {
        if self.limit > 0 && self.kept.len() == self.limit {
            self.kept.pop_front();
            self.left_out += 1;
        }
        self.kept.push_back(session);
    }
}
