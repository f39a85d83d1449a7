//! A call that this version does not know, whose response carries credentials.

use trailback_cloudtrail::Record;

use super::credentials;
use super::role_session::read_assumed_role_user;
use crate::issuance::{Issuance, SessionType};

/// Whether the record's own response hands out an access key.
pub(super) fn issues_credentials(record: &Record<'_>) -> bool {
    record
        .response_elements()
        .object("credentials")
        .text("accessKeyId")
        .is_some()
}

pub(super) fn read(record: &Record<'_>, row: &mut Issuance) {
    let response = record.response_elements();
    row.session.session_type = SessionType::Unknown;
    credentials::read(response, &mut row.session);
    read_assumed_role_user(response, &mut row.session);
}
