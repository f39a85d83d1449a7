//! `trailback policies`: the session policies of a lake, how often and by which roles they were used, and how two differ.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use miette::IntoDiagnostic;
use trailback_pipeline::find::list;
use trailback_pipeline::lake::{Access, Lake};
use trailback_pipeline::location::S3OnDemand;
use trailback_sessions::{Outcome, PolicyFacts, Session, Text, Timestamp};
use trailback_tables::filter::Filter;

use crate::args::PoliciesFormat;
use crate::look::Look;
use crate::render::policies::{self, Difference};
use crate::settings::{self, PolicyHash};
use crate::{Answer, args, json, lake, output};

/// A session policy, and who used it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Used {
    /// The policy, as the first session has it.
    pub(crate) policy: PolicyFacts,
    /// How many sessions were handed out under it.
    pub(crate) sessions: u64,
    /// How many calls that asked for it were refused.
    pub(crate) refused: u64,
    /// How many of both each role has, by ARN or name.
    pub(crate) roles: BTreeMap<Text, u64>,
    /// When it was first used.
    pub(crate) first_seen: Timestamp,
    /// When it was last used.
    pub(crate) last_seen: Timestamp,
}

/// Runs the command.
pub(crate) async fn run(
    typed: args::Policies,
    s3: &S3OnDemand,
    look: Look,
) -> miette::Result<Answer> {
    let range = settings::period(&typed.period)?;
    let named = typed
        .policies
        .iter()
        .map(|hash| PolicyHash::understand("policies", hash))
        .collect::<Result<Vec<_>, _>>()?;
    let mut filter = Filter::with_policy();
    if let Some(role) = &typed.role {
        filter = filter.and(Filter::role(role));
    }
    let lake = lake::open(&typed.lake, s3, Access::Read).await?;
    let mut all = All::default();
    let mut take = |rows: Vec<Session>| {
        rows.iter().for_each(|row| all.add(row));
        ControlFlow::Continue(())
    };
    list(&lake, &filter, &range, &mut take)
        .await
        .into_diagnostic()?;
    let used = all.by_use();
    match &named[..] {
        [] => show(&lake, &used, typed.format, look).await,
        [one] => {
            let found: Vec<Used> = used
                .into_iter()
                .filter(|used| one.names(&used.policy))
                .collect();
            show(&lake, &found, typed.format, look).await
        }
        hashes => compare(&used, hashes, &typed, look),
    }
}

/// The policies met so far, by the hash of their scope: same restriction, same hash.
#[derive(Default)]
struct All(BTreeMap<Text, Used>);

impl All {
    fn add(&mut self, session: &Session) {
        let policy = &session.issuance.policy;
        let Some(scope) = policy.session_scope_sha256.clone() else {
            return;
        };
        let at = session.issuance.record.event_time;
        let used = self.0.entry(scope).or_insert_with(|| Used {
            policy: policy.clone(),
            first_seen: at,
            last_seen: at,
            ..Used::default()
        });
        match session.issuance.record.outcome {
            Outcome::Failed => used.refused += 1,
            Outcome::Issued | Outcome::Used => used.sessions += 1,
        }
        let facts = &session.issuance.session;
        let holder = facts.role_arn.as_ref().or(facts.session_arn.as_ref());
        if let Some(holder) = holder {
            *used.roles.entry(holder.clone()).or_default() += 1;
        }
        used.first_seen = used.first_seen.min(at);
        used.last_seen = used.last_seen.max(at);
    }

    /// The most used first.
    fn by_use(self) -> Vec<Used> {
        let mut all: Vec<Used> = self.0.into_values().collect();
        all.sort_by_key(|used| std::cmp::Reverse(used.sessions + used.refused));
        all
    }
}

async fn show(
    lake: &Lake,
    used: &[Used],
    format: PoliciesFormat,
    look: Look,
) -> miette::Result<Answer> {
    if used.is_empty() {
        return lake::tell_nothing(lake, "no session policy of this lake matches").await;
    }
    let text = match format {
        PoliciesFormat::Table => policies::render(used, look),
        PoliciesFormat::Json => {
            json::lines(used.iter().map(policies::as_json)).into_diagnostic()?
        }
    };
    output::print(&text)?;
    Ok(Answer::Complete)
}

fn compare(
    used: &[Used],
    hashes: &[PolicyHash],
    typed: &args::Policies,
    look: Look,
) -> miette::Result<Answer> {
    let mut found = Vec::new();
    for (hash, typed) in hashes.iter().zip(&typed.policies) {
        let fit: Vec<&Used> = used
            .iter()
            .filter(|used| hash.names(&used.policy))
            .collect();
        match &fit[..] {
            [one] => found.push(*one),
            fit => {
                output::tell(&policies::not_one(typed, fit));
                return Ok(Answer::Incomplete);
            }
        }
    }
    let [before, after] = found[..] else {
        return Ok(Answer::Incomplete);
    };
    let difference = Difference::of(before, after);
    output::print(&match typed.format {
        PoliciesFormat::Table => difference.render(look),
        PoliciesFormat::Json => json::line(&difference.as_json()).into_diagnostic()?,
    })?;
    Ok(Answer::Complete)
}
