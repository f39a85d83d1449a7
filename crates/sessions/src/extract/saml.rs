//! AssumeRoleWithSAML: a role session for a user of a SAML provider; Identity Center issues its sessions with it, too.

use trailback_cloudtrail::Record;

use super::role_session::{self, resource_arn};
use crate::issuance::{Issuance, Text};

pub(super) fn read(record: &Record<'_>, row: &mut Issuance) {
    let request = record.request_parameters();
    role_session::read(record, request, record.response_elements(), row);
    row.session.identity_provider_arn = request
        .text("principalArn")
        .or_else(|| resource_arn(record, "AWS::IAM::SAMLProvider"))
        .map(Text::from);
}
