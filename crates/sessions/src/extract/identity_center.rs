//! IAM Identity Center, as witnesses: CreateToken, CreateTokenWithIAM and GetRoleCredentials.
//!
//! The issuance of an Identity Center session is the AssumeRoleWithSAML in the account it is for.

use trailback_cloudtrail::Record;

use crate::issuance::{Issuance, SessionType, Text};

/// A user fetched credentials of a permission set; role and account stand in `serviceEventDetails`.
pub(super) fn read_role_credentials(record: &Record<'_>, row: &mut Issuance) {
    let session = &mut row.session;
    session.session_type = SessionType::Witness;
    let said = [record.service_event_details(), record.request_parameters()];
    let find = |logged: &str, sent: &str| {
        said.iter()
            .find_map(|fields| fields.text(logged).or_else(|| fields.text(sent)))
    };
    session.role_name = find("role_name", "roleName").map(Text::from);
    session.role_account_id = find("account_id", "accountId").map(Text::from);
}

/// A user signed in to the access portal, a tool or an application.
pub(super) fn read_token(record: &Record<'_>, row: &mut Issuance) {
    row.session.session_type = SessionType::Witness;
    let details = record.additional_event_data();
    let caller = &mut row.caller;
    if caller.caller_on_behalf_of_user_id.is_none() {
        caller.caller_on_behalf_of_user_id = details.text("identitystore:UserId").map(Text::from);
        caller.caller_on_behalf_of_identity_store_arn = details
            .text("identitystore:IdentityStoreArn")
            .map(Text::from);
    }
}
