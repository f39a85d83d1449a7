//! The envelope of one API call, as recorded.

use std::fmt;

use memchr::memmem;
use simd_json::{Buffers, Node, Tape};
use thiserror::Error;

use crate::fields::{Fields, Members};
use crate::timestamp::Timestamp;
use crate::user_identity::UserIdentity;

/// How deep a record given to [`Record::parse`] may nest. Real records nest less than 20 deep.
pub(crate) const DEPTH_MAX: u32 = 256;

/// One element of `Records`: one API call, parsed.
///
/// Every member may be missing; what is of another kind than AWS documents counts as missing. Of a member that occurs
/// twice the last one counts. Source: AWS, "CloudTrail record contents for management, data, and network activity
/// events".
pub struct Record<'a> {
    /// The record's values in the order written; the first node is the record itself.
    tape: Tape<'a>,
    /// Where on the tape the value of each [`Member`] begins; 0 where it is absent.
    values: [u32; MEMBERS],
}

/// Why a record cannot be read. It names the record's place and ID, never its contents.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{}: {fault}", Place(self))]
pub struct RecordError {
    /// The place of the record in its log object, counted from 0; `None` for a record on its own.
    pub record: Option<u64>,
    /// `eventID`, where it can be found all the same.
    pub event_id: Option<String>,
    /// What is wrong with it.
    pub fault: RecordFault,
}

/// What is wrong with a record.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum RecordFault {
    /// An element of `Records` is something else than an object.
    #[error("is {found} where an object belongs")]
    NotAnObject {
        /// What stands there: "a number", "a list" …
        found: &'static str,
    },
    /// It is not valid JSON, or not valid UTF-8.
    #[error("is not valid JSON at byte {at} of the record ({reason})")]
    NotJson {
        /// Offset in the record, in bytes; where the parser noticed.
        at: usize,
        /// The parser's word for it.
        reason: String,
    },
    /// It is longer than the limit; its bytes were passed by, not kept.
    #[error("is longer than {limit} bytes; raise the record limit if it is genuine")]
    TooLong {
        /// [`Limits::record_bytes_max`](crate::Limits::record_bytes_max).
        limit: usize,
    },
    /// It nests deeper than the limit.
    #[error("nests deeper than {limit} levels")]
    TooDeep {
        /// [`Limits::depth_max`](crate::Limits::depth_max).
        limit: u32,
    },
}

/// `addendum`: why a record came late or twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Addendum<'r> {
    /// `reason`: `DELIVERY_DELAY`, `UPDATED_DATA` or `SERVICE_OUTAGE`.
    pub reason: Option<&'r str>,
    /// `originalEventID`: the record that this one corrects.
    pub original_event_id: Option<&'r str>,
}

impl<'a> Record<'a> {
    /// Parses one record on its own. The bytes are the parser's workspace: they are changed.
    ///
    /// # Errors
    ///
    /// When the text is not valid JSON, nests deeper than 256 levels, or is no object.
    pub fn parse(json: &'a mut [u8]) -> Result<Record<'a>, RecordError> {
        let event_id = find_event_id(json);
        let mut buffers = Buffers::with_max_depth(json.len(), DEPTH_MAX as usize);
        simd_json::to_tape_with_buffers(json, &mut buffers)
            .map_err(|error| RecordFault::of_parser(&error, DEPTH_MAX))
            .and_then(Record::of)
            .map_err(|fault| fault.of_record(None, event_id))
    }

    /// The record whose values `tape` holds.
    pub(crate) fn of(tape: Tape<'a>) -> Result<Record<'a>, RecordFault> {
        match tape.0.first() {
            Some(Node::Object { .. }) => {}
            first => {
                return Err(RecordFault::NotAnObject {
                    found: kind_of(first),
                });
            }
        }
        let values = locate_members(&tape.0);
        Ok(Record { tape, values })
    }

    /// The tape, to be used again.
    pub(crate) fn into_tape(self) -> Tape<'a> {
        self.tape
    }

    /// `eventVersion`: `1.08`.
    #[must_use]
    pub fn event_version(&self) -> Option<&str> {
        self.text(Member::EventVersion)
    }

    /// `eventID`.
    #[must_use]
    pub fn event_id(&self) -> Option<&str> {
        self.text(Member::EventId)
    }

    /// `eventTime`: when the request was completed, to the second.
    #[must_use]
    pub fn event_time(&self) -> Option<Timestamp> {
        self.text(Member::EventTime).and_then(Timestamp::parse)
    }

    /// `eventSource`: `sts.amazonaws.com`.
    #[must_use]
    pub fn event_source(&self) -> Option<&str> {
        self.text(Member::EventSource)
    }

    /// `eventName`: `AssumeRole`.
    #[must_use]
    pub fn event_name(&self) -> Option<&str> {
        self.text(Member::EventName)
    }

    /// `eventType`: `AwsApiCall`; AWS itself spells some of them in two ways, so compare without case.
    #[must_use]
    pub fn event_type(&self) -> Option<&str> {
        self.text(Member::EventType)
    }

    /// `eventCategory`: `Management`, `Data` or `NetworkActivity`.
    #[must_use]
    pub fn event_category(&self) -> Option<&str> {
        self.text(Member::EventCategory)
    }

    /// `awsRegion`.
    #[must_use]
    pub fn aws_region(&self) -> Option<&str> {
        self.text(Member::AwsRegion)
    }

    /// `sourceIPAddress`: an address, a service's name, or `AWS Internal`.
    #[must_use]
    pub fn source_ip_address(&self) -> Option<&str> {
        self.text(Member::SourceIpAddress)
    }

    /// `userAgent`.
    #[must_use]
    pub fn user_agent(&self) -> Option<&str> {
        self.text(Member::UserAgent)
    }

    /// `errorCode`: present where the call failed.
    #[must_use]
    pub fn error_code(&self) -> Option<&str> {
        self.text(Member::ErrorCode)
    }

    /// Whether there is an `errorCode` of whatever kind, also one that cannot be read.
    #[must_use]
    pub fn has_error_code(&self) -> bool {
        let code = self.value(Member::ErrorCode);
        !code.is_absent() && !code.is_empty_text()
    }

    /// `errorMessage`: cut by AWS at 1 KB.
    #[must_use]
    pub fn error_message(&self) -> Option<&str> {
        self.text(Member::ErrorMessage)
    }

    /// `requestID`.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.text(Member::RequestId)
    }

    /// `recipientAccountId`: the account whose trail holds this record.
    #[must_use]
    pub fn recipient_account_id(&self) -> Option<&str> {
        self.text(Member::RecipientAccountId)
    }

    /// `sharedEventID`: the same in the records of one call that went to several accounts.
    #[must_use]
    pub fn shared_event_id(&self) -> Option<&str> {
        self.text(Member::SharedEventId)
    }

    /// `vpcEndpointId`.
    #[must_use]
    pub fn vpc_endpoint_id(&self) -> Option<&str> {
        self.text(Member::VpcEndpointId)
    }

    /// `vpcEndpointAccountId`.
    #[must_use]
    pub fn vpc_endpoint_account_id(&self) -> Option<&str> {
        self.text(Member::VpcEndpointAccountId)
    }

    /// `sessionCredentialFromConsole`: whether the credentials are those of a console session; AWS writes it only
    /// where it is true.
    #[must_use]
    pub fn session_credential_from_console(&self) -> Option<bool> {
        self.value(Member::SessionCredentialFromConsole).as_bool()
    }

    /// `addendum`.
    #[must_use]
    pub fn addendum(&self) -> Option<Addendum<'_>> {
        let addendum = self.value(Member::Addendum);
        addendum.is_object().then(|| Addendum {
            reason: addendum.text("reason"),
            original_event_id: addendum.text("originalEventID"),
        })
    }

    /// `userIdentity`: who made the call.
    #[must_use]
    pub fn user_identity(&self) -> UserIdentity<'_> {
        UserIdentity::read(self.value(Member::UserIdentity))
    }

    /// `requestParameters`: nothing where they are null, omitted for their size, or a text.
    #[must_use]
    pub fn request_parameters(&self) -> Fields<'_> {
        self.value(Member::RequestParameters).if_object()
    }

    /// Whether `requestParameters` are there and are no object: withheld, or omitted for their size.
    #[must_use]
    pub fn is_request_withheld(&self) -> bool {
        let request = self.value(Member::RequestParameters);
        !request.is_absent() && !request.is_object()
    }

    /// `responseElements`: nothing where they are null, omitted for their size, or a text.
    #[must_use]
    pub fn response_elements(&self) -> Fields<'_> {
        self.value(Member::ResponseElements).if_object()
    }

    /// `additionalEventData`: nothing where it is absent or a text.
    #[must_use]
    pub fn additional_event_data(&self) -> Fields<'_> {
        self.value(Member::AdditionalEventData).if_object()
    }

    /// `serviceEventDetails`: nothing where they are absent or a text.
    #[must_use]
    pub fn service_event_details(&self) -> Fields<'_> {
        self.value(Member::ServiceEventDetails).if_object()
    }

    /// `resources`: what the call touched; each has `accountId`, `type` and `ARN` (`arn` or `ARNPrefix` in some).
    pub fn resources(&self) -> impl Iterator<Item = Fields<'_>> {
        self.value(Member::Resources).elements()
    }

    fn text(&self, member: Member) -> Option<&str> {
        self.value(member).as_text()
    }

    fn value(&self, member: Member) -> Fields<'_> {
        match self.values[member as usize] {
            0 => Fields::default(),
            at => Fields::of(self.tape.0.get(at as usize..).unwrap_or_default()),
        }
    }
}

impl fmt::Debug for Record<'_> {
    /// Its name and ID, never its contents: a record may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("event_id", &self.event_id())
            .field("event_name", &self.event_name())
            .finish_non_exhaustive()
    }
}

/// The members of a record that have a getter.
#[derive(Clone, Copy)]
enum Member {
    AdditionalEventData,
    Addendum,
    AwsRegion,
    ErrorCode,
    ErrorMessage,
    EventCategory,
    EventId,
    EventName,
    EventSource,
    EventTime,
    EventType,
    EventVersion,
    RecipientAccountId,
    RequestId,
    RequestParameters,
    Resources,
    ResponseElements,
    ServiceEventDetails,
    SessionCredentialFromConsole,
    SharedEventId,
    SourceIpAddress,
    UserAgent,
    UserIdentity,
    VpcEndpointAccountId,
    VpcEndpointId,
}

const MEMBERS: usize = Member::VpcEndpointId as usize + 1;

impl Member {
    fn named(name: &str) -> Option<Member> {
        Some(match name {
            "additionalEventData" => Member::AdditionalEventData,
            "addendum" => Member::Addendum,
            "awsRegion" => Member::AwsRegion,
            "errorCode" => Member::ErrorCode,
            "errorMessage" => Member::ErrorMessage,
            "eventCategory" => Member::EventCategory,
            "eventID" => Member::EventId,
            "eventName" => Member::EventName,
            "eventSource" => Member::EventSource,
            "eventTime" => Member::EventTime,
            "eventType" => Member::EventType,
            "eventVersion" => Member::EventVersion,
            "recipientAccountId" => Member::RecipientAccountId,
            "requestID" => Member::RequestId,
            "requestParameters" => Member::RequestParameters,
            "resources" => Member::Resources,
            "responseElements" => Member::ResponseElements,
            "serviceEventDetails" => Member::ServiceEventDetails,
            "sessionCredentialFromConsole" => Member::SessionCredentialFromConsole,
            "sharedEventID" => Member::SharedEventId,
            "sourceIPAddress" => Member::SourceIpAddress,
            "userAgent" => Member::UserAgent,
            "userIdentity" => Member::UserIdentity,
            "vpcEndpointAccountId" => Member::VpcEndpointAccountId,
            "vpcEndpointId" => Member::VpcEndpointId,
            _ => return None,
        })
    }
}

/// Whether a record may begin with a member of this name, so that one by itself can be told from a log object.
pub(crate) fn is_envelope_name(name: &[u8]) -> bool {
    /// Members that have no getter.
    const OTHERS: [&str; 6] = [
        "apiVersion",
        "edgeDeviceDetails",
        "eventContext",
        "managementEvent",
        "readOnly",
        "tlsDetails",
    ];
    std::str::from_utf8(name)
        .is_ok_and(|name| Member::named(name).is_some() || OTHERS.contains(&name))
}

/// One walk over the record's own members, so that a getter need not search.
fn locate_members(tape: &[Node<'_>]) -> [u32; MEMBERS] {
    let mut values = [0; MEMBERS];
    let mut members = Members::of(tape);
    let nodes = members.nodes_left() + 1;
    while let Some((name, value)) = members.next() {
        if let Some(member) = Member::named(name) {
            let at = nodes - members.nodes_left() - value.nodes();
            values[member as usize] = u32::try_from(at).unwrap_or_default();
        }
    }
    values
}

fn kind_of(node: Option<&Node<'_>>) -> &'static str {
    match node {
        None => "nothing",
        Some(Node::String(_)) => "a text",
        Some(Node::Object { .. }) => "an object",
        Some(Node::Array { .. }) => "a list",
        Some(Node::Static(simd_json::StaticNode::Null)) => "null",
        Some(Node::Static(simd_json::StaticNode::Bool(_))) => "a boolean",
        Some(Node::Static(_)) => "a number",
    }
}

impl RecordFault {
    pub(crate) fn of_parser(error: &simd_json::Error, depth_max: u32) -> RecordFault {
        match error.error() {
            simd_json::ErrorType::DepthLimitExceeded => RecordFault::TooDeep { limit: depth_max },
            reason => RecordFault::NotJson {
                at: error.index(),
                reason: format!("{reason:?}"),
            },
        }
    }

    pub(crate) fn of_record(self, record: Option<u64>, event_id: Option<String>) -> RecordError {
        RecordError {
            record,
            event_id,
            fault: self,
        }
    }
}

/// `record 17 (eventID …)`.
struct Place<'e>(&'e RecordError);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("record")?;
        if let Some(record) = self.0.record {
            write!(f, " {record}")?;
        }
        match &self.0.event_id {
            Some(event_id) => write!(f, " (eventID {event_id})"),
            None => Ok(()),
        }
    }
}

/// The event ID of a record that cannot be parsed: the last text that stands behind an `"eventID":`, if it looks like
/// an ID. For error messages only.
pub(crate) fn find_event_id(json: &[u8]) -> Option<String> {
    const NAME: &[u8] = b"\"eventID\"";
    const LENGTH_MAX: usize = 64;
    let after_name = json.get(memmem::rfind(json, NAME)? + NAME.len()..)?;
    let value = after_name
        .trim_ascii_start()
        .strip_prefix(b":")?
        .trim_ascii_start();
    let value = value.strip_prefix(b"\"")?;
    let length = value
        .iter()
        .take(LENGTH_MAX + 1)
        .position(|byte| *byte == b'"')?;
    let event_id = std::str::from_utf8(&value[..length]).ok()?;
    let looks_like_an_id = !event_id.is_empty()
        && event_id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    looks_like_an_id.then(|| event_id.to_owned())
}

#[cfg(test)]
mod tests;
