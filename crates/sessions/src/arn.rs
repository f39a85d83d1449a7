//! ARNs of the principals that appear in records: roles, role sessions, users, federated users, root.
//!
//! Reading is lenient: records hold ARNs of every partition, and samples hold account IDs that are none.

use crate::issuance::Text;

/// An ARN taken apart: `arn:partition:service:region:account-id:resource`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arn<'a> {
    /// `aws`, `aws-cn`, `aws-us-gov` or another partition.
    pub partition: &'a str,
    /// `iam`, `sts`, `rolesanywhere` …
    pub service: &'a str,
    /// The region; empty for IAM and STS.
    pub region: &'a str,
    /// The account; empty where the resource belongs to AWS.
    pub account_id: &'a str,
    /// All that follows, colons included.
    pub resource: &'a str,
}

impl<'a> Arn<'a> {
    /// Takes an ARN apart; `None` where the text is no ARN of six parts.
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.strip_prefix("arn:")?.splitn(5, ':');
        Some(Self {
            partition: parts.next().filter(|part| !part.is_empty())?,
            service: parts.next()?,
            region: parts.next()?,
            account_id: parts.next()?,
            resource: parts.next().filter(|part| !part.is_empty())?,
        })
    }

    /// The principal this ARN names; `None` where it names another kind of resource.
    pub fn principal(&self) -> Option<Principal<'a>> {
        if self.account_id.is_empty() {
            return None;
        }
        match (self.service, self.resource) {
            ("iam", "root") => return Some(Principal::Root),
            ("iam" | "sts", _) => {}
            _ => return None,
        }
        let (kind, rest) = self.resource.split_once('/')?;
        let name = rest.rsplit('/').next().filter(|name| !name.is_empty())?;
        match (self.service, kind) {
            ("iam", "role") => Some(Principal::Role { name }),
            ("iam", "user") => Some(Principal::User { name }),
            ("sts", "federated-user") => Some(Principal::FederatedUser { name: rest }),
            ("sts", "assumed-role") => {
                let (role, session_name) = rest.rsplit_once('/')?;
                let role_name = role.rsplit('/').next().filter(|name| !name.is_empty())?;
                Some(Principal::RoleSession {
                    role_name,
                    session_name,
                })
            }
            _ => None,
        }
    }
}

/// What the ARN of a principal names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Principal<'a> {
    /// An IAM role; the name without its path.
    Role {
        /// The role's name, without path.
        name: &'a str,
    },
    /// A session of a role. Session ARNs do not hold the role's path.
    RoleSession {
        /// The role's name.
        role_name: &'a str,
        /// The session's name.
        session_name: &'a str,
    },
    /// An IAM user; the name without its path.
    User {
        /// The user's name, without path.
        name: &'a str,
    },
    /// A session of GetFederationToken.
    FederatedUser {
        /// The name it was given.
        name: &'a str,
    },
    /// The root user of an account.
    Root,
}

/// A role session as its ARN names it; two are the same where account, role name and session name are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct RoleSession<'a> {
    pub(crate) account_id: &'a str,
    pub(crate) role_name: &'a str,
    pub(crate) session_name: &'a str,
}

impl<'a> RoleSession<'a> {
    /// Reads the ARN of a role session; any other ARN is `None`.
    pub(crate) fn of_arn(text: &'a str) -> Option<RoleSession<'a>> {
        let arn = Arn::parse(text)?;
        match arn.principal()? {
            Principal::RoleSession {
                role_name,
                session_name,
            } => Some(RoleSession {
                account_id: arn.account_id,
                role_name,
                session_name,
            }),
            _ => None,
        }
    }
}

/// How the ARNs of a role's sessions begin. They name the role without its path; `None` where the text is not the ARN of a role.
pub fn start_of_session_arns(role_arn: &str) -> Option<String> {
    let role = Arn::parse(role_arn)?;
    let Principal::Role { name } = role.principal()? else {
        return None;
    };
    let (partition, account_id) = (role.partition, role.account_id);
    Some(format!(
        "arn:{partition}:sts::{account_id}:assumed-role/{name}/"
    ))
}

/// What follows the last `/` or `:`, the name that people use for what an ARN names.
pub(crate) fn last_part(arn: &str) -> &str {
    arn.rsplit(['/', ':']).next().unwrap_or(arn)
}

/// `arn:partition:sts::account:assumed-role/role/session`: the ARN under which a role session makes calls.
pub fn role_session(
    partition: &str,
    account_id: &str,
    role_name: &str,
    session_name: &str,
) -> Text {
    [
        "arn:",
        partition,
        ":sts::",
        account_id,
        ":assumed-role/",
        role_name,
        "/",
        session_name,
    ]
    .concat()
    .into()
}

/// `arn:partition:sts::account:federated-user/name`.
pub fn federated_user(partition: &str, account_id: &str, name: &str) -> Text {
    [
        "arn:",
        partition,
        ":sts::",
        account_id,
        ":federated-user/",
        name,
    ]
    .concat()
    .into()
}

/// `arn:partition:iam::account:root`.
pub fn root(partition: &str, account_id: &str) -> Text {
    ["arn:", partition, ":iam::", account_id, ":root"]
        .concat()
        .into()
}

/// The partition that a region lies in, for ARNs of which the record holds only the account.
pub fn partition_of_region(region: &str) -> &'static str {
    const BY_PREFIX: [(&str, &str); 7] = [
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("us-iso-", "aws-iso"),
        ("us-isob-", "aws-iso-b"),
        ("eu-isoe-", "aws-iso-e"),
        ("us-isof-", "aws-iso-f"),
        ("eusc-", "aws-eusc"),
    ];
    BY_PREFIX
        .iter()
        .find_map(|(prefix, partition)| region.starts_with(prefix).then_some(*partition))
        .unwrap_or("aws")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn principal(text: &str) -> Option<Principal<'_>> {
        Arn::parse(text)?.principal()
    }

    #[test]
    fn a_principal_is_read_without_its_path() {
        let check = |text: &str, expected: Principal<'_>| {
            assert_eq!(principal(text), Some(expected), "{text}")
        };
        check(
            "arn:aws:iam::111122223333:role/deploy",
            Principal::Role { name: "deploy" },
        );
        check(
            "arn:aws-cn:iam::111122223333:role/a/b/deploy",
            Principal::Role { name: "deploy" },
        );
        check(
            "arn:aws:iam::111122223333:user/team/ana",
            Principal::User { name: "ana" },
        );
        check("arn:aws-us-gov:iam::111122223333:root", Principal::Root);
        check(
            "arn:aws:sts::111122223333:federated-user/bob",
            Principal::FederatedUser { name: "bob" },
        );
        check(
            "arn:aws:sts::111122223333:assumed-role/deploy/ana@example.com",
            Principal::RoleSession {
                role_name: "deploy",
                session_name: "ana@example.com",
            },
        );
    }

    #[test]
    fn what_names_no_principal_is_none() {
        for text in [
            "",
            "arn",
            "arn:aws:iam",
            "arn::iam::111122223333:role/x",
            "arn:aws:iam::111122223333:role/",
            "arn:aws:iam::111122223333:role",
            "arn:aws:iam::aws:policy/ReadOnlyAccess",
            "arn:aws:iam:::role/x",
            "arn:aws:s3:::bucket/role/x",
            "arn:aws:sts::111122223333:assumed-role/only-role",
            "arn:aws:sts::111122223333:assumed-role/role/",
            "arn:aws:sts::111122223333:federated-user/",
            "arn:aws:sts::111122223333:role/x",
            "AROAEXAMPLE:session",
        ] {
            assert_eq!(principal(text), None, "{text}");
        }
    }

    #[test]
    fn an_arn_built_is_an_arn_read() {
        let session = role_session("aws-cn", "111122223333", "deploy", "ana");
        assert_eq!(
            &*session,
            "arn:aws-cn:sts::111122223333:assumed-role/deploy/ana"
        );
        assert_eq!(
            principal(&session),
            Some(Principal::RoleSession {
                role_name: "deploy",
                session_name: "ana"
            })
        );
        assert_eq!(
            principal(&root("aws", "111122223333")),
            Some(Principal::Root)
        );
        assert_eq!(
            principal(&federated_user("aws", "111122223333", "bob")),
            Some(Principal::FederatedUser { name: "bob" })
        );
    }

    #[test]
    fn a_region_tells_its_partition() {
        assert_eq!(partition_of_region("cn-north-1"), "aws-cn");
        assert_eq!(partition_of_region("us-gov-west-1"), "aws-us-gov");
        assert_eq!(partition_of_region("us-isob-east-1"), "aws-iso-b");
        assert_eq!(partition_of_region("eu-central-1"), "aws");
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd(text in "(arn)?:?(aws)?:?(iam|sts)?[:/a-zé]{0,24}") {
            let _ = principal(&text);
        }
    }
}
