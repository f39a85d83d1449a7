//! Cognito GetCredentialsForIdentity: credentials for an identity of an identity pool.

use trailback_cloudtrail::Record;

use super::credentials;
use super::role_session::name_role;
use crate::issuance::{Issuance, SessionType, Text};

/// The record names no caller: whoever held the tokens of the identity asked for it. The identity stands in as the caller's
/// name, and the providers it signed in with (never their tokens) as its identity provider.
pub(super) fn read(record: &Record<'_>, row: &mut Issuance) {
    let request = record.request_parameters();
    let response = record.response_elements();
    let session = &mut row.session;
    session.session_type = SessionType::WebIdentity;
    credentials::read(response, session);
    let role_arn = request.text("customRoleArn");
    session.role_arn = role_arn.map(Text::from);
    name_role(role_arn, session);
    let identity: Option<Text> = request
        .text("identityId")
        .or_else(|| response.text("identityId"))
        .map(Text::from);
    session.session_name = identity.clone();
    let caller = &mut row.caller;
    if caller.caller_user_name.is_none() {
        caller.caller_user_name = identity;
    }
    if caller.caller_identity_provider.is_none() {
        let mut providers: Vec<&str> = request
            .object("logins")
            .pairs()
            .map(|(provider, _)| provider)
            .collect();
        providers.sort_unstable();
        caller.caller_identity_provider =
            (!providers.is_empty()).then(|| providers.join(",").into());
    }
}
