//! GetDelegatedAccessToken: a session that a customer lets a product provider have for a while.

use trailback_cloudtrail::Record;

use super::credentials::{self, number};
use super::restrictions;
use super::role_session::{name_role, name_session};
use crate::arn::{Arn, Principal};
use crate::issuance::{Issuance, SessionFacts, SessionType};

pub(super) fn read(record: &Record<'_>, row: &mut Issuance) {
    let request = record.request_parameters();
    let response = record.response_elements();
    row.session.session_type = SessionType::Delegated;
    credentials::read(response, &mut row.session);
    row.session.duration_seconds = number(request, "durationSeconds");
    if let Some(principal) = response.text("assumedPrincipal") {
        name_principal(principal, &mut row.session);
    }
    row.policy = restrictions::read(request, response);
}

/// The session has the rights of a principal of the customer's, and makes its calls under its ARN.
fn name_principal(principal: &str, session: &mut SessionFacts) {
    match Arn::parse(principal).and_then(|arn| arn.principal()) {
        Some(Principal::Role { .. }) => {
            session.role_arn = Some(principal.into());
            name_role(Some(principal), session);
        }
        _ => name_session(principal.into(), session),
    }
}
