//! The sign-in page: ConsoleLogin and GetSigninToken, and as witnesses SwitchRole and CreateOAuth2Token.

use trailback_cloudtrail::Record;

use super::credentials;
use super::envelope::was_issued;
use super::role_session::name_session;
use crate::issuance::{Issuance, Outcome, SessionType, Text};

/// A console session of whoever signed in. The console mints keys as it goes, so that no key is ever logged here.
///
/// An IAM user's or root's session begins with this record, and its later calls carry the caller's principal ID. That of
/// a role or a federated user has begun before, with the call that issued its credentials.
pub(super) fn read_console_login(record: &Record<'_>, row: &mut Issuance) {
    let details = record.additional_event_data();
    row.session.session_type = SessionType::Console;
    row.session.identity_provider_arn = details.text("SamlProviderArn").map(Text::from);
    row.mfa.mfa_serial_number = details.text("MFAIdentifier").map(Text::from);
    if !was_issued(row) {
        return;
    }
    name_callers_session(row);
    let begins_here = matches!(row.caller.caller_type.as_deref(), Some("IAMUser" | "Root"));
    if begins_here {
        row.session.session_principal_id = row.caller.caller_principal_id.clone();
    }
    let mfa_used = match row.mfa.mfa_serial_number {
        Some(_) => Some(true),
        None => details.bool("MFAUsed"),
    };
    // To roles and federated users AWS always answers "No": their provider knows, AWS does not.
    row.mfa.session_mfa = mfa_used.filter(|used| *used || begins_here);
}

/// A console session made out of a role's or a federated user's credentials, by the federation endpoint.
pub(super) fn read_sign_in_token(record: &Record<'_>, row: &mut Issuance) {
    row.session.session_type = SessionType::Console;
    credentials::read(record.response_elements(), &mut row.session);
    if was_issued(row) {
        name_callers_session(row);
    }
}

/// The console tells that a role was switched to: the caller logged is the new session already. Its issuance is the
/// AssumeRole of the same second.
pub(super) fn read_switch_role(_: &Record<'_>, row: &mut Issuance) {
    row.session.session_type = SessionType::Witness;
    if was_issued(row) {
        name_callers_session(row);
        row.session.session_principal_id = row.caller.caller_principal_id.clone();
    }
}

/// `aws login` and the AWS MCP server get credentials of the console session that authorised them; the record holds no
/// key.
pub(super) fn read_oauth2_token(record: &Record<'_>, row: &mut Issuance) {
    let details = record.additional_event_data();
    row.session.session_type = SessionType::Witness;
    if details.bool("success") == Some(false) {
        row.record.outcome = Outcome::Failed;
    }
    if row.caller.caller_sign_in_session_arn.is_none() {
        row.caller.caller_sign_in_session_arn = details.text("signInSessionArn").map(Text::from);
    }
    if was_issued(row) {
        name_callers_session(row);
    }
}

/// The session makes its calls under the caller's own ARN.
fn name_callers_session(row: &mut Issuance) {
    let Some(caller_arn) = row.caller.caller_arn.clone() else {
        return;
    };
    name_session(caller_arn, &mut row.session);
    if row.session.role_name.is_some() {
        row.session.role_arn = row.caller.caller_session_issuer_arn.clone();
    }
}
