//! AssumeRoot: a privileged root session of a member account, for one task.

use trailback_cloudtrail::Record;
use trailback_cloudtrail::object_key::is_account_id;

use super::credentials::{self, number};
use super::envelope::was_issued;
use super::role_session::refused_resource;
use crate::arn::{self, Arn};
use crate::issuance::{Issuance, SessionType, Text};

/// The session makes its calls as the root user of the member account: its principal ID is the account's ID.
pub(super) fn read(record: &Record<'_>, row: &mut Issuance) {
    let request = record.request_parameters();
    let response = record.response_elements();
    let session = &mut row.session;
    session.session_type = SessionType::AssumedRoot;
    credentials::read(response, session);
    session.duration_seconds = number(request, "durationSeconds");
    session.source_identity = response
        .text("sourceIdentity")
        .or_else(|| request.text("sourceIdentity"))
        .map(Text::from);
    session.task_policy_arn = request
        .object("taskPolicyArn")
        .text("arn")
        .or_else(|| request.text("taskPolicyArn"))
        .map(Text::from);
    let target = request
        .text("targetPrincipal")
        .or_else(|| record.error_message().and_then(refused_resource));
    let target_arn = target.and_then(Arn::parse);
    let account_id = target_arn.map(|arn| arn.account_id).or(target);
    // A refusal may name every resource, `*`.
    let Some(account_id) = account_id.filter(|account_id| is_account_id(account_id)) else {
        return;
    };
    session.role_account_id = Some(account_id.into());
    if was_issued(row) {
        let partition = target_arn.map_or_else(|| partition_of(row), |arn| arn.partition);
        let session_arn = arn::root(partition, account_id);
        row.session.session_principal_id = Some(account_id.into());
        row.session.session_arn = Some(session_arn);
    }
}

/// The partition of the caller, which is the target's: organisations do not cross partitions.
fn partition_of(row: &Issuance) -> &str {
    match row.caller.caller_arn.as_deref().and_then(Arn::parse) {
        Some(arn) => arn.partition,
        None => arn::partition_of_region(row.record.aws_region.as_deref().unwrap_or_default()),
    }
}
