//! The plain twin of the linker: the rules in order, over all records at once, quadratic and without an index.

#![expect(
    clippy::too_many_lines,
    reason = "each rule stands in one piece, to be read beside docs/LINKING.md"
)]

use std::collections::BTreeMap;

use trailback_sessions::{
    Evidence, GapReason, Issuance, LinkStatus, Origin, Outcome, Session, SessionType, TagMap, Text,
    Timestamp, link,
};

const WINDOW_MS: i64 = 36 * 3_600_000;

/// What the naive linker says of one row; compared with the real one field by field.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plain {
    pub(crate) event_ids: Vec<Text>,
    pub(crate) log_objects: Vec<Text>,
    pub(crate) primary: Issuance,
    pub(crate) status: LinkStatus,
    pub(crate) evidence: Option<Evidence>,
    pub(crate) gap: Option<GapReason>,
    pub(crate) candidates: Vec<Text>,
    pub(crate) parent: Option<Text>,
    pub(crate) origin: Origin,
    pub(crate) depth: i32,
    pub(crate) chain: Vec<Text>,
    pub(crate) tags: TagMap,
    pub(crate) transitive: Vec<Text>,
    pub(crate) tags_known: bool,
    pub(crate) origin_mfa: Option<bool>,
    pub(crate) source_identity: Option<Text>,
}

impl Plain {
    pub(crate) fn of(session: &Session) -> Plain {
        let mut primary = session.issuance.clone();
        primary.session.source_identity = None;
        Plain {
            event_ids: session.issuance.record.event_ids.clone(),
            log_objects: session.issuance.log_objects.clone(),
            primary,
            status: session.link.status,
            evidence: session.link.evidence,
            gap: session.link.gap_reason,
            candidates: session.link.candidates.clone(),
            parent: session.link.parent_event_id.clone(),
            origin: Origin::clone(&session.origin),
            depth: session.chain.depth,
            chain: session
                .chain
                .hops
                .iter()
                .map(|hop| hop.event_id.clone())
                .collect(),
            tags: session.effective_tags.clone(),
            transitive: session.effective_transitive_tag_keys.clone(),
            tags_known: session.effective_tags_known,
            origin_mfa: session.origin_mfa,
            source_identity: session.issuance.session.source_identity.clone(),
        }
    }
}

pub(crate) fn naive_link(records: &[Issuance]) -> Vec<Plain> {
    let rows = naive_merge(records);
    let parents: Vec<(Option<Evidence>, Vec<usize>)> =
        (0..rows.len()).map(|row| candidates(&rows, row)).collect();
    let mut done = BTreeMap::new();
    (0..rows.len())
        .map(|row| resolve(&rows, &parents, row, &mut done))
        .collect()
}

fn naive_merge(records: &[Issuance]) -> Vec<Issuance> {
    let id = |r: &Issuance| {
        (
            r.record.recipient_account_id.clone(),
            r.record.event_id.clone(),
            r.record.event_time,
        )
    };
    let content = |r: &Issuance| {
        (
            -r.extract_version,
            Issuance {
                log_objects: vec![],
                ..r.clone()
            },
        )
    };
    let distinct = group(
        records.to_vec(),
        |a, b| id(a) == id(b),
        |a, b| content(a) < content(b),
    );
    let same_place = |a: &Issuance, b: &Issuance| {
        a.record.event_time == b.record.event_time
            && a.record.recipient_account_id == b.record.recipient_account_id
    };
    let names = |r: &Issuance| {
        [
            Some(r.record.event_id.clone()),
            r.record.replaces_event_id.clone(),
        ]
    };
    let overlap = |a: &Issuance, b: &Issuance| {
        names(a)
            .iter()
            .flatten()
            .any(|n| names(b).contains(&Some(n.clone())))
    };
    let updates = |r: &Issuance| {
        (
            r.record.replaces_event_id.is_some(),
            r.record.event_id.clone(),
        )
    };
    let updated = group(
        distinct,
        |a, b| same_place(a, b) && overlap(a, b),
        |a, b| updates(a) > updates(b),
    );
    let call = |r: &Issuance| {
        Some((
            r.record.event_time,
            r.record.shared_event_id.clone()?,
            r.record.request_id.clone()?,
        ))
    };
    let bare = |r: &Issuance| {
        (
            r.caller.caller_type.as_deref() == Some("AWSAccount"),
            r.record.event_id.clone(),
            id(r),
        )
    };
    let mut rows = group(
        updated,
        |a, b| call(a).is_some() && call(a) == call(b),
        |a, b| bare(a) < bare(b),
    );
    rows.sort_by_key(|r| {
        (
            r.record.event_time,
            r.record.event_id.clone(),
            r.record.recipient_account_id.clone(),
        )
    });
    rows
}

/// Puts rows that belong together (transitively) under the one that speaks.
fn group(
    rows: Vec<Issuance>,
    together: impl Fn(&Issuance, &Issuance) -> bool,
    speaks: impl Fn(&Issuance, &Issuance) -> bool,
) -> Vec<Issuance> {
    let mut groups: Vec<Vec<Issuance>> = Vec::new();
    for row in rows {
        let (joined, apart): (Vec<_>, Vec<_>) = groups
            .into_iter()
            .partition(|group| group.iter().any(|member| together(member, &row)));
        groups = apart;
        groups.push(joined.into_iter().flatten().chain([row]).collect());
    }
    groups
        .into_iter()
        .map(|members| {
            let mut best = members[0].clone();
            for member in &members[1..] {
                if speaks(member, &best) {
                    best = member.clone();
                }
            }
            let union = |pick: fn(&Issuance) -> &Vec<Text>| {
                let mut all: Vec<Text> = members
                    .iter()
                    .flat_map(|member| pick(member).clone())
                    .collect();
                all.sort();
                all.dedup();
                all
            };
            best.log_objects = union(|r| &r.log_objects);
            best.record.event_ids = union(|r| &r.record.event_ids);
            best
        })
        .collect()
}

fn candidates(rows: &[Issuance], child: usize) -> (Option<Evidence>, Vec<usize>) {
    let used = &rows[child];
    let (caller, now) = (&used.caller, used.record.event_time.0);
    let fresh = |time: i64| time <= now && now - time <= WINDOW_MS;
    let possible = |&parent: &usize| {
        let r = &rows[parent];
        let replaced = rows.iter().enumerate().any(|(other, by)| {
            other != parent
                && by.record.recipient_account_id == r.record.recipient_account_id
                && by
                    .record
                    .replaces_event_id
                    .as_ref()
                    .is_some_and(|id| r.record.event_ids.contains(id))
                && fresh(by.record.event_time.0)
        });
        let for_another = r.session.session_type == SessionType::FederatedUser
            && r.caller.caller_arn.is_some()
            && caller.caller_session_issuer_arn.is_some()
            && r.caller.caller_arn != caller.caller_session_issuer_arn;
        let witness = r.session.session_type == SessionType::Witness;
        let echo = r.session.session_type == SessionType::Console
            && r.session.access_key_id.is_some()
            && r.session.access_key_id == r.caller.caller_access_key_id;
        parent != child
            && r.record.outcome == Outcome::Issued
            && !witness
            && !echo
            && !replaced
            && !for_another
            && fresh(r.record.event_time.0)
    };
    let arn = |r: &Issuance| {
        Some(format!(
            "arn:aws:sts::{}:assumed-role/{}/{}",
            r.session.role_account_id.as_ref()?,
            r.session.role_name.as_ref()?,
            r.session.session_name.as_ref()?
        ))
    };
    let same_role_session = |r: &Issuance| {
        caller.caller_arn.is_some() && arn(r) == caller.caller_arn.as_deref().map(str::to_owned)
    };
    let account = |r: &Issuance| {
        r.session
            .role_account_id
            .clone()
            .or(r.caller.caller_account_id.clone())
            .or(r.record.recipient_account_id.clone())
    };
    let in_arn = |r: &Issuance| {
        let account = r.session.session_arn.as_ref()?.split(':').nth(4)?;
        (!account.is_empty()).then(|| Text::from(account))
    };
    let by_key = |&parent: &usize| {
        let r = &rows[parent];
        caller.caller_access_key_id.is_some()
            && r.session.access_key_id == caller.caller_access_key_id
            && match (&r.session.session_principal_id, arn(r)) {
                (Some(id), _) => {
                    Some(id) == caller.caller_principal_id.as_ref()
                        && (account(r).is_none()
                            || caller.caller_account_id.is_none()
                            || account(r) == caller.caller_account_id)
                }
                (None, Some(_)) if r.session.session_type != SessionType::WebIdentity => {
                    same_role_session(r)
                }
                (None, _) => {
                    let told = r.session.role_account_id.clone().or(in_arn(r));
                    caller.caller_session_created_at == Some(r.record.event_time)
                        && (told.is_none()
                            || caller.caller_account_id.is_none()
                            || told == caller.caller_account_id)
                }
            }
    };
    let by_context = |&parent: &usize| {
        let r = &rows[parent];
        caller.caller_session_created_at == Some(r.record.event_time)
            && match &r.session.session_principal_id {
                Some(id) => Some(id) == caller.caller_principal_id.as_ref(),
                None => r.session.session_type == SessionType::AssumedRole && same_role_session(r),
            }
    };
    let all: Vec<usize> = (0..rows.len()).filter(possible).collect();
    for (evidence, fits) in [
        (Evidence::IssuedKey, &by_key as &dyn Fn(&usize) -> bool),
        (Evidence::SessionContext, &by_context),
    ] {
        let found: Vec<usize> = all.iter().copied().filter(fits).collect();
        if !found.is_empty() {
            return (Some(evidence), without_twins(rows, found));
        }
    }
    (None, Vec::new())
}

/// Of copies of one call only the fuller one speaks.
fn without_twins(rows: &[Issuance], found: Vec<usize>) -> Vec<usize> {
    let call = |row: usize| {
        Some((
            rows[row].record.shared_event_id.clone()?,
            rows[row].record.request_id.clone()?,
        ))
    };
    let rank = |row: usize| {
        let r = &rows[row];
        (
            r.caller.caller_type.as_deref() == Some("AWSAccount"),
            r.record.event_id.clone(),
            r.record.recipient_account_id.clone(),
            r.record.event_time,
        )
    };
    let beaten = |row: usize| {
        found.iter().any(|&other| {
            other != row
                && call(row).is_some()
                && call(other) == call(row)
                && rank(other) < rank(row)
        })
    };
    found.iter().copied().filter(|&row| !beaten(row)).collect()
}

type Parents = [(Option<Evidence>, Vec<usize>)];

fn leads_to(parents: &Parents, from: usize, to: usize, seen: &mut Vec<usize>) -> bool {
    parents[from].1.iter().any(|&next| {
        if next == to {
            return true;
        }
        if seen.contains(&next) {
            return false;
        }
        seen.push(next);
        leads_to(parents, next, to, seen)
    })
}

fn resolve(
    rows: &[Issuance],
    parents: &Parents,
    row: usize,
    done: &mut BTreeMap<usize, Plain>,
) -> Plain {
    if let Some(plain) = done.get(&row) {
        return plain.clone();
    }
    // Rules L6 and L7 are a table of cases, tested one by one: the caller by itself.
    let alone = Plain::of(&link(vec![rows[row].clone()], &[])[0]);
    let (evidence, found) = &parents[row];
    let plain = if found.is_empty() {
        alone
    } else if leads_to(parents, row, row, &mut Vec::new()) {
        unresolved(rows, row, alone, GapReason::Loop)
    } else {
        let said = rows[row].caller.caller_source_identity.clone();
        let another = |parent: &Plain| {
            *evidence == Some(Evidence::SessionContext)
                && said.is_some()
                && parent.source_identity.is_some()
                && parent.source_identity != said
        };
        let mut candidates: Vec<Plain> = found
            .iter()
            .map(|&parent| resolve(rows, parents, parent, done))
            .collect();
        candidates.retain(|parent| !another(parent));
        if candidates.is_empty() {
            done.insert(row, alone.clone());
            return alone;
        }
        candidates.sort_by_key(|c| {
            (
                c.primary.record.event_id.clone(),
                c.primary.record.recipient_account_id.clone(),
                c.primary.record.event_time,
            )
        });
        let ids = if candidates.len() > 1 {
            candidates
                .iter()
                .map(|c| c.primary.record.event_id.clone())
                .collect()
        } else {
            vec![]
        };
        let mut ids: Vec<Text> = ids;
        ids.dedup();
        let agree = candidates.len() == 1
            || candidates.iter().all(|c| {
                let (own, first) = (&c.origin, &candidates[0].origin);
                let call = |origin: &Origin| (origin.event_id.clone(), origin.event_time);
                let one_session = own.access_key_id == first.access_key_id
                    && (own.access_key_id.is_some() || call(own) == call(first));
                c.gap != Some(GapReason::Ambiguous)
                    && identity(c) == identity(&candidates[0])
                    && (own.known || one_session)
            });
        let mut plain = if agree {
            child(&rows[row], &candidates, alone)
        } else {
            unresolved(rows, row, alone, GapReason::Ambiguous)
        };
        if agree {
            plain.evidence = *evidence;
        }
        plain.candidates = ids;
        plain
    };
    done.insert(row, plain.clone());
    plain
}

/// The origin without the first hop's record.
fn identity(plain: &Plain) -> Origin {
    Origin {
        access_key_id: None,
        event_id: Text::default(),
        event_time: Timestamp(0),
        source_ip_address: None,
        user_agent: None,
        ..plain.origin.clone()
    }
}

/// The parent's origin, without what candidates that agree on it say otherwise.
fn agreed(candidates: &[Plain]) -> Origin {
    let mut origin = candidates[0].origin.clone();
    for other in candidates {
        let other = &other.origin;
        let own = &candidates[0].origin;
        if other.access_key_id != own.access_key_id {
            origin.access_key_id = None;
        }
        if other.source_ip_address != own.source_ip_address {
            origin.source_ip_address = None;
        }
        if other.user_agent != own.user_agent {
            origin.user_agent = None;
        }
    }
    origin
}

/// A gap whose caller is not believed even where it names itself.
fn unresolved(rows: &[Issuance], row: usize, alone: Plain, gap: GapReason) -> Plain {
    let logged = !rows[row].tags.inherited_tags.is_empty();
    let mut plain = Plain {
        status: LinkStatus::Gap,
        gap: Some(gap),
        origin_mfa: None,
        ..alone
    };
    plain.tags_known = logged && own_tags_known(&rows[row]);
    plain.origin.known = false;
    plain
}

/// Whether the call has a tag of that key in two cases of letters.
fn is_there_twice(row: &Issuance, key: &str) -> bool {
    let same = |k: &&Text| k.to_lowercase() == key.to_lowercase();
    row.tags.session_tags.keys().filter(same).count() > 1
}

/// Whether the record shows which tags the call set.
fn own_tags_known(row: &Issuance) -> bool {
    let by_certificate = row.record.event_source.as_deref() == Some("rolesanywhere.amazonaws.com")
        && row.record.event_name.as_deref() == Some("CreateSession");
    let untold_kind = matches!(
        row.session.session_type,
        SessionType::Delegated | SessionType::Unknown | SessionType::WebIdentity
    );
    let says_something = !row.tags.session_tags.is_empty()
        || !row.tags.inherited_tags.is_empty()
        || row.policy.session_policy_sha256.is_some()
        || !row.policy.session_policy_arns.is_empty();
    let takes_room = row.policy.packed_policy_size.unwrap_or(0) > 0;
    let no_request = row.session.session_type == SessionType::AssumedRole
        && row.record.outcome == Outcome::Issued
        && row.session.role_arn.is_none();
    let mut keys = row.tags.session_tags.keys();
    !by_certificate
        && !untold_kind
        && (says_something || !(takes_room || no_request))
        && !keys.any(|key| is_there_twice(row, key))
}

fn child(row: &Issuance, candidates: &[Plain], alone: Plain) -> Plain {
    let parent = &candidates[0];
    let passed = |c: &Plain| {
        let all = matches!(
            row.session.session_type,
            SessionType::Console | SessionType::Witness
        );
        let tags: TagMap = c
            .tags
            .iter()
            .filter(|(k, _)| {
                all || c
                    .transitive
                    .iter()
                    .any(|t| t.to_lowercase() == k.to_lowercase())
            })
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect();
        (tags, c.transitive.clone(), c.tags_known)
    };
    let same = candidates.iter().all(|c| passed(c) == passed(parent));
    let (mut tags, mut transitive, mut known) = if same {
        passed(parent)
    } else {
        (TagMap::new(), vec![], false)
    };
    let logged = &row.tags.inherited_tags;
    if !logged.is_empty() {
        (tags, transitive, known) = (logged.clone(), logged.keys().cloned().collect(), true);
    }
    for (key, value) in &row.tags.session_tags {
        tags.retain(|k, _| k == key || k.to_lowercase() != key.to_lowercase());
        tags.insert(key.clone(), value.clone());
    }
    tags.retain(|k, _| !is_there_twice(row, k));
    transitive.extend(row.tags.transitive_tag_keys.clone());
    transitive.sort();
    transitive.dedup();
    let mut chain: Vec<Text> = parent
        .chain
        .iter()
        .cloned()
        .chain([parent.primary.record.event_id.clone()])
        .collect();
    chain.drain(..chain.len().saturating_sub(32));
    let on_record = row
        .session
        .source_identity
        .clone()
        .or(row.caller.caller_source_identity.clone());
    let carried = candidates
        .iter()
        .all(|c| c.source_identity == parent.source_identity)
        .then(|| parent.source_identity.clone())
        .flatten();
    Plain {
        status: LinkStatus::Linked,
        gap: None,
        parent: Some(parent.primary.record.event_id.clone()),
        origin: agreed(candidates),
        depth: parent.depth + 1,
        chain,
        tags,
        transitive,
        tags_known: known && own_tags_known(row),
        origin_mfa: candidates
            .iter()
            .all(|c| c.origin_mfa == parent.origin_mfa)
            .then_some(parent.origin_mfa)
            .flatten(),
        source_identity: on_record.or(carried),
        ..alone
    }
}
