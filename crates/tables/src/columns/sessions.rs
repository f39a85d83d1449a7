//! The columns of the table `sessions`, in their order.

use std::sync::Arc;

use trailback_sessions::{Origin, Session};

use super::field::{EmptyList, set, set_known, set_word};
use super::{Access, Column, Field, Group, Word};

macro_rules! hops {
    ($($at:ident).+) => {
        Field::Hops { read: |row| &row.$($at).+, write: |row| &mut row.$($at).+ }
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
pub static SESSIONS: &[Column] = columns! {
    Record Issuance {
        /// CloudTrail's eventID of the issuing call; of a row merged from several copies, that of
        /// the primary copy.
        event_id: text_always!(record.event_id) => required, without_dictionary, with_bloom;
        /// The event IDs of all records merged into this row.
        event_ids: texts!(record.event_ids, EmptyList::Kept) => without_dictionary, with_file_bloom;
        /// When the call was recorded (eventTime).
        event_time: Field::Timestamp {
            read: |row| Some(row.record.event_time),
            write: |row, value| row.record.event_time = value,
        } => required, with_page_statistics;
        /// The service that was called, such as sts.amazonaws.com.
        event_source: text!(record.event_source);
        /// The call, such as AssumeRole.
        event_name: text!(record.event_name);
        /// The region of the call.
        aws_region: text!(record.aws_region);
        /// The account whose trail recorded the call.
        recipient_account_id: text!(record.recipient_account_id);
        /// The service's ID of the request.
        request_id: text!(record.request_id) => without_dictionary;
        /// The ID that the copies of one cross-account call share.
        shared_event_id: text!(record.shared_event_id) => without_dictionary;
        /// The event ID of the earlier record that this addendum brings up to date.
        replaces_event_id: text!(record.replaces_event_id) => without_dictionary, with_file_bloom;
        /// Why CloudTrail delivered the record again or late.
        addendum_reason: text!(record.addendum_reason);
        /// The address the call came from, or the name of the service that made it.
        source_ip_address: text!(record.source_ip_address);
        /// The program that made the call, as it names itself.
        user_agent: text!(record.user_agent) => without_statistics;
        /// The kind of STS endpoint that served the call: regional or global.
        endpoint_type: text!(record.endpoint_type);
        /// The region whose STS endpoint served the call.
        serving_region: text!(record.serving_region);
        /// The VPC endpoint the call went through.
        vpc_endpoint_id: text!(record.vpc_endpoint_id);
        /// The account of that VPC endpoint.
        vpc_endpoint_account_id: text!(record.vpc_endpoint_account_id);
        /// issued where credentials were handed out, failed where the call was refused or went
        /// wrong.
        outcome: word!(record.outcome);
        /// The error code of a failed call.
        error_code: text!(record.error_code);
        /// The error message of a failed call.
        error_message: text!(record.error_message) => without_statistics;
        /// The log objects that hold the record: s3://bucket/key, or a path below the ingested
        /// folder.
        log_objects: texts!(log_objects, EmptyList::Kept);
    }
    Session Issuance {
        /// What kind of credentials: AssumedRole, AssumedRoot, SessionToken, FederatedUser,
        /// Console, Delegated, WebIdentity, Witness (a call that tells of a session without issuing
        /// it) or Unknown.
        session_type: word!(session.session_type);
        /// The access key ID that was handed out.
        access_key_id: text!(session.access_key_id) => without_dictionary, with_file_bloom;
        /// The principal ID under which the session makes calls, such as AROA…:name.
        session_principal_id: text!(session.session_principal_id)
            => without_dictionary, with_file_bloom;
        /// The ARN under which the session makes calls.
        session_arn: text!(session.session_arn) => without_dictionary, with_file_bloom;
        /// The role session name, or the federated user's name.
        session_name: text!(session.session_name) => without_dictionary;
        /// The ARN of the role, with its path where the request names it.
        role_arn: text!(session.role_arn) => with_file_bloom;
        /// The name of the role, without its path.
        role_name: text!(session.role_name) => with_file_bloom;
        /// The account of the role.
        role_account_id: text!(session.role_account_id);
        /// When the credentials expire, as logged; console sessions outlive it.
        expires_at: moment!(session.expires_at);
        /// The duration asked for, in seconds.
        duration_seconds: int!(session.duration_seconds);
        /// The external ID sent with the call.
        external_id: text!(session.external_id);
        /// The source identity set on this call or carried along the chain.
        source_identity: text!(session.source_identity);
        /// The ARN of the SAML or OIDC provider, or of the trust anchor.
        identity_provider_arn: text!(session.identity_provider_arn);
        /// The audience of the web identity token.
        oidc_audience: text!(session.oidc_audience);
        /// The providers of the contexts sent with the call.
        provided_context_arns: texts!(session.provided_context_arns, EmptyList::Null);
        /// The task policy that limits an AssumeRoot session.
        task_policy_arn: text!(session.task_policy_arn);
        /// Whether the role trusts the caller by name, and not only through the account.
        explicit_trust_grant: flag!(session.explicit_trust_grant);
    }
    Tags Issuance {
        /// The session tags of this call; a key or value that is there and is not shown is `(withheld)`.
        session_tags: tags!(tags.session_tags);
        /// The transitive tags that came along the chain, as logged.
        inherited_tags: tags!(tags.inherited_tags);
        /// The keys of this call's tags that pass on to the next role.
        transitive_tag_keys: texts!(tags.transitive_tag_keys, EmptyList::Null);
    }
    Tags Session {
        /// The session tags in force: inherited ones and those of this call; tags of the IAM role
        /// itself are not in the logs.
        effective_tags: tags!(effective_tags);
        /// The session tags in force, each as key=value, for filters.
        effective_tag_pairs: Field::TextPairs {
            read: |row| &row.effective_tags,
        };
        /// The keys of the session tags in force that pass on to the next role.
        effective_transitive_tag_keys: texts!(effective_transitive_tag_keys, EmptyList::Null);
        /// False where effective_tags may lack some: a parent's tags are unknown, or AWS sets or withholds tags that no record shows.
        effective_tags_known: known_flag!(effective_tags_known);
    }
    Policy Issuance {
        /// The inline session policy, as sent.
        session_policy: text!(policy.session_policy) => without_statistics;
        /// SHA-256 of the inline policy's canonical JSON (RFC 8785), or of its text where it is not
        /// JSON.
        session_policy_sha256: text!(policy.session_policy_sha256);
        /// SHA-256 of the inline policy as sent.
        session_policy_raw_sha256: text!(policy.session_policy_raw_sha256);
        /// The managed policies passed as session policies.
        session_policy_arns: texts!(policy.session_policy_arns, EmptyList::Null);
        /// One SHA-256 over inline policy and managed policies: same restriction, same value.
        session_scope_sha256: text!(policy.session_scope_sha256);
        /// How much of the size limit policies and tags use up, in percent.
        packed_policy_size: int!(policy.packed_policy_size);
    }
    Mfa Issuance {
        /// The MFA device named on this call.
        mfa_serial_number: text!(mfa.mfa_serial_number);
        /// Whether the caller's session was made with MFA, as logged.
        caller_mfa: flag!(mfa.caller_mfa);
        /// Whether MFA was presented on this call; null where the call cannot take it, or the record does not tell its request.
        session_mfa: flag!(mfa.session_mfa);
    }
    Mfa Session {
        /// Whether MFA was presented at the first hop or in the origin's session; null when
        /// unknown, false only of IAM users and root.
        origin_mfa: flag!(origin_mfa);
        /// Whether MFA stood at the origin and stands neither on this call nor in the caller's
        /// session.
        chain_mfa_lost: flag!(chain_mfa_lost);
    }
    Caller Issuance {
        /// The caller's userIdentity.type, such as IAMUser or AssumedRole.
        caller_type: text!(caller.caller_type);
        /// The caller's ARN.
        caller_arn: text!(caller.caller_arn);
        /// The caller's principal ID.
        caller_principal_id: text!(caller.caller_principal_id);
        /// The caller's account.
        caller_account_id: text!(caller.caller_account_id);
        /// The caller's user name.
        caller_user_name: text!(caller.caller_user_name);
        /// The access key ID the call was made with.
        caller_access_key_id: text!(caller.caller_access_key_id) => without_dictionary, with_bloom;
        /// The ARN of the role behind the caller's session, with its path, or of the federated
        /// user's issuer.
        caller_session_issuer_arn: text!(caller.caller_session_issuer_arn);
        /// When the caller's session was created.
        caller_session_created_at: moment!(caller.caller_session_created_at);
        /// The source identity of the caller's session.
        caller_source_identity: text!(caller.caller_source_identity);
        /// The AWS service that made the call on the caller's behalf.
        caller_invoked_by: text!(caller.caller_invoked_by);
        /// The identity provider that vouches for the caller.
        caller_identity_provider: text!(caller.caller_identity_provider);
        /// The Identity Center user the call was made for.
        caller_on_behalf_of_user_id: text!(caller.caller_on_behalf_of_user_id);
        /// The identity store of that user.
        caller_on_behalf_of_identity_store_arn: text!(caller.caller_on_behalf_of_identity_store_arn);
        /// The resource that the caller's credentials were handed to, such as a function.
        caller_in_scope_of_arn: text!(caller.caller_in_scope_of_arn);
        /// The version of the instance metadata service that delivered the caller's credentials.
        caller_ec2_role_delivery: text!(caller.caller_ec2_role_delivery);
        /// Whether the call was made from a console session.
        caller_from_console: flag!(caller.caller_from_console);
        /// The ARN of the sign-in session behind the caller.
        caller_sign_in_session_arn: text!(caller.caller_sign_in_session_arn);
        /// Whether the caller's session is one of AssumeRoot: the rights of an account's root user, in another's hands.
        caller_assumed_root: flag!(caller.caller_assumed_root);
        /// The account of the product provider to which the caller's rights were delegated for this call.
        caller_delegate_account_id: text!(caller.caller_delegate_account_id);
    }
    Link Session {
        /// origin where the caller starts the chain, linked where the caller's session was issued
        /// by a row of this table, gap where that issuance cannot be named.
        link_status: word!(link.status);
        /// On what the link stands: issued_key (the caller's key is the one handed out) or
        /// session_context (principal and creation time agree).
        link_evidence: word_or_null!(link.evidence);
        /// The event IDs of all issuances that fit, when more than one.
        link_candidates: texts!(link.candidates, EmptyList::Null) => without_dictionary;
        /// Why the row is a gap: not_in_logs, caller_copy_missing, ambiguous or loop.
        gap_reason: word_or_null!(link.gap_reason);
        /// The event ID of the issuance of the caller's session.
        parent_event_id: text!(link.parent_event_id) => without_dictionary, with_bloom;
        /// The access key ID that issuance handed out, as logged.
        parent_access_key_id: text!(link.parent_access_key_id) => without_dictionary;
    }
    Origin Session {
        /// False in a gap and behind one: the origin columns then name the furthest principal
        /// known.
        origin_known: Field::Bool {
            read: |row| Some(row.origin.known),
            write: |row, value| origin(row).known = value,
        };
        /// What started the chain: IAMUser, Root, SAMLUser, WebIdentityUser, IdentityCenterUser,
        /// AWSService, Compute, Certificate, AWSAccount, AssumedRole or Unknown.
        origin_type: Field::Text {
            read: |row| Some(row.origin.origin_type.text()),
            write: |row, value| set_word(&mut origin(row).origin_type, &value),
        } => with_page_statistics;
        /// The ARN of the identity that started the chain.
        origin_arn: origin_text!(arn) => with_page_statistics, with_file_bloom;
        /// What a person recognises: user name, subject, service, instance, function, pod or
        /// certificate subject.
        origin_name: origin_text!(name) => with_file_bloom;
        /// The account of the identity that started the chain.
        origin_account_id: origin_text!(account_id);
        /// The principal ID of the identity that started the chain.
        origin_principal_id: origin_text!(principal_id) => with_file_bloom;
        /// The identity provider or identity store that vouches for it.
        origin_identity_provider: origin_text!(identity_provider);
        /// The access key ID that the caller of the first hop used; null where candidates name several.
        origin_access_key_id: origin_text!(access_key_id) => with_file_bloom;
        /// The event ID of the first hop.
        origin_event_id: Field::Text {
            read: |row| Some(&row.origin.event_id),
            write: |row, value| {
                origin(row).event_id = value;
                true
            },
        } => without_dictionary;
        /// When the first hop was recorded.
        origin_event_time: Field::Timestamp {
            read: |row| Some(row.origin.event_time),
            write: |row, value| origin(row).event_time = value,
        };
        /// The address the first hop came from, or the name of the service that made it; null where
        /// candidates name several.
        origin_source_ip_address: origin_text!(source_ip_address);
        /// The program that made the first hop, as it names itself; null where candidates name several.
        origin_user_agent: origin_text!(user_agent) => without_statistics;
    }
    Chain Session {
        /// How many ancestors are known; 0 where the caller is the origin, or a gap.
        chain_depth: Field::Int {
            read: |row| Some(row.chain.depth),
            write: |row, value| row.chain.depth = value,
        };
        /// The ancestors, origin first, this session excluded; for display.
        chain: hops!(chain.hops);
        /// The event IDs of the ancestors, origin first.
        chain_event_ids: Field::HopTexts {
            read: |row| &row.chain.hops,
            write: |row| &mut row.chain.hops,
            read_text: |hop| Some(&hop.event_id),
            write_text: |hop, value| hop.event_id = value,
        } => without_dictionary;
        /// The access key IDs that the ancestors' calls handed out, as logged; null where none was.
        chain_access_key_ids: hop_text!(access_key_id) => without_dictionary;
        /// The roles of the ancestors; null where it was none.
        chain_role_arns: hop_text!(role_arn);
        /// The accounts of the ancestors' sessions.
        chain_account_ids: hop_text!(account_id);
        /// Whether older ancestors were cut from the chain columns; origin and depth stay exact.
        chain_truncated: known_flag!(chain.truncated);
        /// Whether the chain, origin and this session included, touches more than one account.
        crosses_accounts: known_flag!(chain.crosses_accounts);
    }
    Program Issuance {
        /// The version of the extraction rules that read the record; the highest wins.
        extract_version: Field::Int {
            read: |row| Some(row.extract_version),
            write: |row, value| row.extract_version = value,
        };
    }
};
