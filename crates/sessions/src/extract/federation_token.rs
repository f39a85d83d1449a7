//! GetFederationToken: credentials for a federated user, a name with part of an IAM user's rights.

use trailback_cloudtrail::Record;

use super::credentials::{self, number};
use super::envelope::was_issued;
use super::role_session::name_session;
use super::{restrictions, tags};
use crate::arn::{self, Arn};
use crate::issuance::{CallerFacts, Issuance, SessionType, Text};

pub(super) fn read(record: &Record<'_>, row: &mut Issuance) {
    let request = record.request_parameters();
    let response = record.response_elements();
    let session = &mut row.session;
    session.session_type = SessionType::FederatedUser;
    credentials::read(response, session);
    session.duration_seconds = number(request, "durationSeconds");
    session.source_identity = request.text("sourceIdentity").map(Text::from);
    session.session_name = request.text("name").map(Text::from);
    let user = response.object("federatedUser");
    session.session_principal_id = user.text("federatedUserId").map(Text::from);
    if let Some(session_arn) = user.text("arn") {
        name_session(session_arn.into(), session);
    }
    if was_issued(row) {
        build_identity(row);
    }
    row.tags = tags::read(request);
    row.policy = restrictions::read(request, response);
}

/// Names the federated user by the caller's account and the name asked for, where the response does not.
fn build_identity(row: &mut Issuance) {
    let Some(name) = row.session.session_name.clone() else {
        return;
    };
    let Some((partition, account_id)) = partition_and_account(&row.caller) else {
        return;
    };
    let session = &mut row.session;
    session
        .session_arn
        .get_or_insert_with(|| arn::federated_user(partition, account_id, &name));
    session
        .session_principal_id
        .get_or_insert_with(|| [account_id, ":", &*name].concat().into());
}

fn partition_and_account(caller: &CallerFacts) -> Option<(&str, &str)> {
    let arn = Arn::parse(caller.caller_arn.as_deref()?)?;
    (!arn.account_id.is_empty()).then_some((arn.partition, arn.account_id))
}
