//! The columns of the table `sessions`, in their order.

use std::sync::Arc;

use trailback_sessions::{Origin, Session};

use super::field::{EmptyList, set, set_known, set_word};
use super::{Access, Column, Field, Group, Pruning, Word};

macro_rules! text {
    ($($at:ident).+) => {
        Field::Text {
            read: |row| row.$($at).+.as_deref(),
            write: |row, value| set(&mut row.$($at).+, value),
        }
    };
}

macro_rules! word {
    ($($at:ident).+) => {
        Field::Text {
            read: |row| Some(row.$($at).+.text()),
            write: |row, value| set_word(&mut row.$($at).+, &value),
        }
    };
}

macro_rules! word_or_null {
    ($($at:ident).+) => {
        Field::Text {
            read: |row| row.$($at).+.map(Word::text),
            write: |row, value| set_known(&mut row.$($at).+, &value),
        }
    };
}

macro_rules! texts {
    ($($at:ident).+, $empty:expr) => {
        Field::Texts {
            read: |row| &row.$($at).+,
            write: |row, value| row.$($at).+ = value,
            empty: $empty,
        }
    };
}

macro_rules! tags {
    ($($at:ident).+) => {
        Field::TextMap { read: |row| &row.$($at).+, write: |row, value| row.$($at).+ = value }
    };
}

macro_rules! flag {
    ($($at:ident).+) => {
        Field::Bool { read: |row| row.$($at).+, write: |row, value| row.$($at).+ = Some(value) }
    };
}

macro_rules! known_flag {
    ($($at:ident).+) => {
        Field::Bool { read: |row| Some(row.$($at).+), write: |row, value| row.$($at).+ = value }
    };
}

macro_rules! int {
    ($($at:ident).+) => {
        Field::Int { read: |row| row.$($at).+, write: |row, value| row.$($at).+ = Some(value) }
    };
}

macro_rules! moment {
    ($($at:ident).+) => {
        Field::Timestamp { read: |row| row.$($at).+, write: |row, value| row.$($at).+ = Some(value) }
    };
}

macro_rules! origin_text {
    ($at:ident) => {
        Field::Text {
            read: |row| row.origin.$at.as_deref(),
            write: |row, value| set(&mut origin(row).$at, value),
        }
    };
}

macro_rules! hop_text {
    ($at:ident) => {
        Field::HopTexts {
            read: |row| &row.chain.hops,
            write: |row| &mut row.chain.hops,
            read_text: |hop| hop.$at.as_deref(),
            write_text: |hop, value| hop.$at = Some(value),
        }
    };
}

/// The origin of a row that is being decoded and shares it with no other yet.
fn origin(row: &mut Session) -> &mut Origin {
    Arc::make_mut(&mut row.origin)
}

/// Every column of the table `sessions`, in its order. Fragments have those that one record alone says.
pub static SESSIONS: &[Column] = &[
    Column::new(Group::Record, "event_id", "CloudTrail's eventID of the issuing call; of a row merged from several copies, that of the primary copy.", Access::Issuance(Field::Text { read: |row| Some(&row.record.event_id), write: |row, value| { row.record.event_id = value; true } })).required().without_dictionary().pruned_by(Pruning::Bloom),
    Column::new(Group::Record, "event_ids", "The event IDs of all records merged into this row.", Access::Issuance(texts!(record.event_ids, EmptyList::Kept))).without_dictionary().pruned_by(Pruning::Bloom),
    Column::new(Group::Record, "event_time", "When the call was recorded (eventTime).", Access::Issuance(Field::Timestamp { read: |row| Some(row.record.event_time), write: |row, value| row.record.event_time = value })).required().pruned_by(Pruning::Pages),
    Column::new(Group::Record, "event_source", "The service that was called, such as sts.amazonaws.com.", Access::Issuance(text!(record.event_source))),
    Column::new(Group::Record, "event_name", "The call, such as AssumeRole.", Access::Issuance(text!(record.event_name))),
    Column::new(Group::Record, "aws_region", "The region of the call.", Access::Issuance(text!(record.aws_region))),
    Column::new(Group::Record, "recipient_account_id", "The account whose trail recorded the call.", Access::Issuance(text!(record.recipient_account_id))),
    Column::new(Group::Record, "request_id", "The service's ID of the request.", Access::Issuance(text!(record.request_id))).without_dictionary(),
    Column::new(Group::Record, "shared_event_id", "The ID that the copies of one cross-account call share.", Access::Issuance(text!(record.shared_event_id))).without_dictionary(),
    Column::new(Group::Record, "replaces_event_id", "The event ID of the earlier record that this addendum brings up to date.", Access::Issuance(text!(record.replaces_event_id))).without_dictionary(),
    Column::new(Group::Record, "addendum_reason", "Why CloudTrail delivered the record again or late.", Access::Issuance(text!(record.addendum_reason))),
    Column::new(Group::Record, "source_ip_address", "The address the call came from, or the name of the service that made it.", Access::Issuance(text!(record.source_ip_address))),
    Column::new(Group::Record, "user_agent", "The program that made the call, as it names itself.", Access::Issuance(text!(record.user_agent))).pruned_by(Pruning::Nothing),
    Column::new(Group::Record, "endpoint_type", "The kind of STS endpoint that served the call: regional or global.", Access::Issuance(text!(record.endpoint_type))),
    Column::new(Group::Record, "serving_region", "The region whose STS endpoint served the call.", Access::Issuance(text!(record.serving_region))),
    Column::new(Group::Record, "vpc_endpoint_id", "The VPC endpoint the call went through.", Access::Issuance(text!(record.vpc_endpoint_id))),
    Column::new(Group::Record, "vpc_endpoint_account_id", "The account of that VPC endpoint.", Access::Issuance(text!(record.vpc_endpoint_account_id))),
    Column::new(Group::Record, "outcome", "issued where credentials were handed out, failed where the call was refused or went wrong.", Access::Issuance(word!(record.outcome))),
    Column::new(Group::Record, "error_code", "The error code of a failed call.", Access::Issuance(text!(record.error_code))),
    Column::new(Group::Record, "error_message", "The error message of a failed call.", Access::Issuance(text!(record.error_message))).pruned_by(Pruning::Nothing),
    Column::new(Group::Record, "log_objects", "The log objects that hold the record: s3://bucket/key, or a path below the ingested folder.", Access::Issuance(texts!(log_objects, EmptyList::Kept))),
    Column::new(Group::Session, "session_type", "What kind of credentials: AssumedRole, AssumedRoot, SessionToken, FederatedUser, Console, Delegated, WebIdentity, Witness (a call that tells of a session without issuing it) or Unknown.", Access::Issuance(word!(session.session_type))),
    Column::new(Group::Session, "access_key_id", "The access key ID that was handed out.", Access::Issuance(text!(session.access_key_id))).without_dictionary().pruned_by(Pruning::Bloom),
    Column::new(Group::Session, "session_principal_id", "The principal ID under which the session makes calls, such as AROA…:name.", Access::Issuance(text!(session.session_principal_id))).without_dictionary().pruned_by(Pruning::Bloom),
    Column::new(Group::Session, "session_arn", "The ARN under which the session makes calls.", Access::Issuance(text!(session.session_arn))).without_dictionary().pruned_by(Pruning::Bloom),
    Column::new(Group::Session, "session_name", "The role session name, or the federated user's name.", Access::Issuance(text!(session.session_name))).without_dictionary(),
    Column::new(Group::Session, "role_arn", "The ARN of the role, with its path where the request names it.", Access::Issuance(text!(session.role_arn))),
    Column::new(Group::Session, "role_name", "The name of the role, without its path.", Access::Issuance(text!(session.role_name))),
    Column::new(Group::Session, "role_account_id", "The account of the role.", Access::Issuance(text!(session.role_account_id))),
    Column::new(Group::Session, "expires_at", "When the credentials expire, as logged; console sessions outlive it.", Access::Issuance(moment!(session.expires_at))),
    Column::new(Group::Session, "duration_seconds", "The duration asked for, in seconds.", Access::Issuance(int!(session.duration_seconds))),
    Column::new(Group::Session, "external_id", "The external ID sent with the call.", Access::Issuance(text!(session.external_id))),
    Column::new(Group::Session, "source_identity", "The source identity set on this call or carried along the chain.", Access::Issuance(text!(session.source_identity))),
    Column::new(Group::Session, "identity_provider_arn", "The ARN of the SAML or OIDC provider, or of the trust anchor.", Access::Issuance(text!(session.identity_provider_arn))),
    Column::new(Group::Session, "oidc_audience", "The audience of the web identity token.", Access::Issuance(text!(session.oidc_audience))),
    Column::new(Group::Session, "provided_context_arns", "The providers of the contexts sent with the call.", Access::Issuance(texts!(session.provided_context_arns, EmptyList::Null))),
    Column::new(Group::Session, "task_policy_arn", "The task policy that limits an AssumeRoot session.", Access::Issuance(text!(session.task_policy_arn))),
    Column::new(Group::Session, "explicit_trust_grant", "Whether the role trusts the caller by name, and not only through the account.", Access::Issuance(flag!(session.explicit_trust_grant))),
    Column::new(Group::Tags, "session_tags", "The session tags of this call.", Access::Issuance(tags!(tags.session_tags))),
    Column::new(Group::Tags, "inherited_tags", "The transitive tags that came along the chain, as logged.", Access::Issuance(tags!(tags.inherited_tags))),
    Column::new(Group::Tags, "transitive_tag_keys", "The keys of this call's tags that pass on to the next role.", Access::Issuance(texts!(tags.transitive_tag_keys, EmptyList::Null))),
    Column::new(Group::Tags, "effective_tags", "The session tags in force: inherited ones and those of this call; tags of the IAM role itself are not in the logs.", Access::Session(tags!(effective_tags))),
    Column::new(Group::Tags, "effective_tag_pairs", "The session tags in force, each as key=value, for filters.", Access::Session(Field::TextPairs { read: |row| &row.effective_tags })),
    Column::new(Group::Tags, "effective_transitive_tag_keys", "The keys of the session tags in force that pass on to the next role.", Access::Session(texts!(effective_transitive_tag_keys, EmptyList::Null))),
    Column::new(Group::Tags, "effective_tags_known", "False where a parent's tags are unknown, so that effective_tags may lack inherited ones.", Access::Session(known_flag!(effective_tags_known))),
    Column::new(Group::Policy, "session_policy", "The inline session policy, as sent.", Access::Issuance(text!(policy.session_policy))).pruned_by(Pruning::Nothing),
    Column::new(Group::Policy, "session_policy_sha256", "SHA-256 of the inline policy's canonical JSON (RFC 8785), or of its text where it is not JSON.", Access::Issuance(text!(policy.session_policy_sha256))),
    Column::new(Group::Policy, "session_policy_raw_sha256", "SHA-256 of the inline policy as sent.", Access::Issuance(text!(policy.session_policy_raw_sha256))),
    Column::new(Group::Policy, "session_policy_arns", "The managed policies passed as session policies.", Access::Issuance(texts!(policy.session_policy_arns, EmptyList::Null))),
    Column::new(Group::Policy, "session_scope_sha256", "One SHA-256 over inline policy and managed policies: same restriction, same value.", Access::Issuance(text!(policy.session_scope_sha256))),
    Column::new(Group::Policy, "packed_policy_size", "How much of the size limit policies and tags use up, in percent.", Access::Issuance(int!(policy.packed_policy_size))),
    Column::new(Group::Mfa, "mfa_serial_number", "The MFA device named on this call.", Access::Issuance(text!(mfa.mfa_serial_number))),
    Column::new(Group::Mfa, "caller_mfa", "Whether the caller's session was made with MFA, as logged.", Access::Issuance(flag!(mfa.caller_mfa))),
    Column::new(Group::Mfa, "session_mfa", "Whether MFA was presented on this call; null where the call cannot take it.", Access::Issuance(flag!(mfa.session_mfa))),
    Column::new(Group::Mfa, "origin_mfa", "Whether MFA was presented at the first hop or in the origin's session; null when unknown.", Access::Session(flag!(origin_mfa))),
    Column::new(Group::Mfa, "chain_mfa_lost", "Whether MFA stood at the origin and stands neither on this call nor in the caller's session.", Access::Session(flag!(chain_mfa_lost))),
    Column::new(Group::Caller, "caller_type", "The caller's userIdentity.type, such as IAMUser or AssumedRole.", Access::Issuance(text!(caller.caller_type))),
    Column::new(Group::Caller, "caller_arn", "The caller's ARN.", Access::Issuance(text!(caller.caller_arn))),
    Column::new(Group::Caller, "caller_principal_id", "The caller's principal ID.", Access::Issuance(text!(caller.caller_principal_id))),
    Column::new(Group::Caller, "caller_account_id", "The caller's account.", Access::Issuance(text!(caller.caller_account_id))),
    Column::new(Group::Caller, "caller_user_name", "The caller's user name.", Access::Issuance(text!(caller.caller_user_name))),
    Column::new(Group::Caller, "caller_access_key_id", "The access key ID the call was made with.", Access::Issuance(text!(caller.caller_access_key_id))).without_dictionary().pruned_by(Pruning::Bloom),
    Column::new(Group::Caller, "caller_session_issuer_arn", "The ARN of the role behind the caller's session, with its path, or of the federated user's issuer.", Access::Issuance(text!(caller.caller_session_issuer_arn))),
    Column::new(Group::Caller, "caller_session_created_at", "When the caller's session was created.", Access::Issuance(moment!(caller.caller_session_created_at))),
    Column::new(Group::Caller, "caller_source_identity", "The source identity of the caller's session.", Access::Issuance(text!(caller.caller_source_identity))),
    Column::new(Group::Caller, "caller_invoked_by", "The AWS service that made the call on the caller's behalf.", Access::Issuance(text!(caller.caller_invoked_by))),
    Column::new(Group::Caller, "caller_identity_provider", "The identity provider that vouches for the caller.", Access::Issuance(text!(caller.caller_identity_provider))),
    Column::new(Group::Caller, "caller_on_behalf_of_user_id", "The Identity Center user the call was made for.", Access::Issuance(text!(caller.caller_on_behalf_of_user_id))),
    Column::new(Group::Caller, "caller_on_behalf_of_identity_store_arn", "The identity store of that user.", Access::Issuance(text!(caller.caller_on_behalf_of_identity_store_arn))),
    Column::new(Group::Caller, "caller_in_scope_of_arn", "The resource that the caller's credentials were handed to, such as a function.", Access::Issuance(text!(caller.caller_in_scope_of_arn))),
    Column::new(Group::Caller, "caller_ec2_role_delivery", "The version of the instance metadata service that delivered the caller's credentials.", Access::Issuance(text!(caller.caller_ec2_role_delivery))),
    Column::new(Group::Caller, "caller_from_console", "Whether the call was made from a console session.", Access::Issuance(flag!(caller.caller_from_console))),
    Column::new(Group::Caller, "caller_sign_in_session_arn", "The ARN of the sign-in session behind the caller.", Access::Issuance(text!(caller.caller_sign_in_session_arn))),
    Column::new(Group::Link, "link_status", "origin where the caller starts the chain, linked where the caller's session was issued by a row of this table, gap where that issuance cannot be named.", Access::Session(word!(link.status))),
    Column::new(Group::Link, "link_evidence", "On what the link stands: issued_key (the caller's key is the one handed out) or session_context (principal and creation time agree).", Access::Session(word_or_null!(link.evidence))),
    Column::new(Group::Link, "link_candidates", "The event IDs of all issuances that fit, when more than one.", Access::Session(texts!(link.candidates, EmptyList::Null))).without_dictionary(),
    Column::new(Group::Link, "gap_reason", "Why the row is a gap: not_in_logs, caller_copy_missing, ambiguous or loop.", Access::Session(word_or_null!(link.gap_reason))),
    Column::new(Group::Link, "parent_event_id", "The event ID of the issuance of the caller's session.", Access::Session(text!(link.parent_event_id))).without_dictionary().pruned_by(Pruning::Bloom),
    Column::new(Group::Link, "parent_access_key_id", "The access key ID that issuance handed out, as logged.", Access::Session(text!(link.parent_access_key_id))).without_dictionary(),
    Column::new(Group::Origin, "origin_known", "False in a gap and behind one: the origin columns then name the furthest principal known.", Access::Session(Field::Bool { read: |row| Some(row.origin.known), write: |row, value| origin(row).known = value })),
    Column::new(Group::Origin, "origin_type", "What started the chain: IAMUser, Root, SAMLUser, WebIdentityUser, IdentityCenterUser, AWSService, Compute, Certificate, AWSAccount, AssumedRole or Unknown.", Access::Session(Field::Text { read: |row| Some(row.origin.origin_type.text()), write: |row, value| set_word(&mut origin(row).origin_type, &value) })).pruned_by(Pruning::Pages),
    Column::new(Group::Origin, "origin_arn", "The ARN of the identity that started the chain.", Access::Session(origin_text!(arn))).pruned_by(Pruning::Pages),
    Column::new(Group::Origin, "origin_name", "What a person recognises: user name, subject, service, instance, function, pod or certificate subject.", Access::Session(origin_text!(name))),
    Column::new(Group::Origin, "origin_account_id", "The account of the identity that started the chain.", Access::Session(origin_text!(account_id))),
    Column::new(Group::Origin, "origin_principal_id", "The principal ID of the identity that started the chain.", Access::Session(origin_text!(principal_id))),
    Column::new(Group::Origin, "origin_identity_provider", "The identity provider or identity store that vouches for it.", Access::Session(origin_text!(identity_provider))),
    Column::new(Group::Origin, "origin_access_key_id", "The access key ID that the caller of the first hop used.", Access::Session(origin_text!(access_key_id))),
    Column::new(Group::Origin, "origin_event_id", "The event ID of the first hop.", Access::Session(Field::Text { read: |row| Some(&row.origin.event_id), write: |row, value| { origin(row).event_id = value; true } })).without_dictionary(),
    Column::new(Group::Origin, "origin_event_time", "When the first hop was recorded.", Access::Session(Field::Timestamp { read: |row| Some(row.origin.event_time), write: |row, value| origin(row).event_time = value })),
    Column::new(Group::Origin, "origin_source_ip_address", "The address the first hop came from, or the name of the service that made it.", Access::Session(origin_text!(source_ip_address))),
    Column::new(Group::Origin, "origin_user_agent", "The program that made the first hop, as it names itself.", Access::Session(origin_text!(user_agent))).pruned_by(Pruning::Nothing),
    Column::new(Group::Chain, "chain_depth", "How many ancestors are known; 0 where the caller is the origin, or a gap.", Access::Session(Field::Int { read: |row| Some(row.chain.depth), write: |row, value| row.chain.depth = value })),
    Column::new(Group::Chain, "chain", "The ancestors, origin first, this session excluded; for display.", Access::Session(Field::Hops { read: |row| &row.chain.hops, write: |row| &mut row.chain.hops })),
    Column::new(Group::Chain, "chain_event_ids", "The event IDs of the ancestors, origin first.", Access::Session(Field::HopTexts { read: |row| &row.chain.hops, write: |row| &mut row.chain.hops, read_text: |hop| Some(&hop.event_id), write_text: |hop, value| hop.event_id = value })).without_dictionary(),
    Column::new(Group::Chain, "chain_access_key_ids", "The access key IDs that the ancestors' calls handed out, as logged; null where none was.", Access::Session(hop_text!(access_key_id))).without_dictionary(),
    Column::new(Group::Chain, "chain_role_arns", "The roles of the ancestors; null where it was none.", Access::Session(hop_text!(role_arn))),
    Column::new(Group::Chain, "chain_account_ids", "The accounts of the ancestors' sessions.", Access::Session(hop_text!(account_id))),
    Column::new(Group::Chain, "chain_truncated", "Whether older ancestors were cut from the chain columns; origin and depth stay exact.", Access::Session(known_flag!(chain.truncated))),
    Column::new(Group::Chain, "crosses_accounts", "Whether the chain, origin and this session included, touches more than one account.", Access::Session(known_flag!(chain.crosses_accounts))),
    Column::new(Group::Program, "extract_version", "The version of the extraction rules that read the record; the highest wins.", Access::Issuance(Field::Int { read: |row| Some(row.extract_version), write: |row, value| row.extract_version = value })),
];
