//! What the SDK says when something went wrong, in plain words: which permission, setting or name to mend.
//!
//! No error of the SDK is shown as it is: they are pages long, and some repeat the request with its signature.
//!
//! Sources: AWS, "Error responses" of the Amazon S3 API Reference; "Actions, resources, and condition keys for Amazon
//! S3"; "Troubleshoot access denied (403 Forbidden) errors in Amazon S3".

use std::error::Error;
use std::io;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};

use crate::store::StoreError;

/// How much of S3's own words is handed on, in characters.
const SAID_CHARS_MAX: usize = 300;

/// What was asked of S3.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    pub(super) operation: Operation,
    pub(super) bucket: &'a str,
    /// The key, or the prefix of a listing.
    pub(super) key: &'a str,
    /// The region the client is set to.
    pub(super) region: Option<&'a str>,
    /// Where the requests go, if not to AWS.
    pub(super) endpoint: Option<&'a str>,
}

/// Which kind of request it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    List,
    Get,
    GetVersion,
    Head,
    Put,
    Delete,
}

impl Operation {
    fn verb(self) -> &'static str {
        match self {
            Operation::List => "list",
            Operation::Get | Operation::GetVersion => "read",
            Operation::Head => "look at",
            Operation::Put => "write",
            Operation::Delete => "delete",
        }
    }

    /// The permission it needs.
    fn permission(self) -> &'static str {
        match self {
            Operation::List => "s3:ListBucket",
            Operation::Get | Operation::Head => "s3:GetObject",
            Operation::GetVersion => "s3:GetObjectVersion",
            Operation::Put => "s3:PutObject",
            Operation::Delete => "s3:DeleteObject",
        }
    }
}

/// Why a request failed.
#[derive(Clone, Debug)]
pub(super) enum Failure {
    /// S3 answered, but not with what was asked for.
    Refused(Refusal),
    /// No credentials to sign with.
    NoCredentials {
        /// Whether there was a place to have them from, which failed.
        has_source: bool,
    },
    /// Nobody listens there.
    NotConnected(String),
    /// No answer in time.
    TimedOut,
    /// The answer broke off, or is none of S3's.
    Broken(String),
}

/// An answer that says no.
#[derive(Clone, Debug, Default)]
pub(super) struct Refusal {
    status: u16,
    /// S3's name of it; empty on answers to HEAD, which have no body, and on those that are not S3's.
    code: String,
    message: String,
    /// Where the bucket lies, on answers that redirect.
    bucket_region: Option<String>,
}

impl Failure {
    /// Reads an error of the SDK.
    pub(super) fn of<E>(error: SdkError<E, HttpResponse>) -> Failure
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        match &error {
            SdkError::ServiceError(answer) => {
                let (meta, raw) = (answer.err().meta(), answer.raw());
                Failure::Refused(Refusal {
                    status: raw.status().as_u16(),
                    code: meta.code().unwrap_or_default().to_owned(),
                    message: meta.message().unwrap_or_default().to_owned(),
                    bucket_region: raw.headers().get("x-amz-bucket-region").map(str::to_owned),
                })
            }
            SdkError::TimeoutError(_) => Failure::TimedOut,
            SdkError::DispatchFailure(failure) if failure.is_timeout() => Failure::TimedOut,
            SdkError::DispatchFailure(failure) => Failure::of_sending(failure.is_io(), &error),
            SdkError::ResponseError(_) => Failure::Broken("the answer broke off".to_owned()),
            _ => Failure::of_sending(false, &error),
        }
    }

    fn of_sending(is_io: bool, error: &(dyn Error + 'static)) -> Failure {
        let mut innermost = error;
        while let Some(cause) = innermost.source() {
            if let Some(credentials) = cause.downcast_ref::<CredentialsError>() {
                return Failure::NoCredentials {
                    has_source: !matches!(credentials, CredentialsError::CredentialsNotLoaded(_)),
                };
            }
            innermost = cause;
        }
        let reason = shortened(&innermost.to_string());
        if is_io {
            Failure::NotConnected(reason)
        } else {
            Failure::Broken(reason)
        }
    }

    /// A failure told within an answer, as for one key of many.
    pub(super) fn of_code(code: Option<&str>, message: Option<&str>) -> Failure {
        Failure::Refused(Refusal {
            code: code.unwrap_or_default().to_owned(),
            message: message.unwrap_or_default().to_owned(),
            ..Refusal::default()
        })
    }

    /// A request that could not even be built.
    pub(super) fn unsound(error: aws_sdk_s3::error::BuildError) -> Failure {
        Failure::Broken(shortened(&error.to_string()))
    }

    /// A body that cannot be had whole.
    pub(super) fn broken(reason: &str) -> Failure {
        Failure::Broken(reason.to_owned())
    }

    /// Whether another write to the key was under way: nothing was written, and trying again may tell more.
    pub(super) fn is_conflict(&self) -> bool {
        matches!(self, Failure::Refused(refusal) if refusal.status == 409)
    }

    /// Whether a range starts beyond the object's end.
    pub(super) fn is_beyond_the_end(&self) -> bool {
        matches!(self, Failure::Refused(refusal) if refusal.status == 416)
    }

    /// Whether the bucket is there, but not the object that was asked for.
    pub(super) fn is_absent_object(&self, operation: Operation) -> bool {
        matches!(self, Failure::Refused(refusal) if refusal.is_absent_object(operation))
    }

    /// Says what went wrong with what was asked for.
    pub(super) fn explain(self, asked: &Asked<'_>) -> StoreError {
        let unavailable = |reason: String| StoreError::Unavailable {
            location: asked.location(),
            action: asked.operation.verb(),
            cause: io::Error::other(reason),
        };
        if asked.region.is_none() && !matches!(self, Failure::Refused(_)) {
            return asked.unusable("no AWS region is set; set AWS_REGION to that of the bucket");
        }
        match self {
            Failure::Refused(refusal) => refusal.explain(asked),
            Failure::NoCredentials { has_source: false } => asked.unusable(
                "no AWS credentials were found; sign in and set AWS_PROFILE, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run where a role gives them",
            ),
            Failure::NoCredentials { has_source: true } => asked.unusable(
                "the AWS credentials cannot be had from where they are configured, perhaps because a sign-in is over; `aws sts get-caller-identity` tells more",
            ),
            Failure::NotConnected(reason) => {
                let place = match asked.endpoint {
                    Some(endpoint) => format!("{endpoint} (the endpoint that is set)"),
                    None => format!("S3 in {}", asked.region.unwrap_or_default()),
                };
                unavailable(format!("cannot connect to {place}: {reason}"))
            }
            Failure::TimedOut => unavailable("S3 did not answer in time".to_owned()),
            Failure::Broken(reason) => unavailable(reason),
        }
    }
}

impl Refusal {
    /// Whether S3 says that there is no such object. What is absent is taken as deleted and never read again, so that
    /// only S3's own word counts: a proxy, a wrong endpoint or a broken gateway answers 404 as well.
    fn is_absent_object(&self, operation: Operation) -> bool {
        match &*self.code {
            "NoSuchKey" | "NoSuchVersion" => true,
            // A version that stands for a deletion.
            "MethodNotAllowed" => self.status == 405,
            // An answer to HEAD has no body that could name a reason, nor say whether the bucket or the object is missing.
            "" | "NotFound" => self.status == 404 && operation == Operation::Head,
            _ => false,
        }
    }

    fn explain(self, asked: &Asked<'_>) -> StoreError {
        let location = asked.location();
        if self.is_absent_object(asked.operation) {
            return StoreError::NotFound { location };
        }
        if self.status == 404 && matches!(&*self.code, "" | "NotFound") {
            let cause = "the answer is 404 and no word of S3's; check the endpoint, and what stands between it and here";
            return StoreError::Unavailable {
                location,
                action: asked.operation.verb(),
                cause: io::Error::other(cause),
            };
        }
        match (&*self.code, self.status) {
            ("NoSuchBucket", _) => asked.unusable(&format!(
                "there is no bucket {:?}; check its name, and that this is the account or endpoint that has it",
                asked.bucket
            )),
            ("PreconditionFailed", _) | ("", 412) => StoreError::Precondition { location },
            ("PermanentRedirect" | "TemporaryRedirect" | "AuthorizationHeaderMalformed", _)
            | ("IllegalLocationConstraintException", _)
            | ("", 301 | 307) => asked.unusable(&self.other_region(asked)),
            ("ExpiredToken" | "TokenRefreshRequired" | "RequestExpired", _) => {
                asked.unusable("the AWS credentials have expired; sign in again, or renew them")
            }
            ("InvalidAccessKeyId" | "InvalidToken" | "NotSignedUp", _) => asked.unusable(
                "the AWS credentials are not known there; check AWS_PROFILE or AWS_ACCESS_KEY_ID, and the endpoint",
            ),
            ("SignatureDoesNotMatch", _) => asked.unusable(
                "the AWS credentials do not fit each other; check AWS_SECRET_ACCESS_KEY",
            ),
            ("RequestTimeTooSkewed", _) => {
                asked.unusable("this machine's clock is wrong; set it and run again")
            }
            ("InvalidObjectState", _) => asked.unusable(
                "it lies in an archive (Glacier); restore it first, as with `aws s3api restore-object`",
            ),
            (code, _) if code.starts_with("KMS.") => asked.unusable(&format!(
                "its KMS key cannot be used ({code}); check that the key is enabled and TRAILBACK_KMS_KEY_ID names it. {}",
                self.said()
            )),
            ("AccessDenied" | "", 403) | ("AccessDenied", _) => self.denied(asked),
            // Refused for good, and not for a reason known here.
            (code, 400..=499) if !matches!(self.status, 408 | 409 | 429) => {
                let code = if code.is_empty() { "without a reason" } else { code };
                asked.unusable(&format!("S3 refuses it ({} {code}). {}", self.status, self.said()))
            }
            _ => StoreError::Unavailable {
                location,
                action: asked.operation.verb(),
                cause: io::Error::other(format!("S3 answers {} {}, also when asked again", self.status, self.code)),
            },
        }
    }

    fn denied(&self, asked: &Asked<'_>) -> StoreError {
        StoreError::Denied {
            location: asked.location(),
            action: asked.operation.verb(),
            remedy: self.kms_remedy().unwrap_or_else(|| asked.remedy()),
            cause: io::Error::new(io::ErrorKind::PermissionDenied, self.said()),
        }
    }

    /// What to allow, where S3 was refused the KMS key on the caller's behalf.
    fn kms_remedy(&self) -> Option<String> {
        let words = || {
            self.message
                .split_whitespace()
                .map(|word| word.trim_end_matches([',', '.', ';', ')']))
        };
        let action = words().find(|word| word.starts_with("kms:"))?;
        let resource = words().find(|word| word.starts_with("arn:") && word.contains(":kms:"));
        let resource = resource.unwrap_or("the KMS key of the bucket");
        Some(format!(
            "allow {action} on {resource}, in the policy of this identity and in that of the key"
        ))
    }

    fn other_region(&self, asked: &Asked<'_>) -> String {
        // `the region 'us-east-1' is wrong; expecting 'eu-west-1'`
        let expected = || {
            let (_, rest) = self.message.split_once("expecting '")?;
            rest.split_once('\'').map(|(region, _)| region.to_owned())
        };
        let set = asked.region.unwrap_or("no region");
        match self.bucket_region.clone().or_else(expected) {
            Some(region) => {
                format!("the bucket lies in {region}, but {set} is set; set AWS_REGION to {region}")
            }
            None => format!(
                "the bucket lies in another region than {set}; set AWS_REGION to that of the bucket"
            ),
        }
    }

    /// S3's own words, which name the policy that refuses.
    fn said(&self) -> String {
        if self.message.is_empty() {
            return format!("S3 gives no reason (status {})", self.status);
        }
        format!("S3 says: {}", shortened(&self.message))
    }
}

impl Asked<'_> {
    fn location(&self) -> String {
        let location = format!("s3://{}/{}", self.bucket, self.key);
        location.trim_end_matches('/').to_owned()
    }

    fn unusable(&self, problem: &str) -> StoreError {
        StoreError::Unusable {
            location: self.location(),
            action: self.operation.verb(),
            problem: problem.to_owned(),
        }
    }

    /// What to allow, and where.
    fn remedy(&self) -> String {
        let partition = match self.region {
            Some(region) if region.starts_with("cn-") => "aws-cn",
            Some(region) if region.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        };
        let bucket = format!("arn:{partition}:s3:::{}", self.bucket);
        let permission = self.operation.permission();
        match self.operation {
            Operation::List => format!(
                "allow {permission} on {bucket}, and see that no policy of the bucket denies it"
            ),
            // Without the right to list, S3 does not tell whether an object is there.
            Operation::Get | Operation::GetVersion | Operation::Head => format!(
                "allow {permission} on {bucket}/{} (or, should it not exist, s3:ListBucket on {bucket}), and see that no policy of the bucket denies it",
                self.key
            ),
            Operation::Put | Operation::Delete => format!(
                "allow {permission} on {bucket}/{}, and see that no policy of the bucket denies it",
                self.key
            ),
        }
    }
}

/// One line of bounded length, without a full stop.
fn shortened(text: &str) -> String {
    let line = text
        .lines()
        .next()
        .unwrap_or_default()
        .trim_end_matches('.');
    line.chars()
        .filter(|c| !c.is_control())
        .take(SAID_CHARS_MAX)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained(operation: Operation, status: u16, code: &str) -> StoreError {
        let refusal = Refusal {
            status,
            code: code.to_owned(),
            ..Refusal::default()
        };
        let asked = Asked {
            operation,
            bucket: "b",
            key: "k",
            region: Some("eu-central-1"),
            endpoint: None,
        };
        Failure::Refused(refusal).explain(&asked)
    }

    #[test]
    fn an_object_is_gone_only_where_s3_says_so() {
        use Operation::{Delete, Get, GetVersion, Head, List, Put};
        for (operations, status, code, is_gone) in [
            (&[Get, GetVersion][..], 404, "NoSuchKey", true),
            (&[GetVersion], 404, "NoSuchVersion", true),
            (&[GetVersion], 405, "MethodNotAllowed", true),
            (&[Head], 404, "", true),
            (&[Head], 404, "NotFound", true),
            (&[List, Get, GetVersion, Put, Delete], 404, "", false),
            (
                &[List, Get, GetVersion, Put, Delete],
                404,
                "NotFound",
                false,
            ),
        ] {
            for operation in operations {
                match explained(*operation, status, code) {
                    StoreError::NotFound { .. } if is_gone => {}
                    StoreError::Unavailable { .. } if !is_gone => {}
                    other => panic!("{operation:?} {status} {code:?}: {other:?}"),
                }
            }
        }
        let no_bucket = explained(Get, 404, "NoSuchBucket");
        assert!(
            matches!(no_bucket, StoreError::Unusable { .. }),
            "{no_bucket:?}"
        );
    }
}
