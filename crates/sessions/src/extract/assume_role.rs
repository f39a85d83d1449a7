//! AssumeRole: a role session for a principal with credentials, or for an AWS service.

use trailback_cloudtrail::{Fields, Record};

use super::caller::is_service;
use super::envelope::was_issued;
use super::role_session;
use super::tags::sorted_texts;
use crate::issuance::{Issuance, Text};

pub(super) fn read(record: &Record<'_>, row: &mut Issuance) {
    let request = record.request_parameters();
    role_session::read(record, request, record.response_elements(), row);
    row.session.external_id = request.text("externalId").map(Text::from);
    row.session.provided_context_arns = sorted_texts(
        request
            .list("providedContexts")
            .filter_map(|context| context.text("providerArn")),
    );
    row.mfa.mfa_serial_number = request.text("serialNumber").map(Text::from);
    // A request without the role is not all of it: CloudTrail omits what is too long.
    if can_tell_mfa(row) && request.text("roleArn").is_some() {
        row.mfa.session_mfa = device_was_presented(request);
    }
}

/// Whether a device is named on the call; not known where its name is withheld.
pub(super) fn device_was_presented(request: Fields<'_>) -> Option<bool> {
    let device = request.value("serialNumber");
    match device.is_withheld() {
        true => None,
        false => Some(device.as_text().is_some()),
    }
}

/// Services have no device to present, and a refused call shows nothing.
fn can_tell_mfa(row: &Issuance) -> bool {
    was_issued(row) && !is_service(&row.caller)
}
