//! What the ARN and the ID of a principal say by themselves.

/// The parts of a role session's ARN: `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct RoleSession<'a> {
    pub(crate) account_id: &'a str,
    pub(crate) role_name: &'a str,
    pub(crate) session_name: &'a str,
}

impl<'a> RoleSession<'a> {
    /// Reads a role session's ARN; anything else is `None`.
    pub(crate) fn of_arn(arn: &'a str) -> Option<RoleSession<'a>> {
        let (account_id, resource) = account_and_resource(arn)?;
        let (role_name, session_name) = resource.strip_prefix("assumed-role/")?.split_once('/')?;
        Some(RoleSession {
            account_id,
            role_name,
            session_name,
        })
    }
}

/// The account and the resource part of any ARN: `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`.
pub(crate) fn account_and_resource(arn: &str) -> Option<(&str, &str)> {
    let mut parts = arn.splitn(6, ':');
    if parts.next()? != "arn" {
        return None;
    }
    let account_id = parts.nth(3)?;
    Some((account_id, parts.next()?))
}

/// What follows the last `/` or `:`.
pub(crate) fn last_part(arn: &str) -> &str {
    arn.rsplit(['/', ':']).next().unwrap_or(arn)
}
