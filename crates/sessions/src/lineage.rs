//! Rules L5, L8, L9 and L10: what a row takes over from its parent, or starts by itself.

use std::sync::Arc;

use trailback_cloudtrail::Timestamp;

use crate::candidates::session_account;
use crate::issuance::{Issuance, Outcome, SessionType, TagMap, Text};
use crate::origin;
use crate::session::{
    Chain, Evidence, GapReason, HOPS_MAX, Hop, Link, LinkStatus, Origin, Session,
};

/// Everything of a [`Session`] that linking adds to its issuance.
#[derive(Clone, Debug)]
pub(crate) struct Lineage {
    pub(crate) source_identity: Option<Text>,
    pub(crate) effective_tags: TagMap,
    pub(crate) effective_transitive_tag_keys: Vec<Text>,
    pub(crate) effective_tags_known: bool,
    pub(crate) origin_mfa: Option<bool>,
    pub(crate) link: Link,
    pub(crate) origin: Arc<Origin>,
    pub(crate) chain: Chain,
}

/// A row that children can inherit from: its issuance, and what linking found.
#[derive(Clone, Copy)]
pub(crate) struct Ancestor<'a> {
    pub(crate) issuance: &'a Issuance,
    pub(crate) source_identity: &'a Option<Text>,
    pub(crate) effective_tags: &'a TagMap,
    pub(crate) effective_transitive_tag_keys: &'a [Text],
    pub(crate) effective_tags_known: bool,
    pub(crate) origin_mfa: Option<bool>,
    pub(crate) link: &'a Link,
    pub(crate) origin: &'a Arc<Origin>,
    pub(crate) chain: &'a Chain,
}

impl<'a> Ancestor<'a> {
    pub(crate) fn of_session(session: &'a Session) -> Ancestor<'a> {
        Ancestor {
            issuance: &session.issuance,
            source_identity: &session.issuance.session.source_identity,
            effective_tags: &session.effective_tags,
            effective_transitive_tag_keys: &session.effective_transitive_tag_keys,
            effective_tags_known: session.effective_tags_known,
            origin_mfa: session.origin_mfa,
            link: &session.link,
            origin: &session.origin,
            chain: &session.chain,
        }
    }

    pub(crate) fn of_lineage(issuance: &'a Issuance, lineage: &'a Lineage) -> Ancestor<'a> {
        Ancestor {
            issuance,
            source_identity: &lineage.source_identity,
            effective_tags: &lineage.effective_tags,
            effective_transitive_tag_keys: &lineage.effective_transitive_tag_keys,
            effective_tags_known: lineage.effective_tags_known,
            origin_mfa: lineage.origin_mfa,
            link: &lineage.link,
            origin: &lineage.origin,
            chain: &lineage.chain,
        }
    }

    /// This row as a hop of its children's chains.
    pub(crate) fn hop(&self) -> Hop {
        let (record, session) = (&self.issuance.record, &self.issuance.session);
        Hop {
            event_id: record.event_id.clone(),
            event_time: record.event_time,
            event_name: record.event_name.clone(),
            access_key_id: session.access_key_id.clone(),
            role_arn: session.role_arn.clone(),
            account_id: session_account(self.issuance).map(Text::from),
            session_arn: session.session_arn.clone(),
            source_ip_address: record.source_ip_address.clone(),
            session_mfa: self.issuance.mfa.session_mfa,
            link_evidence: self.link.evidence,
        }
    }

    /// Rule L4: whether a call was not made with this row's session, for the call tells another source identity. Who has one
    /// cannot change it (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_monitor.html>).
    pub(crate) fn is_ruled_out_by(&self, call: &Issuance) -> bool {
        differ(
            self.source_identity.as_deref(),
            call.caller.caller_source_identity.as_deref(),
        )
    }

    /// Rule L5: whether two candidates lead to the same origin. An ambiguous gap agrees with nothing.
    fn agrees_with(&self, other: &Ancestor<'_>) -> bool {
        let ambiguous = |link: &Link| link.gap_reason == Some(GapReason::Ambiguous);
        let same_origin =
            Arc::ptr_eq(self.origin, other.origin) || self.origin.began_as(other.origin);
        same_origin && !ambiguous(self.link) && !ambiguous(other.link)
    }
}

/// A row without candidates: its caller is the origin, or a gap (rules L6 and L7).
pub(crate) fn without_parent(row: &Issuance) -> Lineage {
    let (origin, gap_reason) = origin::of_caller(row);
    begin(row, origin, gap_reason)
}

/// A row whose candidates lead back to themselves.
pub(crate) fn looped(row: &Issuance) -> Lineage {
    begin(row, origin::of_unresolved(row), Some(GapReason::Loop))
}

/// A row with candidates: linked where they agree on the origin, else an ambiguous gap (rule L5).
///
/// `candidates` is not empty; `hop_of_parent` makes the hop of the candidate at an index, or shares one made before.
pub(crate) fn with_candidates(
    row: &Issuance,
    evidence: Evidence,
    candidates: &[Ancestor<'_>],
    hop_of_parent: impl FnOnce(usize) -> Arc<Hop>,
) -> Lineage {
    let event_ids = candidate_ids(candidates);
    if candidates
        .iter()
        .skip(1)
        .any(|other| !candidates[0].agrees_with(other))
    {
        let mut lineage = begin(row, origin::of_unresolved(row), Some(GapReason::Ambiguous));
        lineage.link.candidates = event_ids;
        return lineage;
    }
    let chosen = (0..candidates.len())
        .min_by_key(|&i| place_of(&candidates[i]))
        .unwrap_or_default();
    let parent = candidates[chosen];
    let link = Link {
        status: LinkStatus::Linked,
        evidence: Some(evidence),
        candidates: event_ids,
        gap_reason: None,
        parent_event_id: Some(parent.issuance.record.event_id.clone()),
        parent_access_key_id: parent.issuance.session.access_key_id.clone(),
    };
    let chain = extend(parent, hop_of_parent(chosen), row);
    let origin = agreed_origin(candidates, parent.origin);
    inherit(row, candidates, link, origin, chain)
}

/// The parent is the smallest event ID; account and time only make the choice total.
fn place_of<'a>(row: &Ancestor<'a>) -> (&'a Text, &'a Option<Text>, Timestamp) {
    let record = &row.issuance.record;
    (
        &record.event_id,
        &record.recipient_account_id,
        record.event_time,
    )
}

fn candidate_ids(candidates: &[Ancestor<'_>]) -> Vec<Text> {
    if candidates.len() < 2 {
        return Vec::new();
    }
    let mut ids: Vec<Text> = candidates
        .iter()
        .map(|row| row.issuance.record.event_id.clone())
        .collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// The start of a chain: depth 0.
fn begin(row: &Issuance, origin: Origin, gap_reason: Option<GapReason>) -> Lineage {
    let origin_mfa = match gap_reason {
        None => first_hop_mfa(row),
        Some(_) => None,
    };
    let crosses_accounts = differ(origin.account_id.as_deref(), session_account(row));
    let status = if gap_reason.is_some() {
        LinkStatus::Gap
    } else {
        LinkStatus::Origin
    };
    let link = Link {
        status,
        gap_reason,
        ..Link::default()
    };
    let inherited = Inherited {
        known: gap_reason.is_none() && !goes_on_with_tags(row),
        ..Inherited::default()
    };
    let chain = Chain {
        crosses_accounts,
        ..Chain::default()
    };
    finish(
        row,
        inherited,
        origin_mfa,
        None,
        link,
        Arc::new(origin),
        chain,
    )
}

/// Rule L5: what all candidates say of where the chain began. Of one origin they may have begun with another key, from another address.
fn agreed_origin(candidates: &[Ancestor<'_>], of_parent: &Arc<Origin>) -> Arc<Origin> {
    let key = agreed(candidates, |parent| &parent.origin.access_key_id);
    let address = agreed(candidates, |parent| &parent.origin.source_ip_address);
    let agent = agreed(candidates, |parent| &parent.origin.user_agent);
    if key.is_some() && address.is_some() && agent.is_some() {
        return of_parent.clone();
    }
    Arc::new(Origin {
        access_key_id: key.cloned().flatten(),
        source_ip_address: address.cloned().flatten(),
        user_agent: agent.cloned().flatten(),
        ..Origin::clone(of_parent)
    })
}

/// Rule L8: inherited facts are filled only where all candidates agree.
fn inherit(
    row: &Issuance,
    candidates: &[Ancestor<'_>],
    link: Link,
    origin: Arc<Origin>,
    chain: Chain,
) -> Lineage {
    let origin_mfa = agreed(candidates, |parent| parent.origin_mfa).flatten();
    let source_identity = agreed(candidates, |parent| parent.source_identity);
    let source_identity = source_identity.cloned().flatten();
    let inherited =
        agreed(candidates, |parent| Inherited::from_parent(row, parent)).unwrap_or_default();
    finish(
        row,
        inherited,
        origin_mfa,
        source_identity,
        link,
        origin,
        chain,
    )
}

/// The value that all candidates give, if they do.
fn agreed<'a, T: PartialEq>(
    candidates: &[Ancestor<'a>],
    value: impl Fn(&Ancestor<'a>) -> T,
) -> Option<T> {
    let (first, others) = candidates.split_first()?;
    let first = value(first);
    others
        .iter()
        .all(|other| value(other) == first)
        .then_some(first)
}

fn finish(
    row: &Issuance,
    inherited: Inherited,
    origin_mfa: Option<bool>,
    parent_source_identity: Option<Text>,
    link: Link,
    origin: Arc<Origin>,
    chain: Chain,
) -> Lineage {
    let inherited = inherited.or_as_logged(row);
    let mut transitive_keys = row.tags.transitive_tag_keys.clone();
    transitive_keys.extend(inherited.transitive_keys);
    transitive_keys.sort_unstable();
    transitive_keys.dedup();
    let mut effective_tags = inherited.tags;
    effective_tags.retain(|key, _| !is_among(key, row.tags.session_tags.keys()));
    effective_tags.extend(tags_in_force(row));
    let on_record = row
        .session
        .source_identity
        .clone()
        .or_else(|| row.caller.caller_source_identity.clone());
    Lineage {
        source_identity: on_record.or(parent_source_identity),
        effective_tags,
        effective_transitive_tag_keys: transitive_keys,
        effective_tags_known: inherited.known && tells_its_tags(row),
        origin_mfa,
        link,
        origin,
        chain,
    }
}

/// Whether the session goes on with all tags of its caller's, and that one may have some: roles and federated users get tags,
/// users and root do not.
fn goes_on_with_tags(row: &Issuance) -> bool {
    let caller_type = row.caller.caller_type.as_deref();
    is_callers_session(row) && matches!(caller_type, Some("AssumedRole" | "FederatedUser"))
}

/// A console session is its caller's session, and a witness tells of a call made with it.
fn is_callers_session(row: &Issuance) -> bool {
    matches!(
        row.session.session_type,
        SessionType::Console | SessionType::Witness
    )
}

/// Whether the record shows which tags the call itself set.
fn tells_its_tags(row: &Issuance) -> bool {
    let is_told = match row.session.session_type {
        // Cognito sets what an identity pool maps, a delegation what was agreed with the provider, other services what they like.
        SessionType::Delegated | SessionType::Unknown | SessionType::WebIdentity => false,
        // Roles Anywhere sets those of the certificate (`x509Subject/CN` …).
        _ => !origin::is_made_with_certificate(row),
    };
    let own = &row.tags.session_tags;
    is_told && !row.withholds_restrictions() && tags_in_force(row).count() == own.len()
}

/// The tags of this call. Of two whose keys are one to AWS nobody can tell which is in force.
fn tags_in_force(row: &Issuance) -> impl Iterator<Item = (Text, Text)> + '_ {
    let own = &row.tags.session_tags;
    own.iter()
        .filter(|(key, _)| !is_among(key, own.keys().filter(|other| other != key)))
        .map(|(key, value)| (key.clone(), value.clone()))
}

impl Issuance {
    /// Whether the record tells neither tags nor policies though there may be some: they take room in the session
    /// (`packedPolicySize`), or not even the role is told, which every request names. CloudTrail left out the request, or a part.
    #[must_use]
    pub fn withholds_restrictions(&self) -> bool {
        let (session, tags, policy) = (&self.session, &self.tags, &self.policy);
        let tells_none = tags.session_tags.is_empty()
            && tags.inherited_tags.is_empty()
            && policy.session_policy_sha256.is_none()
            && policy.session_policy_arns.is_empty();
        let take_room = policy.packed_policy_size.is_some_and(|percent| percent > 0);
        let lacks_request = session.session_type == SessionType::AssumedRole
            && self.record.outcome == Outcome::Issued
            && session.role_arn.is_none();
        tells_none && (take_room || lacks_request)
    }
}

/// Whether AWS takes a tag key for one of these: it keeps the case of keys and does not tell them apart by it ("AWS Security
/// Token Service API Reference", `AssumeRole`, `Tags`).
pub(crate) fn is_among<'k>(key: &str, keys: impl IntoIterator<Item = &'k Text>) -> bool {
    let is_same = |other: &Text| match key.is_ascii() && other.is_ascii() {
        true => key.eq_ignore_ascii_case(other),
        false => key.to_lowercase() == other.to_lowercase(),
    };
    keys.into_iter().any(is_same)
}

/// The tags that a session brings along from the one that called for it.
#[derive(Clone, Debug, Default, PartialEq)]
struct Inherited {
    tags: TagMap,
    transitive_keys: Vec<Text>,
    known: bool,
}

impl Inherited {
    /// The parent's transitive tags; what is its parent's session keeps all of them.
    fn from_parent(row: &Issuance, parent: &Ancestor<'_>) -> Inherited {
        let keys = parent.effective_transitive_tag_keys;
        let passes = |key: &Text| is_callers_session(row) || is_among(key, keys);
        let tags = parent.effective_tags.iter().filter(|(key, _)| passes(key));
        Inherited {
            tags: tags
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect(),
            transitive_keys: keys.to_vec(),
            known: parent.effective_tags_known,
        }
    }

    /// `incomingTransitiveTags` speaks where it was logged.
    fn or_as_logged(self, row: &Issuance) -> Inherited {
        let logged = &row.tags.inherited_tags;
        if logged.is_empty() {
            return self;
        }
        Inherited {
            tags: logged.clone(),
            transitive_keys: logged.keys().cloned().collect(),
            known: true,
        }
    }
}

/// Rule L9: MFA at the first hop, presented there or in the caller's session; unknown is not false. Who signs in elsewhere (by SAML,
/// at Identity Center) does so with or without MFA there, and a workload has none: only of a user or root does false say something.
fn first_hop_mfa(row: &Issuance) -> Option<bool> {
    let said = [row.mfa.session_mfa, row.mfa.caller_mfa];
    if said.contains(&Some(true)) {
        return Some(true);
    }
    let signs_in_at_iam = matches!(row.caller.caller_type.as_deref(), Some("IAMUser" | "Root"));
    let said = said.into_iter().flatten().next();
    said.filter(|_| signs_in_at_iam)
}

/// Rule L10: the parent's chain and the parent, cut at the nearest [`HOPS_MAX`].
fn extend(parent: Ancestor<'_>, hop: Arc<Hop>, row: &Issuance) -> Chain {
    let before = &parent.chain.hops;
    let cut = (before.len() + 1).saturating_sub(HOPS_MAX);
    let mut hops = Vec::with_capacity(before.len() + 1 - cut);
    hops.extend_from_slice(&before[cut..]);
    hops.push(hop);
    Chain {
        depth: parent.chain.depth.saturating_add(1),
        hops,
        truncated: parent.chain.truncated || cut > 0,
        crosses_accounts: parent.chain.crosses_accounts
            || differ(session_account(parent.issuance), session_account(row)),
    }
}

fn differ(a: Option<&str>, b: Option<&str>) -> bool {
    matches!((a, b), (Some(a), Some(b)) if a != b)
}

/// Rule L9: MFA at the origin and neither on this call nor in the caller's session.
pub(crate) fn mfa_lost(row: &Issuance, origin_mfa: Option<bool>) -> Option<bool> {
    let kept = row.mfa.session_mfa == Some(true) || row.mfa.caller_mfa == Some(true);
    origin_mfa.map(|at_origin| at_origin && !kept)
}
