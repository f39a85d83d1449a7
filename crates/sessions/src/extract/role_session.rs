//! What all calls that assume a role share: the role, the session, its restrictions.

use trailback_cloudtrail::{Fields, Record};

use super::credentials::{self, number};
use super::envelope::was_issued;
use super::{restrictions, tags};
use crate::arn::{self, Arn, Principal};
use crate::issuance::{Issuance, SessionFacts, SessionType, Text};

/// CloudTrail cuts `errorMessage` at this many bytes.
const ERROR_MESSAGE_BYTES_MAX: usize = 1024;

/// Reads a call that assumes a role. `issued` is where the credentials stand: the response itself, or a part of it.
pub(super) fn read(
    record: &Record<'_>,
    request: Fields<'_>,
    issued: Fields<'_>,
    row: &mut Issuance,
) {
    let session = &mut row.session;
    session.session_type = SessionType::AssumedRole;
    credentials::read(issued, session);
    session.duration_seconds = number(request, "durationSeconds");
    session.source_identity = issued
        .text("sourceIdentity")
        .or_else(|| request.text("sourceIdentity"))
        .map(Text::from);
    session.explicit_trust_grant = record.additional_event_data().bool("explicitTrustGrant");
    let role_arn = request
        .text("roleArn")
        .or_else(|| issued.text("roleArn"))
        .or_else(|| resource_arn(record, "AWS::IAM::Role"))
        .or_else(|| record.error_message().and_then(role_refused));
    session.role_arn = role_arn.map(Text::from);
    // Roles Anywhere took the name as `sessionName` once.
    session.session_name = request
        .text("roleSessionName")
        .or_else(|| request.text("sessionName"))
        .map(Text::from);
    read_assumed_role_user(issued, session);
    name_role(role_arn, session);
    if was_issued(row) {
        build_session_arn(role_arn, &mut row.session);
    }
    row.tags = tags::read(request);
    row.policy = restrictions::read(request, issued);
}

/// Reads `assumedRoleUser`: the identity under which the session will make its calls.
pub(super) fn read_assumed_role_user(issued: Fields<'_>, session: &mut SessionFacts) {
    let user = issued.object("assumedRoleUser");
    session.session_principal_id = user.text("assumedRoleId").map(Text::from);
    if let Some(session_arn) = user.text("arn") {
        name_session(session_arn.into(), session);
    }
}

/// Sets the ARN under which a session makes calls, and the role, account and name that stand in it.
pub(super) fn name_session(session_arn: Text, session: &mut SessionFacts) {
    if let Some(arn) = Arn::parse(&session_arn) {
        match arn.principal() {
            Some(Principal::RoleSession {
                role_name,
                session_name,
            }) => {
                session.role_name = Some(role_name.into());
                session.role_account_id = Some(arn.account_id.into());
                session.session_name = Some(session_name.into());
            }
            Some(Principal::FederatedUser { name }) => session.session_name = Some(name.into()),
            _ => {}
        }
    }
    session.session_arn = Some(session_arn);
}

/// Names the role by its ARN, as far as the session's own ARN did not.
pub(super) fn name_role(role_arn: Option<&str>, session: &mut SessionFacts) {
    let Some(arn) = role_arn.and_then(Arn::parse) else {
        return;
    };
    let Some(Principal::Role { name }) = arn.principal() else {
        return;
    };
    session.role_name.get_or_insert_with(|| name.into());
    session
        .role_account_id
        .get_or_insert_with(|| arn.account_id.into());
}

/// Builds the session's ARN where the response does not name it, as for EC2, Lambda and some of RDS.
fn build_session_arn(role_arn: Option<&str>, session: &mut SessionFacts) {
    if session.session_arn.is_some() {
        return;
    }
    session.session_arn = session_arn_of(role_arn, session);
}

fn session_arn_of(role_arn: Option<&str>, session: &SessionFacts) -> Option<Text> {
    let partition = Arn::parse(role_arn?)?.partition;
    let account_id = session.role_account_id.as_ref()?;
    let role_name = session.role_name.as_ref()?;
    let session_name = session.session_name.as_ref()?;
    Some(arn::role_session(
        partition,
        account_id,
        role_name,
        session_name,
    ))
}

/// The ARN of the first resource of this type that the record lists.
pub(super) fn resource_arn<'r>(record: &'r Record<'_>, kind: &str) -> Option<&'r str> {
    record
        .resources()
        .find(|resource| resource.text("type") == Some(kind))
        .and_then(|resource| resource.text("ARN").or_else(|| resource.text("arn")))
}

/// The role that a refusal names: `… is not authorized to perform: sts:AssumeRole on resource: <role ARN>`.
///
/// Refused calls are logged without their parameters, so that the message is the only place that names the role. `None`
/// where the message is cut within the ARN.
fn role_refused(error_message: &str) -> Option<&str> {
    let resource = refused_resource(error_message)?;
    match Arn::parse(resource)?.principal()? {
        Principal::Role { name } if name.bytes().all(is_name_character) => Some(resource),
        _ => None,
    }
}

/// The ARN after `on resource: ` in a refusal, where it stands there whole.
pub(super) fn refused_resource(error_message: &str) -> Option<&str> {
    let (_, rest) = error_message.split_once("on resource: ")?;
    let resource = rest.split(char::is_whitespace).next()?;
    let at_the_end = resource.len() == rest.len();
    // The mark of the cut takes up to three bytes.
    let cut = at_the_end && error_message.len() > ERROR_MESSAGE_BYTES_MAX - 3;
    (!cut && !resource.contains('…') && !resource.ends_with("...")).then_some(resource)
}

/// The characters of role names (IAM quotas: `[\w+=,.@-]`).
fn is_name_character(character: u8) -> bool {
    character.is_ascii_alphanumeric() || b"_+=,.@-".contains(&character)
}
