//! GetSessionToken: temporary credentials of the same IAM user or root, mostly to present MFA.

use trailback_cloudtrail::Record;

use super::assume_role::device_was_presented;
use super::credentials::{self, number};
use super::envelope::was_issued;
use crate::issuance::{Issuance, SessionType, Text};

/// The session makes its calls as the user who asked for it.
pub(super) fn read(record: &Record<'_>, row: &mut Issuance) {
    let request = record.request_parameters();
    row.session.session_type = SessionType::SessionToken;
    credentials::read(record.response_elements(), &mut row.session);
    row.session.duration_seconds = number(request, "durationSeconds");
    row.mfa.mfa_serial_number = request.text("serialNumber").map(Text::from);
    if was_issued(row) {
        row.session.session_principal_id = row.caller.caller_principal_id.clone();
        row.session.session_arn = row.caller.caller_arn.clone();
        // A request for nothing in particular is null; one that is omitted or withheld is not told.
        let is_told = !record.is_request_withheld() && request.value("omitted").is_absent();
        row.mfa.session_mfa = is_told.then(|| device_was_presented(request)).flatten();
    }
}
