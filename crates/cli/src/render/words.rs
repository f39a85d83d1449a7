//! The words for what a session says: its origin, role, MFA, tags, policy, outcome and link.

use std::collections::BTreeSet;

use trailback_sessions::{
    Evidence, GapReason, LinkStatus, Origin, OriginType, Outcome, Session, SessionType, Text,
    Timestamp, access_key, is_only_claimed,
};

use super::text::safe;
use crate::look::Tone;

/// What stands where the logs say nothing.
pub(crate) const ABSENT: &str = "-";

/// How many characters of a hash are shown: enough to find it again with `sessions --policy`.
const HASH_SHOWN: usize = 12;

/// A text and how it is to be read.
pub(crate) type Toned = (String, Tone);

/// A cell of which the logs say nothing.
pub(crate) fn absent() -> Toned {
    (ABSENT.to_owned(), Tone::Dim)
}

/// A cell with one item a line.
pub(crate) fn lines(items: Vec<String>) -> Toned {
    if items.is_empty() {
        absent()
    } else {
        (items.join("\n"), Tone::Plain)
    }
}

/// A text column that may be absent, made safe.
pub(crate) fn shown(text: Option<&Text>) -> String {
    text.map_or_else(|| ABSENT.to_owned(), |text| safe(text))
}

/// `2026-11-20 09:02:11` (UTC).
pub(crate) fn moment(at: Timestamp) -> String {
    at.to_string()
        .replacen('T', " ", 1)
        .trim_end_matches('Z')
        .to_owned()
}

/// `from 2026-11-20 09:20:00 to 2026-11-20 09:30:00 UTC`: when something was seen.
pub(crate) fn period(first: Option<Timestamp>, last: Option<Timestamp>) -> String {
    match (first.or(last), last.or(first)) {
        (Some(first), Some(last)) if first == last => format!("at {} UTC", moment(first)),
        (Some(first), Some(last)) => format!("from {} to {} UTC", moment(first), moment(last)),
        _ => "at a time that is not told".to_owned(),
    }
}

/// `jump/anna.berg`: the role and the session name in the ARN of a role session. Whoever calls a session chooses its name alone.
fn role_and_session(arn: &str) -> Option<&str> {
    let (_, role_and_session) = arn.split_once(":assumed-role/")?;
    Some(role_and_session)
}

/// `IAM user anna.berg`: the kind of an origin, and the name a person recognises.
pub(crate) fn origin(origin: &Origin) -> String {
    let is_role_session = origin.origin_type == OriginType::AssumedRole;
    let arn = origin.arn.as_ref();
    let named = arn
        .filter(|_| is_role_session)
        .and_then(|arn| role_and_session(arn));
    let name = named
        .or(origin.name.as_deref())
        .or(arn.map(|arn| &**arn))
        .or(origin.principal_id.as_deref());
    let Some(name) = name.map(safe) else {
        return match (&origin.account_id, origin.origin_type) {
            (Some(account), OriginType::Root) => {
                format!("the root user of account {}", safe(account))
            }
            (Some(account), _) => format!("a principal of account {}", safe(account)),
            (None, _) => "a caller the logs do not name".to_owned(),
        };
    };
    match origin.origin_type {
        OriginType::IAMUser => format!("IAM user {name}"),
        OriginType::Root => format!("root user {name}"),
        OriginType::SAMLUser => format!("SAML user {name}"),
        OriginType::WebIdentityUser => format!("web identity {name}"),
        OriginType::IdentityCenterUser => format!("Identity Center user {name}"),
        OriginType::AWSService => format!("AWS service {name}"),
        OriginType::Compute if name.starts_with("i-") => format!("EC2 instance {name}"),
        OriginType::Compute => format!("compute {name}"),
        OriginType::Certificate => format!("certificate {name}"),
        OriginType::AWSAccount => format!("principal {name}"),
        OriginType::AssumedRole => format!("role session {name}"),
        OriginType::Unknown => name,
    }
}

/// `IAM user anna.berg of account 111122223333`: as [`origin`], told apart from a namesake elsewhere. Of web identities and SAML
/// users that is who vouches for them.
pub(crate) fn named_origin(session: &Session) -> String {
    let who = origin(&session.origin);
    let is_vouched_for = matches!(
        session.origin.origin_type,
        OriginType::SAMLUser | OriginType::WebIdentityUser
    );
    let provider = session.origin.identity_provider.as_deref();
    match (
        provider.filter(|_| is_vouched_for),
        &session.origin.account_id,
    ) {
        (Some(provider), _) => {
            let name = provider
                .split_once("-provider/")
                .map_or(provider, |(_, name)| name);
            format!("{who} of {}", safe(name))
        }
        (None, Some(account)) if !who.contains(&**account) => {
            format!("{who} of account {}", safe(account))
        }
        _ => who,
    }
}

/// Whether the chain that is shown is one of several that fit: what its last row does not say, they do not agree on.
pub(crate) fn is_one_of_several(hops: &[Session]) -> bool {
    hops.iter().any(|session| fitting(session).is_some())
}

/// How many issuances fit the session that made a call, where more than one does: the hop before is one of them.
pub(crate) fn fitting(session: &Session) -> Option<usize> {
    Some(session.link.candidates.len()).filter(|fitting| *fitting > 1)
}

/// The event IDs of all issuances that fit somewhere in a chain, where that is more than one.
pub(crate) fn candidates(hops: &[Session]) -> BTreeSet<&Text> {
    hops.iter().flat_map(|hop| &hop.link.candidates).collect()
}

/// `with MFA`, where the origin of a chain is someone who could have presented it.
pub(crate) fn origin_mfa(hops: &[Session]) -> Option<Toned> {
    let (first, last) = hops.first().zip(hops.last())?;
    if first.origin_mfa.is_some() && last.origin_mfa.is_none() && is_one_of_several(hops) {
        let text = "MFA on some of the issuances that fit, not on all";
        return Some((text.to_owned(), Tone::Warn));
    }
    match (last.origin_mfa, last.origin.origin_type) {
        (Some(true), _) => Some(("with MFA".to_owned(), Tone::Good)),
        (Some(false), _) => Some(("without MFA".to_owned(), Tone::Warn)),
        (None, OriginType::AWSService | OriginType::Compute | OriginType::Certificate) => None,
        (None, _) => Some(("MFA not known".to_owned(), Tone::Dim)),
    }
}

/// `jump / anna.berg`: the role and session name, or what else was handed out.
pub(crate) fn session_name(session: &Session) -> String {
    let facts = &session.issuance.session;
    let caller = &session.issuance.caller;
    let role = facts.role_name.as_ref().or(facts.role_arn.as_ref());
    match (facts.session_type, role, &facts.session_name) {
        (SessionType::Witness, _, _) => call(session),
        (SessionType::FederatedUser, _, Some(name)) => format!("federated user {}", safe(name)),
        (SessionType::AssumedRoot, _, _) => format!("root of {}", account(session)),
        (_, Some(role), Some(name)) => format!("{} / {}", safe(role), safe(name)),
        (_, Some(role), None) => safe(role),
        (SessionType::SessionToken, None, _) => {
            format!(
                "session token of {}",
                shown(caller.caller_user_name.as_ref())
            )
        }
        (SessionType::Console, None, None) => {
            let user = caller
                .caller_user_name
                .as_ref()
                .or(caller.caller_arn.as_ref());
            format!("console of {}", shown(user))
        }
        (_, None, Some(name)) => safe(name),
        (_, None, None) => match facts
            .session_arn
            .as_ref()
            .or(facts.session_principal_id.as_ref())
        {
            Some(principal) => safe(principal),
            None => "not named".to_owned(),
        },
    }
}

/// `rds ModifyDBSnapshotAttribute`: the recorded call, the service without its domain.
pub(crate) fn call(session: &Session) -> String {
    let record = &session.issuance.record;
    let name = shown(record.event_name.as_ref());
    match record.event_source.as_ref().map(|source| safe(source)) {
        Some(source) => format!("{} {name}", source.trim_end_matches(".amazonaws.com")),
        None => name,
    }
}

/// The account of the session handed out; of a mere use, the account it was recorded in.
pub(crate) fn account(session: &Session) -> String {
    shown(account_id(session))
}

/// See [`account`].
pub(crate) fn account_id(session: &Session) -> Option<&Text> {
    let issuance = &session.issuance;
    issuance
        .session
        .role_account_id
        .as_ref()
        .or(issuance.record.recipient_account_id.as_ref())
}

/// Whether the row tells of a call made with a session, not of a session handed out.
pub(crate) fn is_use(session: &Session) -> bool {
    session.issuance.session.session_type == SessionType::Witness
}

/// The usual outcome.
pub(crate) const ISSUED: &str = "issued";

/// What error codes say where AWS refused a call, whatever service's: `AccessDenied`, `AccessDeniedException`,
/// `Client.UnauthorizedOperation`, `AuthFailure`.
const REFUSALS: [&str; 5] = [
    "AccessDenied",
    "Unauthorized",
    "NotAuthorized",
    "AuthFailure",
    "Forbidden",
];

/// Whether a failed call was refused: others went wrong, were too many, or asked for what is not there. A sign-in that fails
/// has no code.
pub(crate) fn is_refused(session: &Session) -> bool {
    let record = &session.issuance.record;
    let is_refusal = |code: &Text| REFUSALS.iter().any(|word| code.contains(word));
    record.outcome == Outcome::Failed && record.error_code.as_ref().is_none_or(is_refusal)
}

/// `issued`, `refused`, `failed`, or `used`.
pub(crate) fn outcome(session: &Session) -> Toned {
    match session.issuance.record.outcome {
        Outcome::Failed if is_refused(session) => ("refused".to_owned(), Tone::Bad),
        Outcome::Failed => ("failed".to_owned(), Tone::Bad),
        Outcome::Used => ("used".to_owned(), Tone::Plain),
        Outcome::Issued if is_use(session) => ("used".to_owned(), Tone::Plain),
        Outcome::Issued => (ISSUED.to_owned(), Tone::Plain),
    }
}

/// MFA of one hop in one or two words.
pub(crate) fn mfa(session: &Session) -> Toned {
    let mfa = &session.issuance.mfa;
    match (mfa.session_mfa, mfa.caller_mfa) {
        (Some(true), _) => ("presented".to_owned(), Tone::Good),
        (_, Some(true)) => ("in session".to_owned(), Tone::Good),
        (None, None) => (ABSENT.to_owned(), Tone::Dim),
        _ => ("none".to_owned(), Tone::Warn),
    }
}

/// MFA of one hop in a sentence.
pub(crate) fn mfa_in_full(session: &Session) -> Toned {
    let mfa = &session.issuance.mfa;
    let (text, tone) = match (mfa.session_mfa, mfa.caller_mfa) {
        (Some(true), _) => ("presented on this call".to_owned(), Tone::Good),
        (_, Some(true)) => ("in the caller's session, as logged".to_owned(), Tone::Good),
        (Some(false), Some(false)) => (
            "none on this call, none in the caller's session".to_owned(),
            Tone::Warn,
        ),
        (Some(false), None) => ("none on this call".to_owned(), Tone::Warn),
        (None, Some(false)) => ("none in the caller's session".to_owned(), Tone::Warn),
        (None, None) if has_request(session) => (
            "not in the logs: such calls do not carry it".to_owned(),
            Tone::Dim,
        ),
        (None, None) => ("not in the logs".to_owned(), Tone::Dim),
    };
    match &mfa.mfa_serial_number {
        Some(device) => (format!("{text}: {}", safe(device)), tone),
        None => (text, tone),
    }
}

/// What the `*` behind a tag means.
pub(crate) const TRANSITIVE: &str = "* a transitive tag: it passes on to the next role";

/// What stands before a tag that a session before set.
pub(crate) const INHERITED: &str = "inherited ";

/// The tags in force: those of this call, then the inherited ones; `*` on those that pass on.
pub(crate) fn tags(session: &Session) -> Vec<String> {
    let own = &session.issuance.tags.session_tags;
    let pair = |key: &Text, value: &Text| {
        let passes_on = session.passes_on(key);
        format!(
            "{}={}{}",
            safe(key),
            safe(value),
            if passes_on { "*" } else { "" }
        )
    };
    let inherited = session
        .effective_tags
        .iter()
        .filter(|(key, _)| !own.contains_key(*key));
    own.iter()
        .map(|(key, value)| pair(key, value))
        .chain(inherited.map(|(key, value)| format!("{INHERITED}{}", pair(key, value))))
        .collect()
}

/// The session policies: the start of the inline policy's hash, and the managed ones.
pub(crate) fn policies(session: &Session, managed_name: fn(&str) -> String) -> Vec<String> {
    let policy = &session.issuance.policy;
    let hash = policy.session_policy_sha256.as_ref();
    let inline =
        hash.map(|hash| format!("inline {}", safe(hash.get(..HASH_SHOWN).unwrap_or(hash))));
    let managed = policy
        .session_policy_arns
        .iter()
        .map(|arn| managed_name(&safe(arn)));
    inline.into_iter().chain(managed).collect()
}

/// Whether the record says what was asked for: CloudTrail leaves the request out where access was denied or it is too long.
pub(crate) fn has_request(session: &Session) -> bool {
    let issuance = &session.issuance;
    if issuance.withholds_restrictions() || is_request_untold(session) {
        return false;
    }
    issuance.record.outcome != Outcome::Failed
        || issuance.session.session_name.is_some()
        || issuance.session.duration_seconds.is_some()
}

/// Whether the request of a call that tells of MFA does not: it was omitted or withheld.
fn is_request_untold(session: &Session) -> bool {
    let issuance = &session.issuance;
    let name = issuance.record.event_name.as_deref();
    let tells_mfa = matches!(name, Some("AssumeRole" | "GetSessionToken"));
    let tells_nothing =
        issuance.policy.session_scope_sha256.is_none() && issuance.tags.session_tags.is_empty();
    tells_mfa
        && tells_nothing
        && issuance.mfa.session_mfa.is_none()
        && issuance.record.outcome == Outcome::Issued
        && session.origin.origin_type != OriginType::AWSService
}

/// The tags in force on one line each, or whether there are none.
pub(crate) fn tags_or_none(session: &Session, divider: &str) -> Toned {
    let tags = tags(session);
    if tags.is_empty() && has_request(session) && !session.effective_tags_known {
        return (
            "none of its own, inherited ones not known".to_owned(),
            Tone::Dim,
        );
    }
    items_or_none(&tags, divider, session)
}

/// Whether it is a session in the web console that somebody went into from another session, and that is this one still: nothing
/// was asked for anew.
pub(crate) fn goes_on(session: &Session) -> bool {
    session.issuance.session.session_type == SessionType::Console
        && session.link.status != LinkStatus::Origin
        && session.issuance.record.outcome != Outcome::Failed
}

/// What stands in place of the policy of a session that [`goes_on`].
pub(crate) const SAME_POLICY: &str = "that of the session it was opened from";

/// The session policies, or whether there are none.
pub(crate) fn policies_or_none(
    session: &Session,
    managed_name: fn(&str) -> String,
    divider: &str,
) -> Toned {
    if goes_on(session) {
        return (SAME_POLICY.to_owned(), Tone::Dim);
    }
    items_or_none(&policies(session, managed_name), divider, session)
}

/// None is a fact only where the record has the request.
fn items_or_none(items: &[String], divider: &str, session: &Session) -> Toned {
    match items {
        [] if has_request(session) => ("none".to_owned(), Tone::Dim),
        [] => ("not in the logs".to_owned(), Tone::Dim),
        items => (items.join(divider), Tone::Plain),
    }
}

/// The ARN as it is.
pub(crate) fn whole_arn(arn: &str) -> String {
    arn.to_owned()
}

/// The name of a managed policy, with its account where it is a customer's.
pub(crate) fn policy_name(arn: &str) -> String {
    let name = arn.rsplit('/').next().unwrap_or(arn);
    match arn.split(':').nth(4) {
        Some(account) if !account.is_empty() && account != "aws" => format!("{account}/{name}"),
        _ => name.to_owned(),
    }
}

/// `203.0.113.24 with aws-cli/2.31.4`: where a call came from, and the client's own name for itself.
pub(crate) fn came_from(session: &Session) -> String {
    let record = &session.issuance.record;
    let address = shown(record.source_ip_address.as_ref());
    let client = record.user_agent.as_ref().map(|agent| client(agent));
    match client {
        Some(client) if Some(client) != record.source_ip_address.as_deref() => {
            format!("{address} with {}", safe(client))
        }
        _ => address,
    }
}

/// The temporary key with which a person made the first call of a chain: the person is certain, and how the key was handed out,
/// and from where, is in no record. Workloads get theirs where nothing is logged.
pub(crate) fn unseen_key(session: &Session) -> Option<&Text> {
    let is_person = !matches!(
        session.origin.origin_type,
        OriginType::AWSService | OriginType::Compute | OriginType::Certificate
    );
    let key = session.issuance.caller.caller_access_key_id.as_ref();
    key.filter(|key| {
        is_person && session.link.status == LinkStatus::Origin && access_key::is_temporary(key)
    })
}

/// A client's own name: `aws-cli/2.31.4`, `S3Console/0.4` of `[S3Console/0.4, aws-internal/3 …]`. Whole where it does not begin with
/// a name and a version, as `AWS Internal`.
fn client(agent: &str) -> &str {
    let first = agent.split(' ').next().unwrap_or(agent);
    match first.contains('/') {
        true => first.trim_start_matches('[').trim_end_matches([',', ']']),
        false => agent,
    }
}

/// On what the link to the hop before stands, in a few words.
pub(crate) fn link(session: &Session) -> Toned {
    let link = &session.link;
    let (words, tone) = match (link.status, link.evidence) {
        (LinkStatus::Origin, _) => ("by the origin".to_owned(), Tone::Plain),
        (LinkStatus::Gap, _) => (format!("gap: {}", gap_of(session)), Tone::Bad),
        (LinkStatus::Linked, Some(Evidence::IssuedKey)) => ("issued key".to_owned(), Tone::Plain),
        (LinkStatus::Linked, _) => ("session context".to_owned(), Tone::Plain),
    };
    match fitting(session) {
        Some(fitting) => (format!("{words}, {fitting} issuances fit"), tone),
        None => (words, tone),
    }
}

/// On what the link to the hop before (`before`, as in `hop 2`) stands, so that it can be checked.
pub(crate) fn link_in_full(session: &Session, before: &str) -> Toned {
    let (link, caller) = (&session.link, &session.issuance.caller);
    let key = caller.caller_access_key_id.as_ref();
    let mut sentence = match (link.status, link.evidence) {
        (LinkStatus::Origin, _) if unseen_key(session).is_some() => {
            "the caller is the origin, by a temporary key whose issuance is not in the logs"
                .to_owned()
        }
        (LinkStatus::Origin, _) => "the caller is the origin".to_owned(),
        (LinkStatus::Gap, _) => return (format!("gap: {}", gap_of(session)), Tone::Bad),
        (LinkStatus::Linked, Some(Evidence::IssuedKey)) => {
            format!(
                "issued key: made with {}, handed out by {before}",
                shown(key)
            )
        }
        (LinkStatus::Linked, _) => context_link(session, before),
    };
    if let Some(fitting) = fitting(session) {
        sentence += &format!("; {fitting} issuances fit, all of this origin");
    }
    (sentence, Tone::Plain)
}

fn context_link(session: &Session, before: &str) -> String {
    let caller = &session.issuance.caller;
    let principal = shown(caller.caller_principal_id.as_ref());
    let created = caller
        .caller_session_created_at
        .map_or_else(|| ABSENT.to_owned(), moment);
    let key = caller.caller_access_key_id.as_ref();
    let keys_differ = key.is_some() && key != session.link.parent_access_key_id.as_ref();
    let remark = if keys_differ {
        format!(
            "; its key {} is not the one issued, as in consoles and Identity Center",
            shown(key)
        )
    } else {
        String::new()
    };
    format!(
        "session context: {principal}, created {created} UTC, is what {before} handed out{remark}"
    )
}

/// As [`gap`], of one session: where a sign-in was refused, no issuance is missing.
fn gap_of(session: &Session) -> &'static str {
    match is_only_claimed(&session.issuance) {
        true => "who it was is only claimed",
        false => gap(session.link.gap_reason),
    }
}

/// Why a chain stops, in a few words.
pub(crate) fn gap(reason: Option<GapReason>) -> &'static str {
    match reason {
        Some(GapReason::NotInLogs) => "issuance not in the logs",
        Some(GapReason::CallerCopyMissing) => "caller's copy missing",
        Some(GapReason::Ambiguous) => "ambiguous",
        Some(GapReason::Loop) => "loop",
        None => "not known",
    }
}
