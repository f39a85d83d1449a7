//! The group Caller: who made the call.

use trailback_cloudtrail::{Record, UserIdentity};

use crate::issuance::{CallerFacts, Text};

/// Reads who made a call, for any record.
pub fn caller_facts(record: &Record<'_>) -> CallerFacts {
    read(record, &record.user_identity())
}

/// Reads who made a call out of its identity, read already.
pub(super) fn read(record: &Record<'_>, identity: &UserIdentity<'_>) -> CallerFacts {
    let session = &identity.session;
    CallerFacts {
        caller_type: identity.kind.map(Text::from),
        caller_arn: identity.arn.map(Text::from),
        caller_principal_id: identity.principal_id.map(Text::from),
        caller_account_id: identity.account_id.map(Text::from),
        caller_user_name: identity.user_name.map(Text::from),
        caller_access_key_id: identity.access_key_id.map(Text::from),
        caller_session_issuer_arn: session.issuer_arn.map(Text::from),
        caller_session_created_at: session.created_at,
        caller_source_identity: session.source_identity.map(Text::from),
        caller_invoked_by: identity.invoked_by.map(Text::from),
        caller_identity_provider: identity.identity_provider.map(Text::from),
        caller_on_behalf_of_user_id: identity.on_behalf_of_user_id.map(Text::from),
        caller_on_behalf_of_identity_store_arn: identity
            .on_behalf_of_identity_store_arn
            .map(Text::from),
        caller_in_scope_of_arn: identity.in_scope_of_source_arn.map(Text::from),
        caller_ec2_role_delivery: session.ec2_role_delivery.map(Text::from),
        caller_from_console: record.session_credential_from_console(),
        caller_sign_in_session_arn: session.sign_in_session_arn.map(Text::from),
        caller_assumed_root: session.assumed_root,
        caller_delegate_account_id: identity.delegate_account_id.map(Text::from),
    }
}

/// Whether an AWS service made the call on its own behalf. Records of service events name it without a type.
pub(super) fn is_service(caller: &CallerFacts) -> bool {
    match caller.caller_type.as_deref() {
        Some(kind) => kind == "AWSService",
        None => caller.caller_invoked_by.is_some(),
    }
}
