//! Why a chain stops, what is known all the same, and how to go on.

use serde::Serialize;
use trailback_sessions::{GapReason, LinkStatus, Session, is_only_claimed};

use super::text::safe;
use super::words::{ABSENT, account, moment, session_name, shown};

/// What a trace says of a gap.
#[derive(Serialize)]
pub(crate) struct Explained {
    /// Why the chain stops.
    pub(crate) why: String,
    /// What is known of the caller all the same.
    pub(crate) known: Vec<String>,
    /// What to do next.
    pub(crate) next: String,
    /// Where the logs lack what might close it, as far as a verification found that.
    pub(crate) holes: Vec<String>,
}

/// Explains the gap at which a chain begins, with the holes that were found for it; `None` where it begins at an origin.
pub(crate) fn of_chain(hops: &[Session], holes: &[String]) -> Option<Explained> {
    let first = hops.first()?;
    (first.link.status == LinkStatus::Gap).then(|| Explained {
        holes: holes.to_vec(),
        ..explain(first)
    })
}

/// Explains the gap of a session whose caller cannot be named.
pub(crate) fn explain(session: &Session) -> Explained {
    match session.link.gap_reason {
        Some(GapReason::CallerCopyMissing) => caller_copy_missing(session),
        Some(GapReason::Ambiguous) => ambiguous(session),
        Some(GapReason::Loop) => endless(session),
        Some(GapReason::NotInLogs) | None => not_in_logs(session),
    }
}

/// What the call is that is missing, and where it is logged: not always in the caller's account.
fn missing_call(session: &Session) -> (&'static str, String) {
    let caller = &session.issuance.caller;
    let account = shown(session.origin.account_id.as_ref());
    if caller.caller_assumed_root == Some(true) {
        return (
            "somebody acted as the root user by AssumeRoot, and that call is not in the ingested logs",
            "the trail of the organisation's management account, or of the account to which it delegated root access,"
                .to_owned(),
        );
    }
    if caller.caller_type.as_deref() == Some("Root") {
        return (
            "the root user of the account made the call with a temporary key, or somebody else did by AssumeRoot, and neither root's sign-in \
             nor that call is in the ingested logs",
            format!(
                "the trail of account {account}, and that of the organisation's management account or of the one to which it delegated root access,"
            ),
        );
    }
    if caller.caller_delegate_account_id.is_some() {
        return (
            "a product provider acted with rights that were delegated to it, and the call that handed them out is not in the \
             ingested logs",
            format!("the trail of account {account}"),
        );
    }
    (
        "the call that handed out the caller's session is not in the ingested logs",
        format!("the trail of account {account}"),
    )
}

/// The record tells neither the key nor the session that the call was made with: nothing can be linked to it.
fn nothing_to_link_by(session: &Session) -> Explained {
    let caller = &session.issuance.caller;
    let known = caller.caller_arn.iter();
    Explained {
        why: "the record says neither which key nor which session the call was made with, so no issuance can be told to be its"
            .to_owned(),
        known: known.map(|arn| format!("caller {}", safe(arn))).collect(),
        next: format!(
            "look for what {} did around that time, and from where: trailback sessions --since … --until …",
            shown(caller.caller_arn.as_ref().or(caller.caller_principal_id.as_ref()))
        ),
        holes: Vec::new(),
    }
}

/// Nothing is missing: the call was refused, and whoever made it may have typed any name.
fn only_claimed(session: &Session) -> Explained {
    let record = &session.issuance.record;
    let named = [
        ("claims to be", session.origin.name.as_ref()),
        ("from", record.source_ip_address.as_ref()),
        ("with", record.user_agent.as_ref()),
    ];
    let known = named.into_iter();
    Explained {
        why: "the call was refused, and nothing else proves who made it: anybody may give the name of another".to_owned(),
        known: known
            .filter_map(|(label, text)| Some(format!("{label} {}", safe(text?))))
            .collect(),
        next: format!(
            "look in the raw logs, or in source_ip_address of trailback sessions --since … --until … --format json, whether that address \
             called before or after {} UTC, and as whom",
            moment(record.event_time)
        ),
        holes: Vec::new(),
    }
}

fn not_in_logs(session: &Session) -> Explained {
    let caller = &session.issuance.caller;
    if is_only_claimed(&session.issuance) {
        return only_claimed(session);
    }
    if caller.caller_access_key_id.is_none() && caller.caller_session_created_at.is_none() {
        return nothing_to_link_by(session);
    }
    let (why, trail) = missing_call(session);
    let issuer = caller
        .caller_session_issuer_arn
        .as_ref()
        .or(caller.caller_arn.as_ref());
    let mut known = Vec::new();
    known.extend(
        caller
            .caller_arn
            .as_ref()
            .map(|arn| format!("caller {}", safe(arn))),
    );
    known.extend(
        caller
            .caller_access_key_id
            .as_ref()
            .map(|key| format!("key {}", safe(key))),
    );
    known.extend(
        caller
            .caller_delegate_account_id
            .as_ref()
            .map(|account| format!("delegated to account {}", safe(account))),
    );
    let at = match caller.caller_session_created_at {
        Some(created) => {
            known.push(format!("session created {} UTC", moment(created)));
            format!(" at {} UTC", moment(created))
        }
        None => String::new(),
    };
    Explained {
        why: why.to_owned(),
        known,
        next: format!(
            "ingest {trail} around that time, all regions (the global STS endpoint logs in \
             us-east-1), and trace again: the call to find handed out {}{at}",
            shown(issuer)
        ),
        holes: Vec::new(),
    }
}

/// How CloudTrail names the account of a call to S3 that was not signed.
const ANONYMOUS: &str = "ANONYMOUS_PRINCIPAL";

/// Nobody's credentials: there is no trail to ask.
fn anonymous(session: &Session) -> Explained {
    let address = session.issuance.record.source_ip_address.iter();
    Explained {
        why: "the call was not signed: whoever made it needed no credentials".to_owned(),
        known: address
            .map(|address| format!("from {}", safe(address)))
            .collect(),
        next: "find what lets everybody in, such as the policy or the ACL of a bucket".to_owned(),
        holes: Vec::new(),
    }
}

fn caller_copy_missing(session: &Session) -> Explained {
    let (caller, record) = (&session.issuance.caller, &session.issuance.record);
    if caller.caller_account_id.as_deref() == Some(ANONYMOUS) {
        return anonymous(session);
    }
    let account_of_caller = session
        .origin
        .account_id
        .as_ref()
        .or(caller.caller_account_id.as_ref());
    let missing = shown(account_of_caller);
    let mut known = Vec::new();
    known.extend(caller.caller_principal_id.as_ref().map(|principal| {
        let principal = safe(principal);
        match principal.split_once(':') {
            Some((id, name)) => format!("role {id}, which calls its session {name}"),
            None => format!("principal {principal}"),
        }
    }));
    known.push(format!("account {missing}"));
    known.extend(
        session
            .issuance
            .session
            .external_id
            .as_ref()
            .map(|id| format!("external ID {}", safe(id))),
    );
    known.extend(
        record
            .source_ip_address
            .as_ref()
            .map(|address| format!("from {}", safe(address))),
    );
    let shared = record
        .shared_event_id
        .as_ref()
        .map(|id| format!(" (sharedEventID {})", safe(id)));
    Explained {
        why: format!(
            "the caller is in another account, and only the copy delivered to account {} is here",
            shown(record.recipient_account_id.as_ref())
        ),
        known,
        next: format!(
            "ingest the trail of account {missing}, or ask its owner who made this call{}",
            shared.unwrap_or_default()
        ),
        holes: Vec::new(),
    }
}

fn ambiguous(session: &Session) -> Explained {
    let candidates = &session.link.candidates;
    let names: Vec<String> = candidates.iter().map(|id| safe(id)).collect();
    Explained {
        why: format!(
            "{} issuances fit the caller's session and lead to different origins; Trailback does not guess",
            candidates.len()
        ),
        known: vec![format!("candidates {}", if names.is_empty() { ABSENT.to_owned() } else { names.join(" ") })],
        next: "trace each candidate by its event ID and compare source IP, user agent and key with the use in question"
            .to_owned(),
        holes: Vec::new(),
    }
}

fn endless(session: &Session) -> Explained {
    Explained {
        why: "the issuances that fit the caller's session lead back to themselves: these records contradict each other"
            .to_owned(),
        known: vec![format!("{} in account {}", session_name(session), account(session))],
        next: "open the records of the candidates; a log object may have been altered or made up".to_owned(),
        holes: Vec::new(),
    }
}
