//! How requests fail when a test wants them to.

use std::collections::HashMap;
use std::fmt;

use bytes::Bytes;
use futures::stream::{self, StreamExt};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{HeaderMap, HeaderValue};
use hyper::{Method, StatusCode};
use percent_encoding::percent_decode_str;
use s3s::{Body, HttpRequest, HttpResponse, S3Error, S3ErrorCode, StdError};

/// What goes wrong with one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is done; 500 `InternalError`.
    Fails,
    /// It is done; the answer is 500 `InternalError` all the same.
    FailsAfter,
    /// Nothing is done; the connection is cut without an answer.
    Cut,
    /// It is done; the connection is cut without an answer.
    CutAfter,
    /// Nothing is done, and no answer ever comes.
    Hangs,
    /// It is done; the answer's body is cut in the middle.
    TornBody,
    /// 503 `SlowDown`.
    Throttled,
    /// 412 `PreconditionFailed`.
    PreconditionFailed,
    /// 409 `ConditionalRequestConflict`: another conditional write to the key is under way.
    Conflict,
    /// 403 `AccessDenied`, as S3 says it when a policy does not allow the request.
    AccessDenied,
    /// 403 `AccessDenied`, as S3 says it when the KMS key of the object may not be used for this action.
    KmsDenied {
        /// `kms:Decrypt` or `kms:GenerateDataKey`.
        action: &'static str,
    },
    /// 301 `PermanentRedirect`: the bucket lies in another region.
    OtherRegion(&'static str),
    /// 400 `ExpiredToken`: the credentials were temporary and are over.
    ExpiredToken,
    /// 403 `InvalidAccessKeyId`.
    UnknownAccessKey,
}

/// A request that came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// S3's name of the operation: `GetObject`, `ListObjectsV2`, …; `Other` where the server knows none.
    pub operation: &'static str,
    /// The bucket.
    pub bucket: String,
    /// The key; the prefix of a listing; empty for [`DeleteObjects`](https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html).
    pub key: String,
    /// How many requests came before it.
    pub nth: usize,
    /// How many requests of the same operation came before it.
    pub nth_of_operation: usize,
}

/// What is done with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Serve,
    Refuse,
    Hang,
    Cut,
}

/// Ends a connection without a further word.
#[derive(Debug)]
pub(super) struct CutConnection;

impl fmt::Display for CutConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cut on purpose")
    }
}

impl std::error::Error for CutConnection {}

/// Decides on a request.
pub(super) type Decide = Box<dyn FnMut(&Request) -> Option<Fault> + Send>;

/// What is to fail, and what came in.
#[derive(Default)]
pub(super) struct Plan {
    decide: Option<Decide>,
    requests: Vec<Request>,
    of_operation: HashMap<&'static str, usize>,
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan")
            .field("requests", &self.requests)
            .finish_non_exhaustive()
    }
}

impl Plan {
    pub(super) fn new(decide: Decide) -> Plan {
        Plan {
            decide: Some(decide),
            ..Plan::default()
        }
    }

    pub(super) fn requests(&self) -> &[Request] {
        &self.requests
    }

    /// Notes a request; tells how it is to fail.
    pub(super) fn note<B>(&mut self, request: &hyper::Request<B>) -> Option<Fault> {
        let mut request = Request::of(request);
        let of_operation = self.of_operation.entry(request.operation).or_default();
        (request.nth, request.nth_of_operation) = (self.requests.len(), *of_operation);
        *of_operation += 1;
        let fault = self.decide.as_mut().and_then(|decide| decide(&request));
        self.requests.push(request);
        fault
    }
}

impl Request {
    /// Reads a path-style request: `/bucket/key?query`.
    fn of<B>(request: &hyper::Request<B>) -> Request {
        let path = request.uri().path().trim_start_matches('/');
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        let query = request.uri().query().unwrap_or_default();
        let parameter = |name: &str| {
            let found = form_urlencoded::parse(query.as_bytes()).find(|(found, _)| found == name);
            found.map(|(_, value)| value.into_owned())
        };
        let operation = match (request.method(), key.is_empty()) {
            (&Method::GET, true) if parameter("list-type").is_some() => "ListObjectsV2",
            (&Method::HEAD, true) => "HeadBucket",
            (&Method::PUT, true) => "CreateBucket",
            (&Method::POST, true) if parameter("delete").is_some() => "DeleteObjects",
            (&Method::GET, false) => "GetObject",
            (&Method::HEAD, false) => "HeadObject",
            (&Method::PUT, false) => "PutObject",
            (&Method::DELETE, false) => "DeleteObject",
            _ => "Other",
        };
        let key = percent_decode_str(key).decode_utf8_lossy().into_owned();
        Request {
            operation,
            bucket: bucket.to_owned(),
            key: if operation == "ListObjectsV2" {
                parameter("prefix").unwrap_or_default()
            } else {
                key
            },
            nth: 0,
            nth_of_operation: 0,
        }
    }
}

impl Fault {
    /// What is done with the request in the first place.
    pub(super) fn step(&self) -> Step {
        match self {
            Fault::FailsAfter | Fault::CutAfter | Fault::TornBody => Step::Serve,
            Fault::Cut => Step::Cut,
            Fault::Hangs => Step::Hang,
            _ => Step::Refuse,
        }
    }

    /// What is made of the answer to a request that was served.
    pub(super) async fn spoil(self, response: HttpResponse) -> Result<HttpResponse, CutConnection> {
        match self {
            Fault::FailsAfter => refusal(&Fault::Fails),
            Fault::CutAfter => Err(CutConnection),
            Fault::TornBody => tear(response).await,
            _ => Ok(response),
        }
    }

    fn error(&self) -> S3Error {
        let say = |code, message: &str| S3Error::with_message(code, message.to_owned());
        match self {
            Fault::Throttled => say(S3ErrorCode::SlowDown, "Please reduce your request rate."),
            Fault::PreconditionFailed => say(
                S3ErrorCode::PreconditionFailed,
                "At least one of the pre-conditions you specified did not hold",
            ),
            Fault::Conflict => say(
                S3ErrorCode::ConditionalRequestConflict,
                "The conditional request cannot succeed due to a conflicting operation against this resource.",
            ),
            Fault::AccessDenied => say(
                S3ErrorCode::AccessDenied,
                "User: arn:aws:iam::111122223333:user/anna is not authorized to perform this action because no identity-based policy allows it",
            ),
            Fault::KmsDenied { action } => say(
                S3ErrorCode::AccessDenied,
                &format!(
                    "User: arn:aws:iam::111122223333:user/anna is not authorized to perform: {action} on resource: arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab because no identity-based policy allows the {action} action"
                ),
            ),
            Fault::OtherRegion(region) => other_region(region),
            Fault::ExpiredToken => {
                say(S3ErrorCode::ExpiredToken, "The provided token has expired.")
            }
            Fault::UnknownAccessKey => say(
                S3ErrorCode::InvalidAccessKeyId,
                "The AWS Access Key Id you provided does not exist in our records.",
            ),
            _ => say(
                S3ErrorCode::InternalError,
                "We encountered an internal error. Please try again.",
            ),
        }
    }
}

fn other_region(region: &'static str) -> S3Error {
    let mut error = S3Error::with_message(
        S3ErrorCode::PermanentRedirect,
        "The bucket you are attempting to access must be addressed using the specified endpoint.",
    );
    let mut headers = HeaderMap::new();
    headers.insert("x-amz-bucket-region", HeaderValue::from_static(region));
    error.set_status_code(StatusCode::MOVED_PERMANENTLY);
    error.set_headers(headers);
    error
}

/// The answer that says what is wrong.
pub(super) fn refusal(fault: &Fault) -> Result<HttpResponse, CutConnection> {
    fault.error().to_http_response().map_err(|_| CutConnection)
}

/// Reads a request to its end.
pub(super) async fn take_in(
    request: hyper::Request<Incoming>,
) -> Result<HttpRequest, CutConnection> {
    let (head, body) = request.into_parts();
    let content = body.collect().await.map_err(|_| CutConnection)?.to_bytes();
    Ok(HttpRequest::from_parts(head, super::whole(content)))
}

/// Sends the first half of the body, then cuts the connection.
async fn tear(response: HttpResponse) -> Result<HttpResponse, CutConnection> {
    let (mut head, body) = response.into_parts();
    let content = BodyExt::collect(body)
        .await
        .map_err(|_| CutConnection)?
        .to_bytes();
    head.headers
        .insert(hyper::header::CONTENT_LENGTH, content.len().into());
    let half = content.slice(..content.len() / 2);
    let cut = async {
        // A pause, in which the first half goes out.
        tokio::task::yield_now().await;
        Err::<Frame<Bytes>, StdError>(CutConnection.into())
    };
    let frames = stream::iter([Ok(Frame::data(half))]).chain(stream::once(cut));
    let body = Body::http_body_unsync(StreamBody::new(frames));
    Ok(HttpResponse::from_parts(head, body))
}
