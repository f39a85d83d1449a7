//! A plain reader of records: rules L3, L4 and L5 in as few lines as they take.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use trailback_simulator::{LinkTruth, Truth};

use super::text;

const LOOK_BACK: i64 = 36 * 3_600;

/// One issuing record.
struct Issued<'r> {
    record: &'r Value,
    event_id: &'r str,
    key: Option<&'r str>,
    /// None where the record names nobody: then key and second must agree.
    principal: Option<String>,
    time: i64,
}

pub(crate) struct Auditor<'r> {
    by_key: BTreeMap<&'r str, Vec<Issued<'r>>>,
    by_context: BTreeMap<(String, i64), Vec<Issued<'r>>>,
    replaced: BTreeMap<&'r str, i64>,
}

/// What fits a caller, and by what.
pub(crate) struct Found<'r> {
    evidence: &'static str,
    event_ids: BTreeSet<&'r str>,
}

/// Seconds since 1970, by counting days.
fn seconds(time: &str) -> i64 {
    let part = |range: std::ops::Range<usize>| time[range].parse::<i64>().unwrap();
    let (year, month) = (part(0..4), part(5..7));
    let leap = |year: i64| (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let lengths = [
        31,
        28 + i64::from(leap(year)),
        31,
        30,
        31,
        30,
        31,
        31,
        30,
        31,
        30,
        31,
    ];
    let days: i64 = (1970..year)
        .map(|year| 365 + i64::from(leap(year)))
        .sum::<i64>()
        + lengths[..month as usize - 1].iter().sum::<i64>()
        + part(8..10)
        - 1;
    days * 86_400 + part(11..13) * 3_600 + part(14..16) * 60 + part(17..19)
}

/// `account/role/session` for roles, so that answers without `assumedRoleUser` compare; else the principal ID.
fn of_role(role_arn: &str, session_name: &str) -> String {
    let account = role_arn.split(':').nth(4).unwrap_or_default();
    let role = role_arn.rsplit('/').next().unwrap_or_default();
    format!("{account}/{role}/{session_name}")
}

fn callers_principal(record: &Value) -> String {
    let arn = text(record, "/userIdentity/arn");
    match text(record, "/userIdentity/type") {
        "AssumedRole" => {
            let mut parts = arn.splitn(3, '/').skip(1);
            let account = arn.split(':').nth(4).unwrap_or_default();
            format!(
                "{account}/{}/{}",
                parts.next().unwrap_or_default(),
                parts.next().unwrap_or_default()
            )
        }
        _ => text(record, "/userIdentity/principalId").to_owned(),
    }
}

fn issued_principal(record: &Value) -> Option<String> {
    let role = || {
        of_role(
            text(record, "/requestParameters/roleArn"),
            text(record, "/requestParameters/roleSessionName"),
        )
    };
    Some(match text(record, "/eventName") {
        "AssumeRole" | "AssumeRoleWithSAML" | "AssumeRoleWithWebIdentity" => role(),
        "CreateSession" => {
            let id = text(
                record,
                "/responseElements/credentialSet/0/assumedRoleUser/assumedRoleId",
            );
            of_role(
                text(record, "/requestParameters/roleArn"),
                id.split(':').nth(1)?,
            )
        }
        "GetFederationToken" => {
            text(record, "/responseElements/federatedUser/federatedUserId").to_owned()
        }
        "AssumeRoot" => text(record, "/requestParameters/targetPrincipal").to_owned(),
        "GetSessionToken" | "GetSigninToken" => callers_principal(record),
        "ConsoleLogin" if text(record, "/userIdentity/type") != "AssumedRole" => {
            callers_principal(record)
        }
        _ => return None,
    })
}

fn issued_key(record: &Value) -> Option<&str> {
    let alone = record.pointer("/responseElements/credentials/accessKeyId");
    let listed = record.pointer("/responseElements/credentialSet/0/credentials/accessKeyId");
    alone.or(listed).and_then(Value::as_str)
}

impl<'r> Auditor<'r> {
    pub(crate) fn new(records: &'r [Value]) -> Self {
        let mut auditor = Self {
            by_key: BTreeMap::new(),
            by_context: BTreeMap::new(),
            replaced: BTreeMap::new(),
        };
        for record in records {
            let original = text(record, "/addendum/originalEventID");
            if !original.is_empty() {
                auditor
                    .replaced
                    .insert(original, seconds(text(record, "/eventTime")));
            }
            if record.get("errorCode").is_none() {
                auditor.learn(record);
            }
        }
        auditor
    }

    fn learn(&mut self, record: &'r Value) {
        let principal = issued_principal(record);
        if principal.is_none() && text(record, "/eventName") != "GetCredentialsForIdentity" {
            return;
        }
        let signin_token = text(record, "/eventName") == "GetSigninToken";
        let issued = || Issued {
            record,
            event_id: text(record, "/eventID"),
            key: issued_key(record),
            principal: principal.clone(),
            time: seconds(text(record, "/eventTime")),
        };
        let own_key = record
            .pointer("/userIdentity/accessKeyId")
            .and_then(Value::as_str);
        if let Some(key) = issued()
            .key
            .filter(|key| !signin_token || Some(*key) != own_key)
        {
            self.by_key.entry(key).or_default().push(issued());
        }
        if let (Some(principal), false) = (&principal, signin_token) {
            self.by_context
                .entry((principal.clone(), issued().time))
                .or_default()
                .push(issued());
        }
    }

    pub(crate) fn candidates(&self, record: &Value) -> Found<'r> {
        let time = seconds(text(record, "/eventTime"));
        let principal = callers_principal(record);
        let fits = |one: &&Issued<'_>| {
            let replaced = self
                .replaced
                .get(one.event_id)
                .is_some_and(|at| *at <= time);
            one.event_id != text(record, "/eventID")
                && (0..=LOOK_BACK).contains(&(time - one.time))
                && !replaced
        };
        let key = text(record, "/userIdentity/accessKeyId");
        let by_key = self.by_key.get(key).into_iter().flatten();
        let created = text(
            record,
            "/userIdentity/sessionContext/attributes/creationDate",
        );
        let agrees = |one: &&Issued<'_>| match &one.principal {
            Some(named) => *named == principal,
            None => !created.is_empty() && seconds(created) == one.time,
        };
        let by_key: Vec<&Issued<'_>> = by_key.filter(fits).filter(agrees).collect();
        if !by_key.is_empty() {
            return Found {
                evidence: "issued_key",
                event_ids: one_copy_each(&by_key),
            };
        }
        let context = (!created.is_empty()).then(|| (principal, seconds(created)));
        let by_context = context
            .and_then(|context| self.by_context.get(&context))
            .into_iter()
            .flatten();
        let by_context: Vec<&Issued<'_>> = by_context.filter(fits).collect();
        Found {
            evidence: "session_context",
            event_ids: one_copy_each(&by_context),
        }
    }
}

/// Of the copies of one call, the one that names its caller.
fn one_copy_each<'r>(all: &[&Issued<'r>]) -> BTreeSet<&'r str> {
    let mut copies: BTreeMap<&str, BTreeSet<(bool, &'r str)>> = BTreeMap::new();
    for one in all {
        let shared = text(one.record, "/sharedEventID");
        let call = if shared.is_empty() {
            one.event_id
        } else {
            shared
        };
        let foreign = text(one.record, "/userIdentity/type") == "AWSAccount";
        copies
            .entry(call)
            .or_default()
            .insert((foreign, one.event_id));
    }
    copies
        .values()
        .filter_map(|copies| copies.first())
        .map(|(_, event_id)| *event_id)
        .collect()
}

/// Whether the truth is what these candidates allow.
pub(crate) fn check(
    link: &LinkTruth,
    scenario: &str,
    found: &Found<'_>,
    truths: &BTreeMap<&str, &Truth>,
) {
    let ids: Vec<&str> = found.event_ids.iter().copied().collect();
    let origins: BTreeSet<String> = ids.iter().map(|id| origin_of(truths[id])).collect();
    match (link.link_status, link.gap_reason) {
        ("linked", _) => {
            assert_eq!(
                link.parent_event_id.as_deref(),
                ids.first().copied(),
                "{scenario}"
            );
            assert_eq!(link.link_evidence, Some(found.evidence), "{scenario}");
            assert_eq!(origins.len(), 1, "{scenario}");
            let listed: Vec<&str> = link.link_candidates.iter().map(|id| &**id).collect();
            assert_eq!(
                listed,
                if ids.len() > 1 { ids } else { Vec::new() },
                "{scenario}"
            );
        }
        (_, Some("ambiguous")) => assert!(origins.len() > 1, "{scenario}"),
        _ => assert!(ids.is_empty(), "{scenario}: {ids:?}"),
    }
}

/// Two ambiguous gaps never agree, so the row itself stands for its origin.
fn origin_of(truth: &Truth) -> String {
    let origin = &truth.link.origin;
    let itself = (truth.link.gap_reason == Some("ambiguous")).then_some(&truth.event_id);
    format!(
        "{:?}",
        (
            origin.known,
            origin.origin_type,
            &origin.account_id,
            &origin.principal_id,
            &origin.arn,
            &origin.identity_provider,
            &origin.name,
            itself
        )
    )
}
