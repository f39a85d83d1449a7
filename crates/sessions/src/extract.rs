//! From a record to an issuance: which calls tell of sessions, and what each of them says.
//!
//! One file per family of calls. To add a call, write its file and its line in [`CALLS`].

mod assume_role;
mod assume_root;
mod caller;
mod cognito;
mod credentials;
mod delegated;
mod envelope;
mod federation_token;
mod identity_center;
mod pod_identity;
mod restrictions;
mod role_session;
mod roles_anywhere;
mod saml;
mod session_token;
mod sign_in;
mod tags;
mod unknown;
mod web_identity;

use trailback_cloudtrail::Record;

pub use caller::caller_facts;

use crate::issuance::{Issuance, MfaFacts, Outcome, SessionType};

/// The version of the extraction, kept in every row. Raise it whenever a record would give another row than before:
/// of two rows of one record the higher version wins (rule L1).
pub const EXTRACT_VERSION: i32 = 3;

const COGNITO: &str = "cognito-identity.amazonaws.com";
const EKS_AUTH: &str = "eks-auth.amazonaws.com";
const ROLES_ANYWHERE: &str = "rolesanywhere.amazonaws.com";
const SIGN_IN: &str = "signin.amazonaws.com";
const SSO: &str = "sso.amazonaws.com";
const SSO_OAUTH: &str = "sso-oauth.amazonaws.com";
const STS: &str = "sts.amazonaws.com";

/// The event sources (`eventSource`) of all calls that tell of sessions. A call of another source is an issuance only
/// where its response carries credentials.
pub const ISSUING_EVENT_SOURCES: &[&str] = &[
    COGNITO,
    EKS_AUTH,
    ROLES_ANYWHERE,
    SIGN_IN,
    SSO,
    SSO_OAUTH,
    STS,
];

/// Fills in what one family of calls says beyond the envelope and the caller.
type Family = fn(&Record<'_>, &mut Issuance);

/// Every known call: `eventSource`, `eventName`, and who reads it.
///
/// Identity Center's calls are logged under either of its two sources.
const CALLS: &[(&str, &str, Family)] = &[
    (STS, "AssumeRole", assume_role::read),
    (STS, "AssumeRoleWithWebIdentity", web_identity::read),
    (STS, "AssumeRoleWithSAML", saml::read),
    (STS, "AssumeRoot", assume_root::read),
    (STS, "GetSessionToken", session_token::read),
    (STS, "GetFederationToken", federation_token::read),
    (STS, "GetDelegatedAccessToken", delegated::read),
    (ROLES_ANYWHERE, "CreateSession", roles_anywhere::read),
    (COGNITO, "GetCredentialsForIdentity", cognito::read),
    (SIGN_IN, "ConsoleLogin", sign_in::read_console_login),
    (SIGN_IN, "GetSigninToken", sign_in::read_sign_in_token),
    (SIGN_IN, "SwitchRole", sign_in::read_switch_role),
    (SIGN_IN, "CreateOAuth2Token", sign_in::read_oauth2_token),
    (
        SSO,
        "GetRoleCredentials",
        identity_center::read_role_credentials,
    ),
    (SSO, "CreateToken", identity_center::read_token),
    (SSO, "CreateTokenWithIAM", identity_center::read_token),
    (
        SSO_OAUTH,
        "GetRoleCredentials",
        identity_center::read_role_credentials,
    ),
    (SSO_OAUTH, "CreateToken", identity_center::read_token),
    (SSO_OAUTH, "CreateTokenWithIAM", identity_center::read_token),
    (EKS_AUTH, "AssumeRoleForPodIdentity", pod_identity::read),
];

/// Why a record of an issuing call is no row.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Nothing names the record.
    #[error("record has no eventID")]
    EventId,
    /// The record has no place in time.
    #[error("record {event_id} has no eventTime that can be read")]
    EventTime {
        /// `eventID` of the record.
        event_id: String,
    },
}

/// Reads the issuance or witness that a record tells of; `None` where its call is neither.
///
/// # Errors
///
/// [`Unreadable`] where such a record has no `eventID` or no readable `eventTime`.
pub fn extract(record: &Record<'_>) -> Result<Option<Issuance>, Unreadable> {
    let Some(read) = family(record) else {
        return Ok(None);
    };
    let mut row = begin(record)?;
    read(record, &mut row);
    Ok(Some(row))
}

/// Reads any record as a witness of its caller's session, to trace who made the call.
///
/// # Errors
///
/// [`Unreadable`] where the record has no `eventID` or no readable `eventTime`.
pub fn observe(record: &Record<'_>) -> Result<Issuance, Unreadable> {
    let mut row = begin(record)?;
    row.session.session_type = SessionType::Witness;
    if row.record.outcome == Outcome::Issued {
        row.record.outcome = Outcome::Used;
    }
    Ok(row)
}

fn family(record: &Record<'_>) -> Option<Family> {
    let (source, name) = (record.event_source(), record.event_name());
    let known = CALLS
        .iter()
        .find(|call| Some(call.1) == name && Some(call.0) == source);
    match known {
        Some((_, _, read)) => Some(*read),
        None => unknown::issues_credentials(record).then_some(unknown::read as Family),
    }
}

/// A row with the groups that every record has: envelope, caller, and the MFA of the caller's session.
fn begin(record: &Record<'_>) -> Result<Issuance, Unreadable> {
    let identity = record.user_identity();
    Ok(Issuance {
        record: envelope::record_facts(record)?,
        caller: caller::read(record, &identity),
        mfa: MfaFacts {
            caller_mfa: identity.session.mfa_authenticated,
            ..MfaFacts::default()
        },
        extract_version: EXTRACT_VERSION,
        ..Issuance::default()
    })
}

#[cfg(test)]
mod tests;
