//! The simulator knows who called whom: every row must say what its truth says, and a raw use must find its issuance.

use std::collections::BTreeMap;

use trailback_cloudtrail::Record;
use trailback_cloudtrail::log_object::{Limits, Select, read_log_object};
use trailback_sessions::{
    Evidence, GapReason, ISSUING_EVENT_SOURCES, Issuance, Link, LinkStatus, Session, Text, extract,
    link, observe,
};
use trailback_simulator::{Gathered, LinkTruth, Plan, Truth, gather};

use crate::story::{HOUR_MS, link_by_hours};

/// One row in the words of the truth, and the truth in the same words: what differs is printed side by side.
type Told = BTreeMap<&'static str, String>;

/// What rows say against the truth, by scenario and column: how often, and one example.
#[derive(Default)]
struct Lies(BTreeMap<(&'static str, &'static str), (u32, String)>);

impl Lies {
    fn compare(&mut self, scenario: &'static str, event_id: &str, row: &Told, truth: &Told) {
        for (name, said) in row {
            if truth.get(name) != Some(said) {
                let example = format!("{event_id}: {said}, not {:?}", truth.get(name));
                self.0.entry((scenario, *name)).or_insert((0, example)).0 += 1;
            }
        }
    }
}

#[test]
fn every_row_says_what_the_simulation_knows() {
    for seed in 1..=3 {
        check(&Plan::small(seed));
    }
}

#[test]
fn a_large_organisation_is_linked_without_a_wrong_origin() {
    check(&Plan {
        calls: 10_000,
        sts_share: 0.9,
        uses_told: 0.05,
        ..Plan::organisation(11)
    });
}

fn check(plan: &Plan) {
    let (gathered, _) = gather(plan).expect("memory does not fail");
    let sessions = link_by_hours(&issuances(&gathered));
    assert_eq!(
        sessions.len(),
        gathered.truths.len(),
        "rows, seed {}",
        plan.seed
    );
    let by_id: BTreeMap<&str, &Session> = sessions
        .iter()
        .map(|row| (&*row.issuance.record.event_id, row))
        .collect();
    let mut lies = Lies::default();
    for truth in &gathered.truths {
        let session = by_id.get(&*truth.event_id);
        let session =
            session.unwrap_or_else(|| panic!("no row for {} ({})", truth.event_id, truth.scenario));
        let mut row = told_by_row(session);
        if !truth.facts.session_type.starts_with("Assumed") {
            // The simulation knows what was handed out; what a console session or a witness is called by is held
            // by the tests of each family.
            row.retain(|name, _| !["session_arn", "session_name", "role_arn"].contains(name));
        }
        lies.compare(truth.scenario, &truth.event_id, &row, &told_by_truth(truth));
    }
    check_uses(&gathered, &sessions, &mut lies);
    assert!(lies.0.is_empty(), "seed {}: {:#?}", plan.seed, lies.0);
}

/// A raw record of a use is linked as `trace -` links it: as a witness, against the rows of the 36 hours before.
fn check_uses(gathered: &Gathered, sessions: &[Session], lies: &mut Lies) {
    assert!(!gathered.uses.is_empty());
    for told in &gathered.uses {
        let mut json = told.record.clone().into_bytes();
        let record = Record::parse(&mut json).expect("the simulator writes records");
        let row = observe(&record).expect("with event ID and time");
        let at = row.record.event_time.0;
        let earlier: Vec<Session> = sessions
            .iter()
            .filter(|session| {
                (at - 36 * HOUR_MS..=at).contains(&session.issuance.record.event_time.0)
            })
            .filter(|session| may_issue(session, &row))
            .cloned()
            .collect();
        let linked = link(vec![row], &earlier).remove(0);
        lies.compare(
            told.scenario,
            &told.event_id,
            &told_by_link(&linked),
            &told_by_link_truth(&told.link),
        );
    }
}

fn may_issue(session: &Session, used: &Issuance) -> bool {
    let issued = &session.issuance.session;
    session.issuance.record.replaces_event_id.is_some()
        || issued.access_key_id == used.caller.caller_access_key_id
        || issued.session_principal_id == used.caller.caller_principal_id
        || issued.session_arn == used.caller.caller_arn
}

fn issuances(gathered: &Gathered) -> Vec<Issuance> {
    let select = Select::Issuances {
        event_sources: ISSUING_EVENT_SOURCES,
    };
    let mut rows = Vec::new();
    for (object_key, json) in gathered
        .objects
        .iter()
        .filter(|(object_key, _)| object_key.contains("/CloudTrail/"))
    {
        let reading = read_log_object(
            &mut json.as_slice(),
            &select,
            &Limits::default(),
            &mut |index, record| {
                let record =
                    record.unwrap_or_else(|error| panic!("{object_key} record {index}: {error}"));
                if let Some(mut row) =
                    extract(record).unwrap_or_else(|error| panic!("{object_key}: {error}"))
                {
                    row.log_objects = vec![object_key.as_str().into()];
                    rows.push(row);
                }
            },
        );
        assert!(
            reading.failure.is_none(),
            "{object_key}: {:?}",
            reading.failure
        );
    }
    rows
}

fn told_by_row(session: &Session) -> Told {
    let row = &session.issuance;
    let mut told = told_by_link(session);
    told.extend([
        ("event_ids", format!("{:?}", row.record.event_ids)),
        ("session_type", format!("{:?}", row.session.session_type)),
        ("outcome", format!("{:?}", row.record.outcome)),
        ("access_key_id", format!("{:?}", row.session.access_key_id)),
        ("session_arn", format!("{:?}", row.session.session_arn)),
        ("session_name", format!("{:?}", row.session.session_name)),
        ("role_arn", format!("{:?}", row.session.role_arn)),
        (
            "replaces_event_id",
            format!("{:?}", row.record.replaces_event_id),
        ),
        ("session_tags", format!("{:?}", row.tags.session_tags)),
        ("inherited_tags", format!("{:?}", row.tags.inherited_tags)),
        ("effective_tags", format!("{:?}", session.effective_tags)),
        (
            "effective_transitive_tag_keys",
            format!("{:?}", session.effective_transitive_tag_keys),
        ),
        (
            "effective_tags_known",
            session.effective_tags_known.to_string(),
        ),
        (
            "session_policy_sha256",
            format!("{:?}", row.policy.session_policy_sha256),
        ),
        (
            "session_policy_arns",
            format!("{:?}", row.policy.session_policy_arns),
        ),
        ("session_mfa", format!("{:?}", row.mfa.session_mfa)),
        ("caller_mfa", format!("{:?}", row.mfa.caller_mfa)),
        (
            "source_identity",
            format!("{:?}", row.session.source_identity),
        ),
    ]);
    told
}

fn told_by_truth(truth: &Truth) -> Told {
    let facts = &truth.facts;
    let mut told = told_by_link_truth(&truth.link);
    told.extend([
        ("event_ids", format!("{:?}", truth.event_ids)),
        ("session_type", facts.session_type.to_owned()),
        (
            "outcome",
            if facts.failed { "Failed" } else { "Issued" }.to_owned(),
        ),
        ("access_key_id", format!("{:?}", facts.access_key_id)),
        ("session_arn", format!("{:?}", facts.session_arn)),
        ("session_name", format!("{:?}", facts.session_name)),
        ("role_arn", format!("{:?}", facts.role_arn)),
        (
            "replaces_event_id",
            format!("{:?}", truth.replaces_event_id),
        ),
        ("session_tags", format!("{:?}", facts.session_tags)),
        (
            "inherited_tags",
            format!("{:?}", facts.inherited_tags.clone().unwrap_or_default()),
        ),
        ("effective_tags", format!("{:?}", truth.effective_tags)),
        (
            "effective_transitive_tag_keys",
            format!("{:?}", truth.effective_transitive_tag_keys),
        ),
        (
            "effective_tags_known",
            truth.effective_tags_known.to_string(),
        ),
        (
            "session_policy_sha256",
            format!("{:?}", facts.session_policy_sha256),
        ),
        (
            "session_policy_arns",
            format!("{:?}", facts.session_policy_arns),
        ),
        ("session_mfa", format!("{:?}", facts.session_mfa)),
        ("caller_mfa", format!("{:?}", facts.caller_mfa)),
        ("source_identity", format!("{:?}", truth.source_identity)),
    ]);
    told
}

fn told_by_link(session: &Session) -> Told {
    let (found, origin, chain) = (&session.link, &session.origin, &session.chain);
    let hops: Vec<&Text> = chain.hops.iter().map(|hop| &hop.event_id).collect();
    Told::from([
        ("link_status", status(found).to_owned()),
        ("parent_event_id", format!("{:?}", found.parent_event_id)),
        (
            "parent_access_key_id",
            format!("{:?}", found.parent_access_key_id),
        ),
        ("link_candidates", format!("{:?}", found.candidates)),
        ("chain_depth", chain.depth.to_string()),
        ("chain_event_ids", format!("{hops:?}")),
        ("origin_known", origin.known.to_string()),
        ("origin_type", origin.origin_type.name().to_owned()),
        ("origin_arn", format!("{:?}", origin.arn)),
        ("origin_name", format!("{:?}", origin.name)),
        ("origin_account_id", format!("{:?}", origin.account_id)),
        ("origin_principal_id", format!("{:?}", origin.principal_id)),
        (
            "origin_identity_provider",
            format!("{:?}", origin.identity_provider),
        ),
        (
            "origin_access_key_id",
            format!("{:?}", origin.access_key_id),
        ),
        ("origin_event_id", origin.event_id.to_string()),
        ("origin_mfa", format!("{:?}", session.origin_mfa)),
    ])
}

fn told_by_link_truth(truth: &LinkTruth) -> Told {
    let origin = &truth.origin;
    let why = truth.link_evidence.or(truth.gap_reason);
    Told::from([
        (
            "link_status",
            why.map_or(truth.link_status.to_owned(), |why| {
                format!("{}: {why}", truth.link_status)
            }),
        ),
        ("parent_event_id", format!("{:?}", truth.parent_event_id)),
        (
            "parent_access_key_id",
            format!("{:?}", truth.parent_access_key_id),
        ),
        ("link_candidates", format!("{:?}", truth.link_candidates)),
        ("chain_depth", truth.chain_depth.to_string()),
        ("chain_event_ids", format!("{:?}", truth.chain_event_ids)),
        ("origin_known", origin.known.to_string()),
        ("origin_type", origin.origin_type.to_owned()),
        ("origin_arn", format!("{:?}", origin.arn)),
        ("origin_name", format!("{:?}", origin.name)),
        ("origin_account_id", format!("{:?}", origin.account_id)),
        ("origin_principal_id", format!("{:?}", origin.principal_id)),
        (
            "origin_identity_provider",
            format!("{:?}", origin.identity_provider),
        ),
        (
            "origin_access_key_id",
            format!("{:?}", origin.access_key_id),
        ),
        ("origin_event_id", origin.event_id.to_string()),
        ("origin_mfa", format!("{:?}", truth.origin_mfa)),
    ])
}

/// Status, and evidence or reason: a link never stands without the one, a gap never without the other.
fn status(found: &Link) -> &'static str {
    match (found.status, found.evidence, found.gap_reason) {
        (LinkStatus::Origin, None, None) => "origin",
        (LinkStatus::Linked, Some(Evidence::IssuedKey), None) => "linked: issued_key",
        (LinkStatus::Linked, Some(Evidence::SessionContext), None) => "linked: session_context",
        (LinkStatus::Gap, None, Some(GapReason::NotInLogs)) => "gap: not_in_logs",
        (LinkStatus::Gap, None, Some(GapReason::CallerCopyMissing)) => "gap: caller_copy_missing",
        (LinkStatus::Gap, None, Some(GapReason::Ambiguous)) => "gap: ambiguous",
        (LinkStatus::Gap, None, Some(GapReason::Loop)) => "gap: loop",
        odd => panic!("a row cannot say {odd:?}"),
    }
}
