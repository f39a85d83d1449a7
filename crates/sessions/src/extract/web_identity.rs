//! AssumeRoleWithWebIdentity: a role session for a subject of an OIDC provider.

use trailback_cloudtrail::Record;

use super::role_session;
use crate::issuance::{CallerFacts, Issuance, Text};

pub(super) fn read(record: &Record<'_>, row: &mut Issuance) {
    let response = record.response_elements();
    role_session::read(record, record.request_parameters(), response, row);
    let caller = &row.caller;
    // Google, Amazon, Facebook and Cognito are known by name, all other providers by ARN.
    row.session.identity_provider_arn = response
        .text("provider")
        .or(caller.caller_identity_provider.as_deref())
        .filter(|provider| provider.starts_with("arn:"))
        .map(Text::from);
    row.session.oidc_audience = response
        .text("audience")
        .or_else(|| audience_of(caller))
        .map(Text::from);
}

/// The audience in `provider:audience:subject`, the caller's principal ID. Each of the three may hold colons, but the
/// first and the last are logged beside it.
fn audience_of(caller: &CallerFacts) -> Option<&str> {
    let principal_id = caller.caller_principal_id.as_deref()?;
    principal_id
        .strip_prefix(caller.caller_identity_provider.as_deref()?)?
        .strip_prefix(':')?
        .strip_suffix(caller.caller_user_name.as_deref()?)?
        .strip_suffix(':')
        .filter(|audience| !audience.is_empty())
}
