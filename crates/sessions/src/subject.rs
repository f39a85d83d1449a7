//! What a trace is asked about: a key, a session, a principal, a role, a user or one record.

use std::str::FromStr;

use trailback_cloudtrail::object_key::is_account_id;

use crate::arn::{self, Arn, Principal};
use crate::issuance::{SessionFacts, Text};
use crate::session::{Evidence, Session};

/// What somebody asks about, told apart by its form alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// `ASIA…` or `AKIA…`: the issued key, or the caller's.
    AccessKeyId(Text),
    /// The ARN of a session: `assumed-role/NAME/SESSION` or `federated-user/NAME`.
    SessionArn(Text),
    /// `AROA…:session`, `AROA…`, `AIDA…` or `ACCOUNT:name`.
    PrincipalId(Text),
    /// The ARN of a role: every session of it.
    RoleArn(Text),
    /// The ARN of an IAM user or root: everything that started with it.
    UserArn(Text),
    /// The ID of a record.
    EventId(Text),
}

/// Why a text names no subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotASubject {
    /// The text, as given.
    pub text: String,
}

impl std::fmt::Display for NotASubject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "`{}` is not an access key ID (ASIA…), a session, role or user ARN, a principal ID (AROA…:name) or an event ID",
            self.text.escape_debug()
        )
    }
}

impl std::error::Error for NotASubject {}

impl FromStr for Subject {
    type Err = NotASubject;

    fn from_str(text: &str) -> Result<Subject, NotASubject> {
        let text = text.trim();
        let subject = if text.starts_with("arn:") {
            of_arn(text)
        } else {
            of_id(text)
        };
        subject.ok_or_else(|| NotASubject {
            text: text.to_owned(),
        })
    }
}

fn of_arn(arn: &str) -> Option<Subject> {
    Some(match Arn::parse(arn)?.principal()? {
        Principal::RoleSession { .. } | Principal::FederatedUser { .. } => {
            Subject::SessionArn(arn.into())
        }
        Principal::Role { .. } => Subject::RoleArn(arn.into()),
        Principal::User { .. } | Principal::Root => Subject::UserArn(arn.into()),
    })
}

fn of_id(id: &str) -> Option<Subject> {
    let is_id = |part: &str| {
        part.len() >= 16
            && part
                .bytes()
                .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    };
    let prefix = id.get(..4).unwrap_or_default();
    if (prefix == "ASIA" || prefix == "AKIA") && is_id(id) {
        return Some(Subject::AccessKeyId(id.into()));
    }
    if matches!(prefix, "AROA" | "AIDA") && is_id(id.split(':').next().unwrap_or_default()) {
        return Some(Subject::PrincipalId(id.into()));
    }
    if let Some((account, name)) = id.split_once(':') {
        return (is_account_id(account) && !name.is_empty())
            .then(|| Subject::PrincipalId(id.into()));
    }
    // The form of a GUID; the documentation's samples have other letters in it.
    let is_event_id = id.len() == 36
        && id.bytes().enumerate().all(|(place, byte)| match place {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_alphanumeric(),
        });
    is_event_id.then(|| Subject::EventId(id.into()))
}

impl Subject {
    /// The text that names the subject.
    pub fn text(&self) -> &Text {
        match self {
            Subject::AccessKeyId(text)
            | Subject::SessionArn(text)
            | Subject::PrincipalId(text)
            | Subject::RoleArn(text)
            | Subject::UserArn(text)
            | Subject::EventId(text) => text,
        }
    }

    /// Whether a row is about the subject: the session itself, or everything that started with it: with a user, or with a session
    /// whose issuance is not in the logs. Of a key that no row hands out these are the calls that were made with it.
    pub fn matches(&self, session: &Session) -> bool {
        let (record, issued) = (&session.issuance.record, &session.issuance.session);
        let is = |field: &Option<Text>, text: &Text| field.as_ref() == Some(text);
        match self {
            Subject::AccessKeyId(id) => {
                is(&issued.access_key_id, id)
                    || is(&session.origin.access_key_id, id)
                    || self.is_used_by(session)
            }
            Subject::SessionArn(arn) => {
                is(&issued.session_arn, arn) || is(&session.origin.arn, arn)
            }
            Subject::PrincipalId(id) => {
                is(&issued.session_principal_id, id)
                    || is(&session.origin.principal_id, id)
                    || is_session_of_role(issued.session_principal_id.as_deref(), id)
                    || is_session_of_role(session.origin.principal_id.as_deref(), id)
            }
            Subject::RoleArn(arn) => {
                is(&issued.role_arn, arn)
                    || is_role(issued, arn)
                    || is_begun_by_role(session.origin.arn.as_deref(), arn)
            }
            Subject::UserArn(arn) => is(&session.origin.arn, arn) || is(&issued.session_arn, arn),
            Subject::EventId(id) => {
                record.event_ids.contains(id) || is(&record.replaces_event_id, id)
            }
        }
    }

    /// Whether the subject is the key with which a row's call was made, and that row is not linked by the issuance of the key:
    /// a key of the console or of Identity Center, which no record hands out. A row that is so linked is a child of the
    /// session asked about.
    pub fn is_used_by(&self, session: &Session) -> bool {
        let Subject::AccessKeyId(id) = self else {
            return false;
        };
        session.issuance.caller.caller_access_key_id.as_ref() == Some(id)
            && session.link.evidence != Some(Evidence::IssuedKey)
    }
}

/// A bare `AROA…` stands for every session of its role.
fn is_session_of_role(session_principal_id: Option<&str>, role_id: &str) -> bool {
    session_principal_id
        .and_then(|id| id.split_once(':'))
        .is_some_and(|(role, _)| role == role_id)
}

/// A role's path is not in every record: account and name decide.
fn is_role(issued: &SessionFacts, arn: &str) -> bool {
    let Some(arn) = Arn::parse(arn) else {
        return false;
    };
    let same_name = matches!(arn.principal(), Some(Principal::Role { name }) if issued.role_name.as_deref() == Some(name));
    same_name && issued.role_account_id.as_deref() == Some(arn.account_id)
}

/// A chain that stops at a session of the role: its origin is that session.
fn is_begun_by_role(origin_arn: Option<&str>, role_arn: &str) -> bool {
    let sessions = arn::start_of_session_arns(role_arn);
    origin_arn
        .zip(sessions)
        .is_some_and(|(arn, sessions)| arn.starts_with(&sessions))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<fn(Text) -> Subject>) {
        assert_eq!(
            text.parse().ok(),
            expected.map(|subject| subject(text.trim().into())),
            "{text}"
        );
    }

    #[test]
    fn a_subject_is_known_by_its_form() {
        check("ASIAIOSFODNN7EXAMPLE", Some(Subject::AccessKeyId));
        check("AKIAIOSFODNN7EXAMPLE", Some(Subject::AccessKeyId));
        check(
            "arn:aws:sts::111122223333:assumed-role/deploy/ann",
            Some(Subject::SessionArn),
        );
        check(
            "arn:aws-cn:sts::111122223333:federated-user/ann",
            Some(Subject::SessionArn),
        );
        check(
            "arn:aws:iam::111122223333:role/team/deploy",
            Some(Subject::RoleArn),
        );
        check("arn:aws:iam::111122223333:user/ann", Some(Subject::UserArn));
        check("arn:aws:iam::111122223333:root", Some(Subject::UserArn));
        check(
            "AROAIOSFODNN7EXAMPLE:ann@example.com",
            Some(Subject::PrincipalId),
        );
        check("AIDAIOSFODNN7EXAMPLE", Some(Subject::PrincipalId));
        check("111122223333:ann", Some(Subject::PrincipalId));
        check(
            "1917948f-3042-46ec-98e2-62865EXAMPLE",
            Some(Subject::EventId),
        );
    }

    #[test]
    fn what_names_nothing_is_refused_with_what_would() {
        for text in [
            "",
            "ann",
            "arn:aws:s3:::bucket",
            "asiaiosfodnn7example",
            "ASIA",
            "-\u{1b}[31m:x",
            "ledger-restore",
            "i-0a1b2c3d4e5f60718",
        ] {
            let refused = text.parse::<Subject>().expect_err(text);
            assert!(
                !refused.to_string().contains('\u{1b}') && refused.to_string().contains("ASIA…")
            );
        }
    }
}
